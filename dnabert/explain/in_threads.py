"""Work on several things at once in threads: for loops that leave Python, which compiled ones and transforms do."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
Result = TypeVar("Result")


def in_threads(function: Callable[[T], Result], each: Sequence[T], *, threads: int) -> Iterator[Result]:
    """Yield what a function gives of each thing, in their order; so many are worked on at once.

    Stopped, it waits for those that are worked on and begins no other.

    Examples
    --------
    >>> list(in_threads(len, ["a", "bcd"], threads=2))
    [1, 3]
    """
    if threads == 1:
        yield from map(function, each)
        return
    pool = ThreadPoolExecutor(threads)
    try:
        yield from pool.map(function, each)
    finally:
        pool.shutdown(cancel_futures=True)
