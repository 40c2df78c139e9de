import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler

from dnabert.encoders.kmer_counts import KmerCounts
from dnabert.explain.composition_auc import _folds, composition_auc, one_per_locus

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


@given(st.integers(5, 60), st.integers(5, 60), st.integers(0, 5), st.integers(0, 99))
def test_folds_are_alike_and_part_no_locus(inside: int, outside: int, shared: int, seed: int) -> None:
    """A locus with a window on either side is in one fold, and each fold has its share of either side."""
    locus = np.concatenate([np.arange(inside), inside - shared + np.arange(outside)])
    member = np.arange(inside + outside) < inside
    fold = _folds(member, locus, seed=seed)
    assert all(len(np.unique(fold[locus == each])) == 1 for each in np.unique(locus))
    for side in (member, ~member):
        sizes = np.bincount(fold[side], minlength=5)
        assert sizes.min() >= 1 and sizes.max() - sizes.min() <= 1


def test_areas_are_those_of_stratified_folds_of_scikit_learn() -> None:
    """On groups of which composition tells something: no area is moved one way, nor farther than by other folds of
    scikit-learn's."""
    rng = np.random.default_rng(0)
    moved = []
    for number in range(30):
        bases = np.concatenate(
            [rng.choice(LETTERS, (80, 200), p=[(1 - x) / 2, x / 2, x / 2, (1 - x) / 2]) for x in (0.45, 0.48)]
        )
        rows = np.arange(160)
        found = composition_auc(
            lambda chosen, bases=bases: bases[chosen], rows[:80], rows[80:], locus=rows, seed=number
        )
        model = make_pipeline(
            StandardScaler(),
            PolynomialFeatures(2, include_bias=False),
            StandardScaler(),
            LogisticRegression(max_iter=1_000),
        )
        areas = []
        for seed in (number, number + 100):
            folds = StratifiedGroupKFold(5, shuffle=True, random_state=seed)
            score = cross_val_predict(
                model, KmerCounts(2).encode(bases), rows < 80, groups=rows, cv=folds, method="decision_function"
            )
            areas.append(roc_auc_score(rows < 80, score))
        assert found is not None
        moved.append((found.auc - areas[0], areas[1] - areas[0]))
    own, theirs = np.std(moved, axis=0)
    assert abs(np.mean(moved, axis=0)[0]) < 3 * own / len(moved) ** 0.5 and own < 1.5 * theirs
