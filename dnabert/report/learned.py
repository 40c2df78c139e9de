"""What a run has learned of the language, beside counting, in plain words."""

from __future__ import annotations

from math import isclose
from typing import Any, Literal

from dnabert.pretraining.curve import last_row_evaluated
from dnabert.report.numbers import bounds, count, duration, interval, number, percent, present

Record = dict[str, Any]

#: Columns of the windows in words.
_COLUMNS = {"repeat_class": "repeat class", "region": "gene region", "gene_type": "gene type", "genome": "genome"}
#: Two means over the same windows that were summed in another order differ by less.
_SAME = 1e-6


def loss_sentence(metrics: list[Record], floors: Record | None) -> str:
    """Say whether the run's last validation lies below the best Markov floor."""
    last = last_row_evaluated(metrics)
    if last is None:
        return "The run has no validation of its own."
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
        "level": (
            f"{said}, not told apart from {name}: "
            "over all windows it has not been shown to learn more than counting gives."
        ),
    }[side]
    return found + _unique_sentence(last, floors or {}, whole=side)


def mask_sentence(config: Record) -> str:
    r"""Say why the training line lies elsewhere than validation, where they hide different shares of the words; else
    nothing.

    Examples
    --------
    >>> mask_sentence({"mask_share": 0.6, "least_mask_share": 0.0, "evaluation_mask_share": 0.15})
    'Training hides up to 60\xa0% of the words, validation 15\xa0%: the more are hidden, the more bits, so that the two
    lines are not to be compared.'
    >>> mask_sentence({"mask_share": 0.15, "least_mask_share": None, "evaluation_mask_share": 0.15})
    ''
    """
    share, least, asked = (config.get(name) for name in ("mask_share", "least_mask_share", "evaluation_mask_share"))
    if not present(share) or not present(asked) or (share == asked and not present(least)):
        return ""
    hidden = f"{'up to ' if present(least) else ''}{percent(share)}"
    return (
        f"Training hides {hidden} of the words, validation {percent(asked)}: the more are hidden, the more bits, so "
        "that the two lines are not to be compared."
    )


def beside_counting(value: Record, floor: float) -> Literal["below", "level", "above"]:
    """Where bits per base with their interval lie beside a floor; fewer are better."""
    low, high = bounds(value)
    if high < floor:
        return "below"
    return "above" if low > floor else "level"


def bits_row(metrics: list[Record], floors: Record | None) -> Record | None:
    """The run's last bits per base beside the best Markov model, for the first screen; None where either is missing.

    Returns
    -------
    mapping of ``model``, ``floor``, ``name`` (of that floor), ``side`` (`beside_counting`) and ``warning`` (empty,
    unless counting is better).
    """
    last, best = last_row_evaluated(metrics), best_floor(floors or {})
    if last is None or not best:
        return None
    floor = best["bits_per_base"]
    model = last["validation_bits_per_base"]
    side = beside_counting({"value": model, "low": last.get("low"), "high": last.get("high")}, floor)
    warning = ""
    if side == "above":
        warning = (
            f"The model is undertrained: of held-out sequence it knows less than counting does ({number(model)} bits "
            f"per base, {number(floor)})"
        )
        unique = _unique(last, floors or {})
        warning += (
            ", though in unique sequence it knows more." if unique and unique[2] == "below" else ". Train longer."
        )
    return {"model": number(model), "floor": number(floor), "name": best["name"], "side": side, "warning": warning}


def best_floor(floors: Record) -> Record:
    """The lowest floor with its name, from the left or from both sides of the hidden words; empty where there is
    none."""
    found = []
    for record, sides in ((floors, ""), (floors.get("bidirectional") or {}, " from both sides")):
        best = record.get("best") or {}
        if present(best.get("bits_per_base")):
            order = best.get("order")
            name = order if order == "mixture" else f"order {order}"
            found.append({"name": f"{name}{sides}", "bits_per_base": best["bits_per_base"]})
    return min(found, key=lambda floor: floor["bits_per_base"], default={})


def _unique(last: Record, floors: Record) -> tuple[float, float, Literal["below", "level", "above"]] | None:
    """Bits per base of the model and of the best Markov model on unique sequence, and where the one lies beside the
    other.

    None where either is unknown, and where all windows are unique, as in a genome without soft-masking: what is told of
    all is told of these. The interval is that of all windows, moved; of the fewer unique ones it would be wider.
    """
    both = floors.get("bidirectional") or {}
    records = [*floors.get("orders", {}).values(), *both.get("orders", {}).values(), both.get("mixture") or {}]
    counted = [record.get("bits_per_base_unique") for record in records]
    known = [value for value in counted if value is not None and present(value)]
    value = last.get("validation_bits_per_base_unique")
    whole = last["validation_bits_per_base"]
    if not known or value is None or not present(value) or isclose(value, whole, rel_tol=_SAME):
        return None
    low, high = bounds({"value": whole, "low": last.get("low"), "high": last.get("high")})
    moved = {"value": value, "low": low + value - whole, "high": high + value - whole}
    return float(value), min(known), beside_counting(moved, min(known))


def _unique_sentence(last: Record, floors: Record, *, whole: str) -> str:
    """An average that only learns a genome's commonest repeat shows in windows that have none, as does one that repeats
    alone spoil."""
    unique = _unique(last, floors)
    if unique is None:
        return ""
    model, floor, side = unique
    told = (
        f"n unique sequence alone (less than a tenth soft-masked): {number(model)} bits per base, the best Markov "
        f"model {number(floor)}."
    )
    if side == whole:
        return f" O{told}"
    beside = {"below": "ahead of", "above": "not ahead of", "level": "not told apart from"}[side]
    return f" It is {beside} counting o{told}"


def asked(scores: Record) -> Record:
    """What the page shows of hidden words by kind of sequence: ``sentences``, ``notes`` and ``kinds`` with their
    ``name``; empty without any."""
    if not scores:
        return {}
    kinds = [row | {"name": _kind_name(row)} for row in scores["kinds"]]
    return {"kinds": kinds, "sentences": scores["sentences"], "notes": scores["notes"]}


def _kind_name(row: Record) -> str:
    if row["column"] in ("all", "soft_masked"):
        return str(row["kind"])
    return f"{_COLUMNS.get(row['column'], row['column'])}: {row['kind']}"
