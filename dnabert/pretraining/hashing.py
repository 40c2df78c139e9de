"""Random numbers that are a pure function of their place, so that nothing has to be remembered to repeat them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# Steele, Lea & Flood 2014, "Fast splittable pseudorandom number generators": the finaliser of splitmix64
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)


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
    state: NDArray[np.uint64] = np.zeros((), dtype=np.uint64)
    with np.errstate(over="ignore"):
        for key in keys:
            state = _mix((state + _GOLDEN) ^ _mix(np.asarray(key).astype(np.uint64) + _GOLDEN))
    return state


def _mix(x: NDArray[np.uint64]) -> NDArray[np.uint64]:
    x = (x ^ (x >> np.uint64(30))) * _MIX_1
    x = (x ^ (x >> np.uint64(27))) * _MIX_2
    return x ^ (x >> np.uint64(31))


def uniform(*keys: int | NDArray[np.integer]) -> NDArray[np.float64]:
    """Numbers in [0, 1) that depend on the keys alone; see `hashed`."""
    return (hashed(*keys) >> np.uint64(11)).astype(np.float64) * 2.0**-53
