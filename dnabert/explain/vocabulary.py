"""Words of one pattern, and in how many windows each stands; a word and its reverse complement are one."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from dnabert.alphabet import ALPHABET
from dnabert.encoders.kmer_counts import reverse_complement_words
from dnabert.errors import UserError

_HEAVIEST = 8  # 4**8 = 65,536 words


@dataclass(frozen=True)
class Vocabulary:
    """The words of one pattern, a word and its reverse complement being one.

    Parameters
    ----------
    pattern : of 1 (a base that counts) and 0 (any), the same from both ends, at most 8 ones.

    Examples
    --------
    >>> Vocabulary("101").size, Vocabulary("101").text(1)
    (10, 'AnC')
    """

    pattern: str

    def __post_init__(self) -> None:
        """Refuse what has no reverse complement of its own shape."""
        ones = self.pattern.count("1")
        shape = set(self.pattern) <= {"0", "1"} and self.pattern[:1] == "1" and self.pattern == self.pattern[::-1]
        if not shape or ones > _HEAVIEST:
            raise UserError(
                f"pattern {self.pattern!r}: allowed are 1 and 0, beginning with 1, the same from both ends, at most "
                f"{_HEAVIEST} ones: give 111111 or 11100111"
            )

    @property
    def kind(self) -> str:
        """``6-mer`` or ``pair``: words of a kind are ranked together."""
        return "pair" if "0" in self.pattern else f"{len(self.pattern)}-mer"

    @cached_property
    def numbers(self) -> NDArray[np.int64]:
        """The base-4 number of each word, int64 (size,), ascending: the smaller one of it and its reverse
        complement."""
        return np.unique(self._smaller)

    @property
    def size(self) -> int:
        """How many words there are."""
        return len(self.numbers)

    def text(self, index: int) -> str:
        """Letters of a word, ``n`` for any base."""
        number, letters = int(self.numbers[index]), ""
        for mark in reversed(self.pattern):
            letters = ("n" if mark == "0" else ALPHABET[number % 4]) + letters
            number = number // 4 if mark == "1" else number
        return letters

    @cached_property
    def ones(self) -> NDArray[np.int64]:
        """Places of the pattern that count, int64, ascending from 0."""
        return np.flatnonzero([mark == "1" for mark in self.pattern])

    @cached_property
    def index(self) -> NDArray[np.int32]:
        """Index of the word of each base-4 number, int32 (4^ones,)."""
        return np.unique(self._smaller, return_inverse=True)[1].astype(np.int32)

    @cached_property
    def _smaller(self) -> NDArray[np.int64]:
        partner = reverse_complement_words(self.pattern.count("1"))
        return np.minimum(np.arange(len(partner)), partner)


def count_windows(
    bases: NDArray[np.uint8], groups: NDArray[np.integer], vocabulary: Vocabulary, *, n_groups: int
) -> NDArray[np.int64]:
    """In how many windows of each group each word stands, on either strand: int64 (n_groups, size).

    Parameters
    ----------
    bases : uint8 ASCII (n, L); case is ignored.
    groups : int (n,), 0 to n_groups - 1.

    Examples
    --------
    >>> bases = np.frombuffer(b"AACGTTAAAAAA", dtype=np.uint8).reshape(2, 6)
    >>> count_windows(bases, np.array([0, 1]), Vocabulary("11"), n_groups=2)[:, 0].tolist()  # AA, that is TT
    [1, 1]
    """
    from dnabert.explain.vocabulary_kernel import count_each

    total = np.zeros((n_groups, vocabulary.size), dtype=np.int64)
    count_each(bases, groups.astype(np.int64), vocabulary.ones, vocabulary.index, total)
    return total


def windows_with(bases: NDArray[np.uint8], vocabulary: Vocabulary, words: NDArray[np.integer]) -> NDArray[np.bool_]:
    """Whether some of the words stand in each window, on either strand: bool (t, n).

    Parameters
    ----------
    bases : uint8 ASCII (n, L); case is ignored.
    words : int (t,), indices in the vocabulary, each once.

    Examples
    --------
    >>> bases = np.frombuffer(b"AACGTTACAAAA", dtype=np.uint8).reshape(2, 6)
    >>> windows_with(bases, Vocabulary("11"), np.array([0, 1])).tolist()  # AA, that is TT; AC, that is GT
    [[True, True], [True, True]]
    """
    from dnabert.explain.vocabulary_kernel import find_each

    place = np.full(vocabulary.size, -1, dtype=np.int32)  # other words
    place[words] = np.arange(len(words))
    holds = np.zeros((len(words), len(bases)), dtype=bool)
    find_each(bases, vocabulary.ones, place[vocabulary.index], holds)
    return holds
