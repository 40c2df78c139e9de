"""Sequences as arrays: what encoders read, checked, grouped by length, cut into stretches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dnabert.errors import UserError

#: Sequences of one length as rows of ASCII, or of any lengths as a list of such arrays.
Bases: TypeAlias = NDArray[np.uint8] | Sequence[NDArray[np.uint8]]

#: How text becomes what encoders read.
_ARRAYS = "pass [numpy.frombuffer(text.encode(), numpy.uint8) for text in sequences]"


def check_arrays(bases: Any) -> None:
    """Raise `ValueError` for what is no `Bases`: text, numbers, or a column of a table, whose rows have names of their
    own."""
    if isinstance(bases, np.ndarray):
        if bases.ndim != 2 or bases.dtype != np.uint8:
            raise ValueError(
                f"bases must be uint8 of shape (n, L), not {bases.dtype} of shape {bases.shape}: {_ARRAYS}"
            )
        return
    if not isinstance(bases, Sequence) or isinstance(bases, str | bytes):
        raise ValueError(
            f"bases are one {type(bases).__name__}, allowed is uint8 of shape "
            f"(n, L) or a list of such arrays (L,): {_ARRAYS}"
        )
    for number, sequence in enumerate(bases):
        if not isinstance(sequence, np.ndarray) or sequence.dtype != np.uint8 or sequence.ndim != 1:
            kind = f"{sequence.dtype} {sequence.shape}" if isinstance(sequence, np.ndarray) else type(sequence).__name__
            raise ValueError(f"sequence {number} is {kind}, allowed is uint8 of shape (L,): {_ARRAYS}")


def by_length(bases: Bases) -> Iterator[tuple[NDArray[np.intp], NDArray[np.uint8]]]:
    """Group sequences of equal length, shortest first: pairs of row numbers (m,) and ASCII (m, L); see
    `check_arrays`."""
    check_arrays(bases)
    if isinstance(bases, np.ndarray):
        if len(bases):
            yield np.arange(len(bases)), bases
        return
    lengths = np.array([len(sequence) for sequence in bases], dtype=np.int64)
    for length in np.unique(lengths):
        rows = np.flatnonzero(lengths == length)
        yield rows, np.stack([bases[row] for row in rows.tolist()])


def pieces(bases: Bases, *, most: int = 512, most_bases: int = 1 << 23) -> Iterator[slice]:
    """Stretches of at most so many sequences and (but for a longer one alone) bases, in order: what wide tables are
    made of at a time.

    Examples
    --------
    >>> list(pieces([np.zeros(n, dtype=np.uint8) for n in (3, 3, 9, 1)], most_bases=6))
    [slice(0, 2, None), slice(2, 3, None), slice(3, 4, None)]
    """
    check_arrays(bases)
    begin = size = 0
    for row, sequence in enumerate(bases):
        if row > begin and (row - begin == most or size + len(sequence) > most_bases):
            yield slice(begin, row)
            begin, size = row, 0
        size += len(sequence)
    if len(bases):
        yield slice(begin, len(bases))


def check_length(length: int, *, minimum: int, name: str = "a sequence", more: int = 0) -> None:
    """Raise `UserError` when a sequence of `length` bases is too short to be read, as are so many `more`."""
    if length < minimum:
        others, them = (f", and {more:,} more {'has' if more == 1 else 'have'} too few", "them") if more else ("", "it")
        mend = f"leave {them} out" + (", or take an encoder of shorter words" if length else "")
        raise UserError(f"{name} has {length} bases, fewer than a word of the encoder ({minimum}){others}: {mend}")
