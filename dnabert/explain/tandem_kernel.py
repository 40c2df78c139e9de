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
    """Periods int16 (n,), up to `most`, of sequences uint8 (n, L) with A, C, G, T as 0 to 3 and any other base
    above."""
    n, length = code.shape
    found = np.zeros(n, dtype=np.int16)
    last = min(most, length // 2)
    score = np.zeros(last + 1, dtype=np.int64)
    top, held = np.empty(last + 1, dtype=np.float32), np.empty(last + 1, dtype=np.float32)
    for row in range(n):
        own, best, alike, clearest = code[row], 0, 0, 0
        best_stretches(own, top, held)
        for lag in range(1, last + 1):
            reached, kept = int(top[lag]), int(held[lag])
            long = kept >= max(lag, length // 2 - lag)
            score[lag] = reached if long and 4 * reached >= 3 * kept and reached >= _LEAST else 0
            best, alike, clearest = max(best, score[lag]), alike + reached, max(clearest, reached)
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
def best_stretches(own: NDArray[np.uint8], top: NDArray[np.float32], held: NDArray[np.float32]) -> None:
    """Score and length of the stretch that agrees best when a sequence is laid beside itself moved by each number of
    bases.

    All lags take a base together, whole numbers in float32: a loop that the compiler makes one over vectors.

    Parameters
    ----------
    own : uint8 (L,), as in `periods`.
    top, held : float32 (lags + 1,), filled with the scores and the lengths; of lag 0 with 0.
    """
    length, last = len(own), len(top) - 1
    total, begin = np.zeros(last + 1, dtype=np.float32), np.zeros(last + 1, dtype=np.float32)
    top[:], held[:] = 0, 0
    match, other, nothing = np.float32(2), np.float32(-3), np.float32(0)
    for i in range(length - 1):
        here, end = own[i], np.float32(i + 1)
        same = match if here < 4 else other
        for lag in range(1, min(last, length - 1 - i) + 1):
            value = total[lag] + (same if own[i + lag] == here else other)
            first = begin[lag] if value > nothing else end
            value = value if value > nothing else nothing
            total[lag], begin[lag] = value, first
            held[lag] = end - first if value > top[lag] else held[lag]
            top[lag] = value if value > top[lag] else top[lag]


@compiled
def _gapped_period(own: NDArray[np.uint8], last: int) -> int:
    """The period where a stretch may go on with a base lost or gained: Smith and Waterman's alignment of a sequence
    with itself."""
    length = len(own)
    # of the best stretch that ends at this base, by how far it is moved there
    total = np.zeros(last + 2, dtype=np.int64)
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
    # multiples agree too, where they diverge by chance a little less; those next to a period do, but are no peak
    while period > 3:
        shorter = top[: period // 2 + 2].argmax()
        if not clear[shorter] or 2 * top[shorter] < top[period] or top[shorter] <= top[shorter + 1]:
            break
        period = shorter
    return int(period)
