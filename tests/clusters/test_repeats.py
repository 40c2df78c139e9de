import numpy as np
import pytest

from dnabert.clusters import ClusterConfig, StabilityConfig
from dnabert.clusters.graph import distance_graph, nearest_neighbors
from dnabert.clusters.repeats import cluster_once, kept_neighbors, place_left_out, repeat_clustering
from dnabert.clusters.subsample import subsample


def test_kept_neighbors_are_the_nearest_of_those_kept() -> None:
    points = np.random.default_rng(0).normal(size=(200, 4)).astype(np.float32)
    pool = nearest_neighbors(points, k=20)
    rows = subsample(np.arange(200), fraction=0.6, rng=np.random.default_rng(1))
    found = kept_neighbors(pool, points[rows], rows=rows, fewest=3)
    exact = nearest_neighbors(points[rows], k=5)
    np.testing.assert_array_equal(found.indices[:, :6], exact.indices)
    np.testing.assert_allclose(found.distances[:, :6], exact.distances, atol=1e-3)
    assert found.indices.min() >= 0
    graph = distance_graph(found, points[rows])
    assert graph.diagonal().sum() == 0 and graph.data.min() > 0


def test_a_window_that_lost_its_neighbours_finds_others() -> None:
    points = np.array([[0.0], [0.1], [0.2], [5.0], [5.1], [5.3], [5.6]], dtype=np.float32)
    rows = np.array([0, 3, 4, 5, 6])
    found = kept_neighbors(nearest_neighbors(points, k=2), points[rows], rows=rows, fewest=2)
    assert found.indices[0].tolist() == [0, 1, 2]
    np.testing.assert_allclose(found.distances[0], [0, 5.0, 5.1], rtol=1e-6)


@pytest.mark.parametrize("exact_below", [0, 20_000])
def test_repeats_are_the_same_for_the_same_seed(exact_below: int) -> None:
    blobs = np.repeat(4 * np.eye(3), 50, axis=0) + 0.3 * np.random.default_rng(0).normal(size=(150, 3))
    clustering = ClusterConfig(
        min_cluster_size=10, neighbors=12, map_neighbors=12, components=3, exact_below=exact_below
    )
    config = StabilityConfig(seeds=1, subsamples=2, fraction=0.8)
    first, again = (
        list(repeat_clustering(blobs, np.arange(150), clustering=clustering, config=config)) for _ in range(2)
    )
    assert [run.kind for run in first] == ["seed", "subsample", "subsample"]
    assert [len(run.rows) for run in first] == [150, 120, 120]
    assert not np.array_equal(first[1].rows, first[2].rows)
    for run, other in zip(first, again, strict=True):
        np.testing.assert_array_equal(run.rows, other.rows)
        np.testing.assert_array_equal(run.labels, other.labels)


def test_windows_left_out_are_placed_where_their_like_are() -> None:
    family = np.repeat(np.arange(3), 100)
    vectors = 20 * np.eye(3)[family] + 0.3 * np.random.default_rng(0).normal(size=(300, 3))
    vectors = np.concatenate([vectors, [[90.0, -90.0, 7.0]]])
    clustering = ClusterConfig(min_cluster_size=20, neighbors=30, components=3, normalise=False, scaling="center")
    rows = np.flatnonzero(np.arange(301) % 3 > 0)
    rows = rows[rows < 300]
    found = cluster_once(vectors[rows], clustering)
    left_out, placed = place_left_out(
        vectors, rows, found, min_samples=clustering.min_samples, groups=np.arange(301), seed=0
    )
    assert left_out.tolist() == sorted(set(range(301)) - set(rows.tolist()))
    assert placed[-1] == -1  # like none
    own = {label: set(family[rows[found.labels == label]].tolist()) for label in range(3)}
    taken = placed[:-1] >= 0
    assert taken.mean() > 0.85 and all(
        {family[window]} == own[label] for window, label in zip(left_out[:-1][taken], placed[:-1][taken], strict=True)
    )
