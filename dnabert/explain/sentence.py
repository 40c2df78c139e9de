"""One sentence for a cluster, composed from its evidence, that claims no more than the tests do."""

from __future__ import annotations

from math import log
from typing import Any, Literal

Record = dict[str, Any]

#: A share of the members from which a finding names the cluster, and the largest q of a test that counts.
MOST, ALPHA = 0.5, 0.05
#: Share of low-complexity bases that names a cluster when it is five times that of other windows.
SIMPLE = 0.25
#: Area under the curve from which dinucleotides set a cluster apart from the windows around it; 0.5 is no difference.
APART = 0.7
#: Area from which composition is said to tell a cluster from other windows, not only in part.
WELL = 0.8
#: Share of the members from which a finding that does not name the cluster is added, when the odds are this many times those elsewhere.
SOME, TIMES = 0.2, 3.0
#: Share of GC by which a cluster differs enough to be called rich in it.
RICH = 0.03
#: Places from which a finding is called certain, and below which it is called weak: neighbours on one stretch of a chromosome are few places.
MANY, FEW = 20, 8


def cluster_sentence(card: Record) -> Record:
    """Say in one sentence what the members of a cluster have in common.

    The first of these that holds names the cluster: a known element that at least half of the members hit (BLAST); a repeat
    class of at least half of them; low complexity; CpG islands (and promoters, when they lie within 1 kb of a start of
    transcription); coding or exonic sequence; an element that no database has (members align with a consensus, and with each other
    more often than other windows with them); a motif, in more of them than in other windows and than in their own, shuffled;
    composition. Every test is one against other windows, with q at most 0.05. Else the
    cluster is unexplained. What else holds of most members (introns, one species), and what many have far more often than other
    windows, is added; of an unexplained cluster also what it lacks.

    Parameters
    ----------
    card : the parts of a cluster's evidence as `explain` gathers them; absent ones are not spoken of.

    Returns
    -------
    dict with ``text``, ``basis`` (repeat, element, …, unexplained), and ``confidence`` (high, moderate, low): low where nothing
    explains it, below 8 places, and when repeats of the clustering lose the cluster; high from 20 places on when they keep it
    (or were not made).
    """
    makeup = card["makeup"]
    for find in (_element, _repeat, _low_complexity, _island, _exonic, _family, _motif, _related, _composition):
        found = find(card)
        if found:
            basis, text = found
            break
    else:
        basis, text = "unexplained", _unexplained(card)
    added = [] if basis == "unexplained" else _also(card, basis)
    sure = "low" if basis == "unexplained" else confidence(makeup["loci"], card.get("stability"))
    return {"text": ", ".join([text, *added]), "basis": basis, "confidence": sure}


def confidence(places: int, stability: Record | None) -> Literal["high", "moderate", "low"]:
    """How sure a cluster is, from its number of places and from how often repeats of the clustering find it.

    Examples
    --------
    >>> confidence(100, None), confidence(100, {"verdict": "dissolved"}), confidence(10, None)
    ('high', 'low', 'moderate')
    """
    verdict = (stability or {}).get("verdict")
    if places < FEW or verdict == "dissolved":
        return "low"
    return "high" if places >= MANY and verdict in (None, "stable") else "moderate"


def _element(card: Record) -> tuple[str, str] | None:
    """The family that most members hit, in whichever database."""
    rows = [row for base in card.get("homology", {}).get("databases", []) for row in base["families"]]
    rows = [row for row in rows if row["share"] >= MOST and row["odds_ratio"] > 1 and _counts(row)]
    if not rows:
        return None
    row = max(rows, key=lambda each: each["share"])
    return "element", f"{row['name']} elements, {_strands(row['forward'])}, {_percent(row['share'])} of the windows at {_percent(row['identity'])} identity over {row['length']:.0f} bp"


def _repeat(card: Record) -> tuple[str, str] | None:
    row = _term(card, "repeat_class", lambda term: term not in ("none", "other", "None"))
    return ("repeat", f"{row['term']} repeats, {_percent(row['share'])} of the windows") if row else None


def _low_complexity(card: Record) -> tuple[str, str] | None:
    measured = card["makeup"]["low_complexity"]
    clearly_more = measured["value"] >= SIMPLE and _counts(measured) and measured["value"] >= 5 * measured["rest"]
    if measured["value"] < MOST and not clearly_more:
        return None
    elsewhere = f", elsewhere {_percent(measured['rest'])}" if measured.get("rest") is not None else ""
    return "low complexity", f"low-complexity sequence, {_percent(measured['value'])} of the bases{elsewhere}"


def _island(card: Record) -> tuple[str, str] | None:
    row = _term(card, "cpg_island", lambda term: True)
    if not row:
        return None
    near = card.get("tss", {}).get("near") or {}
    promoters = near.get("share", 0) >= MOST and _counts(near)
    name = "CpG-island promoters" if promoters else "CpG islands"
    return "CpG island", f"{name}, {_percent(row['share'])} of the windows"


