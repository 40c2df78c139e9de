import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse.csgraph import connected_components
from scipy.spatial.distance import cdist

from dnabert.clusters import graph
from dnabert.clusters.graph import _bridges, distance_graph, nearest_neighbors


def brute(points: np.ndarray, k: int) -> np.ndarray:
    distance = np.linalg.norm(points[:, None] - points[None], axis=2)
    return np.sort(distance, axis=1)[:, : k + 1]


@settings(max_examples=20)
@given(n=st.integers(3, 60), k=st.integers(1, 10), copies=st.booleans(), seed=st.integers(0, 9))
def test_exact_neighbors_equal_brute_force(n: int, k: int, copies: bool, seed: int) -> None:
    rng = np.random.default_rng(seed)
    points = rng.integers(0, 3, size=(n, 2)) if copies else rng.normal(size=(n, 4))
    found = nearest_neighbors(points.astype(np.float32), k=k)
    assert found.exact
    assert (found.indices[:, 0] == np.arange(n)).all()
    assert all(len(set(row)) == len(row) for row in found.indices.tolist())
    np.testing.assert_allclose(found.distances, brute(points, min(k, n - 1)), atol=1e-3)


def test_descent_finds_most_neighbors_and_repeats_itself() -> None:
    points = np.random.default_rng(0).normal(size=(1_500, 8)).astype(np.float32)
    exact = nearest_neighbors(points, k=10)
    found, again = (nearest_neighbors(points, k=10, exact_below=100, seed=3) for _ in range(2))
    assert not found.exact
    np.testing.assert_array_equal(found.indices, again.indices)
    recall = np.mean([len(set(a) & set(b)) / 11 for a, b in zip(exact.indices, found.indices, strict=True)])
    assert recall > 0.95


@pytest.mark.parametrize("copies", [False, True])
def test_stray_components_are_joined_by_few_edges(copies: bool) -> None:
    rng = np.random.default_rng(0)
    spread = 0.0 if copies else 0.1
    points = np.concatenate([center + spread * rng.normal(size=(30, 2)) for center in ([0, 0], [9, 0], [0, 9])])
    neighbors = nearest_neighbors(points.astype(np.float32), k=4)
    joined = distance_graph(neighbors, points)
    assert connected_components(joined, directed=False)[0] == 1
    assert (joined != joined.T).nnz == 0
    assert (joined.data > 0).all()
    own = {(a, b) for a, row in enumerate(neighbors.indices[:, 1:].tolist()) for b in row}
    bridges = {(a, b) for a, b in zip(*joined.nonzero(), strict=True)} - own - {(b, a) for a, b in own}
    assert len(bridges) <= 8  # both directions of at most 4


def test_a_bridge_is_the_shortest_way_out_of_a_component() -> None:
    rng = np.random.default_rng(0)
    points = np.concatenate(
        [center + rng.normal(size=(size, 3)) for center, size in (((0, 0, 0), 40), ((6, 0, 0), 25), ((0, 7, 1), 12))]
    )
    points = np.repeat(points, 2, axis=0).astype(np.float32)  # each is there twice
    component = np.repeat([1, 0, 2], [80, 50, 24])
    start, end, distance = _bridges(points, component, rng=rng)
    assert component[start].tolist() == [0, 2]
    for a, b, found in zip(start, end, distance, strict=True):
        apart = cdist(points[component == component[a]], points[component != component[a]])
        assert (
            found == pytest.approx(apart.min()) == pytest.approx(np.linalg.norm(points[a] - points[b]))
            and component[b] != component[a]
        )


def test_copies_of_a_sequence_look_for_one_bridge_and_of_many_some(monkeypatch: pytest.MonkeyPatch) -> None:
    rng, asked = np.random.default_rng(0), []
    nearest = graph._nearest_outside
    monkeypatch.setattr(
        graph,
        "_nearest_outside",
        lambda points, component, asking: (asked.append(asking), nearest(points, component, asking))[1],
    )
    points, component = np.repeat(np.eye(3, dtype=np.float32), [50, 40, 30], axis=0), np.repeat([0, 1, 2], [50, 40, 30])
    graph._bridges(points, component, rng=rng)
    assert component[asked[-1]].tolist() == [1, 2]
    points = points + rng.normal(size=points.shape).astype(np.float32)
    graph._bridges(points, component, rng=rng)
    assert len(asked[-1]) == 70
    monkeypatch.setattr(graph, "_BRIDGE_DISTANCES", 2 * 120 * 7)
    graph._bridges(points, component, rng=rng)
    assert np.bincount(component[asked[-1]]).tolist() == [0, 7, 7]
