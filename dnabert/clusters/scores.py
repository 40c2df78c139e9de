"""Scores of a space and of its clusters, each with an interval."""

from __future__ import annotations

import numpy as np

from dnabert.clusters.bootstrap import Score, bootstrap_mean


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
    return "".join("01"[int(hit)] for hit in right)


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
