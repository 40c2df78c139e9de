"""Markov floors: what counting alone predicts of the same bases, in bits per base.

A model that does not pass them has learned nothing that a table of k-mers does not know. The models of all orders are
interpolated: order n falls back to order n-1 with the weight of `alpha` pseudo-counts, and alpha is tuned for every
order on half of the evaluated windows and scored on the other half, both ways, so no order is scored on what tuned it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnabert.alphabet import codes
from dnabert.corpus import WindowView

# pseudo-counts tried for each order: from "trust any count" to "trust only thousands"
_ALPHAS = 4.0 ** np.arange(-1, 8)
_BATCH = 4096
#: Windows of which less than this share is soft-masked count as unique sequence: an average that only learns Alu shows there.
UNIQUE_SEQUENCE = 0.1


@dataclass(frozen=True)
class MarkovFloor:
    """Bits per base of one order, with the 95 % interval of a bootstrap over windows."""

    order: int
    bits_per_base: float
    low: float
    high: float
    bits_per_base_unique: float | None
    """On windows that are mostly unique sequence; None where there are none."""


def markov_floors(train: WindowView, evaluated: WindowView, *, max_order: int = 12, seed: int = 0) -> list[MarkovFloor]:
    """Interpolated Markov models of order 0 to `max_order`, counted on both strands of `train`.

    Parameters
    ----------
    train : windows to count; N breaks a context.
    evaluated : windows to score, left to right, bases after the first `max_order` of each window alike for all orders.

    Returns
    -------
    One floor per order. Memory: 4^(order+1) 32-bit counts, 268 MB for order 12.
    """
    contexts, bases, window = _scored(evaluated, max_order=max_order)
    half = window % 2 == 0
    unique = (evaluated.column("soft_masked") < UNIQUE_SEQUENCE)[window]
    probability = np.full(len(bases), 0.25)
    by_half = [probability, probability]  # the chain of lower orders, tuned on even and on odd windows
    floors = []
    for order in range(max_order + 1):
        count, total = _lookup(_counts(train, order=order), contexts % 4**order, bases)
        bits = np.empty(len(bases))
        tuned = []
        for chain, scored in zip(by_half, (half, ~half), strict=True):
            mixed = [(count + alpha * chain) / (total + alpha) for alpha in _ALPHAS]
            best = mixed[int(np.argmax([np.log2(m[~scored]).mean() for m in mixed]))]
            tuned.append(best)
            bits[scored] = -np.log2(best[scored])
        by_half = tuned
        floors.append(_floor(order, bits, window, unique=unique, seed=seed))
    return floors


def as_json(floors: list[MarkovFloor], *, windows: int) -> dict[str, Any]:
    """The content of a run's ``floors.json``."""
    best = min(floors, key=lambda floor: floor.bits_per_base)
    orders = {
        str(f.order): {
            "bits_per_base": f.bits_per_base, "low": f.low, "high": f.high, "bits_per_base_unique": f.bits_per_base_unique
        }
        for f in floors
    }  # fmt: skip
    return {
        "uniform": 2.0,
        "orders": orders,
        "best": {"order": best.order, "bits_per_base": best.bits_per_base},
        "windows": windows,
    }


def _counts(view: WindowView, *, order: int) -> NDArray[np.uint32]:
    """Counts (4^order, 4) of every context and base that follows it, on both strands."""
    counts = np.zeros(4 ** (order + 1), dtype=np.uint32)
    # few large pieces: each bincount makes a table as large as `counts`
    piece = max(_BATCH, len(counts) // view.bases(np.array([0])).shape[1] * 4)
    for first in range(0, len(view), piece):
        rows = np.arange(first, min(first + piece, len(view)))
        for reverse in (False, True):
            words = _words(codes(view.bases(rows, reverse=reverse)), size=order + 1)
            counts += np.bincount(words[words >= 0], minlength=len(counts)).astype(np.uint32)
    return counts.reshape(-1, 4)


def _words(code: NDArray[np.uint8], *, size: int) -> NDArray[np.int32]:
    """Base-4 numbers of all overlapping words of `size` bases in each row; -1 where a word holds an N."""
    starts = code.shape[1] - size + 1
    words = np.zeros((len(code), starts), dtype=np.int32)
    bad = np.zeros((len(code), starts), dtype=bool)
    for place in range(size):
        letter = code[:, place : place + starts]
        bad |= letter > 3
        words = words * 4 + (letter & 3)
    words[bad] = -1
    return words


def _scored(view: WindowView, *, max_order: int) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Contexts (max_order bases before), bases and window numbers of every scored place."""
    words = _words(codes(view.bases(np.arange(len(view)))), size=max_order + 1).astype(np.int64)
    window, place = np.nonzero(words >= 0)
    found = words[window, place]
    return found // 4, found % 4, window


def _lookup(
    counts: NDArray[np.uint32], contexts: NDArray[np.int64], bases: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    rows = counts[contexts].astype(np.float64)
    return rows[np.arange(len(bases)), bases], rows.sum(axis=1)


def _floor(
    order: int, bits: NDArray[np.float64], window: NDArray[np.int64], *, unique: NDArray[np.bool_], seed: int
) -> MarkovFloor:
    sums, sizes = np.bincount(window, weights=bits), np.bincount(window)
    low, high = ratio_interval(sums, sizes, seed=seed)
    return MarkovFloor(order, float(sums.sum() / sizes.sum()), low, high, float(bits[unique].mean()) if unique.any() else None)


def ratio_interval(
    sums: NDArray[Any], sizes: NDArray[Any], *, seed: int = 0, repeats: int = 1000
) -> tuple[float, float]:
    """95 % percentile bootstrap interval of ``sums.sum() / sizes.sum()``, resampling windows."""
    generator = np.random.default_rng(seed)
    weights = generator.multinomial(len(sums), np.full(len(sums), 1 / len(sums)), size=repeats)
    low, high = np.quantile((weights @ sums) / (weights @ sizes), [0.025, 0.975])
    return float(low), float(high)
