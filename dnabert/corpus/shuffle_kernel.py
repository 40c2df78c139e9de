"""The loops of `dnabert.corpus.shuffle.shuffle_dinucleotides`."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dnabert.compilation import compiled


@compiled
def successors(sequence: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.int64], NDArray[np.int64]]:
    """What follows each letter of a sequence uint8 (L,), letter after letter, in order.

    Returns
    -------
    the successors, uint8 (L - 1,), where those of each letter end, int64 (256,), and the letters that have any, int64,
    ascending.
    """
    count = np.zeros(256, dtype=np.int64)
    for letter in sequence[:-1]:
        count[letter] += 1
    ends = np.cumsum(count)
    free = np.zeros(256, dtype=np.int64)
    free[1:] = ends[:-1]
    following = np.empty(len(sequence) - 1, dtype=np.uint8)
    for place in range(len(following)):
        letter = sequence[place]
        following[free[letter]] = sequence[place + 1]
        free[letter] += 1
    return following, ends, np.flatnonzero(count)


@compiled
def walk(following: NDArray[np.uint8], ends: NDArray[np.int64], start: int) -> NDArray[np.uint8]:
    """Go from a letter to the first that follows it and is not yet taken: uint8 (L,) of what `successors` gives."""
    taken = np.zeros(256, dtype=np.int64)
    taken[1:] = ends[:-1]
    path = np.empty(len(following) + 1, dtype=np.uint8)
    path[0] = start
    for place in range(len(following)):
        here = path[place]
        path[place + 1] = following[taken[here]]
        taken[here] += 1
    return path
