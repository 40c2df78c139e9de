"""Several encoders as one: their vectors side by side, so that a neighbour is near to all of them together."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TypeGuard

import numpy as np
from numpy.typing import NDArray

from dnabert.corpus.view import evenly_spread
from dnabert.encoders.arrays import Bases, pieces
from dnabert.encoders.interface import Encoder, FittedEncoder, ModelReader, not_fitted
from dnabert.encoders.nearest import column_statistics, unit_length
from dnabert.encoders.whitening import white_columns
from dnabert.errors import UserError

FOLDER = "joint"
_FILE = "scales.safetensors"
#: Sequences that columns are measured on: a spread is then known to 1.6 %.
_MEASURED = 2_000


class JointEncoder:
    """A `FittedEncoder` of the specification ``A+B``.

    Each part is z-scored by column and brought to one length for every sequence: the square root of its dimension, so
    that all dimensions are about equally loud, and a part counts by how many it has: 384 of ``default`` are louder than
    128 of ``lsa:8``, and much less than 2,080 of ``kmer:6``. Of two parts with as many dimensions the cosine of two
    sequences is the mean of both cosines.

    Parameters
    ----------
    parts : two encoders or more; those that must be fitted are, with it.
    """

    def __init__(self, parts: Sequence[Encoder]) -> None:
        self._parts = list(parts)
        self.name = " beside ".join(part.name for part in parts)
        self.dimension = sum(part.dimension for part in parts)
        self.minimum_length = max(part.minimum_length for part in parts)
        self.fit_sequences = max([_MEASURED, *(part.fit_sequences for _, part in self._fitted())])
        self.learns_directions = any(part.learns_directions for _, part in self._fitted())
        self.white = np.concatenate([white_columns(part) for part in self._parts])
        self._scales: list[tuple[NDArray[np.float32], NDArray[np.float32]]] = []

    def fit(self, bases: Bases) -> None:
        """Fit the parts that must be, and learn each part's mean and spread by column.

        Parameters
        ----------
        bases : uint8 ASCII (n, L), or n arrays of any lengths; n at least 2.
        """
        if len(bases) < 2:
            raise UserError(f"{self.name}: needs two sequences or more to be fitted on: use one of them alone")
        for _, part in self._fitted():
            part.fit(bases)
        some = [bases[row] for row in evenly_spread(len(bases), most=_MEASURED)]
        self._scales = [column_statistics(vectors) for vectors in self._encoded(some)]

    def encode(self, bases: Bases) -> NDArray[np.float32]:
        """Encode sequences; see `Encoder.encode`."""
        if not self._scales:
            raise not_fitted(self)
        found = []
        for part, vectors, (mean, scale) in zip(self._parts, self._encoded(bases), self._scales, strict=True):
            known = vectors.any(axis=1, keepdims=True)  # of a sequence of N counts know nothing: its zeros stay
            found.append(known * unit_length((vectors - mean) / scale) * np.float32(part.dimension**0.5))
        return np.concatenate(found, axis=1, dtype=np.float32)

    def save(self, folder: Path) -> None:
        """Write what was fitted into ``joint`` in a folder."""
        from safetensors.numpy import save_file

        if not self._scales:
            raise not_fitted(self)
        for number, part in self._fitted():
            (folder / FOLDER / number).mkdir(parents=True)
            part.save(folder / FOLDER / number)
        (folder / FOLDER).mkdir(exist_ok=True)
        mean, scale = (np.concatenate(each) for each in zip(*self._scales, strict=True))
        save_file({"mean": mean, "scale": scale}, folder / FOLDER / _FILE)

    def load(self, folder: str | Path) -> None:
        """Read what `save` wrote.

        Raises
        ------
        UserError
            when it is not there, damaged, or of other parts.
        """
        from safetensors import SafetensorError
        from safetensors.numpy import load_file

        path = Path(folder) / FOLDER / _FILE
        try:
            saved = load_file(path)
            mean, scale = saved["mean"], saved["scale"]
            if not mean.shape == scale.shape == (self.dimension,):
                raise KeyError(f"it is of {len(mean)} dimensions")
        except (OSError, KeyError, SafetensorError) as error:
            raise UserError(f"cannot read {path} ({error}): embed and cluster again") from None
        for number, part in self._fitted():
            part.load(Path(folder) / FOLDER / number)
        ends = np.cumsum([part.dimension for part in self._parts])[:-1]
        self._scales = list(zip(np.split(mean, ends), np.split(scale, ends), strict=True))

    def _encoded(self, bases: Bases) -> list[NDArray[np.float32]]:
        """Each part's vectors; parts that read by one model read together."""
        by_model: dict[int, dict[int, ModelReader]] = {}
        for number, part in enumerate(self._parts):
            if _reads_model(part):
                by_model.setdefault(id(part.encoder), {})[number] = part
        found: dict[int, NDArray[np.float32]] = {}
        for readers in by_model.values():
            together = list(
                zip(*(self._read(list(readers.values()), bases[piece]) for piece in pieces(bases)), strict=True)
            )
            found |= {number: np.concatenate(each) for number, each in zip(readers, together, strict=False)}
        return [found[number] if number in found else part.encode(bases) for number, part in enumerate(self._parts)]

    @staticmethod
    def _read(readers: Sequence[ModelReader], bases: Bases) -> list[NDArray[np.float32]]:
        pooled = readers[0].encoder.read(bases, [reader.pooling for reader in readers])
        return [reader.of_pooled(each) for reader, each in zip(readers, pooled, strict=True)]

    def _fitted(self) -> list[tuple[str, FittedEncoder]]:
        """The parts that are fitted themselves, with their places among all."""
        return [(str(number), part) for number, part in enumerate(self._parts) if isinstance(part, FittedEncoder)]


def _reads_model(part: Encoder) -> TypeGuard[ModelReader]:
    return hasattr(part, "encoder")
