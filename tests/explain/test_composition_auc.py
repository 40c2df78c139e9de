import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from dnabert.explain.composition_auc import composition_auc, one_per_locus

LETTERS = np.frombuffer(b"ACGT", dtype=np.uint8)


def sequences(gc: list[float], n: int = 60, length: int = 200) -> np.ndarray:
    rng = np.random.default_rng(0)
    return np.concatenate([rng.choice(LETTERS, (n, length), p=[(1 - x) / 2, x / 2, x / 2, (1 - x) / 2]) for x in gc])


def test_gc_tells_and_chance_does_not() -> None:
    bases = sequences([0.3, 0.6, 0.6])
    inside, middle, last = np.arange(180).reshape(3, 60)
    found = composition_auc(lambda rows: bases[rows], inside, middle, locus=np.arange(180))
    assert found is not None and found.auc > 0.99 and found.low > 0.93
    nothing = composition_auc(lambda rows: bases[rows], middle, last, locus=np.arange(180))
    assert nothing is not None and nothing.low < 0.5 < nothing.high and 0.35 < nothing.auc < 0.65


def test_middling_gc_is_told_from_both_sides() -> None:
    bases = sequences([0.5, 0.35, 0.65])
    found = composition_auc(lambda rows: bases[rows], np.arange(60), np.arange(60, 180), locus=np.arange(180))
    assert found is not None and found.auc > 0.9


def test_interval_is_hanley_and_mcneils() -> None:
    from dnabert.explain.composition_auc import _with_interval

    # Their own example: 58 normal, 51 abnormal images, area 0.893, standard error 0.032.
    found = _with_interval(0.893, 51, 58)
    assert (found.high - found.low) / 3.92 == pytest.approx(0.032, abs=0.001)
    assert roc_auc_score([0, 1], [0, 1]) == 1 and _with_interval(1.0, 9, 9).low == pytest.approx(0.025 ** (1 / 9))
    assert _with_interval(0.0, 9, 30).high == pytest.approx(1 - 0.025 ** (1 / 9))


def test_a_locus_gives_one_window_and_few_give_no_answer() -> None:
    locus = np.repeat(np.arange(6), 4)
    chosen = one_per_locus(np.arange(24), locus, rng=np.random.default_rng(0))
    assert sorted(locus[chosen].tolist()) == [0, 1, 2, 3, 4, 5]
    assert composition_auc(lambda rows: np.zeros((len(rows), 9)), chosen[:4], chosen, locus=locus) is None
