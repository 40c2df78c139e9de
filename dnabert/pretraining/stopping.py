"""What ends a run between two steps: SIGTERM, Ctrl-C, a terminal that is closed, or the end of what launched it."""

from __future__ import annotations

import contextlib
import functools
import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from dnabert.errors import UserError, signals_here

#: What starts a training and waits for it, as its command line names it.
_LAUNCHERS = {"accelerate", "accelerate-launch", "accelerate.commands.launch", "torchrun", "torch.distributed.run"}
#: Words of a command line in which that stands: ``python -u -m torch.distributed.run``.
_FIRST = 5
#: What gloo and NCCL say where a process at the other end is no more.
_LOST = ("Connection reset by peer", "Connection closed by peer", "Broken pipe", "remote process exited")
#: Seconds between two looks at whether the launcher is there.
_EVERY = 1.0
#: Seconds in which a process that is told to end may clear up; one that waits for another within torch hears nothing.
_GRACE = 5.0


@functools.cache
def launcher() -> int | None:
    """Number of the process that launched this one, where it is a launcher, whose end has to be the training's too.

    ``accelerate launch`` of one process ends at a SIGTERM without passing it on. A shell is no launcher: what is begun
    there may stay when it is left. None where the system does not tell, as on macOS. It is looked up once: ask before
    torch is imported, which takes seconds in which a launcher may end.
    """
    parent = os.getppid()
    try:
        words = Path(f"/proc/{parent}/cmdline").read_bytes().decode(errors="replace").split("\0")
    except OSError:
        return None
    return parent if _LAUNCHERS & {os.path.basename(word) for word in words[:_FIRST]} else None


@dataclass
class Stop:
    """Whether this process was told to stop.

    Attributes
    ----------
    launcher : see `launcher`; read it at the beginning.
    signals : numbers of the signals that came.
    """

    launcher: int | None
    signals: list[int] = field(default_factory=list)

    def asked(self) -> bool:
        """Whether a signal came, or the launcher is gone."""
        return bool(self.signals) or (self.launcher is not None and os.getppid() != self.launcher)

    @property
    def number(self) -> int:
        """The signal with which to end."""
        return self.signals[0] if self.signals else signal.SIGTERM

    @contextlib.contextmanager
    def collected(self) -> Iterator[None]:
        """Collect SIGTERM, Ctrl-C and SIGHUP in the block, so that the loop can end between two steps; but for those
        that whoever began this ignores, as `nohup` does SIGHUP and a script Ctrl-C for what it begins with ``&``."""
        known = signals_here("SIGTERM", "SIGINT", "SIGHUP")
        wanted = [each for each in known if signal.getsignal(each) is not signal.SIG_IGN]
        try:
            before = {each: signal.signal(each, lambda number, _: self.signals.append(number)) for each in wanted}
        except ValueError:  # not in the main thread (a notebook's executor): leave signals alone
            before = {}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


@contextlib.contextmanager
def ended_with(launcher: int | None) -> Iterator[None]:
    """End this process where its launcher ends while the block runs, in which there is nothing to save yet.

    Without it a process would wait for others, which its launcher was to bring together with it, for hours.

    Parameters
    ----------
    launcher : see the function of that name; None has none to wait for.
    """
    left = threading.Event()

    def watch() -> None:
        while not left.wait(_EVERY):
            if os.getppid() != launcher:
                os.kill(os.getpid(), signal.SIGTERM)
                if not left.wait(_GRACE):
                    os._exit(128 + signal.SIGTERM)
                return

    if launcher is not None:
        threading.Thread(target=watch, daemon=True).start()
    try:
        yield
    finally:
        left.set()


@contextlib.contextmanager
def others_in_one_line() -> Iterator[None]:
    """Turn the loss of another process of this training into a `UserError`: its traceback is long, and of this one."""
    try:
        yield
    except RuntimeError as error:
        lost = next((told for told in _LOST if told in str(error)), None)
        if lost is None:
            raise
        raise UserError(
            f"another process of this training is gone ({lost}): what it said, or the log of the system, tells why "
            "(was memory short?): mend that, then go on with --resume auto"
        ) from error


def end_with_parent() -> None:
    """Tell this process to end, by SIGTERM, when the one that made it by `multiprocessing` is gone, in whatever way.

    A worker of a pool would go on with what it does for hours, and then wait for more.
    """
    parent = multiprocessing.parent_process()

    def watch() -> None:
        if parent is not None:
            parent.join()
            os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, daemon=True).start()
