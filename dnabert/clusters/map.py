"""The two-dimensional map: UMAP on the shared neighbour graph."""

from __future__ import annotations

import warnings

import numpy as np

from dnabert.clusters.graph import Neighbors


def map_coordinates(
    points: np.ndarray, neighbors: Neighbors, *, n_neighbors: int = 15, min_dist: float = 0.1, seed: int = 0
) -> np.ndarray:
    """UMAP (McInnes et al. 2018) coordinates, float32 (n, 2); one thread, so that a seed gives one map.

    It starts from the first two columns of `points` (principal components): deterministic, and faster than UMAP's own
    spectral start, which also fails on graphs of many components. Under 5 points those two columns are the map.
    """
    start = _start(points, seed=seed)
    if len(points) < 5:
        return start
    k = min(n_neighbors, neighbors.indices.shape[1], len(points) - 1)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=ImportWarning)  # umap misses Tensorflow, which nothing here needs
        from umap import UMAP

        # "using precomputed knn, transform will be unavailable": new sequences are placed by `assign`, not by UMAP.
        warnings.filterwarnings("ignore", message=".*precomputed.*")
        model = UMAP(
            n_neighbors=k,
            min_dist=min_dist,
            random_state=seed,
            n_jobs=1,
            init=start,
            precomputed_knn=(neighbors.indices[:, :k], neighbors.distances[:, :k], None),
            force_approximation_algorithm=True,
        )
        return np.asarray(model.fit_transform(points), dtype=np.float32)


def _start(points: np.ndarray, *, seed: int) -> np.ndarray:
    start = np.zeros((len(points), 2), dtype=np.float32)
    width = min(2, points.shape[1])
    start[:, :width] = points[:, :width]
    widest = float(np.abs(start).max(initial=0.0))
    start *= 10.0 / widest if widest > 0 else 1.0  # UMAP's own starts span about ±10
    # A hair of noise, as UMAP adds to its own: equal points could never part.
    return start + np.random.default_rng(seed).normal(scale=1e-4, size=start.shape).astype(np.float32)
