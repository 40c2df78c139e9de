"""Corrections for many tests."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray


def benjamini_hochberg(p: ArrayLike) -> NDArray[np.float64]:
    """Smallest false discovery rate at which each test is called (Benjamini and Hochberg 1995).

    Parameters
    ----------
    p : float, of any shape; NaN is no test, stays NaN, and does not count.

    Returns
    -------
    float64 of the same shape; all values are one family of tests.

    Examples
    --------
    >>> benjamini_hochberg([0.01, 0.04, 0.03, float("nan")]).tolist()
    [0.03, 0.04, 0.04, nan]
    """
    given = np.asarray(p, dtype=np.float64)
    p = given.ravel()
    q = np.full(p.shape, np.nan)
    tested = np.flatnonzero(~np.isnan(p))
    order = tested[np.argsort(p[tested])[::-1]]
    m = len(order)
    q[order] = np.minimum(1.0, np.minimum.accumulate(p[order] * m / np.arange(m, 0, -1)))
    return q.reshape(given.shape)


def p_of_draws(p: ArrayLike) -> float:
    """One p-value of several that depend on each other in any way: twice their median (Rüger 1978); of one, itself.

    Examples
    --------
    >>> p_of_draws([0.01, 0.04, 0.02]), p_of_draws([0.9, 0.7]), p_of_draws([0.3])
    (0.04, 1.0, 0.3)
    """
    p = np.atleast_1d(np.asarray(p, dtype=np.float64))
    return min(1.0, (2.0 if len(p) > 1 else 1.0) * float(np.median(p)))


def add_q(rows: Iterable[dict[str, Any]], *, tests: int | None = None) -> None:
    """Write into each row ``q``, its ``p`` corrected by `benjamini_hochberg`; a row without p (None) is no test and
    gets None.

    Parameters
    ----------
    rows : dicts with ``p``, all of one family.
    tests : made in all; those without a row count with p = 1. Default: the rows.

    Examples
    --------
    >>> rows = [{"p": 0.01}, {"p": None}, {"p": 0.04}]
    >>> add_q(rows)
    >>> [row["q"] for row in rows]
    [0.02, None, 0.04]
    """
    rows = list(rows)
    tested = [row for row in rows if row["p"] is not None]
    p = [row["p"] for row in tested] + [1.0] * ((tests or 0) - len(tested))
    for row in rows:
        row["q"] = None
    for row, q in zip(tested, benjamini_hochberg(p).tolist(), strict=False):
        row["q"] = q
