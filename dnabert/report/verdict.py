"""Is pretraining on this genome interesting or a waste of time? The verdict, from intervals of differences to the best
cheap encoder."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Any, Literal, get_args

from dnabert.report.difference import (
    NAMES,
    beside_commonest,
    commonest,
    company_sentence,
    is_trivial,
    names_of,
    sentence,
)
from dnabert.report.numbers import listed, number, present
from dnabert.report.rung_kind import encoder_kind, is_trained

Record = dict[str, Any]
Outcome = Literal[
    "interesting", "interesting in part", "not shown", "adds to counting", "undecided", "a waste of time", "no claim"
]

#: A lead of less than this (two windows in a hundred) is none: where no interval leaves room for more, counting does as
#: well.
MARGIN = 0.02


@dataclass(frozen=True)
class Verdict:
    """What the differences allow to say.

    Attributes
    ----------
    outcome : ``interesting``: ahead of every cheap encoder in a measure, behind none, and a lead stands when the cheap
        explanations are taken out; ``interesting in part``: a lead stands, but it is behind in another measure; ``adds
        to counting``: ahead in none, but beside the best counts it helps more than whatever is cheaper does beside
        them; ``not shown``: ahead, but no lead stands, or none was asked to; ``a waste of time``: ahead in none, and
        not by more than `MARGIN` in any; ``undecided``: ahead in none, but the intervals leave room for more; ``no
        claim``: a baseline is missing.
    headline : the answer in one sentence.
    finds, guessed, misses, level, adds, survives, off_the_shelf, of_others : sentences, one per measure; ``guessed``:
        ahead, but not shown to be better than always saying the commonest class, which is no lead.
    untold : those of ``survives`` where the two cannot be told apart.
    others : the same answer for each further trained rung of the ladder, in one sentence.
    others_outcomes : the outcome of each of these.
    """

    outcome: Outcome
    headline: str
    finds: list[str] = field(default_factory=list)
    guessed: list[str] = field(default_factory=list)
    misses: list[str] = field(default_factory=list)
    level: list[str] = field(default_factory=list)
    adds: list[str] = field(default_factory=list)
    survives: list[str] = field(default_factory=list)
    off_the_shelf: list[str] = field(default_factory=list)
    of_others: list[str] = field(default_factory=list)
    untold: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)
    others_outcomes: list[Outcome] = field(default_factory=list)

    @property
    def others_in_short(self) -> str:
        """How many of the other trained rungs came out in which way, the best first."""
        counted = Counter(self.others_outcomes)
        order = [outcome for outcome in get_args(Outcome) if counted[outcome]]
        names = {"adds to counting": "of use beside counting", "not shown": "ahead, but not shown to stay so"}
        return ", ".join(f"{counted[outcome]} {names.get(outcome, outcome)}" for outcome in order)

    @property
    def parts(self) -> list[tuple[str, list[str]]]:
        """Headings with their sentences, those without any left out."""
        titles = (
            ("What the pretrained model finds that nothing cheaper does", self.finds),
            ("Where it is ahead, but not shown to be better than always saying the commonest class", self.guessed),
            ("What it misses", self.misses),
            ("Where it cannot be told from the best of what is cheaper", self.level),
            ("What it adds to counting", self.adds),
            ("What survives when cheap explanations are taken out", self.survives),
            ("What the off-the-shelf BERT finds", self.off_the_shelf),
            ("What other models find", self.of_others),
        )
        return [(title, sentences) for title, sentences in titles if sentences]


def verdict(ladder: list[Record], differences: list[Record], added: list[Record] | None = None) -> Verdict:
    """Judge the first trained rung of a ladder, and say of each other trained one how it does.

    Parameters
    ----------
    ladder : records of the rungs.
    differences : rows of `dnabert.comparison.differences` on the same ladder.
    added : rows of `dnabert.comparison.added`; none of a comparison of before.
    """
    trained = [rung for rung in ladder if is_trained(rung)]
    reason = _no_claim(ladder, trained)
    if not trained or reason:
        return Verdict("no claim", reason)
    first, *others = (_judged(rung, ladder, differences, added or []) for rung in trained)
    told = [other for other in others if other.outcome != "no claim"]
    return replace(first, others=[other.headline for other in told], others_outcomes=[other.outcome for other in told])


def _judged(trained: Record, ladder: list[Record], differences: list[Record], added: list[Record]) -> Verdict:
    own = [row for row in differences if row["rung"] == trained["rung"] and row["metric"] in NAMES]
    whole = [row for row in own if row["without"] is None]
    if not whole:
        return Verdict(
            "no claim",
            "No measure was taken on both the pretrained model and a cheaper encoder, so there is no answer.",
        )
    ahead: list[Record] = []
    guessed: list[Record] = []
    for row in whole:
        if row["outcome"] == "ahead":
            (guessed if is_trivial(trained, row) else ahead).append(row)
    behind = [row for row in whole if row["outcome"] == "behind"]
    level = [row for row in whole if row["outcome"] == "level"]
    left = [row for row in own if row["without"] is not None]
    telling = [row for row in left if _explain_something(row, ladder)]
    stands = _standing(trained, ahead, telling) if telling or not left else []
    company = [row for row in added if row["rung"] == trained["rung"] and row["metric"] in NAMES]
    helps = [
        row
        for row in company
        if row["outcome"] == "ahead"
        and row["high"] > MARGIN
        and row["score"] > (commonest(trained, row["metric"]) or 0)
    ]
    outcome = _outcome(ahead, behind, level + guessed, stands, helps=bool(helps))
    return Verdict(
        outcome,
        _headline(
            outcome,
            trained["rung"],
            whole,
            (ahead, behind, level, guessed),
            stands,
            explained=bool(telling) or not left,
            asked=_asked(telling),
        )
        + (f" Beside counting it adds in {len(helps)} of {len(company)} ({names_of(helps)})." if helps else ""),
        finds=[sentence(row) for row in ahead],
        guessed=[sentence(row) + beside_commonest(trained, row) for row in guessed],
        misses=[sentence(row) for row in behind],
        level=[sentence(row) for row in level],
        adds=[company_sentence(row) for row in company],
        survives=[sentence(row) + beside_commonest(trained, row) for row in left],
        untold=[sentence(row) + beside_commonest(trained, row) for row in left if row["outcome"] == "level"],
        off_the_shelf=_of_models(ladder, differences, kinds=("bert",)),
        of_others=_of_models(ladder, differences, kinds=("dna", "python")),
    )


def _no_claim(ladder: list[Record], trained: list[Record]) -> str:
    if not trained:
        return "This comparison holds no pretrained run, so it cannot say whether pretraining finds anything."
    kinds = {encoder_kind(rung) for rung in ladder if not rung.get("shuffled")}
    names = ((("kmer",), "k-mer counts"), (("random", "untrained"), "an untrained network"))
    missing = [name for any_of, name in names if not kinds.intersection(any_of)]
    if not missing:
        return ""
    return f"No claim can be made: the comparison lacks {listed(missing)}, without which no gain means anything."


def _explain_something(row: Record, ladder: list[Record]) -> bool:
    """Whether what was taken out predicts anything of both encoders' vectors: where it does not, they lost nothing but
    got noise."""
    rungs = [rung for rung in ladder if rung["rung"] in (row["rung"], row["baseline"])]
    parts = [part for rung in rungs for part in rung.get("explained_away") or [] if part["without"] == row["without"]]
    return all(not present(part.get("explained")) or part["explained"] > 0 for part in parts)


def _standing(trained: Record, ahead: list[Record], left: list[Record]) -> list[Record] | None:
    """Leads of the whole that stand when all explanations but the one that holds the answer are out; None where that
    was not asked.

    Counts of 4-mers have nothing left when composition is out, and any noise is ahead of them: a lead counts when the
    rung is better than the commonest class too. A regression leaves a little of whatever it takes out: a lead counts
    from `MARGIN`.
    """
    joint = [row for row in left if row["without"].startswith("all but ")]
    if len({row["without"] for row in left}) == 1:  # of one explanation there is nothing to join
        joint = left
    if not joint:
        return None
    leading = {row["metric"] for row in ahead}
    kept = [row for row in joint if row["metric"] in leading and row["outcome"] == "ahead" and row["low"] > MARGIN]
    return [row for row in kept if not is_trivial(trained, row)]


def _asked(left: list[Record]) -> str:
    """What is taken out where a lead has to stand (see `_standing`), in words.

    Examples
    --------
    >>> _asked([{"without": "composition"}])
    'composition is taken out'
    """
    names = {row["without"] for row in left}
    if len(names) == 1 and not any(name.startswith("all") for name in names):
        return f"{names.pop()} is taken out"
    return "all cheap explanations but the one that holds the answer are taken out together"


def _outcome(
    ahead: list[Record], behind: list[Record], level: list[Record], stands: list[Record] | None, *, helps: bool
) -> Outcome:
    if ahead:
        if not stands:
            return "not shown"
        return "interesting in part" if behind else "interesting"
    if helps:
        return "adds to counting"
    if all(row["high"] <= MARGIN for row in (*level, *behind)):
        return "a waste of time"
    return "undecided"


def _headline(
    outcome: Outcome,
    rung: str,
    whole: list[Record],
    sides: tuple[list[Record], list[Record], list[Record], list[Record]],
    stands: list[Record] | None,
    *,
    explained: bool,
    asked: str,
) -> str:
    ahead, behind, level, guessed = sides
    total = f"{len(whole)} {'measure' if len(whole) == 1 else 'measures'}"
    against = f"the best of what is cheaper ({listed(sorted({row['baseline'] for row in whole}))})"
    if outcome == "a waste of time":
        return (
            f"A waste of time, for this genome: in none of {total} is {rung} ahead of {against}, nor does an interval "
            f"leave room for a lead of more than {number(MARGIN, digits=2)}{_and_behind(behind)}."
        )
    if outcome == "undecided":
        room = max(level, key=lambda row: row["high"], default=None)
        if room is not None and room["high"] > MARGIN:
            told = f"in {NAMES[room['metric']]} it may be by up to {number(room['high'])}"
        else:
            told = (
                f"in {names_of(guessed)} it leads without being shown to be better than always saying the commonest "
                "class"
            )
        return (
            f"Undecided: in none of {total} is {rung} shown to be usefully ahead of {against}, but "
            f"{told}{_and_behind(behind)}. Compare more windows (ladder_windows)."
        )
    if outcome == "adds to counting":
        return (
            f"Of use beside counting, not instead of it, for this genome: in none of {total} is {rung} ahead of "
            f"{against}{_and_behind(behind)}."
        )
    told = f"of {total}, {rung} is ahead of everything cheaper in {len(ahead)} ({names_of(ahead)}){_and_behind(behind)}"
    if stands is None:
        rest = "; what of it survives without cheap explanations was not asked"
    elif stands:
        rest = f"; with {_taken(stands)} taken out it still is, in {names_of(stands)}"
    elif not explained:
        rest = (
            "; the cheap explanations predict nothing of these vectors, so that taking them out says nothing: compare "
            "more windows (ladder_windows)"
        )
    else:
        rest = f"; no lead was shown to stand when {asked}"
    return f"{outcome.capitalize()}, for this genome: {told}{rest}."


def _and_behind(behind: list[Record]) -> str:
    return f", and it is behind in {len(behind)} ({names_of(behind)})" if behind else ""


def _taken(rows: list[Record]) -> str:
    return listed(list(dict.fromkeys(row["without"].replace("all but", "all cheap explanations but") for row in rows)))


def _of_models(ladder: list[Record], differences: list[Record], *, kinds: tuple[str, ...]) -> list[str]:
    names = [rung["rung"] for rung in ladder if encoder_kind(rung) in kinds and not rung.get("shuffled")]
    return [
        sentence(row)
        for row in differences
        if row["rung"] in names and row["without"] is None and row["metric"] in NAMES
    ]
