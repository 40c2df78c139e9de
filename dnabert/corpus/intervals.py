"""Arithmetic of intervals on one sequence: sorted numpy arrays, 0-based half open."""

from __future__ import annotations

import numpy as np


def merge(intervals: np.ndarray) -> np.ndarray:
    """Sorted, disjoint intervals that cover the same bases.

    Parameters
    ----------
    intervals : int64 (n, 2), in any order, overlapping or not.

    Examples
    --------
    >>> merge(np.array([[5, 9], [0, 3], [2, 4], [4, 5]])).tolist()
    [[0, 9]]
    """
    intervals = intervals[intervals[:, 1] > intervals[:, 0]]
    if not len(intervals):
        return np.empty((0, 2), np.int64)
    intervals = intervals[np.argsort(intervals[:, 0], kind="stable")]
    reach = np.maximum.accumulate(intervals[:, 1])
    new = np.append(True, intervals[1:, 0] > reach[:-1])
    return np.stack([intervals[new, 0], reach[np.append(np.flatnonzero(new)[1:] - 1, len(reach) - 1)]], axis=1)


def wrap(intervals: np.ndarray, *, length: int) -> tuple[np.ndarray, np.ndarray]:
    """Intervals of a circular sequence within its first to its last base: what goes on beyond the end does so at the
    start.

    Parameters
    ----------
    intervals : int64 (n, 2), in any order; GFF3 adds the sequence's length to the end of one that crosses the origin.
    length : bases of the sequence.

    Returns
    -------
    pieces : int64 (m, 2), first one of each interval, then the second ones.
    interval : int64 (m,), index of the interval that each is of.

    Examples
    --------
    >>> [x.tolist() for x in wrap(np.array([[90, 120], [5, 9], [101, 104]]), length=100)]
    [[[90, 100], [5, 9], [1, 4], [0, 20]], [0, 1, 2, 0]]
    """
    start = intervals[:, 0] % length
    end = start + np.minimum(intervals[:, 1] - intervals[:, 0], length)
    crossing = np.flatnonzero(end > length)
    first = np.stack([start, np.minimum(end, length)], axis=1)
    second = np.stack([np.zeros(len(crossing), np.int64), end[crossing] - length], axis=1)
    return np.concatenate([first, second]), np.append(np.arange(len(intervals)), crossing)


def among(intervals: np.ndarray, *, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Which intervals reach in between the first and the last of some windows: bool (n,).

    A chromosome's windows are annotated in batches, each of which has to do with few of its intervals.

    Parameters
    ----------
    intervals : int64 (n, 2), in any order.
    starts, ends : int64 (m,), both ascending.

    Examples
    --------
    >>> among(np.array([[0, 4], [3, 9], [8, 9]]), starts=np.array([4, 6]), ends=np.array([6, 8])).tolist()
    [False, True, False]
    """
    if not len(starts):
        return np.zeros(len(intervals), bool)
    return (intervals[:, 1] > starts[0]) & (intervals[:, 0] < ends[-1])


def coverage(merged: np.ndarray, *, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Number of bases of each window that `merged` covers.

    Parameters
    ----------
    merged : int64 (n, 2), sorted and disjoint, as `merge` gives them.
    starts, ends : int64 (m,).

    Returns
    -------
    int64 (m,)

    Examples
    --------
    >>> coverage(np.array([[2, 5], [8, 20]]), starts=np.array([0, 4]), ends=np.array([4, 10])).tolist()
    [2, 3]
    """
    return _covered_before(merged, ends) - _covered_before(merged, starts)


def _covered_before(merged: np.ndarray, positions: np.ndarray) -> np.ndarray:
    if not len(merged):
        return np.zeros(len(positions), np.int64)
    total = np.concatenate([[0], np.cumsum(merged[:, 1] - merged[:, 0])])
    behind = np.searchsorted(merged[:, 0], positions, side="right")  # intervals that begin at or before the position
    overshoot = np.maximum(merged[np.maximum(behind - 1, 0), 1] - positions, 0) * (behind > 0)
    return np.asarray(total[behind] - overshoot)


def overlaps(
    intervals: np.ndarray, *, starts: np.ndarray, ends: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """All pairs of a window and an interval that share bases.

    Parameters
    ----------
    intervals : int64 (n, 2), in any order.
    starts, ends : int64 (m,), both ascending.

    Returns
    -------
    window : int64 (p,), index of the window.
    interval : int64 (p,), index of the interval.
    shared : int64 (p,), number of bases they share.

    Examples
    --------
    >>> [x.tolist() for x in overlaps(np.array([[3, 9]]), starts=np.array([0, 4, 8]), ends=np.array([4, 8, 12]))]
    [[0, 1, 2], [0, 0, 0], [1, 4, 1]]
    """
    first = np.searchsorted(ends, intervals[:, 0], side="right")
    last = np.searchsorted(starts, intervals[:, 1], side="left")
    counts = np.maximum(last - first, 0)
    interval = np.repeat(np.arange(len(intervals)), counts)
    window = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts) + first[interval]
    shared = np.minimum(ends[window], intervals[interval, 1]) - np.maximum(starts[window], intervals[interval, 0])
    some = shared > 0  # an empty interval shares nothing
    return window[some], interval[some], shared[some]
