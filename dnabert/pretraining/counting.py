"""How often each base follows each context, on both strands: tables for short contexts, look-ups for long ones.

A context is a number in base 4, its last base the least significant. Words are told by the place where they end, so
that one pass serves all orders: a word of n + 1 bases counts where the unbroken run of known bases up to its end is
longer than n.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from dnabert.alphabet import codes
from dnabert.corpus import WindowView

#: Highest order whose counts stand in a table: 4^13 32-bit counts are 268 MB, and a third of it again for all lower
#: orders.
LARGEST_TABLE = 12
#: Orders below it are counted in 64 bits: an A alone passes 32 bits in seven billion bases, which five apes have. Of 7
#: bases none does so.
_WIDE_ORDERS = 6
#: Highest order at all; a word of 17 bases takes 34 bits.
LARGEST_ORDER = 16
_BATCH = 8192  # windows at a time: some 30 MB per array of words


def ending_words(code: NDArray[np.uint8], *, size: int) -> tuple[NDArray[np.int64], NDArray[np.int8]]:
    """Words of `size` bases by their last place.

    Parameters
    ----------
    code : (n, L) as `dnabert.alphabet.codes` gives them; 4 is unknown.
    size : bases of a word, at most 17.

    Returns
    -------
    words : int64 (n, L), the word that ends at each place; unknown bases, and those before the row, count as 0.
    run : int8 (n, L), how many known bases end there without a break, at most `size`.

    Examples
    --------
    >>> words, run = ending_words(np.array([[3, 1, 4, 2]], dtype=np.uint8), size=2)
    >>> words.tolist(), run.tolist()
    ([[3, 13, 4, 2]], [[1, 2, 0, 1]])
    """
    known = code < 4
    letter = np.where(known, code, 0).astype(np.int64)
    words = letter.copy()
    run = known.astype(np.int8)
    unbroken = known
    for back in range(1, size):
        words[:, back:] += letter[:, :-back] << (2 * back)
        unbroken = unbroken[:, 1:] & known[:, :-back]
        run[:, back:] += unbroken
    return words, run


def table_counts(view: WindowView, *, max_order: int) -> list[NDArray[np.unsignedinteger]]:
    """Counts (4^order, 4) of every context and base that follows it, of every order from 0 to `max_order`: uint64 below
    order 6, then uint32."""
    counts: list[NDArray[np.unsignedinteger]] = [
        np.zeros(4 ** (order + 1), dtype=np.uint64 if order < _WIDE_ORDERS else np.uint32)
        for order in range(max_order + 1)
    ]
    one = np.uint32(1)
    for words, run in _words_of(view, size=max_order + 1):
        np.add.at(counts[max_order], words[run > max_order], one)
        near = run <= max_order  # what is too short for the highest order: the beginning of a window, and after an N
        short, length = words[near], run[near]
        for order in range(max_order):
            np.add.at(counts[order], short[length == order + 1] % 4 ** (order + 1), one)
    add_longer(counts)
    return [table.reshape(-1, 4) for table in counts]


def add_longer(counts: list[NDArray[np.unsignedinteger]]) -> None:
    """Add to the counts (4^(order + 1),) of every order those of the next, which leave out their first base; in place,
    from the highest down.

    Examples
    --------
    >>> counts = [np.array([1, 0, 0, 0], dtype=np.uint64), np.full(16, 2**31, dtype=np.uint32)]
    >>> add_longer(counts)
    >>> counts[0].tolist()
    [8589934593, 8589934592, 8589934592, 8589934592]
    """
    for shorter, longer in zip(counts[-2::-1], counts[:0:-1], strict=True):
        shorter += longer.reshape(4, -1).sum(axis=0, dtype=shorter.dtype)


def looked_up_counts(view: WindowView, contexts: dict[int, NDArray[np.int64]]) -> dict[int, NDArray[np.uint32]]:
    """Counts (n, 4) of the bases that follow each of some contexts: the memory is theirs, whatever the order.

    Parameters
    ----------
    contexts : order -> int64 (n,), sorted and without repeats.
    """
    counts = {order: np.zeros(4 * len(asked), dtype=np.uint32) for order, asked in contexts.items()}
    contexts = {order: asked for order, asked in contexts.items() if len(asked)}
    if not contexts:
        return {order: table.reshape(-1, 4) for order, table in counts.items()}
    shortest, one = min(contexts), np.uint32(1)
    # a quick no for most places, by the last bases of their context
    ends = np.zeros(4 ** min(shortest, LARGEST_TABLE), dtype=bool)
    for asked in contexts.values():
        ends[asked % len(ends)] = True
    for words, run in _words_of(view, size=max(contexts) + 1):
        near = (run > shortest) & ends[(words >> 2) & (len(ends) - 1)]
        found, length = words[near], run[near]
        for order, asked in contexts.items():
            context, base = np.divmod(found[length > order] % 4 ** (order + 1), 4)
            place = np.minimum(np.searchsorted(asked, context), len(asked) - 1)
            same = asked[place] == context
            np.add.at(counts[order], 4 * place[same] + base[same], one)
    return {order: table.reshape(-1, 4) for order, table in counts.items()}


def _words_of(view: WindowView, *, size: int) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int8]]]:
    """All words of a view and their runs, on both strands, some windows at a time."""
    for first in range(0, len(view), _BATCH):
        rows = np.arange(first, min(first + _BATCH, len(view)))
        for reverse in (False, True):
            yield ending_words(codes(view.bases(rows, reverse=reverse)), size=size)
