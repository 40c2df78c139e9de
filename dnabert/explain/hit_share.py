"""How much more often a cluster's windows hit something than other windows do."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnabert.explain.normal_quantile import Z_95


def wilson_interval(share: float, n: float) -> tuple[float, float]:
    """95 % interval of a share seen in n independent trials (Wilson 1927); n need not be whole.

    Examples
    --------
    >>> low, high = wilson_interval(0.5, 10)
    >>> round(low, 3), round(high, 3)
    (0.237, 0.763)
    """
    if n <= 0:
        return 0.0, 1.0
    centre = (share + Z_95**2 / (2 * n)) / (1 + Z_95**2 / n)
    half = Z_95 / (1 + Z_95**2 / n) * float(np.sqrt(share * (1 - share) / n + Z_95**2 / (4 * n**2)))
    return max(0.0, centre - half), min(1.0, centre + half)


def share_against(
    inside: NDArray[np.bool_],
    outside: NDArray[np.bool_],
    *,
    inside_locus: NDArray[np.integer],
    outside_locus: NDArray[np.integer],
) -> dict[str, Any]:
    """Share of hits among a cluster's windows against that among others.

    Windows of one locus are near-copies. Shares are over all windows; for the interval, the odds ratio and the test a
    locus counts once, by the first of its windows, so windows must come in random order.

    Parameters
    ----------
    inside, outside : bool (m,) and (k,), whether each window of the cluster, and of the others, hits.
    inside_locus, outside_locus : int (m,) and (k,), equal for near-copies.

    Returns
    -------
    dict with ``windows``, ``windows_hit``, ``loci``, ``loci_hit``, ``share``, ``low``, ``high`` (Wilson, with as many
    trials as there are loci), ``background_loci``, ``background_share``, ``odds_ratio``, ``odds_low``, ``odds_high``
    (95 %, half a count added to each cell: Haldane 1956) and ``p`` (Fisher's exact test, two-sided).

    Examples
    --------
    >>> import numpy as np
    >>> loci = np.arange(4)
    >>> found = share_against(np.ones(4, bool), np.zeros(4, bool), inside_locus=loci, outside_locus=loci)
    >>> found["share"], round(found["odds_ratio"], 3), round(found["p"], 4)
    (1.0, 81.0, 0.0286)
    """
    loci, hit = _by_locus(inside, inside_locus)
    other_loci, other_hit = _by_locus(outside, outside_locus)
    share = float(inside.mean()) if len(inside) else 0.0
    low, high = wilson_interval(share, loci)
    cells = np.array([hit, loci - hit, other_hit, other_loci - other_hit]) + 0.5
    log_odds = float(np.log(cells[0] * cells[3] / (cells[1] * cells[2])))
    error = Z_95 * float(np.sqrt((1 / cells).sum()))
    return {
        "windows": len(inside),
        "windows_hit": int(inside.sum()),
        "loci": loci,
        "loci_hit": hit,
        "share": share,
        "low": low,
        "high": high,
        "background_loci": other_loci,
        "background_share": float(outside.mean()) if len(outside) else 0.0,
        "odds_ratio": float(np.exp(log_odds)),
        "odds_low": float(np.exp(log_odds - error)),
        "odds_high": float(np.exp(log_odds + error)),
        "p": _fisher(hit, loci - hit, other_hit, other_loci - other_hit),
    }


def _by_locus(hit: NDArray[np.bool_], locus: NDArray[np.integer]) -> tuple[int, int]:
    _, first = np.unique(locus, return_index=True)
    return len(first), int(hit[first].sum())


@lru_cache(maxsize=100_000)
def _fisher(a: int, b: int, c: int, d: int) -> float:
    """Most of the tables of a large database are the same few: without hits."""
    from scipy.stats import fisher_exact

    return float(fisher_exact([[a, b], [c, d]]).pvalue)
