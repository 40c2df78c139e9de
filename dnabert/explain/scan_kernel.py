"""The loop of `dnabert.explain.scan`."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dnabert.compilation import compiled
from dnabert.explain.scan import LETTERS, TOGETHER

_UNKNOWN = LETTERS - 1
#: What the number of the letters but the first stays below.
_LAST: int = LETTERS ** (TOGETHER - 1)


@compiled
def place_scores(
    code: NDArray[np.uint8], forward: NDArray[np.float32], reverse: NDArray[np.float32], width: int
) -> NDArray[np.float32]:
    """Scores of a motif at each place of windows, on either strand: float32 (n, L - width + 1, 2).

    Parameters
    ----------
    code : uint8 (n, L), A, C, G, T as 0 to 3, anything else 4.
    forward, reverse : float32 (blocks, LETTERS^TOGETHER), the sums of so many columns of the motif, on each strand.
    width : columns of the motif.
    """
    n, length = code.shape
    places = length - width + 1
    scores = np.empty((n, places, 2), dtype=np.float32)
    # of the letters that begin at each place; beyond the end stand unknown ones
    numbers = np.empty(length + TOGETHER, dtype=np.uint16)
    total = np.empty(places, dtype=np.float32)
    for row in range(n):
        own, number = code[row], 0
        for place in range(length + TOGETHER - 1):
            letter = int(own[place]) if place < length else _UNKNOWN
            number = number % _LAST * LETTERS + letter
            if place >= TOGETHER - 1:
                numbers[place - TOGETHER + 1] = number
        for strand in range(2):
            tables = forward if strand == 0 else reverse
            total[:] = 0
            for block in range(len(tables)):
                table, here = tables[block], numbers[TOGETHER * block :]
                for place in range(places):
                    total[place] += table[here[place]]
            scores[row, :, strand] = total
    return scores
