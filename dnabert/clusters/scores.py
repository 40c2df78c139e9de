"""Scores of a space and of its clusters, each with an interval."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dnabert.clusters.bootstrap import Score, bootstrap_mean
from dnabert.clusters.reduce import column_statistics, unit_length

#: Queries whose similarities to all windows are held at once.
_CHUNK = 512


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


def neighbor_vote(nearest: np.ndarray, column: np.ndarray) -> np.ndarray:
    """Whether the majority of the neighbours has the window's own class: bool (n,); ties go to the nearer class.

    Parameters
    ----------
    nearest : int (n, k) from `nearest_other`.
    column : (n,) classes.
    """
    _, codes = np.unique(np.asarray(column).astype(str), return_inverse=True)
    n, k = nearest.shape
    votes = np.zeros((n, int(codes.max(initial=0)) + 1))
    # A neighbour's weight falls by less than 1/k² per rank: it settles ties and nothing else.
    weight = 1.0 - np.arange(k) / (2.0 * k**3)
    rows = np.repeat(np.arange(n), k)
    known = nearest.ravel() >= 0
    np.add.at(votes, (rows[known], codes[nearest.ravel()[known]]), np.tile(weight, n)[known])
    return (votes.argmax(axis=1) == codes) & (votes.max(axis=1) > 0)


def hits_as_text(right: np.ndarray) -> str:
    """Truth values (n,) as one character each, for JSON: what paired differences of encoders are computed from.

    Examples
    --------
    >>> hits_as_text(np.array([True, False]))
    '10'
    """
    return "".join("01"[int(each)] for each in right)


def majority(column: np.ndarray, *, groups: np.ndarray | None = None, resamples: int = 200, seed: int = 0) -> Score:
    """Share of the largest class: what a guess without any vector reaches; `groups` as in `bootstrap_mean`."""
    _, codes = np.unique(np.asarray(column).astype(str), return_inverse=True)
    return bootstrap_mean(codes == np.bincount(codes).argmax(), groups=groups, resamples=resamples, seed=seed)


def silhouette(
    points: np.ndarray,
    labels: np.ndarray,
    *,
    groups: np.ndarray | None = None,
    sample: int = 5_000,
    resamples: int = 200,
    seed: int = 0,
) -> Score:
    """Mean silhouette (Rousseeuw 1987) of clustered windows, Euclidean in the reduced space, noise left out.

    Parameters
    ----------
    points : float (n, c).
    labels : int (n,), -1 = noise.
    groups : (n,), windows that are drawn together; by default each alone.
    sample : windows at most, drawn at random with `seed`; both sides of the comparison are drawn from them.

    Returns
    -------
    Score, with NaN where fewer than two clusters have two windows in the sample.
    """
    from sklearn.metrics import silhouette_samples

    member = np.flatnonzero(labels >= 0)
    if len(member) > sample:
        member = np.sort(np.random.default_rng(seed).choice(member, sample, replace=False))
    found, counts = np.unique(labels[member], return_counts=True)
    member = member[np.isin(labels[member], found[counts > 1])]
    if (counts > 1).sum() < 2:
        return Score(float("nan"), float("nan"), float("nan"), len(member))
    values = silhouette_samples(points[member], labels[member])
    return bootstrap_mean(values, groups=None if groups is None else groups[member], resamples=resamples, seed=seed)
