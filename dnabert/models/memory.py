"""Memory that a training step frees and the next one wants again."""

from __future__ import annotations

import ctypes
import sys

#: Of glibc's malloc.h; a larger threshold than half of a heap (32 MiB) is refused there.
_TRIM_THRESHOLD, _TOP_PAD, _MMAP_THRESHOLD = -1, -2, -3
_MIB = 1 << 20


def keep_freed_memory() -> bool:
    """Let glibc keep what is freed, up to some GB, instead of giving every large tensor's pages back to the system.

    A step on a CPU makes and frees hundreds of tensors of several MB; each would be mapped, filled with zeros by the
    kernel and unmapped again, about a tenth of a step. Elsewhere than on glibc nothing happens. Returns whether it took
    effect.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):  # musl has none
        return False
    settings = ((_MMAP_THRESHOLD, 32 * _MIB), (_TRIM_THRESHOLD, 2047 * _MIB), (_TOP_PAD, 256 * _MIB))
    taken = [mallopt(name, value) == 1 for name, value in settings]  # each, whatever the others say
    return all(taken)
