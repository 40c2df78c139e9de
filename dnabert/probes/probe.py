"""Frozen vectors on a labelled task: what a linear map, or the nearest neighbours, can read from them."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from dnabert.probes.scores import score
from dnabert.probes.tasks import Part, Task

Classifier = Literal["logistic", "knn"]

# inverse strength of the ridge, and neighbours, among which dev chooses
_STRENGTHS = (1e-3, 1e-2, 1e-1, 1.0)
_NEIGHBORS = (1, 5, 15, 45)


@dataclass(frozen=True)
class Probe:
    """What one classifier reads from one encoder's vectors.

    Attributes
    ----------
    classifier : ``logistic`` or ``knn``.
    setting : the inverse strength or the number of neighbours that was best on dev.
    scores : on test; see `dnabert.probes.scores.score`.
    """

    classifier: Classifier
    setting: float
    scores: dict[str, Any]


def probe(
    task: Task, vectors: dict[str, NDArray[np.floating]], *, classifier: Classifier, resamples: int = 500, seed: int = 0
) -> Probe:
    """Fit on train, choose on dev by Matthews' correlation, score on test.

    Parameters
    ----------
    task : its labels.
    vectors : ``train``, ``dev`` and ``test``: float (n, d) each, in the task's order.
    classifier : ``logistic`` (ridge-penalised, on standardised columns) or ``knn`` (cosine, neighbours weigh alike).
    """
    from sklearn.preprocessing import StandardScaler, normalize

    scaler = StandardScaler().fit(vectors["train"])
    points = {name: scaler.transform(part).astype(np.float32) for name, part in vectors.items()}
    if classifier == "knn":
        points = {name: normalize(part) for name, part in points.items()}
    fits = [_fit(classifier, setting, points["train"], task.train) for setting in _settings(classifier, task.train)]
    on_dev = [score(task.dev.labels, _predict(fit, points["dev"], task), resamples=2)["mcc"].value for _, fit in fits]
    setting, best = fits[int(np.argmax(on_dev))]
    found = score(task.test.labels, _predict(best, points["test"], task), resamples=resamples, seed=seed)
    return Probe(classifier, setting, found)


def _settings(classifier: Classifier, train: Part) -> tuple[float, ...]:
    if classifier == "logistic":
        return _STRENGTHS
    return tuple(float(k) for k in _NEIGHBORS if k <= len(train.labels))


def _fit(classifier: Classifier, setting: float, points: NDArray[np.float32], part: Part) -> tuple[float, Any]:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression
    from sklearn.neighbors import KNeighborsClassifier

    if classifier == "knn":
        return setting, KNeighborsClassifier(int(setting)).fit(points, part.labels)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # dev decides between the fits as they are
        return setting, LogisticRegression(C=setting, max_iter=200).fit(points, part.labels)


def _predict(fit: Any, points: NDArray[np.float32], task: Task) -> NDArray[np.float64]:
    """Probabilities (n, classes) in the task's order, also where train lacks a class."""
    found = np.zeros((len(points), len(task.classes)))
    found[:, fit.classes_] = fit.predict_proba(points)
    return found
