import numpy as np
import pytest
from sklearn import metrics

from dnabert.probes.scores import METRICS, score


@pytest.mark.parametrize("classes", [2, 4])
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
