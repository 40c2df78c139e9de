"""Mutate sequences: substitutions, insertions and deletions at given rates."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dnabert.alphabet import ALPHABET, CODE_OF

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
    indels : chance of a place to begin with an inserted base or to lose its base, half of it each; one number or (n,
        1).
    draws : uint64 (n, L), uniform over all 64 bits: all the randomness there is.

    Returns
    -------
    uint8 ASCII (n, L), a copy; new bases are upper case.

    Raises
    ------
    ValueError
        when `draws` has another shape than `bases`.

    Examples
    --------
    >>> bases = np.full((1, 10_000), ord("A"), dtype=np.uint8)
    >>> draws = np.random.default_rng(0).integers(2**64, size=bases.shape, dtype=np.uint64)
    >>> round(float((mutate(bases, substitutions=0.1, draws=draws) != bases).mean()), 2)
    0.1
    """
    from dnabert.corpus.mutation_kernel import mutate_rows  # numba, for those alone who mutate

    if draws.shape != bases.shape:
        raise ValueError(f"draws are {draws.shape}, bases {bases.shape}: give one draw per base")
    substitutions, indels = np.asarray(substitutions), np.asarray(indels)
    # a chance that is independent of the letter, since the upper 53 bits make it and the lower 11 the letter
    limits = np.empty((len(bases), 3))
    for column, limit in enumerate((substitutions, substitutions + indels / 2, substitutions + indels)):
        limits[:, column : column + 1] = limit
    return mutate_rows(np.ascontiguousarray(bases), np.ascontiguousarray(draws), limits, CODE_OF, _LETTERS)
