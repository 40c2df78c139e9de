"""The same clustering again: with other seeds, and on parts of the windows."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from dnabert.clusters.calibration import lowest_allowed
from dnabert.clusters.config import AssignConfig, ClusterConfig, StabilityConfig
from dnabert.clusters.graph import Neighbors, nearest_neighbors
from dnabert.clusters.labels import graph_labels
from dnabert.clusters.membership import fit_membership
from dnabert.clusters.reduce import Basis, configured_basis
from dnabert.clusters.subsample import subsample
from dnabert.config import SEEDS

_CHUNK = 16_384
#: Left-out windows that a repeat places: a share of so many is known to one in a hundred.
_MOST_PLACED = 2_000


@dataclass(frozen=True)
class Run:
    """One repeat.

    Attributes
    ----------
    kind : ``seed`` (all windows) or ``subsample``.
    seed : the seed it took.
    rows : int (m,), ascending: the windows it saw.
    labels : int32 (m,), its clusters, -1 = none, 0 the largest.
    seconds : its time.
    left_out : int (l,), of the windows that it did not see those that were placed among its clusters; see
        `place_left_out`.
    placed : int (l,), the cluster that each was placed in, -1 = none.
    places : how many places it drew from; None where that was not told.
    """

    kind: str
    seed: int
    rows: np.ndarray
    labels: np.ndarray
    seconds: float
    left_out: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    placed: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    places: int | None = None


class Clustered(NamedTuple):
    """What a repeat makes of its vectors.

    Attributes
    ----------
    labels : int32 (m,), see `Run`.
    neighbors, points : the graph and the space that were clustered.
    basis : from vectors to points.
    """

    labels: np.ndarray
    neighbors: Neighbors
    points: np.ndarray
    basis: Basis


def repeat_clustering(
    vectors: np.ndarray,
    places: np.ndarray,
    *,
    clustering: ClusterConfig,
    config: StabilityConfig,
    groups: np.ndarray | None = None,
) -> Iterator[Run]:
    """Cluster again: PCA, neighbour graph and HDBSCAN; no map.

    In a subsample `min_cluster_size` is scaled by the fraction kept, since a cluster keeps that share of its members.
    Beyond `exact_below` windows it takes its neighbours from those that the first repeat on all windows found, as far
    as they were kept, with their distances in its own space: the search is what costs time.

    Parameters
    ----------
    vectors : float (n, d), in the order of the clustering.
    places : int (n,), what a subsample drops as one; see `places_apart`.
    clustering : the settings to repeat.
    config : how often.
    groups : int (n,), see `groups_of`; with them, windows that a subsample leaves out are placed among its clusters.

    Yields
    ------
    the repeats with other seeds, then those on subsamples; the same for the same seed.
    """
    every = np.arange(len(vectors))
    pool: Neighbors | None = None
    for number in range(1, config.seeds + 1):
        began = time.perf_counter()
        settings = dataclasses.replace(clustering, seed=(clustering.seed + number) % SEEDS)
        found = cluster_once(vectors, settings)
        pool = pool or found.neighbors
        yield Run("seed", settings.seed, every, found.labels, round(time.perf_counter() - began, 2))
    yield from repeat_on_subsamples(vectors, places, clustering=clustering, config=config, pool=pool, groups=groups)


def repeat_on_subsamples(
    vectors: np.ndarray,
    places: np.ndarray,
    *,
    clustering: ClusterConfig,
    config: StabilityConfig,
    pool: Neighbors | None,
    groups: np.ndarray | None = None,
) -> Iterator[Run]:
    """The second half of `repeat_clustering`, with `pool`, the neighbours among all windows, from wherever they are
    known."""
    for number in range(config.subsamples):
        began = time.perf_counter()
        seed = (config.seed + number) % SEEDS
        rows = subsample(places, fraction=config.fraction, rng=np.random.default_rng([seed, 2]))
        size = max(2, round(config.fraction * clustering.min_cluster_size))
        settings = dataclasses.replace(clustering, seed=seed, min_cluster_size=size)
        found = cluster_once(vectors[rows], settings, rows=rows, pool=pool)
        run = Run("subsample", seed, rows, found.labels, round(time.perf_counter() - began, 2))
        if groups is not None:
            left_out, placed = place_left_out(
                vectors, rows, found, min_samples=clustering.min_samples, groups=groups, seed=seed
            )
            run = dataclasses.replace(run, left_out=left_out, placed=placed)
        yield run


def place_left_out(
    vectors: np.ndarray, rows: np.ndarray, found: Clustered, *, min_samples: int, groups: np.ndarray, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Place windows that a subsample left out among its clusters, as `assign` places new sequences among those of all.

    Parameters
    ----------
    vectors : float (n, d), of all windows.
    rows : int (m,), those of the subsample.
    found : what was made of these.
    min_samples : HDBSCAN's.
    groups : int (n,), see `groups_of`.
    seed : of the calibration, and of which windows are placed where very many were left out.

    Returns
    -------
    int64 (l,) windows, ascending, at most 2,000; and int64 (l,) the cluster that takes each in, in the repeat's
    numbers, or -1.
    """
    others = np.ones(len(vectors), dtype=bool)
    others[rows] = False
    left_out = np.flatnonzero(others)
    if len(left_out) > _MOST_PLACED:
        left_out = np.sort(np.random.default_rng([seed, 3]).choice(left_out, _MOST_PLACED, replace=False))
    membership = fit_membership(
        found.points, found.labels, found.neighbors, min_samples=min_samples, groups=groups[rows], seed=seed
    )
    point = lowest_allowed(membership.held_out["operating_points"], error=AssignConfig().error)
    if point is None:
        return left_out, np.full(len(left_out), -1)
    placed = membership.place(found.basis.transform(vectors[left_out]))
    return left_out, np.where(placed.probability >= point["probability"], placed.label, -1)


