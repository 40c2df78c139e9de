import tracemalloc

import numpy as np
import pytest
from scipy.stats import t

from dnabert.clusters.calibration import THRESHOLDS, cross_fitted, fit_curve, operating_points, reliability


def simulated(n: int = 20_000, *, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Scores whose probability of being right is known: score, right, probability."""
    rng = np.random.default_rng(seed)
    score = rng.gamma(4.0, 0.3, n)
    truth = 1 / (1 + np.exp(6 * (score - 1)))
    return score, rng.random(n) < truth, truth


def test_probabilities_of_held_out_match_their_frequencies() -> None:
    score, right, truth = simulated()
    probability = cross_fitted(score, right, groups=np.arange(len(score)))
    assert np.abs(probability - truth).mean() < 0.02
    measured = reliability(probability, right)
    assert measured["expected_calibration_error"] < 0.02
    assert sum(each["n"] for each in measured["bins"]) == len(score)
    fresh, outcome, _ = simulated(seed=1)
    assert reliability(fit_curve(score, right)(fresh), outcome)["expected_calibration_error"] < 0.02


def test_curve_falls_and_never_promises_certainty() -> None:
    curve = fit_curve(np.array([3.0, 1.0, 2.0, np.inf]), np.array([False, True, True, False]))
    assert curve(np.array([0.0, 1.0, 2.0, 3.0, 99.0, np.inf])).tolist() == pytest.approx(
        [0.75, 0.75, 0.75, 1 / 3, 0, 0]
    )
    assert fit_curve(np.array([1.0, np.inf]), np.array([False, False]))(np.array([0.5])).tolist() == [0.0]
    one = fit_curve(np.array([1.0]), np.array([True]))
    assert one(np.array([1.0]))[0] == pytest.approx(0.5, abs=0.2)


def test_a_group_does_not_answer_for_itself() -> None:
    # one group is always right, the others are always wrong: without itself it looks wrong
    score = np.zeros(40)
    groups = np.repeat(np.arange(10), 4)
    probability = cross_fitted(score, groups == 3, groups=groups)
    assert probability[groups == 3].max() == 0.0


def test_operating_points_by_hand() -> None:
    probability = np.array([0.97, 0.97, 0.97, 0.6, 0.6, 0.2])
    right = np.array([True, True, True, True, False, True])
    member = np.array([True, True, True, True, False, True])
    points = operating_points(probability, right, member, groups=np.arange(6))
    at = {point["probability"]: point for point in points}
    assert list(at) == [threshold for threshold in THRESHOLDS if threshold <= 0.97]
    assert (at[0.5]["accepted"], at[0.5]["wrong"], at[0.5]["error"]) == (5, 1, 0.2)
    assert at[0.5]["false_reject"] == pytest.approx(1 / 5)
    assert at[0.5]["low"] <= 0.2 <= at[0.5]["high"]
    assert at[0.95]["error"] == 0 and at[0.95]["high"] == 1.0  # the rule of three: 3 / 3 groups
    assert at[0.95]["false_reject"] == pytest.approx(2 / 5)
    assert operating_points(np.zeros(3), np.zeros(3, bool), np.ones(3, bool), groups=np.arange(3)) == []


def test_intervals_count_groups_not_windows() -> None:
    rng = np.random.default_rng(0)
    right = np.repeat(rng.random(50) < 0.9, 40)
    probability, member = np.ones(2000), np.ones(2000, bool)
    apart = operating_points(probability, right, member, groups=np.arange(2000))[0]
    together = operating_points(probability, right, member, groups=np.repeat(np.arange(50), 40))[0]
    assert together["high"] - together["low"] > 3 * (apart["high"] - apart["low"])


def test_of_few_groups_accepted_the_interval_of_the_error_is_students() -> None:
    """Resamples of one group are all the same: 10 % [10, 10] of one group's windows is no interval."""
    groups = np.repeat(np.arange(3), 40)
    right = np.concatenate([np.arange(40) >= wrong for wrong in (2, 4, 9)])
    alone = operating_points(np.ones(40), right[40:80], np.ones(40, bool), groups=groups[40:80])[0]
    assert (alone["error"], alone["low"], alone["high"]) == (0.1, 0.0, 1.0)
    three = operating_points(np.ones(120), right, np.ones(120, bool), groups=groups)[0]
    half = t.ppf(0.975, 2) * np.std([0.05, 0.1, 0.225], ddof=1) / np.sqrt(3)
    assert three["low"] == 0.0 and three["high"] == pytest.approx(0.125 + half, abs=0.05)


def test_a_short_step_at_an_end_does_not_speak_for_the_others() -> None:
    right = np.repeat([True, False], 500)
    right[[1, 998]] = False, True  # of the surest windows the second is wrong, of the least sure the last but one right
    curve = fit_curve(np.arange(1000.0), right)
    assert curve(np.array([0.0, 499.0])) == pytest.approx(498 / 499) and curve(
        np.array([500.0, 999.0])
    ) == pytest.approx(1 / 499, abs=1e-3)


def test_many_groups_take_little_memory_and_how_many_are_drawn_at_once_does_not_matter(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rng = np.random.default_rng(0)
    probability, right = rng.random(50_000), rng.random(50_000) < 0.9
    tracemalloc.start()
    whole = operating_points(probability, right, right, groups=np.arange(50_000))
    assert tracemalloc.get_traced_memory()[1] < 60e6  # with all weights at once 160
    tracemalloc.stop()
    monkeypatch.setattr("dnabert.clusters.calibration._WEIGHTS", 5_000_000)
    assert operating_points(probability, right, right, groups=np.arange(50_000)) == whole


def test_the_bins_of_reliability_are_ten_and_certainty_is_in_the_last() -> None:
    measured = reliability(np.array([0.05, 0.82, 0.88, 0.92, 1.0]), np.array([False, True, False, True, True]))
    assert [(each["n"], each["right"]) for each in measured["bins"]] == [(1, 0.0), (2, 0.5), (2, 1.0)]
    assert [each["probability"] for each in measured["bins"]] == pytest.approx([0.05, 0.85, 0.96])
    assert measured["expected_calibration_error"] == pytest.approx((0.05 + 2 * 0.35 + 2 * 0.04) / 5)
    assert reliability(np.zeros(0), np.zeros(0, bool)) == {"expected_calibration_error": None, "bins": []}
