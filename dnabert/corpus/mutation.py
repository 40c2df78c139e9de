"""Mutate sequences: substitutions, insertions and deletions at given rates."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dnabert.alphabet import ALPHABET, UNKNOWN, codes

_LETTERS = np.frombuffer(ALPHABET.encode(), dtype=np.uint8)


def mutate(
    bases: NDArray[np.uint8],
    *,
    substitutions: float | NDArray[np.floating] = 0.0,
    indels: float | NDArray[np.floating] = 0.0,
    draws: NDArray[np.uint64],
) -> NDArray[np.uint8]:
    """Change bases independently of each other; N and its like are moved, never substituted.

    A row keeps its length: what insertions push out is lost, what deletions leave free at the end is filled at random.

    Parameters
    ----------
    bases : uint8 ASCII (n, L).
    substitutions : chance of a base to become one of the three others, each alike; one number or (n, 1).
    indels : chance of a place to begin with an inserted base or to lose its base, half of it each; one number or (n, 1).
    draws : uint64 (n, L), uniform over all 64 bits: all the randomness there is.

    Returns
    -------
    uint8 ASCII (n, L), a copy; new bases are upper case.

    Examples
    --------
    >>> bases = np.full((1, 10_000), ord("A"), dtype=np.uint8)
    >>> draws = np.random.default_rng(0).integers(2**64, size=bases.shape, dtype=np.uint64)
    >>> round(float((mutate(bases, substitutions=0.1, draws=draws) != bases).mean()), 2)
    0.1
    """
    chance = (draws >> np.uint64(11)) * 2.0**-53
    few = (draws & np.uint64(2047)).astype(np.int64)  # independent of `chance`, which the upper 53 bits make
    changed, fresh = bases.copy(), np.zeros(bases.shape, bool)
    if np.any(np.asarray(indels) > 0):
        deleted = (chance >= substitutions) & (chance < substitutions + np.asarray(indels) / 2)
        inserted = (chance >= substitutions + np.asarray(indels) / 2) & (chance < substitutions + np.asarray(indels))
        length = bases.shape[1]
        source = np.arange(length) + deleted.cumsum(axis=1) - inserted.cumsum(axis=1)
        fresh = inserted | (source >= length) | (source < 0)
        changed = np.take_along_axis(bases, source.clip(0, length - 1), axis=1)
    code = codes(changed)
    hit = (chance < substitutions) & (code < UNKNOWN)
    changed[hit] = _LETTERS[(code[hit] + 1 + few[hit] % 3) % 4]
    changed[fresh] = _LETTERS[few[fresh] % 4]
    return changed