def kept_neighbors(pool: Neighbors, points: np.ndarray, *, rows: np.ndarray, fewest: int) -> Neighbors:
    """The neighbours that a subsample keeps of all windows' neighbours, with distances between its own points.

    Parameters
    ----------
    pool : neighbours of all n windows.
    points : float32 (m, c), the subsample's.
    rows : int (m,), ascending: its windows among the n.
    fewest : a window that keeps fewer neighbours gets this many by exact search.
    """
    width = pool.indices.shape[1] - 1
    position = np.full(len(pool.indices), -1, dtype=np.int32)
    position[rows] = np.arange(len(rows), dtype=np.int32)
    indices = np.empty((len(rows), width + 1), dtype=np.int32)
    distances = np.zeros((len(rows), width + 1), dtype=np.float32)
    for begin in range(0, len(rows), _CHUNK):
        own = np.arange(begin, min(begin + _CHUNK, len(rows)), dtype=np.int32)
        found = position[pool.indices[rows[own], 1:]]
        found[found == own[:, None]] = -1  # the pool's padding
        apart = np.linalg.norm(points[found] - points[own, None], axis=2)
        apart[found < 0] = np.inf
        order = np.argsort(apart, axis=1, kind="stable")
        indices[own, 0] = own
        indices[own, 1:] = np.take_along_axis(found, order, axis=1)
        distances[own, 1:] = np.take_along_axis(apart, order, axis=1)
    _complete(indices, distances, points, fewest=min(fewest, width, len(rows) - 1))
    absent = indices < 0
    indices[absent], distances[absent] = np.nonzero(absent)[0], 0.0
    return Neighbors(indices, distances, False)


def _complete(indices: np.ndarray, distances: np.ndarray, points: np.ndarray, *, fewest: int) -> None:
    """Find exactly, in place, the `fewest` nearest neighbours of points that have fewer."""
    from sklearn.neighbors import NearestNeighbors

    short = np.flatnonzero((indices[:, 1:] >= 0).sum(axis=1) < fewest)
    if len(short) == 0:
        return
    search = NearestNeighbors(n_neighbors=fewest + 1).fit(points)
    for row, apart, found in zip(short, *search.kneighbors(points[short]), strict=True):
        others = found != row  # among equal points the point itself may be missing, hence the cut
        indices[row, 1 : fewest + 1] = found[others][:fewest]
        distances[row, 1 : fewest + 1] = apart[others][:fewest]


def cluster_once(
    vectors: np.ndarray, config: ClusterConfig, *, rows: np.ndarray | None = None, pool: Neighbors | None = None
) -> Clustered:
    """Cluster vectors (n, d) by density, as `dnabert cluster` does; on neighbours of a `pool` with their `rows` there
    where that is not exact."""
    basis = configured_basis(vectors, config)
    points = basis.transform(vectors)
    if rows is None or pool is None or pool.exact:
        neighbors = nearest_neighbors(points, k=config.neighbors, exact_below=config.exact_below, seed=config.seed)
    else:
        neighbors = kept_neighbors(pool, points, rows=rows, fewest=config.min_samples)
    return Clustered(graph_labels(points, neighbors, config)[0], neighbors, points, basis)
