"""Rows of a card's evidence, read: which tests count, what most members have, and the words that share them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from dnabert.shares import percent

Record = dict[str, Any]

#: A share of the members from which a finding names the cluster, and the largest q of a test that counts.
MOST, ALPHA = 0.5, 0.05
#: Odds against other windows from which a finding that does not name the cluster is told.
TIMES = 3.0
#: Points by which a region of genes, a gene type or a track must be more frequent than elsewhere, beside `TIMES`, to be
#: told: nearly all of a bacterium is coding.
POINTS = 0.2
#: Odds beyond this are not told apart.
UTMOST = 1_000.0
#: Terms that say that a window is in no class.
NO_CLASS = ("none", "other", "None", "intergenic")
#: Classes or families that are named where it takes several to make most of a cluster.
SHOWN = 3
#: Share of GC by which a cluster differs enough to be called rich in it.
RICH = 0.03


@dataclass(frozen=True)
class Name:
    """A finding that can name a cluster, and its odds against other windows."""

    basis: str
    text: str
    odds: float


def term_of_most(card: Record, column: str, wanted: Any) -> Record | None:
    """The row of a column's term that most members have and other windows have less often."""
    rows = [row for row in card.get("annotation", []) if row["column"] == column and wanted(row["term"])]
    rows = [row for row in rows if (row["share"] or 0) >= MOST and counts(row) and row["share"] > row["share_rest"]]
    return max(rows, key=lambda row: row["share"]) if rows else None


def clear_term_of_most(card: Record, columns: tuple[str, ...], wanted: Any) -> Record | None:
    """Of rows as in `term_of_most` those far more frequent than elsewhere, in odds and in points; the largest odds."""
    rows = [
        row
        for column in columns
        for row in card.get("annotation", [])
        if row["column"] == column and wanted(row["term"])
    ]
    rows = [row for row in rows if (row["share"] or 0) >= MOST and counts(row)]
    rows = [row for row in rows if odds_of(row) >= TIMES and row["share"] - row["share_rest"] >= POINTS]
    return max(rows, key=lambda row: (min(odds_of(row), UTMOST), row["share"])) if rows else None


def classes_together(card: Record) -> Record | None:
    """The classes of repeats that members have more often than other windows, as one row: a window has one class. None
    of fewer than two.

    `term` has the names of the most frequent with their shares.
    """
    rows = [
        row
        for row in card.get("annotation", [])
        if row["column"] == "repeat_class" and row["term"] not in NO_CLASS and counts(row)
    ]
    rows = sorted((row for row in rows if (row["share"] or 0) > row["share_rest"]), key=lambda row: -row["share"])
    if len(rows) < 2:
        return None
    names = ", ".join(f"{row['term']} {percent(row['share'])}" for row in rows[:SHOWN])
    return {
        "term": names,
        "share": sum(row["share"] for row in rows),
        "share_rest": sum(row["share_rest"] for row in rows),
    }


def asked_windows(drawn: int | None, *, of: int | None) -> str:
    """Whose share a search tells: of more windows than it took, those that were drawn.

    Examples
    --------
    >>> asked_windows(200, of=1_880), asked_windows(147, of=147), asked_windows(None, of=147)
    ('200 drawn windows', 'the windows', 'the windows')
    """
    return "the windows" if drawn is None or of is None or drawn >= of else f"{drawn:,} drawn windows"


def of_windows(row: Record) -> str:
    """A row's share of the members beside that of other windows, in words."""
    return f"{percent(row['share'])} of the windows, elsewhere {percent(row['share_rest'])}"


def odds_of(row: Record) -> float:
    """The odds ratio of a row's test, or that of its shares; `UTMOST` where one of these is 0 or 1."""
    if row.get("odds_ratio") is not None:
        return float(row["odds_ratio"])
    share, rest = row["share"], row["share_rest"]
    return share * (1 - rest) / (rest * (1 - share)) if rest * (1 - share) > 0 else UTMOST


def counts(row: Record) -> bool:
    """Whether a row's test counts: q at most `ALPHA`."""
    return row.get("q") is not None and row["q"] <= ALPHA


def rich_in(card: Record) -> str | None:
    """What the cluster's GC is, where it is clearly another than elsewhere."""
    gc = card["makeup"]["gc"]
    if not counts(gc) or abs(gc["value"] - gc["rest"]) < RICH:
        return None
    side = "GC-rich" if gc["value"] > gc["rest"] else "AT-rich"
    return f"{side} sequence ({percent(gc['value'])} GC, elsewhere {percent(gc['rest'])})"


def known_relative(card: Record) -> Record | None:
    """The known sequence that the consensus is most like."""
    hits = (card.get("consensus") or {}).get("relatives") or []
    return hits[0] if hits else None


def family_row(card: Record, name: str) -> Record | None:
    """The row of a family of known sequences, in whichever database."""
    rows = [
        row
        for base in (card.get("homology") or {}).get("databases", [])
        for row in base["families"]
        if row["name"] == name
    ]
    return rows[0] if rows else None


def left_out(skipped: dict[str, str]) -> list[str]:
    """What a card lacks, each reason once.

    Examples
    --------
    >>> left_out({"tss": "no genes", "gene_sets": "no genes", "homology": "no databases"})
    ['distance from the start of a gene, gene sets (no genes)', 'homology (no databases)']
    """
    parts: dict[str, list[str]] = {}
    for part, why in skipped.items():
        parts.setdefault(why, []).append(
            "distance from the start of a gene" if part == "tss" else part.replace("_", " ")
        )
    return [f"{', '.join(names)} ({why})" for why, names in parts.items()]
