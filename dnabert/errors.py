"""Mistakes of the user, said in one line: what is wrong, with which value, and how to mend it."""

from __future__ import annotations

import contextlib
import errno
import functools
import math
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from typing import NoReturn, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

#: Seconds in which another signal is of the same end, which it must not disturb: `timeout` sends two. A later one is
#: heard: the first may have come where Python lets no exception out, such as a callback.
_AGAIN = 5.0


class Caution(UserWarning):
    """What somebody should know who goes on with this; on the command line it is one line."""


class UserError(Exception):
    """A mistake that the user can mend.

    The message is one line that names the file, flag or key, its value, what is allowed and the mend.
    The library raises it; only the commands turn it into an exit status.

    Examples
    --------
    >>> str(UserError("--k is 9, allowed is 1 to 8: pass --k 7"))
    '--k is 9, allowed is 1 to 8: pass --k 7'
    """


def one_line(main: Callable[P, R]) -> Callable[P, R]:
    """Wrap a command so that a `UserError` becomes ``error: …`` on stderr and exit status 2.

    Ctrl-C becomes one line too, with the shell's status 130; a file or folder that the system refuses, wherever it is
    met, with 2. SIGTERM leaves with 143 as Ctrl-C does, and a terminal that is closed (SIGHUP) with 129, so that what
    was written on the way is removed.
    """

    @functools.wraps(main)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        ended = _Endings()
        try:
            return main(*args, **kwargs)
        except UserError as error:
            _leave(f"error: {' '.join(str(error).split())}", status=2)
        except BrokenPipeError:  # `dnabert … | head` closed the pipe: nobody reads what we would say
            sys.stderr.close()
            sys.exit(141)
        except OSError as error:
            if error.filename is not None and error.strerror:
                _leave(
                    f"error: cannot use {os.fsdecode(error.filename)}: {error.strerror}: mend that, or give another",
                    status=2,
                )
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            # it goes to a full disk
            _leave(f"error: cannot write what there is to say: {error.strerror}: free space", status=2)
        except KeyboardInterrupt:
            _leave("interrupted", status=130)
        except _Ended as end:
            if ended.heard:  # a command that another one runs leaves that to it
                with contextlib.suppress(OSError):  # a terminal that is closed hears nothing
                    print(end.told, file=sys.stderr, flush=True)
            raise
        finally:
            ended.leave()

    return wrapped


class _Ended(SystemExit):
    """A signal ends this process, as soon as it has cleared up."""

    def __init__(self, number: int) -> None:
        super().__init__(128 + number)
        self.told = "terminated" if number == signal.SIGTERM else "the terminal was closed"


class _Endings:
    """Has SIGTERM and SIGHUP leave by `_Ended`, once made: by themselves they end a process at once, and a genome that
    was unpacked for it stays on the disk; unless somebody has made them mean something else, as `nohup` does.

    As a handler, since SIG_IGN would be inherited by a program that is begun meanwhile, such as a sweep's next
    training, and nothing could tell that one to end.
    """

    def __init__(self) -> None:
        self._heard = -math.inf
        self._left = False
        here = threading.current_thread() is threading.main_thread()
        ours = signals_here("SIGTERM", "SIGHUP") if here else []
        self._ours = [each for each in ours if signal.getsignal(each) is signal.SIG_DFL]
        for each in self._ours:
            signal.signal(each, self)

    def __call__(self, number: int, _: object) -> None:
        now = time.monotonic()
        if now < self._heard + _AGAIN:
            return
        self._heard = now
        if self._left:
            os._exit(128 + number)
        raise _Ended(number)

    @property
    def heard(self) -> bool:
        """Whether a signal came."""
        return self._heard > -math.inf

    def leave(self) -> None:
        """All is cleared up: what comes while Python itself ends would be a traceback."""
        self._left = True
        if not self.heard:
            for each in self._ours:
                signal.signal(each, signal.SIG_DFL)


def signals_here(*names: str) -> list[signal.Signals]:
    """Those of the signals with these names that this system has: Windows has no SIGHUP."""
    return [signal.Signals[name] for name in names if name in signal.Signals.__members__]


def first_line(error: Exception) -> str:
    """What an error says, in its first line; its name when it says nothing."""
    return next(iter(str(error).strip().splitlines()), type(error).__name__)


def _leave(line: str, *, status: int) -> NoReturn:
    print(line, file=sys.stderr)
    sys.exit(status)
