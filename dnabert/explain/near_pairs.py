"""Pairs of windows of different clusters that are as near in the embedding as pairs within a cluster."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

#: Distances are called equal within this factor; over it, a pair has no counterpart.
_TOLERANCE = 1.05
#: Windows whose distances to all windows are held at once: 32 x 173,000 float32 are 22 MB.
_CHUNK = 32


@dataclass(frozen=True)
class NearPairs:
    """A stock of pairs of windows that share neither cluster nor locus, ordered by their distance in the embedding.

    Attributes
    ----------
    rows : int64 (m, 2).
    distance : float32 (m,), ascending, Euclidean.
    """

    rows: NDArray[np.int64]
    distance: NDArray[np.float32]

    def matching(
        self, distances: NDArray[np.floating], *, without: NDArray[np.bool_], seed: int = 0
    ) -> NDArray[np.int64]:
        """Draw a pair for each distance (n,), equal to 5 %: positions in `rows`, int64 (at most n,), each but once.

        Parameters
        ----------
        without : bool (windows,), True for windows of which at most one may be in a pair: those of the cluster itself.
        """
        allowed = np.flatnonzero(~without[self.rows].all(axis=1))
        known = self.distance[allowed]
        low = np.searchsorted(known, distances / _TOLERANCE)
        high = np.searchsorted(known, distances * _TOLERANCE, side="right")
        some = high > low
        draw = low + (np.random.default_rng(seed).random(len(low)) * (high - low)).astype(np.int64)
        return np.unique(allowed[draw[some]])


def near_pairs(
    points: NDArray[np.floating],
    labels: NDArray[np.integer],
    *,
    locus: NDArray[np.integer],
    anchors: int = 1_500,
    seed: int = 0,
) -> NearPairs:
    """Pair random windows with others of rising rank of nearness: the 1st, 2nd, 4th, 8th … nearest.

    Parameters
    ----------
    points : float (n, c).
    labels : int (n,), cluster, -1 = none. Two windows of one cluster are not paired; two of none may be.
    locus : int (n,), from `loci`. Two windows of one locus are not paired.
    anchors : windows that are paired.
    seed : of their choice.
    """
    n = len(points)
    chosen = np.sort(np.random.default_rng(seed).permutation(n)[:anchors])
    points = np.ascontiguousarray(points, dtype=np.float32)
    square = (points**2).sum(axis=1)
    ranks = np.unique(np.minimum(2 ** np.arange(int(np.ceil(np.log2(max(n, 2)))) + 1) - 1, n - 1))
    first = []
    second = []
    distance = []
    for begin in range(0, len(chosen), _CHUNK):
        rows = chosen[begin : begin + _CHUNK]
        apart = square[rows, None] + square[None] - 2 * points[rows] @ points.T
        same = (labels[rows, None] == labels[None]) & (labels[rows, None] >= 0) | (locus[rows, None] == locus[None])
        apart[same] = np.inf
        nearest = np.argpartition(apart, ranks, axis=1)[:, ranks]
        first.append(np.repeat(rows, len(ranks)))
        second.append(nearest.ravel())
        distance.append(np.take_along_axis(apart, nearest, axis=1).ravel())
    pairs = np.stack([np.concatenate(first), np.concatenate(second)], axis=1).astype(np.int64)
    values = np.sqrt(np.maximum(np.concatenate(distance), 0), dtype=np.float32)
    order = np.argsort(values, kind="stable")[: int(np.isfinite(values).sum())]
    return NearPairs(pairs[order], values[order])
