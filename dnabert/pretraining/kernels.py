"""The loops of `dnabert.pretraining` over windows and words, compiled; each writes what its numpy caller documents."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dnabert.compilation import compiled
from dnabert.pretraining.hashing import GOLDEN, MIX_1, MIX_2


@compiled
def _mix(x: np.uint64) -> np.uint64:
    x = (x ^ (x >> np.uint64(30))) * MIX_1
    x = (x ^ (x >> np.uint64(27))) * MIX_2
    return x ^ (x >> np.uint64(31))


@compiled
def absorb(state: np.uint64, key: np.uint64) -> np.uint64:
    """Hash one more key into a state: ``hashed(*keys, key)`` from ``hashed(*keys)``."""
    return _mix((state + GOLDEN) ^ _mix(key + GOLDEN))


@compiled
def hashed_places(states: NDArray[np.uint64], length: int) -> NDArray[np.uint64]:
    """Hash each of `states` (n,) with 0 to `length` - 1: (n, length)."""
    mixed = np.empty(length, dtype=np.uint64)
    for place in range(length):
        mixed[place] = _mix(np.uint64(place) + GOLDEN)
    draws = np.empty((len(states), length), dtype=np.uint64)
    for row in range(len(states)):
        state = states[row] + GOLDEN
        for place in range(length):
            draws[row, place] = _mix(state ^ mixed[place])
    return draws


@compiled
def _chance(draw: np.uint64) -> float:
    return np.float64(draw >> np.uint64(11)) * 2.0**-53


@compiled
def row_states(
    seeds: NDArray[np.uint64], epochs: NDArray[np.uint64], windows: NDArray[np.uint64]
) -> NDArray[np.uint64]:
    """Hash each of `seeds` (S,) with each row's epoch and window, (B,) each: (S, B)."""
    states = np.empty((len(seeds), len(windows)), dtype=np.uint64)
    for draw in range(len(seeds)):
        for row in range(len(windows)):
            states[draw, row] = absorb(absorb(seeds[draw], epochs[row]), windows[row])
    return states


@compiled
def _kth_smallest(values: NDArray[np.float64], smallest: NDArray[np.float64]) -> float:
    """The k-th smallest of `values`, k being the length of `smallest`, which is overwritten: numpy's partition takes
    thrice as long."""
    filled, k = 0, len(smallest)
    for value in values:
        if filled == k:
            if value >= smallest[k - 1]:
                continue
        else:
            filled += 1
        place = filled - 1
        while place > 0 and smallest[place - 1] > value:
            smallest[place] = smallest[place - 1]
            place -= 1
        smallest[place] = value
    return smallest[k - 1]


