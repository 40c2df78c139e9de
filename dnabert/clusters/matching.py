"""Which cluster of one labelling is which of another, and how much of it came back."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

#: Label, in the reference's numbers, of a cluster that has no counterpart in the reference.
OTHER = -2
#: Clusters of which neither holds this share of the smaller one in common are no counterparts.
_SHARED = 0.5


def overlap(reference: np.ndarray, labels: np.ndarray, *, clusters: int | None = None) -> np.ndarray:
    """Count the windows of every pair of clusters: int64 (C + 1, K + 1); row and column 0 are the unclustered.

    `clusters` is the reference's C; by default as many as have a window here.

    Examples
    --------
    >>> overlap(np.array([0, 0, 1, -1]), np.array([1, 1, 0, 0])).tolist()
    [[0, 1, 0], [0, 0, 2], [0, 1, 0]]
    """
    rows, columns = np.asarray(reference, dtype=np.int64) + 1, np.asarray(labels, dtype=np.int64) + 1
    shape = ((int(rows.max(initial=0)) if clusters is None else clusters) + 1, int(columns.max(initial=0)) + 1)
    return np.bincount(rows * shape[1] + columns, minlength=shape[0] * shape[1]).reshape(shape)


def jaccard(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Jaccard index of every pair of clusters, and the same corrected for chance.

    Corrected is (J - E) / (1 - E), where E is the index of two sets of these sizes that have as many windows in common
    as random sets would: a cluster of nearly all windows always finds a counterpart, which says nothing. For clusters
    of less than a tenth of the windows both values agree to 0.05.

    Parameters
    ----------
    counts : (C + 1, K + 1) from `overlap`.

    Returns
    -------
    Two float (C, K); NaN in rows of clusters that have no window here.

    Examples
    --------
    >>> plain, corrected = jaccard(overlap(np.array([0, 0, 0, 1]), np.array([0, 0, 1, 1])))
    >>> plain.round(3).tolist(), corrected.round(3).tolist()
    ([[0.667, 0.25], [0.0, 0.5]], [[0.417, -0.312], [-0.25, 0.375]])
    """
    common = counts[1:, 1:].astype(np.float64)
    first, second = (counts.sum(axis=axis)[1:].astype(np.float64) for axis in (1, 0))
    total = first[:, None] + second[None]
    chance = first[:, None] * second[None] / max(int(counts.sum()), 1)
    with np.errstate(invalid="ignore", divide="ignore"):  # clusters without a window here
        plain, expected = common / (total - common), chance / (total - chance)
        corrected = np.where(expected < 1, (plain - expected) / (1 - expected), 0.0)
    absent = first == 0
    plain[absent], corrected[absent] = np.nan, np.nan
    return plain, corrected


def best_match(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Each reference cluster's largest Jaccard index with any cluster (Hennig 2007), plain and corrected: float (C,).

    0 where the other labelling has no cluster, NaN for a cluster that has no window here.
    """
    plain, corrected = jaccard(counts)
    if plain.shape[1] == 0:
        nothing = np.where(counts[1:].sum(axis=1) > 0, 0.0, np.nan)
        return nothing, nothing
    best = np.nan_to_num(plain, nan=-1.0).argmax(axis=1)
    rows = np.arange(len(best))
    return plain[rows, best], np.clip(corrected[rows, best], 0.0, None)


def counterparts(reference: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The reference's number of each cluster of `labels`: int32 (K + 1,), of label i at i + 1; -1 for the unclustered,
    `OTHER` without counterpart.

    Counterparts are one to one, with the largest sum of Jaccard indices (Kuhn 1955), and have at least half of the
    smaller cluster in common.

    Examples
    --------
    >>> counterparts(np.array([0, 0, 1, 1, -1, -1]), np.array([1, 1, 0, -1, 2, 2])).tolist()
    [-1, 1, 0, -2]
    """
    from scipy.optimize import linear_sum_assignment

    counts = overlap(reference, labels)
    index = np.nan_to_num(jaccard(counts)[0])
    rows, columns = linear_sum_assignment(index, maximize=True)
    smaller = np.minimum(counts.sum(axis=1)[1 + rows], counts.sum(axis=0)[1 + columns])
    matched = counts[1 + rows, 1 + columns] >= np.maximum(_SHARED * smaller, 1)
    number = np.full(counts.shape[1], OTHER, dtype=np.int32)
    number[0] = -1
    number[1 + columns[matched]] = rows[matched]
    return number


def translate(reference: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Write `labels` in the reference's numbers, see `counterparts`: int32 (n,).

    Examples
    --------
    >>> translate(np.array([0, 0, 1, 1, -1, -1]), np.array([1, 1, 0, -1, 2, 2])).tolist()
    [0, 0, 1, -1, -2, -2]
    """
    return counterparts(reference, labels)[np.asarray(labels, dtype=np.int64) + 1]


def vote(reference: np.ndarray, votes: Sequence[tuple[np.ndarray, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    """How sure each window's label is, and the label that most repeats give it.

    Parameters
    ----------
    reference : int (n,) labels, -1 = none.
    votes : rows int (m,) and labels int (m,) of each repeat, in its own numbers.

    Returns
    -------
    confidence : float32 (n,), share of the repeats with this window in which it is in the counterpart of its own
        cluster (an unclustered one: in none); NaN where no repeat has it.
    consensus : int32 (n,), the label that more than half of those repeats give it, else -1.

    Examples
    --------
    >>> everywhere, labels = np.arange(4), np.array([0, 0, 1, 1])
    >>> confidence, consensus = vote(labels, [(everywhere, 1 - labels), (everywhere, np.array([0, 0, 1, -1]))])
    >>> confidence.tolist(), consensus.tolist()
    ([1.0, 1.0, 1.0, 0.5], [0, 0, 1, -1])
    """
    reference = np.asarray(reference, dtype=np.int32)
    absent = np.iinfo(np.int32).max
    given = np.full((len(reference), len(votes)), absent, dtype=np.int32)
    for column, (rows, labels) in enumerate(votes):
        given[rows, column] = translate(reference[rows], labels)
    present = (given != absent).sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):  # windows that no repeat has
        confidence = (given == reference[:, None]).sum(axis=1) / present
        given.sort(axis=1)  # a label with more than half of the votes stands in the middle
        middle = given[np.arange(len(given)), present // 2]
        most = (given == middle[:, None]).sum(axis=1) / present > 0.5
    known = most & (middle >= 0) & (middle != absent)
    return confidence.astype(np.float32), np.where(known, middle, -1).astype(np.int32)
