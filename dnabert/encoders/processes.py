"""One process or several: who reads which sequences, and where they meet."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from accelerate import PartialState

#: How long a process waits for another before it gives up; torch's own ten or thirty minutes are over while the first
#: one fits an encoder, counts Markov models, or writes to a slow disk.
PATIENCE = timedelta(hours=2)


def process_state() -> PartialState:
    """This process's state of accelerate: its device, its rank, the others.

    ``torchrun`` on a machine without an accelerator gives processes over gloo only where accelerate is told to use
    the CPU; alone, ``PartialState()`` would let each of them believe that it is the only one.
    """
    import torch
    from accelerate import PartialState
    from accelerate.utils import parse_flag_from_env

    cpu = parse_flag_from_env("ACCELERATE_USE_CPU") or not torch.accelerator.is_available()
    return PartialState(cpu=cpu, timeout=PATIENCE)


@dataclass(frozen=True)
class Processes:
    """This process among those that ``accelerate launch`` or ``torchrun`` started."""

    rank: int = 0
    size: int = 1

    @classmethod
    def current(cls) -> Processes:
        """Join the others; alone, neither torch nor accelerate is imported."""
        if int(os.environ.get("WORLD_SIZE", "1")) < 2:
            return cls()
        state = process_state()
        return cls(rank=state.process_index, size=state.num_processes)

    @property
    def is_main(self) -> bool:
        """Whether this process owns the stage, its bar and its messages."""
        return self.rank == 0

    def share(self, n: int) -> tuple[int, int]:
        """First and past-the-last of this process's stretch of `n` sequences.

        Examples
        --------
        >>> Processes(rank=1, size=3).share(10)
        (3, 6)
        """
        return self.rank * n // self.size, (self.rank + 1) * n // self.size

    def broadcast(self, path: Path | None) -> Path:
        """Give the main process's path to all."""
        if self.size == 1 and path is not None:
            return path
        from accelerate.utils import broadcast_object_list

        holder = [str(path)]
        broadcast_object_list(holder)
        return Path(holder[0])

    def wait(self) -> None:
        """Wait until all are here."""
        if self.size > 1:
            process_state().wait_for_everyone()

    def leave(self) -> None:
        """Part from the others, as torch wants it at the end of a program; alone, nothing."""
        if self.size > 1:
            process_state().destroy_process_group()
