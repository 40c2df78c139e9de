"""To which cluster a new point belongs, and how surely: density, not balls."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dnabert.clusters.calibration import Curve, cross_fitted, fit_curve, operating_points, reliability
from dnabert.clusters.graph import Neighbors
from dnabert.json_file import read_json

if TYPE_CHECKING:
    import pandas as pd
    from scipy.spatial import cKDTree

ARRAYS = "membership.safetensors"
SUMMARY = "membership.json"
#: Corpus windows looked at for each new sequence: the nearest by mutual reachability is among the first few by
#: distance.
CANDIDATES = 15
#: Share of corpus windows that are farther from their neighbours than "unlike the corpus" allows.
USUAL = 0.99
_CHUNK = 4096
#: Windows without orthologous blocks are held out by contiguous regions of at most so many windows' lengths …
_REGION_WINDOWS = 50
#: … and, in small corpora, by as many regions as this at least.
_FEWEST_REGIONS = 100
#: A neighbour so much nearer than neighbours usually are is the very same sequence, embedded once more.
_SAME = 1e-3
#: … and so is one at this share of the largest coordinate: read in other company, the same sequence differs by
#: float32's rounding.
_ROUNDING = 1e-5


@dataclass(frozen=True)
class Placement:
    """Where n new points belong.

    Attributes
    ----------
    label : int64 (n,), the best cluster, whether or not it is good enough; -1 where there is none in reach.
    ratio : float64 (n,), mutual reachability to that cluster over the cluster's own reach; up to 1 is within.
    probability : float64 (n,), calibrated, that clustering the point with the corpus had given it that label.
    distance : float64 (n,), to the nearest window of the corpus.
    core : float64 (n,), to the neighbour that HDBSCAN's density is measured by.
    nearest : int64 (n, k), rows of the nearest windows, nearest first.
    """

    label: np.ndarray
    ratio: np.ndarray
    probability: np.ndarray
    distance: np.ndarray
    core: np.ndarray
    nearest: np.ndarray


@dataclass(frozen=True)
class Membership:
    """Clusters of n windows, ready to take in new points.

    HDBSCAN joins a window to a cluster when their mutual reachability (the largest of their distance and both core
    distances; Campello et al. 2013) is within the cluster's own. So does this, as ``approximate_predict`` of the
    package hdbscan does; unclustered windows have their part in a new point's core distance.

    Attributes
    ----------
    points : float32 (n, c), the space that was clustered.
    labels : int64 (n,), -1 = in no cluster.
    groups : int64 (n,), what was held out together.
    core : float32 (n,), core distances.
    reach : float32 (C,), the largest mutual reachability of a member to its nearest fellow, per cluster.
    rank : which neighbour's distance is the core distance (1 = the nearest other).
    curve : from ratio to probability, of windows held out each by itself.
    held_out : what windows held out by themselves (reliability) and with their group (operating points) showed; plain
        JSON.
    usual_core : core distance that all but 1 % of windows held out with their group stay within.
    """

    points: np.ndarray
    labels: np.ndarray
    groups: np.ndarray
    core: np.ndarray
    reach: np.ndarray
    rank: int
    curve: Curve
    held_out: dict[str, Any]
    usual_core: float

    def place(self, points: np.ndarray) -> Placement:
        """Find the cluster of each new point, float (n, c); exact neighbours, so the same points give the same
        answer."""
        k = min(max(CANDIDATES, self.rank + 1), len(self.points))
        # -1 = all cores; the result does not depend on how many
        distance, nearest = self._tree.query(np.asarray(points, dtype=np.float64), k=np.arange(1, k + 1), workers=-1)
        same = distance <= self._same
        # a cluster of equal sequences reaches nothing but them, and rounding is no distance
        apart = np.where(same, 0.0, distance)
        rank = np.minimum(self.rank - 1 + same[:, 0], k - 1)  # itself is not its own neighbour
        core = apart[np.arange(len(apart)), rank]
        label, ratio = _best(apart, nearest, core[:, None], self.core[nearest], labels=self.labels, reach=self.reach)
        return Placement(label, ratio, self.curve(ratio), distance[:, 0], core, nearest)

    def members_near(self, points: np.ndarray, label: int, *, k: int) -> np.ndarray:
        """Rows int64 (n, at most k) of the members of a cluster that are nearest to points (n, c), nearest first."""
        from scipy.spatial import cKDTree

        members = np.flatnonzero(self.labels == label)
        order = np.arange(1, min(k, len(members)) + 1)
        return members[cKDTree(self.points[members]).query(points, k=order, workers=-1)[1]]

    def save(self, folder: Path) -> None:
        """Write ``membership.safetensors`` and ``membership.json``."""
        from safetensors.numpy import save_file

        names = ("points", "labels", "groups", "core", "reach")
        save_file({name: np.ascontiguousarray(getattr(self, name)) for name in names}, folder / ARRAYS)
        summary = {
            "rank": self.rank,
            "usual_core": self.usual_core,
            "curve": {"score": self.curve.score.tolist(), "probability": self.curve.probability.tolist()},
            "held_out": self.held_out,
        }
        (folder / SUMMARY).write_text(json.dumps(summary, indent=1, allow_nan=False) + "\n")

    @cached_property
    def _same(self) -> float:
        """Distance up to which two points are of the very same sequence."""
        return float(max(_SAME * np.median(self.core), _ROUNDING * np.abs(self.points).max(initial=0.0)))

    @cached_property
    def _tree(self) -> cKDTree:
        from scipy.spatial import cKDTree

        return cKDTree(self.points)


def load_membership(folder: Path) -> Membership:
    """Read what `Membership.save` wrote."""
    from safetensors.numpy import load_file

    arrays: dict[str, Any] = load_file(folder / ARRAYS)
    summary = read_json(folder / SUMMARY)
    curve = {name: np.array(values) for name, values in summary.pop("curve").items()}
    return Membership(**arrays, curve=Curve(**curve), **summary)


def fit_membership(
    points: np.ndarray, labels: np.ndarray, neighbors: Neighbors, *, min_samples: int, groups: np.ndarray, seed: int = 0
) -> Membership:
    """Learn each cluster's reach, and from held-out windows what a distance to it is worth.

    Every window is held out in turn, and the label that is found is compared with the one that clustering gave it. By
    itself, for the probability: a new sequence brings no copies of its own into the clustering, those in the corpus are
    near it as they are near a window. And with its whole group, for what accepting costs where the corpus has no copy:
    it is placed by the windows of other groups alone, whose core distances are taken without its group too. That does
    not make the probability, for the label owes something to the group: copies make windows dense, so that of windows
    beyond a cluster's reach without theirs most are members, of new ones hardly any would become one. Neighbours come
    from the graph that clustering has made anyway.

    Parameters
    ----------
    points : float32 (n, c).
    labels : int (n,) from HDBSCAN on `neighbors`, -1 = none.
    neighbors : the graph that was clustered.
    min_samples : HDBSCAN's, the window itself counted.
    groups : int (n,), see `groups_of`.
    seed : of the folds of the calibration and of its intervals.
    """
    rank = max(1, min(min_samples, neighbors.indices.shape[1]) - 1)
    neighbors = _apart(neighbors)
    labels = labels.astype(np.int64)
    core = neighbors.distances[:, rank].astype(np.float32)
    reach = _reach(neighbors, core, labels)
    label, ratio, _ = _held_out(neighbors, labels, reach, rank=rank, groups=np.arange(len(labels)))
    right = (label == labels) & (label >= 0)
    label, without, own_core = _held_out(neighbors, labels, reach, rank=rank, groups=groups)
    found = (label == labels) & (label >= 0)
    by_itself, with_group = cross_fitted(ratio, right, groups=groups, seed=seed, asked=np.stack([ratio, without]))
    candidate = np.isfinite(ratio)
    held_out = {
        "windows": len(labels),
        "groups": len(np.unique(groups)),
        **reliability(by_itself[candidate], right[candidate]),
        "operating_points": operating_points(with_group, found, labels >= 0, groups=groups, seed=seed),
    }
    known = own_core[np.isfinite(own_core)]
    usual = float(np.quantile(known if len(known) else core, USUAL))
    curve = fit_curve(ratio, right)
    return Membership(points.astype(np.float32), labels, groups, core, reach, rank, curve, held_out, usual)


def groups_of(table: pd.DataFrame) -> tuple[np.ndarray, str]:
    """What must be held out together, because it holds near-copies.

    Parameters
    ----------
    table : windows; orthologous blocks (`block`, -1 = none) where known, contiguous regions where there are
        coordinates, else every sequence alone.

    Returns
    -------
    int64 (n,), and in words what the groups are.
    """
    from dnabert.clusters.ladder import places_of

    n = len(table)
    if "start" not in table:
        return np.arange(n), "sequence"
    places = places_of(table)
    length = max(int(np.median(places.end - places.start)), 1)
    region = places.start // (length * int(np.clip(n // _FEWEST_REGIONS, 1, _REGION_WINDOWS)))
    _, number = np.unique(np.stack([places.sequence, region]), axis=1, return_inverse=True)
    inside = places.block >= 0
    groups = np.where(inside, places.block, number.ravel() + int(places.block.max(initial=-1)) + 1)
    return groups.astype(np.int64), "orthologous block" if inside.any() else "region"


def _apart(neighbors: Neighbors) -> Neighbors:
    """The same, with nothing near in the columns where a point with fewer neighbours repeats itself: at distance 0 it
    would be its own nearest."""
    itself = neighbors.indices == np.arange(len(neighbors.indices))[:, None]
    itself[:, 0] = False
    return replace(neighbors, distances=np.where(itself, np.float32(np.inf), neighbors.distances))


def _reach(neighbors: Neighbors, core: np.ndarray, labels: np.ndarray) -> np.ndarray:
    others = neighbors.indices[:, 1:]
    distance = neighbors.distances[:, 1:]
    mutual = np.maximum(np.maximum(distance, core[:, None]), core[others])
    nearest = np.where(labels[others] == labels[:, None], mutual, np.inf).min(axis=1)
    reach = np.zeros(int(labels.max(initial=-1)) + 1, dtype=np.float32)
    joined = (labels >= 0) & np.isfinite(nearest)
    np.maximum.at(reach, labels[joined], nearest[joined])
    # a cluster of equal sequences reaches nothing but them: the smallest positive number keeps the ratio defined
    return np.maximum(reach, np.finfo(np.float32).tiny)


def _held_out(
    neighbors: Neighbors, labels: np.ndarray, reach: np.ndarray, *, rank: int, groups: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Best label, ratio and core distance of each window without its group."""
    n = len(labels)
    others = neighbors.indices[:, 1:]
    distances = neighbors.distances[:, 1:].astype(np.float64)
    label = np.full(n, -1)
    ratio = np.full(n, np.inf)
    own_core = np.full(n, np.inf)
    for begin in range(0, n, _CHUNK):
        rows = np.arange(begin, min(begin + _CHUNK, n))
        own = groups[others[rows]] == groups[rows, None]
        order = np.argsort(own, axis=1, kind="stable")[:, : max(CANDIDATES, rank)]
        nearest = np.take_along_axis(others[rows], order, axis=1)
        distance = np.where(own, np.inf, distances[rows])
        distance = np.take_along_axis(distance, order, axis=1)
        core = distance[:, min(rank, distance.shape[1]) - 1]
        without = groups[others[nearest]] == groups[rows, None, None]
        theirs = np.where(without, np.inf, distances[nearest])
        theirs = np.partition(theirs, min(rank, theirs.shape[2]) - 1, axis=2)[:, :, min(rank, theirs.shape[2]) - 1]
        label[rows], ratio[rows] = _best(distance, nearest, core[:, None], theirs, labels=labels, reach=reach)
        own_core[rows] = core
    return label, ratio, own_core


def _best(
    distance: np.ndarray,
    nearest: np.ndarray,
    core: np.ndarray,
    theirs: np.ndarray,
    *,
    labels: np.ndarray,
    reach: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Label and ratio of the clustered neighbour that is nearest by mutual reachability, (n,) each; -1 and inf if
    none."""
    found = labels[nearest]
    mutual = np.where(found >= 0, np.maximum(np.maximum(distance, core), theirs), np.inf)
    rows, best = np.arange(len(nearest)), mutual.argmin(axis=1)
    value = mutual[rows, best]
    label = np.where(np.isfinite(value), found[rows, best], -1)
    ratio = np.full(len(nearest), np.inf)
    inside = label >= 0
    ratio[inside] = value[inside] / reach[label[inside]]
    return label, ratio
