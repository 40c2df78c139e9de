"""The answer in plain words, computed from the numbers and never claiming more than their intervals allow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from dnabert.pretraining.curve import last_row_evaluated
from dnabert.report.metrics import METRICS, Metric
from dnabert.report.numbers import count, duration, interval, listed, number, p_value, percent, present

Record = dict[str, Any]

#: Cliff's delta in words, after Romano et al. 2006 (as cited by the R package effsize).
_EFFECTS = ((0.147, "negligible"), (0.33, "small"), (0.474, "medium"), (float("inf"), "large"))


@dataclass(frozen=True)
class Comparison:
    """Who leads in one metric.

    `leaders` has one rung when its interval lies above every other rung's, and several when theirs overlap.
    """

    metric: Metric
    leaders: list[str]
    sentence: str


#: Kinds of encoder that nobody pretrained on a genome, the dearest last.
_UNTRAINED = ("kmer", "lsa", "random", "untrained", "bert")


def parts_of_rung(rung: Record) -> list[str]:
    """The encoders whose vectors a rung has side by side, of most rungs one; as recorded, since a folder's name may hold a ``+``."""
    return list(rung.get("parts") or [str(rung.get("encoder", ""))])


def encoder_kind(rung: Record) -> str:
    """What stands before the colon of a rung's encoder: ``kmer``, ``bert``, …; of a run its whole name; of several the dearest's.

    A codebook is of the kind of its model.

    Examples
    --------
    >>> encoder_kind({"encoder": "lsa:8"}), encoder_kind({"encoder": "lsa:8+runs/mine", "parts": ["lsa:8", "runs/mine"]})
    ('lsa', 'runs/mine')
    >>> encoder_kind({"encoder": "codebook:random:runs/mine"})
    'random'
    """
    kinds = [part.removeprefix("codebook:").split(":")[0] for part in parts_of_rung(rung)]
    return max(kinds, key=lambda kind: _UNTRAINED.index(kind) if kind in _UNTRAINED else len(_UNTRAINED))


def is_trained(rung: Record) -> bool:
    """Whether a rung was pretrained and read real sequence: a part of it is a run, not ``bert``, ``kmer:…``, ``lsa:…``, ``random:…`` or ``untrained:…``."""
    if rung.get("shuffled"):
        return False
    return encoder_kind(rung) not in _UNTRAINED


def is_count(rung: Record) -> bool:
    """Whether a rung does nothing but count words: all its parts are ``kmer:…`` or ``lsa:…``."""
    return encoder_kind(rung) in ("kmer", "lsa")


def is_off_the_shelf(rung: Record) -> bool:
    """Whether a rung's dearest part is a model that was trained on something else: ``bert`` or ``bert:…``."""
    return encoder_kind(rung) == "bert"


