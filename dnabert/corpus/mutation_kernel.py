"""The loop of `dnabert.corpus.mutation`, compiled."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dnabert.compilation import compiled


@compiled
def mutate_rows(
    bases: NDArray[np.uint8],
    draws: NDArray[np.uint64],
    limits: NDArray[np.float64],
    code_of: NDArray[np.uint8],
    letters: NDArray[np.uint8],
) -> NDArray[np.uint8]:
    """Mutate `bases` (n, L) by `draws` (n, L).

    Below `limits` (n, 3) a draw's chance means, in turn: a base is substituted, deleted, comes after an inserted one.
    `code_of` (256,) is 0 to 3 for the bases that may be substituted, `letters` (4,) are what new ones are written as.
    """
    rows, length = bases.shape
    changed = np.empty_like(bases)
    for row in range(rows):
        substituted, deleted, inserted = limits[row]
        source = 0
        for place in range(length):
            draw = draws[row, place]
            chance = np.float64(draw >> np.uint64(11)) * 2.0**-53
            few = np.uint8((draw & np.uint64(2047)) % np.uint64(12))  # both modulo 3 and modulo 4 can be read off it
            insertion = False
            if substituted <= chance < deleted:
                source += 1
            elif deleted <= chance < inserted:
                source -= 1
                insertion = True
            if insertion or source + place >= length or source + place < 0:
                changed[row, place] = letters[few % 4]
                continue
            base = bases[row, source + place]
            code = code_of[base]
            changed[row, place] = letters[(code + 1 + few % 3) % 4] if chance < substituted and code < 4 else base
    return changed
