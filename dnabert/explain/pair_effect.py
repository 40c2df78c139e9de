"""Cliff's delta between two groups of pairs of windows, of which the first share windows and are not independent."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dnabert.clusters.bootstrap import LEVEL
from dnabert.explain.correction import p_of_draws


@dataclass(frozen=True)
class PairEffect:
    """Cliff's delta, negative where the first group's values are lower.

    Attributes
    ----------
    effect, low, high : the delta and its 95 % interval.
    p : two-sided.
    """

    effect: float
    low: float
    high: float
    p: float


def pair_effect(values: NDArray[np.floating], others: NDArray[np.floating], *, ends: NDArray[np.integer]) -> PairEffect:
    """Compare values of pairs made in rounds of disjoint pairs with values of independent pairs.

    The interval is that of Feng and Cliff (2004, doi:10.22237/jmasm/1099268040), which keeps to -1 … 1, with a variance
    in which pairs that share an end are dependent (Aronow, Samii and Assenova 2015, doi:10.1093/pan/mpv018). It never
    excludes the share of contrary pairs that as many independent pairs as one round has would leave open (Clopper and
    Pearson 1934). Each round gives a Mann-Whitney p, of which `p_of_draws` makes one.

    Parameters
    ----------
    values : float (r, s), r rounds of s pairs, each at least 1.
    others : float (m,), m at least 2.
    ends : int (r, s, 2), what the pairs are of: a number occurs at most once in a round.

    Examples
    --------
    >>> import numpy as np
    >>> found = pair_effect(np.zeros((1, 50)), np.ones(50), ends=np.arange(100).reshape(1, 50, 2))
    >>> found.effect, found.low, round(found.high, 2), found.p < 1e-20
    (-1.0, -1.0, -0.86, True)
    """
    from scipy.stats import t

    flat, pair = _distinct(values, ends)
    ordered = np.sort(others)
    below, upto = (np.searchsorted(ordered, flat, side=side) for side in ("left", "right"))
    against = (below + upto) / len(others) - 1
    inner = np.sort(flat)
    placed = 1 - (np.searchsorted(inner, others, side="left") + np.searchsorted(inner, others, side="right")) / len(
        flat
    )
    effect = float(against.mean())
    variance = _shared_variance(against - effect, pair) + float(placed.var(ddof=1)) / len(others)
    freedom = max(min(len(np.unique(pair)), len(others)) - 1, 1)
    low, high = _limits(effect, float(t.ppf((1 + LEVEL) / 2, freedom)) * variance**0.5)
    contrary = 2 * (1 - ((1 - LEVEL) / 2) ** (1 / min(values.shape[1], len(others))))
    return PairEffect(
        effect, min(low, 1 - contrary, effect), max(high, contrary - 1, effect), _p_of_rounds(values, others)
    )


def _distinct(
    values: NDArray[np.floating], ends: NDArray[np.integer]
) -> tuple[NDArray[np.floating], NDArray[np.int64]]:
    """Each pair of ends but once."""
    pair, first = np.unique(np.sort(ends.reshape(-1, 2), axis=1), axis=0, return_index=True)
    return values.ravel()[first], pair.astype(np.int64)


def _shared_variance(errors: NDArray[np.floating], pair: NDArray[np.int64]) -> float:
    """Variance of a mean over pairs: products of errors of all pairs that share an end, a pair with itself once."""
    _, end = np.unique(pair, return_inverse=True)
    sums = np.bincount(end.ravel(), weights=np.repeat(errors, 2))
    alone = float((errors**2).sum())
    return max(float((sums**2).sum()) - alone, alone) / len(errors) ** 2


def _limits(effect: float, half_width: float) -> tuple[float, float]:
    """Feng and Cliff's asymmetric interval; half_width is the standard error times the quantile."""
    narrow = 1 - effect**2 + half_width**2
    if narrow <= 0:
        return effect, effect
    spread = half_width * ((1 - effect**2) ** 2 + half_width**2) ** 0.5
    return max((effect - effect**3 - spread) / narrow, -1.0), min((effect - effect**3 + spread) / narrow, 1.0)


def _p_of_rounds(values: NDArray[np.floating], others: NDArray[np.floating]) -> float:
    from scipy.stats import mannwhitneyu

    if values.min() == values.max() == others.min() == others.max():
        return 1.0
    values, others = values.astype(np.float64), others.astype(np.float64)  # in float32 p below 1e-38 would be 0
    p = mannwhitneyu(values, others[None], alternative="two-sided", method="asymptotic", axis=1).pvalue
    return p_of_draws(p)
