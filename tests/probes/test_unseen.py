import numpy as np
from sklearn.metrics import matthews_corrcoef

from dnabert.probes import Part, Task, score, score_unseen


def sequences(count, *, seed, length=60):
    return [
        np.frombuffer(b"ACGT", dtype=np.uint8)[row]
        for row in np.random.default_rng(seed).integers(4, size=(count, length))
    ]


def task_with(copied):
    """Of 40 test sequences the first are copies of training sequences."""
    train, labels = sequences(100, seed=0), np.arange(100) % 2
    test = [*train[:copied], *sequences(40 - copied, seed=1)]
    return Task(
        "t", ["a", "b"], Part(train, labels), Part(sequences(10, seed=2), labels[:10]), Part(test, np.arange(40) % 2)
    )


def test_what_was_remembered_does_not_count():
    task, rng = task_with(30), np.random.default_rng(0)
    # right of copies, a guess of the others
    remembered = np.where(np.arange(40) < 30, task.test.labels, rng.integers(2, size=40))
    predicted = np.eye(2)[remembered]
    found = score_unseen(task, predicted, resamples=50)
    assert found["mcc"].n == 10 and found["mcc"].value == matthews_corrcoef(task.test.labels[30:], remembered[30:])
    assert score(task.test.labels, predicted, resamples=0)["mcc"].value > found["mcc"].value + 0.2
    assert score_unseen(task, [predicted, predicted], resamples=50)["accuracy"].value == found["accuracy"].value


def test_where_all_are_new_or_none_is_there_is_nothing_to_add():
    predicted = np.eye(2)[np.arange(40) % 2]
    assert task_with(0).unseen.all() and score_unseen(task_with(0), predicted) is None
    assert not task_with(40).unseen.any() and score_unseen(task_with(40), predicted) is None
