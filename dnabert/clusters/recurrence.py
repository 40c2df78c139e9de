"""What of a clustering comes back when it is repeated: each cluster, windows that were left out and placed, or a fusion
of all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from dnabert.clusters.bootstrap import Score, bootstrap_mean
from dnabert.clusters.config import StabilityConfig
from dnabert.clusters.matching import best_match, counterparts, overlap
from dnabert.clusters.repeats import Run
from dnabert.corpus.places import FEWEST_PLACES

#: Share of a repeat's windows that a cluster takes over from others when it fuses with them; a few at its edge change
#: sides in any repeat.
_JOINED = 0.1


def cluster_stability(labels: np.ndarray, runs: Sequence[Run], *, config: StabilityConfig) -> list[dict[str, Any]]:
    """How much of each cluster comes back in the repeats: Hennig's (2007) `clusterboot` with subsets.

    Parameters
    ----------
    labels : int (n,), the clusters that are judged.
    runs : repeats, of either kind.
    config : the thresholds of the verdict.

    Returns
    -------
    One dict per cluster: ``jaccard`` (mean over subsamples of the largest Jaccard index with any cluster, with a
    bootstrap interval over the subsamples, Student's of fewer than five that hold a window of it),
    ``jaccard_corrected`` (for chance; the verdict is on this one, see `verdict`), ``jaccard_seeds`` (mean over the
    repeats with other seeds), ``jaccard_subsamples`` (each), ``dissolved_share`` (of the subsamples in which the index
    is at most 1/2), ``verdict``: stable, pattern or dissolved; ``undecided``: the interval of the corrected index
    leaves open whether it is dissolved.
    """
    sizes = np.bincount(labels[labels >= 0])
    values = {  # a subsample may hold no window of a cluster
        kind: np.array(
            [best_match(overlap(labels[run.rows], run.labels, clusters=len(sizes))) for run in runs if run.kind == kind]
        )
        for kind in ("seed", "subsample")
    }
    rows = []
    for label, size in enumerate(sizes):
        plain, corrected = (_mean_index(column[~np.isnan(column)]) for column in values["subsample"][:, :, label].T)
        own = values["subsample"][:, 0, label]
        rows.append(
            {
                "label": label,
                "n": int(size),
                "jaccard": _finite(plain),
                "jaccard_corrected": _finite(corrected),
                "jaccard_seeds": float(values["seed"][:, 0, label].mean()) if len(values["seed"]) else None,
                "jaccard_subsamples": [None if np.isnan(value) else round(float(value), 4) for value in own],
                "dissolved_share": float((own[~np.isnan(own)] <= 0.5).mean()) if plain.n else None,
                "verdict": verdict(corrected, config=config),
                "undecided": not (corrected.high < config.pattern or corrected.low >= config.pattern),
            }
        )
    return rows


def fuses(labels: np.ndarray, run: Run) -> bool:
    """Whether most windows of a repeat are in one cluster that joins several of those that are judged, none of which
    has so many.

    A cluster that is a little larger, or takes in windows that were in none, has not fused with another.

    Parameters
    ----------
    labels : int (n,), the clusters that are judged.
    run : a repeat.
    """
    before = labels[run.rows]
    inside = before[run.labels == 0]
    held = np.bincount(inside[inside >= 0], minlength=1)
    alone = np.bincount(labels[labels >= 0], minlength=1).max() / len(labels)
    return bool(alone <= 0.5 < len(inside) / len(before) and held.sum() - held.max() >= _JOINED * len(before))


def placed_elsewhere(labels: np.ndarray, runs: Sequence[Run]) -> dict[str, Any] | None:
    """How often a window placed in a cluster of a repeat is elsewhere when all windows are clustered: in none, in
    another, or that cluster is not there.

    Parameters
    ----------
    labels : int (n,), of all windows, -1 = none.
    runs : repeats on subsamples, with windows that they left out and that were placed (`place_left_out`).

    Returns
    -------
    ``windows`` and ``accepted``, how many were placed and taken in by a cluster, over all repeats; and of the repeats
    that took in any the spread of ``left_out``, the share of these that is elsewhere, of ``members``, the same of the
    repeat's own members, and of their ``difference``. None where no repeat took in any.
    """
    left_out = []
    members = []
    windows = 0
    accepted = 0
    for run in runs:
        number = counterparts(labels[run.rows], run.labels)
        taken, own = run.placed >= 0, run.labels >= 0
        windows += len(run.placed)
        accepted += int(taken.sum())
        if taken.any():
            left_out.append(float((number[1 + run.placed] != labels[run.left_out])[taken].mean()))
            members.append(float((number[1 + run.labels] != labels[run.rows])[own].mean()))
    if not left_out:
        return None
    difference = [ours - theirs for ours, theirs in zip(left_out, members, strict=True)]
    spreads = {"left_out": spread(left_out), "members": spread(members), "difference": spread(difference)}
    return {"windows": windows, "accepted": accepted, **spreads}


def verdict(jaccard: Score, *, config: StabilityConfig) -> str:
    """``stable``, ``pattern`` or ``dissolved`` (also for NaN), by Hennig's thresholds; ``stable`` only where the whole
    interval is above.

    Among many small clusters, whose index jumps from 0 to 1 between subsamples, one reaches any threshold in the mean
    of ten by luck.

    Examples
    --------
    >>> found = (Score(0.8, 0.77, 0.83, 10), Score(0.8, 0.6, 1.0, 10), Score(0.2, 0.1, 0.3, 10))
    >>> [verdict(jaccard, config=StabilityConfig()) for jaccard in found]
    ['stable', 'pattern', 'dissolved']
    """
    if jaccard.low >= config.stable:
        return "stable"
    return "pattern" if jaccard.value >= config.pattern else "dissolved"


def spread(values: Sequence[float | None]) -> dict[str, float | int | None]:
    """Mean, standard deviation and range; of repeats that share data, so no interval."""
    known = np.array([value for value in values if value is not None], dtype=np.float64)
    if len(known) == 0:
        return {"mean": None, "sd": None, "low": None, "high": None, "n": 0}
    sd = float(known.std(ddof=1)) if len(known) > 1 else None
    return {
        "mean": float(known.mean()),
        "sd": sd,
        "low": float(known.min()),
        "high": float(known.max()),
        "n": len(known),
    }


def _mean_index(values: np.ndarray) -> Score:
    """Mean of Jaccard indices (m,) of as many subsamples; of one nothing is known but that it lies between 0 and 1."""
    score = bootstrap_mean(values, groups=np.arange(len(values)) if len(values) < FEWEST_PLACES else None)
    return replace(score, low=max(score.low, 0.0))


def _finite(score: Score) -> dict[str, float | int | None]:
    return {name: value if np.isfinite(value) else None for name, value in score.as_dict().items()}
