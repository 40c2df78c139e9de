import numpy as np

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
