"""From a `ModelConfig` to a masked language model of `transformers`, with fresh weights."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch

from dnabert.errors import UserError
from dnabert.models.config import ModelConfig
from dnabert.tokenizer import FIRST_KMER_ID

if TYPE_CHECKING:
    from transformers import PretrainedConfig, PreTrainedModel

    from dnabert.tokenizer import KmerTokenizer


def build_model(config: ModelConfig, *, tokenizer: KmerTokenizer, max_tokens: int, seed: int = 0) -> PreTrainedModel:
    """Make a masked language model with fresh weights that depend on `seed` alone.

    Parameters
    ----------
    config : size and kind.
    tokenizer : gives the vocabulary and the special tokens.
    max_tokens : longest input in tokens, [CLS] and [SEP] included; the reach of BERT's learned positions.
    seed : of the initial weights; the caller's random state is left as it was.

    Returns
    -------
    A model of `transformers` on the CPU in float32, which ``AutoModelForMaskedLM`` loads without remote code (the
    convolution and the LSTM: where `register_architectures` was called).
    """
    architecture = architecture_config(config, tokenizer=tokenizer, max_tokens=max_tokens)
    return begin(architecture, config, k=tokenizer.k, seed=seed).train()


def begin(architecture: PretrainedConfig, config: ModelConfig, *, k: int, seed: int, **options: Any) -> PreTrainedModel:
    """A masked language model as pretraining begins: fresh weights, zeroed and composed as `config` has it.

    It is the fair opponent of what pretraining has made; `options` go to ``from_config``.
    """
    from transformers import AutoModelForMaskedLM

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = AutoModelForMaskedLM.from_config(architecture, **options)
    if config.zero_output_projections:
        _zero_output_projections(model)
    if config.composed_words:
        _compose_words(model, k=k, share=config.composed_words, seed=seed)
    return model


def settings_of(manifest: Mapping[str, Any]) -> ModelConfig:
    """The model settings that a run's manifest states; what it lacks has its default.

    Raises
    ------
    UserError
        when they are none.
    """
    try:
        return ModelConfig(**manifest["config"]["model"])
    except (KeyError, TypeError):
        raise UserError(
            "the run's manifest does not say how its model began: give the folder of train/pretrain.py"
        ) from None


def architecture_config(config: ModelConfig, *, tokenizer: KmerTokenizer, max_tokens: int) -> PretrainedConfig:
    """Translate our words into the configuration class of `transformers`."""
    from transformers import BertConfig, ModernBertConfig

    sizes = {
        "vocab_size": tokenizer.vocab_size,
        "hidden_size": config.hidden_size,
        "num_hidden_layers": config.layers,
        "intermediate_size": config.intermediate_size,
        "pad_token_id": tokenizer.pad_token_id,
    }
    if config.architecture == "convolution":
        from dnabert.models.convolution import ConvolutionConfig

        return ConvolutionConfig(**sizes, kernel_size=config.kernel_size, dropout=config.dropout)
    if config.architecture == "lstm":
        from dnabert.models.lstm import LSTMConfig

        return LSTMConfig(**sizes, dropout=config.dropout)
    shared = {
        **sizes,
        "num_attention_heads": config.heads,
        "attn_implementation": _attention(),
    }
    if config.architecture == "bert":
        return BertConfig(
            **shared,
            max_position_embeddings=max_tokens,
            type_vocab_size=1,
            hidden_dropout_prob=config.dropout,
            attention_probs_dropout_prob=config.dropout,
        )
    return ModernBertConfig(
        **shared,
        max_position_embeddings=max(max_tokens, 512),
        cls_token_id=tokenizer.cls_token_id,
        sep_token_id=tokenizer.sep_token_id,
        bos_token_id=tokenizer.cls_token_id,
        eos_token_id=tokenizer.sep_token_id,
        layer_types=["full_attention"] * config.layers,  # a window is shorter than ModernBERT's local attention
        classifier_pooling="mean",  # no training has asked for the state of [CLS]
        attention_dropout=config.dropout,
        mlp_dropout=config.dropout,
        embedding_dropout=config.dropout,
    )


def register_architectures() -> None:
    """Let ``AutoModel``, and those for masked words, labelled sequences and labelled tokens, load the two architectures
    that `transformers` does not have."""
    import dnabert.models.convolution
    import dnabert.models.lstm  # noqa: F401


def loading_options(architecture: PretrainedConfig) -> dict[str, Any]:
    """What to pass to ``from_pretrained`` and ``from_config``: float32 (a release holds bf16), and the faster
    attention."""
    options: dict[str, Any] = {"dtype": torch.float32}
    if not str(architecture.model_type).startswith("dnabert_"):  # those two of ours have no attention to be told about
        options["attn_implementation"] = _attention()
    return options


def _attention() -> str:
    """PyTorch's fused kernel on a GPU, not over some 70 tokens on a CPU.

    There its backward takes half of a training step, and embedding at 4 x 256 makes 428 windows/s with it, 723 without.
    """
    return "sdpa" if torch.cuda.is_available() else "eager"


def compile_layers(model: PreTrainedModel) -> None:
    """Have each layer compiled at its first use, in place: layers of one kind share one compilation, so it takes
    seconds at any depth.

    Shapes are compiled as they come; what has others (an evaluation) belongs under
    ``torch.compiler.set_stance("force_eager")``.
    """
    body: Any = model.base_model
    layers = body.encoder.layer if hasattr(body, "encoder") else body.layers
    for layer in layers:
        layer.compile(dynamic=False)


@torch.no_grad()
def read_unknown_as_hidden(model: PreTrainedModel, *, tokenizer: KmerTokenizer) -> None:
    """Give [UNK] the vector of [MASK], in place.

    Whoever reads by transformers alone then reads a word with an unknown base as `KmerTokenizer.encode_as_hidden` has
    it read here.
    """
    words: Any = model.get_input_embeddings().weight
    words[tokenizer.unk_token_id] = words[tokenizer.mask_token_id]


def hidden_matrices(model: PreTrainedModel) -> list[str]:
    """Names of the weights inside the layers that Muon trains (not embeddings, head, norms): matrices and kernels."""
    return [
        name
        for name, parameter in model.named_parameters()
        if parameter.ndim >= 2 and (".layers." in name or ".layer." in name)
    ]


@torch.no_grad()
def _zero_output_projections(model: PreTrainedModel) -> None:
    """Zero what writes into the residual stream: attention's and the feed-forward's last matrix."""
    if model.config.model_type == "bert":
        # post-norm: there is no residual stream to start from, and it keeps its own initialisation, as published
        return
    for name, parameter in model.named_parameters():
        if name.endswith(("attn.Wo.weight", "mlp.Wo.weight", ".mixed.weight")):
            parameter.zero_()


@torch.no_grad()
def _compose_words(model: PreTrainedModel, *, k: int, share: float, seed: int) -> None:
    """Give words of like bases like vectors: a random vector per base and place, one per pair of neighbours, one per
    word.

    A vocabulary of 4^k words drawn alone hides that they are made of bases. With the decoder tied to the embeddings
    both reading and predicting begin with that knowledge: on apes_chr22 (k = 6) 2.4 million tokens bring 1.84 bits per
    base instead of 1.92. The spread of the weights stays as the architecture drew it.
    """
    embeddings: Any = model.get_input_embeddings()
    words = embeddings.weight[FIRST_KMER_ID:]
    width, spread = words.shape[1], words.std()
    generator = torch.Generator().manual_seed(seed)
    # of word i in the vocabulary's order
    digits = torch.arange(4**k).unsqueeze(1) // 4 ** torch.arange(k - 1, -1, -1) % 4
    common = _standard(_sum_of_parts(digits, letters=4, width=width, generator=generator))
    if k > 1:
        pairs = digits[:, :-1] * 4 + digits[:, 1:]
        common = _standard(common + _standard(_sum_of_parts(pairs, letters=16, width=width, generator=generator)))
    own = torch.randn(words.shape, generator=generator)
    words.copy_(spread * (math.sqrt(share) * common + math.sqrt(1 - share) * own))


def _sum_of_parts(parts: torch.Tensor, *, letters: int, width: int, generator: torch.Generator) -> torch.Tensor:
    """Sum over places of a random vector per place and letter: (words, places) of letter numbers into (words,
    width)."""
    vectors = torch.randn(parts.shape[1], letters, width, generator=generator)
    return torch.stack([vectors[place][parts[:, place]] for place in range(parts.shape[1])]).sum(0)


def _standard(vectors: torch.Tensor) -> torch.Tensor:
    centred = vectors - vectors.mean(0)
    return centred / centred.std()
