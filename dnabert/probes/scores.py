"""How good predictions are: each number with its bootstrap interval."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dnabert.clusters.bootstrap import Score, interval, of_one_kind

#: What `score` gives, in this order.
METRICS = ("mcc", "accuracy", "f1", "auc")

_Measure: TypeAlias = Callable[[NDArray, NDArray], float]


#: Replicates of the same numbers that were summed in another order differ by less.
_SAME = 1e-9

#: Probabilities (n, classes) of one model, or of several trainings of it.
Predictions: TypeAlias = NDArray[np.floating] | Sequence[NDArray[np.floating]]


def score(labels: ArrayLike, probabilities: Predictions, *, resamples: int = 500, seed: int = 0) -> dict[str, Score]:
    """Matthews' correlation, accuracy, macro F1 and area under the ROC curve (one against the rest, macro).

    Parameters
    ----------
    labels : int (n,), true classes.
    probabilities : float (n, classes), rows that sum to 1; the largest is the prediction. A list of such: the mean over
        trainings that differ in their seed.
    resamples, seed : of the percentile bootstrap over the n sequences, and over the trainings where there are several
        (of three, resampling shows two thirds of the variance); 0 for values without intervals. Where resamples have
        one value, as of a perfect score, the interval is what as many sequences can hide (`of_one_kind`): of accuracy
        all of them, else of the rarest class. That of a score with errors reaches down as far at least: resamples of a
        single error hold three or four of it at most.

    Raises
    ------
    ValueError
        for labels that are no numbers of classes, or probabilities of another shape.

    Examples
    --------
    >>> found = score(np.array([0, 0, 1, 1]), np.array([[0.9, 0.1], [0.6, 0.4], [0.3, 0.7], [0.8, 0.2]]))
    >>> found["accuracy"].value, round(found["mcc"].value, 3), found["auc"].value
    (0.75, 0.577, 0.75)
    """
    labels = _checked_labels(labels)
    runs = _runs(probabilities, labels=labels)
    found = {}
    for name, measure in _MEASURES.items():
        value = float(np.mean([measure(labels, run) for run in runs]))
        own = _with_interval(
            name,
            value,
            _replicates(measure, labels, runs, resamples, seeds=(seed, 1)),
            labels,
            least=_least(name),
            most=1.0,
        )
        found[name] = replace(own, low=np.minimum(own.low, 1 - _hidden(name, labels)).item())  # NaN stays
    return found


def log_loss(labels: NDArray[np.integer], probabilities: NDArray[np.floating]) -> float:
    """Mean nats of the true classes: tells apart what predicts the same classes, as Matthews' correlation does not.

    Parameters
    ----------
    labels, probabilities : as for `score`, of one model; what is impossible costs 708 nats, as what is barely possible.

    Examples
    --------
    >>> round(log_loss(np.array([0, 1]), np.array([[0.5, 0.5], [0.5, 0.5]])), 4)
    0.6931
    """
    chances = np.asarray(probabilities, dtype=np.float64)[np.arange(len(labels)), labels]
    return float(-np.log(np.maximum(chances, np.finfo(np.float64).tiny)).mean())


def score_difference(
    labels: ArrayLike, first: Predictions, second: Predictions, *, resamples: int = 500, seed: int = 0
) -> dict[str, Score]:
    """The scores of `first` minus those of `second`, with paired intervals: both are scored on the same resampled
    sequences.

    Parameters
    ----------
    labels : int (n,), true classes.
    first, second : probabilities of each, as for `score`; their trainings, if several, are resampled apart.
    resamples, seed : of the bootstrap.

    Raises
    ------
    ValueError
        as `score`.

    Examples
    --------
    >>> labels = np.array([0, 1] * 50)
    >>> right, constant = np.eye(2)[labels], np.tile([0.6, 0.4], (100, 1))
    >>> found = score_difference(labels, right, constant)["accuracy"]
    >>> found.value, found.low > 0.3
    (0.5, True)
    """
    labels = _checked_labels(labels)
    firsts, seconds = _runs(first, labels=labels), _runs(second, labels=labels)
    found = {}
    for name, measure in _MEASURES.items():
        value = np.mean([measure(labels, run) for run in firsts]) - np.mean([measure(labels, run) for run in seconds])
        ours = _replicates(measure, labels, firsts, resamples, seeds=(seed, 1))
        theirs = _replicates(measure, labels, seconds, resamples, seeds=(seed, 2))
        reach = 1 - _least(name)
        found[name] = _with_interval(name, float(value), ours - theirs, labels, least=-reach, most=reach)
    return found


def _checked_labels(labels: ArrayLike) -> NDArray[np.integer]:
    found = np.asarray(labels)
    if found.ndim != 1 or found.dtype.kind not in "iub":
        raise ValueError(
            f"labels are {found.dtype} of shape {found.shape}, allowed is whole numbers (n,): the classes, from 0 on"
        )
    return found.astype(np.int64, copy=False)


def _runs(probabilities: Predictions, *, labels: NDArray[np.integer]) -> list[NDArray[np.floating]]:
    one = isinstance(probabilities, np.ndarray) and probabilities.ndim == 2
    runs = [np.asarray(run) for run in ([probabilities] if one else probabilities)]
    classes = int(labels.max(initial=0)) + 1
    for run in runs:
        if run.ndim != 2 or len(run) != len(labels) or run.shape[1] < classes:
            raise ValueError(
                f"probabilities have shape {run.shape}, allowed is ({len(labels)}, classes), of {classes} classes or "
                "more, or a list of such arrays"
            )
    return runs


def _replicates(
    measure: _Measure, labels: NDArray, runs: list[NDArray[np.floating]], resamples: int, *, seeds: tuple[int, int]
) -> NDArray[np.float64]:
    """Means over resampled runs of the measure on resampled sequences, (resamples,); the first of `seeds` draws
    sequences, both together runs."""
    n, rng = len(labels), np.random.default_rng(seeds[0])
    values = np.empty((resamples, len(runs)))
    for row in values:
        draw = rng.integers(n, size=n)  # one at a time: all of them would be gigabytes of a large test set
        row[:] = [measure(labels[draw], run[draw]) for run in runs]
    chosen = np.random.default_rng(seeds).integers(len(runs), size=values.shape)
    return np.take_along_axis(values, chosen, axis=1).mean(1)


def _with_interval(
    name: str, value: float, replicates: NDArray[np.float64], labels: NDArray[np.integer], *, least: float, most: float
) -> Score:
    finite, n = replicates[np.isfinite(replicates)], len(labels)  # a resample may lack a class, and then has no area
    if not len(finite):
        return Score(value, float("nan"), float("nan"), n)
    low, high = interval(finite)
    if high - low > _SAME:
        return Score(value, low, high, n)
    hidden = _hidden(name, labels)
    return Score(value, max(value - hidden, least), min(value + hidden, most), n)


def _hidden(name: str, labels: NDArray[np.integer]) -> float:
    """How far below a perfect score what these sequences do not show may lie."""
    rarest = int(min(count for count in np.bincount(labels) if count))
    return of_one_kind(0.0, places=len(labels) if name == "accuracy" else rarest)[1]


def _least(name: str) -> float:
    return -1.0 if name == "mcc" else 0.0


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
