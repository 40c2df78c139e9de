"""Going on from a finished run: its words and sizes, and its weights."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError

from dnabert.encoders.encoder import run_folder
from dnabert.errors import UserError, first_line
from dnabert.manifest import content_hash, read_manifest
from dnabert.models.build import settings_of
from dnabert.models.config import ModelConfig
from dnabert.models.loading import complete, quiet_loading
from dnabert.pretraining.config import PretrainConfig
from dnabert.tokenizer import KmerTokenizer, load_tokenizer

if TYPE_CHECKING:
    from transformers import PreTrainedModel

#: What weights fix of a model; how it drops out, or would be drawn afresh, they leave open.
_SIZES = ("architecture", "hidden_size", "layers", "heads", "intermediate_size", "kernel_size")


def with_words_and_sizes_of_initial(config: PretrainConfig, *, begun: PretrainConfig | None = None) -> PretrainConfig:
    """The config with k, stride and sizes of the run that ``initial`` names, where it leaves them at their defaults.

    ``default`` is the packaged model, as for every encoder; in what is returned ``initial`` is a folder.

    Parameters
    ----------
    config : as it is asked for.
    begun : of the stopped run that is gone on with, if any: it knows all this, and its checkpoint has the weights, so
        that the run that it began with may be gone.

    Raises
    ------
    UserError
        when the folder is no run, or the config asks for another k, stride or size.
    """
    if config.initial is None:
        return config
    if begun is not None and begun.initial is not None and _is_same(run_folder(config.initial), Path(begun.initial)):
        folder = Path(begun.initial)
        sizes = begun.model
        words = KmerTokenizer(k=begun.k, stride=begun.stride)
    else:
        folder = run_folder(config.initial)
        sizes = settings_of(read_manifest(folder, kind="run"))
        words = load_tokenizer(folder)
    k = _agreed("k", config.k, words.k, default=PretrainConfig.k, initial=config.initial)
    stride = _agreed("stride", config.stride or k, words.stride, default=k, initial=config.initial)
    usual = ModelConfig()
    agreed = {
        name: _agreed(
            f"model.{name}",
            getattr(config.model, name),
            getattr(sizes, name),
            default=getattr(usual, name),
            initial=config.initial,
        )
        for name in _SIZES
    }
    return replace(
        config, initial=str(folder), k=k, stride=None if stride == k else stride, model=replace(config.model, **agreed)
    )


def _is_same(asked: Path, was: Path) -> bool:
    """Whether a run is the one that another was begun with, which may be gone since, or be called from another folder
    now."""
    known = content_hash(was)
    return asked.resolve() == was.resolve() or (
        asked.name == was.name if known is None else content_hash(asked) == known
    )


def load_initial(run: str | Path, *, model: PreTrainedModel) -> None:
    """Put a run's weights into a model of the same words and sizes.

    Raises
    ------
    UserError
        when they are damaged or another model's, or a `bert` is to read longer windows than it has positions for.
    """
    kind: Any = type(model)
    try:
        with torch.device("cpu"), quiet_loading():
            first = complete(
                *kind.from_pretrained(run, dtype=torch.float32, use_safetensors=True, output_loading_info=True)
            )
        model.load_state_dict(first.state_dict())
    except (SafetensorError, OSError, ValueError, RuntimeError) as error:
        raise UserError(
            f"--initial {run} cannot be the start ({first_line(error)}): give another run, or make it again"
        ) from error


def _agreed(name: str, asked: Any, its: Any, *, default: Any, initial: str) -> Any:
    if asked not in (default, its):
        flag = f"--{name.replace('_', '-')}"
        raise UserError(f"--initial {initial} has {flag} {its}, this run asks for {asked}: leave {flag} out")
    return its
