"""One sentence for a cluster, composed from its evidence, that claims no more than the tests do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import exp, log
from typing import Any, Literal

from dnabert.explain.families import family_of
from dnabert.explain.tracks import ANY

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
#: Points by which a region of genes, a gene type or a track must be more frequent than elsewhere, beside `TIMES`, to be told: nearly all of a
#: bacterium is coding.
POINTS = 0.2
#: A finding gives way to one whose odds against other windows are this many times its own; beyond `_UTMOST` odds are not told apart.
FAR, _UTMOST = 10.0, 1_000.0
#: Share of the members from which a class names a cluster that has no other name, at these odds.
MANY_OF, CLEARLY = 0.4, 20.0
#: Bases from which a consensus is an element even where a motif is found in it, and letters of a motif that are told.
LONG, LETTERS = 100, 12
#: Bits of a IUPAC letter, by the number of bases it stands for.
_BITS = {**dict.fromkeys("ACGT", 2.0), **dict.fromkeys("RYSWKM", 1.0), **dict.fromkeys("BDHV", 0.415)}
#: Columns of annotation that are no track of the user's.
_OWN = ("region", "main_region", "gene_type", "gene_strand", "repeat_class", "repeat_name", "cpg_island", "soft_masked", "genome", "split")
_NO_CLASS = ("none", "other", "None", "intergenic")
#: Columns of classes that can name a cluster without having most of it, and what they are of.
_MANY_CLASSES = {"repeat_class": "repeats", "repeat_name": "repeats", "gene_type": "genes"}
#: Classes of repeats that are no mobile elements.
_NO_ELEMENTS = ("Simple_repeat", "Low_complexity", "Satellite")
#: Share of the windows cut at one codon position from which they are told to be of genes on one strand.
NEARLY = 0.9
#: Share of GC by which a cluster differs enough to be called rich in it.
RICH = 0.03
#: Stretches of 10 kb from which a finding is called certain, and below which it is called weak: the parts of one prophage are few places.
MANY, FEW = 20, 8


@dataclass(frozen=True)
class _Name:
    """A finding that can name a cluster, and its odds against other windows."""

    basis: str
    text: str
    odds: float


def cluster_sentence(card: Record) -> Record:
    """Say in one sentence what the members of a cluster have in common.

    The first of these that holds names the cluster: a known element that at least half of the members hit (BLAST); a repeat
    class of at least half of them, with the repeat's name where half have that too; low complexity; CpG islands (and promoters, when
    they lie within 1 kb of a start of transcription); coding or exonic sequence (most bases of at least half of the windows); one codon
    position, at which the coding windows are cut, where these are at least half of the members; an element that no database has
    (members align with a consensus, and with each other more often than other windows with them), or else a motif, in more of them
    than in other windows and than in their own, shuffled; a gene type or a track of the user's that at least half of them have; a
    class of at least 40 % of them whose odds are 20 times those elsewhere. One whose odds against other windows are ten times as
    large goes first. Else composition. Every test is one against other windows, with q at most 0.05. Else the
    cluster is unexplained. What else holds of most members (introns, one species), and what many have far more often than other
    windows, is added, and a codon position that most are cut at; of an unexplained cluster also what it lacks.

    Parameters
    ----------
    card : the parts of a cluster's evidence as `explain` gathers them; absent ones are not spoken of.

    Returns
    -------
    dict with ``text``, ``basis`` (repeat, element, …, unexplained), and ``confidence`` (high, moderate, low): low where nothing
    explains it, below 8 stretches of 10 kb, and when repeats of the clustering lose the cluster; high from 20 stretches on when they
    keep it (or were not made) and at least half of the members have what names it.
    """
    makeup = card["makeup"]
    named = _strongest(card)
    if named is None:
        basis, text = next((found for find in (_related, _composition) if (found := find(card))), ("unexplained", _unexplained(card)))
    else:
        basis, text = named.basis, named.text
    if basis == "unexplained":
        return {"text": text, "basis": basis, "confidence": "low"}
    sure = confidence(makeup["stretches"], card.get("stability"))
    if basis == "class of many" and sure == "high":
        sure = "moderate"
    return {"text": ", ".join([text, *_also(card, basis, text), *_few_stretches(makeup)]), "basis": basis, "confidence": sure}


def _strongest(card: Record) -> _Name | None:
    """The first name that holds, or one whose odds are far larger."""
    found = _held(card, _element, _repeat, _low_complexity, _island, _exonic, _codon)
    if not any(name.basis in ("element", "repeat") for name in found):  # which are families too, with a name
        found += _held(card, _family) or _held(card, _motif)
    found += _held(card, _gene_type, _track, _many)
    best = found[0] if found else None
    for name in found[1:]:
        if best is not None and min(name.odds, _UTMOST) >= FAR * min(best.odds, _UTMOST):
            best = name
    return best


def confidence(stretches: int, stability: Record | None) -> Literal["high", "moderate", "low"]:
    """How sure a cluster is, from the number of stretches of 10 kb that it lies in and from how often repeats of the clustering find it.

    Examples
    --------
    >>> confidence(100, None), confidence(100, {"verdict": "dissolved"}), confidence(10, None)
    ('high', 'low', 'moderate')
    """
    verdict = (stability or {}).get("verdict")
    if stretches < FEW or verdict == "dissolved":
        return "low"
    return "high" if stretches >= MANY and verdict in (None, "stable") else "moderate"


def _held(card: Record, *finders: Callable[[Record], _Name | None]) -> list[_Name]:
    return [name for find in finders if (name := find(card))]


def _few_stretches(makeup: Record) -> list[str]:
    count = makeup["stretches"]
    return [f"in {'one stretch' if count == 1 else f'{count} stretches'} of 10 kb"] if count < min(FEW, makeup["loci"]) else []


def _element(card: Record) -> _Name | None:
    """The family that most members hit, in whichever database, and the sequence of it that is most often the best hit."""
    rows = [(row, base) for base in card.get("homology", {}).get("databases", []) for row in base["families"]]
    rows = [(row, base) for row, base in rows if row["share"] >= MOST and row["odds_ratio"] > 1 and _counts(row)]
    if not rows:
        return None
    row, base = max(rows, key=lambda each: each[0]["share"])
    own = [each for each in base.get("subjects", []) if each["name"] != row["name"] and family_of(each["name"]) == row["name"]]
    often = max(own, key=lambda each: each["best"], default=None)
    which = "" if often is None else f" ({_short(often['name'])}, {_percent(often['best'])})"
    told = f"{row['name']} elements{which}, {_strands(row['forward'])}, {_percent(row['share'])} of the windows at {_percent(row['identity'])} identity"
    return _Name("element", f"{told} over {row['length']:.0f} bp", row["odds_ratio"])


def _short(name: str) -> str:
    """A sequence's name without its family."""
    family = family_of(name)
    return name.removesuffix(f"#{family}").removeprefix(f"{family}:")


