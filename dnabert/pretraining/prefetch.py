"""The batches of coming steps, made by threads while a step computes."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, TypeVar

from dnabert.pretraining.threads import cores

Batch = TypeVar("Batch")

# Eight threads make more tokens than any GPU of today trains on; the rest of its cores belong to the user.
_MOST_THREADS = 8


class Prefetcher(Generic[Batch]):
    """What `make` gives for `first`, `first` + 1, … in this order, some made ahead by threads.

    A context manager: on leaving, what nobody will take is dropped, and the threads end with the batch that each is
    making.

    Parameters
    ----------
    make : turns a step's number into its batch; it is called in several threads, and holds no state.
    first : the first step.
    stop : the step to end before; None: never.
    threads : that make batches.
    ahead : most batches that are ready or being made; by default two per thread, so that a slow one holds nobody up.

    Raises
    ------
    Exception
        whatever `make` raised, where its step is due.

    Examples
    --------
    >>> with Prefetcher(lambda step: step * step, first=3, threads=2) as squares:
    ...     [next(squares) for _ in range(3)]
    [9, 16, 25]
    >>> with Prefetcher(lambda step: step * step, stop=3) as squares:
    ...     list(squares)
    [0, 1, 4]
    """

    def __init__(
        self,
        make: Callable[[int], Batch],
        *,
        first: int = 0,
        stop: int | None = None,
        threads: int = 1,
        ahead: int | None = None,
    ) -> None:
        self._make = make
        self._stop = stop
        self._coming = first  # the step that is asked for next
        self._ahead = 2 * threads if ahead is None else ahead
        self._pool = ThreadPoolExecutor(max_workers=threads, thread_name_prefix="batches")
        self._futures: deque[Future[Batch]] = deque()

    def __enter__(self) -> Prefetcher[Batch]:
        self._fill()
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(cancel_futures=True)

    def __iter__(self) -> Iterator[Batch]:
        return self

    def __next__(self) -> Batch:
        if not self._futures:
            raise StopIteration
        batch = self._futures.popleft().result()
        self._fill()
        return batch

    def _fill(self) -> None:
        while len(self._futures) < self._ahead and (self._stop is None or self._coming < self._stop):
            self._futures.append(self._pool.submit(self._make, self._coming))
            self._coming += 1


def prefetch_threads(device: str, *, processes: int) -> int:
    """How many threads make batches beside a training on `device` ("cpu", "cuda", …), with so many `processes` on this
    machine.

    One beside a training on the CPU, whose cores are needed; else this process's share of the cores, at most 8.
    """
    return 1 if device == "cpu" else max(1, min(_MOST_THREADS, cores() // processes))
