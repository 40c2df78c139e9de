"""The loops of `dnabert.explain.vocabulary`."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dnabert.alphabet import CODE_OF
from dnabert.compilation import compiled


@compiled
def count_each(
    bases: NDArray[np.uint8],
    groups: NDArray[np.int64],
    ones: NDArray[np.int64],
    word_of: NDArray[np.int32],
    total: NDArray[np.int64],
) -> None:
    """Add to `total`, int64 (groups, words), one for each window in which a word stands.

    Parameters
    ----------
    bases : uint8 ASCII (n, L).
    groups : int64 (n,).
    ones : places of a pattern that count, int64 (m,), ascending from 0.
    word_of : word of each base-4 number of m letters, int32 (4^m,); negative ones are not asked for.
    """
    number = np.empty(max(0, bases.shape[1] - ones[-1]), dtype=np.int32)
    seen = np.full(total.shape[1], -1, dtype=np.int64)  # the last window that had each word
    for row in range(len(bases)):
        _numbers(bases[row], ones, number)
        own = total[groups[row]]
        for place in range(len(number)):
            if number[place] >= 0:
                word = word_of[number[place]]
                if word >= 0 and seen[word] != row:
                    seen[word] = row
                    own[word] += 1


@compiled
def find_each(
    bases: NDArray[np.uint8], ones: NDArray[np.int64], word_of: NDArray[np.int32], holds: NDArray[np.bool_]
) -> None:
    """Set in `holds`, bool (words, n), whether each word stands in each window; parameters as of `count_each`."""
    number = np.empty(max(0, bases.shape[1] - ones[-1]), dtype=np.int32)
    for row in range(len(bases)):
        _numbers(bases[row], ones, number)
        for place in range(len(number)):
            if number[place] >= 0:
                word = word_of[number[place]]
                if word >= 0:
                    holds[word, row] = True


@compiled
def _numbers(own: NDArray[np.uint8], ones: NDArray[np.int64], number: NDArray[np.int32]) -> None:
    """The base-4 number of the letters that count at each place of a window, -1 where one is none of A, C, G, T."""
    for place in range(len(number)):
        value = 0
        for i in range(len(ones)):
            letter = CODE_OF[own[place + ones[i]]]
            if letter > 3:
                value = -1
                break
            value = 4 * value + letter
        number[place] = value