def _repeat(card: Record) -> _Name | None:
    row = _term(card, "repeat_class", lambda term: term not in _NO_CLASS)
    if row is None:
        return None
    told, odds = f"{row['term']} repeats, {_percent(row['share'])} of the windows", _odds(row)
    named = _term(card, "repeat_name", lambda term: True)
    if named is not None:
        noun = "repeats" if row["term"].startswith(_NO_ELEMENTS) else "elements"
        told = f"{named['term']} {noun}, {_percent(named['share'])} of the windows ({told})"
        odds = max(odds, _odds(named))
    return _Name("repeat", told, odds)


def _low_complexity(card: Record) -> _Name | None:
    measured = card["makeup"]["low_complexity"]
    clearly_more = measured["value"] >= SIMPLE and _counts(measured) and measured["value"] >= 5 * measured["rest"]
    if measured["value"] < MOST and not clearly_more:
        return None
    elsewhere = f", elsewhere {_percent(measured['rest'])}" if measured.get("rest") is not None else ""
    odds = _odds({"share": measured["value"], "share_rest": measured.get("rest") or 0.0})
    return _Name("low complexity", f"low-complexity sequence, {_percent(measured['value'])} of the bases{elsewhere}", odds)


def _island(card: Record) -> _Name | None:
    row = _term(card, "cpg_island", lambda term: True)
    if not row:
        return None
    near = card.get("tss", {}).get("near") or {}
    promoters = near.get("share", 0) >= MOST and _counts(near)
    name = "CpG-island promoters" if promoters else "CpG islands"
    return _Name("CpG island", f"{name}, {_percent(row['share'])} of the windows", _odds(row))


def _exonic(card: Record) -> _Name | None:
    """What most bases of a window are, not what it touches: few windows of a gene-rich genome touch no exon."""
    for term, name in (("CDS", "coding sequence"), ("exon", "exons"), ("UTR", "untranslated regions")):
        row = _clear_term(card, ("main_region",), lambda each, wanted=term: each.lower() == wanted.lower())
        if row:
            return _Name("exon", f"{name}, {_of_windows(row)}", _odds(row))
    return None


