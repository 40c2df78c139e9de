"""Clusters predicted from what is known of a window without any model: how much of the labelling is that?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from dnabert.clusters.bootstrap import interval
from dnabert.corpus.places import places_apart
from dnabert.explain.cheap_features import CONTINUOUS, cheap_features, concerned
from dnabert.progress import watched
from dnabert.shares import percent

if TYPE_CHECKING:
    from dnabert.explain.windows import ClusteredWindows

_FOLDS = 5
_RESAMPLES = 200
_TREES = 100
#: Windows in a leaf: a tree's shares in steps of a tenth, which a hundred trees smooth.
_LEAF = 10
#: Weight of the classes' shares in a prediction: a forest says 0 of what it has not seen, which no logarithm bears.
_PRIOR_WEIGHT = 0.02


def label_prediction(
    windows: ClusteredWindows,
    *,
    features: dict[str, np.ndarray] | None = None,
    most: int = 2_000,
    threads: int = 1,
    seed: int = 0,
) -> dict[str, Any]:
    """Predict each window's cluster (the unclustered as one more class) from all cheap features together.

    A random forest (Breiman 2001), five folds of whole places (orthologous blocks, else 10 kb), so that no near-copy of
    a window trains it. It learns from at most `most` windows of each class, and its probabilities are moved to the
    classes' shares among all windows. A window that is not coding has the codon frame of another, so that frames do not
    tell what is coding.

    Parameters
    ----------
    windows : n windows.
    features : from `cheap_features`, by default all of them.
    most : windows per class.
    threads : that grow trees; they change nothing.
    seed : of the sample, the folds, the forest and the bootstrap.

    Returns
    -------
    dict with ``explained``: 1 less the cross entropy of the labels given the features over that of the classes' shares
    alone, with ``low`` and ``high`` (95 %, bootstrap over places); ``balanced_accuracy`` and
    ``balanced_accuracy_chance`` (one over the classes); ``accuracy`` and ``accuracy_majority`` (of the largest class);
    ``recall``, one dict per class (``label``, ``recall`` when classes count alike); ``features``, ``n`` (windows used)
    and ``sentence``. None where the windows are in one class or fewer than five places, or there is no feature.
    """
    features = cheap_features(windows) if features is None else features
    places = places_apart(windows.table)
    labels = windows.labels
    empty = {"explained": None, "features": list(features), "n": 0, "sentence": "Nothing to predict the clusters from."}
    if len(np.unique(labels)) < 2 or len(np.unique(places)) < _FOLDS or not features:
        return empty
    rows = _capped(labels, most=most, rng=np.random.default_rng(seed))
    classes, codes = np.unique(labels[rows], return_inverse=True)
    share = np.bincount(np.unique(labels, return_inverse=True)[1]) / len(labels)
    weight = (share / np.bincount(codes))[codes]
    filled = {name: _filled(name, values, seed=seed) for name, values in features.items()}
    columns = [v if name in CONTINUOUS else np.unique(v, return_inverse=True)[1] for name, v in filled.items()]
    table = np.stack([column[rows] for column in columns], axis=1).astype(np.float32)
    loss, natural, balanced = _predict(
        table, codes, places[rows], weight=weight, share=share, threads=threads, seed=seed
    )
    base = -np.log(share[codes])
    recall = np.bincount(codes, weights=balanced == codes) / np.bincount(codes)
    found = {
        **_explained(weight * loss, weight * base, places[rows], seed=seed),
        "balanced_accuracy": float(recall.mean()),
        "balanced_accuracy_chance": 1 / len(classes),
        "accuracy": float((weight * (natural == codes)).sum()),
        "accuracy_majority": float(share.max()),
        "recall": [{"label": int(label), "recall": float(value)} for label, value in zip(classes, recall, strict=True)],
        "features": list(features),
        "n": len(rows),
    }
    return found | {"sentence": _sentence(found)}


def _predict(
    table: np.ndarray,
    codes: np.ndarray,
    places: np.ndarray,
    *,
    weight: np.ndarray,
    share: np.ndarray,
    threads: int,
    seed: int,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Each row's loss out of fold, the class it most probably has, and the same when all classes count alike."""
    n, classes = len(codes), len(share)
    loss = np.zeros(n)
    natural = np.zeros(n, dtype=np.int64)
    balanced = np.zeros(n, dtype=np.int64)
    for train, test in watched(_folds(places, seed=seed), "forests", unit=" folds", total=_FOLDS):
        likelihood = _likelihood(table, codes, train, test, classes=classes, threads=threads, seed=seed)
        posterior = likelihood * np.bincount(codes[train], weights=weight[train], minlength=classes)
        posterior = posterior / posterior.sum(axis=1, keepdims=True)
        shares = (1 - _PRIOR_WEIGHT) * posterior + _PRIOR_WEIGHT * share
        loss[test] = -np.log(shares[np.arange(len(test)), codes[test]])
        natural[test] = shares.argmax(axis=1)
        balanced[test] = likelihood.argmax(axis=1)
    return loss, natural, balanced


