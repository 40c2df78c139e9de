import numpy as np
import pytest

from dnabert.alphabet import reverse_complement
from dnabert.explain.low_complexity import dust_score, low_complexity, simple_letters


def ascii_row(text: str) -> np.ndarray:
    return np.frombuffer(text.encode(), dtype=np.uint8)[None]


def dust(text: str) -> float:
    triplets = [text[i : i + 3] for i in range(len(text) - 2)]
    return sum(c * (c - 1) / 2 for c in (triplets.count(t) for t in set(triplets))) / (len(triplets) - 1)


def test_score_equals_the_definition() -> None:
    text = "ACGTTACGACGTATTTTTTACGAC"
    number = {base: i for i, base in enumerate("ACGT")}
    triplets = [16 * number[a] + 4 * number[b] + number[c] for a, b, c in zip(text, text[1:], text[2:], strict=False)]
    assert dust_score(np.array([triplets]))[0] == pytest.approx(dust(text))


@pytest.mark.parametrize("unit", ["A", "CA", "gata", "TTAGGG"])
def test_tandem_repeats_are_simple(unit: str) -> None:
    assert low_complexity(ascii_row((unit * 448)[:448]))[0] == 1.0


def test_random_sequence_is_not_and_half_a_run_is_half() -> None:
    rng = np.random.default_rng(0)
    random = "".join(rng.choice(list("ACGT"), 224))
    assert low_complexity(ascii_row(random + random[::-1]))[0] == 0.0
    assert low_complexity(ascii_row(random + "A" * 224))[0] == pytest.approx(0.5, abs=0.11)


def test_unknown_bases_and_short_sequences_are_not_simple() -> None:
    assert low_complexity(ascii_row("N" * 100))[0] == 0.0
    assert low_complexity(ascii_row("AAA"))[0] == 0.0
    assert low_complexity(ascii_row("A" * 30))[0] == 1.0
    assert low_complexity(np.zeros((0, 448), dtype=np.uint8)).shape == (0,)


@pytest.mark.parametrize(
    ("unit", "letters"),
    [
        ("T", "A"),
        ("G", "C"),
        ("gt", "A and C"),
        ("CCT", "A and G"),
        ("AT", "A and T"),
        ("CG", "C and G"),
        ("ACGT", None),
        ("ACT", None),
    ],
)
def test_letters_of_simple_stretches_are_told_of_both_strands(unit: str, letters: str | None) -> None:
    rng = np.random.default_rng(0)
    flank = "".join(rng.choice(list("ACGT"), 200))
    row = ascii_row(flank + (unit * 200)[:200] + flank)
    both = np.concatenate([row, reverse_complement(row)])
    found = simple_letters(both)
    assert (found and found["letters"]) == letters
    assert letters is None or found["share"] > 0.8


def test_random_sequence_has_no_simple_letters() -> None:
    rng = np.random.default_rng(0)
    assert simple_letters(rng.choice(np.frombuffer(b"ACGT", np.uint8), (20, 448))) is None
    assert simple_letters(np.zeros((0, 448), dtype=np.uint8)) is None
