"""Loops over bases that numpy would need many passes for, compiled to machine code by numba; import it where they are used."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, cast

import numba

Function = TypeVar("Function", bound=Callable[..., object])


def compiled(function: Function) -> Function:
    """Compile a loop; it runs without the GIL, so that threads work beside each other.

    The machine code is kept on disk, beside the source or in the user's cache, where one of them can be written;
    else each process compiles it anew, a second or two for a function.
    """
    try:
        return cast(Function, numba.njit(nogil=True, cache=True)(function))
    except RuntimeError:  # numba found no place for its cache
        return cast(Function, numba.njit(nogil=True)(function))
