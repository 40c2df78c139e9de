"""Where a motif stands in many windows: scores at every place, on both strands."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

#: Bases looked up together: 5**4 = 625 sums fit the processor's nearest cache, four times fewer look-ups than by base.
TOGETHER = 4
LETTERS = 5
#: Score of a place that holds no A, C, G or T where the motif has a column: no site stands there.
NEVER = np.float32(-1e4)
#: Bases scanned at once.
_CHUNK = 1 << 18


@dataclass(frozen=True)
class Sites:
    """The best site of each window.

    Attributes
    ----------
    score : float32 (n,).
    start : int64 (n,), 0-based, in the window as it is given.
    reverse : bool (n,), whether the motif stands on the other strand.
    """

    score: NDArray[np.float32]
    start: NDArray[np.int64]
    reverse: NDArray[np.bool_]


def best_sites(code: NDArray[np.uint8], weights: NDArray[np.floating]) -> Sites:
    """Best-scoring place of each window on either strand; of equal ones the first, forward before reverse.

    Parameters
    ----------
    code : uint8 (n, L), A, C, G, T as 0 to 3, anything else 4.
    weights : float (l, 4), l <= L: what each base adds at each column, such as log-odds.

    Examples
    --------
    >>> site = best_sites(np.array([[3, 3, 1, 3, 0]], dtype=np.uint8), np.eye(4)[[0, 2]])  # AG, that is CT
    >>> site.score.tolist(), site.start.tolist(), site.reverse.tolist()
    ([2.0], [2], [True])
    """
    parts = []
    for scores in _scores(code, weights):
        n, places, _ = scores.shape
        flat = scores.reshape(n, 2 * places)
        best = flat.argmax(axis=1)
        parts.append((flat[np.arange(n), best], best // 2, best % 2 == 1))
    return Sites(*(np.concatenate(each) for each in zip(*parts, strict=True)))


def all_sites(code: NDArray[np.uint8], weights: NDArray[np.floating], *, threshold: float) -> NDArray[np.int64]:
    """Sites that score `threshold` or more and do not overlap a better one: int64 (s, 3), window, start and 1 =
    reverse.

    Examples
    --------
    >>> all_sites(np.array([[0, 0, 0, 3]], dtype=np.uint8), np.eye(4)[[0, 0]], threshold=2).tolist()
    [[0, 0, 0]]
    """
    found, begin = [], 0
    for scores in _scores(code, weights):
        window, start, reverse = np.nonzero(scores >= np.float32(threshold))
        kept = _not_overlapping(window, start, scores[window, start, reverse], width=len(weights))
        found.append(np.stack([window[kept] + begin, start[kept], reverse[kept]], axis=1))
        begin += len(scores)
    return np.concatenate(found)


def _not_overlapping(
    window: NDArray[np.intp], start: NDArray[np.intp], score: NDArray[np.float32], *, width: int
) -> NDArray[np.intp]:
    """Greedy from the best score on; kept ones in their order."""
    taken: dict[int, list[int]] = {}
    kept = []
    for index in np.argsort(-score, kind="stable").tolist():
        here = int(start[index])
        others = taken.setdefault(int(window[index]), [])
        if all(abs(here - other) >= width for other in others):
            others.append(here)
            kept.append(index)
    return np.array(sorted(kept), dtype=np.intp)


def _scores(code: NDArray[np.uint8], weights: NDArray[np.floating]) -> list[NDArray[np.float32]]:
    """Scores of chunks of windows: float32 (m, L - l + 1, 2), the last axis being the strand."""
    from dnabert.explain.scan_kernel import place_scores  # numba, for those alone who scan

    forward, reverse = (_tables(each) for each in (weights, weights[::-1, ::-1]))
    step = max(1, _CHUNK // max(1, code.shape[1]))
    chunks = [code[begin : begin + step] for begin in range(0, max(1, len(code)), step)]
    return [place_scores(np.ascontiguousarray(chunk), forward, reverse, len(weights)) for chunk in chunks]


def _tables(weights: NDArray[np.floating]) -> NDArray[np.float32]:
    """Sums of four columns for each number of four letters: float32 (ceil(l / 4), 625)."""
    blocks = -(-len(weights) // TOGETHER)
    full = np.zeros((blocks * TOGETHER, LETTERS), dtype=np.float32)
    full[: len(weights), :4] = weights
    full[: len(weights), 4] = NEVER
    tables = np.zeros((blocks, *([LETTERS] * TOGETHER)), dtype=np.float32)
    for i in range(TOGETHER):
        shape = [blocks, *([1] * TOGETHER)]
        shape[i + 1] = LETTERS
        tables += full[i::TOGETHER].reshape(shape)
    return tables.reshape(blocks, -1)
