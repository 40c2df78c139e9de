"""How well a partition agrees with a known one, and partitions with each other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dnabert.clusters.bootstrap import Score, interval, of_drawn

#: Agreements between two labellings: of all windows (the unclustered one more class), and of those clustered in both.
MEASURES = ("ari", "ami", "ari_clustered", "ami_clustered", "clustered_in_both")


def contingency(labels: np.ndarray, column: np.ndarray) -> np.ndarray:
    """Counts int64 (number of labels, number of classes) of every label with every class."""
    _, rows = np.unique(labels, return_inverse=True)
    _, columns = np.unique(np.asarray(column).astype(str), return_inverse=True)
    shape = (int(rows.max(initial=-1)) + 1, int(columns.max(initial=-1)) + 1)
    return np.bincount(rows * max(shape[1], 1) + columns, minlength=shape[0] * shape[1]).reshape(shape)


def agreement(
    labels: np.ndarray, column: np.ndarray, *, groups: np.ndarray | None = None, resamples: int = 200, seed: int = 0
) -> dict[str, Score]:
    """Adjusted mutual information (Vinh et al. 2010) and adjusted Rand index, with bootstrap intervals.

    Noise (-1) counts as one more cluster. Windows are resampled by drawing contingency tables. A resampled table
    has more information than its source (empty cells stay empty), so the resampled values are moved onto the
    observed one before their percentiles are taken; AMI's chance level is that of the observed margins throughout.

    Parameters
    ----------
    labels : (n,) cluster labels.
    column : (n,) classes.
    groups : (n,), windows that are drawn together, such as those of one orthologous block; by default each alone.

    Returns
    -------
    ``{"ami": Score, "ari": Score}``

    Examples
    --------
    >>> import numpy as np
    >>> scores = agreement(np.array([0, 0, 1, 1]), np.array(["a", "a", "b", "b"]))
    >>> round(scores["ami"].value, 6), scores["ari"].value
    (1.0, 1.0)
    """
    table = contingency(labels, column)
    expected = _expected_information(table)
    if groups is None:
        tables = _resampled(table, resamples=resamples, seed=seed)
    else:
        tables = _resampled_groups(labels, column, groups=groups, resamples=resamples, seed=seed)
    places = None if groups is None else len(np.unique(groups))
    scores = {}
    for name, measure in {"ami": lambda counts: _ami(counts, expected), "ari": _ari}.items():
        value = float(measure(table.astype(float)))
        drawn = np.array([measure(counts) for counts in tables])
        moved = drawn - drawn.mean() + value
        low, high = interval(moved) if places is None else of_drawn(value, moved, places=places)
        scores[name] = Score(value, max(low, -1.0), min(high, 1.0), len(labels))
    return scores


def agreement_between(labelings: Sequence[tuple[np.ndarray, np.ndarray]]) -> dict[str, list[list[float | None]]]:
    """Agreement of every two labellings on the windows that both have.

    Parameters
    ----------
    labelings : rows int (m,), ascending, and labels int (m,), -1 = none, of each.

    Returns
    -------
    Symmetric matrices: ``ari`` (Hubert and Arabie 1985) and ``ami`` (Vinh et al. 2010), the unclustered counted as one
    more class, None where no window is in both; ``ari_clustered`` and ``ami_clustered`` over windows clustered in both,
    None where there are none; ``clustered_in_both``, the share of those.

    Examples
    --------
    >>> a, b = (np.arange(4), np.array([0, 0, 1, -1])), (np.arange(4), np.array([1, 1, 0, 0]))
    >>> agreement_between([a, b])["ari_clustered"]
    [[1.0, 1.0], [1.0, 1.0]]
    """
    count = len(labelings)
    matrices = {name: _diagonal(count) for name in MEASURES}
    for i, (rows, labels) in enumerate(labelings):
        matrices["clustered_in_both"][i][i] = float((labels >= 0).mean())
        for j, (other_rows, other_labels) in enumerate(labelings[:i]):
            _, left, right = np.intersect1d(rows, other_rows, assume_unique=True, return_indices=True)
            for name, value in _agreement(labels[left], other_labels[right]).items():
                matrices[name][i][j] = matrices[name][j][i] = value
    return matrices


def _diagonal(count: int) -> list[list[float | None]]:
    return [[1.0 if row == column else None for column in range(count)] for row in range(count)]


def _resampled(table: np.ndarray, *, resamples: int, seed: int) -> np.ndarray:
    n = table.sum()
    rng = np.random.default_rng(seed)
    occupied = np.flatnonzero(table)
    drawn = np.zeros((resamples, table.size))
    drawn[:, occupied] = rng.multinomial(n, table.ravel()[occupied] / n, size=resamples)
    return drawn.reshape(resamples, *table.shape)


def _resampled_groups(
    labels: np.ndarray, column: np.ndarray, *, groups: np.ndarray, resamples: int, seed: int
) -> np.ndarray:
    _, rows = np.unique(labels, return_inverse=True)
    _, columns = np.unique(np.asarray(column).astype(str), return_inverse=True)
    _, number = np.unique(groups, return_inverse=True)
    shape = (int(rows.max(initial=-1)) + 1, int(columns.max(initial=-1)) + 1)
    cell = rows * max(shape[1], 1) + columns
    count = int(number.max(initial=-1)) + 1
    rng = np.random.default_rng(seed)
    tables = np.empty((resamples, shape[0] * shape[1]))
    for i in range(resamples):
        weight = np.bincount(rng.integers(count, size=count), minlength=count)
        tables[i] = np.bincount(cell, weights=weight[number], minlength=tables.shape[1])
    return tables.reshape(resamples, *shape)


def _agreement(first: np.ndarray, second: np.ndarray) -> dict[str, float | None]:
    from sklearn.metrics import adjusted_mutual_info_score, adjusted_rand_score

    both = (first >= 0) & (second >= 0)
    scores = {"ari": adjusted_rand_score, "ami": adjusted_mutual_info_score}
    values: dict[str, float | None] = {
        name: float(score(first, second)) if len(both) else None for name, score in scores.items()
    }
    for name, score in scores.items():
        values[f"{name}_clustered"] = float(score(first[both], second[both])) if both.any() else None
    return values | {"clustered_in_both": float(both.mean()) if len(both) else None}


def _expected_information(table: np.ndarray) -> float:
    import scipy.sparse
    from sklearn.metrics.cluster import expected_mutual_information

    return float(expected_mutual_information(scipy.sparse.csr_matrix(table.astype(np.int64)), int(table.sum())))


def entropy(counts: np.ndarray) -> float:
    """Shannon's entropy of counts, in nats; empty cells count for nothing.

    Examples
    --------
    >>> round(entropy(np.array([2, 2, 0])), 4)
    0.6931
    """
    share = counts[counts > 0] / counts.sum()
    return float(-(share * np.log(share)).sum())


def _ami(counts: np.ndarray, expected: float) -> float:
    """Normalised by the mean of both entropies, as scikit-learn does; two trivial partitions agree fully."""
    rows, columns = entropy(counts.sum(axis=1)), entropy(counts.sum(axis=0))
    if rows == 0.0 and columns == 0.0:
        return 1.0
    information = rows + columns - entropy(counts.ravel())
    room = (rows + columns) / 2 - expected
    return (information - expected) / (np.sign(room) * max(abs(room), np.finfo(float).eps) or np.finfo(float).eps)


def _ari(counts: np.ndarray) -> float:
    """Hubert and Arabie 1985, from pairs."""
    cells, rows, columns = (_pairs(c) for c in (counts, counts.sum(axis=1), counts.sum(axis=0)))
    chance = rows * columns / max(_pairs(counts.sum()), 1.0)
    room = (rows + columns) / 2 - chance
    return 1.0 if room == 0 else float((cells - chance) / room)


def _pairs(counts: np.ndarray) -> float:
    return float((counts * (counts - 1) / 2).sum())
