"""Sequences of test that hold a stretch of a training sequence, on either strand: remembered rather than predicted."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from dnabert.alphabet import CODE_OF
from dnabert.pretraining.hashing import hashed

#: Bases of a stretch, of which `sketch_words` takes up to 32.
STRETCH = 30
#: What it gives for a stretch with unknown bases.
_UNKNOWN = np.uint64(2**64 - 1)
#: Training sequences whose stretches are held at once.
_BATCH = 4_096


def seen_in_training(test: Sequence[NDArray[np.uint8]], *, train: Sequence[NDArray[np.uint8]]) -> NDArray[np.bool_]:
    """Which test sequences share a stretch of 30 known bases with a training sequence, on either strand.

    Parameters
    ----------
    test, train : arrays of ASCII, uint8 (L_i,), in either case.

    Returns
    -------
    bool, one per test sequence.

    Examples
    --------
    >>> one, other = (np.frombuffer(text, dtype=np.uint8) for text in (b"GATTACA" * 5, b"C" + b"tgtaatc" * 5))
    >>> seen_in_training([one, one[:29]], train=[other]).tolist()
    [True, False]
    """
    own, owner = _stretches(test)
    sought, number = np.unique(own, return_inverse=True)
    found = np.zeros(len(sought), dtype=bool)
    for first in range(0, len(train), _BATCH):
        found |= np.isin(sought, _stretches(train[first : first + _BATCH])[0])
    shares = np.zeros(len(test), dtype=bool)
    shares[owner[found[number]]] = True
    return shares


def _stretches(sequences: Sequence[NDArray[np.uint8]]) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """Hashes of all stretches of known bases, each on the strand where it is the smaller, and which sequence has
    each."""
    from dnabert.pretraining.kernels import sketch_words  # numba, for those alone who ask

    joined = np.frombuffer(b"".join(sequence.tobytes() + b"N" for sequence in sequences), dtype=np.uint8)
    if len(joined) < STRETCH:
        return np.empty(0, dtype=np.uint64), np.empty(0, dtype=np.int64)
    hashes = sketch_words(joined[np.newaxis], CODE_OF, STRETCH, np.uint64(hashed(0)))[0]
    owner = np.repeat(np.arange(len(sequences)), [len(sequence) + 1 for sequence in sequences])[: len(hashes)]
    known = hashes < _UNKNOWN
    return hashes[known], owner[known]
