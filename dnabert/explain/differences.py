"""By how much the windows of a cluster differ from the rest in what is measured: GC, share of repeat, distances."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dnabert.explain.circle import circle_of
from dnabert.explain.circular_shift import CircularShift
from dnabert.explain.correction import add_q
from dnabert.explain.enrichment import plain

if TYPE_CHECKING:
    from dnabert.explain.windows import ClusteredWindows

Floats = NDArray[np.float64]

#: Shares of a window's bases that a corpus measures.
MEASURED = ("gc", "soft_masked", "repeat", "cpg_island")


def differences(windows: ClusteredWindows, *, measures: Mapping[str, Floats] | None = None) -> list[dict[str, Any]]:
    """Every cluster against the rest of the windows, for every measure.

    Parameters
    ----------
    windows : of C clusters.
    measures : name to float (n,), NaN = unknown; by default the columns `MEASURED` that the corpus has.

    Returns
    -------
    One dict per measure and cluster: ``label``, ``measure``, ``n``, ``mean`` and ``mean_rest``, ``median`` and
    ``median_rest``, ``cliffs_delta`` (probability that a window of the cluster has more than one of the rest, less that
    it has less) with its 95 % interval ``low`` to ``high`` (1.96 standard deviations of delta under circular shifts),
    ``p`` (two-sided, from the shifts: `CircularShift`), ``p_mann_whitney`` (which takes windows for independent and is
    far too small), ``q`` (Benjamini-Hochberg of ``p`` over all rows). None where a cluster has no known window.
    """
    if measures is None:
        measures = {
            name: windows.table[name].to_numpy().astype(np.float64) for name in MEASURED if name in windows.table
        }
    shift = CircularShift(windows.labels, circle_of(windows.table), clusters=len(windows.clusters))
    rows: list[dict[str, Any]] = []
    for name, values in measures.items():
        if not np.isnan(values).all() and shift.clusters:
            rows += _rows(name, np.asarray(values, np.float64), shift)
    add_q(rows)
    return rows


def _rows(name: str, values: Floats, shift: CircularShift) -> list[dict[str, Any]]:
    from scipy.stats import rankdata

    known = ~np.isnan(values)
    ranks = np.zeros(len(values))
    ranks[known] = rankdata(values[known])
    means = shift.means(ranks[:, None], known=known)
    n = means.n[:, 0]
    rest = known.sum() - n
    # Cliff's delta is linear in the mean rank: 2 U / (n n_rest) - 1, U = n (mean rank - (n + 1) / 2)
    scale = 2 / np.maximum(rest, 1)
    delta = scale * (means.observed[:, 0] - (n + 1) / 2) - 1
    width = scale * means.reach[:, 0]
    p_independent = mann_whitney_p(delta, n=n, ranks=ranks[known])
    rows = []
    for label in range(shift.clusters):
        inside = values[known & (shift.labels == label)]
        outside = values[known & (shift.labels != label)]
        row: dict[str, Any] = {"label": label, "measure": name, "n": len(inside)}
        tested = len(inside) > 0 and len(outside) > 0
        statistics = {
            **_centre(inside, outside, tested=tested),
            "cliffs_delta": delta[label],
            "low": max(-1.0, delta[label] - width[label]),
            "high": min(1.0, delta[label] + width[label]),
            "p": means.p_two_sided[label, 0],
            "p_mann_whitney": p_independent[label],
        }
        rows.append(row | {key: plain(value) if tested else None for key, value in statistics.items()})
    return rows


def _centre(inside: Floats, outside: Floats, *, tested: bool) -> dict[str, float]:
    if not tested:
        return dict.fromkeys(("mean", "mean_rest", "median", "median_rest"), np.nan)
    return {
        "mean": inside.mean(),
        "mean_rest": outside.mean(),
        "median": np.median(inside),
        "median_rest": np.median(outside),
    }


def mann_whitney_p(delta: Floats, *, n: Floats, ranks: Floats) -> Floats:
    """Two-sided p of Mann and Whitney's test by the normal approximation, corrected for ties and continuity.

    Parameters
    ----------
    delta : float (C,), Cliff's delta of each group against the rest.
    n : float (C,), size of each group.
    ranks : float (N,), midranks of all values.
    """
    from scipy.stats import norm

    total = len(ranks)
    _, ties = np.unique(ranks, return_counts=True)
    ties = ties.astype(np.float64)
    pairs = n * (total - n)
    variance = pairs / 12 * (total + 1 - (ties**3 - ties).sum() / max(total * (total - 1), 1))
    excess = np.maximum(np.abs(delta) * pairs / 2 - 0.5, 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.minimum(1.0, 2 * norm.sf(np.where(variance > 0, excess / np.sqrt(variance), 0.0))))
