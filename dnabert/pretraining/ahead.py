"""Batches made while the step before computes."""

from __future__ import annotations

from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def made_ahead(make: Callable[[int], T], *, first: int = 0, stop: int | None = None) -> Generator[T, None, None]:
    """Give ``make(first)``, ``make(first + 1)`` and so on, each made in another thread while the one before is used.

    Parameters
    ----------
    make : a function of the number alone.
    first : number to begin with.
    stop : number to end before; None: never. Close the generator then (`contextlib.closing`).

    Examples
    --------
    >>> list(made_ahead(lambda step: step * step, first=2, stop=5))
    [4, 9, 16]
    """
    with ThreadPoolExecutor(max_workers=1) as ahead:
        number, following = first, ahead.submit(make, first)
        while stop is None or number < stop:
            ready, number = following.result(), number + 1
            if stop is None or number < stop:
                following = ahead.submit(make, number)
            yield ready
