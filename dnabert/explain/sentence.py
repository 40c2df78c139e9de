"""One sentence for a cluster, composed from its evidence, that claims no more than the tests do."""

from __future__ import annotations

from typing import Literal

from dnabert.explain.evidence_rows import (
    ALPHA,
    MOST,
    NO_CLASS,
    POINTS,
    TIMES,
    Record,
    asked_windows,
    clear_term_of_most,
    counts,
    family_row,
    known_relative,
    rich_in,
)
from dnabert.explain.more_often import many_more, some_more
from dnabert.explain.names import NEARLY, codon_position, strongest_name
from dnabert.explain.sequence_names import word_piece
from dnabert.shares import percent

#: Area under the curve that the interval must exceed where dinucleotides set a cluster apart from the windows around
#: it; 0.5 is no difference. Of 80 balls of 50 windows around unclustered ones of chromosome 22 the area is above it in
#: 5, the interval in none.
APART = 0.7
#: Area from which composition is said to tell a cluster from other windows, not only in part.
WELL = 0.8
#: Stretches of 10 kb from which a finding is called certain, and below which it is called weak: the parts of one
#: prophage are few places.
MANY, FEW = 20, 8


def cluster_sentence(card: Record) -> Record:
    """Say in one sentence what the members of a cluster have in common.

    The first of these that holds names the cluster: a known element that at least half of the members hit (BLAST); a
    repeat class of at least half of them, with the repeat's name where half have that too; elements or repeats of
    several families or classes, where it takes these to make half of them; tandem repeats; low complexity; CpG islands
    (and promoters, when they lie within 1 kb of a start of transcription); coding or exonic sequence (most bases of at
    least half of the windows; exons of genes of a type other than ``protein_coding`` by that type); one codon position,
    at which the coding windows are cut, where these are at least half of the members; an element that no database has
    (members align with a consensus, and with each other more often than other windows with them), or else a motif, in
    more of them than in other windows and than in their own, shuffled; a gene type or a track of the user's that at
    least half of them have; a class of at least 40 % of them whose odds are 20 times those elsewhere. One whose odds
    against other windows are ten times as large goes first. Else composition, else a piece of words that an
    off-the-shelf model read. Every test is one against other windows, with q at most 0.05. Else the cluster is
    unexplained. What else holds of most members (introns, one species), and what many have far more often than other
    windows, is added, and a codon position that most are cut at; of an unexplained cluster also what it lacks,
    and what a test says that it has more often.

    Parameters
    ----------
    card : the parts of a cluster's evidence as `explain` gathers them; absent ones are not spoken of.

    Returns
    -------
    dict with ``text``, ``basis`` (repeat, element, …, unexplained), and ``confidence`` (high, moderate, low): low where
    nothing explains it, below 8 stretches of 10 kb, and when repeats of the clustering lose the cluster; high from 20
    stretches on when they keep it (or, where it is not composition that names it, were not made) and at least half of
    the members have what names it.
    """
    makeup = card["makeup"]
    named = strongest_name(card)
    if named is None:
        basis, text = next(
            (found for find in (_related, _composition, _piece) if (found := find(card))),
            ("unexplained", _unexplained(card)),
        )
    else:
        basis, text = named.basis, named.text
    if basis == "unexplained":
        return {"text": text, "basis": basis, "confidence": "low"}
    sure = confidence(makeup["stretches"], card.get("stability"))
    unrepeated = basis == "composition" and not card.get("stability")  # any region of the space has one of its own
    if sure == "high" and (basis == "class of many" or unrepeated):
        sure = "moderate"
    return {
        "text": ", ".join([text, *_also(card, basis, text), *_few_stretches(makeup)]),
        "basis": basis,
        "confidence": sure,
    }


def confidence(stretches: int, stability: Record | None) -> Literal["high", "moderate", "low"]:
    """How sure a cluster is, from the number of stretches of 10 kb that it lies in and from how often repeats of the
    clustering find it.

    Examples
    --------
    >>> confidence(100, None), confidence(100, {"verdict": "dissolved"}), confidence(10, None)
    ('high', 'low', 'moderate')
    """
    verdict = (stability or {}).get("verdict")
    if stretches < FEW or verdict == "dissolved":
        return "low"
    return "high" if stretches >= MANY and verdict in (None, "stable") else "moderate"


def _few_stretches(makeup: Record) -> list[str]:
    count = makeup["stretches"]
    if count >= min(FEW, makeup["loci"]):
        return []
    return [f"in {'one stretch' if count == 1 else f'{count} stretches'} of 10 kb"]


def _related(card: Record) -> tuple[str, str] | None:
    """Letters say that members are of one descent, without a consensus long enough to write, or with one of what other
    windows may hold as often."""
    if card.get("kind", {}).get("kind") != "homologous":
        return None
    median = percent(card["kind"]["within_median"]["semi_global"])
    edits = f"half of a window is found in another at a median of {median} edits"
    known = known_relative(card)
    if known is None:
        return "family", f"related sequence without a name: {edits}"
    like = f"related sequence, its consensus like {known['subject']} at {percent(known['identity'])} identity"
    return "family", ", ".join([f"{like}: {edits}", *_relative_held(card)])


def _composition(card: Record) -> tuple[str, str] | None:
    """Composition that sets a cluster apart from its surroundings too: any small region of the space has one of its
    own."""
    kind = card.get("kind", {})
    if kind.get("kind") != "compositional" or not _sets_apart(kind):
        return None
    rich = rich_in(card)
    if rich:
        return "composition", rich
    area = kind["composition_auc_nearby"]["value"]
    return (
        "composition",
        f"sequence of one composition (dinucleotides tell it from its surroundings with an area of {area:.2f})",
    )


