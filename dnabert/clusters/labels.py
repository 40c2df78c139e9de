"""Cluster labels: HDBSCAN on the neighbour graph, and k-means beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dnabert.clusters.config import ClusterConfig
from dnabert.clusters.graph import Neighbors, distance_graph

if TYPE_CHECKING:
    from scipy.sparse import csr_array


def graph_labels(points: np.ndarray, neighbors: Neighbors, config: ClusterConfig) -> tuple[np.ndarray, np.ndarray]:
    """HDBSCAN's labels and probabilities (see `density_labels`) of float32 points (n, c) on their neighbour graph."""
    return density_labels(
        distance_graph(neighbors, points, seed=config.seed),
        min_cluster_size=min(config.min_cluster_size, len(points)),
        min_samples=min(config.min_samples, neighbors.indices.shape[1]),
        selection=config.selection,
        largest=None if config.largest_share == 1 else max(2, int(config.largest_share * len(points))),
    )


def density_labels(
    graph: csr_array,
    *,
    min_cluster_size: int = 25,
    min_samples: int = 3,
    selection: str = "leaf",
    largest: int | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """HDBSCAN (Campello et al. 2013; scikit-learn's) on a connected sparse distance graph.

    scikit-learn's HDBSCAN of points compares all pairs in 50 dimensions; the minimum spanning tree of the neighbour
    graph is the same tree wherever neighbours decide, at a cost in proportion to the edges.

    Parameters
    ----------
    graph : symmetric, connected csr (n, n) with positive distances, each row with at least `min_samples` of them.
    min_cluster_size, min_samples, selection : as in `ClusterConfig`.
    largest : most windows of a cluster; none: any number. Of a larger one its parts are taken; of a larger leaf
        nothing.

    Returns
    -------
    labels : int32 (n,), -1 for noise; numbered by falling size, 0 the largest.
    probability : float32 (n,), strength of membership, 0 for noise.
    """
    from sklearn.cluster import HDBSCAN

    model = HDBSCAN(
        metric="precomputed",
        min_cluster_size=min_cluster_size,
        # Points count themselves in scikit-learn's min_samples; rows of a sparse graph hold no diagonal.
        min_samples=max(1, min_samples - 1),
        cluster_selection_method=selection,
        max_cluster_size=largest,
        copy=True,
    ).fit(graph)
    found = model.labels_
    probability = np.nan_to_num(model.probabilities_).astype(np.float32)
    if selection == "leaf" and largest is not None:  # scikit-learn limits none: a leaf has no parts to take instead
        sizes = np.bincount(found[found >= 0], minlength=1)
        huge = (found >= 0) & (sizes[found] > largest)
        found = np.where(huge, -1, found)
        probability = np.where(huge, 0, probability).astype(np.float32)
    return by_size(found), probability


def kmeans_labels(points: np.ndarray, *, clusters: int = 20, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Mini-batch k-means (Sculley 2010) of float32 (n, d): int32 labels (n,) by falling size, float32 centroids."""
    from sklearn.cluster import MiniBatchKMeans

    model = MiniBatchKMeans(min(clusters, len(points)), random_state=seed, batch_size=4096, n_init=3).fit(points)
    labels = by_size(model.labels_)
    return labels, centroids(points, labels)


def by_size(labels: np.ndarray) -> np.ndarray:
    """Number clusters by falling size (ties: by first member); -1 stays -1.

    Examples
    --------
    >>> import numpy as np
    >>> by_size(np.array([3, 1, 1, -1])).tolist()
    [1, 0, 0, -1]
    """
    found, first, inverse, sizes = np.unique(labels, return_index=True, return_inverse=True, return_counts=True)
    order = sorted(np.flatnonzero(found >= 0), key=lambda i: (-sizes[i], first[i]))
    number = np.full(len(found), -1, dtype=np.int32)
    number[order] = np.arange(len(order), dtype=np.int32)
    return number[inverse]


def centroids(points: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Mean point of each label 0, 1, …: float32 (c, d); noise (-1) has none."""
    count = int(labels.max(initial=-1)) + 1
    member = labels >= 0
    total = np.zeros((count, points.shape[1]))
    np.add.at(total, labels[member], points[member])
    sizes = np.bincount(labels[member], minlength=count)[:, None]
    return (total / np.maximum(sizes, 1)).astype(np.float32)
