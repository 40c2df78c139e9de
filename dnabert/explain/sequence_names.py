"""Findings in the sequences themselves that can name a cluster: what they repeat, what they are simple in, the element
or motif that they share."""

from __future__ import annotations

from math import exp, log

from dnabert.explain.evidence_rows import (
    ALPHA,
    MOST,
    POINTS,
    TIMES,
    UTMOST,
    Name,
    Record,
    asked_windows,
    clear_term_of_most,
    counts,
    family_row,
    known_relative,
    odds_of,
    of_windows,
)
from dnabert.explain.homology import percent_or_more
from dnabert.explain.tandem import COLUMN as TANDEM_COLUMN
from dnabert.explain.tandem import TANDEM
from dnabert.shares import percent

#: Share of low-complexity bases that names a cluster when it is five times that of other windows.
SIMPLE = 0.25
#: Bases from which a consensus is an element even where a motif is found in it, and letters of a motif that are told.
LONG, LETTERS = 100, 12
#: Bits of a IUPAC letter, by the number of bases it stands for.
_BITS = {**dict.fromkeys("ACGT", 2.0), **dict.fromkeys("RYSWKM", 1.0), **dict.fromkeys("BDHV", 0.415)}


def tandem(card: Record) -> Name | None:
    """Windows of which most repeat themselves."""
    row = clear_term_of_most(card, (TANDEM_COLUMN,), lambda term: term == TANDEM)
    return Name("tandem repeat", f"tandem repeats, {of_windows(row)}", odds_of(row)) if row else None


def period_of_most(card: Record) -> str:
    """The period after which most members repeat themselves, or none."""
    row = clear_term_of_most(card, (TANDEM_COLUMN,), lambda term: term != TANDEM)
    return f"repeating every {row['term']} ({of_windows(row)})" if row else ""


def low_complexity(card: Record) -> Name | None:
    """Windows of which half of the bases are of low complexity, or a quarter where others have hardly any."""
    measured = card["makeup"]["low_complexity"]
    if not counts(measured) or measured["value"] <= measured["rest"]:
        return None
    if measured["value"] < MOST and not (measured["value"] >= SIMPLE and measured["value"] >= 5 * measured["rest"]):
        return None
    odds = odds_of({"share": measured["value"], "share_rest": measured["rest"]})
    told = (
        f"low-complexity sequence{_letters(card)}, {percent(measured['value'])} of the bases, elsewhere "
        f"{percent(measured['rest'])}"
    )
    return Name("low complexity", told, odds)


def _letters(card: Record) -> str:
    """The letters that the members' simple stretches mostly are of, on both strands, or none."""
    found = card["makeup"]["low_complexity"].get("simple")
    if not found:
        return ""
    other = {"A": "T", "C": "G", "A and C": "G and T", "A and G": "C and T"}.get(found["letters"])
    return f" mostly of {found['letters']}" + (f" ({other} on the other strand)" if other else "")


def family(card: Record) -> Name | None:
    """Members align with each other more than other windows do with them, and with no known sequence that could name
    them."""
    found = card.get("consensus") or {}
    if not found.get("found"):
        return None
    among: Record = (card.get("corpus_homology") or {}).get("members") or {}
    aligned = counts(among) and among["share"] > among["background_share"]
    element = aligned and len(found["consensus"]) >= LONG and among["share"] >= MOST and among["odds_ratio"] >= TIMES
    if found["share"] < MOST and not element:
        return None
    # a word that returns aligns, and is no element
    if card.get("kind", {}).get("kind") != "homologous" and not element and motif(card):
        return None
    odds = among["odds_ratio"] if aligned else UTMOST
    if (found.get("low_complexity") or 0) >= MOST:
        return Name("low complexity", f"copies of simple sequence{_letters(card)}, {len(found['consensus'])} bp", odds)
    if among and not aligned:
        return None
    # windows of an element longer than they are share no more than they overlap
    least = "at least " if found.get("beyond_window") else ""
    share = percent_or_more(found["share"]) if least else percent(found["share"])
    windows = asked_windows(found.get("sequences"), of=card["makeup"]["loci"])
    told = (
        f"copies of one element of {least}{len(found['consensus'])} bp at {percent(found['identity'])} identity, "
        f"{share} of {windows}"
    )
    if found["share"] < MOST:
        told += (
            f" ({percent(among['share'])} align with another member, elsewhere {percent(among['background_share'])})"
        )
    known = known_relative(card)
    if known is None:
        return Name("family", told + (", in no database given" if card.get("homology") else ""), odds)
    row = family_row(card, known["family"])
    if row is not None and not (counts(row) and row["odds_ratio"] > 1):
        return None
    covered = known["query_end"] - known["query_start"]
    return Name(
        "family", f"{told}, {covered} bp of it like {known['subject']} at {percent(known['identity'])} identity", odds
    )


def motif(card: Record) -> Name | None:
    """A motif of most members that neither other windows nor the members' own dinucleotides give; of several the
    clearest."""
    rows = [row for row in (card.get("motifs") or {}).get("motifs", []) if row["versus_others"]["share"] >= MOST]
    backgrounds = ("versus_others", "versus_shuffled")
    rows = [row for row in rows if all(counts(row[name]) and row[name]["low"] >= log(TIMES) for name in backgrounds)]
    if not rows:
        return None

    def least_log_odds(motif: Record) -> float:
        return min(motif[background]["log_odds"] for background in backgrounds)

    row = max(rows, key=least_log_odds)
    like = [match["known"] for match in card.get("known_motifs", []) if match["motif"] == row["name"]]
    known = f" (like {like[0]})" if like else ""
    elsewhere, shuffled = (percent(row[background]["background_share"]) for background in backgrounds)
    told = (
        f"motif {_core(row['consensus'])}{known} in {percent(row['versus_others']['share'])} of the windows, "
        f"elsewhere {elsewhere}, in shuffled windows {shuffled}"
    )
    return Name("motif", told, exp(least_log_odds(row)))


def word_piece(card: Record) -> Name | None:
    """A piece of the encoder's vocabulary that most members have, far more often than other windows and than their own
    dinucleotides give."""
    rows = [row for row in card.get("annotation", []) if row["column"] == "word_piece"]
    rows = [row for row in rows if (row["share"] or 0) >= MOST and counts(row) and odds_of(row) >= TIMES]
    rows = [row for row in rows if row["q_shuffled"] is not None and row["q_shuffled"] <= ALPHA]
    rows = [row for row in rows if row["share"] - max(row["share_rest"], row["share_shuffled"]) >= POINTS]
    if not rows:
        return None
    row = max(rows, key=lambda each: (min(odds_of(each), UTMOST), each["share"]))
    told = (
        f"the word piece {row['term']} of the encoder, {of_windows(row)}, in its windows shuffled "
        f"{percent(row['share_shuffled'])}"
    )
    return Name("word piece", f"{told} (an artefact of how a tokenizer of another language cuts words)", odds_of(row))


def _core(letters: str) -> str:
    """The most informative letters of a motif, as many as a reader takes in.

    Examples
    --------
    >>> _core("GGGACTTTCC"), _core("NNWSCKSSRMACGTRSRTCBN")
    ('GGGACTTTCC', 'SRMACGTRSRTC (core of 21 bp)')
    """
    if len(letters) <= LETTERS:
        return letters
    bits = [_BITS.get(letter, 0.0) for letter in letters]
    start = max(range(len(letters) - LETTERS + 1), key=lambda at: sum(bits[at : at + LETTERS]))
    return f"{letters[start : start + LETTERS].strip('N')} (core of {len(letters)} bp)"