def _codon(card: Record) -> _Name | None:
    """The codon position at which most coding windows are cut: of one strand's genes, or of both."""
    rows = {row["feature"]: row for row in card.get("confounds", [])}
    row = rows.get("codon_position")
    if row is None or not _counts(row) or row["n"] < MOST * card["makeup"]["n"]:
        return None
    if row["share"] < MOST or _odds(row) < TIMES:
        return None
    which, frame = f"frames +{row['most']} and -{row['most']}", rows["codon_frame"]
    if frame["share"] >= NEARLY * row["share"]:
        which, row = f"frame {frame['most']}", frame
    shares = f"{_percent(row['share'])} of the coding windows, elsewhere {_percent(row['share_rest'])}"
    told = f"cut at one codon position (an artefact of where windows begin): {which}, {shares}"
    return _Name("codon position", told, _odds(rows["codon_position"]))


def _gene_type(card: Record) -> _Name | None:
    row = _clear_term(card, ("gene_type",), lambda term: term not in _NO_CLASS)
    return _Name("gene type", f"{row['term']} genes, {_of_windows(row)}", _odds(row)) if row else None


def _track(card: Record) -> _Name | None:
    """The term of a user's track that most have; its name says more than that any interval is there."""
    tracks = tuple(sorted({row["column"] for row in card.get("annotation", [])} - set(_OWN)))
    row = _clear_term(card, tracks, lambda term: term != ANY) or _clear_term(card, tracks, lambda term: True)
    return _Name("track", f"{_track_name(row)}, {_of_windows(row)}", _odds(row)) if row else None


def _track_name(row: Record) -> str:
    return row["column"] if row["term"] in (ANY, row["column"]) else f"{row['term']} ({row['column']})"


def _many(card: Record) -> _Name | None:
    """A class that nearly half of the members have and hardly any other window."""
    rows = [row for row in card.get("annotation", []) if row["column"] in _MANY_CLASSES or row["column"] not in _OWN]
    rows = [row for row in rows if row["term"] not in _NO_CLASS and MANY_OF <= (row["share"] or 0) < MOST]
    rows = [row for row in rows if _counts(row) and _odds(row) >= CLEARLY]
    if not rows:
        return None
    row = max(rows, key=_odds)
    noun = _MANY_CLASSES.get(row["column"])
    name = f"{row['term']} {noun}" if noun else _track_name(row)
    return _Name("class of many", f"{name}, {_of_windows(row)}", _odds(row))


def _family(card: Record) -> _Name | None:
    """Members align with each other more than other windows do with them, and with no known sequence that could name them."""
    found = card.get("consensus") or {}
    if not found.get("found"):
        return None
    among: Record = (card.get("corpus_homology") or {}).get("members") or {}
    aligned = _counts(among) and among["share"] > among["background_share"]
    element = aligned and len(found["consensus"]) >= LONG and among["share"] >= MOST and among["odds_ratio"] >= TIMES
    if found["share"] < MOST and not element:
        return None
    # a word that returns aligns, and is no element
    if card.get("kind", {}).get("kind") != "homologous" and not element and _motif(card):
        return None
    odds = among["odds_ratio"] if aligned else _UTMOST
    if (found.get("low_complexity") or 0) >= MOST:
        return _Name("low complexity", f"copies of a simple repeat of {len(found['consensus'])} bp", odds)
    if among and not aligned:
        return None
    told = f"copies of one element of {len(found['consensus'])} bp at {_percent(found['identity'])} identity, {_percent(found['share'])} of the windows"
    if found["share"] < MOST:
        told += f" ({_percent(among['share'])} align with another member, elsewhere {_percent(among['background_share'])})"
    known = _relative(card)
    if known is None:
        return _Name("family", told + (", in no database given" if card.get("homology") else ""), odds)
    row = _family_row(card, known["family"])
    if row is not None and not (_counts(row) and row["odds_ratio"] > 1):
        return None
    covered = known["query_end"] - known["query_start"]
    return _Name("family", f"{told}, {covered} bp of it like {known['subject']} at {_percent(known['identity'])} identity", odds)


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


def _motif(card: Record) -> _Name | None:
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
    told = f"motif {_core(row['consensus'])}{known} in {shares[0]} of the windows, elsewhere {shares[1]}, in shuffled windows {shares[2]}"
    return _Name("motif", told, exp(min(row[name]["log_odds"] for name in backgrounds)))


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
    places = " ".join([f"{makeup['n']:,} windows at {makeup['loci']:,} places", *_few_stretches(makeup)])
    parts = [f"unexplained: {places}"]
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
    rows = [row for row in card.get("annotation", []) if row["column"] == "repeat_class" and row["term"] not in _NO_CLASS]
    rows = [row for row in rows if row["share_rest"] >= 0.1 and _counts(row) and row.get("high") is not None and row["high"] <= 1 / TIMES]
    return [f"hardly any {row['term']} ({_percent(row['share'])}, elsewhere {_percent(row['share_rest'])})" for row in rows]


