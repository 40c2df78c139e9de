"""The two-dimensional map: UMAP on the shared neighbour graph, or of a large set on a sample of it."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np

from dnabert.clusters.graph import Neighbors
from dnabert.compilation import import_compiled

#: Points placed on a finished map at a time, so that memory stays flat; part of the result, since each turn draws anew.
_CHUNK = 100_000


def map_coordinates(
    points: np.ndarray,
    neighbors: Neighbors,
    *,
    n_neighbors: int = 15,
    min_dist: float = 0.1,
    sample: int | None = None,
    seed: int = 0,
) -> np.ndarray:
    """UMAP (McInnes et al. 2018) coordinates, float32 (n, 2); one thread, so that a seed gives one map.

    It starts from the first two columns of `points` (principal components): deterministic, and faster than UMAP's own
    spectral start, which also fails on graphs of many components. Under 5 points those two columns are the map.

    Parameters
    ----------
    points : float32 (n, c).
    neighbors : of all points.
    n_neighbors, min_dist : UMAP's.
    sample : more points than this are not fitted: so many are, drawn at random, and the others are placed among them,
        each first at the mean of its neighbours in the sample and then moved by UMAP's own steps, which leave the
        sample where it is. None fits all.
    seed : of the sample, the start and the steps.
    """
    start = _start(points, seed=seed)
    if len(points) < 5:
        return start
    if sample is not None and len(points) > sample:
        return _of_sample(points, start, count=sample, n_neighbors=n_neighbors, min_dist=min_dist, seed=seed)
    k = min(n_neighbors, neighbors.indices.shape[1], len(points) - 1)
    with _without_warnings():
        model = _umap(start, (neighbors.indices[:, :k], neighbors.distances[:, :k], None), min_dist=min_dist, seed=seed)
        return np.asarray(model.fit_transform(points), dtype=np.float32)


def _of_sample(
    points: np.ndarray, start: np.ndarray, *, count: int, n_neighbors: int, min_dist: float, seed: int
) -> np.ndarray:
    """Fit on `count` random rows, place the rest; float32 (n, 2)."""
    NNDescent = import_compiled("pynndescent").NNDescent
    rows = np.sort(np.random.default_rng(seed).choice(len(points), count, replace=False))
    chosen = np.ascontiguousarray(points[rows])
    k = min(n_neighbors, count - 1)
    index = NNDescent(chosen, n_neighbors=max(k, min(30, count - 1)), random_state=seed, low_memory=True)
    indices, distances = (array[:, :k] for array in index.neighbor_graph)
    placed = np.empty((len(points), 2), dtype=np.float32)
    with _without_warnings():
        model = _umap(start[rows], (indices, distances, index), min_dist=min_dist, seed=seed)
        placed[rows] = model.fit_transform(chosen)
        rest = np.setdiff1d(np.arange(len(points)), rows, assume_unique=True)
        for begin in range(0, len(rest), _CHUNK):
            some = rest[begin : begin + _CHUNK]
            placed[some] = model.transform(np.ascontiguousarray(points[some]))
    return placed


def _umap(start: np.ndarray, knn: tuple[np.ndarray, np.ndarray, Any], *, min_dist: float, seed: int) -> Any:
    """UMAP that starts from coordinates (n, 2) and knows the neighbours: indices and distances (n, k), and perhaps
    their index."""
    return import_compiled("umap").UMAP(
        n_neighbors=knn[0].shape[1],
        min_dist=min_dist,
        random_state=seed,
        transform_seed=seed,
        n_jobs=1,
        init=start,
        precomputed_knn=knn,
        force_approximation_algorithm=True,
        tqdm_kwds={"desc": "map", "leave": False, "disable": None},
    )


@contextlib.contextmanager
def _without_warnings() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=ImportWarning)  # umap misses Tensorflow, which nothing here needs
        # "using precomputed knn, transform will be unavailable": new sequences are placed by `assign`, not by UMAP.
        warnings.filterwarnings("ignore", message=".*precomputed.*")
        yield


def _start(points: np.ndarray, *, seed: int) -> np.ndarray:
    start = np.zeros((len(points), 2), dtype=np.float32)
    width = min(2, points.shape[1])
    start[:, :width] = points[:, :width]
    widest = float(np.abs(start).max(initial=0.0))
    start *= 10.0 / widest if widest > 0 else 1.0  # UMAP's own starts span about ±10
    # A hair of noise, as UMAP adds to its own: equal points could never part.
    return start + np.random.default_rng(seed).normal(scale=1e-4, size=start.shape).astype(np.float32)
