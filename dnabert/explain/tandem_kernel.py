"""The loops of `dnabert.explain.tandem.tandem_period`."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dnabert.compilation import compiled

#: Score of a stretch below which chance gives it, somewhere in a genome.
_LEAST = 60
#: What a lost or gained base costs: 7, where a match counts 2, as Benson's Tandem Repeats Finder has it.
_GAP = 7


@compiled
def periods(code: NDArray[np.uint8], most: int) -> NDArray[np.int16]:
    """Periods int16 (n,), up to `most`, of sequences uint8 (n, L) with A, C, G, T as 0 to 3 and any other base above."""
    n, length = code.shape
    found = np.zeros(n, dtype=np.int16)
    last = min(most, length // 2)
    score = np.zeros(last + 1, dtype=np.int64)
    for row in range(n):
        own, best, alike, clearest = code[row], 0, 0, 0
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
            best, alike, clearest = max(best, score[lag]), alike + top, max(clearest, top)
        if best == 0 and 2 * clearest >= _LEAST:
            found[row] = _gapped_period(own, last)
            continue
        if 2 * alike >= best * last:  # whatever it is moved by: one base is nearly all of it
            found[row] = score[1] > 0
            continue
        for lag in range(1, last + 1):
            if best and 10 * score[lag] >= 9 * best:
                found[row] = lag
                break
    return found


@compiled
def _gapped_period(own: NDArray[np.uint8], last: int) -> int:
    """The period where a stretch may go on with a base lost or gained: Smith and Waterman's alignment of a sequence with itself."""
    length = len(own)
    total = np.zeros(last + 2, dtype=np.int64)  # of the best stretch that ends at this base, by how far it is moved there
    begin = np.zeros(last + 2, dtype=np.int64)
    top = np.zeros(last + 1, dtype=np.int64)
    held = np.zeros(last + 1, dtype=np.int64)
    for i in range(length):
        for lag in range(1, min(last, length - 1 - i) + 1):
            value = total[lag] + (2 if own[i] == own[i + lag] and own[i] < 4 else -3)
            first = begin[lag] if total[lag] > 0 else i
            for near in (lag - 1, lag + 1):
                if total[near] - _GAP > value:
                    value, first = total[near] - _GAP, begin[near]
            total[lag], begin[lag] = max(value, 0), first
            if value > top[lag]:
                top[lag], held[lag] = value, i + 1 - first
    lags = np.arange(last + 1)
    clear = (held >= np.maximum(lags, length // 2 - lags)) & (4 * top[: last + 1] >= 3 * held) & (top >= _LEAST)
    period = top.argmax()
    if not clear[period] or 2 * top.sum() >= top[period] * last:
        return 0
    while period > 3:  # multiples agree too, where they diverge by chance a little less; those next to a period do, but are no peak
        shorter = top[: period // 2 + 2].argmax()
        if not clear[shorter] or 2 * top[shorter] < top[period] or top[shorter] <= top[shorter + 1]:
            break
        period = shorter
    return int(period)