def _some(card: Record, named: str = "") -> list[str]:
    """What many members have, and far more often than other windows: at most two, and not what names the cluster."""
    names = {"repeat_class": "{}", "cpg_island": "CpG islands", "main_region": "{}", "gene_type": "{} genes"}
    rows = [row for row in card.get("annotation", []) if row["column"] in names and row["term"] not in (*_NO_CLASS, "intron")]
    rows = [row for row in rows if (row["share"] or 0) >= SOME and names[row["column"]].format(row["term"]) not in named]
    # repeats and islands of most name a cluster
    rows = [row for row in rows if row["share"] < MOST or row["column"] in ("main_region", "gene_type")]
    rows = [row for row in rows if _counts(row) and row.get("low") is not None and row["low"] >= TIMES]
    rows = sorted(rows, key=lambda row: -row["share"])[:2]
    return [f"{names[row['column']].format(row['term'])} in {_percent(row['share'])} (elsewhere {_percent(row['share_rest'])})" for row in rows]


def _also(card: Record, basis: str, text: str) -> list[str]:
    codon = None if basis == "codon position" else _codon(card)
    added = [] if codon is None else [codon.text]
    if basis == "codon position" and (rich := _rich(card)):
        added.append(rich)
    if basis not in ("exon", "CpG island"):
        intron = _clear_term(card, ("main_region",), lambda term: term == "intron")
        if intron:
            added.append(f"intronic ({_percent(intron['share'])}, elsewhere {_percent(intron['share_rest'])})")
    genomes = card["makeup"].get("genomes") or {}
    if len(genomes) > 0:
        name, count = max(genomes.items(), key=lambda pair: pair[1])
        if count >= 0.9 * card["makeup"]["n"] and card.get("genomes_of_corpus", 1) > 1:
            added.append(f"in {name} alone" if count == card["makeup"]["n"] else f"nearly all in {name}")
    added += _sets(card)
    return [*added, *_some(card, text)] if basis not in ("element", "repeat", "exon") else added


def _sets(card: Record) -> list[str]:
    """The gene set in whose genes the cluster has more windows than its place along the genome gives it."""
    rows = [row for row in card.get("gene_sets") or [] if _counts(row) and row["share"] > row["expected"]]
    return [f"in genes of {rows[0]['name']} ({_percent(rows[0]['share'])}, expected {_percent(rows[0]['expected'])})"] if rows else []


def _term(card: Record, column: str, wanted: Any) -> Record | None:
    """The row of a column's term that most members have and other windows have less often."""
    rows = [row for row in card.get("annotation", []) if row["column"] == column and wanted(row["term"])]
    rows = [row for row in rows if (row["share"] or 0) >= MOST and _counts(row) and row["share"] > row["share_rest"]]
    return max(rows, key=lambda row: row["share"]) if rows else None


def _clear_term(card: Record, columns: tuple[str, ...], wanted: Any) -> Record | None:
    """Of rows as in `_term` those far more frequent than elsewhere, in odds and in points; the largest odds."""
    rows = [row for column in columns for row in card.get("annotation", []) if row["column"] == column and wanted(row["term"])]
    rows = [row for row in rows if (row["share"] or 0) >= MOST and _counts(row)]
    rows = [row for row in rows if _odds(row) >= TIMES and row["share"] - row["share_rest"] >= POINTS]
    return max(rows, key=lambda row: (min(_odds(row), _UTMOST), row["share"])) if rows else None


def _of_windows(row: Record) -> str:
    return f"{_percent(row['share'])} of the windows, elsewhere {_percent(row['share_rest'])}"


def _odds(row: Record) -> float:
    """The odds ratio of a row's test, or that of its shares; `_UTMOST` where one of these is 0 or 1."""
    if row.get("odds_ratio") is not None:
        return float(row["odds_ratio"])
    share, rest = row["share"], row["share_rest"]
    return share * (1 - rest) / (rest * (1 - share)) if rest * (1 - share) > 0 else _UTMOST


def _counts(row: Record) -> bool:
    return row.get("q") is not None and row["q"] <= ALPHA


def _strands(forward: float | None) -> str:
    return "both strands" if forward is None or 0.1 < forward < 0.9 else "forward strand" if forward >= 0.9 else "reverse strand"


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"
