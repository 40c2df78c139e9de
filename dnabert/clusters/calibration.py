"""How far a score can be trusted: from held-out windows to a probability and a threshold with a stated error."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from dnabert.clusters.bootstrap import of_drawn

#: Thresholds of probability at which the error is known. Below the first a sequence more likely lies outside the
#: cluster than in it: it is never accepted, whatever error is allowed.
THRESHOLDS = (0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 0.99)
_FOLDS = 5
#: Share by which the score of a window that is read again may lie above its own, in float32.
_ROUNDING = 1e-5
_BINS = 10
_RESAMPLES = 200
#: Drawn weights of groups held at once: of a million groups all of them would be gigabytes.
_WEIGHTS = 1_000_000


@dataclass(frozen=True)
class Curve:
    """A falling step-wise linear curve from score to probability.

    Attributes
    ----------
    score : float (m,), ascending; small means sure.
    probability : float (m,), falling.
    """

    score: np.ndarray
    probability: np.ndarray

    def __call__(self, score: np.ndarray) -> np.ndarray:
        """Probability float64 (n,) of scores (n,); 0 beyond all held-out scores (but for rounding), of which nothing is
        known."""
        if not len(self.score):
            return np.zeros(np.shape(score))
        return np.where(score <= self.score[-1] * (1 + _ROUNDING), np.interp(score, self.score, self.probability), 0.0)


def fit_curve(score: np.ndarray, right: np.ndarray) -> Curve:
    """Isotonic regression (Zadrozny and Elkan 2002) of being right on a score, falling.

    The ends are kept off 0 and 1 by Laplace's rule over the windows of the first and the last step (n right ones of n
    do not make certainty), but not beyond the step beside it: a few right windows before the first wrong one say less
    of the thousands behind it than these do.

    Parameters
    ----------
    score : float (n,), infinite where there is no candidate; those are left out.
    right : bool (n,).

    Examples
    --------
    >>> import numpy as np
    >>> curve = fit_curve(np.array([0.1, 0.2, 0.3, 2.0, 2.1]), np.array([True, True, True, False, False]))
    >>> curve(np.array([0.2, 2.0, np.inf])).round(2).tolist()
    [0.8, 0.25, 0.0]
    """
    from sklearn.isotonic import IsotonicRegression

    finite = np.isfinite(score)
    score, right = score[finite].astype(np.float64), right[finite]
    if not right.any():
        return Curve(np.empty(0), np.empty(0))
    model = IsotonicRegression(increasing=False).fit(score, right)
    # the steps as they are: between two of them `predict` rounds
    fitted = model.y_thresholds_[np.searchsorted(model.X_thresholds_, score).clip(max=len(model.X_thresholds_) - 1)]
    steps, windows = np.unique(fitted, return_counts=True)
    low, high = 1 / (windows[0] + 2), 1 - 1 / (windows[-1] + 2)
    if len(steps) > 1:
        low, high = min(low, steps[1]), max(high, steps[-2])
    return Curve(model.X_thresholds_, np.clip(model.y_thresholds_, low, high))


def cross_fitted(
    score: np.ndarray, right: np.ndarray, *, groups: np.ndarray, seed: int = 0, asked: np.ndarray | None = None
) -> np.ndarray:
    """Probability float64 (n,) of each window from a curve that never saw its group.

    Parameters
    ----------
    score, right : as in `fit_curve`.
    groups : int (n,), what must stay together (near-copies).
    seed : of the five folds of groups.
    asked : float (…, n), scores of the windows that are given a probability, of that shape; `score` where left out.
    """
    asked = score if asked is None else asked
    _, number = np.unique(groups, return_inverse=True)
    count = int(number.max(initial=-1)) + 1
    fold = np.random.default_rng(seed).permutation(count)[number] % _FOLDS
    probability = np.zeros(asked.shape)
    for held_out in range(_FOLDS):
        out = fold == held_out
        probability[..., out] = fit_curve(score[~out], right[~out])(asked[..., out])
    return probability


def operating_points(
    probability: np.ndarray, right: np.ndarray, member: np.ndarray, *, groups: np.ndarray, seed: int = 0
) -> list[dict[str, Any]]:
    """What accepting from each of `THRESHOLDS` upwards costs, on held-out windows.

    Parameters
    ----------
    probability : float (n,), of the best cluster, from `cross_fitted`.
    right : bool (n,), whether the best cluster is the window's own.
    member : bool (n,), whether the window is in any cluster.
    groups : int (n,); the 95 % interval resamples whole groups, and is Student's where fewer than five are accepted
        (`of_places`). Without a single error it reaches up to 3 in the number of groups accepted (the rule of three,
        Hanley and Lippman-Hand 1983).
    seed : of the resampling.

    Returns
    -------
    A dict per threshold that accepts any window: ``probability``, ``accepted``, ``wrong`` (in none or another cluster),
    ``error`` (wrong / accepted) with ``low`` and ``high``, ``false_reject`` (share of clustered windows rejected or
    wrong).
    """
    _, number = np.unique(groups, return_inverse=True)
    count = int(number.max(initial=-1)) + 1
    chosen = [
        (threshold, accepted, accepted & ~right)
        for threshold in THRESHOLDS
        if (accepted := probability >= threshold).any()
    ]
    sums = _drawn(number, [windows for _, *each in chosen for windows in each], count=count, seed=seed)
    points = []
    for (threshold, accepted, wrong), taken, failed in zip(chosen, sums[::2], sums[1::2], strict=True):
        error = float(wrong.sum() / accepted.sum())
        places = len(np.unique(number[accepted]))
        low, high = of_drawn(error, failed / np.maximum(taken, 1), places=places)
        if not wrong.any():
            high = 3 / places
        points.append(
            {
                "probability": threshold,
                "accepted": int(accepted.sum()),
                "wrong": int(wrong.sum()),
                "error": error,
                "low": max(low, 0.0),
                "high": min(high, 1.0),
                "false_reject": float(1 - (accepted & right).sum() / max(int(member.sum()), 1)),
            }
        )
    return points


def _drawn(number: np.ndarray, chosen: list[np.ndarray], *, count: int, seed: int) -> np.ndarray:
    """Of each choice of windows, bool (n,), how many there are when groups are drawn with replacement: float64
    (choices, resamples)."""
    inside = np.zeros((len(chosen), count))
    for row, windows in zip(inside, chosen, strict=True):
        row[:] = np.bincount(number, weights=windows, minlength=count)
    rng = np.random.default_rng(seed)
    share = np.full(count, 1 / max(count, 1))
    block = max(1, _WEIGHTS // max(count, 1))
    sizes = [min(block, _RESAMPLES - begin) for begin in range(0, _RESAMPLES, block)]
    return np.concatenate([inside @ rng.multinomial(count, share, size=size).T for size in sizes], axis=1)


def lowest_allowed(points: list[dict[str, Any]], *, error: float) -> dict[str, Any] | None:
    """Of `operating_points` that of the lowest threshold whose error on held-out windows is allowed; None where there
    is none."""
    return next((point for point in points if point["error"] <= error), None)


def reliability(probability: np.ndarray, right: np.ndarray) -> dict[str, Any]:
    """Expected calibration error (Naeini et al. 2015) over ten bins of equal width, with the bins.

    Parameters
    ----------
    probability : float (n,).
    right : bool (n,).

    Returns
    -------
    ``{"expected_calibration_error": float or None, "bins": [{"n", "probability", "right"}, …]}``, bins that are empty
    left out.

    Examples
    --------
    >>> import numpy as np
    >>> reliability(np.array([0.8, 0.8, 0.8, 0.8, 0.8]), np.array([1, 1, 1, 1, 0]) == 1)["expected_calibration_error"]
    0.0
    """
    number = np.minimum((probability * _BINS).astype(int), _BINS - 1)
    bins, error = [], 0.0
    for bin_number in np.unique(number):
        inside = number == bin_number
        n = int(inside.sum())
        mean = float(probability[inside].mean())
        share = float(right[inside].mean())
        bins.append({"n": n, "probability": mean, "right": share})
        error += n / len(probability) * abs(mean - share)
    return {"expected_calibration_error": round(error, 12) if bins else None, "bins": bins}
