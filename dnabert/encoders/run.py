"""A run of ours, trained or with fresh weights, as an encoder."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from dnabert.encoders.config import EmbedConfig
from dnabert.encoders.encoder import is_saved_again
from dnabert.encoders.transformer import TransformerEncoder
from dnabert.errors import UserError
from dnabert.json_file import read_json
from dnabert.manifest import read_manifest
from dnabert.models.build import begin, loading_options, settings_of
from dnabert.models.loading import load_weights, quiet_loading, read_architecture
from dnabert.tokenizer import load_tokenizer

if TYPE_CHECKING:
    from transformers import PretrainedConfig

    from dnabert.tokenizer import KmerTokenizer


class KmerReader:
    """The `Reader` of a `KmerTokenizer`; `most_words` is what the run saw in training.

    A word with an unknown base is read as [MASK]: the model has learned to do without a hidden word, and hardly ever
    saw [UNK].
    """

    def __init__(self, tokenizer: KmerTokenizer, *, most_words: int) -> None:
        self.word_length = tokenizer.k
        self.stride = tokenizer.stride
        self.most_words = most_words
        self.prefix = [int(tokenizer.cls_token_id)]
        self.suffix = [int(tokenizer.sep_token_id)]
        self.padding = int(tokenizer.pad_token_id)
        self._tokenizer = tokenizer

    def words(self, bases: NDArray[np.uint8]) -> list[NDArray[np.int64]]:
        """Token ids of each row of ASCII (n, L), without special tokens."""
        return list(self._tokenizer.encode_as_hidden(bases).astype(np.int64))


def load_run(
    run: str | Path,
    *,
    config: EmbedConfig | None = None,
    weights: Literal["trained", "random", "untrained"] = "trained",
) -> TransformerEncoder:
    """Make an encoder of a run.

    Parameters
    ----------
    run : folder of the run, or, for trained weights, one into which ``transformers`` saved its model and tokenizer.
    config : pooling, layer, frames, strands, batch size, device; and the seed of fresh weights.
    weights : `random` draws new ones as the architecture's own initialisation has them, `untrained` as the run's
        pretraining began, with words composed of bases.

    Raises
    ------
    UserError
        when the folder is no run or holds no model.
    """
    config = config or EmbedConfig()
    run = Path(run)
    manifest = {} if weights == "trained" and is_saved_again(run) else read_manifest(run, kind="run")
    check_whole(run, weights=weights == "trained")
    length = window_length(run)
    tokenizer = load_tokenizer(run)
    if config.phases > tokenizer.stride:
        raise UserError(f"--phases is {config.phases}, allowed is 1 to {tokenizer.stride}, the stride of {run}")
    draw = {"trained": None, "random": _at_random, "untrained": partial(_as_begun, manifest, tokenizer.k)}[weights]
    model = _load_model(run, draw=draw, seed=config.seed)
    reader = KmerReader(tokenizer, most_words=tokenizer.number_of_words(length))
    called = run.absolute().name  # of "." too
    names = {"trained": f"run {called}", "random": f"random initialisation of {called}, seed {config.seed}"}
    name = names.get(weights, f"{called} before its first step, seed {config.seed}")
    return TransformerEncoder(model, reader=reader, name=name, config=config)


def window_length(run: Path) -> int:
    """Bases of the windows that a run was trained on, which it reads at once. Raises `UserError` where its config.json
    does not say."""
    path = run / "config.json"
    try:
        return int(read_json(path)["window_length"])
    except (OSError, KeyError, TypeError, ValueError):
        raise UserError(
            f"{path} does not state window_length, so the run holds no whole model: make it again"
        ) from None


def check_whole(run: Path, *, weights: bool) -> None:
    """Raise `UserError` where a run's folder holds no model: its training was stopped. Without `weights` the config
    will do."""
    if not (run / "config.json").is_file() or (weights and not any(run.glob("*.safetensors"))):
        raise UserError(f"{run} holds no model (config.json, model.safetensors): was its training stopped? Resume it")


def _load_model(run: Path, *, draw: Callable[..., Any] | None, seed: int) -> Any:
    """The body of a run's model: its weights, or fresh ones that `draw` makes of its architecture."""
    from transformers import AutoModel

    architecture = read_architecture(run)
    options = loading_options(architecture)
    with torch.random.fork_rng(devices=[]), quiet_loading():
        if draw is not None:
            return draw(architecture, seed=seed, **options)
        # BERT's pooler, which no masked language model has
        return load_weights(AutoModel, run, new=("pooler.",), **options)


def _at_random(architecture: PretrainedConfig, *, seed: int, **options: Any) -> Any:
    from transformers import AutoModel

    torch.manual_seed(seed)
    return AutoModel.from_config(architecture, **options)


def _as_begun(manifest: dict[str, Any], k: int, architecture: PretrainedConfig, *, seed: int, **options: Any) -> Any:
    return begin(architecture, settings_of(manifest), k=k, seed=seed, **options).base_model
