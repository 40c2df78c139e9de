"""A number with its interval."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dnabert.corpus.places import FEWEST_PLACES

#: Share of resamples inside an interval.
LEVEL = 0.95
#: Resampled values held in memory at once.
_BLOCK = 4_000_000


@dataclass(frozen=True)
class Score:
    """A value with a 95 % bootstrap interval over n windows.

    Examples
    --------
    >>> Score(0.5, 0.4, 0.6, 100).as_dict()
    {'value': 0.5, 'low': 0.4, 'high': 0.6, 'n': 100}
    """

    value: float
    low: float
    high: float
    n: int

    def as_dict(self) -> dict[str, float | int]:
        """As written to JSON."""
        return {"value": self.value, "low": self.low, "high": self.high, "n": self.n}


def bootstrap_mean(
    values: np.ndarray, *, groups: np.ndarray | None = None, resamples: int = 200, seed: int = 0
) -> Score:
    """Mean of (n,) values with a percentile bootstrap interval (Efron 1979).

    Values of 0 and 1 are resampled as a binomial count, which is the same distribution at no cost. Of truth values that
    are all the same nothing else is drawn: their interval is `of_one_kind`. Of groups there should be five; of fewer it
    is `of_places`, for values between -1 and 1.

    Parameters
    ----------
    groups : (n,), values that are drawn together, such as windows of one orthologous block; by default each alone.

    Examples
    --------
    >>> import numpy as np
    >>> score = bootstrap_mean(np.array([0, 1] * 50))
    >>> score.value, score.low < 0.5 < score.high
    (0.5, True)
    """
    truth = np.asarray(values).dtype == np.bool_
    values = np.asarray(values, dtype=np.float64)
    if len(values) == 0:
        return Score(float("nan"), float("nan"), float("nan"), 0)
    n, mean = len(values), float(values.mean())
    places = n if groups is None else len(np.unique(groups))
    if truth and mean in (0.0, 1.0) and places > 1:
        return Score(mean, *of_one_kind(mean, places=places), n)
    if groups is not None:
        means = resampled_means(values, groups=groups, resamples=resamples, seed=seed)
        low, high = of_drawn(mean, means, places=places)
        return Score(mean, max(low, 0.0 if truth else -1.0), min(high, 1.0), n)
    rng = np.random.default_rng(seed)
    if np.isin(values, (0.0, 1.0)).all():
        means = rng.binomial(n, mean, size=resamples) / n
    else:
        block = max(1, _BLOCK // n)
        sizes = [min(block, resamples - begin) for begin in range(0, resamples, block)]
        means = np.concatenate([values[rng.integers(n, size=(size, n))].mean(axis=1) for size in sizes])
    low, high = interval(means)
    return Score(mean, low, high, n)


def of_one_kind(value: float, *, places: int, level: float = LEVEL, least: float = 0.0) -> tuple[float, float]:
    """What as many places can hide that all have one value, `least` to 1: bounds of a proportion of which none was
    seen.

    "The rule of three": Hanley and Lippman-Hand 1983, `JAMA 249:1743 <https://doi.org/10.1001/jama.1983.03330370053031>`_.

    Examples
    --------
    >>> low, high = of_one_kind(1.0, places=100)
    >>> round(low, 3), high
    (0.964, 1.0)
    """
    unseen = 1 - ((1 - level) / 2) ** (1 / places)
    return value - unseen * (value - least), value + unseen * (1 - value)


def of_drawn(value: float, resampled: np.ndarray, *, places: int) -> tuple[float, float]:
    """The percentile interval of resamples of places, or of fewer than five `of_places`."""
    return of_places(value, resampled, places=places) if places < FEWEST_PLACES else interval(resampled)


def of_places(value: float, resampled: np.ndarray, *, places: int, level: float = LEVEL) -> tuple[float, float]:
    """Bounds of a value between -1 and 1 whose resamples draw whole places: the wider of percentiles and what Student's
    t says.

    The spread of what is drawn from few places is too small, by the root of (places - 1) / places, and itself hardly
    known. Of one place nothing is known of it: any may differ from any other.
    """
    from scipy.stats import t

    if places < 2:
        return -1.0, 1.0
    low, high = interval(resampled, level=level)
    reach = float(t.ppf((1 + level) / 2, places - 1) * resampled.std(ddof=1) * (places / (places - 1)) ** 0.5)
    return min(low, value - reach), max(high, value + reach)


def resampled_means(
    values: np.ndarray, *, groups: np.ndarray | None = None, resamples: int = 1000, seed: int = 0
) -> np.ndarray:
    """Means float64 (resamples,) of values (n,) drawn with replacement, a whole group at a time.

    With the same groups and seed the same groups are drawn, so that means of different values are paired.
    """
    values = np.asarray(values, dtype=np.float64)
    _, number = np.unique(np.arange(len(values)) if groups is None else groups, return_inverse=True)
    sums, sizes = np.bincount(number, weights=values), np.bincount(number)
    rng = np.random.default_rng(seed)
    means = np.empty(resamples)
    for i in range(resamples):
        drawn = rng.integers(len(sums), size=len(sums))
        means[i] = sums[drawn].sum() / sizes[drawn].sum()
    return means


def interval(resampled: np.ndarray, *, level: float = LEVEL) -> tuple[float, float]:
    """The central 95 % (or `level`) of resampled values."""
    low, high = np.quantile(resampled, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
