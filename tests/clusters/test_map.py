import numpy as np
from sklearn.neighbors import KNeighborsClassifier

from dnabert.clusters.graph import nearest_neighbors
from dnabert.clusters.map import map_coordinates


def test_the_map_is_seeded_and_keeps_far_groups_apart() -> None:
    rng = np.random.default_rng(0)
    points = np.concatenate([rng.normal(size=(60, 5)), 30 + rng.normal(size=(60, 5))]).astype(np.float32)
    neighbors = nearest_neighbors(points, k=20)
    first, again = (map_coordinates(points, neighbors, seed=1) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    assert first.shape == (120, 2) and first.dtype == np.float32
    middle = first[:60].mean(axis=0), first[60:].mean(axis=0)
    nearer_own = np.linalg.norm(first[:60] - middle[0], axis=1) < np.linalg.norm(first[:60] - middle[1], axis=1)
    assert nearer_own.all()


def test_equal_points_and_very_few_points_have_a_map() -> None:
    for points in (np.ones((30, 3), np.float32), np.eye(3, dtype=np.float32)):
        assert np.isfinite(map_coordinates(points, nearest_neighbors(points, k=10))).all()


def test_of_a_large_set_a_sample_is_fitted_and_the_rest_placed_among_it() -> None:
    rng = np.random.default_rng(0)
    centres = 12 * rng.normal(size=(4, 5))
    group = rng.integers(0, 4, 600)
    points = (centres[group] + rng.normal(size=(600, 5))).astype(np.float32)
    neighbors = nearest_neighbors(points, k=20)
    placed, again = (map_coordinates(points, neighbors, sample=200, seed=1) for _ in range(2))
    np.testing.assert_array_equal(placed, again)
    assert placed.shape == (600, 2) and placed.dtype == np.float32 and np.isfinite(placed).all()
    fitted = np.isin(np.arange(600), np.random.default_rng(1).choice(600, 200, replace=False))
    nearest = KNeighborsClassifier(5).fit(placed[fitted], group[fitted])
    assert nearest.score(placed[~fitted], group[~fitted]) > 0.98


def test_a_set_no_larger_than_the_sample_is_fitted_as_a_whole() -> None:
    points = np.random.default_rng(0).normal(size=(80, 4)).astype(np.float32)
    neighbors = nearest_neighbors(points, k=20)
    np.testing.assert_array_equal(map_coordinates(points, neighbors, sample=80), map_coordinates(points, neighbors))


def test_chunks_of_placed_points_are_all_filled(monkeypatch) -> None:
    monkeypatch.setattr("dnabert.clusters.map._CHUNK", 70)
    points = np.random.default_rng(0).normal(size=(400, 4)).astype(np.float32)
    placed = map_coordinates(points, nearest_neighbors(points, k=20), sample=200)
    assert np.isfinite(placed).all() and np.abs(placed).max() < 100
