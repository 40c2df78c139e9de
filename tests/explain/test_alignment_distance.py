import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dnabert.alphabet import reverse_complement
from dnabert.explain.alignment_distance import FORMS, edit_distance_forms, levenshtein, semi_global, strand_levenshtein

DNA = st.text("ACGTacgt", min_size=1, max_size=12)
PAIR = st.integers(2, 14).flatmap(lambda n: st.tuples(*[st.text("ACGTacgt", min_size=n, max_size=n)] * 2))


def rows(*texts: str) -> list[np.ndarray]:
    return [np.frombuffer(text.encode(), dtype=np.uint8)[None] for text in texts]


def table(a: str, b: str, *, free_ends: bool) -> int:
    """The textbook's table; with free ends, a is sought anywhere in b."""
    row = [0] * (len(b) + 1) if free_ends else list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        above, row[0] = row[:], i
        for j, y in enumerate(b, 1):
            row[j] = min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (x != y))
    return min(row) if free_ends else row[-1]


def brute_semi_global(a: str, b: str) -> float:
    a, b, half = a.upper(), b.upper(), len(a) // 2
    half += (len(a) - half) % 2
    best = half
    for query, other in ((a, b), (b, a)):
        for start in (0, (len(a) - half) // 2, len(a) - half):
            for target in (other, reverse_complement(other)):
                best = min(best, table(query[start : start + half], target, free_ends=True))
    return best / half


def unrelated(n: int, length: int, *, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).choice(np.frombuffer(b"ACGT", dtype=np.uint8), (n, length))


@given(DNA, DNA)
@settings(max_examples=50)
def test_levenshtein_equals_the_textbook_table(a: str, b: str) -> None:
    expected = table(a.upper(), b.upper(), free_ends=False) / max(len(a), len(b))
    assert levenshtein(*rows(a, b))[0] == pytest.approx(expected, abs=1e-6)


@given(PAIR)
@settings(max_examples=50)
def test_semi_global_equals_the_brute_force_over_all_halves_places_and_strands(pair: tuple[str, str]) -> None:
    assert semi_global(*rows(*pair))[0] == pytest.approx(brute_semi_global(*pair), abs=1e-6)


def test_values_worked_by_hand() -> None:
    # The middle half GGGG of the first stands at the end of the second; plain: C comes in twice, both T leave.
    assert edit_distance_forms(*rows("AAGGGGTT", "ACACGGGG")).tolist() == [[0.5, 0.5, 0.0]]
    # No half of either is nearer than two of its four letters: AAAA in AACC, or its other strand in GGTT.
    assert semi_global(*rows("AAAAAAAA", "CCAACCCC"))[0] == 0.5
    assert strand_levenshtein(*rows("AAAC", "GTTT"))[0] == 0.0


@given(PAIR)
@settings(max_examples=25)
def test_neither_strand_nor_order_matters(pair: tuple[str, str]) -> None:
    a, b = rows(*pair)
    expected = semi_global(a, b)
    assert semi_global(b, a) == expected == semi_global(reverse_complement(a), b)
    assert strand_levenshtein(a, b) == strand_levenshtein(a, reverse_complement(b))


@given(st.integers(-64, 64), st.booleans(), st.integers(0, 2**32))
@settings(max_examples=25)
def test_a_shift_of_up_to_half_a_window_does_not_matter(shift: int, turned: bool, seed: int) -> None:
    genome = unrelated(1, 256, seed=seed)
    a, b = genome[:, 64:192], genome[:, 64 + shift : 192 + shift]
    assert semi_global(a, reverse_complement(b) if turned else b)[0] == 0


def test_a_short_overlap_is_not_near() -> None:
    genome = unrelated(20, 600)
    assert semi_global(genome[:, :200], genome[:, 190:390]).min() > 0.3


def test_calibration_on_windows_of_448() -> None:
    genome = unrelated(60, 560)
    first, shifted = genome[:, :448], genome[:, 112:]
    plain, strand, free = edit_distance_forms(first, np.roll(first, 1, axis=0)).mean(axis=0)
    assert (plain, strand, free) == pytest.approx((0.533, 0.527, 0.459), abs=0.004)
    assert edit_distance_forms(first, shifted).mean(axis=0) == pytest.approx((0.5, 0.5, 0.0), abs=0.004)
    mutated = np.where(np.random.default_rng(1).random(shifted.shape) < 0.1, unrelated(60, 448, seed=2), shifted)
    assert edit_distance_forms(first, reverse_complement(mutated)).mean(axis=0)[2] == pytest.approx(0.068, abs=0.01)


def test_no_pairs_have_no_distances() -> None:
    nothing = np.zeros((0, 448), dtype=np.uint8)
    assert edit_distance_forms(nothing, nothing).shape == (0, len(FORMS))
    assert len(levenshtein(nothing, nothing)) == len(semi_global(nothing, nothing)) == 0
