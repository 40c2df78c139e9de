"""The loop of `dnabert.explain.log_odds`."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dnabert.compilation import compiled

#: A tail is summed until a term is this small a share of it.
NEGLIGIBLE = 1e-12


@compiled
def geometric_sums(
    at: NDArray[np.float64], k: NDArray[np.float64], n: NDArray[np.int64], among: NDArray[np.int64], step: int
) -> NDArray[np.float64]:
    """Sum of each hypergeometric tail's terms from `at` on, upwards (`step` 1) or downwards (-1), over its first one:
    float64 (t,).

    Parameters
    ----------
    at : whole numbers float64 (t,), where each tail begins.
    k, n, among : (t,), how many have it, how many are drawn, and of how many.
    """
    total = np.ones(len(at))
    for i in range(len(at)):
        x, term, absent = at[i], 1.0, among[i] - k[i] - n[i]  # how many lack it, less the group's size
        while True:
            if step > 0:
                term = term * (k[i] - x) * (n[i] - x) / ((x + 1) * (absent + x + 1))
            else:
                term = term * x * (absent + x) / ((k[i] - x + 1) * (n[i] - x + 1))
            x += step
            total[i] += term
            if not term > NEGLIGIBLE * total[i]:
                break
    return total
