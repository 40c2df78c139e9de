"""Parts of the windows to repeat a clustering on: whole places, so that near-copies leave together."""

from __future__ import annotations

import math

import numpy as np

from dnabert.corpus.places import FEWEST_PLACES
from dnabert.errors import UserError


def subsample(places: np.ndarray, *, fraction: float, rng: np.random.Generator) -> np.ndarray:
    """Rows, ascending, of the windows in a random part of the places.

    Parameters
    ----------
    places : int (n,) from 0, the place of each window.
    fraction : share of the places to keep, rounded up.

    Raises
    ------
    UserError
        for fewer than 5 places.
    """
    count = int(places.max(initial=-1)) + 1
    if count < FEWEST_PLACES:
        mend = "embed more windows"
        if len(places) >= FEWEST_PLACES:
            mend = "pass --unit window (to eval/compare.py --stability.unit window)"
        raise UserError(f"the windows lie in {count} places, {FEWEST_PLACES} or more can be resampled: {mend}")
    kept = np.zeros(count, dtype=bool)
    kept[rng.permutation(count)[: math.ceil(fraction * count)]] = True
    return np.flatnonzero(kept[places])
