"""How far each cluster, and the labelling as a whole, follows what is known of a window without any model."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from dnabert.corpus.places import places_apart
from dnabert.explain.cheap_features import CONTINUOUS, cheap_features, concerned
from dnabert.explain.circle import circle_of
from dnabert.explain.circular_shift import CircularShift
from dnabert.explain.confound_prediction import label_prediction
from dnabert.explain.correction import add_q
from dnabert.explain.label_null import informations, shuffled_rows
from dnabert.progress import watched

if TYPE_CHECKING:
    from dnabert.explain.windows import ClusteredWindows

_LEVEL = 0.95
#: Bins of equal counts into which a continuous feature is cut for its mutual information.
_BINS = 10


def confounds(
    windows: ClusteredWindows, *, phase_modulus: int = 7, permutations: int = 100, threads: int = 1, seed: int = 0
) -> dict[str, Any]:
    """All that is said of cheap explanations: of the labelling, of each cluster, of all of them together.

    Parameters
    ----------
    windows : n windows.
    phase_modulus : see `dnabert.explain.cheap_features.cheap_features`.
    permutations, seed : see `labelling_confounds`; the seed is the prediction's, too.
    threads : of the prediction; they change nothing.

    Returns
    -------
    dict with ``overall`` (see `labelling_confounds`), ``clusters`` (see `cluster_confounds`) and ``prediction`` (see
    `dnabert.explain.confound_prediction.label_prediction`). Raises `UserError` where no window is in a cluster.
    """
    windows.check_clustered()
    features = cheap_features(windows, phase_modulus=phase_modulus)
    return {
        "overall": labelling_confounds(windows, features=features, permutations=permutations, seed=seed),
        "clusters": cluster_confounds(windows, features=features),
        "prediction": label_prediction(windows, features=features, threads=threads, seed=seed),
    }


def labelling_confounds(
    windows: ClusteredWindows,
    *,
    features: dict[str, np.ndarray] | None = None,
    permutations: int = 100,
    seed: int = 0,
) -> list[dict[str, Any]]:
    """How much of the labelling (the unclustered as one more class) each feature tells.

    The null moves a feature along the chromosomes, of orthologous windows together, so that these and neighbours stay
    alike in it; species change places within an orthologous block. See `dnabert.explain.label_null.shuffled_rows`.
    Codons concern the coding windows alone.

    Parameters
    ----------
    windows : n windows.
    features : from `cheap_features`, by default all of them.
    permutations, seed : of the null; the smallest p is 1 / (permutations + 1).

    Returns
    -------
    One dict per feature: ``feature``, ``kind`` (continuous or classes), ``n`` (windows it concerns), ``ami`` (adjusted
    mutual information with the labels, a continuous feature in ten bins of equal counts), ``ami_null`` and
    ``ami_null_high`` (its mean and 95th percentile), ``eta_squared`` (share of a continuous feature's variance between
    labels, None for classes), ``p`` (share of the null at or above) and ``q`` (Benjamini-Hochberg over the features).
    """
    features = cheap_features(windows) if features is None else features
    rng = np.random.default_rng(seed)
    rows = []
    for name, values in watched(features.items(), "cheap explanations", unit=" features"):
        continuous = name in CONTINUOUS
        codes = _binned(values) if continuous else values
        asked = concerned(name, values)
        table = windows.table if asked.all() else windows.table[asked]
        shuffles = shuffled_rows(table, within_places=name == "genome", draws=permutations, rng=rng)
        ami, null = informations(windows.labels[asked], codes[asked], shuffles)
        rows.append(
            {
                "feature": name,
                "kind": "continuous" if continuous else "classes",
                "n": int(asked.sum()),
                "ami": ami,
                "ami_null": float(null.mean()),
                "ami_null_high": float(np.quantile(null, _LEVEL)),
                "eta_squared": eta_squared(values, windows.labels) if continuous else None,
                # rounding must not part equal tables
                "p": float((1 + (null >= ami - 1e-12).sum()) / (1 + permutations)),
            }
        )
    add_q(rows)
    return rows


def cluster_confounds(
    windows: ClusteredWindows, *, features: dict[str, np.ndarray] | None = None
) -> list[dict[str, Any]]:
    """How each cluster differs in each feature from all windows outside of it.

    Composition runs on for megabases: p and interval of a continuous feature come from the labels moved along the
    genome by every number of windows (`CircularShift`). Classes change from place to place (orthologous block, else 10
    kb), and windows of one are no independent draws: chi-squared is divided by its design effect (Rao and Scott 1984);
    where each window is a place of its own this is Pearson's. Codons concern the coding windows alone, inside and
    outside; a cluster without any, or with all, has no row.

    Parameters
    ----------
    windows : n windows.
    features : from `cheap_features`, by default all of them.

    Returns
    -------
    One dict per cluster and feature: ``label``, ``feature``, ``kind``; ``effect`` with ``low`` and ``high`` (95 %),
    ``p``, ``q`` (Benjamini-Hochberg over all clusters and features), ``n`` and ``places`` (in the cluster). Continuous:
    the difference of means over the mean of both variances' root, with ``mean`` inside. Classes: Cramér's V of the
    cluster's classes against those outside (goodness of fit, less what chance adds, 1 = all in the rarest class), with
    ``most``, the class whose share rises most, and its ``share`` and ``share_rest``. p and interval are None where a
    cluster lies in one place.
    """
    features = cheap_features(windows) if features is None else features
    places = places_apart(windows.table)
    shift = CircularShift(windows.labels, circle_of(windows.table), clusters=len(windows.clusters))
    moved = {
        name: shift.means(np.asarray(values, np.float64)[:, None])
        for name, values in features.items()
        if name in CONTINUOUS
    }
    concerning = {name: concerned(name, values) for name, values in features.items()}
    encoded = {
        name: np.unique(values[concerning[name]], return_inverse=True)
        for name, values in features.items()
        if name not in CONTINUOUS
    }
    rows = []
    for label in watched(windows.clusters, "cheap explanations"):
        for name, values in features.items():
            asked = concerning[name]
            inside, own = (windows.labels == label)[asked], places[asked]
            if inside.all() or not inside.any():
                continue
            if name in CONTINUOUS:
                reach, p = (float(of[label, 0]) for of in (moved[name].reach, moved[name].p_two_sided))
                found = standardised_difference(values, inside, own, reach=reach, p=p)
            else:
                classes, codes = encoded[name]
                found = class_difference(codes, inside, own)
                found["most"] = str(classes[found["most"]])
            row = {"label": label, "feature": name, "kind": "continuous" if name in CONTINUOUS else "classes", **found}
            rows.append(row | {"n": int(inside.sum()), "places": len(np.unique(own[inside]))})
    add_q(rows)
    return rows


def standardised_difference(
    values: np.ndarray, inside: np.ndarray, places: np.ndarray, *, reach: float, p: float
) -> dict[str, Any]:
    """Standardised difference of the mean inside to the mean outside, with the interval and the p that shifts of the
    labels give.

    Parameters
    ----------
    values : float (n,).
    inside : bool (n,), with windows on both sides.
    places : int (n,), the place of each window.
    reach, p : half the width of the interval of the mean inside, and the two-sided p, as `CircularShift` finds them.

    Returns
    -------
    ``effect`` (difference of means over the root of the mean of both variances), ``low``, ``high``, ``p`` and ``mean``
    (inside); no effect where nothing varies, no interval and no p where one side lies in one place.

    Examples
    --------
    >>> values, inside = np.array([1.0, 3.0, 0.0, 2.0]), np.array([True, True, False, False])
    >>> found = standardised_difference(values, inside, np.arange(4), reach=0.5, p=0.3)
    >>> [round(found[key], 3) for key in ("effect", "low", "high", "mean")]
    [0.707, 0.0, 1.414, 2.0]
    """
    own, others = (np.asarray(values[side], dtype=np.float64) for side in (inside, ~inside))
    spread = math.sqrt(sum(float(side.var(ddof=1)) if len(side) > 1 else 0.0 for side in (own, others)) / 2)
    result: dict[str, Any] = {"effect": None, "low": None, "high": None, "p": None, "mean": float(own.mean())}
    if not spread > 0:
        return result
    result["effect"] = effect = float(own.mean() - others.mean()) / spread
    if min(len(np.unique(places[side])) for side in (inside, ~inside)) < 2:
        return result
    # the difference to the rest is so many times that to the mean of all windows
    reach *= len(values) / len(others) / spread
    return result | {"low": effect - reach, "high": effect + reach, "p": p}


def class_difference(codes: np.ndarray, inside: np.ndarray, places: np.ndarray) -> dict[str, Any]:
    """Cramér's V (goodness of fit) of the classes inside against their shares outside.

    Chi-squared over its design effect (that of the windows inside and, as these shares are known no better than the
    windows outside tell them, of those outside; each never taken below 1) has its degrees of freedom subtracted; the
    interval is that of its noncentrality (Smithson 2003). V is over the largest value that the shares outside allow. A
    class that no window outside has counts as half a window there.

    Parameters
    ----------
    codes : int (n,), classes from 0.
    inside : bool (n,), with windows on both sides.
    places : int (n,), 0 to the number of places - 1.

    Returns
    -------
    ``effect``, ``low``, ``high``, ``p``, ``most`` (the class whose share rises most), ``share`` (its share inside) and
    ``share_rest`` (outside); None where undefined.

    Examples
    --------
    >>> codes, inside = np.repeat([0, 1, 0, 1], [40, 0, 50, 50]), np.repeat([True, False], [40, 100])
    >>> class_difference(codes, inside, np.arange(140))["effect"] > 0.95
    True
    """
    from scipy.stats import chi2

    outside = np.bincount(codes[~inside], minlength=int(codes.max()) + 1)
    counts = np.bincount(codes[inside], minlength=len(outside))
    n, known = int(counts.sum()), outside + counts > 0
    share = np.where(known, np.maximum(outside, 0.5), 0.0)
    share /= share.sum()
    result: dict[str, Any] = {"effect": None, "low": None, "high": None, "p": None}
    most = int((counts / n - share).argmax())
    result |= {"most": most, "share": float(counts[most] / n), "share_rest": float(outside[most] / outside.sum())}
    freedom = int(known.sum()) - 1
    if freedom < 1:
        return result
    expected = n * share[known]
    own, other = (
        max(_design_effect(codes[side], places[side], classes=len(outside)), 1.0) for side in (inside, ~inside)
    )
    design = own + n / int(outside.sum()) * other
    found = float(((counts[known] - expected) ** 2 / expected).sum()) / design
    scale = n / design * (1 / share[known].min() - 1)
    result["effect"] = min(math.sqrt(max(found - freedom, 0.0) / scale), 1.0)
    if len(np.unique(places[inside])) < 2:
        return result
    low, high = (
        min(math.sqrt(_noncentrality(found, freedom, at) / scale), 1.0) for at in ((1 + _LEVEL) / 2, (1 - _LEVEL) / 2)
    )
    return result | {"low": low, "high": high, "p": float(chi2.sf(found, freedom))}


def eta_squared(values: np.ndarray, labels: np.ndarray) -> float:
    """Share of a feature's variance that lies between labels (Pearson's correlation ratio, squared).

    Examples
    --------
    >>> eta_squared(np.array([0.0, 0.0, 1.0, 1.0]), np.array([-1, -1, 0, 0]))
    1.0
    """
    values = np.asarray(values, dtype=np.float64) - float(np.mean(values, dtype=np.float64))
    codes = labels - int(labels.min())
    sums, sizes = np.bincount(codes, weights=values), np.bincount(codes)
    return float((sums**2 / np.maximum(sizes, 1)).sum() / (values**2).sum())


def _design_effect(codes: np.ndarray, places: np.ndarray, *, classes: int) -> float:
    """Rao and Scott's (1984) first-order correction: mean of the classes' variances over those of single draws."""
    n = len(codes)
    _, own = np.unique(places, return_inverse=True)
    count = int(own.max()) + 1
    share = np.bincount(codes, minlength=classes) / n
    table = np.bincount(own * classes + codes, minlength=count * classes).reshape(count, classes)
    residual = table - np.bincount(own)[:, None] * share
    variance = (residual**2).sum(axis=0) / n**2 * count / max(count - 1, 1)
    some = (share > 0) & (share < 1)
    effect = n * variance[some] / (share * (1 - share))[some]
    return float(((1 - share[some]) * effect).sum() / max(int((share > 0).sum()) - 1, 1)) if some.any() else n / count


def _noncentrality(found: float, freedom: int, at: float) -> float:
    """The noncentrality under which `found` stands at this quantile; 0 where none does."""
    from scipy.optimize import brentq
    from scipy.stats import chi2, ncx2

    if chi2.cdf(found, freedom) <= at:
        return 0.0
    top = found + 10 * math.sqrt(found + freedom) + 50
    return float(brentq(lambda value: ncx2.cdf(found, freedom, value) - at, 1e-12, top))


def _binned(values: np.ndarray) -> np.ndarray:
    edges = np.unique(np.quantile(values, np.linspace(0, 1, _BINS + 1)[1:-1]))
    # what equals an edge is a bin of its own: a value that most windows have, such as a share of 0, and those beyond it
    return np.searchsorted(edges, values, side="left") + np.searchsorted(edges, values, side="right")
