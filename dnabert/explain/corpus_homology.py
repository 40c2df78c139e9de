"""Whether a cluster's windows are relatives of each other: their hits among the corpus's own windows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dnabert.explain.blast import blast
from dnabert.explain.correction import add_q
from dnabert.explain.hit_share import share_against
from dnabert.explain.homology import SIGNIFICANT, Drawn, draw, percent
from dnabert.explain.windows import ClusteredWindows

if TYPE_CHECKING:
    import pandas as pd

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
    found; in the test a place (`independent_places`) counts once. Every drawn window is searched in all drawn windows. Fair to the cluster's size are two comparisons: members
    against other windows, both searched in the cluster's drawn members (``members``); and the share of pairs of two
    members that align against the share of pairs of a member and a window outside (``pairs_within``, ``pairs_outside``).

    Parameters
    ----------
    windows : the clustered windows.
    sample : windows per cluster, at random, of which one per locus is kept.
    background : windows drawn at random from all, likewise; time grows with the square of all that are drawn.
    task, e_value, threads : of `blast`.
    seed : of both samples.

    Returns
    -------
    list of dict, one per cluster in order: ``label``, ``loci`` (searched), ``members`` (hits a member at another locus:
    `share_against`, with ``q`` over the clusters; odds ratio and p are of a random half of the members, sought in the other
    half as the windows outside are), ``pairs_within``, ``pairs_outside`` (None where there is no pair),
    ``identity``, ``length`` (medians over pairs of members that align, or None), ``forward`` (share of them on the same
    strand), ``nearest`` (of other clusters those with the largest share of pairs: ``label``, ``pairs``) and ``sentence``.

    Raises
    ------
    UserError
        when BLAST+ is not installed.
    """
    drawn = _one_per_locus(draw(windows, sample=sample, background=background, seed=seed))
    bases = windows.sequences(drawn.rows)
    hits = blast(
        bases, bases, task=task, e_value=e_value, most_subjects=max(5, len(bases)), best_only=True, threads=threads
    )
    hits = hits[drawn.locus[hits["query"]] != drawn.locus[hits["subject"]]]
    aligned = np.zeros((len(bases), len(bases)), dtype=bool)
    aligned[hits["query"], hits["subject"]] = True
    aligned |= aligned.T  # a pair near the threshold may be found from one side only
    rows = [_row(label, drawn, aligned=aligned, hits=hits) for label in windows.clusters]
    add_q([row["members"] for row in rows], tests=len(rows))
    for row in rows:
        row["sentence"] = _sentence(row)
    return rows


def _one_per_locus(drawn: Drawn) -> Drawn:
    """Of each sample keep the first window of each locus; windows that nothing needs any more are dropped."""

    def first(chosen: NDArray[np.int64]) -> NDArray[np.int64]:
        return chosen[np.sort(np.unique(drawn.locus[chosen], return_index=True)[1])]

    members, background = [first(each) for each in drawn.members], first(drawn.background)
    kept = np.unique(np.concatenate([*members, background]))
    return Drawn(
        rows=drawn.rows[kept],
        labels=drawn.labels[kept],
        locus=drawn.locus[kept],
        place=drawn.place[kept],
        members=[np.searchsorted(kept, each) for each in members],
        background=np.searchsorted(kept, background),
    )


def _row(label: int, drawn: Drawn, *, aligned: NDArray[np.bool_], hits: pd.DataFrame) -> dict[str, Any]:
    members, outside = drawn.groups(label)
    compared = _found_in(members, members, outside, drawn=drawn, aligned=aligned)
    # two members that align by chance hit each other, a member and another window count once: so half is sought in the other half
    fair = _found_in(members[1::2], members[::2], outside, drawn=drawn, aligned=aligned)
    compared |= {name: fair[name] for name in ("odds_ratio", "odds_low", "odds_high", "p")}
    within = hits[hits["query"].isin(members) & hits["subject"].isin(members)]
    others: list[dict[str, Any]] = [
        {"label": other, "pairs": _pairs(members, drawn.members[other], drawn=drawn, aligned=aligned)}
        for other in range(len(drawn.members))
        if other != label
    ]
    nearest = sorted((each for each in others if each["pairs"]), key=lambda each: (-each["pairs"], each["label"]))
    return {
        "label": label,
        "loci": len(members),
        "members": compared,
        "pairs_within": _pairs(members, members, drawn=drawn, aligned=aligned),
        "pairs_outside": _pairs(members, outside, drawn=drawn, aligned=aligned),
        "identity": float(within.identity.median()) if len(within) else None,
        "length": float(within.length.median()) if len(within) else None,
        "forward": float((within.strand == "+").mean()) if len(within) else None,
        "nearest": nearest[:_NEAREST],
    }


def _found_in(
    members: NDArray[np.int64], sought: NDArray[np.int64], outside: NDArray[np.int64], *, drawn: Drawn, aligned: NDArray[np.bool_]
) -> dict[str, Any]:
    """Members, and windows outside, that align with any of the `sought`: `share_against`."""
    return share_against(
        np.asarray(aligned[np.ix_(members, sought)].any(axis=1)),
        np.asarray(aligned[np.ix_(outside, sought)].any(axis=1)),
        inside_locus=drawn.place[members],
        outside_locus=drawn.place[outside],
    )


def _pairs(
    first: NDArray[np.int64], second: NDArray[np.int64], *, drawn: Drawn, aligned: NDArray[np.bool_]
) -> float | None:
    """Share of pairs at different loci that align."""
    apart = drawn.locus[first][:, None] != drawn.locus[second][None]
    return float(aligned[np.ix_(first, second)][apart].mean()) if apart.any() else None


def _sentence(row: dict[str, Any]) -> str:
    members = row["members"]
    if row["loci"] < 2:
        return "all members are at one place, so none can have a relative elsewhere in the cluster"
    if not members["windows_hit"]:
        return f"no member aligns with another at another place ({row['loci']} places)"
    often = "" if members["q"] < SIGNIFICANT else ": no significant difference"
    return (
        f"{percent(members['share'])} of {row['loci']} members at as many places align with another, at {percent(row['identity'])} "
        f"identity over {row['length']:.0f} bp; {percent(members['background_share'])} of other windows align with one of these{often}"
    )
