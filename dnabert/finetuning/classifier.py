"""A run, or its architecture with fresh weights, as a classifier of `transformers`."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from dnabert.encoders.encoder import is_saved_again, run_folder
from dnabert.errors import UserError
from dnabert.json_file import read_json
from dnabert.manifest import read_manifest
from dnabert.models.build import architecture_config, begin, loading_options, settings_of
from dnabert.models.config import ModelConfig
from dnabert.models.loading import load_weights, quiet_loading, read_architecture
from dnabert.tokenizer import KmerTokenizer, load_tokenizer

if TYPE_CHECKING:
    from transformers import PretrainedConfig


@dataclass(frozen=True)
class Start:
    """Where a classifier begins.

    Attributes
    ----------
    run : folder of the run.
    tokenizer : the run's.
    most_words : words of a window of the run; longer sequences are tiled.
    begun : how the run's model began, to begin so again with weights drawn anew; None for those with which it ended.
    architecture : with `begun`, another one of the run's width and number of layers; ``run`` for its own.
    """

    run: Path
    tokenizer: KmerTokenizer
    most_words: int
    begun: ModelConfig | None = None
    architecture: str = "run"


def read_start(run: str | Path, *, fresh: bool = False, architecture: str = "run") -> Start:
    """Read what a classifier needs to know of a run.

    Parameters
    ----------
    run : its folder, or ``default`` for the model that comes with the package; without `fresh` also one into which
        ``transformers`` saved its model and tokenizer, trained further.
    fresh : begin as pretraining did, see `Start.begun`.
    architecture : see `Start`.

    Raises
    ------
    UserError
        when it is no run, or holds no whole model.
    """
    folder = run_folder(str(run))
    manifest = {} if not fresh and is_saved_again(folder) else read_manifest(folder, kind="run")
    begun = settings_of(manifest) if fresh else None
    if not (folder / "config.json").is_file() or not (fresh or any(folder.glob("*.safetensors"))):
        raise UserError(
            f"{folder} holds no model (config.json, model.safetensors): was its training stopped? Resume it"
        )
    try:
        window = int(read_json(folder / "config.json")["window_length"])
    except (KeyError, TypeError, ValueError):
        raise UserError(
            f"{folder / 'config.json'} does not state window_length, so the run holds no whole model: make it again"
        ) from None
    tokenizer = load_tokenizer(folder)
    return Start(folder, tokenizer, tokenizer.number_of_words(window), begun, architecture)


def build_classifier(start: Start, classes: list[str], *, dropout: float = 0.1, seed: int = 0) -> Any:
    """Make a classifier on the CPU in float32, whose new weights depend on `seed` alone.

    The caller's random state is left as it was.
    """
    from transformers import AutoModelForSequenceClassification

    architecture = _architecture(start)
    architecture.num_labels = len(classes)
    architecture.id2label = dict(enumerate(classes))
    architecture.label2id = {name: index for index, name in enumerate(classes)}
    architecture.classifier_dropout = dropout
    if architecture.model_type == "modernbert":
        architecture.classifier_pooling = "mean"  # also of a model that was saved elsewhere
    options = loading_options(architecture)
    with torch.random.fork_rng(devices=[]), quiet_loading():  # that the classifier is new is what we are here for
        torch.manual_seed(seed)
        if start.begun is not None:
            model = AutoModelForSequenceClassification.from_config(architecture, **options)
            begun = begin(architecture, start.begun, k=start.tokenizer.k, seed=seed, **options)
            model.base_model.load_state_dict(begun.base_model.state_dict(), strict=False)  # but for BERT's pooler
            return model
        return load_weights(
            AutoModelForSequenceClassification,
            start.run,
            new=("classifier.", "bert.pooler."),
            config=architecture,
            **options,
        )


def _architecture(start: Start) -> PretrainedConfig:
    own: Any = read_architecture(start.run)
    if start.architecture == "run":
        return own
    heads = getattr(own, "num_attention_heads", None) or _heads(own.hidden_size)
    sizes = dataclasses.replace(
        start.begun or ModelConfig(),
        architecture=start.architecture,  # type: ignore[arg-type]
        hidden_size=own.hidden_size,
        layers=own.num_hidden_layers,
        heads=heads,
        intermediate_size=own.intermediate_size,
    )
    architecture = architecture_config(sizes, tokenizer=start.tokenizer, max_tokens=start.most_words + 2)
    architecture.window_length = own.window_length
    return architecture


def _heads(width: int) -> int:
    """How many attention heads a width has room for: 64 wide each, as BERT's, or the next wider that fit.

    Examples
    --------
    >>> _heads(256), _heads(268), _heads(40)
    (4, 2, 1)
    """
    return next((heads for heads in range(width // 64, 1, -1) if width % (2 * heads) == 0), 1)
