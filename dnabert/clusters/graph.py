"""One graph of nearest neighbours, shared by the map and by the clusters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dnabert.compilation import import_compiled
from dnabert.progress import counted_lines

if TYPE_CHECKING:
    from scipy.sparse import csr_array

#: Equal windows have distance 0, which a sparse matrix cannot tell from "no edge".
_TINY = 1e-9
#: Points of a stray component that look for their nearest point outside; enough to place the bridge. Fewer where so
#: many components have so many points outside that more than this many distances would be taken: bridges are then not
#: the very shortest.
_BRIDGE_POINTS = 256
_BRIDGE_DISTANCES = 1 << 31
#: Distances held at once.
_BLOCK = 1 << 23


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
    NNDescent = import_compiled("pynndescent").NNDescent
    # Clusters of near-copies trap the descent; 5 more candidates than asked lifts the recall.
    with counted_lines(f"neighbours of {len(points):,} windows", unit=" rounds"):
        index = NNDescent(points, n_neighbors=k + 6, random_state=seed, low_memory=True, verbose=True)
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
        a, b, distance = _bridges(points, component, rng=rng)
        bridge = scipy.sparse.csr_array((np.maximum(distance, _TINY), (a, b)), shape=graph.shape)
        graph = graph.maximum(bridge.maximum(bridge.T)).tocsr()


def _bridges(
    points: np.ndarray, component: np.ndarray, *, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of each component but the largest, (a sample of) its points and all outside, the shortest pair: from, to and how
    far, (components - 1,) each."""
    sizes = np.bincount(component)
    stray = np.flatnonzero(np.arange(len(sizes)) != sizes.argmax())
    most = int(np.clip(_BRIDGE_DISTANCES // (len(stray) * len(points)), 1, _BRIDGE_POINTS))
    by_component = np.split(np.argsort(component, kind="stable"), np.cumsum(sizes)[:-1])
    asking = np.concatenate([_some_of(by_component[label], points, most=most, rng=rng) for label in stray])
    nearest, distance = _nearest_outside(points, component, asking)
    order = np.lexsort((distance, component[asking]))  # of each component the shortest comes first
    first = order[np.unique(component[asking][order], return_index=True)[1]]
    return asking[first], nearest[first], distance[first]


def _some_of(members: np.ndarray, points: np.ndarray, *, most: int, rng: np.random.Generator) -> np.ndarray:
    """Members that differ from each other: copies of a sequence have one bridge."""
    members = members[np.sort(np.unique(points[members], axis=0, return_index=True)[1])]
    return members if len(members) <= most else np.sort(rng.choice(members, most, replace=False))


def _nearest_outside(points: np.ndarray, component: np.ndarray, asking: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of each of the points that ask the nearest of another component, int64 (m,), and its distance, float64 (m,)."""
    exact = points.astype(np.float64)
    square = np.einsum("ij,ij->i", exact, exact)
    nearest = np.empty(len(asking), dtype=np.int64)
    step = max(1, _BLOCK // len(points))
    for begin in range(0, len(asking), step):
        own = asking[begin : begin + step]
        # but for the asking point's own square, which is the same in its row
        squared = square - 2 * exact[own] @ exact.T
        squared[component[own][:, None] == component] = np.inf
        nearest[begin : begin + step] = squared.argmin(axis=1)
    return nearest, np.linalg.norm(exact[asking] - exact[nearest], axis=1)
