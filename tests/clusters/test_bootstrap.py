import numpy as np
import pytest
from scipy.stats import binomtest, sem, t

from dnabert.clusters import bootstrap
from dnabert.clusters.bootstrap import bootstrap_mean, resampled_means


def test_interval_of_a_proportion_is_the_textbook_one() -> None:
    score = bootstrap_mean(np.arange(1_000) < 300, resamples=4_000)
    half = 1.96 * np.sqrt(0.3 * 0.7 / 1_000)
    np.testing.assert_allclose([score.value, score.low, score.high], [0.3, 0.3 - half, 0.3 + half], atol=0.003)


def test_interval_of_a_mean_is_the_textbook_one() -> None:
    values = np.random.default_rng(0).normal(size=2_000)
    score = bootstrap_mean(values, resamples=4_000)
    assert abs((score.high - score.low) / 2 - 1.96 * values.std() / np.sqrt(2_000)) < 0.003
    assert score == bootstrap_mean(values, resamples=4_000)


@pytest.mark.parametrize("right", [True, False])
@pytest.mark.parametrize("copies", [1, 3])
def test_all_right_or_all_wrong_has_the_exact_interval_of_a_proportion(right: bool, copies: int) -> None:
    """Clopper and Pearson's, of the places: resamples of all right are all right, and [1, 1] of a dozen windows is no
    interval."""
    score = bootstrap_mean(np.full(12 * copies, right), groups=np.repeat(np.arange(12), copies))
    exact = binomtest(12 * int(right), 12).proportion_ci(method="exact")
    assert (score.value, score.low, score.high) == pytest.approx(
        (float(right), exact.low, exact.high)
    ) and score.n == 12 * copies
    # of measured numbers, such as Jaccard indices, nothing is known between 0 and 1
    assert bootstrap_mean(np.ones(10)).low == 1.0


def test_of_few_places_an_interval_is_students() -> None:
    """Resamples of three places are far too alike, and those of one are all the same: [0.62, 0.62] is no interval."""
    values = np.repeat([0.1, 0.15, 0.26], 40)
    score = bootstrap_mean(values, groups=np.repeat(np.arange(3), 40), resamples=20_000)
    low, high = t.interval(0.95, 2, loc=values.mean(), scale=sem([0.1, 0.15, 0.26]))
    assert (score.low, score.high) == pytest.approx((low, high), abs=0.005)
    right = np.arange(50) % 3 > 0
    assert (bootstrap_mean(right, groups=np.zeros(50)).low, bootstrap_mean(right, groups=np.zeros(50)).high) == (
        0.0,
        1.0,
    )
    assert (
        bootstrap_mean(right * 0.3, groups=np.zeros(50)).low,
        bootstrap_mean(right * 0.3, groups=np.zeros(50)).high,
    ) == (-1.0, 1.0)
    assert bootstrap_mean(np.ones(50, bool), groups=np.zeros(50)).low == 0.0


def test_of_five_places_an_interval_is_of_percentiles() -> None:
    values = np.repeat([0.1, 0.15, 0.2, 0.26, 0.3], 4)
    for count, students in ((4, True), (5, False)):
        own, groups = values[: 4 * count], np.repeat(np.arange(count), 4)
        score = bootstrap_mean(own, groups=groups, resamples=400)
        low, high = np.quantile(resampled_means(own, groups=groups, resamples=400), [0.025, 0.975])
        assert (score.low < low and high < score.high) if students else (score.low, score.high) == (low, high)


def test_resamples_are_the_same_whatever_is_held_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(1).normal(size=30)
    whole = bootstrap_mean(values, resamples=100)
    monkeypatch.setattr(bootstrap, "_BLOCK", 30 * 7)  # fourteen times seven, and two
    assert bootstrap_mean(values, resamples=100) == whole
    monkeypatch.setattr(bootstrap, "_BLOCK", 29)
    assert bootstrap_mean(values, resamples=100) == whole


def test_no_values_give_nan() -> None:
    score = bootstrap_mean(np.array([]))
    assert score.n == 0 and np.isnan([score.value, score.low, score.high]).all()


def test_the_interval_of_a_mean_draws_groups_whole() -> None:
    values = np.random.default_rng(0).random(200) < 0.4
    copied = bootstrap_mean(np.repeat(values, 5), groups=np.repeat(np.arange(200), 5), resamples=4_000)
    half = 1.96 * np.sqrt(values.mean() * (1 - values.mean()) / 200)
    np.testing.assert_allclose([copied.low, copied.high], [values.mean() - half, values.mean() + half], atol=0.006)
    assert copied.n == 1_000


def test_means_of_the_same_groups_and_seed_are_paired() -> None:
    values = np.random.default_rng(0).normal(size=100)
    np.testing.assert_allclose(resampled_means(values + 1.0), resampled_means(values) + 1.0)
