"""Contenders at the same work take turns; their rates as a table."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from dnabert.errors import UserError


@dataclass(frozen=True)
class Contender:
    """One way to do the work, and how much of it one turn does."""

    name: str
    amount: float
    work: Callable[[], object]


@dataclass
class Rates:
    """A contender's amounts per second, one per repeat."""

    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    """Per second of processor time, all threads and processes together: what one core gives, however busy the machine
    is."""


@dataclass(frozen=True)
class Contest:
    """Contenders at the same work; the last one is the peer that the others are compared with."""

    title: str
    unit: str
    """Of the contenders' amounts."""
    contenders: tuple[Contender, ...]
    remark: Callable[[list[Rates]], str] = lambda rates: ""
    """What else the rates say, in a line."""


def measure(contest: Contest, *, repeats: int) -> list[Rates]:
    """Let the contenders take turns; give each one's rates."""
    if repeats < 1:
        raise UserError(f"--repeats is {repeats}, allowed is 1 or more: pass --repeats 5")
    rates = [Rates() for _ in contest.contenders]
    for turn in range(repeats + 1):
        for contender, its in zip(contest.contenders, rates, strict=True):
            wall, cpu = time.perf_counter(), _processor_time()
            contender.work()
            wall, cpu = time.perf_counter() - wall, _processor_time() - cpu
            if turn:  # the first one warms caches and lazy imports
                its.wall.append(contender.amount / wall)
                its.cpu.append(contender.amount / max(cpu, 1e-9))
    return rates


def _processor_time() -> float:
    """Seconds, those of processes that this one started and waited for among them."""
    times = os.times()
    return time.process_time() + times.children_user + times.children_system


def table(contest: Contest, rates: Sequence[Rates]) -> str:
    """Write what a contest measured as a table."""
    peer = statistics.median(rates[-1].wall)
    lines = [
        f"{contest.title} ({len(rates[-1].wall)} repeats)",
        f"{'':34s}{contest.unit + '/s, median':>20s}{'range':>26s}{'per CPU s':>13s}{'× peer':>9s}",
    ]
    for contender, its in zip(contest.contenders, rates, strict=True):
        median, cpu = statistics.median(its.wall), statistics.median(its.cpu)
        spread = f"{min(its.wall):,.1f} – {max(its.wall):,.1f}"
        lines.append(f"{contender.name:34s}{median:20,.1f}{spread:>26s}{cpu:13,.1f}{median / peer:9.1f}")
    remark = contest.remark(list(rates))
    return "\n".join([*lines, *([remark] if remark else [])]) + "\n"


def facts(contest: Contest, rates: Sequence[Rates]) -> dict[str, Any]:
    """What a contest measured, as plain values: every turn's rate, by the wall's clock and by processor time."""
    named = zip(contest.contenders, rates, strict=True)
    contenders = [{"name": each.name, "wall": its.wall, "cpu": its.cpu} for each, its in named]
    return {
        "title": contest.title,
        "unit": f"{contest.unit}/s",
        "contenders": contenders,
        "remark": contest.remark(list(rates)),
    }
