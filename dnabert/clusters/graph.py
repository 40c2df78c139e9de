"""One graph of nearest neighbours, shared by the map and by the clusters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from scipy.sparse import csr_array

#: Equal windows have distance 0, which a sparse matrix cannot tell from "no edge".
_TINY = 1e-9
#: Points of a stray component that look for their nearest point outside; enough to place the bridge.
_BRIDGE_POINTS = 256


@dataclass(frozen=True)
class Neighbors:
    """The k nearest neighbours of every point, nearest first, the point itself in column 0.

    Attributes
    ----------
    indices : int32 (n, k + 1); a point with fewer neighbours than k repeats itself in the last columns
    distances : float32 (n, k + 1), Euclidean
    exact : whether they are exact or from nearest-neighbour descent
    """

    indices: np.ndarray
    distances: np.ndarray
    exact: bool


def nearest_neighbors(points: np.ndarray, *, k: int = 30, exact_below: int = 20_000, seed: int = 0) -> Neighbors:
    """Euclidean nearest neighbours: exact for few points, nearest-neighbour descent (Dong et al. 2011) for many.

    Parameters
    ----------
    points : float32 (n, d).
    k : neighbours beside the point itself, cut to n - 1.
    exact_below : up to this n every distance is computed.
    seed : of the descent; the same seed gives the same graph.

    Examples
    --------
    >>> import numpy as np
    >>> nearest_neighbors(np.array([[0.0], [1.0], [5.0]]), k=1).indices.tolist()
    [[0, 1], [1, 0], [2, 1]]
    """
    points = np.ascontiguousarray(points, dtype=np.float32)
    k = min(k, len(points) - 1)
    exact = len(points) <= max(exact_below, 4 * k)
    indices, distances = _exact(points, k=k) if exact else _descent(points, k=k, seed=seed)
    return Neighbors(*_self_first(indices, distances), exact)


def distance_graph(neighbors: Neighbors, points: np.ndarray, *, seed: int = 0) -> csr_array:
    """Symmetric sparse distances (n, n) between neighbours, made one connected component by a few bridges.

    An edge stands where either end counts the other among its neighbours, so that every point keeps all of its own.
    """
    import scipy.sparse

    n, width = neighbors.indices.shape
    rows = np.repeat(np.arange(n), width - 1)
    columns = neighbors.indices[:, 1:].ravel()
    values = np.maximum(neighbors.distances[:, 1:].ravel().astype(np.float64), _TINY)
    others = columns != rows
    graph = scipy.sparse.csr_array((values[others], (rows[others], columns[others])), shape=(n, n))
    return _connect(graph.maximum(graph.T).tocsr(), points, seed=seed)


def _exact(points: np.ndarray, *, k: int) -> tuple[np.ndarray, np.ndarray]:
    from sklearn.neighbors import NearestNeighbors

    distances, indices = NearestNeighbors(n_neighbors=k + 1, algorithm="brute").fit(points).kneighbors(points)
    return indices.astype(np.int32), distances.astype(np.float32)


def _descent(points: np.ndarray, *, k: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    from pynndescent import NNDescent

    # Clusters of near-copies trap the descent; 5 more candidates than asked lifts the recall.
    index = NNDescent(points, n_neighbors=k + 6, random_state=seed, low_memory=True)
    indices, distances = index.neighbor_graph
    return indices[:, : k + 1].astype(np.int32), distances[:, : k + 1].astype(np.float32)


def _self_first(indices: np.ndarray, distances: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Put the point itself into column 0; among equal points it may stand anywhere or be missing."""
    own = np.arange(len(indices), dtype=indices.dtype)[:, None]
    others = indices != own
    others[others.all(axis=1), -1] = False  # itself was not found: the farthest gives way
    rest = others.sum(axis=1)[0]
    indices = np.hstack([own, indices[others].reshape(len(indices), rest)])
    distances = np.hstack([np.zeros((len(indices), 1), np.float32), distances[others].reshape(len(indices), rest)])
    return indices, distances


def _connect(graph: csr_array, points: np.ndarray, *, seed: int) -> csr_array:
    import scipy.sparse
    from scipy.sparse.csgraph import connected_components

    rng = np.random.default_rng(seed)
    while True:
        count, component = connected_components(graph, directed=False)
        if count == 1:
            return graph
        bridges = [_bridge(points, component == label, rng=rng) for label in _small_components(component)]
        a, b, distance = (np.array(column) for column in zip(*bridges, strict=True))
        bridge = scipy.sparse.csr_array((np.maximum(distance, _TINY), (a, b)), shape=graph.shape)
        graph = graph.maximum(bridge.maximum(bridge.T)).tocsr()


def _small_components(component: np.ndarray) -> np.ndarray:
    sizes = np.bincount(component)
    return np.flatnonzero(np.arange(len(sizes)) != sizes.argmax())


def _bridge(points: np.ndarray, inside: np.ndarray, *, rng: np.random.Generator) -> tuple[int, int, float]:
    """The shortest pair between (a sample of) the points inside and all points outside."""
    from sklearn.metrics import pairwise_distances_argmin_min

    members, others = np.flatnonzero(inside), np.flatnonzero(~inside)
    if len(members) > _BRIDGE_POINTS:
        members = np.sort(rng.choice(members, _BRIDGE_POINTS, replace=False))
    nearest, distance = pairwise_distances_argmin_min(points[members], points[others])
    best = int(distance.argmin())
    return int(members[best]), int(others[nearest[best]]), float(distance[best])
