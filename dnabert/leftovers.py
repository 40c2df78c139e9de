"""What a killed process leaves beside the folder that it was making, and how it is told from what another one is
writing."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from dnabert.errors import UserError


def temporary_sibling(out: Path, *, role: str = "") -> Path:
    """Folder beside `out` that this process alone uses.

    Examples
    --------
    >>> temporary_sibling(Path("a/out")).name == f".out.{os.getpid()}.partial"
    True
    """
    place = Path(os.path.abspath(out))  # `.` and `..` have no name of their own
    return place.with_name(f".{place.name}.{os.getpid()}{role}.partial")


def remove_leftovers(out: Path) -> None:
    """Remove the temporary siblings of `out` whose process is gone: no such process here, and on no machine a lock of
    it."""
    place = Path(os.path.abspath(out))
    pattern = re.compile(rf"\.{re.escape(place.name)}\.(\d+)(-\w+)?\.partial")
    for left in place.parent.iterdir():
        found = pattern.fullmatch(left.name)
        lock = lock_folder(left) if found else None
        if found is None or lock is None:
            continue
        if _is_gone(int(found[1])):
            shutil.rmtree(left, ignore_errors=True)
        os.close(lock)


def lock_folder(folder: Path) -> int | None:
    """Lock a folder until the descriptor that is returned is closed, or this process ends in whatever way.

    Returns
    -------
    None where another process holds the lock, or where there are no such locks (Windows, some network file systems).
    """
    try:
        import fcntl

        place = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except (ImportError, OSError):
        return None
    try:
        fcntl.flock(place, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(place)
        return None
    return place


@contextlib.contextmanager
def held(folder: Path, *, by: str) -> Iterator[None]:
    """Keep a folder for this process alone.

    Raises
    ------
    UserError
        when another process holds it; `by` says what it does there.
    """
    if is_locked(folder):
        raise UserError(f"another {by} is at work in {folder}: wait for it, or choose another --out")
    lock = lock_folder(folder)  # none on a disk without locks
    try:
        yield
    finally:
        if lock is not None:
            os.close(lock)


def is_locked(folder: Path) -> bool:
    """Whether another process, or another descriptor of this one, holds the lock of a folder; False where there are no
    locks."""
    try:
        import fcntl

        place = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except (ImportError, OSError):
        return False
    try:
        fcntl.flock(place, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        os.close(place)
    return False


def _is_gone(process: int) -> bool:
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return True
    except PermissionError:  # another user's
        return False
    return False