@compiled
def draw_spans(
    tokens: NDArray[np.int32], states: NDArray[np.uint64], plan: tuple[int, int, int, int, int], first_kmer: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Draw the first asked words, ascending, of each row's spans, and a number in [0, 1) for each: (B, spans) both.

    `states` (5, B) as of `masking`; `plan` is words_per_span, step, cells, least_spans and spans of the `SpanPlan`. A
    row that draws fewer spans than the most has 2 in place of the number for those it does without. Tokens below
    `first_kmer` are no words: a span with some is chosen only where no other is left.
    """
    words_per_span, step, cells, least, spans = plan
    cell = words_per_span * step
    first = np.empty((len(tokens), spans), dtype=np.int64)
    fate = np.empty((len(tokens), spans))
    order, smallest = np.empty(cells), np.empty(spans)
    for row in range(len(tokens)):
        offset = np.int64(states[0, row] % np.uint64(cell))
        for place in range(cells):
            candidate = offset + place * cell
            unknown = 0
            for word in range(words_per_span):
                unknown += tokens[row, 1 + candidate + word * step] < first_kmer
            order[place] = _chance(absorb(states[1, row], np.uint64(candidate))) + 2.0 * (unknown / words_per_span)
        last = _kth_smallest(order, smallest)
        wanted = least + np.int64(_chance(states[4, row]) * (spans - least + 1))
        last_wanted = smallest[wanted - 1] if wanted else -1.0
        chosen = 0
        for place in range(cells):
            if order[place] <= last and chosen < spans:
                first[row, chosen] = offset + place * cell
                fate[row, chosen] = 2.0
                if order[place] <= last_wanted:
                    fate[row, chosen] = _chance(absorb(states[2, row], np.uint64(offset + place * cell)))
                chosen += 1
    return first, fate


@compiled
def hide_spans(
    tokens: NDArray[np.int32],
    bases: NDArray[np.uint8],
    first: NDArray[np.int64],
    fates: NDArray[np.uint8],
    states: NDArray[np.uint64],
    plan: tuple[int, int, int],
    masked: NDArray[np.int64],
    code_of: NDArray[np.uint8],
    special: tuple[int, int],
) -> NDArray[np.int64]:
    """Ids (B, T) with the spans at `first` (B, spans) masked where `fates` is 0, random where it is 1, else kept.

    `states` (B,) hash the random bases; `plan` is k, stride and span_bases of the `SpanPlan`; `masked` are the words
    that a span at word 0 masks; `code_of` (256,) is 0 to 3 for known bases; `special` is the first id of a word and
    that of [MASK].
    """
    k, stride, span_bases = plan
    first_kmer, mask_id = special
    words = tokens.shape[1] - 2
    shown = tokens.astype(np.int64)
    for row in range(len(tokens)):
        for span in range(first.shape[1]):
            if fates[row, span] != 1:
                continue
            start = first[row, span] * stride
            for place in range(start, start + span_bases):
                old = np.int64(code_of[bases[row, place]])
                if old > 3:
                    continue
                more = np.int64(absorb(states[row], np.uint64(place)) % np.uint64(4)) - old
                for word in range(max(0, (place - k) // stride + 1), min(words - 1, place // stride) + 1):
                    if shown[row, 1 + word] >= first_kmer:  # its id is its number in base 4
                        shown[row, 1 + word] += more << (2 * (k - 1 - (place - word * stride)))
        for span in range(first.shape[1]):
            if fates[row, span] != 0:
                continue
            for offset in masked:
                word = first[row, span] + offset
                if 0 <= word < words and shown[row, 1 + word] >= first_kmer:
                    shown[row, 1 + word] = mask_id
    return shown


@compiled
def sketch_words(
    bases: NDArray[np.uint8], code_of: NDArray[np.uint8], length: int, start: np.uint64
) -> NDArray[np.uint64]:
    """Hash each word of `length` (to 32) bases of `bases` (n, L), on the strand where it is the smaller number: (n, L -
    length + 1).

    A word with unknown bases gives 2**64 - 1. `start` is the state that a word is hashed into.
    """
    rows, places = len(bases), bases.shape[1] - length + 1
    hashes = np.empty((rows, places), dtype=np.uint64)
    inside = np.uint64(2**64 - 1) >> np.uint64(64 - 2 * length)
    top = np.uint64(2 * (length - 1))
    for row in range(rows):
        forward, reverse, known = np.uint64(0), np.uint64(0), 0
        for place in range(bases.shape[1]):
            code = code_of[bases[row, place]]
            known = known + 1 if code < 4 else 0
            code &= np.uint8(3)
            forward = (forward << np.uint64(2) | np.uint64(code)) & inside
            reverse = reverse >> np.uint64(2) | np.uint64(3 - code) << top
            if place >= length - 1:
                hashed = absorb(start, min(forward, reverse)) if known >= length else np.uint64(2**64 - 1)
                hashes[row, place - length + 1] = hashed
    return hashes


@compiled
def sketches(hashes: NDArray[np.uint64], most: int) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """Take the up to `most` smallest different numbers below 2**64 - 1 of each sorted row: (n, most), and how many
    (n,)."""
    rows, places = hashes.shape
    sketch = np.empty((rows, most), dtype=np.uint64)
    sizes = np.zeros(rows, dtype=np.int64)
    for row in range(rows):
        size = 0
        for place in range(places):
            value = hashes[row, place]
            if size == most or value == np.uint64(2**64 - 1):
                break
            if size == 0 or value != sketch[row, size - 1]:
                sketch[row, size] = value
                size += 1
        sizes[row] = size
    return sketch, sizes


@compiled
def sharing(values: NDArray[np.uint64], owners: NDArray[np.int64], needed: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Tell which two owners have enough values in common: (n, n), from sorted `values` (m,) and whose each is.

    Enough for two owners is the smaller of their `needed` (n,), 1 to 255.
    """
    rows = len(needed)
    shared = np.zeros((rows, rows), dtype=np.uint8)
    enough = np.zeros((rows, rows), dtype=np.bool_)
    begin = 0
    for end in range(1, len(values) + 1):
        if end < len(values) and values[end] == values[begin]:
            continue
        for one in range(begin, end):
            for other in range(begin, one):
                low, high = min(owners[one], owners[other]), max(owners[one], owners[other])
                shared[low, high] += 1
                if shared[low, high] == min(needed[low], needed[high]):
                    enough[low, high] = enough[high, low] = True
        begin = end
    return enough


@compiled
def count_shared(words: NDArray[np.uint64], others: NDArray[np.int32]) -> NDArray[np.int64]:
    """Count the numbers below 2**64 - 1 that each row of ascending `words` (n, W) shares with its `others` (n, c); 0
    for -1."""
    shared = np.zeros(others.shape, dtype=np.int64)
    none = np.uint64(2**64 - 1)
    width = words.shape[1]
    for row in range(len(others)):
        own = words[row]
        for column in range(others.shape[1]):
            if others[row, column] < 0:
                continue
            its = words[others[row, column]]
            here, there = 0, 0
            while here < width and there < width and own[here] != none and its[there] != none:
                if own[here] == its[there]:
                    shared[row, column] += 1
                    here += 1
                    there += 1
                elif own[here] < its[there]:
                    here += 1
                else:
                    there += 1
    return shared
