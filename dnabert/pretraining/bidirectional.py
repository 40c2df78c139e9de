"""The fair opponent of a masked language model: counting that reads both sides of a hidden word.

A one-sided Markov model predicts a base from what is left of it, a masked model from both sides. Under a Markov model
of order m the bases of the word and the m bases behind it say all that both sides know: the posterior of a hidden word
w between l and r is P(w | l, r) = P(w | l) P(r | l, w) / sum over all words of the same. It is computed exactly, by
going through all 4^k words, from the interpolated probabilities of `dnabert.pretraining.floors`. It is read on both
strands, whose posteriors differ a little by the smoothing; their normalised geometric mean counts. Such a product of k
+ m factors is surer than it should be, so it is raised to a power up to 1 and normalised again. The power is tuned for
every order on half of the windows and used on the other half, both ways, as is the smoothing; so are the weights of a
mixture of all orders.

Only what the masked model sees is used. Another hidden word, an N or the end of the words breaks a context: on the left
the order falls back to the bases that are left of the word without a break, on the right the evidence ends there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnabert.corpus import WindowView
from dnabert.corpus.view import evenly_spread
from dnabert.pretraining.counting import LARGEST_TABLE
from dnabert.pretraining.floors import (
    UNIQUE_SEQUENCE,
    MarkovFloor,
    MarkovModels,
    as_json,
    as_numbers,
    context_classes,
    fit_markov_models,
    scored_floor,
)
from dnabert.pretraining.hidden_words import HiddenWords, hidden_words, word_number
from dnabert.pretraining.intervals import drawn_together
from dnabert.pretraining.sampling import Sampler

_CANDIDATES = 1 << 17  # words times candidates at a time: arrays that stay in the cache
# powers tried; 1 is the exact posterior, and stands where nothing can be tuned
_SHARPNESS = (0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
_EM_STEPS = 100
# hidden words times 4^k at the start of a run: 2,200 windows at k = 6, 600 at k = 7; some 20 s of one core
_BUDGET = 100_000_000


@dataclass(frozen=True)
class BidirectionalFloors:
    """What counting from both sides scores on the same hidden words as the model.

    Attributes
    ----------
    orders : one per order asked for.
    mixture : the weighted mean of their posteriors; its order is the highest of them.
    words, windows : how many were scored.
    """

    orders: list[MarkovFloor]
    mixture: MarkovFloor
    words: int
    windows: int


def measure_floors(train: WindowView, validation: Sampler, *, max_order: int) -> dict[str, Any]:
    """The content of a run's ``floors.json``: all orders from the left, and from both sides three of them and their
    mixture."""
    models = fit_markov_models(train, validation.view, max_order=max_order)
    orders = mixed_orders(min(max_order, LARGEST_TABLE))
    windows = max(1, _BUDGET // (validation.plan.asked * 4**validation.tokenizer.k))
    both = bidirectional_floors(models, validation, orders=orders, windows=windows)
    return as_json(models.floors, windows=len(validation.view)) | {"bidirectional": as_record(both)}


def mixed_orders(highest: int) -> list[int]:
    """Three orders up to the highest, fewer of low ones: they tell a short range from a long one, and all would take
    longer than a short run.

    Examples
    --------
    >>> mixed_orders(12), mixed_orders(2)
    ([4, 8, 12], [0, 2])
    """
    return sorted({max(0, highest - less) for less in (0, 4, 8)})


def bidirectional_floors(
    models: MarkovModels, sampler: Sampler, *, orders: list[int], windows: int | None = None
) -> BidirectionalFloors:
    """Bits per base of the words that `dnabert.pretraining.evaluation.evaluate` asks for, from both sides.

    Parameters
    ----------
    models : fitted on these windows: those with an even number are smoothed as tuned on the others, and the other way
        round.
    sampler : of the evaluated windows; its frozen masks are used.
    orders : each at most the largest order that has a table.
    windows : only so many, see `even_and_odd`: the work grows with words times 4^k times order.
    """
    size = len(sampler.view)
    rows = even_and_odd(size, most=windows or size)
    bits, window = bits_of_words(models, sampler, rows, orders=orders)
    unique = (sampler.view.column("soft_masked") < UNIQUE_SEQUENCE)[window]
    group = drawn_together(sampler.view, window)
    *single, mixture = (
        scored_floor(order, line / sampler.tokenizer.k, group, unique=unique)
        for order, line in zip([*orders, max(orders)], bits, strict=True)
    )
    return BidirectionalFloors(single, mixture, words=len(window), windows=len(rows))


def bits_of_words(
    models: MarkovModels, sampler: Sampler, rows: NDArray[np.int64], *, orders: list[int]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Bits of every word that evaluation asks for in windows `rows`, and the rows of these words' windows.

    Returns
    -------
    bits : float64 (orders + 1, n), one line per order asked for, and last the mixture of them.
    window : int64 (n,).
    """
    k = sampler.tokenizer.k
    both = [hidden_words(sampler, rows, reach=max(orders), reverse=reverse) for reverse in (False, True)]
    window = both[0].window
    bits = np.empty((len(orders), len(_SHARPNESS), len(window)))
    for half in (0, 1):
        chosen = np.flatnonzero(window % 2 == half)
        tables = logarithms(models, max_order=max(orders), half=half)
        forward, backward = (words.select(chosen) for words in both)
        for number, order in enumerate(orders):
            bits[number][:, chosen] = word_bits(forward, backward, tables[: order + 1], k=k)
    tuned = np.stack([_sharpened(each, half=window % 2) for each in bits])
    return np.concatenate([tuned, _mixture(tuned, half=window % 2)[None]]), window


