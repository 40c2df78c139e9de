"""The loop of `dnabert.explain.tandem.tandem_period`."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dnabert.compilation import compiled

#: Score of a stretch below which chance gives it, somewhere in a genome.
_LEAST = 60


@compiled
def periods(code: NDArray[np.uint8]) -> NDArray[np.int16]:
    """Periods int16 (n,) of sequences uint8 (n, L) with A, C, G, T as 0 to 3 and any other base above."""
    n, length = code.shape
    found = np.zeros(n, dtype=np.int16)
    score = np.zeros(length // 2 + 1, dtype=np.int64)
    for row in range(n):
        own, best = code[row], 0
        for lag in range(1, length // 2 + 1):
            total = top = 0
            for i in range(length - lag):
                same = (own[i] == own[i + lag]) & (own[i] < 4)
                total = max(total + (2 if same else -3), 0)
                top = max(top, total)
            score[lag] = top if 4 * top >= 3 * max(lag, length // 2 - lag) and top >= _LEAST else 0
            best = max(best, score[lag])
        for lag in range(1, length // 2 + 1):
            if best and 10 * score[lag] >= 9 * best:
                found[row] = lag
                break
    return found