def _exonic(card: Record) -> tuple[str, str] | None:
    for term, name in (("CDS", "coding sequence"), ("exon", "exons"), ("UTR", "untranslated regions")):
        row = _term(card, "region", lambda each, wanted=term: each.lower() == wanted.lower())
        if row:
            return "exon", f"{name}, {_percent(row['share'])} of the windows"
    return None


def _family(card: Record) -> tuple[str, str] | None:
    """Members align with each other more than other windows do with them, and with no known sequence that could name them."""
    found = card.get("consensus") or {}
    if not found.get("found") or found["share"] < MOST:
        return None
    if card.get("kind", {}).get("kind") != "homologous" and _motif(card):  # a word that returns aligns, and is no element
        return None
    if (found.get("low_complexity") or 0) >= MOST:
        return "low complexity", f"copies of a simple repeat of {len(found['consensus'])} bp"
    among = (card.get("corpus_homology") or {}).get("members")
    if among is not None and not (_counts(among) and among["share"] > among["background_share"]):
        return None
    told = f"copies of one element of {len(found['consensus'])} bp at {_percent(found['identity'])} identity, {_percent(found['share'])} of the windows"
    known = _relative(card)
    if known is None:
        return "family", told + (", in no database given" if card.get("homology") else "")
    row = _family_row(card, known["family"])
    if row is not None and not (_counts(row) and row["odds_ratio"] > 1):
        return None
    covered = known["query_end"] - known["query_start"]
    return "family", f"{told}, {covered} bp of it like {known['subject']} at {_percent(known['identity'])} identity"


def _relative(card: Record) -> Record | None:
    """The known sequence that the consensus is most like."""
    hits = (card.get("consensus") or {}).get("relatives") or []
    return hits[0] if hits else None


def _family_row(card: Record, name: str) -> Record | None:
    rows = [row for base in (card.get("homology") or {}).get("databases", []) for row in base["families"] if row["name"] == name]
    return rows[0] if rows else None


def _related(card: Record) -> tuple[str, str] | None:
    """Letters say that members are of one descent, without a consensus long enough to write."""
    if card.get("kind", {}).get("kind") != "homologous":
        return None
    within = card["kind"]["within"]["semi_global"]
    return "family", f"related sequence without a name: half of a window is found in another at {_percent(within)} edits"


def _motif(card: Record) -> tuple[str, str] | None:
    """A motif of most members that neither other windows nor the members' own dinucleotides give; of several the clearest."""
    rows = [row for row in (card.get("motifs") or {}).get("motifs", []) if row["versus_others"]["share"] >= MOST]
    backgrounds = ("versus_others", "versus_shuffled")
    rows = [row for row in rows if all(_counts(row[name]) and row[name]["low"] >= log(TIMES) for name in backgrounds)]
    if not rows:
        return None
    row = max(rows, key=lambda each: min(each[name]["log_odds"] for name in backgrounds))
    like = [match["known"] for match in card.get("known_motifs", []) if match["motif"] == row["name"]]
    known = f" (like {like[0]})" if like else ""
    shares = [_percent(each) for each in (row["versus_others"]["share"], *(row[name]["background_share"] for name in backgrounds))]
    return "motif", f"motif {row['consensus']}{known} in {shares[0]} of the windows, elsewhere {shares[1]}, in shuffled windows {shares[2]}"


def _composition(card: Record) -> tuple[str, str] | None:
    """Composition that sets a cluster apart from its surroundings too: any small region of the space has one of its own."""
    kind = card.get("kind", {})
    if kind.get("kind") != "compositional" or not _sets_apart(kind):
        return None
    rich = _rich(card)
    if rich:
        return "composition", rich
    area = kind["composition_auc_nearby"]["value"]
    return "composition", f"sequence of one composition (dinucleotides tell it from its surroundings with an area of {area:.2f})"


def _sets_apart(kind: Record) -> bool:
    nearby = kind.get("composition_auc_nearby")
    return nearby is not None and nearby["value"] >= APART


def _rich(card: Record) -> str | None:
    gc = card["makeup"]["gc"]
    if not _counts(gc) or abs(gc["value"] - gc["rest"]) < RICH:
        return None
    side = "GC-rich" if gc["value"] > gc["rest"] else "AT-rich"
    return f"{side} sequence ({_percent(gc['value'])} GC, elsewhere {_percent(gc['rest'])})"


