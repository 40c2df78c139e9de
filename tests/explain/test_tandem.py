import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dnabert.alphabet import reverse_complement
from dnabert.corpus.mutation import mutate
from dnabert.explain.tandem import TANDEM, tandem_period, tandem_terms
from dnabert.explain.tandem_kernel import best_stretches
from dnabert.explain.windows import ClusteredWindows

LETTERS = np.frombuffer(b"ACGT", dtype=np.uint8)


def random_bases(rng: np.random.Generator, *shape: int, p: list[float] | None = None) -> np.ndarray:
    return LETTERS[rng.choice(4, shape, p=p)]


def array_of(unit: np.ndarray, length: int, *, offset: int = 0) -> np.ndarray:
    return np.resize(np.roll(unit, -offset), length)


def smallest_period(unit: np.ndarray) -> int:
    return next(
        p
        for p in range(1, len(unit) + 1)
        if len(unit) % p == 0 and np.array_equal(unit, np.resize(unit[:p], len(unit)))
    )


@given(st.integers(1, 200), st.integers(0, 2**32 - 1), st.booleans())
def test_the_period_of_an_array_of_copies(period: int, seed: int, turned: bool) -> None:
    rng = np.random.default_rng(seed)
    unit = random_bases(rng, period)
    bases = array_of(unit, 448, offset=int(rng.integers(period)))[None]
    assert tandem_period(reverse_complement(bases) if turned else bases).tolist() == [smallest_period(unit)]


@pytest.mark.parametrize("period", [2, 5, 31, 171])
def test_copies_may_differ_and_need_not_fill_the_window(period: int) -> None:
    rng = np.random.default_rng(period)
    whole = np.stack([array_of(random_bases(rng, period), 448) for _ in range(50)])
    changed = mutate(
        whole, substitutions=0.06, indels=0.0, draws=rng.integers(2**64, size=whole.shape, dtype=np.uint64)
    )
    distinct = np.array([smallest_period(row[:period]) == period for row in whole])
    assert (tandem_period(changed)[distinct] == period).mean() > 0.9
    gapped = mutate(
        whole, substitutions=0.03, indels=0.003, draws=rng.integers(2**64, size=whole.shape, dtype=np.uint64)
    )
    assert (np.abs(tandem_period(gapped)[distinct] - period) <= 1 + period // 50).mean() > 0.9
    stretch = max(period, 224 - period)
    for held, found in ((stretch - 12, 0), (min(stretch + 12, 418 - period), period)):
        part = random_bases(rng, 50, 448)
        part[:, 30 : 30 + period + held] = whole[:, : period + held]
        assert (tandem_period(part)[distinct] == found).mean() > 0.8


@pytest.mark.parametrize("period", [12, 107, 178])
def test_monomers_of_a_satellite_diverge_and_lose_and_gain_bases(period: int) -> None:
    rng = np.random.default_rng(period)
    whole = np.stack([array_of(random_bases(rng, period), 900) for _ in range(100)])
    satellite = mutate(
        whole, substitutions=0.1, indels=0.004, draws=rng.integers(2**64, size=whole.shape, dtype=np.uint64)
    )[:, :448]
    found = tandem_period(satellite)
    assert (np.abs(found - period) <= 1 + period // 50).mean() > 0.85


@pytest.mark.parametrize(("copy", "apart"), [(43, 112), (57, 150), (76, 200), (85, 223)])
def test_two_copies_apart_are_no_tandem_repeat(copy: int, apart: int) -> None:
    rng = np.random.default_rng(copy)
    bases = random_bases(rng, 200, 448)
    bases[:, 20 + apart : 20 + apart + copy] = bases[:, 20 : 20 + copy]
    assert not tandem_period(bases).any()
    tail = random_bases(rng, 200, 448)
    tail[:, 300:387] = ord("A")
    assert not tandem_period(tail).any()


def test_chance_repeats_nothing_nor_do_unknown_bases() -> None:
    rng = np.random.default_rng(0)
    for p in (None, [0.45, 0.05, 0.05, 0.45], [0.75, 0.1, 0.05, 0.1], [0.85, 0.05, 0.05, 0.05]):
        assert (tandem_period(random_bases(rng, 2_000, 448, p=p)) > 1).mean() < (0.001 if p is None else 0.02)
    assert not tandem_period(np.full((2, 448), ord("N"), dtype=np.uint8)).any()
    assert tandem_period(np.frombuffer(b"CACACA", dtype=np.uint8)[None]).tolist() == [0]
    assert tandem_period(np.zeros((0, 448), dtype=np.uint8)).shape == (0,)


@given(st.text("ACGTN", min_size=2, max_size=60), st.integers(0, 60))
def test_the_best_stretch_of_each_lag_is_that_of_every_stretch_tried(text: str, most: int) -> None:
    code = np.array(["ACGTN".index(letter) for letter in text], dtype=np.uint8)
    last = min(most, len(code) // 2)
    top, held = np.full(last + 1, 7.0, dtype=np.float32), np.full(last + 1, 7.0, dtype=np.float32)
    best_stretches(code, top, held)
    for lag in range(1, last + 1):
        gains = np.where((code[:-lag] == code[lag:]) & (code[:-lag] < 4), 2, -3)
        sums = {(end, end - begin): gains[begin:end].sum() for end in range(1, len(gains) + 1) for begin in range(end)}
        best = max(0, *sums.values())
        # the first that scores most, without what comes to nothing before it
        first = min((end, length) for (end, length), total in sums.items() if total == best) if best else (0, 0)
        assert (top[lag], held[lag]) == (best, first[1])


def test_lower_case_repeats_too() -> None:
    assert tandem_period(np.frombuffer(b"caCA" * 100, dtype=np.uint8)[None]).tolist() == [2]


def test_periods_of_many_windows_are_terms_and_near_ones_are_one() -> None:
    rng = np.random.default_rng(1)
    lengths = [171] * 15 + [168] * 5 + [173] * 4 + [24] * 25 + [25] * 5 + [60] * 5 + [0] * 41
    bases = np.stack([random_bases(rng, 448) if not n else array_of(random_bases(rng, n), 448) for n in lengths])
    windows = ClusteredWindows(pd.DataFrame({"label": [0] * 50 + [-1] * 50}), lambda rows: bases[rows])
    (found,) = tandem_terms(windows)
    assert found.names == (TANDEM, "24 bp", "171 bp") and found.known.all()
    assert found.values.sum(axis=0).tolist() == [59, 30, 24]
    none = ClusteredWindows(pd.DataFrame({"label": [0, -1]}), lambda rows: bases[-2:][rows])
    assert tandem_terms(none)[0].values.tolist() == [[False], [False]]
