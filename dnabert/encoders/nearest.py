"""The windows most similar to each, of other places: exact, by the cosine of z-scored vectors, the same for every
encoder."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

#: Queries whose similarities to all windows are held at once.
_CHUNK = 512
#: Columns whose spread is taken at once: numpy squares them in float64, and all of them would be twice the vectors
#: again.
_COLUMNS = 64


@dataclass(frozen=True)
class Places:
    """Where windows lie, so that a window's own copies can be kept from answering for it.

    Attributes
    ----------
    block : int (n,), orthologous block, -1 = none.
    sequence : (n,), genome and chromosome as one value.
    start, end : int (n,), 0-based half-open.
    """

    block: np.ndarray
    sequence: np.ndarray
    start: np.ndarray
    end: np.ndarray

    def of(self, rows: np.ndarray) -> Places:
        """Those of some of the windows, by number or truth value."""
        return Places(self.block[rows], self.sequence[rows], self.start[rows], self.end[rows])

    def same(self, rows: np.ndarray) -> np.ndarray:
        """Bool (len(rows), n): itself, of the same orthologous block, or overlapping on the same chromosome."""
        block = (self.block[rows, None] == self.block[None]) & (self.block[rows, None] >= 0)
        overlap = (self.start[rows, None] < self.end[None]) & (self.start[None] < self.end[rows, None])
        overlap &= self.sequence[rows, None] == self.sequence[None]
        block |= overlap
        block[np.arange(len(rows)), rows] = True
        return block


def standardised(vectors: np.ndarray) -> np.ndarray:
    """Z-score every dimension over all rows, then divide rows by their length: float32 (n, d).

    Products of such rows are the cosine similarities that neighbours and retrieval use, for every encoder alike.
    """
    mean, scale = column_statistics(vectors, scaling="zscore")
    return unit_length((np.asarray(vectors, dtype=np.float32) - mean) / scale)


def nearest_other(vectors: np.ndarray, places: Places, *, k: int = 10, as_they_are: bool = False) -> np.ndarray:
    """The k most similar windows (cosine of z-scored vectors, exact) of another place: int32 (n, k), best first.

    Windows of the same orthologous block and overlapping ones are left out: near-copies would answer for them.
    Where fewer than k others exist, -1 fills the rest. `as_they_are`: columns are not z-scored.
    """
    rows = unit_length(np.asarray(vectors, dtype=np.float32)) if as_they_are else standardised(vectors)
    n, k_found = len(rows), min(k, len(rows) - 1)
    nearest = np.full((n, k), -1, dtype=np.int32)
    for begin in range(0, n, _CHUNK):
        queries = np.arange(begin, min(begin + _CHUNK, n))
        similarity = rows[queries] @ rows.T
        similarity[places.same(queries)] = -np.inf
        best = np.argpartition(-similarity, k_found - 1, axis=1)[:, :k_found]
        value = np.take_along_axis(similarity, best, axis=1)
        order = np.lexsort((best, -value), axis=1)
        best, value = (np.take_along_axis(array, order, axis=1) for array in (best, value))
        nearest[queries, :k_found] = np.where(np.isfinite(value), best, -1)
    return nearest


def column_statistics(vectors: np.ndarray, *, scaling: str = "zscore") -> tuple[np.ndarray, np.ndarray]:
    """Mean and scale (float32 (d,)) of each dimension; scale is 1 for ``center`` and for constant dimensions."""
    mean: np.ndarray = np.asarray(np.mean(vectors, axis=0, dtype=np.float64))
    if scaling == "center":
        return mean.astype(np.float32), np.ones(len(mean), dtype=np.float32)
    vectors = np.asarray(vectors)
    scale: np.ndarray = np.concatenate(
        [np.std(vectors[:, i : i + _COLUMNS], axis=0, dtype=np.float64) for i in range(0, len(mean), _COLUMNS)]
    )
    constant = scale <= 1e-6 * (np.abs(mean) + 1e-6)  # rounding of float32 around a constant is no signal
    return mean.astype(np.float32), np.where(constant, 1.0, scale).astype(np.float32)


def unit_length(vectors: np.ndarray) -> np.ndarray:
    """Divide each row of float (n, d) by its Euclidean length; a zero row stays zero."""
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.where(length > 0, length, 1.0)
