"""The answer at a glance: a line per measure, and what each encoder is in words of the bench."""

from __future__ import annotations

from typing import Any

from dnabert.report.answer import Record, compare_all, is_trained, ranked
from dnabert.report.numbers import number

#: Outcome of a comparison to a sign and a word: neither hangs on colour.
_SIGNS = {"more": ("▲", "ahead"), "no difference": ("=", "no difference"), "less": ("▼", "behind"), "untested": ("", "not compared")}


def outcome_rows(ladder: list[Record]) -> list[dict[str, Any]]:
    """One row per headline measure: the best pretrained rung beside the best rung without pretraining.

    Returns
    -------
    mappings of ``measure``, ``explanation``, ``sign``, ``outcome`` (in a word), ``trained`` and ``baseline`` (each a rung's name and
    value as text, or None) and ``beaten`` (value of the largest class alone, where no rung exceeds it, else None).
    """
    rows = []
    for comparison in compare_all(ladder):
        metric = comparison.metric
        found = ranked(ladder, metric)
        sign, word = _SIGNS[comparison.outcome]
        trivial = [rung["metrics"][metric.baseline]["value"] for rung, _ in found if metric.baseline in rung["metrics"]]
        rows.append(
            {
                "measure": metric.short or metric.name,
                "explanation": metric.explanation,
                "sign": sign,
                "outcome": word,
                "trained": _first(found, trained=True, digits=metric.digits),
                "baseline": _first(found, trained=False, digits=metric.digits),
                "beaten": number(trivial[0]) if trivial and trivial[0] >= found[0][1]["value"] else None,
            }
        )
    return rows


def _first(found: list[tuple[Record, Record]], *, trained: bool, digits: int) -> dict[str, str] | None:
    """The highest rung of one kind."""
    for rung, value in found:
        if is_trained(rung) == trained:
            return {"rung": rung["rung"], "value": number(value["value"], digits=digits)}
    return None


def describe(rung: Record) -> str:
    """What an encoder is, in a few words.

    Examples
    --------
    >>> describe({"encoder": "kmer:6"}), describe({"encoder": "runs/mine"})
    ('counts of 6-letter words', 'pretrained on the genome')
    >>> describe({"encoder": "runs/mine", "shuffled": True})
    'pretrained on the genome; windows shuffled'
    """
    kind, _, rest = str(rung.get("encoder", "")).partition(":")
    words = {
        "kmer": f"counts of {rest.split(':')[0]}-letter words",
        "bert": f"the language model {rest} as it is" if rest else "off-the-shelf BERT, trained on English",
        "default": "pretrained on apes, as it comes with dnabert",
        "random": "the same network, untrained",
    }.get(kind, "pretrained on the genome")
    return words + ("; windows shuffled" if rung.get("shuffled") else "")
