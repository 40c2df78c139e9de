import tracemalloc

import numpy as np
import pytest
from scipy.stats import binom
from sklearn import metrics

from dnabert.probes.scores import METRICS, score, score_difference


@pytest.mark.parametrize("classes", [2, 3, 4])
def test_equals_scikit_learn(classes):
    rng = np.random.default_rng(0)
    labels = rng.integers(classes, size=300)
    probabilities = rng.dirichlet(np.ones(classes), size=300) + np.eye(classes)[labels] * 0.3
    probabilities /= probabilities.sum(1, keepdims=True)
    predicted = probabilities.argmax(1)
    area = probabilities[:, 1] if classes == 2 else probabilities
    expected = {
        "mcc": metrics.matthews_corrcoef(labels, predicted),
        "accuracy": metrics.accuracy_score(labels, predicted),
        "f1": metrics.f1_score(labels, predicted, average="macro"),
        "auc": metrics.roc_auc_score(labels, area, multi_class="ovr"),
    }
    found = score(labels, probabilities)
    assert tuple(found) == METRICS
    for name, value in expected.items():
        assert found[name].value == pytest.approx(value)
        assert found[name].low < value < found[name].high and found[name].n == 300


def test_a_constant_prediction_says_nothing():
    found = score(np.array([0, 1, 1, 1]), np.tile([0.2, 0.8], (4, 1)))
    assert found["mcc"].value == 0 and found["accuracy"].value == 0.75 and found["auc"].value == 0.5


def noisy(labels, *, share, seed):
    """Predictions that are right about `share` of the sequences."""
    wrong = np.random.default_rng(seed).random(len(labels)) > share
    return np.eye(2)[np.where(wrong, 1 - labels, labels)]


def test_a_difference_is_paired():
    labels = np.arange(400) % 2
    one = noisy(labels, share=0.8, seed=0)
    # the same but for its errors among the first twenty
    two = np.where(np.arange(400)[:, None] < 20, np.eye(2)[labels], one)
    found = score_difference(labels, two, one)["accuracy"]
    expected = (two.argmax(1) == labels).mean() - (one.argmax(1) == labels).mean()
    assert found.value == pytest.approx(expected) and found.low >= 0 and found.n == 400
    apart = score(labels, one)["accuracy"]
    assert found.high - found.low < (apart.high - apart.low) / 2
    same = score_difference(labels, one, one)
    # what 400, or 200, did not show
    assert all(found.value == 0 and -0.02 < found.low < 0 < found.high < 0.02 for found in same.values())
    assert same["accuracy"].high == pytest.approx(1 - 0.025 ** (1 / 400)) and same["mcc"].high == pytest.approx(
        1 - 0.025 ** (1 / 200)
    )


def test_a_difference_of_accuracies_has_the_error_of_a_mean():
    labels = np.arange(500) % 2
    one, two = noisy(labels, share=0.9, seed=0), noisy(labels, share=0.7, seed=1)
    found = score_difference(labels, one, two, resamples=4000)["accuracy"]
    each = (one.argmax(1) == labels).astype(float) - (two.argmax(1) == labels)
    error = each.std(ddof=1) / np.sqrt(500)
    assert (found.low, found.high) == pytest.approx(
        (each.mean() - 1.96 * error, each.mean() + 1.96 * error), abs=0.1 * error + 0.003
    )


