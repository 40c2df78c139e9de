"""Mistakes of the user, said in one line: what is wrong, with which value, and how to mend it."""

from __future__ import annotations

import errno
import functools
import os
import signal
import sys
import threading
from collections.abc import Callable
from typing import NoReturn, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


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
    met, with 2. SIGTERM leaves with 143 as Ctrl-C does, so that what was written on the way is removed.
    """

    @functools.wraps(main)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        ours = _clear_up_when_terminated()
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
        finally:
            if ours:  # all is cleared up: while Python itself ends it would be a traceback
                signal.signal(signal.SIGTERM, signal.SIG_DFL)

    return wrapped


def _clear_up_when_terminated() -> bool:
    """SIGTERM ends a process at once, and a genome that was unpacked for it stays on the disk; unless somebody has made
    it mean something else. Whether it is cleared up."""
    if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
        return True
    return False


def first_line(error: Exception) -> str:
    """What an error says, in its first line; its name when it says nothing."""
    return next(iter(str(error).strip().splitlines()), type(error).__name__)


def _leave(line: str, *, status: int) -> NoReturn:
    print(line, file=sys.stderr)
    sys.exit(status)
