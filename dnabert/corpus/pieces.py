"""A user's sequences, whole or in tiles, as many at a time as memory is to hold."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dnabert.alphabet import UNKNOWN, codes
from dnabert.corpus.records import Record

if TYPE_CHECKING:
    import pandas as pd

#: A sequence of which no word can be read, and why.
TOO_SHORT, TOO_FEW_KNOWN = "too short", "too few known bases"
#: Pieces, and bases, that are read at once: but for one that is longer by itself.
_CHUNK, _BASES = 2048, 1 << 24

#: Name of a sequence, where in it the piece begins (0-based), and its bases, uint8 ASCII (L,).
Piece: TypeAlias = tuple[str, int, NDArray[np.uint8]]


def table_of(
    records: Iterable[Record], rows: Callable[[list[Piece]], pd.DataFrame], *, window: int | None, description: str
) -> pd.DataFrame:
    """One row per record or tile, in order, with a bar.

    Parameters
    ----------
    records : in order.
    rows : makes a row of each piece, of as many pieces as memory is to hold.
    window : see `pieces_of`.
    description : of the bar.
    """
    import pandas as pd
    from tqdm.auto import tqdm

    parts = []
    chunks = chunks_of(pieces_of(records, window=window))
    first = next(chunks, [])  # before the bar: an input that cannot be read is one line
    with tqdm(unit=" sequences", desc=description) as bar:
        for chunk in itertools.chain([first] if first else [], chunks):
            parts.append(rows(chunk))
            bar.update(len(chunk))
    return pd.concat(parts, ignore_index=True)


def sequences_in(table: pd.DataFrame) -> int:
    """Sequences of a table with a row for each, or for each of its tiles."""
    return int((table["start"] == 0).sum())


def told_rows(table: pd.DataFrame) -> str:
    """How many sequences a table has, or pieces of how many."""
    sequences = sequences_in(table)
    read = f"{sequences:,} {'sequence' if sequences == 1 else 'sequences'}"
    return read if sequences == len(table) else f"{len(table):,} pieces of {read}"


def pieces_of(records: Iterable[Record], *, window: int | None = None) -> Iterator[Piece]:
    """The sequences in order: each as it is, or where a `window` is given in tiles of about so many bases."""
    for record in records:
        whole = [(0, len(record.bases))]
        for start, end in whole if window is None else tiles(len(record.bases), window=window):
            yield record.name, start, record.bases[start:end]


def chunks_of(pieces: Iterable[Piece]) -> Iterator[list[Piece]]:
    """As many at a time as memory is to hold."""
    chunk: list[Piece] = []
    size = 0
    for piece in pieces:
        chunk.append(piece)
        size += len(piece[2])
        if len(chunk) == _CHUNK or size >= _BASES:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


def tiles(length: int, *, window: int) -> list[tuple[int, int]]:
    """Cut a sequence into windows; the last takes the rest and is half a window to one and a half long.

    Examples
    --------
    >>> tiles(1000, window=448), tiles(1200, window=448), tiles(100, window=448)
    ([(0, 448), (448, 1000)], [(0, 448), (448, 896), (896, 1200)], [(0, 100)])
    """
    count = max(1, int(length / window + 0.5))
    return [(i * window, length if i == count - 1 else (i + 1) * window) for i in range(count)]


def unreadable(bases: NDArray[np.uint8], *, least: int) -> str:
    """Why no word can be read of bases, `TOO_SHORT` or `TOO_FEW_KNOWN`, where a word has `least`; empty where one can.

    Examples
    --------
    >>> [unreadable(np.frombuffer(text, dtype=np.uint8), least=3) for text in (b"ACNGTTRA", b"AC", b"ACNAC")]
    ['', 'too short', 'too few known bases']
    """
    if len(bases) < least:
        return TOO_SHORT
    unknown = np.flatnonzero(codes(bases) == UNKNOWN)
    longest = int(np.diff(unknown, prepend=-1, append=len(bases)).max()) - 1
    return TOO_FEW_KNOWN if longest < least else ""