def test_a_perfect_score_has_the_interval_of_what_as_many_sequences_can_hide():
    """Of a classifier that errs once in a hundred, 37 of 100 tests of a hundred show no error: [1, 1] would hold what
    is true in 63."""
    true = {"mcc": 0.98, "accuracy": 0.99, "f1": 0.99, "auc": 0.99}
    labels = np.arange(100) % 2
    found = [score(labels, noisy(labels, share=0.99, seed=seed), resamples=50) for seed in range(100)]
    for name, value in true.items():
        assert np.mean([each[name].low <= value <= each[name].high for each in found]) >= 0.93
    rare = score(np.arange(100) // 95, np.eye(2)[np.arange(100) // 95])  # a few resamples have none of the five
    assert rare["accuracy"].low == pytest.approx(0.025 ** (1 / 100))
    assert all(
        rare[name].low == pytest.approx(0.025 ** (1 / 5)) and rare[name].high == 1 for name in ("mcc", "f1", "auc")
    )
    constant = score(labels, np.tile([0.4, 0.6], (100, 1)))["mcc"]
    assert constant.low < constant.value == 0 < constant.high


def test_an_error_more_makes_no_score_surer():
    labels = np.arange(200) % 2
    found = [score(labels, np.eye(2)[np.where(np.arange(200) < errors, 1 - labels, labels)]) for errors in range(16)]
    for name in METRICS:
        assert np.diff([each[name].low for each in found]).max() <= 0
    # the reference: how often the errors of a known rate, a binomial count, give an interval that holds it
    for rate in (0.002, 0.005, 0.01, 0.016, 0.018):
        held = [each["accuracy"].low <= 1 - rate <= each["accuracy"].high for each in found]
        assert binom.pmf(np.arange(16), 200, rate) @ held > 0.95


def test_no_interval_leaves_what_a_score_can_be():
    """Of predictions that are always wrong: all but Matthews' correlation end at 0, that at -1."""
    labels = np.arange(40) % 2
    right, wrong = np.eye(2)[labels], np.eye(2)[1 - labels]
    worst, differences = score(labels, wrong, resamples=20), score_difference(labels, wrong, right, resamples=20)
    for name, least in (("mcc", -1), ("accuracy", 0), ("f1", 0), ("auc", 0)):
        assert worst[name].value == worst[name].low == least
        assert differences[name].value == differences[name].low == least - 1
        assert score_difference(labels, right, wrong, resamples=20)[name].high == 1 - least


def test_several_trainings_are_averaged_and_widen_the_interval():
    labels = np.arange(300) % 2
    runs = [noisy(labels, share=share, seed=1) for share in (0.6, 0.75, 0.9)]
    found, one = score(labels, runs)["accuracy"], score(labels, runs[1])["accuracy"]
    assert found.value == pytest.approx(np.mean([score(labels, run, resamples=0)["accuracy"].value for run in runs]))
    assert found.high - found.low > one.high - one.low
    assert score(labels, [runs[1]]) == score(labels, runs[1])
    assert np.isnan(score(labels, runs, resamples=0)["mcc"].low)


def test_resamples_are_drawn_one_at_a_time():
    labels = np.arange(50_000) % 2
    tracemalloc.start()
    try:
        score(labels, noisy(labels, share=0.8, seed=0), resamples=100)
        assert tracemalloc.get_traced_memory()[1] < 20_000_000  # all draws are 40 MB
    finally:
        tracemalloc.stop()


def test_lists_are_read_and_what_is_no_prediction_is_told():
    """Of a list of labels it was *operands could not be broadcast together with shapes (8,) (4,)*."""
    labels, right = [0, 1, 1, 0], np.eye(2)[[0, 1, 1, 0]]
    assert score(labels, right, resamples=0)["mcc"].value == 1.0
    assert score_difference(np.array(labels) > 0, right, 1 - right, resamples=5)["accuracy"].value == 1.0
    with pytest.raises(ValueError, match=r"^labels are <U1 of shape \(2,\), allowed is whole numbers \(n,\)"):
        score(["a", "b"], np.eye(2))
    for wrong in (right[:, 1], right[:3], right[:, :1], right.tolist()):
        with pytest.raises(ValueError, match=r"^probabilities have shape .*, allowed is \(4, classes\), of 2 classes"):
            score(labels, wrong)
        with pytest.raises(ValueError, match=r"^probabilities have shape"):
            score_difference(labels, right, wrong)
