"""Which windows are near-copies of one another, and pairs of windows that are not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dnabert.corpus.blocks import block_or_alone
from dnabert.corpus.places import STRETCH, places_apart

if TYPE_CHECKING:
    import pandas as pd

    from dnabert.encoders.nearest import Places

#: Half the width of the range of GC, and the least number of windows drawn from; a pair's GC is then known to 2 bases.
_GC_WIDTH = 0.005
_FEWEST_OF_GC = 20


def loci(places: Places) -> NDArray[np.int64]:
    """Number the places that windows lie at: int64 (n,), equal for windows of one orthologous block or that overlap.

    The relation is carried on: where a overlaps b and b shares a block with c, all three are one locus. Windows of
    different loci are never near-copies by descent of the species or by position.

    Examples
    --------
    >>> import numpy as np
    >>> from dnabert.encoders.nearest import Places
    >>> block, chromosome = np.array([7, -1, 7, -1]), np.array([0, 0, 1, 1])
    >>> loci(Places(block, chromosome, start=np.array([0, 50, 0, 900]), end=np.array([100, 150, 100, 1000]))).tolist()
    [0, 0, 0, 1]
    """
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    n = len(places.start)
    if n == 0:
        return np.zeros(0, dtype=np.int64)
    chain = _chains(places)
    _, block = np.unique(block_or_alone(places.block), return_inverse=True)
    nodes = int(chain.max()) + 1
    size = nodes + int(block.max()) + 1
    graph = coo_matrix((np.ones(n, dtype=bool), (chain, nodes + block)), shape=(size, size))
    _, component = connected_components(graph, directed=False)
    return np.unique(component[chain], return_inverse=True)[1].astype(np.int64)


def independent_places(table: pd.DataFrame, locus: NDArray[np.integer]) -> NDArray[np.int64]:
    """Number the places of which each is one observation: int64 (n,), whole loci; those of a stretch of 10 kb are one
    (`places_apart`).

    Neighbours are alike: of windows in a tandem array each has the element that any has.

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame({"genome": "a", "chrom": "1", "start": [0, 9_900, 10_200, 30_000], "block": -1})
    >>> independent_places(table, np.array([0, 1, 1, 2])).tolist()
    [0, 0, 0, 2]
    """
    _, first = np.unique(locus, return_index=True)
    return places_apart(table)[first][locus]


def _chains(places: Places) -> NDArray[np.int64]:
    """Number the runs of windows that overlap on one sequence."""
    _, sequence = np.unique(places.sequence, return_inverse=True)
    order = np.lexsort((places.start, sequence))
    # Each sequence gets a stretch of its own on one long axis, so that one running maximum serves all.
    shift = sequence.astype(np.int64) * (int(places.end.max()) + 1)
    start, end = (places.start + shift)[order], (places.end + shift)[order]
    begins = np.concatenate([[True], start[1:] >= np.maximum.accumulate(end)[:-1]])
    chain = np.empty(len(order), dtype=np.int64)
    chain[order] = np.cumsum(begins) - 1
    return chain


def count_stretches(rows: NDArray[np.integer], places: Places, *, locus: NDArray[np.integer]) -> int:
    """Number of stretches of 10 kb that the loci of some windows fill: neighbours, such as the parts of one prophage,
    are one place.

    A stretch begins at the first locus that none before it reaches, so that no border parts what is near. A locus of
    several genomes lies where its window on the first of their sequences does.

    Parameters
    ----------
    rows : int (m,), the windows.
    places, locus : of all windows; `locus` from `loci`.

    Examples
    --------
    >>> from dnabert.encoders.nearest import Places
    >>> start = np.array([9_000, 12_000, 40_000, 9_000])
    >>> places = Places(np.full(4, -1), np.array([0, 0, 0, 1]), start, start + 448)
    >>> count_stretches(np.arange(4), places, locus=loci(places))
    3
    """
    _, sequence = np.unique(places.sequence[rows], return_inverse=True)
    start = places.start[rows].astype(np.int64)
    order = np.lexsort((start, sequence))
    first = order[np.sort(np.unique(locus[rows][order], return_index=True)[1])]
    along = sequence[first].astype(np.int64) * (int(start.max(initial=0)) + STRETCH) + start[first]
    found, at = 0, 0
    while at < len(along):
        found, at = found + 1, int(np.searchsorted(along, along[at] + STRETCH))
    return found


def disjoint_pairs(
    rows: NDArray[np.integer], locus: NDArray[np.integer], *, pairs: int, rounds: int = 1, seed: int = 0
) -> NDArray[np.int64]:
    """Pair windows of different loci in rounds; within a round each locus is used at most once.

    Pairs of one round are therefore independent where loci are. A locus counts once, however many windows it has: one
    of them is drawn anew in each round.

    Parameters
    ----------
    rows : int (m,), the windows to pair.
    locus : int (n,), of all windows, from `loci`.
    pairs : wanted in all; rounds are added until they are reached.
    rounds : at most.
    seed : of all draws.

    Returns
    -------
    int64 (r, s, 2): r rounds of s pairs of rows; s is 0 where there are fewer than two loci.
    """
    rng = np.random.default_rng(seed)
    order = np.argsort(locus[rows], kind="stable")
    members = np.asarray(rows)[order]
    _, begin, size = np.unique(locus[rows][order], return_index=True, return_counts=True)
    per_round = min(len(begin) // 2, pairs)
    needed = min(rounds, -(-pairs // max(per_round, 1)))
    found = np.empty((needed, per_round, 2), dtype=np.int64)
    for index in range(needed):
        chosen = rng.permutation(len(begin))[: 2 * per_round]
        drawn = begin[chosen] + (rng.random(len(chosen)) * size[chosen]).astype(np.int64)
        found[index] = members[drawn].reshape(per_round, 2)
    return found


def equal_gc_pairs(
    pairs: NDArray[np.integer],
    gc: NDArray[np.floating],
    *,
    outside: NDArray[np.integer],
    locus: NDArray[np.integer],
    seed: int = 0,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """For each pair one of windows from outside, each of the GC of its counterpart.

    GC is equal to half a percent (2 bases of 448), or, where fewer than 20 windows outside have it, that of the 20
    nearest. Pairs of one locus are left out.

    Parameters
    ----------
    pairs : int (n, 2), rows.
    gc : float of all windows, share of G and C.
    outside : int (m,), rows to draw from.
    locus : int, of all windows.
    seed : of the draw.

    Returns
    -------
    The pairs, int64 (m, 2), and which of the n they stand for, int64 (m,).
    """
    if len(outside) < 2:
        return np.zeros((0, 2), dtype=np.int64), np.zeros(0, dtype=np.int64)
    rng = np.random.default_rng(seed)
    order = outside[np.argsort(gc[outside], kind="stable")]
    wanted, known = gc[pairs], gc[order]
    middle = np.searchsorted(known, wanted)
    low = np.minimum(np.searchsorted(known, wanted - _GC_WIDTH), middle - _FEWEST_OF_GC // 2)
    high = np.maximum(np.searchsorted(known, wanted + _GC_WIDTH, side="right"), middle + _FEWEST_OF_GC // 2)
    low, high = np.maximum(low, 0), np.minimum(high, len(order))
    found = order[low + (rng.random(pairs.shape) * (high - low)).astype(np.int64)]
    kept = np.flatnonzero(locus[found[:, 0]] != locus[found[:, 1]])
    return found[kept], kept
