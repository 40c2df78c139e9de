"""Bases and their codes, complements and case."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dnabert.alphabet import ALPHABET, codes, reverse_complement


def array(text: bytes) -> np.ndarray:
    return np.frombuffer(text, dtype=np.uint8)


@given(st.binary())
def test_codes_are_the_place_in_the_alphabet(text: bytes) -> None:
    place = {letter: ALPHABET.index(letter) for letter in ALPHABET} | {"U": 3}
    expected = [place.get(chr(byte).upper() if byte < 128 else "?", 4) for byte in text]
    assert codes(array(text)).tolist() == expected
    assert codes(array(text)).dtype == np.uint8


def test_codes_keep_the_shape() -> None:
    assert codes(array(b"ACGTNn").reshape(2, 3)).tolist() == [[0, 1, 2], [3, 4, 4]]


@pytest.mark.parametrize(
    ("forward", "reverse"),
    [("", ""), ("A", "T"), ("AACG", "CGTT"), ("acgTN", "NAcgt"), ("RYKMBVDHSWN-", "-NWSDHBVKMRY"), ("GAU", "ATC")],
)
def test_reverse_complement_known_answers(forward: str, reverse: str) -> None:
    assert reverse_complement(forward) == reverse
    assert reverse_complement(forward.encode()) == reverse.encode()
    assert reverse_complement(array(forward.encode())).tobytes() == reverse.encode()


@given(st.binary())
def test_reverse_complement_twice_is_the_same_but_for_u(text: bytes) -> None:
    as_dna = text.replace(b"U", b"T").replace(b"u", b"t")
    assert reverse_complement(reverse_complement(text)) == as_dna


@given(st.text(st.sampled_from("ACGTRYSWKMBDHVNacgtryswkmbdhvn-")))
def test_reverse_complement_is_that_of_biopython(text: str) -> None:
    biopython = pytest.importorskip("Bio.Seq")
    assert reverse_complement(text) == str(biopython.Seq(text).reverse_complement())


def test_reverse_complement_turns_each_window_alone() -> None:
    windows = array(b"AACGTTTG").reshape(2, 4)
    assert reverse_complement(windows).tobytes() == b"CGTTCAAA"
    assert windows.tobytes() == b"AACGTTTG"


def test_reverse_complement_leaves_other_letters() -> None:
    assert reverse_complement("AßC") == "GßT"
