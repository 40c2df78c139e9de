"""From a `ModelConfig` to a masked language model of `transformers`, with fresh weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from dnabert.models.config import ModelConfig

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
    A model of `transformers` on the CPU in float32, which ``AutoModelForMaskedLM`` loads without remote code.
    """
    from transformers import AutoModelForMaskedLM

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = AutoModelForMaskedLM.from_config(architecture_config(config, tokenizer=tokenizer, max_tokens=max_tokens))
    if config.zero_output_projections:
        _zero_output_projections(model)
    return model.train()


def architecture_config(config: ModelConfig, *, tokenizer: KmerTokenizer, max_tokens: int) -> PretrainedConfig:
    """Translate our words into the configuration class of `transformers`."""
    from transformers import BertConfig, ModernBertConfig

    shared = {
        "vocab_size": tokenizer.vocab_size,
        "hidden_size": config.hidden_size,
        "num_hidden_layers": config.layers,
        "num_attention_heads": config.heads,
        "intermediate_size": config.intermediate_size,
        "pad_token_id": tokenizer.pad_token_id,
        # bidirectional attention over 66 tokens: PyTorch's fused kernel costs more than it saves on a CPU
        # (its backward takes half of a training step there), while it is the faster one on a GPU
        "attn_implementation": "sdpa" if torch.cuda.is_available() else "eager",
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
        attention_dropout=config.dropout,
        mlp_dropout=config.dropout,
        embedding_dropout=config.dropout,
    )


def hidden_matrices(model: PreTrainedModel) -> list[str]:
    """Names of the weight matrices inside the layers: those that Muon trains (not embeddings, head, norms)."""
    return [
        name
        for name, parameter in model.named_parameters()
        if (parameter.ndim == 2 and ".layers." in name) or (parameter.ndim == 2 and ".layer." in name)
    ]


@torch.no_grad()
def _zero_output_projections(model: PreTrainedModel) -> None:
    """Zero what writes into the residual stream: attention's and the feed-forward's last matrix."""
    endings = ("attn.Wo.weight", "mlp.Wo.weight", "attention.output.dense.weight", ".output.dense.weight")
    pre_norm = model.config.model_type == "modernbert"
    for name, parameter in model.named_parameters():
        # a post-norm BERT normalises after the sum, so a zero branch would leave nothing to learn from but is harmless;
        # it keeps its own initialisation, as published
        if pre_norm and name.endswith(endings):
            parameter.zero_()
