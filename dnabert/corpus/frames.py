"""Codon frames: which of its six reading frames a window's coding sequence is in.

A frame is written as in six-frame translation: ``+1`` means that, read on the forward strand, a codon begins one base
after the window's first; ``-1`` the same of the window's reverse complement. Whoever reads the window on the other
strand therefore finds the same number with the other sign.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dnabert.corpus.intervals import coverage, merge, wrap

if TYPE_CHECKING:
    import pandas as pd

#: In the order of what `coding_by_frame` gives.
FRAMES = ("+0", "+1", "+2", "-0", "-1", "-2")
#: Share of a window's bases that must be coding in one frame.
LEAST_CODING = 0.5
#: Integers of a piece of coding sequence: start, end, whether on the reverse strand, phase, number of its transcript.
PIECE = 5
#: A phase that the annotation does not tell.
UNTOLD = -1

_TURNED = {frame: "-+"[frame[0] == "-"] + frame[1] for frame in FRAMES}


def coding_by_frame(pieces: np.ndarray) -> list[np.ndarray]:
    """Coding bases by strand and by the place of the codons.

    Untold phases are those of a transcript that begins with a whole codon and goes on through its pieces. Where these
    overlap or are not whole codons together, it is more than one transcript or a part of one, whose frame nobody knows:
    it is left out.

    Parameters
    ----------
    pieces : int64 (n, 5) of one sequence: start, end (0-based, half open), 1 on the reverse strand, phase (bases before
        the first whole codon, in the direction of reading; `UNTOLD`), transcript.

    Returns
    -------
    Six int64 (m, 2), sorted and disjoint: forward strand, codons that begin at a multiple of 3, 1 or 2 beyond it;
    reverse strand, codons that end (half open) there.

    Examples
    --------
    >>> pieces = np.array([[10, 14, 0, -1, 7], [20, 25, 0, -1, 7], [30, 41, 1, 2, 0]])
    >>> [each.tolist() for each in coding_by_frame(pieces)]
    [[], [[10, 14], [20, 25]], [], [[30, 41]], [], []]
    """
    start, end, reverse, _, _ = pieces.T
    phase = _told_phases(pieces)
    kind = np.where(reverse == 1, 3 + (end - phase) % 3, (start + phase) % 3)
    return [merge(pieces[(kind == number) & (phase != UNTOLD), :2]) for number in range(len(FRAMES))]


def wrap_coding(coding: list[np.ndarray], *, length: int) -> list[np.ndarray]:
    """Coding bases of a circular sequence, of which those beyond its end are at its start, in the frame that goes on
    there.

    Parameters
    ----------
    coding : from `coding_by_frame`.
    length : bases of the sequence.

    Examples
    --------
    >>> [each.tolist() for each in wrap_coding(coding_by_frame(np.array([[90, 120, 0, 0, 0]])), length=100)]
    [[[90, 100]], [], [[0, 20]], [], [], []]
    """
    wrapped: list[list[np.ndarray]] = [[] for _ in coding]
    for number, intervals in enumerate(coding):
        pieces, interval = wrap(intervals, length=length)
        moved = pieces[:, 0] < intervals[interval, 0]
        wrapped[number].append(pieces[~moved])
        wrapped[number // 3 * 3 + (number - length) % 3].append(pieces[moved])
    return [merge(np.concatenate(pieces)) for pieces in wrapped]


def window_frames(coding: list[np.ndarray], *, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """The frame in which at least half of a window's bases are coding, object (n,); ``""`` without one.

    Transcripts that read a base in the same frame count it once, whichever gene they are of. Of several frames, where
    genes or transcripts overlap, it is the one with the most bases; of equals the forward strand's. Introns may come
    before the coding bases: the frame is theirs, counted back to the window's edge.

    Parameters
    ----------
    coding : from `coding_by_frame`.
    starts, ends : int64 (n,), 0-based, half open, ascending.
    """
    bases = np.stack([coverage(pieces, starts=starts, ends=ends) for pieces in coding])
    kind = bases.argmax(axis=0)
    to_codon = np.where(kind < 3, kind - starts, ends - kind) % 3
    frames = np.array(FRAMES, object)[kind // 3 * 3 + to_codon]
    frames[bases.max(axis=0) < LEAST_CODING * (ends - starts)] = ""
    return frames


def codon_frames_read(table: pd.DataFrame) -> np.ndarray | None:
    """Codon frame of each window on the strand that was read, object (n,).

    Parameters
    ----------
    table : n windows with ``codon_frame``, and ``strand`` where they were read on either.

    Returns
    -------
    One of `FRAMES`, or ``""`` where there is none or it is unknown; None when the table has no such column, as that of
    a corpus of an earlier version.

    Examples
    --------
    >>> import pandas as pd
    >>> codon_frames_read(pd.DataFrame({"codon_frame": ["+1", "+1", "unknown"], "strand": ["+", "-", "-"]})).tolist()
    ['+1', '-1', '']
    """
    if "codon_frame" not in table:
        return None
    frames = table["codon_frame"].astype(str)
    forward = frames.where(frames.isin(FRAMES), "")
    if "strand" not in table:
        return forward.to_numpy(object)
    turned = table["strand"].astype(str) == "-"
    return forward.where(~turned, forward.map(_TURNED).fillna("")).to_numpy(object)


def _told_phases(pieces: np.ndarray) -> np.ndarray:
    """Phases int64 (n,), those that are untold continued through each transcript where that can be."""
    phase = pieces[:, 3].copy()
    untold = np.flatnonzero(phase == UNTOLD)
    start, end, reverse, _, transcript = pieces[untold].T
    order = np.lexsort((np.where(reverse == 1, -start, start), transcript))  # as they are read
    start, end, reverse, transcript = (values[order] for values in (start, end, reverse, transcript))
    first = np.append(True, transcript[1:] != transcript[:-1])[: len(order)]
    group = np.cumsum(first) - 1
    before = np.cumsum(end - start) - (end - start)
    before -= before[first][group]
    apart = (
        np.append(True, np.where(reverse[1:] == 1, end[1:] <= start[:-1], start[1:] >= end[:-1]))[: len(order)] | first
    )
    whole = np.bincount(group, weights=end - start) % 3 == 0
    sound = whole & (np.bincount(group, weights=~apart) == 0)
    phase[untold[order]] = np.where(sound[group], -before % 3, UNTOLD)
    return phase
