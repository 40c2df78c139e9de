"""Which places of a batch are near-copies of each other, so that they are no fair negatives."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dnabert.alphabet import CODE_OF
from dnabert.pretraining.hashing import hashed

#: Words of a place's sketch, and the share of it in common from which two places count as copies of each other: 16
#: bases survive unchanged in half of such words at an identity of 96 %, the least among great apes, and in a fifth at
#: 90 % (two Alus).
_SKETCH, _WORD, _COPIES = 64, 16, 0.3


def near_copies(bases: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Which windows are copies of each other, by the words they share: bool (n, n), false on the diagonal.

    A window's sketch is the 64 smallest hashes of its 16-mers, on whichever strand is smaller (Broder 1997, as Mash has
    it); two windows are copies when they share 30 % of the smaller sketch. Orthologs of great apes do, copies of old
    repeats do not.

    Parameters
    ----------
    bases : uint8 ASCII (n, L).
    """
    hashes, sizes = sketch(bases, word=_WORD, most=_SKETCH)
    more_than = np.maximum(_COPIES * sizes, 1)
    return sharing_hashes(hashes, sizes, needed=np.floor(more_than).astype(np.int64) + 1)


def sharing_hashes(
    hashes: NDArray[np.uint64], sizes: NDArray[np.int64], *, needed: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Which windows have enough hashes in common, of what `sketch` gives: bool (n, n), false on the diagonal.

    Enough for two windows is the smaller of their `needed` (n,), 1 to 255.
    """
    from dnabert.pretraining.kernels import sharing  # numba, for those alone who ask for copies

    values = hashes[np.arange(hashes.shape[1]) < sizes[:, None]]
    owners = np.repeat(np.arange(len(hashes)), sizes)
    order = np.argsort(values)
    return sharing(values[order], owners[order], needed)


def sketch(bases: NDArray[np.uint8], *, word: int, most: int) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """The smallest different hashes of each window's words, on whichever strand is smaller, and how many there are.

    Parameters
    ----------
    bases : uint8 ASCII (n, L).
    word : bases of a word, to 32; words with unknown bases are left out.
    most : hashes of a window.

    Returns
    -------
    uint64 (n, most), ascending as far as they go, and int64 (n,).
    """
    from dnabert.pretraining.kernels import sketch_words, sketches

    if bases.shape[1] < word:
        return np.zeros((len(bases), most), dtype=np.uint64), np.zeros(len(bases), dtype=np.int64)
    words = sketch_words(np.ascontiguousarray(bases), CODE_OF, word, np.uint64(hashed(0)))
    words.sort(axis=1)
    return sketches(words, most)
