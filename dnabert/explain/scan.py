"""Where a motif stands in many windows: scores at every place, on both strands."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dnabert.alphabet import UNKNOWN

#: Bases looked up together: 5**4 = 625 sums fit the processor's nearest cache, four times fewer look-ups than by base.
_TOGETHER = 4
_LETTERS = 5
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
    """Sites that score `threshold` or more and do not overlap a better one: int64 (s, 3), window, start and 1 = reverse.

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
        here, others = int(start[index]), taken.setdefault(int(window[index]), [])
        if all(abs(here - other) >= width for other in others):
            others.append(here)
            kept.append(index)
    return np.array(sorted(kept), dtype=np.intp)


def _scores(code: NDArray[np.uint8], weights: NDArray[np.floating]) -> list[NDArray[np.float32]]:
    """Scores of chunks of windows: float32 (m, L - l + 1, 2), the last axis being the strand."""
    tables = [_tables(each) for each in (weights, weights[::-1, ::-1])]
    step = max(1, _CHUNK // max(1, code.shape[1]))
    chunks = [code[begin : begin + step] for begin in range(0, max(1, len(code)), step)]
    return [_chunk(chunk, tables, width=len(weights)) for chunk in chunks]


def _chunk(code: NDArray[np.uint8], tables: list[NDArray[np.float32]], *, width: int) -> NDArray[np.float32]:
    places = code.shape[1] - width + 1
    together = _together(code)
    scores = np.empty((len(code), places, 2), dtype=np.float32)
    for strand, of_strand in enumerate(tables):
        total = of_strand[0][together[:, :places]]
        for i, table in enumerate(of_strand[1:], start=1):
            total += table[together[:, _TOGETHER * i : _TOGETHER * i + places]]
        scores[:, :, strand] = total
    return scores


def _together(code: NDArray[np.uint8]) -> NDArray[np.uint16]:
    """The number of the four letters that begin at each place; beyond the end stand unknown ones: uint16 (n, L + 3)."""
    padded = np.pad(code, ((0, 0), (0, 2 * (_TOGETHER - 1))), constant_values=UNKNOWN).astype(np.uint16)
    length = code.shape[1] + _TOGETHER - 1
    number = padded[:, :length]
    for i in range(1, _TOGETHER):
        number = number * _LETTERS + padded[:, i : i + length]
    return number


def _tables(weights: NDArray[np.floating]) -> NDArray[np.float32]:
    """Sums of four columns for each number of four letters: float32 (ceil(l / 4), 625)."""
    blocks = -(-len(weights) // _TOGETHER)
    full = np.zeros((blocks * _TOGETHER, _LETTERS), dtype=np.float32)
    full[: len(weights), :4] = weights
    full[: len(weights), 4] = NEVER
    tables = np.zeros((blocks, *([_LETTERS] * _TOGETHER)), dtype=np.float32)
    for i in range(_TOGETHER):
        shape = [blocks, *([1] * _TOGETHER)]
        shape[i + 1] = _LETTERS
        tables += full[i::_TOGETHER].reshape(shape)
    return tables.reshape(blocks, -1)
