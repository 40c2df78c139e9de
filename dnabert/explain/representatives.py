"""Windows that may be counted as independent: of the near-copies in a cluster one stands for all."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dnabert.corpus.places import STRETCH
from dnabert.encoders.nearest import Places


def representatives(labels: NDArray[np.integer], places: Places, *, seed: int = 0) -> NDArray[np.int64]:
    """Rows of which no two of one cluster are near-copies: int64 (m,), by cluster, then by row.

    Of each orthologous block a cluster keeps one window, drawn at random; of windows without a block (-1) that overlap
    it keeps the first that overlaps none kept before. The unclustered (-1) are treated as one cluster, so a block may
    still stand once in a cluster and once outside: that makes comparisons of the two more cautious, not less.

    Parameters
    ----------
    labels : int (n,), cluster of each window, -1 = none.
    places : where the n windows lie.

    Examples
    --------
    >>> block, apart = np.array([7, 7, 7, 8]), np.zeros(4, int)
    >>> labels = np.array([0, 0, -1, 0])
    >>> representatives(labels, Places(block, apart, np.arange(4) * 9, np.arange(4) * 9 + 9)).tolist()[-1]
    3
    """
    order = np.random.default_rng(seed).permutation(len(labels))
    order = order[places.block[order] >= 0]
    pair = np.stack([labels[order], places.block[order]], axis=1)
    _, first = np.unique(pair, axis=0, return_index=True)
    kept = np.concatenate([order[first], _apart(labels, places)])
    return kept[np.lexsort((kept, labels[kept]))].astype(np.int64)


def halves(rows: NDArray[np.integer], places: Places, *, seed: int = 0) -> NDArray[np.bool_]:
    """Which of the rows are held out: bool (m,), about half, all windows of a place together.

    A place is an orthologous block; outside of blocks a stretch of 10 kb of a sequence, as of `places_apart`: a motif
    grown on one half is tested on the other, in which no near-copy and no neighbour, such as the next monomers of a
    satellite, of what it was grown on stands.
    """
    block, start = places.block[rows], places.start[rows]
    _, sequence = np.unique(places.sequence[rows], return_inverse=True)
    outside = block < 0
    keys = np.stack([np.where(outside, -1 - sequence, 0), np.where(outside, start // STRETCH, block)])
    values, place = np.unique(keys, axis=1, return_inverse=True)
    held_out: NDArray[np.bool_] = np.random.default_rng((seed, 1)).permutation(values.shape[1])[place.ravel()] % 2 == 1
    return held_out


def _apart(labels: NDArray[np.integer], places: Places) -> NDArray[np.int64]:
    """Windows without a block, left to right, each of which overlaps none of its cluster that was kept before it."""
    rows = np.flatnonzero(places.block < 0)
    rows = rows[np.lexsort((places.start[rows], places.sequence[rows], labels[rows]))]
    kept: list[int] = []
    before, end = None, 0
    columns = (rows, labels[rows], places.sequence[rows], places.start[rows], places.end[rows])
    for row, label, sequence, start, stop in zip(*(column.tolist() for column in columns), strict=True):
        if (label, sequence) != before or start >= end:
            kept.append(row)
            before, end = (label, sequence), stop
    return np.array(kept, dtype=np.int64)
