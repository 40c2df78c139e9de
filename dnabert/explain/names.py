"""Findings that can name a cluster, each with its odds against other windows, and which of them does; those of
annotation stand here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from dnabert.explain.evidence_rows import (
    MOST,
    NO_CLASS,
    POINTS,
    SHOWN,
    TIMES,
    UTMOST,
    Name,
    Record,
    asked_windows,
    classes_together,
    clear_term_of_most,
    counts,
    odds_of,
    of_windows,
    term_of_most,
)
from dnabert.explain.families import family_of
from dnabert.explain.sequence_names import family, low_complexity, motif, period_of_most, tandem
from dnabert.explain.tracks import ANY, OWN_COLUMNS
from dnabert.shares import percent

#: A finding gives way to one whose odds against other windows are this many times its own.
FAR = 10.0
#: Share of the members from which a class names a cluster that has no other name, at these odds.
MANY_OF, CLEARLY = 0.4, 20.0
#: Share of an element up to which a stretch of it is told.
PIECE = 0.5
#: Columns of classes that can name a cluster without having most of it, and what they are of.
_MANY_CLASSES = {"repeat_class": "repeats", "repeat_name": "repeats", "gene_type": "genes"}
#: Classes of repeats that are no mobile elements.
_NO_ELEMENTS = ("Simple_repeat", "Low_complexity", "Satellite")
#: Share of the windows cut at one codon position from which they are told to be of genes on one strand, and of a
#: cluster's from which it is one genome's.
NEARLY = 0.9


def strongest_name(card: Record) -> Name | None:
    """The first name that holds, or one whose odds are far larger."""
    found = _held(card, _element, _repeat) or _held(card, _several)
    found += _held(card, tandem, low_complexity, _island, _exonic, codon_position)
    if not any(name.basis in ("element", "repeat") for name in found):  # which are families too, with a name
        found += _held(card, family) or _held(card, motif)
    found += _held(card, _gene_type, _track, _many)
    best = found[0] if found else None
    for name in found[1:]:
        if best is not None and min(name.odds, UTMOST) >= FAR * min(best.odds, UTMOST):
            best = name
    if (
        best is not None
        and best.basis in ("element", "repeat", "tandem repeat", "low complexity", "family")
        and (period := period_of_most(card))
    ):
        best = replace(best, text=f"{best.text}, {period}")
    return best


def _held(card: Record, *finders: Callable[[Record], Name | None]) -> list[Name]:
    return [name for find in finders if (name := find(card))]


def _element(card: Record) -> Name | None:
    """The family that most members hit, in whichever database, and the sequence of it that is most often the best
    hit."""
    rows = [(row, base) for base in card.get("homology", {}).get("databases", []) for row in base["families"]]
    rows = [(row, base) for row, base in rows if row["share"] >= MOST and row["odds_ratio"] > 1 and counts(row)]
    if not rows:
        return None
    row, base = max(rows, key=lambda each: each[0]["share"])
    own = [
        each
        for each in base.get("subjects", [])
        if each["name"] != row["name"] and family_of(each["name"]) == row["name"]
    ]
    often = max(own, key=lambda each: each["best"], default=None)
    # the nearest that the database has: an old Alu is most like a young one where there are no others
    which = "" if often is None else f" (most like {_short(often['name'])}, {percent(often['best'])})"
    told = (
        f"{row['name']} elements{which}, {_strands(row['forward'])}, {percent(row['share'])} of {_searched(card)} at "
        f"{percent(row['identity'])} identity"
    )
    # a piece of the sequence that is named
    there = row if often is None or often["name"] == row.get("subject") else often
    return Name("element", f"{told} over {row['length']:.0f} bp{_piece(there)}", row["odds_ratio"])


def _searched(card: Record) -> str:
    """The windows that were sought in databases."""
    found = card.get("homology") or {}
    return asked_windows(found.get("sampled"), of=found.get("windows"))


def _piece(row: Record) -> str:
    """Which piece of a long element nearly all members are, or nothing: of an element that windows cut in pieces each
    is a cluster.

    Examples
    --------
    >>> _piece({"subject_within": [3650.4, 4420.0], "subject_length": 7000})
    ', within bases 3,651 to 4,420 of its 7,000'
    >>> _piece({"subject_within": [0.0, 300.0], "subject_length": 311})
    ''
    """
    start, end = row.get("subject_within", (0.0, 0.0))
    if not 0 < end - start <= PIECE * row.get("subject_length", 0):
        return ""
    return f", within bases {start + 1:,.0f} to {end:,.0f} of its {row['subject_length']:,}"


def _short(name: str) -> str:
    """A sequence's name without its family."""
    family = family_of(name)
    return name.removesuffix(f"#{family}").removeprefix(f"{family}:")


def _repeat(card: Record) -> Name | None:
    row = term_of_most(card, "repeat_class", lambda term: term not in NO_CLASS)
    if row is None:
        return None
    told = f"{row['term']} repeats, {percent(row['share'])} of the windows"
    odds = odds_of(row)
    named = term_of_most(card, "repeat_name", lambda term: True)
    if named is not None:
        noun = "repeats" if row["term"].startswith(_NO_ELEMENTS) else "elements"
        told = f"{named['term']} {noun}, {percent(named['share'])} of the windows ({told})"
        odds = max(odds, odds_of(named))
    return Name("repeat", told, odds)


