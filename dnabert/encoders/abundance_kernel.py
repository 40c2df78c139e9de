"""The loops of `dnabert.encoders.abundance`, compiled."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dnabert.compilation import compiled


@compiled
def words_at(codes: NDArray[np.uint8], k: int, found: NDArray[np.int64]) -> None:
    """Write the word at each place of a sequence, -1 where a base of it is unknown.

    A word is a number of base 4, first base first, or that of its reverse complement if it is less.

    Parameters
    ----------
    codes : uint8 (L,), see `dnabert.alphabet.codes`.
    k : bases per word, to 16.
    found : int64 (L - k + 1,) or longer, written.
    """
    mask, top = (1 << (2 * k)) - 1, 2 * (k - 1)
    forward, reverse, known = np.int64(0), np.int64(0), 0
    for place in range(len(codes)):
        code = np.int64(codes[place])
        if code > 3:
            known = 0
        else:
            forward = ((forward << 2) | code) & mask
            reverse = (reverse >> 2) | ((3 - code) << top)
            known += 1
        if place >= k - 1:
            found[place - k + 1] = min(forward, reverse) if known >= k else -1


@compiled
def write_words(codes: NDArray[np.uint8], overlap: NDArray[np.int64], k: int, words: NDArray[np.uint32]) -> int:
    """Write the words of sequences one after another, and return how many there are; those of unknown bases are left
    out.

    A word is a number as `words_at` has it.

    Parameters
    ----------
    codes : uint8 (n, L), see `dnabert.alphabet.codes`.
    overlap : int64 (n,), how many first bases of each are those of a sequence before it, whose words are not written
        again.
    k : bases per word, to 16.
    words : uint32 (n (L - k + 1),) or longer.
    """
    number = 0
    at = np.empty(max(0, codes.shape[1] - k + 1), dtype=np.int64)
    for row in range(len(codes)):
        first = max(0, overlap[row] - k + 1)
        words_at(codes[row, first:], k, at)
        for place in range(len(at) - first):
            if at[place] >= 0:
                words[number] = at[place]
                number += 1
    return number


@compiled
def count_runs(words: NDArray[np.uint32], counts: NDArray[np.uint32]) -> int:
    """Count equal words in ascending ones, in place: the different words and their counts stand at the front, and so
    many are returned."""
    last = -1
    for i in range(len(words)):
        if last >= 0 and words[i] == words[last]:
            counts[last] += 1
        else:
            last += 1
            words[last] = words[i]
            counts[last] = 1
    return last + 1


@compiled
def count_at(
    codes: NDArray[np.uint8],
    k: int,
    words: NDArray[np.uint32],
    counts: NDArray[np.uint32],
    begins: NDArray[np.int64],
    found: NDArray[np.int64],
) -> None:
    """Write how often the word at each place of a sequence was counted, -1 where a base of it is unknown.

    Parameters
    ----------
    codes : uint8 (L,).
    k : bases per word.
    words, counts : uint32 (m,), ascending, and how often each was counted.
    begins : int64 (2**b + 1,), where the words of each b leading bits begin.
    found : int64 (L - k + 1,), written.
    """
    words_at(codes, k, found)
    leading, bits = len(begins) - 1, 0
    while leading > 1:
        leading >>= 1
        bits += 1
    drop = 2 * k - bits
    for place in range(len(found)):
        word = found[place]
        if word < 0:
            continue
        at, end = begins[word >> drop], begins[(word >> drop) + 1]
        while at < end and words[at] < word:
            at += 1
        found[place] = counts[at] if at < end and words[at] == word else 0


@compiled
def describe_all(
    codes: NDArray[np.uint8],
    lengths: NDArray[np.int64],
    words: tuple[NDArray[np.uint32], ...],
    counts: tuple[NDArray[np.uint32], ...],
    begins: tuple[NDArray[np.int64], ...],
    mostly: float,
    widths: NDArray[np.int64],
    quantiles: NDArray[np.float64],
    into: NDArray[np.float32],
) -> None:
    """Describe how common the words of sequences are: for each length of word but the last, see `describe`.

    Parameters
    ----------
    codes : uint8 (n, L).
    lengths : int64 (t,), bases per word, ascending; by words of the last length a sequence knows its own copies.
    words, counts, begins : t arrays each, see `count_at`; of the last length it is genomes that were counted.
    mostly : a sequence has copies of its own if at least this share of its longest words was counted.
    widths, quantiles, into : as for `describe`; into is float32 (n, (t - 1) (2 + w q)), and its rows stay as they are
        where no longest word is known.
    """
    columns = 2 + len(widths) * len(quantiles)
    longest = np.empty(codes.shape[1] - lengths[-1] + 1, dtype=np.int64)
    for row in range(len(codes)):
        last = len(lengths) - 1
        count_at(codes[row], lengths[last], words[last], counts[last], begins[last], longest)
        known, own = 0, 0
        for count in longest:
            known += count >= 0
            own += count > 0
        if not known:
            continue
        for number in range(last):
            found = np.empty(codes.shape[1] - lengths[number] + 1, dtype=np.int64)
            count_at(codes[row], lengths[number], words[number], counts[number], begins[number], found)
            if own >= mostly * known:
                take_own_off(found, longest)
            common = np.log2(1.0 + found[found >= 0])
            describe(common, widths, quantiles, into[row, number * columns : (number + 1) * columns])


@compiled
def take_own_off(found: NDArray[np.int64], longest: NDArray[np.int64]) -> None:
    """Take a sequence's own copies off the counts of its words, in place.

    Its own are one in each genome that has a longest word over the place.

    Parameters
    ----------
    found : int64 (p,), -1 = unknown.
    longest : int64 (q,), q <= p, in how many genomes each longest word is; -1 = unknown.
    """
    more = len(found) - len(longest)
    for place in range(len(found)):
        own = 0
        for over in range(max(0, place - more), min(place, len(longest) - 1) + 1):
            own = max(own, longest[over])
        if found[place] >= 0:  # not below 0: two strands of a longer word can lie over one place, a palindrome
            found[place] = max(0, found[place] - own)


@compiled
def describe(
    values: NDArray[np.float64], widths: NDArray[np.int64], quantiles: NDArray[np.float64], into: NDArray[np.float32]
) -> None:
    """Write mean, standard deviation, and quantiles of the moving means of each width (of all, where they are fewer).

    Parameters
    ----------
    values : float64 (m,), m at least 1.
    widths : int64 (w,).
    quantiles : float64 (q,), 0 to 1, between two values in proportion.
    into : float32 (2 + w q,), written.
    """
    number = len(values)
    sums = np.zeros(number + 1)
    squares = 0.0
    for i in range(number):
        sums[i + 1] = sums[i] + values[i]
    mean = sums[number] / number
    for i in range(number):
        squares += (values[i] - mean) ** 2
    into[0], into[1] = mean, np.sqrt(squares / number)
    column = 2
    for each in widths:
        width = min(each, number)
        moving = np.sort((sums[width:] - sums[: number + 1 - width]) / width)
        for quantile in quantiles:
            at = quantile * (len(moving) - 1)
            low = int(at)
            high = min(low + 1, len(moving) - 1)
            into[column] = moving[low] + (at - low) * (moving[high] - moving[low])
            column += 1
