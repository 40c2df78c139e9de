import re

import numpy as np
import pytest
from Bio.Seq import Seq

from dnabert.errors import UserError
from dnabert.explain.vocabulary import Vocabulary, count_windows, windows_with


@pytest.mark.parametrize("pattern", ["111", "1011101", "11011"])
def test_counts_are_those_of_a_loop(pattern: str) -> None:
    bases, groups = np.random.default_rng(3).choice(np.frombuffer(b"ACGT", dtype=np.uint8), (12, 40)), np.arange(12) % 3
    bases[0, 5], bases[1] = ord("N"), bases[1] + 32  # another letter; lower case
    vocabulary = Vocabulary(pattern)
    counts = count_windows(bases, groups, vocabulary, n_groups=3)
    for index in range(0, vocabulary.size, 7):
        word = vocabulary.text(index)
        forms = [re.compile(text.replace("n", "[ACGT]") if pattern.count("0") == 0 else text.replace("n", "."))
                 for text in (word, str(Seq(word).reverse_complement()).replace("N", "n"))]  # fmt: skip
        texts = [row.tobytes().decode().upper() for row in bases]
        holds = [any(form.search(text) for form in forms) for text in texts]
        assert counts[:, index].tolist() == [
            sum(h for h, g in zip(holds, groups, strict=True) if g == k) for k in range(3)
        ]


def test_windows_with_words_are_those_that_are_counted() -> None:
    bases = np.random.default_rng(4).choice(np.frombuffer(b"ACGTN", dtype=np.uint8), (50, 40))
    vocabulary, words = Vocabulary("11011"), np.array([7, 3, 100])
    holds = windows_with(bases, vocabulary, words)
    each = count_windows(bases, np.arange(50), vocabulary, n_groups=50)
    assert (holds == (each[:, words] > 0).T).all() and holds.any()


def test_windows_shorter_than_a_word_have_none() -> None:
    bases, vocabulary = np.full((3, 4), ord("A"), dtype=np.uint8), Vocabulary("11011")
    assert count_windows(bases, np.zeros(3, np.int64), vocabulary, n_groups=1).sum() == 0
    assert not windows_with(bases, vocabulary, np.arange(vocabulary.size)).any()
    assert count_windows(bases[:0], np.zeros(0, np.int64), vocabulary, n_groups=2).tolist() == [[0] * 136] * 2


@pytest.mark.parametrize("pattern", ["", "0110", "1101", "1" * 9, "1x1"])
def test_a_pattern_without_a_reverse_complement_of_its_shape_is_refused(pattern: str) -> None:
    with pytest.raises(UserError, match=r"give 111111"):
        Vocabulary(pattern)
