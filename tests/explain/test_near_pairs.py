import numpy as np

from dnabert.explain.near_pairs import near_pairs


def test_pairs_share_neither_cluster_nor_locus_and_have_their_distance() -> None:
    rng = np.random.default_rng(0)
    points = rng.normal(size=(400, 3)).astype(np.float32)
    labels, locus = rng.integers(-1, 3, 400), rng.integers(0, 150, 400)
    found = near_pairs(points, labels, locus=locus, anchors=200)
    a, b = found.rows.T
    assert len(a) > 1_500 and (locus[a] != locus[b]).all() and ((labels[a] != labels[b]) | (labels[a] < 0)).all()
    assert np.allclose(found.distance, np.linalg.norm(points[a] - points[b], axis=1), atol=1e-3)
    assert (np.diff(found.distance) >= 0).all()
    allowed = (locus[:, None] != locus[None]) & ((labels[:, None] != labels[None]) | (labels[:, None] < 0))
    apart = np.where(allowed, np.linalg.norm(points[:, None] - points[None], axis=2), np.inf)
    for anchor in np.unique(a)[:20]:  # the nearest of all is there, for each anchor
        assert np.isclose(found.distance[a == anchor].min(), apart[anchor].min(), atol=1e-3)


def test_drawn_pairs_are_as_far_apart_and_not_both_in_the_cluster() -> None:
    rng = np.random.default_rng(1)
    points = rng.normal(size=(500, 2)).astype(np.float32)
    labels = np.where(np.arange(500) < 100, 0, -1)
    stock = near_pairs(points, labels, locus=np.arange(500), anchors=300)
    wanted = rng.uniform(0.3, 1.5, 200)
    drawn = stock.matching(wanted, without=labels == 0)
    assert len(drawn) > 150 and len(set(drawn.tolist())) == len(drawn)
    assert np.allclose(
        np.quantile(stock.distance[drawn], [0.1, 0.5, 0.9]), np.quantile(wanted, [0.1, 0.5, 0.9]), rtol=0.15
    )
    assert not (labels[stock.rows[drawn]] == 0).all(axis=1).any()
    assert len(stock.matching(np.array([1e6]), without=labels == 0)) == 0


def test_of_two_windows_there_is_one_pair() -> None:
    points = np.array([[0.0, 0.0], [3.0, 4.0]])
    assert near_pairs(points, np.array([-1, -1]), locus=np.arange(2)).distance.tolist() == [5.0, 5.0]
    assert len(near_pairs(points, np.array([0, 0]), locus=np.arange(2)).rows) == 0
