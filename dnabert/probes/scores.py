"""How good predictions are: each number with its bootstrap interval."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from dnabert.clusters.bootstrap import Score, interval

#: What `score` gives, in this order.
METRICS = ("mcc", "accuracy", "f1", "auc")


def score(
    labels: NDArray[np.integer], probabilities: NDArray[np.floating], *, resamples: int = 500, seed: int = 0
) -> dict[str, Score]:
    """Matthews' correlation, accuracy, macro F1 and area under the ROC curve (one against the rest, macro).

    Parameters
    ----------
    labels : int (n,), true classes.
    probabilities : float (n, classes), rows that sum to 1; the largest is the prediction.
    resamples, seed : of the percentile bootstrap over the n sequences.

    Examples
    --------
    >>> found = score(np.array([0, 0, 1, 1]), np.array([[0.9, 0.1], [0.6, 0.4], [0.3, 0.7], [0.8, 0.2]]))
    >>> found["accuracy"].value, round(found["mcc"].value, 3), found["auc"].value
    (0.75, 0.577, 0.75)
    """
    rng = np.random.default_rng(seed)
    draws = rng.integers(len(labels), size=(resamples, len(labels)))
    return {name: _interval(_MEASURES[name], labels, probabilities, draws) for name in METRICS}


def _interval(
    measure: Callable[[NDArray, NDArray], float], labels: NDArray, probabilities: NDArray, draws: NDArray
) -> Score:
    values = np.array([measure(labels[draw], probabilities[draw]) for draw in draws])
    low, high = interval(values[np.isfinite(values)]) if np.isfinite(values).any() else (float("nan"), float("nan"))
    return Score(measure(labels, probabilities), low, high, len(labels))


def _mcc(labels: NDArray, probabilities: NDArray) -> float:
    """Gorodkin 2004's R_K, which is Matthews' correlation for two classes; 0 where one side is constant."""
    classes = probabilities.shape[1]
    confusion = np.bincount(labels * classes + probabilities.argmax(1), minlength=classes**2).reshape(classes, classes)
    n, right = confusion.sum(), np.trace(confusion)
    true, said = confusion.sum(1).astype(float), confusion.sum(0).astype(float)
    spread = np.sqrt((n**2 - said @ said) * (n**2 - true @ true))
    return float((right * n - true @ said) / spread) if spread > 0 else 0.0


def _accuracy(labels: NDArray, probabilities: NDArray) -> float:
    return float((probabilities.argmax(1) == labels).mean())


def _f1(labels: NDArray, probabilities: NDArray) -> float:
    predicted = probabilities.argmax(1)
    found = []
    for index in np.union1d(labels, predicted):
        hit = ((predicted == index) & (labels == index)).sum()
        found.append(2 * hit / ((predicted == index).sum() + (labels == index).sum()))
    return float(np.mean(found))


def _auc(labels: NDArray, probabilities: NDArray) -> float:
    """Mann and Whitney's U over n1 n2, the mean over classes; NaN where a class is absent."""
    from scipy.stats import rankdata

    classes = range(1, 2) if probabilities.shape[1] == 2 else range(probabilities.shape[1])
    areas = []
    for index in classes:
        positive = labels == index
        n, m = positive.sum(), (~positive).sum()
        if not n or not m:
            return float("nan")
        areas.append((rankdata(probabilities[:, index])[positive].sum() - n * (n + 1) / 2) / (n * m))
    return float(np.mean(areas))


_MEASURES = {"mcc": _mcc, "accuracy": _accuracy, "f1": _f1, "auc": _auc}
