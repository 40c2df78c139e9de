"""Sequences into segments, segments into windows: coordinates only."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

#: `before` and `after` are stored as uint16.
_MOST = np.iinfo(np.uint16).max
_IS_BASE = np.zeros(256, bool)
_IS_BASE[np.frombuffer(b"ACGTUacgtu", np.uint8)] = True


class UnknownRuns:
    """Runs of bases other than A, C, G, T (U), collected chunk by chunk.

    Examples
    --------
    >>> runs = UnknownRuns()
    >>> runs.add(np.frombuffer(b"ACNN", np.uint8))
    >>> runs.add(np.frombuffer(b"NNNA", np.uint8))
    >>> runs.of_at_least(3).tolist()
    [[2, 7]]
    """

    def __init__(self) -> None:
        self._runs: list[np.ndarray] = []
        self._length = 0

    def add(self, bases: np.ndarray) -> None:
        """Take the next bases: uint8 ASCII (n,)."""
        known = _IS_BASE[bases]
        if not known.all():
            unknown = np.zeros(len(bases) + 2, bool)
            np.logical_not(known, out=unknown[1:-1])
            changes = np.flatnonzero(unknown[1:] != unknown[:-1])  # a run begins, a run ends, the next begins, …
            self._runs.append(changes.reshape(-1, 2).astype(np.int64) + self._length)
        self._length += len(bases)

    def of_at_least(self, length: int) -> np.ndarray:
        """Runs of at least `length` bases: int64 (n, 2), start and end."""
        if not self._runs:  # most contigs of a draft assembly
            return np.empty((0, 2), np.int64)
        runs = np.concatenate(self._runs)
        new = np.ones(len(runs), bool)
        new[1:] = runs[1:, 0] > runs[:-1, 1]  # a run that goes on in the next chunk is one run
        ends = np.append(new[1:], True) if len(runs) else new
        merged = np.stack([runs[new, 0], runs[ends, 1]], axis=1)
        return merged[merged[:, 1] - merged[:, 0] >= length]


def segments_between(runs: np.ndarray, *, length: int, cuts: np.ndarray | None = None) -> np.ndarray:
    """Stretches of a sequence outside `runs`, cut at `cuts`.

    Parameters
    ----------
    runs : int64 (n, 2), sorted and disjoint.
    length : bases of the sequence.
    cuts : positions at which a stretch ends and another begins.

    Returns
    -------
    int64 (m, 2), start and end, none empty.

    Examples
    --------
    >>> segments_between(np.array([[3, 5]]), length=9, cuts=np.array([7])).tolist()
    [[0, 3], [5, 7], [7, 9]]
    """
    if not len(runs) and length and (cuts is None or not len(cuts)):
        return np.array([[0, length]], np.int64)
    starts = np.concatenate([[0], runs[:, 1]]).astype(np.int64)
    ends = np.concatenate([runs[:, 0], [length]]).astype(np.int64)
    cuts = np.empty(0, np.int64) if cuts is None else np.unique(np.asarray(cuts, np.int64))
    segment = np.searchsorted(starts, cuts, side="right") - 1
    inside = (segment >= 0) & (cuts > starts[segment]) & (cuts < ends[segment])
    starts, ends = np.sort(np.append(starts, cuts[inside])), np.sort(np.append(ends, cuts[inside]))
    full = ends > starts
    return np.stack([starts[full], ends[full]], axis=1)


@dataclass(frozen=True)
class Windows:
    """Windows of one sequence, in order: equally long arrays."""

    start: np.ndarray
    """int64: first base, 0-based."""
    before: np.ndarray
    """uint16: bases of the same segment before the window, at most 65,535."""
    after: np.ndarray
    """uint16: bases of the same segment after the window, at most 65,535."""

    def __len__(self) -> int:
        return len(self.start)


def lay_windows(segments: np.ndarray, *, length: int, step: int) -> Windows:
    """Lay windows from each segment's start, `step` apart; what is left at its end holds none.

    Examples
    --------
    >>> windows = lay_windows(np.array([[0, 10], [20, 23], [30, 34]]), length=4, step=4)
    >>> windows.start.tolist(), windows.before.tolist(), windows.after.tolist()
    ([0, 4, 30], [0, 4, 0], [6, 2, 0])
    """
    sizes = segments[:, 1] - segments[:, 0]
    counts = np.maximum((sizes - length) // step + 1, 0)
    segment = np.repeat(np.arange(len(segments)), counts)
    within = (np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)) * step
    start = segments[segment, 0] + within
    after = segments[segment, 1] - start - length
    return Windows(
        start=start.astype(np.int64),
        before=np.minimum(within, _MOST).astype(np.uint16),
        after=np.minimum(after, _MOST).astype(np.uint16),
    )


def held_between(windows: Windows, *, length: int, cuts: np.ndarray) -> Windows:
    """The same windows, none of which can be moved over a cut.

    Parameters
    ----------
    windows : side by side or further apart.
    length : bases per window.
    cuts : int64 (n,), ascending places between windows.

    Examples
    --------
    >>> held = held_between(lay_windows(np.array([[0, 10]]), length=4, step=4), length=4, cuts=np.array([4]))
    >>> held.before.tolist(), held.after.tolist()
    ([0, 0], [0, 2])
    """
    stretch = np.searchsorted(cuts, windows.start, side="right")
    before = windows.start - np.append(0, cuts)[stretch]
    after = np.append(cuts, np.iinfo(np.int64).max)[stretch] - windows.start - length
    return Windows(
        start=windows.start,
        before=np.minimum(windows.before, before).astype(np.uint16),
        after=np.minimum(windows.after, after).astype(np.uint16),
    )


def covered(windows: Windows, *, length: int) -> int:
    """Number of bases that lie in at least one window.

    Examples
    --------
    >>> covered(lay_windows(np.array([[0, 10]]), length=4, step=3), length=4)
    10
    """
    if not len(windows):
        return 0
    fresh = np.minimum(np.diff(windows.start), length)
    return int(fresh.sum()) + length


def composition(bases: np.ndarray) -> dict[str, np.ndarray]:
    """GC content, soft-masked share and share of N of each window.

    Parameters
    ----------
    bases : uint8 ASCII (n, L).

    Returns
    -------
    gc : float32 (n,), share of G and C among A, C, G, T; 0 where there is none of them.
    soft_masked : float32 (n,), share of lower-case letters.
    n_share : float32 (n,), share of letters other than A, C, G, T.

    Examples
    --------
    >>> {name: share.tolist() for name, share in composition(np.frombuffer(b"ACgN", np.uint8)[None]).items()}
    {'gc': [0.6666666865348816], 'soft_masked': [0.25], 'n_share': [0.25]}
    """
    length = bases.shape[1]
    upper = bases & 0xDF
    gc = ((upper == ord("G")) | (upper == ord("C"))).sum(axis=1)
    known = _IS_BASE[bases].sum(axis=1)
    lower = (bases & 0x20).astype(bool).sum(axis=1)
    return {
        "gc": (gc / np.maximum(known, 1)).astype(np.float32),
        "soft_masked": (lower / length).astype(np.float32),
        "n_share": (1 - known / length).astype(np.float32),
    }
