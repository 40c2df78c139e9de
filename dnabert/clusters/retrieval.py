"""Ortholog retrieval: does a window of one species find the same place in another?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dnabert.clusters.bootstrap import Score, bootstrap_mean
from dnabert.clusters.scores import standardised

if TYPE_CHECKING:
    from dnabert.corpus import WindowView

#: Longer than any block, so that block and place make one sortable number.
_SPAN = 1 << 40


@dataclass(frozen=True)
class Orthologs:
    """Pairs of windows of the same place by descent.

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


def orthologs(view: WindowView, *, query_genome: str, target_genome: str, n: int = 1_000, seed: int = 0) -> Orthologs:
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
        block.astype(np.int64) * _SPAN + place,
        reach=length // 2,
    )
    rng = np.random.default_rng(seed)
    if len(query_rows) > n:
        chosen = np.sort(rng.choice(len(query_rows), n, replace=False))
        query_rows, target_rows = query_rows[chosen], target_rows[chosen]
    shift = rng.integers(-(length // 2), length // 2 + 1, size=len(query_rows))
    reverse = rng.random(len(query_rows)) < 0.5
    return Orthologs(
        queries=view.bases(query_rows),
        targets=view.bases(target_rows, shift=shift, reverse=reverse),
        query_rows=query_rows,
        target_rows=target_rows,
        shift=shift,
        reverse=reverse,
    )


def retrieval_hits(queries: np.ndarray, targets: np.ndarray) -> dict[str, np.ndarray]:
    """Whether each query's counterpart is the most similar target, and whether it is among the ten most similar.

    Parameters
    ----------
    queries, targets : float (n, d) vectors, row i the counterpart of row i; z-scored together, compared by cosine.

    Returns
    -------
    ``{"retrieval_top1": bool (n,), "retrieval_top10": bool (n,)}``. A tie counts as a miss.

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
    return {f"retrieval_top{top}": rank < top for top in (1, 10)}


def score_retrieval(
    hits: dict[str, np.ndarray], *, groups: np.ndarray | None = None, resamples: int = 200, seed: int = 0
) -> dict[str, Score]:
    """Share of `retrieval_hits`, with its interval (groups, as blocks, are drawn whole); chance is 1/n and 10/n."""
    return {name: bootstrap_mean(right, groups=groups, resamples=resamples, seed=seed) for name, right in hits.items()}


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
