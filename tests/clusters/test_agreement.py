import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import adjusted_mutual_info_score, adjusted_rand_score

from dnabert.clusters.agreement import agreement, agreement_between


@settings(max_examples=40)
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


def test_agreement_is_that_of_scikit_learn_on_common_windows() -> None:
    rng = np.random.default_rng(0)
    first, second = rng.integers(-1, 3, 40), rng.integers(-1, 4, 30)
    found = agreement_between([(np.arange(40), first), (np.arange(10, 40), second)])
    assert found["ari"][0][1] == found["ari"][1][0] == adjusted_rand_score(first[10:], second)
    assert found["ami"][0][1] == pytest.approx(adjusted_mutual_info_score(first[10:], second))
    both = (first[10:] >= 0) & (second >= 0)
    assert found["ari_clustered"][0][1] == adjusted_rand_score(first[10:][both], second[both])
    assert found["clustered_in_both"][0][1] == both.mean()
    apart = agreement_between([(np.arange(3), np.array([0, 0, -1])), (np.arange(3), np.array([-1, -1, 0]))])
    assert apart["ari_clustered"][0][1] is None


def test_copies_of_a_block_do_not_narrow_the_interval() -> None:
    rng = np.random.default_rng(0)
    column = rng.integers(0, 3, 300)
    labels = np.where(rng.random(300) < 0.5, column, rng.integers(0, 3, 300))
    alone = agreement(labels, column, groups=np.arange(300), resamples=1_000)
    copied = agreement(np.repeat(labels, 4), np.repeat(column, 4), groups=np.repeat(np.arange(300), 4), resamples=1_000)
    naive = agreement(np.repeat(labels, 4), np.repeat(column, 4), resamples=1_000)
    width = {
        name: score.high - score.low
        for name, score in (("alone", alone["ari"]), ("copied", copied["ari"]), ("naive", naive["ari"]))
    }
    assert width["copied"] == pytest.approx(width["alone"], rel=0.05) and width["naive"] < 0.65 * width["copied"]


def test_of_one_place_nothing_is_known_of_the_agreement() -> None:
    labels, column = np.array([0, 0, 1, 1, 0, 1]), np.array(list("aabbab"))
    for score in agreement(labels, column, groups=np.zeros(6)).values():
        assert (score.value, score.low, score.high) == (1.0, -1.0, 1.0)


def test_an_interval_ends_where_agreement_does() -> None:
    labels, column = np.tile([0, 0, 1, 1], 6), np.tile(list("aabb"), 6)
    labels[:3] ^= 1  # of three places one alone differs: Student's t of these reaches beyond both ends
    for score in agreement(labels, column, groups=np.repeat(np.arange(3), 8)).values():
        assert 0.4 < score.value < 0.6 and (score.low, score.high) == (-1.0, 1.0)
