"""Bars of long work: which part runs, for how long, and how far it is. Where no terminal looks on there are none."""

from __future__ import annotations

import contextlib
import io
import os
import threading
import time
from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

T = TypeVar("T")

#: Seconds between two turns of a bar's clock.
_TURN = 1.0

#: Seconds between two drawings of a bar that lines move.
_REDRAWN = 0.1


def on_a_terminal() -> dict[str, Any]:
    """Arguments of a tqdm bar that comes where a terminal looks on, unless TQDM_DISABLE hides it."""
    return {"disable": bars_are_hidden() or None}


def bars_are_hidden() -> bool:
    """Whether the environment's TQDM_DISABLE hides every bar; tqdm itself reads it once, when it is imported."""
    return bool(os.environ.get("TQDM_DISABLE"))


class Parts:
    """A bar over the parts of a stage that names the one that runs, and the seconds of each.

    Parameters
    ----------
    name : of the stage.
    total : number of parts.

    Attributes
    ----------
    seconds : time of each part that has ended.
    """

    def __init__(self, name: str, *, total: int) -> None:
        self.seconds: dict[str, float] = {}
        self._name, self._total = name, total
        self._bar: Any = None

    def __enter__(self) -> Parts:
        from tqdm import tqdm

        self._bar = tqdm(total=self._total, desc=self._name, unit=" parts", **on_a_terminal())
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()

    @contextlib.contextmanager
    def part(self, key: str, *, told: str | None = None) -> Iterator[None]:
        """Time a part under `key`; the bar calls it `told`, by default its key with blanks."""
        began = time.perf_counter()
        self._bar.set_description(f"{self._name}: {key.replace('_', ' ') if told is None else told}")
        with ticking(self._bar):
            yield
        self.seconds[key] = round(time.perf_counter() - began, 2)
        self._bar.update()


@contextlib.contextmanager
def ticking(bar: Any) -> Iterator[None]:
    """Let the clock of a tqdm bar go on while the block works and the bar is not moved."""
    done = threading.Event()

    def tick() -> None:
        while not done.wait(_TURN):
            bar.refresh()

    thread = threading.Thread(target=tick, daemon=True)
    if not bar.disable:
        thread.start()
    try:
        yield
    finally:
        done.set()
        if not bar.disable:
            thread.join()


def watched(each: Iterable[T], description: str, *, unit: str = " clusters", total: int | None = None) -> Iterator[T]:
    """Give what is iterated over, with a bar that comes after a second and goes when all of it is done."""
    from tqdm import tqdm

    yield from tqdm(each, desc=description, unit=unit, total=total, leave=False, delay=_TURN, **on_a_terminal())


@contextlib.contextmanager
def counted_lines(description: str, *, unit: str) -> Iterator[None]:
    """Count the lines that the block prints on a bar, in place of showing them: compiled loops of libraries tell so
    that they go on."""
    from tqdm import tqdm

    bar = tqdm(desc=description, unit=unit, leave=False, mininterval=_REDRAWN, **on_a_terminal())
    with bar, contextlib.redirect_stdout(_Counter(bar)), ticking(bar):
        yield


class _Counter(io.StringIO):
    """A stream that moves a bar by each line written."""

    def __init__(self, bar: Any) -> None:
        super().__init__()
        self._bar = bar

    def write(self, text: str) -> int:
        self._bar.update(text.count("\n"))
        return len(text)
