"""K-mer frequencies against a dictionary and a loop."""

import tracemalloc
from collections import Counter

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dnabert.alphabet import reverse_complement
from dnabert.encoders.kmer_counts import KmerCounts
from dnabert.errors import UserError


def ascii(text: str) -> np.ndarray:
    return np.frombuffer(text.encode(), dtype=np.uint8)


def brute_force(text: str, k: int, *, collapse: bool) -> dict[str, float]:
    words = [text[i : i + k].upper().replace("U", "T") for i in range(len(text) - k + 1)]
    words = [word for word in words if set(word) <= set("ACGT")]
    if collapse:
        words = [min(word, reverse_complement(word)) for word in words]
    return {word: count / len(words) for word, count in Counter(words).items()}


def columns(k: int, *, collapse: bool) -> list[str]:
    words = ["ACGT"[i % 4] for i in range(4)]
    for _ in range(k - 1):
        words = [word + base for word in words for base in "ACGT"]
    return [word for word in words if not collapse or word <= reverse_complement(word)]


@given(
    text=st.text("ACGTacgtNU", min_size=4, max_size=60),
    k=st.integers(1, 4),
    collapse=st.booleans(),
)
def test_equals_a_dictionary(text: str, k: int, collapse: bool) -> None:
    vector = KmerCounts(k, collapse=collapse).encode(ascii(text)[None])[0]
    expected = brute_force(text, k, collapse=collapse)
    assert vector == pytest.approx([expected.get(word, 0) for word in columns(k, collapse=collapse)], abs=1e-6)


@pytest.mark.parametrize(("k", "dimension"), [(1, 2), (2, 10), (3, 32), (4, 136), (6, 2080)])
def test_collapsed_dimension(k: int, dimension: int) -> None:
    # (4**k + palindromes) / 2; a word of odd length is never its own reverse complement
    assert KmerCounts(k).dimension == dimension
    assert KmerCounts(k, collapse=False).dimension == 4**k


def test_the_spec_says_whether_strands_are_one() -> None:
    assert KmerCounts.from_spec("kmer:2").dimension == 10
    assert KmerCounts.from_spec("kmer:2:stranded").dimension == 16


@given(text=st.text("ACGTN", min_size=3, max_size=40))
@settings(max_examples=30)
def test_collapsed_counts_do_not_know_the_strand(text: str) -> None:
    forward = ascii(text)[None]
    for encoder in (KmerCounts(3), KmerCounts(3, collapse=False, both_strands=True)):
        np.testing.assert_allclose(encoder.encode(forward), encoder.encode(reverse_complement(forward)), atol=1e-6)


def test_lengths_and_chunks_do_not_matter() -> None:
    generator = np.random.default_rng(0)
    sequences = [ascii("ACGT")[generator.integers(0, 4, length)] for length in (500, 7, 300_000, 500, 6)]
    encoder = KmerCounts(6)
    together = encoder.encode(sequences)
    alone = np.concatenate([encoder.encode(sequence[None]) for sequence in sequences])
    np.testing.assert_array_equal(together, alone)
    assert together.dtype == np.float32


def test_nothing_but_n_is_the_zero_vector() -> None:
    assert not KmerCounts(2).encode(ascii("NNNN")[None]).any()


@pytest.mark.parametrize("spec", ["kmer:x", "kmer:6:both", "kmer:0", "kmer:9", "kmer:-1", "kmer:6:stranded:x"])
def test_wrong_spec(spec: str) -> None:
    with pytest.raises(UserError, match="allowed is"):
        KmerCounts.from_spec(spec)


def test_too_short() -> None:
    with pytest.raises(UserError, match="5 bases, fewer than a word"):
        KmerCounts(6).encode(ascii("ACGTA")[None])


def test_wrong_dtype_is_the_callers_mistake() -> None:
    with pytest.raises(ValueError, match="uint8"):
        KmerCounts(2).encode(np.zeros((2, 5)))


@pytest.mark.parametrize(
    ("bases", "said"),
    [
        (["ACGT", "AC"], "sequence 0 is str, allowed"),
        ([ascii("ACGT"), b"ACGT"], "sequence 1 is bytes, allowed"),
        ("ACGT", "bases are one str, allowed"),
        ([np.array([0, 1, 2, 3])], r"sequence 0 is int64 \(4,\), allowed"),  # codes: they were read as unknown bases
        # it was read by its index
        (pd.Series([ascii("AAAA"), ascii("CCCC")], index=[1, 0]), "bases are one Series, allowed"),
        (np.array(["ACGT"]), "not <U4 of shape"),
    ],
)
def test_what_holds_no_arrays_is_told_how_it_becomes_them(bases: object, said: str) -> None:
    with pytest.raises(ValueError, match=f"{said}.*numpy.frombuffer"):
        KmerCounts(2).encode(bases)  # type: ignore[arg-type]


def test_a_long_sequence_takes_little_memory() -> None:
    bases = ascii("ACGTN")[np.random.default_rng(0).integers(0, 5, 3_000_000)]
    tracemalloc.start()
    vector = KmerCounts(3, collapse=False).encode([bases])[0]
    # the sequence, copied, and a stretch; all words at once are 20 bytes a base and more
    assert tracemalloc.get_traced_memory()[1] < 5 * len(bases)
    tracemalloc.stop()
    known, a = bases != ord("N"), bases == ord("A")
    words, aaa = (int((each[:-2] & each[1:-1] & each[2:]).sum()) for each in (known, a))
    assert vector[0] == pytest.approx(aaa / words, rel=1e-6)
