"""Counting words: the baseline that every model has to beat."""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import NDArray

from dnabert.alphabet import codes
from dnabert.encoders.arrays import Bases, by_length, check_arrays, check_length
from dnabert.errors import UserError

LARGEST_K = 8  # 4**8 = 65,536 columns; a window of 448 bp holds no more than 441 different words
_CHUNK = 1 << 17  # bases, or counts, at once: the intermediate arrays stay in the processor's cache


class KmerCounts:
    """Frequencies of overlapping k-mers.

    Parameters
    ----------
    k : length of the words, 1 to 8.
    collapse : count a word and its reverse complement as one, so that the strand does not matter.
        Columns are then the words that are not greater than their reverse complement, in alphabetical order.
    both_strands : for counts that are not collapsed, mean with the reverse complement's.

    A word with a letter other than A, C, G, T (any case; U is T) is not counted; a sequence of such words alone
    gets the zero vector.
    """

    def __init__(self, k: int, *, collapse: bool = True, both_strands: bool = False) -> None:
        if not 1 <= k <= LARGEST_K:
            raise UserError(f"k of kmer:{k} is {k}, allowed is 1 to {LARGEST_K}: give kmer:6")
        self.k = self.minimum_length = k
        self.name = f"{k}-mer frequencies, {'strands collapsed' if collapse else 'stranded'}"
        self._partner = reverse_complement_words(k)
        words = np.arange(4**k)
        canonical = np.minimum(words, self._partner) if collapse else words
        kept, column = np.unique(canonical, return_inverse=True)
        self.dimension = len(kept)
        self._column = column.astype(np.int32)
        self._average = both_strands and not collapse

    @classmethod
    def from_spec(cls, spec: str, *, both_strands: bool = False) -> KmerCounts:
        """Make the encoder of ``kmer:K`` or ``kmer:K:stranded``."""
        _, k, *rest = spec.split(":")
        if not (k.isascii() and k.isdigit()) or rest not in ([], ["stranded"]):
            raise UserError(f"encoder {spec}: allowed is kmer:K with K from 1 to {LARGEST_K}, or kmer:K:stranded")
        return cls(int(k), collapse=not rest, both_strands=both_strands)

    def encode(self, bases: Bases) -> NDArray[np.float32]:
        """Count words; see `Encoder.encode`. Each vector sums to 1 (or is zero)."""
        check_arrays(bases)
        vectors = np.zeros((len(bases), self.dimension), dtype=np.float32)
        for rows, group in by_length(bases):
            check_length(group.shape[1], minimum=self.k)
            step = max(1, _CHUNK // max(group.shape[1], self.dimension))
            for start in range(0, len(group), step):
                vectors[rows[start : start + step]] = self._frequencies(group[start : start + step])
        return vectors

    def _frequencies(self, bases: NDArray[np.uint8]) -> NDArray[np.float32]:
        starts = range(0, bases.shape[1] - self.k + 1, _CHUNK)  # of stretches that share no word
        of_stretches = (self._counted(bases[:, start : start + _CHUNK + self.k - 1]) for start in starts)
        counts = functools.reduce(np.add, of_stretches).astype(np.float32)
        counts /= np.maximum(counts.sum(axis=1, keepdims=True), 1)
        return (counts + counts[:, self._partner]) * np.float32(0.5) if self._average else counts

    def _counted(self, bases: NDArray[np.uint8]) -> NDArray[np.int64]:
        n, width = len(bases), self.dimension + 1  # the last column takes words that hold another letter
        column = self.columns(bases)
        column += np.arange(n)[:, None] * width
        return np.bincount(column.ravel(), minlength=n * width).reshape(n, width)[:, :-1]

    def columns(self, bases: NDArray[np.uint8]) -> NDArray[np.int64]:
        """Column of each word of ASCII (n, L): int64 (n, L - k + 1); `dimension` for a word that is not counted."""
        code = codes(bases)
        places = code.shape[1] - self.k + 1
        word = np.zeros((len(code), places), dtype=np.int32)
        for i in range(self.k):
            word <<= 2
            word += code[:, i : i + places] & 3
        column = self._column[word].astype(np.int64)
        other = code > 3
        if other.any():
            spoiled = np.zeros_like(word, dtype=bool)
            for i in range(self.k):
                spoiled |= other[:, i : i + places]
            column[spoiled] = self.dimension
        return column


def reverse_complement_words(k: int) -> NDArray[np.int64]:
    """Number of each word's reverse complement; words are base-4 numbers, A=0, C=1, G=2, T=3, first base first.

    Examples
    --------
    >>> reverse_complement_words(1).tolist()
    [3, 2, 1, 0]
    """
    rest = np.arange(4**k)
    reverse = np.zeros_like(rest)
    for _ in range(k):
        reverse = reverse * 4 + 3 - rest % 4
        rest //= 4
    return reverse
