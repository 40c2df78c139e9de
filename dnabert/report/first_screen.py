"""The answer at a glance: a line per measure, and what each encoder is in words of the bench."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dnabert.encoders.encoder import DEFAULT_RUN
from dnabert.manifest import without_places
from dnabert.report.answer import Record, compare_all, ranked
from dnabert.report.difference import is_trivial
from dnabert.report.numbers import number
from dnabert.report.rung_kind import is_trained, parts_of_rung

#: Outcome of a difference to a sign and words: neither hangs on colour.
_SIGNS = {
    "ahead": ("▲", "ahead"),
    "guessed": ("≈", "ahead, but no better than the commonest class"),
    "level": ("≈", "not told apart"),
    "behind": ("▼", "behind"),
    None: ("", "not compared"),
}


def outcome_rows(ladder: list[Record], differences: list[Record]) -> list[dict[str, Any]]:
    """One row per headline measure: the pretrained rung that the verdict judges beside the best of what is cheaper.

    Parameters
    ----------
    ladder : records of the rungs.
    differences : rows of `dnabert.comparison.differences` on the same ladder, which decide who is ahead.

    Returns
    -------
    mappings of ``measure``, ``explanation``, ``sign``, ``outcome`` (in a word), ``trained`` and ``baseline`` (each a
    rung's name and value as text, or None) ``guess`` (what needs no sequence) and ``beaten`` (what that gives, where no
    rung exceeds it, else None).
    """
    judged = _judged(ladder)
    whole = {(row["rung"], row["metric"]): row for row in differences if row["without"] is None}
    rows = []
    for comparison in compare_all(ladder):
        metric = comparison.metric
        found = ranked(ladder, metric)
        row = whole.get((judged["rung"], metric.key)) if judged else None
        outcome = row["outcome"] if row else None
        sign, word = _SIGNS["guessed" if judged and row and outcome == "ahead" and is_trivial(judged, row) else outcome]
        trivial = [rung["metrics"][metric.baseline]["value"] for rung, _ in found if metric.baseline in rung["metrics"]]
        cheap = [rung["rung"] for rung, _ in found if not is_trained(rung)]
        rows.append(
            {
                "measure": metric.short or metric.name,
                "explanation": metric.explanation,
                "sign": sign,
                "outcome": word,
                "trained": _named(found, judged["rung"] if judged else None, digits=metric.digits),
                "baseline": _named(found, row["baseline"] if row else next(iter(cheap), None), digits=metric.digits),
                "guess": metric.guess_named or "largest class alone",
                "beaten": number(trivial[0]) if trivial and trivial[0] >= found[0][1]["value"] else None,
            }
        )
    return rows


def _named(found: list[tuple[Record, Record]], name: str | None, *, digits: int) -> dict[str, str] | None:
    """The rung of that name, where it was measured."""
    values = [value for rung, value in found if rung["rung"] == name]
    return {"rung": str(name), "value": number(values[0]["value"], digits=digits)} if values else None


def judged_name(ladder: list[Record]) -> str:
    """The rung that the verdict judges; empty without one."""
    judged = _judged(ladder)
    return judged["rung"] if judged else ""


def _judged(ladder: list[Record]) -> Record | None:
    return next((rung for rung in ladder if is_trained(rung)), None)


#: What words of the measures mean, for those that the page's first screen has.
_WORDS = {
    "Clusters follow": (
        "clusters follow: adjusted mutual information (AMI), 0 = chance, "
        "1 = identical; windows in no cluster count as one cluster"
    ),
    "Ortholog": "ortholog: the same place in another genome",
    "elative": "relative: a window of another place that BLAST aligns; rare: with at most one in a hundred",
}


def glossary(rows: list[dict[str, Any]], ladder: list[Record]) -> str:
    """What the encoders and words of `outcome_rows` are, in one line; empty where there are none."""
    named = {part["rung"] for row in rows for part in (row["trained"], row["baseline"]) if part}
    told = [f"{rung['rung']}: {describe(rung)}" for rung in ladder if rung["rung"] in named]
    measures = " ".join(row["measure"] for row in rows)
    told += [meaning for word, meaning in _WORDS.items() if word in measures]
    return f"{'; '.join(told)}." if told else ""


def describe(rung: Record) -> str:
    """What an encoder is, in a few words.

    Examples
    --------
    >>> describe({"encoder": "kmer:6"}), describe({"encoder": "runs/mine"})
    ('counts of 6-letter words', 'a run of pretraining')
    >>> describe({"encoder": "runs/mine", "shuffled": True})
    'a run of pretraining; windows shuffled'
    >>> describe({"encoder": "runs/mine+kmer:4", "parts": ["runs/mine", "kmer:4"]})
    'a run of pretraining, beside counts of 4-letter words'
    >>> describe({"encoder": "codebook:untrained:runs/mine"})
    'the same network as its pretraining begins, its states counted as codes'
    """
    words = ", beside ".join(_described(part) for part in parts_of_rung(rung))
    return words + ("; windows shuffled" if rung.get("shuffled") else "")


def _described(encoder: str) -> str:
    kind, _, rest = encoder.partition(":")
    if Path(encoder).resolve() == DEFAULT_RUN.resolve():  # by its folder, as --run takes it
        kind = "default"
    if kind == "codebook" and rest:
        return f"{_described(rest)}, its states counted as codes"
    rest = without_places(rest)
    return {
        "kmer": f"counts of {rest.split(':')[0]}-letter words",
        "lsa": (
            f"counts of {rest}-letter words, rare ones weighing more, "
            "reduced to the directions of words that keep company"
        ),
        "abundance": f"how common its words are in {rest}",
        "bert": f"the language model {rest} as it is" if rest else "off-the-shelf BERT, trained on English",
        "dna": f"the model of DNA {rest} as it is",
        "python": f"an encoder of your own, {rest}",
        "default": "pretrained on apes, as it comes with dnabert",
        "random": "the same network, random weights",
        "untrained": "the same network as its pretraining begins",
    }.get(kind, "a run of pretraining")
