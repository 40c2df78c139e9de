"""Random numbers that are a pure function of their place, so that nothing has to be remembered to repeat them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# Steele, Lea & Flood 2014, "Fast splittable pseudorandom number generators": the finaliser of splitmix64
GOLDEN = np.uint64(0x9E3779B97F4A7C15)
MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
MIX_2 = np.uint64(0x94D049BB133111EB)
_LOWEST_64 = 2**64 - 1


def hashed(*keys: int | NDArray[np.integer]) -> NDArray[np.uint64]:
    """Uniform 64-bit numbers that depend on the keys alone.

    Parameters
    ----------
    keys : integers or integer arrays that broadcast against each other; their order matters.

    Returns
    -------
    uint64 array of the broadcast shape.

    Examples
    --------
    >>> bool((hashed(1, np.arange(3)) == hashed(1, np.arange(3))).all())
    True
    """
    state: int | NDArray[np.uint64] = 0
    for key in keys:
        state = _absorbed(state, key)
    return np.uint64(state) if isinstance(state, int) else state  # type: ignore[return-value]  # no axis, as numpy gives it


def _absorbed(state: int | NDArray[np.uint64], key: int | NDArray[np.integer]) -> int | NDArray[np.uint64]:
    mixed = _mix_one(key + int(GOLDEN)) if isinstance(key, int) else _mix(np.asarray(key).astype(np.uint64) + GOLDEN)
    if isinstance(state, int):
        state = (state + int(GOLDEN)) & _LOWEST_64
        return _mix_one(state ^ mixed) if isinstance(mixed, int) else _mix(mixed ^ np.uint64(state))
    return _mix((state + GOLDEN) ^ np.uint64(mixed))


def _mix(x: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Mix an array of its caller's own, in place."""
    if not x.ndim:
        return np.asarray(_mix_one(int(x)), dtype=np.uint64)
    shifted = x >> np.uint64(30)
    x ^= shifted
    x *= MIX_1
    x ^= np.right_shift(x, np.uint64(27), out=shifted)
    x *= MIX_2
    x ^= np.right_shift(x, np.uint64(31), out=shifted)
    return x


def _mix_one(x: int) -> int:
    """Mix a plain integer: a tenth of numpy's time for a single one."""
    x &= _LOWEST_64
    x = ((x ^ (x >> 30)) * int(MIX_1)) & _LOWEST_64
    x = ((x ^ (x >> 27)) * int(MIX_2)) & _LOWEST_64
    return x ^ (x >> 31)


def uniform(*keys: int | NDArray[np.integer]) -> NDArray[np.float64]:
    """Numbers in [0, 1) that depend on the keys alone; see `hashed`."""
    return (hashed(*keys) >> np.uint64(11)).astype(np.float64) * 2.0**-53
