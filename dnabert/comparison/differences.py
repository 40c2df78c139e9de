"""How an encoder differs from the best of what is cheaper, on the same windows: whole, and when explanations are taken
out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnabert.clusters.bootstrap import LEVEL, of_one_kind, of_places, resampled_means
from dnabert.clusters.halves import bounds
from dnabert.corpus.places import FEWEST_PLACES
from dnabert.explain.explained_away import OWN
from dnabert.report.numbers import present
from dnabert.report.rung_kind import is_off_the_shelf, is_trained

Record = dict[str, Any]
#: Means of the same numbers that were summed in another order differ by less.
_SAME = 1e-9
#: Gives the differences of two rungs in one measure, of resamples or of halves, and last the observed one.
_Draw = Callable[[Record, Record], NDArray[np.float64]]


def differences(ladder: list[Record], *, resamples: int = 2_000, seed: int = 0) -> list[Record]:
    """Differences of each trained rung, and of models of others (the off-the-shelf BERT, `dna:…`, `python:…`), to the
    best of the rungs that are cheaper.

    A trained rung is held against all rungs without training on this genome, models of others against counts and
    networks with random weights. Windows of an orthologous block are drawn together, halves of the windows clustered
    again, and both rungs answer for the same windows. Rungs that read shuffled sequence compete for nothing.

    ``outcome`` is ``ahead`` when the rung is better than *every* rival, ``behind`` when it is worse than one of them:
    by intervals that hold for all measures of the rung together, whole and without explanations (Bonferroni; for
    ``behind`` over the rivals too, since the best of several is best partly by luck); else ``level``, as always where
    the windows lie in fewer than five places. ``low`` and ``high`` are the plain 95 % interval of the difference to the
    baseline (of resamples `of_places`), no wider than what either lacks to 1 leaves room for, ``sure_low`` and
    ``sure_high`` the one that holds for all measures together.

    Parameters
    ----------
    ladder : records of the rungs with ``encoder``, ``metrics``, ``hits`` (metric to a string of 0 and 1), ``groups``,
        ``draws`` (metric to the values of halves, paired between rungs), ``stretches`` (metric to how many were halved)
        and ``explained_away``.
    resamples, seed : of the bootstrap of hits.

    Returns
    -------
    list of dict: ``metric``, ``without`` (None, or the explanation that was taken out before), ``rung``, ``baseline``
    (the best rival; of a rung behind, the best of those that it is behind), ``value``, ``low``, ``high``, ``sure_low``,
    ``sure_high``, ``n``, ``outcome``. Of a measure whose answer an explanation holds (`OWN`), that explanation and
    ``all`` give no row.
    """
    real = [rung for rung in ladder if not rung.get("shuffled")]
    found: list[Record] = []
    for rung in real:
        rivals = [other for other in real if other is not rung and _cheaper(other, than=rung)]
        measures = (part(rung, resamples=resamples, seed=seed) for part in (_measures, _survivals))
        found += _compared(rung, rivals, [each for part in measures for each in part])
    return found


def _cheaper(other: Record, *, than: Record) -> bool:
    if is_trained(than):
        return not is_trained(other)
    return is_off_the_shelf(than) and not is_trained(other) and not is_off_the_shelf(other)


def _measures(rung: Record, *, resamples: int, seed: int) -> Iterator[tuple[None, str, _Draw]]:
    for metric, groups in rung.get("groups", {}).items():
        yield None, metric, _of_hits(metric, groups=groups, without=None, resamples=resamples, seed=seed)
    for metric in rung.get("draws", {}):
        yield None, metric, _of_draws(metric, without=None)


def _survivals(rung: Record, *, resamples: int, seed: int) -> Iterator[tuple[str, str, _Draw]]:
    groups = rung.get("groups", {})
    for row in rung.get("explained_away") or []:
        without = row["without"]
        for metric in row.get("hits", {}):
            if metric in groups and not _holds_the_answer(without, metric):
                yield (
                    without,
                    metric,
                    _of_hits(metric, groups=groups[metric], without=without, resamples=resamples, seed=seed),
                )
        for metric in row.get("draws", {}):
            if not _holds_the_answer(without, metric):
                yield without, metric, _of_draws(metric, without=without)


def _holds_the_answer(without: str, metric: str) -> bool:
    """Whether what was taken out is nothing, or holds what is asked for, or is all but another answer."""
    own = OWN.get(metric.split("_", 1)[1])
    return without in ("nothing", "all", own, *(f"all but {other}" for other in OWN.values() if other != own))


def _part(rung: Record, without: str | None) -> Record:
    """``hits``, ``draws`` and ``metrics`` of a rung, or of what is left of it without an explanation."""
    if without is None:
        return rung
    row: Record = next((left for left in rung.get("explained_away") or [] if left["without"] == without), {})
    return {"hits": row.get("hits", {}), "draws": row.get("draws", {}), "metrics": row}


def _of_hits(metric: str, *, groups: list[int], without: str | None, resamples: int, seed: int) -> _Draw:
    def draw(first: Record, second: Record) -> NDArray[np.float64]:
        texts = [str(_part(rung, without).get("hits", {}).get(metric, "")) for rung in (first, second)]
        if len(texts[0]) != len(groups) or len(texts[1]) != len(groups):
            return np.zeros(0)
        right = [np.frombuffer(text.encode(), dtype=np.uint8).astype(np.float64) for text in texts]
        difference = right[0] - right[1]
        drawn = resampled_means(difference, groups=np.array(groups), resamples=resamples, seed=seed)
        return np.append(drawn, difference.mean())

    return draw


def _of_draws(metric: str, *, without: str | None) -> _Draw:
    def draw(first: Record, second: Record) -> NDArray[np.float64]:
        parts = _part(first, without), _part(second, without)
        drawn = [np.array(part.get("draws", {}).get(metric, ())) for part in parts]
        if len(drawn[0]) == 0 or len(drawn[0]) != len(drawn[1]):
            return np.zeros(0)
        values = [float(part["metrics"][metric]["value"]) for part in parts]
        return np.append(drawn[0] - drawn[1], values[0] - values[1])

    return draw


def _compared(rung: Record, rivals: list[Record], measures: Sequence[tuple[str | None, str, _Draw]]) -> list[Record]:
    """One row per measure that a rival has too; the outcome needs to know how many measures there are."""
    drawn = {}
    for without, metric, draw in measures:
        against = {rival["rung"]: draw(rung, rival) for rival in rivals}
        drawn[without, metric] = {name: values for name, values in against.items() if len(values)}
    drawn = {key: against for key, against in drawn.items() if against}
    rows = [
        {"metric": metric, "without": without, "rung": rung["rung"], "n": _n(rung, metric)}
        | _row(against, tests=len(drawn), places=_places(rung, metric), stretches=rung.get("stretches", {}).get(metric))
        for (without, metric), against in drawn.items()
    ]
    named = {rival["rung"]: rival for rival in rivals}
    return [row | _possible(row, rung, named[row["baseline"]]) for row in rows]


def _possible(row: Record, rung: Record, rival: Record) -> Record:
    """``low`` and ``high``, neither lead more than what the other lacks to 1, at the lower end of its interval."""
    lacks = []
    for each in (rung, rival):
        score = _part(each, row["without"]).get("metrics", {}).get(row["metric"]) or {}
        lacks.append(1 - score["low"] if present(score.get("low")) else np.inf)
    return {"low": max(row["low"], -lacks[0]), "high": min(row["high"], lacks[1])}


def _n(rung: Record, metric: str) -> int:
    groups = rung.get("groups", {}).get(metric)
    return len(groups) if groups is not None else int(rung["metrics"][metric]["n"])


def _places(rung: Record, metric: str) -> int | None:
    """How many places a bootstrap draws from; None of a measure of halves."""
    groups = rung.get("groups", {}).get(metric)
    return None if groups is None else len(set(groups))


def _bounds(
    values: NDArray[np.float64], *, level: float, places: int | None, stretches: int | None
) -> tuple[float, float]:
    """What Student's t says of halves; of resamples `of_places`: of a thousand the outermost are no quantile of 1 in
    10,000.

    Where all places differ alike, most often not at all, nothing is drawn but that; see `of_one_kind`.
    """
    drawn, observed = values[:-1], float(values[-1])
    if places is None:
        return bounds(observed, drawn, level=level, places=stretches)
    if places > 1 and _is_constant(values):
        return of_one_kind(observed, places=places, level=level, least=-1.0)
    return of_places(observed, drawn, places=places, level=level)


def _is_constant(values: NDArray[np.float64]) -> bool:
    return float(np.ptp(values)) < _SAME


def _row(against: dict[str, NDArray[np.float64]], *, tests: int, places: int | None, stretches: int | None) -> Record:
    """The last of a rival's values is the observed difference, the others those of resamples or of halves."""
    every = 1 - (1 - LEVEL) / tests
    any_one = 1 - (1 - LEVEL) / tests / len(against)
    few = places is not None and places < FEWEST_PLACES
    drawn = {"places": places, "stretches": stretches}
    ahead = not few and all(_bounds(values, level=every, **drawn)[0] > 0 for values in against.values())
    better = [name for name, values in against.items() if not few and _bounds(values, level=any_one, **drawn)[1] < 0]
    outcome = "level"
    if ahead:
        outcome = "ahead"
    elif better:
        outcome = "behind"
    best = min(better or against, key=lambda name: float(against[name][-1]))
    value = float(against[best][-1])
    low, high = _bounds(against[best], level=LEVEL, **drawn)
    sure_low, sure_high = _bounds(against[best], level=every if value > 0 else any_one, **drawn)
    bounds = {"low": low, "high": high, "sure_low": sure_low, "sure_high": sure_high}
    return {"baseline": best, "value": value, **bounds, "outcome": outcome}
