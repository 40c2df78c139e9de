"""What a difference between encoders says, in a sentence, and whether it says more than always naming the commonest
class."""

from __future__ import annotations

from typing import Any

from dnabert.report.metrics import METRICS, Metric
from dnabert.report.numbers import interval, listed, number, present

Record = dict[str, Any]

#: Measures that take part in a verdict, by key.
NAMES = {metric.key: metric.name for metric in METRICS if metric.headline}


def names_of(rows: list[Record]) -> str:
    """Measures of rows, each once, in words."""
    return listed(list(dict.fromkeys(NAMES[row["metric"]] for row in rows)))


def is_trivial(rung: Record, row: Record) -> bool:
    """Whether always saying the commonest class does as well."""
    share, score = commonest(rung, row["metric"]), _score(rung, row)
    return share is not None and (score is None or score["low"] <= share)


def _score(rung: Record, row: Record) -> Record | None:
    if row["without"] is None:
        return rung["metrics"].get(row["metric"])
    found = [left for left in rung.get("explained_away") or [] if left["without"] == row["without"]]
    return found[0].get(row["metric"]) if found else None


def _metric(key: str) -> Metric:
    return next(metric for metric in METRICS if metric.key == key)


def commonest(rung: Record, key: str) -> float | None:
    """What always saying the commonest class scores in a measure; None where it has no such baseline."""
    metric = _metric(key)
    record = rung["metrics"].get(metric.baseline) if metric.baseline else None
    return None if record is None else float(record["value"])


def beside_commonest(rung: Record, row: Record) -> str:
    """A rung's score beside what the commonest class gives, to stand behind a sentence; empty where there is no such
    baseline."""
    share, score = commonest(rung, row["metric"]), _score(rung, row)
    if share is None or score is None:
        return ""
    beside = f" ({interval(score)} of the windows; {_metric(row['metric']).guess} gives {number(share)}"
    return beside + (", so nothing is left)" if score["low"] <= share else ")")


def sentence(row: Record) -> str:
    """One measure: who is ahead, by how much.

    Examples
    --------
    >>> row = {"metric": "knn10_region", "without": None, "rung": "mine", "baseline": "kmer6", "outcome": "ahead"}
    >>> sentence(row | {"value": 0.02, "low": 0.01, "high": 0.03})
    '10 nearest neighbours: gene region: mine is ahead of everything cheaper; of the best, kmer6, by 0.020 [0.010,
    0.030]'
    """
    name = NAMES[row["metric"]] + ("" if row["without"] is None else f", without {row['without']}")
    if row["outcome"] == "level":
        return f"{name}: {row['rung']} cannot be told from {_level(row)}"
    if row["outcome"] == "ahead":
        return (
            f"{name}: {row['rung']} is ahead of everything cheaper; of the best, {row['baseline']}, by {interval(row)}"
        )
    turned = {"value": -row["value"], "low": -row["high"], "high": -row["low"]}
    return f"{name}: {row['rung']} is behind {row['baseline']} by {interval(turned)}"


def company_sentence(row: Record) -> str:
    """One measure of two encoders together.

    Examples
    --------
    >>> row = {"metric": "knn10_region", "rung": "mine", "beside": "lsa8", "baseline": "kmer6", "outcome": "ahead"}
    >>> row |= {"score": 0.7, "baseline_score": 0.68, "value": 0.02, "low": 0.01, "high": 0.03}
    >>> company_sentence(row)
    '10 nearest neighbours: gene region: mine beside lsa8 0.700, ahead of everything cheaper beside it; of the best,
    kmer6 beside lsa8 (0.680), by 0.020 [0.010, 0.030]'
    """
    rival = (
        f"{row['beside']} alone" if row["baseline"] == row["beside"] else f"{row['baseline']} beside {row['beside']}"
    )
    own = f"{NAMES[row['metric']]}: {row['rung']} beside {row['beside']} {number(row['score'])}"
    if row["outcome"] == "ahead":
        return (
            f"{own}, ahead of everything cheaper beside it; of the best, "
            f"{rival} ({number(row['baseline_score'])}), by {interval(row)}"
        )
    told = "behind" if row["outcome"] == "behind" else "not told apart from"
    counted = (
        " once all measures are counted" if row["outcome"] == "level" and not row["low"] <= 0 <= row["high"] else ""
    )
    return f"{own}, {told} {rival} ({number(row['baseline_score'])}){counted}, difference {interval(row)}"


def _level(row: Record) -> str:
    """From whom, and the difference; where its own interval excludes 0, the one that decides stands beside it.

    Examples
    --------
    >>> row = {"baseline": "kmer6", "value": -0.066, "low": -0.131, "high": -0.011}
    >>> _level(row | {"sure_low": -0.162, "sure_high": 0.03})
    'kmer6 once all measures are counted: difference −0.066 [−0.131, −0.011], for all measures together [−0.162, 0.030]'
    """
    if row["low"] <= 0 <= row["high"]:
        return f"{row['baseline']}: difference {interval(row)}"
    told = f"{row['baseline']} once all measures are counted: difference {interval(row)}"
    if not present(row.get("sure_low")):  # a comparison of before
        return told
    if row["sure_low"] > 0:  # only a rival that is noisier stands in the way
        return f"every cheaper encoder: of the best, {row['baseline']}, difference {interval(row)}"
    return f"{told}, for all measures together [{number(row['sure_low'])}, {number(row['sure_high'])}]"
