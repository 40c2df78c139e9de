"""The loop of `dnabert.explain.local_alignment.local_scores`."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dnabert.compilation import compiled


@compiled
def best_scores(
    queries: NDArray[np.uint8], target: NDArray[np.uint8], match: int, mismatch: int, gap: int
) -> NDArray[np.int64]:
    """Best local score of each query with the target, diagonal by diagonal: no cell of one waits for another, so that
    the compiler takes many at once.

    Parameters
    ----------
    queries, target : codes uint8 (n, L) and (T,); equal ones match.
    match, mismatch, gap : what they add, the gap for each base.

    Returns
    -------
    int64 (n,)
    """
    n, length = queries.shape
    best = np.zeros(n, dtype=np.int64)
    turned = target[::-1].copy()
    # whole numbers in float32, which numba does not widen as it does small integers
    same, other, lost, nothing = np.float32(match), np.float32(mismatch), np.float32(gap), np.float32(0)
    for number in range(n):
        # of three diagonals, by the query's base
        query, cells = queries[number], np.zeros((3, length + 1), dtype=np.float32)
        highest = np.zeros(length + 1, dtype=np.float32)
        for diagonal in range(2, length + len(target) + 1):
            low, high = max(1, diagonal - len(target)), min(length, diagonal - 1)
            own, opposite = query[low - 1 : high], turned[len(target) - diagonal + low :]
            now, paired = cells[diagonal % 3, low:], cells[(diagonal + 1) % 3, low - 1 :]
            left, up = cells[(diagonal + 2) % 3, low:], cells[(diagonal + 2) % 3, low - 1 :]
            for k in range(len(own)):
                value = paired[k] + (same if own[k] == opposite[k] else other)
                gapped = (left[k] if left[k] > up[k] else up[k]) + lost
                value = value if value > gapped else gapped
                now[k] = value if value > nothing else nothing
            top = highest[low:]
            for k in range(len(own)):
                top[k] = now[k] if now[k] > top[k] else top[k]
        best[number] = int(highest.max())
    return best
