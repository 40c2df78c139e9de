"""Frozen vectors on a labelled task: what a linear map, or the nearest neighbours, can read from them."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from dnabert.probes.scores import log_loss, score
from dnabert.probes.tasks import Part, Task

Classifier = Literal["logistic", "knn"]
ClassWeights = Literal["none", "balanced"]

# inverse strength of the ridge, and neighbours, among which dev chooses
_STRENGTHS = (1e-3, 1e-2, 1e-1, 1.0)
_NEIGHBORS = (1, 5, 15, 45)
_SETTLES = 1e-9  # of a vote: no share moves by it, a tie does


@dataclass(frozen=True)
class Probe:
    """What one classifier reads from one encoder's vectors.

    Attributes
    ----------
    classifier : ``logistic`` or ``knn``.
    setting : the inverse strength or the number of neighbours that was best on dev.
    scores : on test; see `dnabert.probes.scores.score`.
    test : float (n, classes), probabilities of the test sequences.
    """

    classifier: Classifier
    setting: float
    scores: dict[str, Any]
    test: NDArray[np.float64]


def probe(
    task: Task,
    vectors: dict[str, NDArray[np.floating]],
    *,
    classifier: Classifier,
    class_weights: ClassWeights = "none",
    resamples: int = 500,
    seed: int = 0,
) -> Probe:
    """Fit on train, choose on dev by Matthews' correlation (of equal ones by the loss), score on test.

    Parameters
    ----------
    task : its labels.
    vectors : ``train``, ``dev`` and ``test``: float (n, d) each, in the task's order.
    classifier : ``logistic`` (ridge-penalised, on standardised columns) or ``knn`` (cosine, neighbours weigh alike; of
        classes with as many the nearer wins).
    class_weights : ``balanced``: each class weighs alike in the logistic regression, however rare; nearest neighbours
        have no loss to be weighed.
    resamples, seed : of the intervals.

    Raises
    ------
    ValueError
        for another classifier or weighing, or vectors of other than the task's sequences.
    """
    _check(task, vectors, classifier=classifier, class_weights=class_weights)
    from sklearn.preprocessing import StandardScaler, normalize

    scaler = StandardScaler().fit(vectors["train"])
    points = {name: scaler.transform(part).astype(np.float32) for name, part in vectors.items()}
    if classifier == "knn":
        points = {name: normalize(part) for name, part in points.items()}
    settings = _settings(classifier, task.train)
    fits = {
        setting: _fit(classifier, setting, points["train"], part=task.train, weights=class_weights)
        for setting in settings
    }
    on_dev = {setting: _on_dev(task, _predict(classifier, fit, points["dev"], task)) for setting, fit in fits.items()}
    setting = max(settings, key=lambda chosen: on_dev[chosen])
    test = _predict(classifier, fits[setting], points["test"], task)
    return Probe(classifier, setting, score(task.test.labels, test, resamples=resamples, seed=seed), test)


def _check(
    task: Task, vectors: dict[str, NDArray[np.floating]], *, classifier: Classifier, class_weights: ClassWeights
) -> None:
    for name, given, allowed in (
        ("classifier", classifier, get_args(Classifier)),
        ("class_weights", class_weights, get_args(ClassWeights)),
    ):
        if given not in allowed:
            raise ValueError(f"{name} is {given!r}, allowed is {' or '.join(allowed)}")
    for part in ("train", "dev", "test"):
        shape, n = np.shape(vectors.get(part, ())), len(getattr(task, part).labels)
        if len(shape) != 2 or shape[0] != n:
            raise ValueError(f"the vectors of {part} have shape {shape}, allowed is ({n}, d), a row for each sequence")


def _on_dev(task: Task, predicted: NDArray[np.float64]) -> tuple[float, float]:
    """The larger, the better."""
    return score(task.dev.labels, predicted, resamples=0)["mcc"].value, -log_loss(task.dev.labels, predicted)


def _settings(classifier: Classifier, train: Part) -> tuple[float, ...]:
    if classifier == "logistic":
        return _STRENGTHS
    return tuple(float(k) for k in _NEIGHBORS if k <= len(train.labels))


def _fit(
    classifier: Classifier, setting: float, points: NDArray[np.float32], *, part: Part, weights: ClassWeights
) -> Any:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression
    from sklearn.neighbors import KNeighborsClassifier

    if classifier == "knn":
        return KNeighborsClassifier(int(setting)).fit(points, part.labels)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # dev decides between the fits as they are
        balanced = None if weights == "none" else weights
        return LogisticRegression(C=setting, max_iter=200, class_weight=balanced).fit(points, part.labels)


def _predict(classifier: Classifier, fit: Any, points: NDArray[np.float32], task: Task) -> NDArray[np.float64]:
    """Probabilities (n, classes) in the task's order, also where train lacks a class."""
    if classifier == "knn":
        return _votes(task.train.labels[fit.kneighbors(points, return_distance=False)], classes=len(task.classes))
    found = np.zeros((len(points), len(task.classes)))
    found[:, fit.classes_] = fit.predict_proba(points)
    return found


def _votes(labels: NDArray[np.int64], *, classes: int) -> NDArray[np.float64]:
    """Shares (n, classes) of the neighbours (n, k), nearest first; of classes with most votes the one whose neighbours
    rank nearer has a little more.

    The first of the classes would else win, by its name; `neighbor_vote` of the ladder settles ties alike.
    """
    n, k = labels.shape
    rows = np.arange(n)[:, None]
    votes, nearness = np.zeros((n, classes)), np.zeros((n, classes))
    np.add.at(votes, (rows, labels), 1.0)
    np.add.at(nearness, (rows, labels), 1.0 - np.arange(k) / k)
    leading = votes == votes.max(axis=1, keepdims=True)
    tied = np.flatnonzero(leading.sum(axis=1) > 1)
    votes[tied, np.where(leading, nearness, -1.0)[tied].argmax(axis=1)] += _SETTLES
    return np.asarray(votes / votes.sum(axis=1, keepdims=True))
