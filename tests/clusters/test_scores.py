import numpy as np
import pytest
from sklearn.metrics import silhouette_score

from dnabert.clusters.scores import majority, neighbor_vote, silhouette
from dnabert.encoders.nearest import Places, nearest_other, standardised


def places(n: int, *, block: np.ndarray | None = None) -> Places:
    start = np.arange(n) * 10
    return Places(np.full(n, -1) if block is None else block, np.zeros(n, dtype=int), start, start + 10)


def test_nearest_equal_brute_force_without_the_same_place() -> None:
    rng = np.random.default_rng(0)
    n, vectors = 80, rng.normal(size=(80, 5))
    where = Places(rng.integers(-1, 6, n), rng.integers(0, 2, n), start := rng.integers(0, 300, n), start + 20)
    unit = standardised(vectors)
    found = nearest_other(vectors, where, k=10)
    for i in range(n):
        allowed = [
            j
            for j in range(n)
            if j != i
            and not (where.block[i] == where.block[j] >= 0)
            and not (where.sequence[i] == where.sequence[j] and abs(int(start[i]) - int(start[j])) < 20)
        ]
        assert found[i].tolist() == sorted(allowed, key=lambda j: -float(unit[i] @ unit[j]))[:10]


def test_a_copy_in_the_same_block_does_not_answer() -> None:
    vectors = np.repeat(np.random.default_rng(0).normal(size=(20, 6)), 2, axis=0)
    copies = nearest_other(vectors, places(40), k=1)[:, 0]
    assert (copies // 2 == np.arange(40) // 2).all()
    held_back = nearest_other(vectors, places(40, block=np.arange(40) // 2), k=1)[:, 0]
    assert (held_back // 2 != np.arange(40) // 2).all()


def test_where_nobody_else_is_left_nobody_answers() -> None:
    nearest = nearest_other(np.random.default_rng(0).normal(size=(3, 2)), places(3, block=np.zeros(3, dtype=int)), k=10)
    assert (nearest == -1).all()
    assert not neighbor_vote(nearest, np.array(["a", "a", "a"])).any()


def test_vote_takes_the_majority_and_at_a_tie_the_nearer() -> None:
    column = np.array(["a", "b", "b", "a"])
    nearest = np.array([[3, 1, -1], [0, 2, 3], [3, 0, 1], [1, 2, -1]])
    assert neighbor_vote(nearest, column).tolist() == [True, False, False, False]
    assert neighbor_vote(np.array([[1, 2], [2, 0], [0, 1], [1, 0]]), column).tolist() == [False, True, False, False]


def test_majority_is_the_share_of_the_largest_class() -> None:
    assert majority(np.array(["x"] * 7 + ["y"] * 3)).value == pytest.approx(0.7)


def test_copies_are_drawn_together() -> None:
    groups = np.repeat(np.arange(50), 20)
    column = np.where(groups % 2 == 0, "x", "y")
    column[groups == 1] = "x"
    alone, together = majority(column), majority(column, groups=groups)
    assert together.value == alone.value and together.high - together.low > 2 * (alone.high - alone.low)
    points = np.random.default_rng(0).normal(size=(1000, 2)) * 0.1 + (groups % 4)[:, None] * (1 + groups[:, None] / 25)
    labels = groups % 2
    alone, together = silhouette(points, labels), silhouette(points, labels, groups=groups)
    assert together.value == alone.value and together.high - together.low > 2 * (alone.high - alone.low)


def test_silhouette_equals_scikit_learn_and_leaves_noise_out() -> None:
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1, -1], 40)
    points = rng.normal(size=(120, 3)) + 2 * labels[:, None]
    score = silhouette(points, labels)
    assert score.value == pytest.approx(silhouette_score(points[:80], labels[:80]), abs=1e-6)
    assert score.low < score.value < score.high and score.n == 80
    assert silhouette(points, labels, sample=30).n <= 30
    assert np.isnan(silhouette(points, np.zeros(120, dtype=int)).value)