def even_and_odd(size: int, *, most: int) -> NDArray[np.int64]:
    """Rows (about `most`, ascending) of `size` windows, evenly spread, as many even as odd ones: each half is tuned on
    the other.

    Examples
    --------
    >>> even_and_odd(8, most=4).tolist(), even_and_odd(3, most=3).tolist()
    ([0, 1, 6, 7], [0, 1, 2])
    """
    if most >= size:
        return np.arange(size)
    pairs = evenly_spread(size // 2, most=max(1, most // 2))
    return (2 * pairs[:, None] + np.arange(2)).ravel()


def as_record(found: BidirectionalFloors) -> dict[str, Any]:
    """What stands in ``floors.json`` as ``bidirectional``; the best is an order or the mixture."""
    records = {str(floor.order): as_numbers(floor) for floor in found.orders}
    mixture = as_numbers(found.mixture)
    name, best = min([*records.items(), ("mixture", mixture)], key=lambda item: item[1]["bits_per_base"])
    told = {"order": int(name) if name in records else name, "bits_per_base": best["bits_per_base"]}
    return {"orders": records, "mixture": mixture, "best": told, "words": found.words, "windows": found.windows}


def logarithms(models: MarkovModels, *, max_order: int, half: int) -> list[NDArray[np.float32]]:
    """Base-2 logarithms (4^order, 4) of the interpolated probabilities of every order, for even (0) or odd (1)
    windows."""
    lower, found = np.full((1, 4), 0.25, dtype=np.float32), []
    for counts, pseudo_counts in zip(models.counts[: max_order + 1], models.pseudo_counts, strict=False):
        pseudo = pseudo_counts[half].astype(np.float32)[context_classes(counts)]
        total = counts.T[0] + counts.T[1] + counts.T[2] + counts.T[3] + pseudo
        # a context of one base more, the most significant, falls back to the context without it
        spread = (pseudo.reshape(-1, len(lower), 1) * lower).reshape(-1, 4)
        spread += counts
        spread /= total[:, None]
        lower = spread
        found.append(np.log2(lower))
    return found


def word_bits(
    forward: HiddenWords, backward: HiddenWords, tables: list[NDArray[np.float32]], *, k: int
) -> NDArray[np.float64]:
    """Minus log2 (sharpnesses, n) of the posterior of each true word, read on both strands.

    The order is that of the last table.
    """
    bits = np.empty((len(_SHARPNESS), len(forward.true)))
    complement = _complements(k)
    for chosen in _alike(forward, backward, reach=len(tables) - 1, k=k):
        there, back = (log_posterior(words.select(chosen), tables, k=k) for words in (forward, backward))
        mean = (there + back[:, complement]) / 2
        mean -= mean.max(axis=1, keepdims=True)
        true = mean[np.arange(len(mean)), forward.true[chosen]]
        for number, sharpness in enumerate(_SHARPNESS):
            bits[number, chosen] = np.log2(np.exp2(sharpness * mean).sum(axis=1)) - sharpness * true
    return bits


def log_posterior(words: HiddenWords, tables: list[NDArray[np.float32]], *, k: int) -> NDArray[np.float32]:
    """Base-2 logarithms (n, 4^k) of P(word | left, right), for words whose runs are the same to the reach of the
    tables.

    The words are the middle digits of a context's number, so what a base says of all of them is a slice of its table.
    """
    order = len(tables) - 1
    before, after = (min(int(run[0]), order) for run in (words.left_run, words.right_run))
    score = np.zeros((len(words.true), 1), dtype=np.float32)
    for place in range(k):
        length = min(order, before + place)
        reached = min(place, length)  # bases of the word in this base's context
        tail = words.left % 4 ** (length - reached)
        told = tables[length].reshape(-1, 1, 4**reached, 4)[tail]
        score = (score.reshape(len(score), -1, 4**reached, 1) + told).reshape(len(score), -1)
    for place in range(after):
        length = min(order, before + k + place)
        reached = min(k, length - place)
        tail = words.left % 4 ** (length - place - reached)
        read = word_number(words.right[:, : place + 1])
        told = tables[length].reshape(-1, 4**reached, 4 ** (place + 1))[tail, :, read]
        score = (score.reshape(len(score), -1, 4**reached) + told[:, None]).reshape(len(score), -1)
    return _normalised(score)


def _alike(forward: HiddenWords, backward: HiddenWords, *, reach: int, k: int) -> Iterator[NDArray[np.intp]]:
    """Numbers of words whose contexts are of the same lengths, a bounded number at a time."""
    runs = np.minimum([forward.left_run, forward.right_run, backward.left_run, backward.right_run], reach)
    _, group = np.unique(runs, axis=1, return_inverse=True)
    for number in range(int(group.max(initial=-1)) + 1):
        members = np.flatnonzero(group == number)
        yield from np.array_split(members, -(-len(members) * 4**k // _CANDIDATES))


def _sharpened(bits: NDArray[np.float64], *, half: NDArray[np.int64]) -> NDArray[np.float64]:
    """Bits (n,) at the sharpness that is best for the other half's words, of `bits` (sharpnesses, n)."""
    best = [int(bits[:, half != scored].mean(axis=1).argmin()) if (half != scored).any() else -1 for scored in (0, 1)]
    return np.where(half == 0, bits[best[0]], bits[best[1]])


def _mixture(bits: NDArray[np.float64], *, half: NDArray[np.int64]) -> NDArray[np.float64]:
    """Bits (n,) of the mixture of the orders' posteriors, weighted as is best for the other half's words."""
    likely = np.exp2(-bits)
    mixed = np.empty(bits.shape[1])
    for scored in (0, 1):
        weights = np.full(len(bits), 1 / len(bits))
        for _ in range(_EM_STEPS):
            share = weights[:, None] * likely[:, half != scored]
            weights = (share / share.sum(axis=0)).mean(axis=1) if share.size else weights
        mixed[half == scored] = -np.log2(weights @ likely[:, half == scored])
    return mixed


def _normalised(scores: NDArray[np.float32]) -> NDArray[np.float32]:
    top = scores.max(axis=1, keepdims=True)
    return np.asarray(scores - top - np.log2(np.exp2(scores - top).sum(axis=1, keepdims=True)))


def _complements(k: int) -> NDArray[np.int64]:
    """Number (4^k,) of the reverse complement of each word."""
    digits = np.arange(4**k)[:, None] >> 2 * np.arange(k)[::-1] & 3
    return word_number((3 - digits[:, ::-1]).astype(np.uint8))
