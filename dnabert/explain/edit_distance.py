"""Is a tight cluster closer in letters than the rest? Levenshtein distances within, outside, and at equal GC."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from dnabert.explain.alignment_distance import levenshtein
from dnabert.explain.correction import p_of_draws
from dnabert.explain.loci import loci

if TYPE_CHECKING:
    from dnabert.encoders.nearest import Places

#: Above this share of all windows a cluster is one of the map's big blobs, not a tight cluster.
TIGHT_SHARE = 0.05
#: Tight clusters stand for all where they hold at least this share of the clustered windows.
_STANDS_FOR = 0.2
#: Width of the bins in which random pairs match the GC of pairs within clusters (4.5 bases of 448).
_GC_BIN = 0.01
#: Draws of pairs without a locus in common that p is of.
_DRAWS = 11
#: Draws per pair that may be spent on pairs of the same place.
_TRIES = 4

Sequences = Callable[[np.ndarray], np.ndarray]


def edit_distances(
    labels: np.ndarray,
    sequences: Sequences,
    *,
    gc: np.ndarray,
    places: Places,
    pairs: int = 5_000,
    tight_share: float = TIGHT_SHARE,
    seed: int = 0,
) -> dict[str, Any]:
    """Levenshtein distances over length of pairs of windows, and how the groups of pairs differ.

    Groups: *within* a tight cluster (clusters count by their number of windows; of any cluster, where tight ones hold
    less than a fifth of the clustered windows), *unclustered* (both noise), and for each of them random pairs: one for
    each pair within (*random_equal_gc*) or unclustered (*random_equal_gc_unclustered*), both of whose windows have the
    GC (to 1 %) of the pair's. Pairs within and unclustered are distinct. Pairs of the same orthologous block, or
    overlapping, are left out of all: near-copies would make every cluster tight. Pairs that share a window, or a locus
    (see `loci`), are not independent: p is of those alone that share none, in several draws of them (`p_of_draws`).
    Windows are compared on the strand that they are given on; an unrelated pair scores 0.53.

    Parameters
    ----------
    labels : int (n,), -1 = noise.
    sequences : gives uint8 ASCII (m, L) for rows int (m,); case is ignored.
    gc : float (n,), share of G and C.
    places : where the n windows lie.
    pairs : pairs per group at most.
    tight_share : clusters of a larger share of the windows are not called tight.

    Returns
    -------
    dict with ``pairs`` (distances per group), ``summary`` (n, median, mean, sd), ``tests`` (Cliff's delta of all pairs,
    negative when the first group is closer; two-sided Mann-Whitney p; ``pairs``, how many of each group the last draw
    has, in which every locus occurs once), ``per_cluster`` (n_pairs, median), and ``clusters``: whose pairs are within
    (``labels``, ``windows``, whether they are the ``tight`` ones and of what share at most, ``tight_share``, how many
    windows tight ones have, ``in_tight``, and all, ``clustered``).
    """
    rng = np.random.default_rng(seed)
    chosen, told = _chosen(labels, share=tight_share)
    within = _apart(_pairs_within(labels, chosen, count=_TRIES * pairs, rng=rng), places)[:pairs]
    noise = np.flatnonzero(labels < 0)
    unclustered = _apart(rng.choice(noise, (2 * pairs, 2)) if len(noise) > 1 else within[:0], places)[:pairs]
    groups = {
        "within": within,
        "unclustered": unclustered,
        "random_equal_gc": _drop_same(_equal_gc(within, gc, rng=rng), places),
        "random_equal_gc_unclustered": _drop_same(_equal_gc(unclustered, gc, rng=rng), places),
    }
    lie = loci(places)
    distances = {name: levenshtein(sequences(rows[:, 0]), sequences(rows[:, 1])) for name, rows in groups.items()}
    return {
        "pairs": {name: np.round(values, 4).tolist() for name, values in distances.items()},
        "summary": {name: _summary(values) for name, values in distances.items()},
        "tests": list(_tests(distances, {name: _once(lie[rows], rng=rng) for name, rows in groups.items()})),
        "per_cluster": _per_cluster(labels, sequences, places, pairs=max(20, pairs // 25), rng=rng),
        "clusters": told,
    }


def cliffs_delta(first: np.ndarray, second: np.ndarray) -> tuple[float, float]:
    """Cliff's delta (share of pairs with first > second, less first < second) and the Mann-Whitney p (two-sided).

    Examples
    --------
    >>> import numpy as np
    >>> cliffs_delta(np.zeros(9), np.ones(9))[0]
    -1.0
    """
    from scipy.stats import mannwhitneyu

    test = mannwhitneyu(first, second, alternative="two-sided")
    return float(2 * test.statistic / (len(first) * len(second)) - 1), float(test.pvalue)


def _chosen(labels: np.ndarray, *, share: float) -> tuple[np.ndarray, dict[str, Any]]:
    """Clusters whose pairs are compared, and what is told of the choice."""
    sizes = np.bincount(labels[labels >= 0])
    tight = np.flatnonzero((sizes <= share * len(labels)) & (sizes > 1))
    in_tight, clustered = int(sizes[tight].sum()), int(sizes.sum())
    stand = len(tight) > 0 and in_tight >= _STANDS_FOR * clustered
    chosen = tight if stand else np.flatnonzero(sizes > 1)
    told = {"labels": chosen.tolist(), "windows": int(sizes[chosen].sum()), "tight": stand, "tight_share": share}
    return chosen, told | {"in_tight": in_tight, "clustered": clustered}


def _pairs_within(labels: np.ndarray, chosen: np.ndarray, *, count: int, rng: np.random.Generator) -> np.ndarray:
    """Pairs int (count, 2): a random member of the chosen clusters with a random member of its own."""
    members = np.flatnonzero(np.isin(labels, chosen))
    if len(members) == 0:
        return np.zeros((0, 2), dtype=np.int64)
    members = members[np.argsort(labels[members], kind="stable")]
    sizes = np.bincount(labels[members])
    begin = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    first = rng.choice(members, count)
    own = labels[first]
    second = members[begin[own] + (rng.random(count) * sizes[own]).astype(np.int64)]
    return np.stack([first, second], axis=1)


def _apart(rows: np.ndarray, places: Places) -> np.ndarray:
    """Pairs of different places, each once, in the order in which they were drawn."""
    kept = np.sort(_drop_same(rows, places), axis=1)
    return kept[np.sort(np.unique(kept, axis=0, return_index=True)[1])]


def _drop_same(rows: np.ndarray, places: Places) -> np.ndarray:
    """Leave out pairs of a window with itself, of the same block, or overlapping."""
    a, b = rows[:, 0], rows[:, 1]
    overlap = (places.sequence[a] == places.sequence[b]) & (places.start[a] < places.end[b])
    overlap &= places.start[b] < places.end[a]
    block = (places.block[a] == places.block[b]) & (places.block[a] >= 0)
    return rows[~((a == b) | overlap | block)]


def _equal_gc(rows: np.ndarray, gc: np.ndarray, *, rng: np.random.Generator) -> np.ndarray:
    """For each row a window of the same GC bin, drawn from all windows."""
    bins = np.floor(np.asarray(gc, dtype=np.float64) / _GC_BIN).astype(np.int64)
    order = np.argsort(bins, kind="stable")
    wanted = bins[rows]
    low, high = (np.searchsorted(bins[order], wanted, side=side) for side in ("left", "right"))
    return order[low + (rng.random(rows.shape) * (high - low)).astype(np.int64)]


def _summary(values: np.ndarray) -> dict[str, float | int | None]:
    n = len(values)
    if n < 2:
        return {"n": n, "median": None, "mean": None, "sd": None}
    return {
        "n": n,
        "median": float(np.median(values)),
        "mean": float(values.mean()),
        "sd": float(values.std(ddof=1)),
    }


def _once(loci_of_pairs: np.ndarray, *, rng: np.random.Generator) -> list[np.ndarray]:
    """Draws of pairs, int (m,) each, that share no locus with one before them: independent, where loci are."""
    return [_disjoint(loci_of_pairs, rng.permutation(len(loci_of_pairs))) for _ in range(_DRAWS)]


def _disjoint(loci_of_pairs: np.ndarray, order: np.ndarray) -> np.ndarray:
    met: set[int] = set()
    kept = []
    for number, pair in zip(order.tolist(), loci_of_pairs[order].tolist(), strict=True):
        if met.isdisjoint(pair):
            met.update(pair)
            kept.append(number)
    return np.array(kept, dtype=np.int64)


def _tests(distances: dict[str, np.ndarray], draws: dict[str, list[np.ndarray]]) -> Iterable[dict[str, Any]]:
    if not len(distances["within"]):  # where nothing is clustered, all are like random pairs
        return
    for a, b in (
        ("within", "unclustered"),
        ("within", "random_equal_gc"),
        ("unclustered", "random_equal_gc_unclustered"),
    ):
        drawn = list(zip(draws[a], draws[b], strict=True))
        sizes = [len(rows) for rows in drawn[-1]]
        if min(min(map(len, pair)) for pair in drawn) > 1:
            effect, _ = cliffs_delta(distances[a], distances[b])
            p = [cliffs_delta(distances[a][first], distances[b][second])[1] for first, second in drawn]
            yield {"a": a, "b": b, "p": p_of_draws(p), "effect": effect, "effect_name": "cliffs_delta", "pairs": sizes}


def _per_cluster(
    labels: np.ndarray, sequences: Sequences, places: Places, *, pairs: int, rng: np.random.Generator
) -> list[dict[str, Any]]:
    rows = []
    for label in np.flatnonzero(np.bincount(labels[labels >= 0])):
        chosen = _apart(_pairs_within(labels, np.array([label]), count=_TRIES * pairs, rng=rng), places)[:pairs]
        values = levenshtein(sequences(chosen[:, 0]), sequences(chosen[:, 1]))
        median = float(np.median(values)) if len(values) else None
        rows.append({"label": int(label), "n_pairs": len(values), "median": median})
    return rows
