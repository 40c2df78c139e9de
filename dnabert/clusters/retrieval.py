"""Retrieval: does a window find the same place in another species, or, shifted and mutated, in its own?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dnabert.clusters.bootstrap import Score, bootstrap_mean
from dnabert.corpus.mutation import mutate
from dnabert.encoders.nearest import standardised

if TYPE_CHECKING:
    from dnabert.corpus import WindowView

#: Longer than any block, so that block and place make one sortable number.
_SPAN = 1 << 40


@dataclass(frozen=True)
class Pairs:
    """Pairs of windows of the same place, by descent (`orthologs`) or moved and changed (`moved_copies`).

    Attributes
    ----------
    queries, targets : uint8 ASCII (n, L); row i of one is the counterpart of row i of the other.
    query_rows, target_rows : int (n,), rows of the view.
    shift : int (n,), bases by which the target was moved.
    reverse : bool (n,), whether the target is read on the other strand.
    """

    queries: np.ndarray
    targets: np.ndarray
    query_rows: np.ndarray
    target_rows: np.ndarray
    shift: np.ndarray
    reverse: np.ndarray


def orthologs(view: WindowView, *, query_genome: str, target_genome: str, n: int = 1_000, seed: int = 0) -> Pairs:
    """Up to n windows of one genome with their counterparts in another, moved and turned at random.

    The counterpart is the window at the nearest distance from the block's start, at most half a window away. It is
    shifted by up to half a window and read on a random strand, so that neither frame nor strand gives it away.
    A block counts once per query window; targets are all distinct.
    """
    genome, block, start = (view.column(name) for name in ("genome", "block", "start"))
    place = _place_in_block(genome, block, start)
    length = view.bases(np.arange(min(1, len(view)))).shape[-1] if len(view) else 0
    query_rows, target_rows = _pairs(
        np.flatnonzero((genome == query_genome) & (block >= 0)),
        np.flatnonzero((genome == target_genome) & (block >= 0)),
        # a block's own number may be 2^31, too large to be multiplied
        np.unique(block, return_inverse=True)[1].astype(np.int64) * _SPAN + place,
        reach=length // 2,
    )
    rng = np.random.default_rng(seed)
    if len(query_rows) > n:
        chosen = np.sort(rng.choice(len(query_rows), n, replace=False))
        query_rows, target_rows = query_rows[chosen], target_rows[chosen]
    shift = rng.integers(-(length // 2), length // 2 + 1, size=len(query_rows))
    reverse = rng.random(len(query_rows)) < 0.5
    return Pairs(
        queries=view.bases(query_rows),
        targets=view.bases(target_rows, shift=shift, reverse=reverse),
        query_rows=query_rows,
        target_rows=target_rows,
        shift=shift,
        reverse=reverse,
    )


def related_genomes(view: WindowView, *, query: str | None = None, target: str | None = None) -> tuple[str, str] | None:
    """Two genomes that share orthologous blocks: of those not named the first that is asked, and the last in which it
    is sought.

    Parameters
    ----------
    view : windows, by genome in the corpus's order, in which people name the genome they know best first and distant
        ones last.
    query, target : genomes already chosen.

    Returns
    -------
    Names of query and target; None where no two such genomes share a block.
    """
    genome, block = view.column("genome").astype(str), view.column("block")
    names, first = np.unique(genome[block >= 0], return_index=True)
    names = names[np.argsort(first)].tolist()
    blocks = {name: block[(genome == name) & (block >= 0)] for name in names}
    for asked in names if query is None else [query]:
        for sought in reversed(names) if target is None else [target]:
            if (
                asked != sought
                and asked in blocks
                and sought in blocks
                and np.isin(blocks[asked], blocks[sought]).any()
            ):
                return asked, sought
    return None


def moved_copies(
    view: WindowView, *, n: int = 1_000, substitutions: float = 0.05, indels: float = 0.005, seed: int = 0
) -> Pairs:
    """Up to n windows with the same place shifted, on a random strand and mutated: what a genome alone has in the
    place of `orthologs`.

    The copy begins up to half a window to either side (as far as its segment reaches), is read on a random strand, and
    then mutated. Windows lie at least a window apart, so that no other one's copy overlaps a query.

    Parameters
    ----------
    view : windows; of several genomes the one with most windows is asked, since others may hold copies of its places.
    n : pairs at most, drawn at random.
    substitutions, indels : chances per base, as in `dnabert.corpus.mutation.mutate`.
    seed : of the draw and of the changes.
    """
    rng = np.random.default_rng(seed)
    genome = view.column("genome").astype(str)
    names, counts = np.unique(genome, return_counts=True)
    rows = np.flatnonzero(genome == names[counts.argmax()]) if len(names) else np.zeros(0, dtype=np.int64)
    rows = _apart(view, np.sort(rng.choice(rows, min(4 * n, len(rows)), replace=False)))
    rows = np.sort(rng.choice(rows, min(n, len(rows)), replace=False))
    reach = view.window_length // 2
    before, after = (np.minimum(view.column(name)[rows].astype(np.int64), reach) for name in ("before", "after"))
    shift = rng.integers(-before, after + 1)
    reverse = rng.random(len(rows)) < 0.5
    copies = view.bases(rows, shift=shift, reverse=reverse)
    draws = rng.integers(2**64, size=copies.shape, dtype=np.uint64)
    targets = mutate(copies, substitutions=substitutions, indels=indels, draws=draws)
    return Pairs(
        queries=view.bases(rows), targets=targets, query_rows=rows, target_rows=rows, shift=shift, reverse=reverse
    )


def retrieval_hits(queries: np.ndarray, targets: np.ndarray, *, name: str = "retrieval") -> dict[str, np.ndarray]:
    """Whether each query's counterpart is the most similar target, and whether it is among the ten most similar.

    Parameters
    ----------
    queries, targets : float (n, d) vectors, row i the counterpart of row i; z-scored together, compared by cosine.
    name : of the measure.

    Returns
    -------
    ``{NAME_top1: bool (n,), NAME_top10: bool (n,)}``. A tie counts as a miss.

    Examples
    --------
    >>> import numpy as np
    >>> vectors = np.random.default_rng(0).normal(size=(50, 8))
    >>> bool(retrieval_hits(vectors, vectors)["retrieval_top1"].all())
    True
    """
    both = standardised(np.concatenate([queries, targets]))
    similarity = both[: len(queries)] @ both[len(queries) :].T
    own = np.diagonal(similarity).copy()
    np.fill_diagonal(similarity, -np.inf)
    rank = (similarity >= own[:, None]).sum(axis=1)
    return {f"{name}_top{top}": rank < top for top in (1, 10)}


def score_retrieval(
    hits: dict[str, np.ndarray], *, groups: np.ndarray | None = None, resamples: int = 200, seed: int = 0
) -> dict[str, Score]:
    """Share of `retrieval_hits`, with its interval (groups, as blocks, are drawn whole); chance is 1/n and 10/n."""
    return {name: bootstrap_mean(right, groups=groups, resamples=resamples, seed=seed) for name, right in hits.items()}


def _apart(view: WindowView, rows: np.ndarray) -> np.ndarray:
    """Of windows of one genome those, ascending, with at least a window's length between one and the next on their
    sequence."""
    start = view.column("start")[rows].astype(np.int64)
    length = view.window_length
    sequence = np.unique(view.column("chrom")[rows].astype(str), return_inverse=True)[1]
    kept = []
    last = 0
    on = -1
    for window in np.lexsort((start, sequence)).tolist():
        if sequence[window] != on or start[window] >= last + 2 * length:
            kept.append(window)
            last, on = int(start[window]), int(sequence[window])
    return np.sort(rows[np.array(kept, dtype=np.int64)])


def _place_in_block(genome: np.ndarray, block: np.ndarray, start: np.ndarray) -> np.ndarray:
    """Distance of each window from the first window of its block in its genome, in bases."""
    _, codes = np.unique(genome, return_inverse=True)
    _, group = np.unique(codes.astype(np.int64) * (int(block.max(initial=0)) + 2) + block + 1, return_inverse=True)
    first = np.full(int(group.max(initial=-1)) + 1, np.iinfo(np.int64).max)
    np.minimum.at(first, group, start.astype(np.int64))
    return start.astype(np.int64) - first[group]


def _pairs(queries: np.ndarray, targets: np.ndarray, key: np.ndarray, *, reach: int) -> tuple[np.ndarray, np.ndarray]:
    """Nearest target of each query by key, at most `reach` away, each target once (its nearest query's)."""
    if len(queries) == 0 or len(targets) == 0:
        return queries[:0], targets[:0]
    targets = targets[np.argsort(key[targets], kind="stable")]
    after = np.clip(np.searchsorted(key[targets], key[queries]), 0, len(targets) - 1)
    before = np.maximum(after - 1, 0)
    gap_after, gap_before = (np.abs(key[targets[i]] - key[queries]) for i in (after, before))
    nearest = np.where(gap_before < gap_after, before, after)
    gap = np.minimum(gap_before, gap_after)
    order = np.argsort(gap, kind="stable")
    _, once = np.unique(nearest[order], return_index=True)
    keep = np.sort(order[once][gap[order[once]] <= reach])
    return queries[keep], targets[nearest[keep]]
