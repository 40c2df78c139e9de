import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rapidfuzz.distance import Levenshtein

from dnabert.corpus.mutation import mutate

LETTERS = np.frombuffer(b"ACGT", dtype=np.uint8)


def random(n: int, length: int, *, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return LETTERS[rng.integers(0, 4, (n, length))], rng.integers(2**64, size=(n, length), dtype=np.uint64)


def test_nothing_changes_at_rate_0() -> None:
    bases, draws = random(3, 50)
    assert np.array_equal(mutate(bases, draws=draws), bases)


def test_substitutions_take_each_other_base_alike_and_leave_n() -> None:
    bases, draws = random(1, 60_000)
    bases[0, :1000] = ord("N")
    changed = mutate(bases, substitutions=0.3, draws=draws)
    assert (changed[0, :1000] == ord("N")).all()
    hit = changed[0, 1000:] != bases[0, 1000:]
    assert hit.mean() == pytest.approx(0.3, abs=0.01)
    step = (np.searchsorted(LETTERS, changed[0, 1000:][hit]) - np.searchsorted(LETTERS, bases[0, 1000:][hit])) % 4
    assert np.bincount(step)[1:] / hit.sum() == pytest.approx([1 / 3] * 3, abs=0.01)


def test_indels_shift_what_follows() -> None:
    bases, draws = random(200, 448)
    changed = mutate(bases, indels=0.01, draws=draws)
    distance = [Levenshtein.distance(a.tobytes(), b.tobytes()) for a, b in zip(bases, changed, strict=True)]
    # 4.5 events a row, and what they push over the end or leave free there costs about as much again
    assert 4 < np.mean(distance) < 9
    assert (changed != bases).mean() > 0.3  # place by place the rows differ all the same


def test_rows_have_their_own_rates() -> None:
    bases, draws = random(2, 20_000)
    changed = mutate(bases, substitutions=np.array([[0.0], [0.2]]), draws=draws)
    assert (changed != bases).mean(axis=1) == pytest.approx([0, 0.2], abs=0.01)


@given(st.integers(0, 2**32), st.floats(0, 0.5), st.floats(0, 0.5))
def test_a_row_depends_on_its_own_draws_alone(seed: int, substitutions: float, indels: float) -> None:
    bases, draws = random(4, 40, seed=seed)
    whole = mutate(bases, substitutions=substitutions, indels=indels, draws=draws)
    assert np.array_equal(whole[2:3], mutate(bases[2:3], substitutions=substitutions, indels=indels, draws=draws[2:3]))
    assert np.isin(whole, LETTERS).all()
