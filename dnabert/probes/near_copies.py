"""Sequences of test that hold a stretch of a training sequence, on either strand: remembered rather than predicted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from dnabert.alphabet import UNKNOWN, codes
from dnabert.pretraining.hashing import GOLDEN

#: Bases of a stretch: as many as fit a whole number of 64 bits, so that equal numbers are equal stretches.
STRETCH = 30

#: Bases that are taken at a time: their numbers stay in a core's cache.
_BATCH = 30_000
#: A table of 2 ** 26 bits rules out most stretches of train before they are sought among those of test.
_TABLE = 26


def near_copies(test: Sequence[NDArray[np.uint8]], *, train: Sequence[NDArray[np.uint8]]) -> NDArray[np.bool_]:
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
    >>> near_copies([one, one[:29]], train=[other]).tolist()
    [True, False]
    """
    pieces = [(stretches, batch[owners]) for batch, stretches, owners in _stretches(test)]
    own, owner = (np.concatenate(each) for each in zip(*pieces, strict=True))
    sought, number = np.unique(own, return_inverse=True)
    table, found = np.zeros(1 << _TABLE, bool), np.zeros(len(sought), bool)
    table[_place(sought)] = True
    for _, stretches, _ in _stretches(train):
        stretches = stretches[table[_place(stretches)]]
        at = np.searchsorted(sought, stretches)
        inside = at < len(sought)
        at, stretches = at[inside], stretches[inside]
        found[at[sought[at] == stretches]] = True
    shares = np.zeros(len(test), bool)
    shares[owner[found[number]]] = True
    return shares


def _stretches(
    sequences: Sequence[NDArray[np.uint8]],
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.uint64], NDArray[np.int64]]]:
    """By batch: numbers of its sequences, its stretches (the smaller of both strands' numbers) and which of its sequences has each."""
    lengths = np.array([len(sequence) + 1 for sequence in sequences])
    batch_of = np.cumsum(lengths) // _BATCH
    for batch in np.split(np.arange(len(sequences)), np.flatnonzero(np.diff(batch_of)) + 1):
        coded = codes(np.frombuffer(b"".join(sequences[row].tobytes() + b"N" for row in batch), dtype=np.uint8))
        places = len(coded) - STRETCH + 1
        if places < 1:
            yield batch, np.empty(0, np.uint64), np.empty(0, np.int64)
            continue
        unknown = np.append(0, np.cumsum(coded == UNKNOWN))
        wide = coded.astype(np.uint64) & np.uint64(3)
        opposite = np.uint64(3) - wide
        forward, backward = np.zeros(places, np.uint64), np.zeros(places, np.uint64)
        for base in range(STRETCH):
            last = STRETCH - 1 - base
            forward <<= np.uint64(2)
            forward |= wide[base : base + places]
            backward <<= np.uint64(2)
            backward |= opposite[last : last + places]
        known = unknown[STRETCH:] == unknown[:-STRETCH]
        yield batch, np.minimum(forward, backward)[known], np.repeat(np.arange(len(batch)), lengths[batch])[:places][known]


def _place(stretches: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Of each stretch in the table (Fibonacci hashing)."""
    return (stretches * GOLDEN) >> np.uint64(64 - _TABLE)