def _filled(name: str, values: np.ndarray, *, seed: int) -> np.ndarray:
    """A feature of which windows that it does not concern have that of one drawn by lot, the same in both features of
    codons."""
    asked = concerned(name, values)
    drawn = np.random.default_rng(seed).choice(np.flatnonzero(asked), len(values))
    return np.asarray(np.where(asked, values, values[drawn]))


def _capped(labels: np.ndarray, *, most: int, rng: np.random.Generator) -> np.ndarray:
    """Rows, ascending: at most so many of each label."""
    order = rng.permutation(len(labels))
    order = order[np.argsort(labels[order], kind="stable")]
    sizes = np.unique(labels, return_counts=True)[1]
    rank = np.arange(len(labels)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    return np.sort(order[rank < most])


def _folds(places: np.ndarray, *, seed: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Rows to learn from and to predict; a place is in one fold."""
    _, own = np.unique(places, return_inverse=True)
    count = int(own.max()) + 1
    fold = (np.random.default_rng(seed).permutation(count) % _FOLDS)[own]
    for number in range(_FOLDS):
        test = np.flatnonzero(fold == number)
        if len(test):
            yield np.flatnonzero(fold != number), test


def _likelihood(
    table: np.ndarray,
    codes: np.ndarray,
    train: np.ndarray,
    test: np.ndarray,
    *,
    classes: int,
    threads: int,
    seed: int,
) -> np.ndarray:
    """Probability of each class over its share in training, float (len(test), classes): 0 for classes not in
    training."""
    from sklearn.ensemble import RandomForestClassifier

    forest = RandomForestClassifier(_TREES, min_samples_leaf=_LEAF, n_jobs=threads, random_state=seed)
    forest.fit(table[train], codes[train])
    forest.set_params(n_jobs=1)  # threads would add the trees' shares in any order, which moves the last digit
    ratio = np.zeros((len(test), classes))
    share = np.bincount(codes[train], minlength=classes)[forest.classes_] / len(train)
    ratio[:, forest.classes_] = forest.predict_proba(table[test]) / share
    return ratio


def _explained(loss: np.ndarray, base: np.ndarray, places: np.ndarray, *, seed: int) -> dict[str, float]:
    _, own = np.unique(places, return_inverse=True)
    sums = np.stack([np.bincount(own, weights=values) for values in (loss, base)], axis=1)
    drawn = (
        np.random.default_rng(seed).multinomial(len(sums), np.full(len(sums), 1 / len(sums)), size=_RESAMPLES) @ sums
    )
    low, high = interval(1 - drawn[:, 0] / drawn[:, 1])
    return {"explained": float(1 - loss.sum() / base.sum()), "low": low, "high": high}


def _sentence(found: dict[str, Any]) -> str:
    names = ", ".join(name.replace("_", " ") for name in found["features"])
    share = max(found["explained"], 0.0)
    return (
        f"Cheap explanations together ({names}) explain {percent(share)} [{percent(max(found['low'], 0.0))}, "
        f"{percent(max(found['high'], 0.0))}] of the labelling's entropy in windows of other places; with classes "
        f"counted alike they name the right one for {percent(found['balanced_accuracy'])} "
        f"({percent(found['balanced_accuracy_chance'])} by chance)."
    )