def leaders(ladder: list[Record], metric: Metric) -> list[str]:
    """Return the rungs that nothing separates from the highest value, best first (one = it leads).

    A rung without an interval counts as a point, so that it is never called equal for want of one.

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
    lowest = _bounds(measured[0][1])[0]
    return [rung["rung"] for rung, value in measured if _bounds(value)[1] >= lowest]


def compare_all(ladder: list[Record]) -> list[Comparison]:
    """Compare the rungs in every headline metric that at least two of them have."""
    return [_compare(ladder, metric) for metric in METRICS if metric.headline and len(ranked(ladder, metric)) >= 2]


def _compare(ladder: list[Record], metric: Metric) -> Comparison:
    measured = ranked(ladder, metric)
    tied = leaders(ladder, metric)
    values = {rung["rung"]: interval(value, digits=metric.digits) for rung, value in measured}
    if len(tied) == 1:
        second = measured[1][0]["rung"]
        sentence = f"{tied[0]} leads with {values[tied[0]]}; next is {second} with {values[second]}"
    else:
        sentence = "the intervals overlap of " + listed([f"{name} {values[name]}" for name in tied])
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
    """Return (rung, metric value) of every rung that has it, highest first; rungs that read shuffled sequence compete for nothing."""
    real = [rung for rung in ladder if not rung.get("shuffled")]
    found = [(rung, rung["metrics"][metric.key]) for rung in real if metric.key in rung["metrics"]]
    return sorted((pair for pair in found if present(pair[1].get("value"))), key=lambda pair: -pair[1]["value"])


def _bounds(value: Record) -> tuple[float, float]:
    low, high = value.get("low"), value.get("high")
    middle = float(value["value"])
    return (
        float(low) if low is not None and present(low) else middle,
        float(high) if high is not None and present(high) else middle,
    )


def cluster_sentence(records: list[Record]) -> str:
    """Say what the clusters are made of, repeats first; with the unclustered (label -1) among them, the repeat share of all too."""
    clusters = [record for record in records if record.get("label", 0) >= 0]
    if not clusters:
        return "No cluster was found."
    simple = [c for c in clusters if (c.get("low_complexity") or 0) >= 0.5]
    repeat = [c for c in clusters if c not in simple and (c.get("repeat") or 0) >= 0.5]
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
    """Say what the pretrained model still finds in shuffled sequence, which has composition and no order; None without it."""
    null = next((rung for rung in ladder if rung.get("shuffled")), None)
    real = next((rung for rung in ladder if null and is_trained(rung) and rung.get("encoder") == null.get("encoder")), None)
    if null is None or real is None:
        return None
    counts = [rung["metrics"].get("clusters", {}).get("value") for rung in (real, null)]
    instead = "as before" if counts[0] == counts[1] else f"instead of {count(counts[0])}"
    windows = f"The ladder's {count(real['n'])} windows" if present(real.get("n")) else "The same windows"
    told = f"{windows} shuffled, their dinucleotides kept, give {count(counts[1])} clusters {instead}"
    agreement = [rung["metrics"].get("ami_repeat_class") for rung in (real, null)]
    if all(agreement):
        told += f", which agree with repeat class by an AMI of {interval(agreement[1])} instead of {interval(agreement[0])}"
    return told + ": that much is composition, not order."


def loss_sentence(metrics: list[Record], floors: Record | None) -> str:
    """Say whether the run's last validation lies below the best Markov floor."""
    last = last_row_evaluated(metrics)
    if last is None:
        return "The run has no validation, so nothing can be said of what it learned."
    value = {"value": last["validation_bits_per_base"], "low": last.get("low"), "high": last.get("high")}
    spent = f"step {count(last.get('step'))}, {count(last.get('tokens'))} tokens, {duration(last.get('seconds'))}"
    said = f"At the end of training ({spent}) the model needs {interval(value)} bits per base on held-out windows"
    best = best_floor(floors or {})
    if not best:
        return f"{said}. No Markov floor was measured beside it."
    side = beside_counting(value, best["bits_per_base"])
    name = f"the best Markov model ({best['name']}, {number(best['bits_per_base'])} bits per base)"
    found = {
        "below": f"{said}, below {name}: it has learned context that counting does not give.",
        "above": f"{said}. That is not below {name}: over all windows it has not learned more than counting gives.",
        "level": f"{said}, not told apart from {name}: over all windows it has not been shown to learn more than counting gives.",
    }[side]
    return found + _unique_sentence(last, floors or {}, whole=side)


def mask_sentence(config: Record) -> str:
    r"""Say why the training line lies elsewhere than validation, where they hide different shares of the words; else nothing.

    Examples
    --------
    >>> mask_sentence({"mask_share": 0.6, "least_mask_share": 0.0, "evaluation_mask_share": 0.15})
    'Training hides up to 60\xa0% of the words, validation 15\xa0%: the more are hidden, the more bits, so that the two lines are not to be compared.'
    >>> mask_sentence({"mask_share": 0.15, "least_mask_share": None, "evaluation_mask_share": 0.15})
    ''
    """
    share, least, asked = (config.get(name) for name in ("mask_share", "least_mask_share", "evaluation_mask_share"))
    if not present(share) or not present(asked) or (share == asked and not present(least)):
        return ""
    hidden = f"{'up to ' if present(least) else ''}{percent(share)}"
    return f"Training hides {hidden} of the words, validation {percent(asked)}: the more are hidden, the more bits, so that the two lines are not to be compared."


def beside_counting(value: Record, floor: float) -> Literal["below", "level", "above"]:
    """Where bits per base with their interval lie beside a floor; fewer are better."""
    low, high = _bounds(value)
    return "below" if high < floor else "above" if low > floor else "level"


