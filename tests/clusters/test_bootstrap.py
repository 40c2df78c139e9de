import numpy as np

from dnabert.clusters.bootstrap import bootstrap_mean


def test_interval_of_a_proportion_is_the_textbook_one() -> None:
    score = bootstrap_mean(np.arange(1_000) < 300, resamples=4_000)
    half = 1.96 * np.sqrt(0.3 * 0.7 / 1_000)
    np.testing.assert_allclose([score.value, score.low, score.high], [0.3, 0.3 - half, 0.3 + half], atol=0.003)


def test_interval_of_a_mean_is_the_textbook_one() -> None:
    values = np.random.default_rng(0).normal(size=2_000)
    score = bootstrap_mean(values, resamples=4_000)
    assert abs((score.high - score.low) / 2 - 1.96 * values.std() / np.sqrt(2_000)) < 0.003
    assert score == bootstrap_mean(values, resamples=4_000)


def test_no_values_give_nan() -> None:
    score = bootstrap_mean(np.array([]))
    assert score.n == 0 and np.isnan(score.value)
