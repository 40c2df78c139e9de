"""Markov floors: what counting alone predicts of the same bases, in bits per base.

A model that does not pass them has learned nothing that a table of k-mers does not know. The models of all orders are
interpolated: order n falls back to order n-1 with the weight of some pseudo-counts. How many depends on how often the
context was seen and on how many different bases followed it, and is tuned on half of the evaluated windows and scored
on the other half, both ways, so no order is scored on what tuned it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnabert.alphabet import codes
from dnabert.corpus import WindowView
from dnabert.pretraining.counting import LARGEST_TABLE, ending_words, looked_up_counts, table_counts
from dnabert.pretraining.intervals import drawn_together, ratio

# pseudo-counts tried for each class of contexts: from "trust any count" to "trust only thousands"
_PSEUDO_COUNTS = 2.0 ** np.arange(-5, 15)
_USUAL = 8  # place of 2^3 among them, for classes of which there is nothing to tune on
_LARGEST_TOTAL = 15  # contexts seen 2^15 times or more are one class
_CLASSES = 4 * (_LARGEST_TOTAL + 1)
_POWERS = (4 * np.log2(np.maximum(np.arange(2**_LARGEST_TOTAL + 1), 1)).astype(np.uint8)).astype(np.uint8)
#: Windows of which less than this share is soft-masked count as unique sequence: an average that only learns Alu shows
#: there.
UNIQUE_SEQUENCE = 0.1


@dataclass(frozen=True)
class MarkovFloor:
    """Bits per base of one order, with a 95 % interval by stretch of the genome (`drawn_together`)."""

    order: int
    bits_per_base: float
    low: float
    high: float
    bits_per_base_unique: float | None
    """On windows that are mostly unique sequence; None where there are none."""


@dataclass(frozen=True)
class MarkovModels:
    """Counts of every order, how they are smoothed, and what they score.

    Attributes
    ----------
    counts : (4^order, 4) of every order that has a table (to 12), see `table_counts`.
    pseudo_counts : float64 (2, classes) of every order: for even windows (tuned on the odd ones) and for odd ones.
    floors : read from left to right, one per order.
    """

    counts: list[NDArray[np.unsignedinteger]]
    pseudo_counts: list[NDArray[np.float64]]
    floors: list[MarkovFloor]


def fit_markov_models(train: WindowView, evaluated: WindowView, *, max_order: int = 12) -> MarkovModels:
    """Interpolated Markov models of order 0 to `max_order`, counted on both strands of `train`, smoothed and scored.

    Parameters
    ----------
    train : windows to count; N breaks a context.
    evaluated : windows to score, left to right, bases after the first `max_order` of each window alike for all orders.
    max_order : 0 to 16. Orders to 12 take 4^(order+1) 32-bit counts, 268 MB for order 12; of higher ones only the
        contexts that occur in `evaluated` are counted.
    """
    words, window = _scored(evaluated, max_order=max_order)
    tables = table_counts(train, max_order=min(max_order, LARGEST_TABLE))
    half = window % 2
    base = words & 3
    group = drawn_together(evaluated, window)
    unique = (evaluated.column("soft_masked") < UNIQUE_SEQUENCE)[window]
    by_half = np.full((2, len(words)), 0.25)  # the chain of lower orders, tuned on odd and on even windows
    tuned, floors = [], []
    for order, rows in enumerate(_rows(tables, train, words >> 2, max_order=max_order)):
        tuned.append(_tune(rows, base, by_half, half=half))
        by_half = np.stack(
            [_mixed(rows, base, lower, pseudo) for lower, pseudo in zip(by_half, tuned[-1], strict=True)]
        )
        bits = -np.log2(by_half[half, np.arange(len(words))])
        floors.append(scored_floor(order, bits, group, unique=unique))
    return MarkovModels(tables, tuned, floors)


def as_json(floors: list[MarkovFloor], *, windows: int) -> dict[str, Any]:
    """The content of a run's ``floors.json``, but for what `dnabert.pretraining.bidirectional` adds."""
    best = min(floors, key=lambda floor: floor.bits_per_base)
    return {
        "uniform": 2.0,
        "orders": {str(floor.order): as_numbers(floor) for floor in floors},
        "best": {"order": best.order, "bits_per_base": best.bits_per_base},
        "windows": windows,
    }


