import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import RandomForestClassifier

from dnabert.explain import ClusteredWindows, label_prediction


def windows(labels: np.ndarray, block: np.ndarray) -> ClusteredWindows:
    table = pd.DataFrame({"label": labels, "block": block})
    return ClusteredWindows(table, lambda rows: np.zeros((len(rows), 8), dtype=np.uint8))


def test_a_small_cluster_counts_as_much_as_a_large_one() -> None:
    rng = np.random.default_rng(0)
    labels = np.repeat([-1, 0, 1], [900, 300, 60])
    features = {"gc": np.where(labels == 1, 5.0, rng.normal(size=1260)).astype(np.float32)}
    found = label_prediction(windows(labels, np.arange(1260)), features=features, most=200)
    recall = {row["label"]: row["recall"] for row in found["recall"]}
    assert recall[1] > 0.95 and found["n"] == 200 + 200 + 60
    assert 0.3 < recall[-1] < 0.7 and 0.3 < recall[0] < 0.7
    assert found["accuracy_majority"] == 900 / 1260 and found["balanced_accuracy_chance"] == 1 / 3
    assert found == label_prediction(windows(labels, np.arange(1260)), features=features, most=200)


def test_forests_grow_in_threads_and_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """They grew on one core, a minute and a half for 64 clusters."""
    rng = np.random.default_rng(2)
    labels = np.repeat([-1, 0, 1], [900, 300, 60])
    given = windows(labels, np.arange(1260))
    features = {name: (labels + rng.normal(size=1260)).astype(np.float32) for name in ("gc", "repeat")}
    grown: list[int | None] = []
    fit = RandomForestClassifier.fit

    def told(self: RandomForestClassifier, *data: np.ndarray) -> RandomForestClassifier:
        grown.append(self.n_jobs)
        return fit(self, *data)

    monkeypatch.setattr(RandomForestClassifier, "fit", told)
    found = [label_prediction(given, features=features, threads=threads) for threads in (1, 2, 5)]
    assert found[0] == found[1] == found[2] and 0.01 < found[0]["explained"] < 0.99
    assert grown == [1] * 5 + [2] * 5 + [5] * 5


def test_what_only_near_copies_share_is_not_learned() -> None:
    rng = np.random.default_rng(1)
    block = np.repeat(np.arange(60), 8)
    labels = rng.integers(-1, 2, 60)[block]
    fingerprint = {"gc": rng.normal(size=60)[block] + 1e-4 * rng.normal(size=480)}
    found = label_prediction(windows(labels, block), features=fingerprint)
    assert found["explained"] < 0.1
    alone = label_prediction(windows(labels, np.arange(480)), features=fingerprint)
    assert alone["explained"] > 0.3


def test_nothing_to_predict_or_to_predict_from() -> None:
    labels, apart = np.repeat([-1, 0], 10), np.arange(20)
    features = {"gc": np.arange(20.0)}
    for made, given in (
        (windows(np.zeros(20, int), apart), features),
        (windows(labels, apart), {}),
        (windows(labels, np.repeat([0, 1], 10)), features),
    ):
        found = label_prediction(made, features=given)
        assert found["explained"] is None and found["sentence"].startswith("Nothing")
