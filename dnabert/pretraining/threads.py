"""How many CPU threads a process computes with."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

import torch


@contextlib.contextmanager
def threads_kept() -> Iterator[None]:
    """Leave torch's CPU threads as they were before the block: in a notebook they are the user's."""
    before = torch.get_num_threads()
    try:
        yield
    finally:
        torch.set_num_threads(before)


def set_cpu_threads(threads: int | None, *, processes: int) -> None:
    """Give this process `threads` CPU threads, or its share of the cores when a launcher took them away.

    ``accelerate launch`` without ``--cpu`` sets OMP_NUM_THREADS=1, as ``torchrun`` does for several processes: a
    training on two cores would use one. What the user set (no launcher, or more than one thread) is left alone.

    Parameters
    ----------
    threads : as asked for; None for the rule above.
    processes : of this job; those of this machine share its cores.
    """
    if threads is None:
        launched = "ACCELERATE_MIXED_PRECISION" in os.environ or "TORCHELASTIC_RUN_ID" in os.environ
        if not launched or os.environ.get("OMP_NUM_THREADS", "1") != "1":
            return
        threads = max(1, cores() // processes_here(processes))
    torch.set_num_threads(threads)


def processes_here(processes: int) -> int:
    """How many of a job's `processes` run on this machine: the launcher says, or all."""
    return int(os.environ.get("LOCAL_WORLD_SIZE", processes))


def cores() -> int:
    """Cores that this process may use; macOS cannot say, so all of the machine's there."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