def as_numbers(floor: MarkovFloor) -> dict[str, Any]:
    """A floor without its order."""
    return {name: value for name, value in vars(floor).items() if name != "order"}


def context_classes(rows: NDArray[np.unsignedinteger]) -> NDArray[np.uint8]:
    """Class (n,) of contexts by their counts (n, 4): powers of two of the total, and how many different bases followed.

    Witten and Bell 1991 trust a context the less the more different bases followed it; here the data say by how much.
    """
    columns = rows.T  # sums along four columns are ten times faster than over rows of four
    total = columns[0] + columns[1] + columns[2] + columns[3]
    followed = sum((column > 0).astype(np.uint8) for column in columns)
    return np.asarray(_POWERS[np.minimum(total, 2**_LARGEST_TOTAL)] + np.maximum(followed, 1) - 1, dtype=np.uint8)


def _scored(view: WindowView, *, max_order: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Words (max_order bases and the one that follows) and window numbers of every scored place."""
    words, run = ending_words(codes(view.bases(np.arange(len(view)))), size=max_order + 1)
    window, place = np.nonzero(run > max_order)
    return words[window, place], window


def _rows(
    tables: list[NDArray[np.unsignedinteger]], train: WindowView, contexts: NDArray[np.int64], *, max_order: int
) -> Iterator[NDArray[np.unsignedinteger]]:
    """Counts (n, 4) behind every context, order by order."""
    for order, table in enumerate(tables):
        yield table[contexts % 4**order]
    asked = {order: np.unique(contexts % 4**order) for order in range(len(tables), max_order + 1)}
    for order, counts in looked_up_counts(train, asked).items():
        yield counts[np.searchsorted(asked[order], contexts % 4**order)]


def _tune(
    rows: NDArray[np.unsignedinteger], base: NDArray[np.int64], by_half: NDArray[np.float64], *, half: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Best pseudo-counts (2, classes): those of the even windows are tuned on the odd ones, and the other way round."""
    kind = context_classes(rows)
    gain = np.zeros((2, _CLASSES, len(_PSEUDO_COUNTS)))
    gain[:, :, _USUAL] = 1e-9  # wins where nothing speaks for another
    for scored in (0, 1):
        other = half != scored
        there = kind[other]
        count = rows[other, base[other]]
        lower = by_half[scored, other]
        total = rows[other].sum(axis=1)
        for number, pseudo in enumerate(_PSEUDO_COUNTS):
            log = np.log2((count + pseudo * lower) / (total + pseudo) / lower)
            gain[scored, :, number] += np.bincount(there, weights=log, minlength=_CLASSES)
    return np.asarray(_PSEUDO_COUNTS[gain.argmax(axis=2)])


def _mixed(
    rows: NDArray[np.unsignedinteger],
    base: NDArray[np.int64],
    lower: NDArray[np.float64],
    pseudo_counts: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Probability (n,) of each base: its count and `pseudo` counts spread as the order below says."""
    pseudo = pseudo_counts[context_classes(rows)]
    return np.asarray((rows[np.arange(len(base)), base] + pseudo * lower) / (rows.sum(axis=1) + pseudo))


def scored_floor(
    order: int, bits: NDArray[np.float64], group: NDArray[np.int64], *, unique: NDArray[np.bool_]
) -> MarkovFloor:
    """Mean and interval of `bits` (n,) per base, drawn by `group` (n,), see `drawn_together`, `unique` (n,) told
    apart."""
    found = ratio(np.bincount(group, weights=bits), np.bincount(group))
    return MarkovFloor(order, found.value, *found.interval, float(bits[unique].mean()) if unique.any() else None)
