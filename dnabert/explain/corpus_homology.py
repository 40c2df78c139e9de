"""Whether a cluster's windows are relatives of each other: their hits among the corpus's own windows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dnabert.explain.blast import blast
from dnabert.explain.correction import add_q
from dnabert.explain.hit_share import share_against
from dnabert.explain.homology import SIGNIFICANT, Drawn, draw
from dnabert.explain.windows import ClusteredWindows
from dnabert.progress import watched
from dnabert.shares import percent

if TYPE_CHECKING:
    import pandas as pd
    from scipy.sparse import csr_array

#: Members that are searched in all others; of more, this many, of each cluster alike, so that the time no longer grows
#: with the square of the clusters: 1,000 windows took 27 seconds of a core where nearly all were of one element.
_ACROSS = 1_200
#: Members, of a few clusters, that are searched in each other beyond that; more would mostly be pairs that nobody asks
#: for, fewer would mostly start programs.
_TOGETHER = 200
#: Other clusters that are told of, those that align most.
_NEAREST = 3


def corpus_homology(
    windows: ClusteredWindows,
    *,
    sample: int = 60,
    background: int = 300,
    task: str = "blastn",
    e_value: float = 1e-5,
    threads: int = 1,
    seed: int = 0,
) -> list[dict[str, Any]]:
    """How many members of each cluster align with members of the same cluster at other loci, and with other windows.

    One window of each locus is drawn, so that near-copies (orthologs, overlapping windows) are neither searched nor
    found; in the test a place (`independent_places`) counts once. Drawn windows are searched in those of the same
    cluster and in the background, and, for ``nearest``, in all others: of more than 1,200 members in as many, of each
    cluster alike. Fair to the cluster's size are two comparisons: members against other windows, both searched in the
    cluster's drawn members (``members``); and the share of pairs of two members that align against the share of pairs
    of a member and a window outside (``pairs_within``, ``pairs_outside``).

    Parameters
    ----------
    windows : the clustered windows.
    sample : windows per cluster, at random, of which one per locus is kept.
    background : windows drawn at random from all, likewise.
    task, e_value, threads : of `blast`.
    seed : of both samples.

    Returns
    -------
    list of dict, one per cluster in order: ``label``, ``loci`` (searched), ``members`` (hits a member at another locus:
    `share_against`, with ``q`` over the clusters; odds ratio and p are of a random half of the members, sought in the
    other half as the windows outside are), ``pairs_within``, ``pairs_outside`` (None where there is no pair),
    ``identity``, ``length`` (medians over pairs of members that align, or None), ``forward`` (share of them on the same
    strand), ``nearest`` (of other clusters those with the largest share of pairs: ``label``, ``pairs``) and
    ``sentence``.

    Raises
    ------
    UserError
        when BLAST+ is not installed.
    """
    if not len(windows.clusters):
        return []
    drawn = _one_per_locus(draw(windows, sample=sample, background=background, seed=seed))
    few = max(1, _ACROSS // max(1, len(drawn.members)))
    taken = drawn.members if sum(map(len, drawn.members)) <= _ACROSS else [members[:few] for members in drawn.members]
    hits = _searched(windows.sequences(drawn.rows), drawn, taken=taken, task=task, e_value=e_value, threads=threads)
    aligned = _aligned(hits, n=len(drawn.rows))
    nearest = _nearest(aligned, drawn, taken=taken)
    rows = [_row(label, drawn, aligned=aligned, hits=hits) | {"nearest": nearest[label]} for label in windows.clusters]
    add_q([row["members"] for row in rows], tests=len(rows))
    for row in rows:
        row["sentence"] = _sentence(row)
    return rows


def _searched(
    bases: NDArray[np.uint8], drawn: Drawn, *, taken: list[NDArray[np.int64]], task: str, e_value: float, threads: int
) -> pd.DataFrame:
    """Hits between drawn windows at different loci: within each cluster, between members and the background, and among
    the `taken`, each pair once."""
    import pandas as pd

    def search(queries: NDArray[np.int64], subjects: NDArray[np.int64]) -> pd.DataFrame:
        options: dict[str, Any] = {"task": task, "e_value": e_value, "best_only": True, "threads": threads}
        found = blast(
            bases[queries], bases[subjects], most_subjects=max(5, len(subjects)), database_bases=bases.size, **options
        )
        return found.assign(query=queries[found["query"]], subject=subjects[found["subject"]])

    across = np.unique(np.concatenate([*taken, drawn.background]))
    parts = [search(across, across)]
    if len(across) < len(bases):
        members = np.concatenate(drawn.members)
        parts.append(search(members, drawn.background))
        parts += [
            search(np.union1d(own, drawn.background), own)
            for own in watched(_together(drawn.members), "relatives", unit=" searches")
        ]
    hits = pd.concat(parts, ignore_index=True).drop_duplicates(["query", "subject"], ignore_index=True)
    return hits[drawn.locus[hits["query"]] != drawn.locus[hits["subject"]]]


def _together(members: list[NDArray[np.int64]]) -> list[NDArray[np.int64]]:
    """Members of clusters that are searched in one run."""
    sizes = np.array([len(of_cluster) for of_cluster in members])
    run = (np.cumsum(sizes) - sizes) // _TOGETHER
    return [np.concatenate([members[label] for label in np.flatnonzero(run == number)]) for number in np.unique(run)]


def _aligned(hits: pd.DataFrame, *, n: int) -> csr_array:
    """Which of the drawn windows align: bool (n, n), symmetric, since a pair near the threshold may be found from one
    side only."""
    from scipy.sparse import csr_array

    pairs = hits[["query", "subject"]].to_numpy()
    both = np.concatenate([pairs, pairs[:, ::-1]])
    return csr_array((np.ones(len(both), dtype=bool), (both[:, 0], both[:, 1])), shape=(n, n))


def _nearest(aligned: csr_array, drawn: Drawn, *, taken: list[NDArray[np.int64]]) -> list[list[dict[str, Any]]]:
    """Of each cluster the others with the largest share of pairs at different loci that align."""
    from scipy.sparse import csr_array

    rows = np.concatenate([*taken, np.zeros(0, np.int64)])
    cluster = np.repeat(np.arange(len(taken)), [len(of_cluster) for of_cluster in taken])
    ones = np.ones(len(rows), dtype=np.int64)
    of_cluster = csr_array((ones, (rows, cluster)), shape=(len(drawn.rows), len(taken)))
    at_locus = csr_array((ones, (cluster, drawn.locus[rows])), shape=(len(taken), int(drawn.locus.max(initial=-1)) + 1))
    sizes = np.bincount(cluster, minlength=len(taken))
    pairs = np.outer(sizes, sizes) - (at_locus @ at_locus.T).toarray()
    share = (of_cluster.T @ aligned.astype(np.int64) @ of_cluster).toarray() / np.maximum(pairs, 1)
    np.fill_diagonal(share, 0)
    order = np.argsort(-share, axis=1, kind="stable")[:, :_NEAREST]
    return [
        [{"label": int(other), "pairs": float(own[other])} for other in best if own[other]]
        for own, best in zip(share, order, strict=True)
    ]


def _one_per_locus(drawn: Drawn) -> Drawn:
    """Of each sample keep the first window of each locus; windows that nothing needs any more are dropped."""

    def first(chosen: NDArray[np.int64]) -> NDArray[np.int64]:
        return chosen[np.sort(np.unique(drawn.locus[chosen], return_index=True)[1])]

    members = [first(of_cluster) for of_cluster in drawn.members]
    background = first(drawn.background)
    kept = np.unique(np.concatenate([*members, background]))
    return Drawn(
        rows=drawn.rows[kept],
        labels=drawn.labels[kept],
        locus=drawn.locus[kept],
        place=drawn.place[kept],
        members=[np.searchsorted(kept, of_cluster) for of_cluster in members],
        background=np.searchsorted(kept, background),
    )


def _row(label: int, drawn: Drawn, *, aligned: csr_array, hits: pd.DataFrame) -> dict[str, Any]:
    members, outside = drawn.groups(label)
    compared = _found_in(members, members, outside, drawn=drawn, aligned=aligned)
    # two members that align by chance hit each other, a member and another window count once: so half is sought in the
    # other half
    fair = _found_in(members[1::2], members[::2], outside, drawn=drawn, aligned=aligned)
    compared |= {name: fair[name] for name in ("odds_ratio", "odds_low", "odds_high", "p")}
    within = hits[hits["query"].isin(members) & hits["subject"].isin(members)]
    return {
        "label": label,
        "loci": len(members),
        "members": compared,
        "pairs_within": _pairs(members, members, drawn=drawn, aligned=aligned),
        "pairs_outside": _pairs(members, outside, drawn=drawn, aligned=aligned),
        "identity": float(within.identity.median()) if len(within) else None,
        "length": float(within.length.median()) if len(within) else None,
        "forward": float((within.strand == "+").mean()) if len(within) else None,
    }


def _found_in(
    members: NDArray[np.int64],
    sought: NDArray[np.int64],
    outside: NDArray[np.int64],
    *,
    drawn: Drawn,
    aligned: csr_array,
) -> dict[str, Any]:
    """Members, and windows outside, that align with any of the `sought`: `share_against`."""
    return share_against(
        np.asarray(_between(aligned, members, sought).any(axis=1)),
        np.asarray(_between(aligned, outside, sought).any(axis=1)),
        inside_locus=drawn.place[members],
        outside_locus=drawn.place[outside],
    )


def _pairs(first: NDArray[np.int64], second: NDArray[np.int64], *, drawn: Drawn, aligned: csr_array) -> float | None:
    """Share of pairs at different loci that align."""
    apart = drawn.locus[first][:, None] != drawn.locus[second][None]
    return float(_between(aligned, first, second)[apart].mean()) if apart.any() else None


def _between(aligned: csr_array, first: NDArray[np.int64], second: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which of the first align with which of the second: bool (m, k)."""
    return np.asarray(aligned[first][:, second].toarray())


def _sentence(row: dict[str, Any]) -> str:
    members = row["members"]
    if row["loci"] < 2:
        return "all members are at one place, so none can have a relative elsewhere in the cluster"
    if not members["windows_hit"]:
        return f"no member aligns with another at another place ({row['loci']} places)"
    often = "" if members["q"] < SIGNIFICANT else ": no significant difference"
    return (
        f"{percent(members['share'])} of {row['loci']} members at as many places align with another, at "
        f"{percent(row['identity'])} identity over {row['length']:.0f} bp; {percent(members['background_share'])} of "
        f"other windows align with one of these{often}"
    )
