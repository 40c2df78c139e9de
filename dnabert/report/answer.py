"""The answer in plain words, computed from the numbers and never claiming more than their intervals allow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from dnabert.report.metrics import METRICS, Metric
from dnabert.report.numbers import bounds, count, interval, listed, number, p_value, percent, present
from dnabert.report.rung_kind import is_trained

Record = dict[str, Any]

#: Cliff's delta in words, after Romano et al. 2006 (as cited by the R package effsize).
_EFFECTS = ((0.147, "negligible"), (0.33, "small"), (0.474, "medium"), (float("inf"), "large"))

#: With fewer independent pairs on a side no small effect can reach p = 0.05: against many, a Cliff's delta of 1.96 /
#: sqrt(3 m), 0.25 at 20 and 0.40 at 8.
_FEW_PAIRS = 20


@dataclass(frozen=True)
class Comparison:
    """Who leads in one metric.

    `leaders` has one rung when its interval lies above every other rung's, and several when theirs overlap.
    """

    metric: Metric
    leaders: list[str]
    sentence: str


def leaders(ladder: list[Record], metric: Metric, *, differences: Sequence[Record] = ()) -> list[str]:
    """Return the rungs that nothing separates from the highest value, best first (one = it leads).

    A rung without an interval counts as a point, so that it is never called equal for want of one. One that
    `differences` (of `dnabert.comparison.differences`) call behind is none, however wide its interval: on the same
    windows less tells encoders apart.

    Examples
    --------
    >>> ladder = [{"rung": "a", "metrics": {"m": {"value": 0.8, "low": 0.7, "high": 0.9}}},
    ...           {"rung": "b", "metrics": {"m": {"value": 0.6, "low": 0.5, "high": 0.65}}}]
    >>> leaders(ladder, Metric("m", "M", "", better="higher"))
    ['a']
    """
    measured = ranked(ladder, metric)
    if not measured:
        return []
    lowest = bounds(measured[0][1])[0]
    behind = {row["rung"] for row in _behind(differences, metric)}
    return [rung["rung"] for rung, value in measured if bounds(value)[1] >= lowest and rung["rung"] not in behind]


def _behind(differences: Sequence[Record], metric: Metric) -> list[Record]:
    return [
        row
        for row in differences
        if row["metric"] == metric.key and row["without"] is None and row["outcome"] == "behind"
    ]


def compare_all(ladder: list[Record], *, differences: Sequence[Record] = ()) -> list[Comparison]:
    """Compare the rungs in every headline metric that at least two of them have; `differences` as of `leaders`."""
    wanted = [metric for metric in METRICS if metric.headline and len(ranked(ladder, metric)) >= 2]
    return [_compare(ladder, metric, differences=differences) for metric in wanted]


def _compare(ladder: list[Record], metric: Metric, *, differences: Sequence[Record]) -> Comparison:
    measured = ranked(ladder, metric)
    tied = leaders(ladder, metric)
    values = {rung["rung"]: interval(value, digits=metric.digits) for rung, value in measured}
    if len(tied) == 1:
        second = measured[1][0]["rung"]
        sentence = f"{tied[0]} leads with {values[tied[0]]}; next is {second} with {values[second]}"
    else:
        sentence = "the intervals overlap of " + listed([f"{name} {values[name]}" for name in tied])
        behind = [
            f"{row['rung']} is behind {row['baseline']}" for row in _behind(differences, metric) if row["rung"] in tied
        ]
        sentence += f", yet on the same windows {listed(behind)}" if behind else ""
    sentence += _beside_baseline(measured, metric) + "."
    return Comparison(metric, tied, sentence)


def _beside_baseline(measured: list[tuple[Record, Record]], metric: Metric) -> str:
    trivial = _majority(measured, metric)
    if trivial is None:
        return ""
    text = f"; {metric.guess} gives {number(trivial)}"
    return text + (", so none beats it" if measured[0][1]["value"] <= trivial else "")


def _majority(measured: list[tuple[Record, Record]], metric: Metric) -> float | None:
    """Share of the largest class: what a metric gives that looks at no sequence at all."""
    record = measured[0][0]["metrics"].get(metric.baseline) if metric.baseline else None
    return float(record["value"]) if record and present(record.get("value")) else None


def ranked(ladder: list[Record], metric: Metric) -> list[tuple[Record, Record]]:
    """Return (rung, metric value) of every rung that has it, highest first; rungs that read shuffled sequence compete
    for nothing."""
    real = [rung for rung in ladder if not rung.get("shuffled")]
    found = [(rung, rung["metrics"][metric.key]) for rung in real if metric.key in rung["metrics"]]
    return sorted((pair for pair in found if present(pair[1].get("value"))), key=lambda pair: -pair[1]["value"])


def cluster_sentence(records: list[Record]) -> str:
    """Say what the clusters are made of, repeats first; with the unclustered (label -1) among them, the repeat share of
    all too."""
    clusters = [record for record in records if record.get("label", 0) >= 0]
    if not clusters:
        return (
            "No cluster was found: a lower --map-cluster.min-cluster-size may find some, where there are any, "
            "and so may more windows (--map-windows)."
        )
    simple = [cluster for cluster in clusters if (cluster.get("low_complexity") or 0) >= 0.5]
    repeat = [cluster for cluster in clusters if cluster not in simple and (cluster.get("repeat") or 0) >= 0.5]
    rest = len(clusters) - len(simple) - len(repeat)
    known = [record for record in records if present(record.get("repeat")) and record.get("n")]
    overall = ""
    if len(known) == len(records) > len(clusters):
        share = sum(record["n"] * record["repeat"] for record in known) / sum(record["n"] for record in known)
        overall = f"; of all windows together {percent(share)} of the bases are"
    annotated = any(present(record.get("repeat")) for record in records)
    parts = [
        *([f"{_many(repeat)} mostly repeat (at least half of their bases{overall})"] if annotated else []),
        f"{_many(simple)} mostly low-complexity sequence (a few short words over and over)",
        *([f"{count(rest)} {'is' if rest == 1 else 'are'} neither"] if annotated and rest else []),
    ]
    told = f"Of {count(len(clusters))} {'cluster' if len(clusters) == 1 else 'clusters'}, {listed(parts)}."
    return told if annotated else f"{told} Which are repeats is not known: the corpus has no annotation of them."


def _many(records: list[Any]) -> str:
    return "none is" if not records else f"{count(len(records))} {'is' if len(records) == 1 else 'are'}"


def null_sentence(ladder: list[Record]) -> str | None:
    """Say what the pretrained model still finds in shuffled sequence, which has composition and no order; None without
    it.

    The two are of one encoder and read alike: more frames or both strands make other clusters of any sequence.
    """
    nulls = [rung for rung in ladder if rung.get("shuffled")]
    pairs = (
        (real, null)
        for real in ladder
        if is_trained(real)
        for null in nulls
        if all(real.get(name) == null.get(name) for name in ("encoder", "read"))
    )
    real, null = next(pairs, (None, None))
    if null is None or real is None:
        return None
    counts = [rung["metrics"].get("clusters", {}).get("value") for rung in (real, null)]
    windows = f"The ladder's {count(real['n'])} windows" if present(real.get("n")) else "The same windows"
    told = f"{windows} shuffled, their dinucleotides kept, give {_clusters(counts[1])}"
    if counts[0] == 0:
        return (
            f"{told}; as they are they give {'none either' if counts[1] == 0 else 'none'}, so that there is nothing to "
            "tell apart from composition."
        )
    told += " as before" if counts[0] == counts[1] else f" instead of {count(counts[0])}"
    if counts[1] == 0:
        return f"{told}: composition alone makes none."
    agreement = [rung["metrics"].get("ami_repeat_class") for rung in (real, null)]
    if not all(each and present(each.get("value")) for each in agreement):
        return told + ": that much is composition, not order."
    told += (
        f", which {'agrees' if counts[1] == 1 else 'agree'} with repeat class by an AMI of {interval(agreement[1])} "
        f"instead of {interval(agreement[0])}"
    )
    if bounds(agreement[1])[0] <= 0:
        return told + ": composition alone makes that many, and what it makes is not shown to follow repeat class."
    return told + ": that much is composition, not order."


def _clusters(n: float | None) -> str:
    return "no cluster" if n == 0 else f"{count(n)} {'cluster' if n == 1 else 'clusters'}"


def distance_sentences(edit_distance: Record) -> list[str]:
    """Say whose pairs are within, and each rank test with its medians, its n and the size of its effect in words."""
    names = {
        "within": "pairs within a cluster",
        "unclustered": "pairs of unclustered windows",
        "random_equal_gc": "random pairs of equal GC",
        "random_equal_gc_unclustered": "random pairs of equal GC",
    }
    summary = edit_distance.get("summary", {})
    sentences = _within(edit_distance["clusters"]) if edit_distance.get("clusters", {}).get("labels") else []
    for test in edit_distance.get("tests", []):
        a, b = summary.get(test["a"]), summary.get(test["b"])
        if not a or not b:
            continue
        if not all(map(present, (a.get("median"), b.get("median"), test.get("p"), test.get("effect")))):
            continue
        first, second = names.get(test["a"], test["a"]), names.get(test["b"], test["b"])
        told = _effect(test, second=second)
        medians = f"{_median(a)} against {_median(b)}"
        sentences.append(f"{first[0].upper()}{first[1:]} {told}: {medians}; {_statistics(test)}.")
    return sentences


def _within(clusters: Record) -> list[str]:
    """Which clusters the pairs within a cluster are of."""
    labels, share = clusters["labels"], percent(clusters["tight_share"])
    if clusters["tight"]:
        which = f"cluster {labels[0]}, the one" if len(labels) == 1 else f"the {count(len(labels))} clusters"
        return [
            f"Pairs within a cluster are of {which} of at most {share} of the windows ({count(clusters['windows'])} "
            "windows): larger ones are parts of the map, not tight groups."
        ]
    few = (
        f"those of at most {share} of the windows hold {count(clusters['in_tight'])} of the "
        f"{count(clusters['clustered'])} clustered windows"
    )
    return [f"Pairs within a cluster are of all clusters: {few}, too few to stand for them."]


def _median(summary: Record) -> str:
    return f"median {percent(summary['median'], digits=1)} of the length (n = {count(summary['n'])})"


def _effect(test: Record, *, second: str) -> str:
    """Side and size of what the rank test found."""
    if test["p"] >= 0.05:
        fewest = min(test.get("pairs") or [_FEW_PAIRS])
        few = f", and {count(fewest)} independent pairs are too few to tell" if fewest < _FEW_PAIRS else ""
        return f"are not shown to differ from {second}{few}"
    size = next(word for limit, word in _EFFECTS if abs(test["effect"]) < limit)
    return f"are {'closer' if test['effect'] < 0 else 'farther apart'} than {second}, a {size} effect"


def _statistics(test: Record) -> str:
    delta = f"Cliff's δ = {number(test['effect'], digits=2)}"
    of = " of {} and {} pairs without a place in common".format(*map(count, test["pairs"])) if "pairs" in test else ""
    told = f"rank test{of} {p_value(test['p'])}, {delta}"
    if test["p"] >= 0.05:
        return told
    return f"{told} (the order holds in {percent((1 + abs(test['effect'])) / 2)} of comparisons)"
