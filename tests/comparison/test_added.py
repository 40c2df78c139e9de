from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from dnabert.comparison import added
from dnabert.comparison.added import added_to_counts

N = 400
CLASS = np.repeat([0, 1, 2, 3], N // 4)
TABLE = pd.DataFrame(
    {
        "repeat_class": CLASS,
        "genome": "g",
        "chrom": "1",
        "start": np.arange(N) * 100_000,
        "end": np.arange(N) * 100_000 + 300,
    }
)


class _Folder:
    def __init__(self, vectors: np.ndarray) -> None:
        self.vectors, self.table = vectors, TABLE


def one_hot(values: np.ndarray) -> np.ndarray:
    return np.eye(int(values.max()) + 1)[values]


def record(name: str, encoder: str, vectors: np.ndarray, *, shuffled: bool = False) -> dict[str, Any]:
    from dnabert.clusters.ladder import neighbor_hits

    right = neighbor_hits(vectors, TABLE)["knn10_repeat_class"]
    return {
        "rung": name,
        "encoder": encoder,
        "shuffled": shuffled,
        "metrics": {"knn10_repeat_class": {"value": right.mean(), "n": N}},
        "hits": {"knn10_repeat_class": "".join("01"[int(each)] for each in right)},
        "groups": {"knn10_repeat_class": list(range(N))},
    }


@pytest.fixture
def rungs(monkeypatch: pytest.MonkeyPatch) -> dict[str, np.ndarray]:
    """Counts tell 0, 1 from 2, 3; the model even from odd; neither knows more, and both together know all."""
    rng = np.random.default_rng(0)
    noise = {name: rng.normal(size=(N, 4)) for name in ("mine", "same", "lsa8", "random")}
    vectors = {
        "mine": np.hstack([6 * one_hot(CLASS % 2), noise["mine"]]),
        "same": np.hstack([6 * one_hot(CLASS // 2), noise["same"]]),
        "lsa8": np.hstack([6 * one_hot(CLASS // 2), noise["lsa8"]]),
        "random": noise["random"],
    }
    monkeypatch.setattr(added, "load_embeddings", lambda folder: _Folder(vectors[folder.name]))
    return vectors


def test_what_counts_do_not_know_is_added_and_what_they_know_is_not(rungs: dict[str, np.ndarray]) -> None:
    specs = {"mine": "runs/x", "same": "runs/y", "lsa8": "lsa:8", "random": "random:runs/x"}
    records = [record(name, specs[name], vectors) for name, vectors in rungs.items()]
    # none is better than another by itself
    assert max(each["metrics"]["knn10_repeat_class"]["value"] for each in records) < 0.65
    found = {row["rung"]: row for row in added_to_counts(records, Path("embeddings"))}
    assert set(found) == {"mine", "same"} and {row["beside"] for row in found.values()} == {"lsa8"}
    assert found["mine"]["outcome"] == "ahead" and found["mine"]["score"] > 0.95 and found["mine"]["low"] > 0.25
    assert found["mine"]["score"] - found["mine"]["baseline_score"] == pytest.approx(found["mine"]["value"])
    assert found["same"]["outcome"] != "ahead" and found["same"]["score"] < 0.65


def test_what_is_added_is_no_more_than_counts_leave(rungs: dict[str, np.ndarray]) -> None:
    """Where both name all but two of 400 alike, a hundred at once might have been added."""
    rungs["lsa8"] = rungs["mine"] = 6 * one_hot(np.where(np.arange(N) < 2, 3, CLASS))
    records = [record(name, spec, rungs[name]) for name, spec in (("mine", "runs/x"), ("lsa8", "lsa:8"))]
    for each in records:
        each["groups"] = {"knn10_repeat_class": np.repeat(np.arange(10), N // 10).tolist()}
    (row,) = added_to_counts(records, Path("embeddings"))
    assert row["score"] == row["baseline_score"] == 0.995 and row["value"] == 0
    assert 0.005 <= row["high"] < 0.05 and row["low"] == -row["high"]


def test_without_counts_or_a_trained_rung_there_is_nothing_to_add(rungs: dict[str, np.ndarray]) -> None:
    trained, counts = record("mine", "runs/x", rungs["mine"]), record("lsa8", "lsa:8", rungs["lsa8"])
    assert added_to_counts([trained], Path("e")) == [] == added_to_counts([counts], Path("e"))
    assert added_to_counts([trained | {"shuffled": True}, counts], Path("e")) == []
