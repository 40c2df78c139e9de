"""How the pretrained model differs from the best of what is cheaper, on the same windows."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnabert.clusters.bootstrap import paired_difference
from dnabert.report.answer import is_trained


def differences(ladder: list[dict[str, Any]], *, resamples: int = 1_000, seed: int = 0) -> list[dict[str, Any]]:
    """Differences of each trained rung to the best rung without training on this genome, with paired intervals.

    Windows of an orthologous block are drawn together. Rungs that read shuffled sequence compete for nothing.

    Parameters
    ----------
    ladder : records of the rungs with ``encoder``, ``metrics``, ``hits`` (metric to a string of 0 and 1) and ``groups``.
    resamples, seed : of the bootstrap.

    Returns
    -------
    list of dict: ``metric``, ``rung``, ``baseline`` (the best cheap rung in this metric), ``value``, ``low``, ``high``, ``n``.
    """
    real = [rung for rung in ladder if not rung.get("shuffled")]
    trained = [rung for rung in real if is_trained(rung)]
    cheap = [rung for rung in real if not is_trained(rung)]
    found = []
    for rung in trained:
        for metric, hits in rung.get("hits", {}).items():
            rivals = [other for other in cheap if len(other.get("hits", {}).get(metric, "")) == len(hits)]
            if not rivals:
                continue
            best = max(rivals, key=lambda other: other["metrics"][metric]["value"])
            score = paired_difference(
                _as_numbers(hits),
                _as_numbers(best["hits"][metric]),
                groups=np.array(rung["groups"][metric]),
                resamples=resamples,
                seed=seed,
            )
            found.append({"metric": metric, "rung": rung["rung"], "baseline": best["rung"], **score.as_dict()})
    return found


def _as_numbers(hits: str) -> NDArray[np.float64]:
    return np.frombuffer(hits.encode(), dtype=np.uint8).astype(np.float64) - ord("0")
