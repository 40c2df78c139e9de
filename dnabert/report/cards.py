"""What of a cluster's evidence a page shows: the few rows that say most, logos, and members with their sequences."""

from __future__ import annotations

from math import log
from typing import Any

import numpy as np

from dnabert.report import confounds
from dnabert.report.logo import draw_logo
from dnabert.report.numbers import count, interval, number, p_value, percent, present, small

Record = dict[str, Any]

#: Rows of each kind that a card shows; the tables beside the page hold all.
_ROWS = 8
#: Names of repeats among them, and pieces of words: those of one class go together.
_NAMES = 3
_ALPHA = 0.05
#: Measures of what a cluster is made of, as `dnabert.explain.makeup` names them.
_COMPOSITION = {
    "gc": "GC",
    "cpg_observed_expected": "CpG observed / expected",
    "entropy": "entropy of triplets (share of the highest possible)",
    "low_complexity": "low complexity (share)",
}
#: A logo of a consensus shows the columns that most members cover, as many as fit on a line.
_COLUMNS = 60


def shown(card: Record) -> Record:
    """A card's evidence cut to what a page shows.

    Parameters
    ----------
    card : of ``cards.json``.

    Returns
    -------
    the card with ``annotation``, ``gene_sets``, ``hits`` and ``words`` cut to their strongest rows (q at most 0.05;
    words of each kind, and those first that are beyond composition), ``logos`` (SVG of motifs and consensus),
    ``members`` (medoid, boundary and random ones, each with its ``role``), ``told_composition`` and ``told_confounds``
    (name and text), and ``told_stability`` (text, empty where it is not known).
    """
    return card | {
        "annotation": _strongest(card.get("annotation", [])),
        "gene_sets": _significant(card.get("gene_sets", []))[:_ROWS],
        "hits": _hits(card),
        "words": _words(card),
        "logos": [*_motif_logos(card), *_consensus_logo(card)],
        "members": _members(card.get("makeup", {})),
        "told_composition": _composition(card.get("makeup", {})),
        "told_stability": _stability(card.get("stability") or {}),
        "told_confounds": confounds.of_card(card),
        "distances": [row for row in card.get("kind", {}).get("comparisons", []) if row["form"] == "semi_global"],
    }


def answer_rows(cards: list[Record], *, most: int = 5) -> list[Record]:
    """The clusters that the first screen speaks of: the surest first, what nothing explains last, then the largest."""
    order = {"high": 0, "moderate": 1, "low": 2}

    def rank(card: Record) -> tuple[int, bool, int]:
        told = card["sentence"]
        return order[told["confidence"]], told["basis"] == "unexplained", -card["makeup"]["n"]

    return sorted(cards, key=rank)[:most]


def counted(cards: list[Record]) -> list[tuple[str, int, int]]:
    """Number of clusters, and of windows in them, by what names them; the most windows first, the unexplained last."""
    found: dict[str, list[int]] = {}
    for card in cards:
        found.setdefault(card["sentence"]["basis"], []).append(card["makeup"]["n"])
    return sorted(
        ((name, len(sizes), sum(sizes)) for name, sizes in found.items()),
        key=lambda row: (row[0] == "unexplained", -row[2]),
    )


def _significant(rows: list[Record]) -> list[Record]:
    return [row for row in rows if present(row.get("q")) and row["q"] <= _ALPHA]


def _composition(makeup: Record) -> list[tuple[str, str]]:
    """Each measure of what a cluster is made of, with its test against all other windows."""
    told = []
    for key, name in _COMPOSITION.items():
        found = makeup.get(key) or {}
        text = f"{interval(found)}; all other windows {number(found.get('rest'))}"
        if present(found.get("effect")) and present(found.get("q")):
            effect, q = number(found["effect"], digits=2), p_value(found["q"]).replace("p", "q")
            text += f" (Cliff's δ {effect}; {q})"
        told.append((name, text))
    return told


def _stability(found: Record) -> str:
    """How often a cluster comes back when clustering is repeated, and whether that is enough to say so."""
    if not found:
        return ""
    n = found["jaccard"].get("n")
    if n == 0:
        return "no subsample held a window of it: more subsamples would tell"
    text = f"mean Jaccard index {interval(found['jaccard'], digits=2)} over {count(n)} subsample{'s' if n != 1 else ''}"
    if found.get("jaccard_corrected"):
        text += f", corrected for chance {interval(found['jaccard_corrected'], digits=2)}"
    text += f": {'a pattern (between stable and dissolved)' if found['verdict'] == 'pattern' else found['verdict']}"
    if not found.get("undecided"):
        return text
    if found["verdict"] == "dissolved":
        return f"{text} by its mean, but the interval leaves it open: more subsamples would tell"
    return f"{text}, but the interval leaves open whether it dissolves: more subsamples would tell"


def _strongest(rows: list[Record]) -> list[Record]:
    """Significant rows, those first whose interval is farthest from no effect: a share of 0.2 % against none has large
    odds, and hardly known ones."""
    found = [row for row in _significant(rows) if present(row.get("odds_ratio")) and row["odds_ratio"] > 0]
    found = sorted(found, key=lambda row: (-_at_least(row), -abs(log(row["odds_ratio"]))))
    names = [
        row
        for column in ("repeat_name", "word_piece")
        for row in [other for other in found if other.get("column") == column][_NAMES:]
    ]
    return [row for row in found if row not in names][:_ROWS]


