"""Intervals of bits per base: ratios of sums over places of the genome, which are drawn whole."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dnabert.corpus.places import gene_places_of_view

if TYPE_CHECKING:
    from dnabert.corpus import WindowView


Floats: TypeAlias = NDArray[np.float64]


class Ratio(NamedTuple):
    """A ratio of sums, or a difference of two, over g places."""

    value: float
    low: float | None
    """Of its 95 % interval; None of one place, which says nothing of others."""
    high: float | None
    p: float | None
    """Two-sided, of its being 0."""

    @property
    def interval(self) -> tuple[float, float]:
        """Low and high; of one place, whose interval nobody knows, the value."""
        return (self.value, self.value) if self.low is None or self.high is None else (self.low, self.high)


def drawn_together(view: WindowView, windows: NDArray[np.int64]) -> NDArray[np.int64]:
    """What an interval draws at once of `windows` (n,), int64 (n,): numbers from 0 of stretches of the genome
    (`gene_places`).

    Orthologs are copies of each other, and windows hundreds of kilobases apart still cost alike: by orthologous block
    an interval is half as wide as it is on chromosome 22. Where all windows lie in one place each is alone.
    """
    number = np.unique(gene_places_of_view(view)[windows], return_inverse=True)[1]
    return np.asarray(number if number.max(initial=0) else windows, dtype=np.int64)


def ratio(sums: ArrayLike, sizes: ArrayLike) -> Ratio:
    """``sums.sum() / sizes.sum()`` over places, (g,) each; places without any size are none.

    Its error is that of the delete-one jackknife, with Student's t of g - 1 degrees of freedom: places hold from one
    window to hundreds, and the linearised ratio hides the error of the largest, as does a bootstrap.

    Examples
    --------
    >>> found = ratio([1.0, 2.0, 3.0], [1.0, 1.0, 1.0])
    >>> found.value, round(found.low, 2), round(found.high, 2)  # as of three numbers: 2 -+ 4.30 / sqrt(3)
    (2.0, -0.48, 4.48)
    """
    return ratio_difference((sums, sizes), (np.zeros_like(sums, dtype=np.float64), sizes))


def ratio_difference(first: tuple[ArrayLike, ArrayLike], second: tuple[ArrayLike, ArrayLike]) -> Ratio:
    """``sums.sum() / sizes.sum()`` of one model minus that of another on the same windows, with the interval of
    `ratio`, paired.

    Parameters
    ----------
    first, second : sums and sizes, (g,) each, see `drawn_together`; places without any size are none.

    Examples
    --------
    >>> ratio_difference(([1.0, 3.0], [1.0, 1.0]), ([0.0, 2.0], [1.0, 1.0]))[:3]
    (1.0, 1.0, 1.0)
    """
    from scipy.stats import t

    a, b, c, d = (np.asarray(each, dtype=np.float64) for each in (*first, *second))
    held = (b > 0) & (d > 0)
    a, b, c, d = (each[held] for each in (a, b, c, d))
    value, g = float(a.sum() / b.sum() - c.sum() / d.sum()), len(a)
    if g < 2:
        return Ratio(value, None, None, None)
    without = (a.sum() - a) / (b.sum() - b) - (c.sum() - c) / (d.sum() - d)
    error = float(np.sqrt((g - 1) / g * np.square(without - without.mean()).sum()))
    reach = float(t.ppf(0.975, g - 1)) * error
    return Ratio(
        value,
        value - reach,
        value + reach,
        float(2 * t.sf(abs(value) / error, g - 1)) if error > 0 else float(value == 0),
    )
