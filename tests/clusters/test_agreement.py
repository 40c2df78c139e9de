import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import adjusted_mutual_info_score, adjusted_rand_score

from dnabert.clusters.agreement import agreement


@settings(max_examples=40, deadline=None)
@given(st.integers(12, 200), st.integers(1, 8), st.integers(1, 5), st.integers(0, 99))
def test_values_equal_scikit_learn(n: int, clusters: int, classes: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    labels, column = rng.integers(-1, clusters, n), rng.integers(0, classes, n)
    scores = agreement(labels, column, resamples=5)
    np.testing.assert_allclose(scores["ari"].value, adjusted_rand_score(column, labels), atol=1e-9)
    np.testing.assert_allclose(scores["ami"].value, adjusted_mutual_info_score(column, labels), atol=1e-6)


def test_interval_of_unrelated_partitions_holds_zero_and_of_related_ones_does_not() -> None:
    rng = np.random.default_rng(0)
    labels, column = rng.integers(0, 30, 5_000), rng.integers(0, 4, 5_000)
    for score in agreement(labels, column).values():
        assert score.low < 0 < score.high
        assert score.high - score.low < 0.02
    related = np.where(rng.random(5_000) < 0.3, labels % 4, column)
    assert all(score.low > 0.001 for score in agreement(labels, related).values())


def test_classes_may_be_words() -> None:
    assert agreement(np.array([0, 0, 1]), np.array(["a", "a", "b"]))["ari"].value == 1.0