def _several(card: Record) -> Name | None:
    """Known elements, or repeats, of which it takes several families or classes to make most of the members."""
    for base in (card.get("homology") or {}).get("databases", []):
        hit = base.get("any") or {}
        rows = [row for row in base["families"] if counts(row) and row["odds_ratio"] > 1]
        if len(rows) > 1 and counts(hit) and _is_clear(hit["share"], hit["background_share"], odds=hit["odds_ratio"]):
            names = ", ".join(f"{row['name']} {percent(row['share'])}" for row in rows[:SHOWN])
            told = (
                f"elements of several families ({names}), {percent(hit['share'])} of {_searched(card)}, elsewhere "
                f"{percent(hit['background_share'])}"
            )
            return Name("several elements", told, hit["odds_ratio"])
    row = classes_together(card)
    if row is None or not _is_clear(row["share"], row["share_rest"], odds=odds_of(row)):
        return None
    return Name("several elements", f"repeats of several classes ({row['term']}), {of_windows(row)}", odds_of(row))


def _is_clear(share: float, rest: float, *, odds: float) -> bool:
    return share >= MOST and odds >= TIMES and share - rest >= POINTS


def _island(card: Record) -> Name | None:
    row = term_of_most(card, "cpg_island", lambda term: True)
    if not row:
        return None
    starts = card.get("tss", {})
    near = starts.get("near") or {}
    promoters = (
        starts.get("start_of") == "transcription"
        and counts(near)
        and near["share"] >= MOST
        and near["share"] > near["share_rest"]
    )
    told = f"CpG islands, {percent(row['share'])} of the windows"
    if promoters:  # of as many windows as are near a start, not of all that hold an island
        told += (
            f", mostly at promoters: {percent(near['share'])} within 1 kb of a start of transcription, elsewhere "
            f"{percent(near['share_rest'])}"
        )
    return Name("CpG island", told, odds_of(row))


def _exonic(card: Record) -> Name | None:
    """What most bases of a window are, not what it touches: few windows of a gene-rich genome touch no exon."""
    for term, name in (("CDS", "coding sequence"), ("exon", "exons"), ("UTR", "untranslated regions")):
        row = clear_term_of_most(card, ("main_region",), lambda region, wanted=term: region.lower() == wanted.lower())
        if row:
            # exons of a gene that codes for nothing are what the gene is: rRNA
            gene = _gene_type(card, but=("protein_coding",)) if term == "exon" else None
            return gene or Name("exon", f"{name}, {of_windows(row)}", odds_of(row))
    return None


def codon_position(card: Record) -> Name | None:
    """The codon position at which most coding windows are cut: of one strand's genes, or of both."""
    rows = {row["feature"]: row for row in card.get("confounds", [])}
    row = rows.get("codon_position")
    if row is None or not counts(row) or row["n"] < MOST * card["makeup"]["n"]:
        return None
    if row["share"] < MOST or odds_of(row) < TIMES:
        return None
    which = f"frames +{row['most']} and -{row['most']}"
    frame = rows["codon_frame"]
    if frame["share"] >= NEARLY * row["share"]:
        which, row = f"frame {frame['most']}", frame
    shares = f"{percent(row['share'])} of the coding windows, elsewhere {percent(row['share_rest'])}"
    told = f"cut at one codon position (an artefact of where windows begin): {which}, {shares}"
    return Name("codon position", told, odds_of(rows["codon_position"]))


def _gene_type(card: Record, *, but: tuple[str, ...] = ()) -> Name | None:
    row = clear_term_of_most(card, ("gene_type",), lambda term: term not in (*NO_CLASS, *but))
    return Name("gene type", f"{row['term']} genes, {of_windows(row)}", odds_of(row)) if row else None


def _track(card: Record) -> Name | None:
    """The term of a user's track that most have; its name says more than that any interval is there."""
    tracks = tuple(sorted({row["column"] for row in card.get("annotation", [])} - set(OWN_COLUMNS)))
    named = clear_term_of_most(card, tracks, lambda term: term != ANY)
    row = named or clear_term_of_most(card, tracks, lambda term: True)
    return Name("track", f"{_track_name(row)}, {of_windows(row)}", odds_of(row)) if row else None


def _track_name(row: Record) -> str:
    return row["column"] if row["term"] in (ANY, row["column"]) else f"{row['term']} ({row['column']})"


def _many(card: Record) -> Name | None:
    """A class that nearly half of the members have and hardly any other window."""
    rows = card.get("annotation", [])
    rows = [row for row in rows if row["column"] in _MANY_CLASSES or row["column"] not in OWN_COLUMNS]
    rows = [row for row in rows if row["term"] not in NO_CLASS and MANY_OF <= (row["share"] or 0) < MOST]
    rows = [row for row in rows if counts(row) and odds_of(row) >= CLEARLY]
    if not rows:
        return None
    row = max(rows, key=odds_of)
    noun = _MANY_CLASSES.get(row["column"])
    name = f"{row['term']} {noun}" if noun else _track_name(row)
    return Name("class of many", f"{name}, {of_windows(row)}", odds_of(row))


def _strands(forward: float | None) -> str:
    if forward is None or 0.1 < forward < 0.9:
        return "both strands"
    return "forward strand" if forward >= 0.9 else "reverse strand"