def _at_least(row: Record) -> float:
    """Logarithm of the odds ratio, without its sign, at the end of its interval that is nearer to 1; 0 where 1 is
    inside, or nothing is known of it.

    Examples
    --------
    >>> _at_least({"low": 1.0, "high": 400.0}), round(_at_least({"low": 0.1, "high": 0.5}), 2), _at_least({})
    (0.0, 0.69, 0.0)
    """
    ends = [row.get("low"), row.get("high")]
    low, high = (float(end) if end is not None and present(end) else 0.0 for end in ends)
    return 0.0 if min(low, high) <= 0 or low <= 1 <= high else min(abs(log(low)), abs(log(high)))


def _hits(card: Record) -> list[Record]:
    """Families of all databases, those that most windows hit first."""
    rows = [
        row | {"database": each["database"]}
        for each in card.get("homology", {}).get("databases", [])
        for row in each["families"]
    ]
    return sorted(_significant(rows), key=lambda row: -row["share"])[:_ROWS]


def _words(card: Record) -> list[Record]:
    """Words beyond composition first, and of each kind in turn: the table has kind after kind, whose first alone would
    fill a card."""
    met: dict[str, int] = {}
    ranked = []
    for word in card.get("words", {}).get("words", []):
        place = met[word["kind"]] = met.get(word["kind"], 0) + 1
        ranked.append((word["versus_shuffled"]["q"] > _ALPHA, place, word))
    return [word for *_, word in sorted(ranked, key=lambda each: each[:2])][:_ROWS]


def _motif_logos(card: Record) -> list[Record]:
    found = []
    for motif in card.get("motifs", {}).get("motifs", []):
        others, own = motif["versus_others"], motif["versus_shuffled"]
        if present(others["q"]) and others["q"] <= _ALPHA:
            logo = draw_logo(
                np.array(motif["matrix"]), title=f"Motif of cluster {card['label']}", n_sites=motif["n_growing_sites"]
            )
            matches = [match["known"] for match in card.get("known_motifs", []) if match["motif"] == motif["name"]]
            sought = (
                f"of {count(card['motifs']['n_held_out'])} windows held out "
                "(near-copies count once; it was not sought in these)"
            )
            told = f"motif in {percent(others['share'])} {sought}, elsewhere in {percent(others['background_share'])}"
            if not (present(own["q"]) and own["q"] <= _ALPHA):
                told += (
                    f"; of the windows shuffled {percent(own['background_share'])} have it: not shown to be more than "
                    "their composition gives"
                )
            told += _placed(motif)
            found.append({"svg": logo, "text": told + (f"; like {', '.join(matches)}" if matches else "")})
    return found


def _placed(motif: Record) -> str:
    r"""On which strand a motif's sites are, and where in the window the best of each window.

    Examples
    --------
    >>> strand = {"forward_share": 0.5, "forward_low": 0.25, "forward_high": 0.75, "n_sites": 12}
    >>> _placed(strand)
    '; 50\xa0% [25\xa0%, 75\xa0%] of its 12 sites on the forward strand'
    >>> _placed({"position": {"histogram": [8, 1, 1], "q": 0.001}})
    '; not evenly over the window: 80\xa0% in part 1 of 3 (q = 0.001)'
    """
    told = ""
    if present(motif.get("forward_share")):
        ends = ", ".join(percent(motif.get(name)) for name in ("forward_low", "forward_high"))
        sites = f"its {count(motif['n_sites'])} sites on the forward strand"
        told = f"; {percent(motif['forward_share'])} [{ends}] of {sites}"
    position = motif.get("position") or {}
    if not present(position.get("q")):
        return told
    q, counts = small(position["q"]), position["histogram"]
    if position["q"] > _ALPHA:
        return f"{told}; no part of the window is shown to have it more often (q = {q})"
    most = counts.index(max(counts))
    share = percent(counts[most] / sum(counts))
    return f"{told}; not evenly over the window: {share} in part {most + 1} of {len(counts)} (q = {q})"


def _consensus_logo(card: Record) -> list[Record]:
    found = card.get("consensus") or {}
    if not found.get("found"):
        return []
    coverage = np.array(found["coverage"], dtype=np.int64)
    width = min(_COLUMNS, len(coverage))
    start = int(np.convolve(coverage, np.ones(width), mode="valid").argmax())
    matrix = np.array(found["frequencies"])[start : start + width]
    logo = draw_logo(
        matrix, title=f"Consensus of cluster {card['label']}", n_sites=coverage[start : start + width], first=start + 1
    )
    return [
        {
            "svg": logo,
            "text": f"consensus, bases {start + 1} to {start + width} of {len(coverage)}: {found['sentence']}",
        }
    ]


def _members(makeup: Record) -> list[Record]:
    medoid = [makeup["medoid"] | {"role": "medoid (the window in the middle)"}] if makeup.get("medoid") else []
    boundary = [window | {"role": "at the boundary"} for window in makeup.get("boundary", [])[:1]]
    return medoid + boundary + [window | {"role": "random member"} for window in makeup.get("random", [])[:2]]
