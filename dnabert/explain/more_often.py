"""What windows of a cluster have more often than other windows, in words, where it does not name the cluster."""

from __future__ import annotations

from dnabert.explain.evidence_rows import (
    MOST,
    NO_CLASS,
    POINTS,
    TIMES,
    Record,
    classes_together,
    counts,
    odds_of,
)
from dnabert.shares import percent

#: Share of the members from which it is told.
SOME = 0.2
#: So many findings at most.
_SHOWN = 2
#: Terms in words of their own.
_TERMS = {
    ("region", "CDS"): "coding sequence touched",
    ("region", "UTR"): "a UTR touched",
    ("region", "exon"): "an exon that codes for no protein touched",
    ("repeat_class", "other"): "other repeats",
}
#: Terms of a column in words.
_BY_COLUMN = {"repeat_class": "{}", "cpg_island": "CpG islands", "main_region": "{}", "gene_type": "{} genes"}


def some_more(card: Record) -> list[str]:
    """What many members of a cluster without a name have, and far more often than other windows; where that is nothing,
    what they have more often by a test that counts and by a fifth of the windows.

    Examples
    --------
    >>> row = {"column": "repeat_class", "term": "other", "share": 0.97, "share_rest": 0.48, "q": 2e-4, "low": 2.9}
    >>> some_more({"annotation": [row]})
    ['other repeats in 97 % (elsewhere 48 %)']
    """
    return many_more(card) or _more_often(card)


def many_more(card: Record, *, named: str = "") -> list[str]:
    """What many members have, and far more often than other windows: at most two, and not what names the cluster.

    Examples
    --------
    >>> row = {"column": "region", "term": "CDS", "share": 0.5, "share_rest": 0.09, "q": 0.01, "low": 3.6}
    >>> many_more({"annotation": [row]})
    ['coding sequence touched in 50 % (elsewhere 9 %)']
    """
    rows = [row for row in _told_rows(card) if row["term"] != "other" and _in_words(row) not in named]
    # repeats and islands of most name a cluster
    rows = [row for row in rows if row["share"] < MOST or row["column"] not in ("repeat_class", "cpg_island")]
    rows = [row for row in rows if row.get("low") is not None and row["low"] >= TIMES]
    rows = _once(sorted(rows, key=lambda row: -row["share"]))
    several = [] if any(row["column"] == "repeat_class" for row in rows) else _some_classes(card)
    return several + [_more(row) for row in rows]


def _more_often(card: Record) -> list[str]:
    rows = [row for row in _told_rows(card) if row["share"] - row["share_rest"] >= POINTS]
    return [_more(row) for row in _once(sorted(rows, key=odds_of, reverse=True))]


def _told_rows(card: Record) -> list[Record]:
    """Annotation of which there are words, with a test that counts, that many members have."""
    rows = [row for row in card.get("annotation", []) if _in_words(row) and counts(row)]
    return [row for row in rows if (row["share"] or 0) >= SOME]


def _in_words(row: Record) -> str:
    """A term of annotation in words; empty where it has none."""
    if row["term"] in set(NO_CLASS) - {"other"} | {"intron"}:
        return ""
    return _TERMS.get((row["column"], row["term"])) or _BY_COLUMN.get(row["column"], "").format(row["term"])


def _once(rows: list[Record]) -> list[Record]:
    """The first rows, each term once: what a window touches, and what most of its bases are, have the same terms."""
    firsts = {row["term"]: row for row in reversed(rows)}
    return [row for row in rows if row is firsts[row["term"]]][:_SHOWN]


def _more(row: Record) -> str:
    return f"{_in_words(row)} in {percent(row['share'])} (elsewhere {percent(row['share_rest'])})"


def _some_classes(card: Record) -> list[str]:
    """Repeats of several classes that many members have and far more often than other windows, each class in too few to
    be told."""
    row = classes_together(card)
    if row is None or not SOME <= row["share"] < MOST or odds_of(row) < TIMES:
        return []
    return [
        f"repeats of several classes in {percent(row['share'])} ({row['term']}; elsewhere {percent(row['share_rest'])})"
    ]
