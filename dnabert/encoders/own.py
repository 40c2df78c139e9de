"""An encoder of the user's own, named by the module and the function that makes it: any model, read as any other
encoder is."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import sys
from collections.abc import Iterator
from importlib.machinery import ModuleSpec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dnabert.alphabet import reverse_complement
from dnabert.encoders.arrays import Bases, by_length, check_length
from dnabert.encoders.config import EmbedConfig
from dnabert.encoders.interface import Encoder
from dnabert.errors import UserError

#: What the specification of such an encoder begins with.
KIND = "python:"
_USUAL = EmbedConfig()


class OwnEncoder:
    """What another's encoder gives, on the strands that are asked for; its vectors are checked.

    Parameters
    ----------
    encoder : with `name`, `dimension`, `minimum_length` and `encode`, see `Encoder`.
    both_strands : mean with the reverse complement.
    batch_size : most sequences that it gets at once.
    """

    def __init__(self, encoder: Encoder, *, both_strands: bool = False, batch_size: int = _USUAL.batch_size) -> None:
        self.name = str(encoder.name)
        self.dimension = int(encoder.dimension)
        self.minimum_length = int(encoder.minimum_length)
        self._encoder = encoder
        self._both_strands = both_strands
        self._batch_size = batch_size

    def encode(self, bases: Bases) -> NDArray[np.float32]:
        """Encode sequences; see `Encoder.encode`."""
        for _, group in by_length(bases):
            check_length(group.shape[1], minimum=self.minimum_length)
        batches = [bases[start : start + self._batch_size] for start in range(0, len(bases), self._batch_size)]
        return np.concatenate([np.empty((0, self.dimension), np.float32), *map(self._on_strands, batches)])

    def _on_strands(self, bases: Bases) -> NDArray[np.float32]:
        vectors = self._checked(bases)
        if not self._both_strands:
            return vectors
        turned = (
            reverse_complement(bases)
            if isinstance(bases, np.ndarray)
            else [reverse_complement(sequence) for sequence in bases]
        )
        return np.asarray((vectors + self._checked(turned)) / 2, dtype=np.float32)

    def _checked(self, bases: Bases) -> NDArray[np.float32]:
        vectors = np.asarray(self._encoder.encode(bases), dtype=np.float32)
        if vectors.shape != (len(bases), self.dimension):
            raise UserError(
                f"encoder {self.name} gave vectors of shape {vectors.shape}, not {(len(bases), self.dimension)}: "
                "correct its encode or dimension"
            )
        if not np.isfinite(vectors).all():
            raise UserError(f"encoder {self.name} gave vectors that are no numbers: correct its encode")
        return vectors


def load_own(spec: str, *, config: EmbedConfig) -> OwnEncoder:
    """Make the encoder of a specification ``python:MODULE:NAME``, NAME being a class or function that gives an
    `Encoder`, called without arguments.

    The module is looked for in the folder where the program runs, then among what is installed. Its errors are its own.

    Raises
    ------
    UserError
        when there is no such module or name, what it gives is no encoder, or pooling, layers or frames are asked for,
        which are the encoder's matter.
    """
    for name in ("pooling", "layer", "phases"):
        if getattr(config, name) != getattr(_USUAL, name):
            raise UserError(
                f"--{name} is {getattr(config, name)}, but {spec} reads sequences in its own way: leave it out"
            )
    module, name = _parts(spec)
    with _this_folder_first():
        if not _found(module):
            raise UserError(
                f"encoder {spec}: no module {module} in {Path.cwd()} or among what is installed: start where its file "
                "stands, or install it"
            )
        make = getattr(importlib.import_module(module), name, None)
        if not callable(make):
            raise UserError(f"encoder {spec}: {module} has no function or class {name}: name what makes the encoder")
        made = make()  # may import more from there
    lacking = [
        attribute for attribute in ("name", "dimension", "minimum_length", "encode") if not hasattr(made, attribute)
    ]
    if lacking:
        raise UserError(f"encoder {spec}: what {name} gives has no {', '.join(lacking)}: see dnabert.encoders.Encoder")
    return OwnEncoder(made, both_strands=config.both_strands, batch_size=config.batch_size)


def code_of(spec: str) -> Path | None:
    """The file of such an encoder's module, so that other code is known as other; None of other encoders."""
    if not spec.startswith(KIND):
        return None
    with _this_folder_first():
        found = _found(_parts(spec)[0])
    return Path(found.origin) if found is not None and found.origin else None


def _parts(spec: str) -> tuple[str, str]:
    module, _, name = spec.removeprefix(KIND).partition(":")
    if module.endswith(".py"):
        raise UserError(
            f"encoder {spec}: {module} is a file: start where it stands and name its module, "
            f"python:{Path(module).stem}:{name or 'NAME'}"
        )
    if not all(module.split(".")) or not name:
        raise UserError(
            f"encoder {spec}: name a module and what makes an encoder in it, such as python:my_models:MyEncoder"
        )
    return module, name


def _found(module: str) -> ModuleSpec | None:
    try:
        return importlib.util.find_spec(module)
    except ModuleNotFoundError as error:
        if error.name is None or f"{module}.".startswith(f"{error.name}."):  # its package is not there
            return None
        raise  # of what its package imports
    except ValueError:  # no name at all
        return None


@contextlib.contextmanager
def _this_folder_first() -> Iterator[None]:
    """Import from the folder where the program runs, too: a command looks into its own instead."""
    folder = str(Path.cwd())
    sys.path.insert(0, folder)
    importlib.invalidate_caches()
    try:
        yield
    finally:
        sys.path.remove(folder)
