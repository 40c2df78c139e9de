import numpy as np
import pytest
from sklearn.cluster import HDBSCAN
from sklearn.metrics import adjusted_rand_score

from dnabert.clusters.graph import distance_graph, nearest_neighbors
from dnabert.clusters.labels import by_size, centroids, density_labels, kmeans_labels


def blobs(seed: int, *, noise: int = 300) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    centers = rng.normal(size=(8, 10)) * 3
    member = np.repeat(np.arange(8), 60)
    points = np.concatenate([centers[member] + 0.3 * rng.normal(size=(480, 10)), 3 * rng.normal(size=(noise, 10))])
    return points.astype(np.float32), np.concatenate([member, np.full(noise, -1)])


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("selection", ["eom", "leaf"])
def test_labels_from_the_graph_equal_exact_hdbscan(seed: int, selection: str) -> None:
    points, _ = blobs(seed)
    graph = distance_graph(nearest_neighbors(points, k=30), points)
    labels, probability = density_labels(graph, min_cluster_size=20, min_samples=5, selection=selection)
    exact = HDBSCAN(min_cluster_size=20, min_samples=5, cluster_selection_method=selection, copy=True).fit(points)
    assert adjusted_rand_score(exact.labels_, labels) > 0.99
    np.testing.assert_array_equal(probability == 0, labels == -1)


def test_planted_clusters_are_found_and_the_spread_is_noise() -> None:
    points, truth = blobs(0)
    graph = distance_graph(nearest_neighbors(points, k=30), points)
    labels, _ = density_labels(graph, min_cluster_size=20, min_samples=5)
    assert labels.max() == 7
    assert adjusted_rand_score(truth[:480], labels[:480]) > 0.95
    assert (labels[480:] == -1).mean() > 0.7


def test_a_leaf_of_nearly_all_is_no_cluster() -> None:
    rng = np.random.default_rng(0)
    points = np.concatenate([rng.normal(size=(900, 5)), rng.normal(size=(60, 5)) + 30]).astype(np.float32)
    graph = distance_graph(nearest_neighbors(points, k=30), points)
    settings = {"min_cluster_size": 50, "min_samples": 15, "selection": "leaf"}
    assert (density_labels(graph, **settings)[0] == 0).mean() > 0.8
    labels, probability = density_labels(graph, **settings, largest=720)
    assert np.bincount(labels[labels >= 0]).max() <= 720 and (labels[900:] == 0).mean() > 0.5
    np.testing.assert_array_equal(probability == 0, labels == -1)


def test_a_cluster_of_nearly_all_gives_way_to_its_parts() -> None:
    """Two halves of one mass, and a few windows far from it: the most persistent cluster would be the mass."""
    rng = np.random.default_rng(0)
    centers = np.array([[0.0] * 10, [1.6] * 10, [40.0] * 10])
    points = (centers[np.repeat([0, 1, 2], [300, 300, 40])] + rng.normal(size=(640, 10))).astype(np.float32)
    graph = distance_graph(nearest_neighbors(points, k=30), points)
    fused, _ = density_labels(graph, min_cluster_size=20, min_samples=5, selection="eom")
    parted, _ = density_labels(graph, min_cluster_size=20, min_samples=5, selection="eom", largest=480)
    assert np.bincount(fused[fused >= 0]).max() > 480
    assert parted.max() == 2 and len(set(parted[:300][parted[:300] >= 0])) == 1


def test_clusters_are_numbered_by_falling_size() -> None:
    assert by_size(np.array([5, 5, 2, 2, 2, -1, 7])).tolist() == [1, 1, 0, 0, 0, -1, 2]
    assert by_size(np.array([-1, -1])).tolist() == [-1, -1]


def test_kmeans_is_seeded_and_its_centroids_are_means() -> None:
    points, truth = blobs(1, noise=0)
    labels, middle = kmeans_labels(points, clusters=8, seed=4)
    np.testing.assert_array_equal(labels, kmeans_labels(points, clusters=8, seed=4)[0])
    assert adjusted_rand_score(truth, labels) > 0.8
    np.testing.assert_allclose(middle[0], points[labels == 0].mean(axis=0), rtol=1e-4, atol=1e-5)


def test_noise_has_no_centroid() -> None:
    assert centroids(np.ones((3, 2)), np.array([-1, -1, -1])).shape == (0, 2)
    assert centroids(np.arange(6.0).reshape(3, 2), np.array([0, -1, 0])).tolist() == [[2.0, 3.0]]
