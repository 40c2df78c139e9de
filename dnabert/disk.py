"""What keeps a disk from taking what is written, told in one line."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator
from pathlib import Path

from dnabert.errors import UserError

#: What the system says of a disk that takes nothing.
_TOLD = [os.strerror(number) for number in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES)]


@contextlib.contextmanager
def disk_in_one_line(out: str | Path, *, mend: str) -> Iterator[None]:
    """Turn a disk that is full or may only be read into a `UserError`; every other error stays what it is.

    Parameters
    ----------
    out : what is being written, named where the error names no file.
    mend : what to do, as the message's end.
    """
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        fault = disk_fault(error)
        if fault is None:
            raise
        raise UserError(f"cannot write {getattr(error, 'filename', None) or out}: {fault}: {mend}") from error


def check_writable(out: Path) -> None:
    """Raise `UserError` where a file cannot be made: before the work that is to be written there."""
    place = next(parent for parent in out.absolute().parents if parent.exists())
    if not (place.is_dir() and os.access(place, os.W_OK)):
        raise UserError(f"cannot write {out}: {place} is no folder that can be written: choose another --out")


def system_error(error: BaseException) -> str | None:
    """What the system said, if that is what an error tells of; pyarrow and safetensors hand it on as text."""
    if isinstance(error, OSError) and error.errno is not None:
        return error.strerror or str(error)
    # pyfaidx raises one of its own, without a number
    if isinstance(error, OSError) and isinstance(error.__context__, OSError):
        return system_error(error.__context__)
    return next((text for text in _TOLD if text in str(error)), None)


def disk_fault(error: BaseException) -> str | None:
    """What keeps a disk from taking what is written, if that is what an error tells of: it is full, or may only be
    read.

    Examples
    --------
    >>> disk_fault(OSError(28, "No space left on device")), disk_fault(OSError(2, "No such file or directory"))
    ('No space left on device', None)
    """
    found = system_error(error)
    return found if found in _TOLD else None
