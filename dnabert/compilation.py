"""Loops over bases that numpy would need many passes for, compiled to machine code by numba; import it where they are
used."""

from __future__ import annotations

import importlib
import tempfile
from collections.abc import Callable
from types import ModuleType
from typing import Any, TypeVar, cast

Function = TypeVar("Function", bound=Callable[..., object])

#: Goes when the process ends.
_KEPT: list[tempfile.TemporaryDirectory[str]] = []


def compiled(function: Function) -> Function:
    """Compile a loop; it runs without the GIL, so that threads work beside each other.

    The machine code is kept on disk, beside the source or in the user's cache, where one of them can be written;
    else each process compiles it anew, a second or two for a function.
    """
    import numba

    try:
        return cast(Function, numba.njit(nogil=True, cache=True)(function))
    except RuntimeError:  # numba found no place for its cache
        return cast(Function, numba.njit(nogil=True)(function))


def import_compiled(name: str) -> ModuleType:
    """Import a library that has numba keep its machine code, as umap does.

    It cannot be imported where neither its folder nor the user's cache can be written, as in many containers; then the
    code is kept in a temporary folder for as long as the process lives, and NUMBA_CACHE_DIR is what keeps it for
    longer.
    """
    try:
        return importlib.import_module(name)
    except RuntimeError as error:
        if "cannot cache function" not in str(error):
            raise
    import numba

    config: Any = numba.config
    _KEPT.append(tempfile.TemporaryDirectory(prefix="dnabert-numba-", ignore_cleanup_errors=True))
    config.CACHE_DIR = _KEPT[-1].name
    return importlib.import_module(name)
