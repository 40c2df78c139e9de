"""The loop of `dnabert.explain.tandem.tandem_period`."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dnabert.compilation import compiled

#: Score of a stretch below which chance gives it, somewhere in a genome.
_LEAST = 60


@compiled
def periods(code: NDArray[np.uint8], most: int) -> NDArray[np.int16]:
    """Periods int16 (n,), up to `most`, of sequences uint8 (n, L) with A, C, G, T as 0 to 3 and any other base above."""
    n, length = code.shape
    found = np.zeros(n, dtype=np.int16)
    last = min(most, length // 2)
    score = np.zeros(last + 1, dtype=np.int64)
    for row in range(n):
        own, best, alike = code[row], 0, 0
        for lag in range(1, last + 1):
            total = top = begin = held = 0
            for i in range(length - lag):
                same = (own[i] == own[i + lag]) & (own[i] < 4)
                total += 2 if same else -3
                if total <= 0:
                    total, begin = 0, i + 1
                if total > top:
                    top, held = total, i + 1 - begin
            long = held >= max(lag, length // 2 - lag)
            score[lag] = top if long and 4 * top >= 3 * held and top >= _LEAST else 0
            best, alike = max(best, score[lag]), alike + top
        if 2 * alike >= best * last:  # whatever it is moved by: one base is nearly all of it
            found[row] = score[1] > 0
            continue
        for lag in range(1, last + 1):
            if best and 10 * score[lag] >= 9 * best:
                found[row] = lag
                break
    return found
