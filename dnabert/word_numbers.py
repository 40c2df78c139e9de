"""Words of bases as numbers in base 4, with A = 0, C = 1, G = 2, T = 3 and the first base most significant."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dnabert.alphabet import UNKNOWN, Bases, codes

#: 4**8 words are 65,536 embeddings; a ninth base would quadruple them beyond what a small genome can fill.
LARGEST_K = 8

# An unknown base weighs 4**8, more than any word of known bases; eight of them still fit into an int32.
_UNKNOWN_WEIGHT = 4**LARGEST_K
_ALL_BYTES = codes(np.arange(256, dtype=np.uint8)).astype(np.int32)
_WEIGHTS = np.where(_ALL_BYTES == UNKNOWN, np.int32(_UNKNOWN_WEIGHT), _ALL_BYTES)

# Windows are read in blocks of about this many bases, so that the int32 in between stay in the L2 cache.
_BLOCK_BASES = 1 << 16


def write_word_numbers(
    out: NDArray[np.int32], bases: Bases, *, k: int, stride: int, first_id: int, unknown_id: int
) -> None:
    """Write the words of sequences into an array, by Horner's rule, all words at once.

    Parameters
    ----------
    out : int32 (n, words), is overwritten: a word's number plus `first_id`.
    bases : uint8 ASCII (n, L).
    k, stride : bases of a word, 1 to 8, and from one word's start to the next.
    first_id, unknown_id : of AAA…; and of a word that holds anything but A, C, G, T (or U, which counts as T).

    Examples
    --------
    >>> out = np.empty((1, 3), dtype=np.int32)
    >>> write_word_numbers(out, np.frombuffer(b"AAACTN", np.uint8)[None], k=2, stride=2, first_id=0, unknown_id=-1)
    >>> out.tolist()
    [[0, 1, -1]]
    """
    words = out.shape[1]
    if not words:
        return
    rows = max(1, _BLOCK_BASES // bases.shape[1])
    reach = (words - 1) * stride + 1
    for start in range(0, len(bases), rows):
        weights = _WEIGHTS.take(bases[start : start + rows])
        number = weights[:, 0:reach:stride].copy()
        for place in range(1, k):
            number <<= 2
            number += weights[:, place : place + reach : stride]
        is_unknown = number >= _UNKNOWN_WEIGHT
        number += first_id
        number[is_unknown] = unknown_id
        out[start : start + rows] = number
