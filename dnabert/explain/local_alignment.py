"""Smith-Waterman alignments of many sequences with one, all at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dnabert.alphabet import UNKNOWN, codes

Cells = NDArray[np.int16]

#: Scores for sequences that are about 75 % identical (States, Gish and Altschul 1991), as old copies of a repeat are.
MATCH = 1
MISMATCH = -1
GAP = -2
#: Sequences whose matrices are kept at once for the way back: 50 MB for windows of 448 bp.
_BATCH = 64


def local_scores(queries: NDArray[np.uint8], target: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Best local alignment score of each query with the target, on the strands as given (Smith and Waterman 1981).

    A match scores 1, a mismatch -1, each base of a gap -2; a base that is not A, C, G, T matches nothing.

    Parameters
    ----------
    queries : uint8 ASCII (n, L), either case.
    target : uint8 ASCII (T,).

    Returns
    -------
    int64 (n,)

    Examples
    --------
    >>> query, target = (np.frombuffer(text, dtype=np.uint8) for text in (b"TTTACGTACG", b"GGACGTAAG"))
    >>> local_scores(query[None], target).tolist()
    [5]
    """
    from dnabert.explain.local_alignment_kernel import best_scores  # numba, for those alone who align

    query, columns = _coded(queries, target)
    return best_scores(np.ascontiguousarray(query.T), columns, MATCH, MISMATCH, GAP)


def local_alignments(
    queries: NDArray[np.uint8], target: NDArray[np.uint8]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Score of each query's best local alignment with the target, and which base stands opposite which.

    Parameters
    ----------
    queries : uint8 ASCII (n, L), either case.
    target : uint8 ASCII (T,).

    Returns
    -------
    scores : int64 (n,), as `local_scores` gives them.
    opposite : int64 (n, L), for each base of the query the base of the target (0 to T - 1) opposite, -1 = none. Of
        equally good alignments, one without a gap where there is a choice.

    Examples
    --------
    >>> query, target = (np.frombuffer(text, dtype=np.uint8) for text in (b"TTTACGTACG", b"GGACGTAAG"))
    >>> local_alignments(query[None], target)[1].tolist()
    [[-1, -1, -1, 2, 3, 4, 5, 6, -1, -1]]
    """
    parts = [_batch(*_coded(queries[begin : begin + _BATCH], target)) for begin in range(0, len(queries), _BATCH)]
    if not parts:
        return np.zeros(0, dtype=np.int64), np.zeros(queries.shape, dtype=np.int64)
    return np.concatenate([scores for scores, _ in parts]), np.concatenate([opposite for _, opposite in parts])


def _coded(queries: NDArray[np.uint8], target: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Codes with the batch as last axis, (L, n), so that a diagonal's cells of all queries lie together; (T,)."""
    columns = codes(target)
    columns[columns == UNKNOWN] = UNKNOWN + 1  # an N is no match of an N
    return np.ascontiguousarray(codes(queries).T), columns


def _fill(
    cells: Cells, before: Cells, last: Cells, *, query: NDArray[np.uint8], target: NDArray[np.uint8], diagonal: int
) -> None:
    """Cells i + j = diagonal, (L + 1, n) by i, from the two diagonals before: no cell waits for another."""
    low, high = max(1, diagonal - len(target)), min(len(query), diagonal - 1)
    opposite = target[diagonal - high - 1 : diagonal - low][::-1]
    # np.where with two constants takes several times as long
    paired = (query[low - 1 : high] == opposite[:, None]).astype(np.int16)
    paired *= np.int16(MATCH - MISMATCH)
    paired += before[low - 1 : high]
    paired += np.int16(MISMATCH)
    gap = np.maximum(last[low : high + 1], last[low - 1 : high])
    gap += np.int16(GAP)
    np.maximum(paired, gap, out=paired)
    np.maximum(paired, np.int16(0), out=cells[low : high + 1])


def _batch(query: NDArray[np.uint8], target: NDArray[np.uint8]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    length, n = query.shape
    cells = np.zeros((length + len(target) + 1, length + 1, n), dtype=np.int16)
    for diagonal in range(2, len(cells)):
        _fill(cells[diagonal], cells[diagonal - 2], cells[diagonal - 1], query=query, target=target, diagonal=diagonal)
    each = np.arange(n)
    diagonals = cells.max(axis=1).argmax(axis=0)
    i = cells[diagonals, :, each].argmax(axis=1)
    scores = cells[diagonals, i, each].astype(np.int64)
    opposite = np.full((n, length), -1, dtype=np.int64)
    going = np.flatnonzero(scores > 0)
    while len(going):
        d, row = diagonals[going], i[going]
        value = cells[d, row, going]
        step = np.where(query[row - 1, going] == target[d - row - 1], MATCH, MISMATCH)
        paired = cells[d - 2, row - 1, going] + step == value
        up = ~paired & (cells[d - 1, row - 1, going] + GAP == value)
        opposite[going[paired], row[paired] - 1] = (d - row)[paired] - 1
        diagonals[going] -= np.where(paired, 2, 1)
        i[going] -= paired | up
        going = going[cells[diagonals[going], i[going], going] > 0]
    return scores, opposite
