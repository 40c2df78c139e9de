"""Loading a checkpoint's body without talk of the head that is left behind, and in one line where it cannot be read."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dnabert.errors import UserError, first_line

if TYPE_CHECKING:
    from transformers import PretrainedConfig


def read_architecture(run: str | Path) -> PretrainedConfig:
    """What ``config.json`` of a run or a classifier says.

    Raises
    ------
    UserError
        when it is gone, damaged, or of no architecture that is known here.
    """
    from transformers import AutoConfig

    from dnabert.models.build import register_architectures

    register_architectures()
    try:
        return AutoConfig.from_pretrained(run, trust_remote_code=False)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"cannot read {Path(run) / 'config.json'} ({first_line(error)}): make or fetch it again"
        ) from None


def load_weights(kind: Any, run: str | Path, *, new: tuple[str, ...] = (), **options: Any) -> Any:
    """A model with the weights of a run or a classifier.

    Parameters
    ----------
    kind : an Auto class of transformers.
    run : folder.
    new : how the names of parameters begin that the file need not hold; they are drawn.
    options : of ``from_pretrained``.

    Raises
    ------
    UserError
        when the weights are damaged, or of another model: transformers would draw what is missing, and only mention it.
    """
    with quiet_loading(), readable_weights(run):
        return complete(
            *kind.from_pretrained(
                run, use_safetensors=True, trust_remote_code=False, output_loading_info=True, **options
            ),
            new=new,
        )


def complete(model: Any, told: Mapping[str, Any], *, new: tuple[str, ...] = ()) -> Any:
    """The model that ``from_pretrained`` gave, with what it told of loading; see `load_weights`. Raises `ValueError`
    where weights are missing."""
    missing = sorted(name for name in told["missing_keys"] if not name.startswith(new))
    if missing:
        raise ValueError(f"they are not those of its config.json: {missing[0]} is not among them")
    return model


@contextlib.contextmanager
def without_bar() -> Iterator[None]:
    """Silence transformers' bar of files that it reads or writes, which would tear ours; set back what it was."""
    from transformers.utils import logging

    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()


@contextlib.contextmanager
def quiet_loading() -> Iterator[None]:
    """Silence transformers' report of unused weights (the masked-LM head) and its bar; set back what it was."""
    from transformers.utils import logging

    verbosity = logging.get_verbosity()
    logging.set_verbosity_error()
    try:
        with without_bar():
            yield
    finally:
        logging.set_verbosity(verbosity)


@contextlib.contextmanager
def readable_weights(run: str | Path) -> Iterator[None]:
    """Turn what transformers and safetensors say of damaged or foreign weights of a run into a `UserError`."""
    from safetensors import SafetensorError

    try:
        yield
    except (SafetensorError, OSError, RuntimeError, ValueError) as error:
        raise UserError(f"cannot read the weights of {run} ({first_line(error)}): make or fetch it again") from None