def bits_row(metrics: list[Record], floors: Record | None) -> Record | None:
    """The run's last bits per base beside the best Markov model, for the first screen; None where either is missing.

    Returns
    -------
    mapping of ``model``, ``floor``, ``name`` (of that floor), ``side`` (`beside_counting`) and ``warning`` (empty, unless counting is better).
    """
    last, best = last_row_evaluated(metrics), best_floor(floors or {})
    if last is None or not best:
        return None
    floor = best["bits_per_base"]
    model = last["validation_bits_per_base"]
    side = beside_counting({"value": model, "low": last.get("low"), "high": last.get("high")}, floor)
    warning = ""
    if side == "above":
        warning = f"The model is undertrained: of held-out sequence it knows less than counting does ({number(model)} bits per base, {number(floor)})"
        unique = _unique(last, floors or {})
        warning += ", though in unique sequence it knows more." if unique and unique[0] < unique[1] else ". Train longer."
    return {"model": number(model), "floor": number(floor), "name": best["name"], "side": side, "warning": warning}


def best_floor(floors: Record) -> Record:
    """The lowest floor with its name, from the left or from both sides of the hidden words; empty where there is none."""
    found = []
    for record, sides in ((floors, ""), (floors.get("bidirectional") or {}, " from both sides")):
        best = record.get("best") or {}
        if present(best.get("bits_per_base")):
            order = best.get("order")
            name = order if order == "mixture" else f"order {order}"
            found.append({"name": f"{name}{sides}", "bits_per_base": best["bits_per_base"]})
    return min(found, key=lambda floor: floor["bits_per_base"], default={})


def _unique(last: Record, floors: Record) -> tuple[float, float] | None:
    """Bits per base of the model and of the best Markov model on unique sequence, where both are known."""
    both = floors.get("bidirectional") or {}
    records = [*floors.get("orders", {}).values(), *both.get("orders", {}).values(), both.get("mixture") or {}]
    counted = [record.get("bits_per_base_unique") for record in records]
    known = [value for value in counted if value is not None and present(value)]
    value = last.get("validation_bits_per_base_unique")
    return (float(value), min(known)) if known and value is not None and present(value) else None


def _unique_sentence(last: Record, floors: Record, *, whole: str) -> str:
    """An average that only learns a genome's commonest repeat shows in windows that have none, as does one that repeats alone spoil."""
    unique = _unique(last, floors)
    if unique is None:
        return ""
    model, floor = unique
    told = f"n unique sequence alone (less than a tenth soft-masked): {number(model)} bits per base, the best Markov model {number(floor)}."
    if (model < floor) == (whole == "below"):
        return f" O{told}"
    return f" It is {'ahead of' if model < floor else 'not ahead of'} counting o{told}"


def distance_sentences(edit_distance: Record) -> list[str]:
    """Say each rank test with its means, its n and the size of its effect in words."""
    names = {
        "within": "pairs within a cluster",
        "unclustered": "pairs of unclustered windows",
        "random_equal_gc": "random pairs of equal GC",
    }
    summary = edit_distance.get("summary", {})
    sentences = []
    for test in edit_distance.get("tests", []):
        a, b = summary.get(test["a"]), summary.get(test["b"])
        if not a or not b or not all(map(present, (a.get("mean"), b.get("mean"), test.get("p"), test.get("effect")))):
            continue
        first, second = names.get(test["a"], test["a"]), names.get(test["b"], test["b"])
        told = _effect(test, closer=a["mean"] < b["mean"], second=second)
        sentences.append(f"{first[0].upper()}{first[1:]} {told}: {_mean(a)} against {_mean(b)}; {_statistics(test)}.")
    return sentences


def _mean(summary: Record) -> str:
    return f"mean {percent(summary['mean'], digits=1)} of the length (n = {count(summary['n'])})"


def _effect(test: Record, *, closer: bool, second: str) -> str:
    if test["p"] >= 0.05:
        return f"show no difference from {second}"
    size = next(word for limit, word in _EFFECTS if abs(test["effect"]) < limit)
    return f"are {'closer' if closer else 'farther apart'} than {second}, a {size} effect"


def _statistics(test: Record) -> str:
    delta = f"Cliff's δ = {number(test['effect'], digits=2)}"
    if test["p"] >= 0.05:
        return f"rank test {p_value(test['p'])}, {delta}"
    share = percent((1 + abs(test["effect"])) / 2)
    return f"rank test {p_value(test['p'])}, {delta} (the order holds in {share} of comparisons)"