def _piece(card: Record) -> tuple[str, str] | None:
    """What an off-the-shelf model read alike, where nothing in the sequences themselves names the cluster."""
    found = word_piece(card)
    return None if found is None else (found.basis, found.text)


def _sets_apart(kind: Record) -> bool:
    nearby = kind.get("composition_auc_nearby")
    return nearby is not None and nearby["low"] >= APART


def _unexplained(card: Record) -> str:
    makeup, kind = card["makeup"], card.get("kind", {})
    places = " ".join([f"{makeup['n']:,} windows at {makeup['loci']:,} places", *_few_stretches(makeup)])
    parts = [f"unexplained: {places}"]
    parts += _letters_told(kind)
    more = some_more(card)
    parts += _composition_told(card, more=more)
    parts += _relative_held(card)
    return ", ".join([*parts, *_lacks(card), *more, *_sets(card)])


def _letters_told(kind: Record) -> list[str]:
    """Whether the members are nearer to each other in letters than other windows of their GC."""
    forms = {(row["form"], row["against"]): row for row in kind.get("comparisons", [])}
    matched = forms.get(("semi_global", "equal_gc"))
    if matched is None or matched.get("q") is None:
        return []
    side = "nearer" if matched["effect"] < 0 else "farther apart"
    if matched["q"] > ALPHA:
        side = "not shown to be nearer"
    return [f"{side} in letters than windows of equal GC (q = {matched['q']:.2g})"]


def _relative_held(card: Record) -> list[str]:
    """How many members hold what the consensus is like, and how many other windows do."""
    relative = known_relative(card)
    row = None if relative is None else family_row(card, relative["family"])
    if row is None:
        return []
    asked = asked_windows(card["homology"].get("sampled"), of=card["homology"].get("windows"))
    members = f"{percent(row['share'])} of {asked.replace('the windows', 'them')}"
    return [f"{members} hold {row['name']}, other windows {percent(row['background_share'])} (q = {row['q']:.2g})"]


def _composition_told(card: Record, *, more: list[str]) -> list[str]:
    """What composition says of a cluster that it does not name, beside what its windows have more often."""
    kind, rich = card.get("kind", {}), rich_in(card)
    nearby = kind.get("composition_auc_nearby")
    area = kind.get("composition_auc")
    if kind.get("kind") == "neither":
        return ["near in the embedding, as far in letters as chance, and not by composition"]
    if kind.get("kind") == "compositional" and nearby and not _sets_apart(kind):
        of = "composition" if rich is None else f"{rich}, but this"
        perhaps = "" if more else ": perhaps no group at all"
        return [f"{of} is not shown to set it apart from its surroundings (AUC {nearby['value']:.2f}){perhaps}"]
    told = [] if rich is None else [rich]
    if area and area.get("low", 0.0) > MOST and kind.get("kind") != "compositional":
        told.append(
            f"composition tells it from other windows{'' if area['value'] >= WELL else ' in part'} (AUC "
            f"{area['value']:.2f})"
        )
    return told


def _lacks(card: Record) -> list[str]:
    """Repeats that other windows have and the cluster's hardly ever."""
    rows = [
        row for row in card.get("annotation", []) if row["column"] == "repeat_class" and row["term"] not in NO_CLASS
    ]
    rows = [
        row
        for row in rows
        if counts(row) and row["share_rest"] >= 0.1 and row.get("high") is not None and row["high"] <= 1 / TIMES
    ]
    return [
        f"hardly any {row['term']} ({percent(row['share'])}, elsewhere {percent(row['share_rest'])})" for row in rows
    ]


def _also(card: Record, basis: str, text: str) -> list[str]:
    codon = None if basis == "codon position" else codon_position(card)
    added = [] if codon is None else [codon.text]
    if basis == "codon position" and (rich := rich_in(card)):
        added.append(rich)
    if basis not in ("exon", "CpG island"):
        intron = clear_term_of_most(card, ("main_region",), lambda term: term == "intron")
        if intron:
            added.append(f"intronic ({percent(intron['share'])}, elsewhere {percent(intron['share_rest'])})")
    added += _one_genome(card)
    added += _sets(card)
    return (
        [*added, *many_more(card, named=text)]
        if basis not in ("element", "repeat", "several elements", "exon")
        else added
    )


def _one_genome(card: Record) -> list[str]:
    """The genome that nearly all members are of, where other windows are not as often: of a host with a plasmid any
    cluster is the host's."""
    genomes, n = card["makeup"].get("genomes") or {}, card["makeup"]["n"]
    name, count = max(genomes.items(), key=lambda pair: pair[1], default=("", 0))
    rows = [row for row in card.get("annotation", []) if (row["column"], row["term"]) == ("genome", name)]
    if (
        count < NEARLY * n
        or card.get("genomes_of_corpus", 1) < 2
        or any((row["share_rest"] or 0) > count / n - POINTS for row in rows)
    ):
        return []
    return [f"in {name} alone" if count == n else f"nearly all in {name}"]


def _sets(card: Record) -> list[str]:
    """The gene set in whose genes the cluster has more windows than its place along the genome gives it."""
    rows = [row for row in card.get("gene_sets") or [] if counts(row) and row["share"] > row["expected"]]
    if not rows:
        return []
    first = rows[0]
    return [f"in genes of {first['name']} ({percent(first['share'])}, expected {percent(first['expected'])})"]