def _unexplained(card: Record) -> str:
    makeup, kind = card["makeup"], card.get("kind", {})
    parts = [f"unexplained: {makeup['n']:,} windows at {makeup['loci']:,} places"]
    matched = next((c for c in kind.get("comparisons", []) if (c["form"], c["against"]) == ("semi_global", "equal_gc")), None)
    if matched and matched.get("q") is not None:
        side = "not shown to be nearer in letters than" if matched["q"] > ALPHA else "nearer in letters than" if matched["effect"] < 0 else "farther apart in letters than"
        parts.append(f"{side} windows of equal GC (q = {matched['q']:.2g})")
    parts += _composition_told(card)
    relative = _relative(card)
    row = None if relative is None else _family_row(card, relative["family"])
    if row is not None:
        parts.append(f"{_percent(row['share'])} of them hold {row['name']}, other windows {_percent(row['background_share'])} (q = {row['q']:.2g})")
    return ", ".join([*parts, *_lacks(card), *_some(card), *_sets(card)])


def _composition_told(card: Record) -> list[str]:
    """What composition says of a cluster that it does not name."""
    kind, rich = card.get("kind", {}), _rich(card)
    nearby, area = kind.get("composition_auc_nearby"), kind.get("composition_auc")
    if kind.get("kind") == "neither":
        return ["near in the embedding, as far in letters as chance, and not by composition"]
    if kind.get("kind") == "compositional" and nearby and not _sets_apart(kind):
        of = "composition" if rich is None else f"{rich}, but this"
        return [f"{of} does not set it apart from its surroundings (area {nearby['value']:.2f}): perhaps no group at all"]
    told = [] if rich is None else [rich]
    if area and area.get("low", 0.0) > MOST and kind.get("kind") != "compositional":
        told.append(f"composition tells it from other windows{'' if area['value'] >= WELL else ' in part'} (area {area['value']:.2f})")
    return told


def _lacks(card: Record) -> list[str]:
    """Repeats that other windows have and the cluster's hardly ever."""
    rows = [row for row in card.get("annotation", []) if row["column"] == "repeat_class" and row["term"] not in ("none", "other", "None")]
    rows = [row for row in rows if row["share_rest"] >= 0.1 and _counts(row) and row.get("high") is not None and row["high"] <= 1 / TIMES]
    return [f"hardly any {row['term']} ({_percent(row['share'])}, elsewhere {_percent(row['share_rest'])})" for row in rows]


def _some(card: Record) -> list[str]:
    """What many members have, and far more often than other windows: at most two."""
    names = {"repeat_class": "{}", "cpg_island": "CpG islands", "region": "{}"}
    rows = [row for row in card.get("annotation", []) if row["column"] in names and row["term"] not in ("none", "other", "None", "intergenic", "intron")]
    # what most have names a cluster, but for the regions, of which a window may have several
    rows = [row for row in rows if (row["share"] or 0) >= SOME and (row["share"] < MOST or row["column"] == "region")]
    rows = [row for row in rows if _counts(row) and row.get("low") is not None and row["low"] >= TIMES]
    rows = sorted(rows, key=lambda row: -row["share"])[:2]
    return [f"{names[row['column']].format(row['term'])} in {_percent(row['share'])} (elsewhere {_percent(row['share_rest'])})" for row in rows]


def _also(card: Record, basis: str) -> list[str]:
    added = []
    if basis not in ("exon", "CpG island"):
        intron = _term(card, "region", lambda term: term == "intron", more=True)
        if intron:
            added.append(f"intronic ({_percent(intron['share'])}, elsewhere {_percent(intron['share_rest'])})")
    genomes = card["makeup"].get("genomes") or {}
    if len(genomes) > 0:
        name, count = max(genomes.items(), key=lambda pair: pair[1])
        if count >= 0.9 * card["makeup"]["n"] and card.get("genomes_of_corpus", 1) > 1:
            added.append(f"in {name} alone" if count == card["makeup"]["n"] else f"nearly all in {name}")
    added += _sets(card)
    return [*added, *_some(card)] if basis not in ("element", "repeat", "exon") else added


def _sets(card: Record) -> list[str]:
    """The gene set in whose genes the cluster has more windows than its place along the genome gives it."""
    rows = [row for row in card.get("gene_sets") or [] if _counts(row) and row["share"] > row["expected"]]
    return [f"in genes of {rows[0]['name']} ({_percent(rows[0]['share'])}, expected {_percent(rows[0]['expected'])})"] if rows else []


def _term(card: Record, column: str, wanted: Any, *, more: bool = True) -> Record | None:
    """The row of a column's term that most members have and other windows have less often."""
    rows = [row for row in card.get("annotation", []) if row["column"] == column and wanted(row["term"])]
    rows = [row for row in rows if (row["share"] or 0) >= MOST and _counts(row) and (not more or row["share"] > row["share_rest"])]
    return max(rows, key=lambda row: row["share"]) if rows else None


def _counts(row: Record) -> bool:
    return row.get("q") is not None and row["q"] <= ALPHA


def _strands(forward: float | None) -> str:
    return "both strands" if forward is None or 0.1 < forward < 0.9 else "forward strand" if forward >= 0.9 else "reverse strand"


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"
