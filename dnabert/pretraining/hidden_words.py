"""Hidden words, the true ones, and the bases that show beside them: what a model may use that is asked for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnabert.alphabet import UNKNOWN, codes
from dnabert.pretraining.audit import shown_bases
from dnabert.pretraining.counting import ending_words
from dnabert.pretraining.sampling import Sampler
from dnabert.tokenizer import FIRST_KMER_ID


@dataclass(frozen=True)
class HiddenWords:
    """n hidden words and the known bases beside them, to `reach` bases.

    Attributes
    ----------
    true : int64 (n,), the word as a number in base 4, its first base the most significant.
    left, left_run : int64 (n,), the bases before it as such a number, and how many they are.
    right, right_run : uint8 (n, reach) codes of the bases after it, and int64 (n,), how many of them are known.
    window : int64 (n,), row of its window.
    """

    true: NDArray[np.int64]
    left: NDArray[np.int64]
    left_run: NDArray[np.int64]
    right: NDArray[np.uint8]
    right_run: NDArray[np.int64]
    window: NDArray[np.int64]

    def select(self, chosen: NDArray[Any]) -> HiddenWords:
        """Those that are `chosen` (numbers or truth values)."""
        return HiddenWords(**{name: values[chosen] for name, values in vars(self).items()})


def hidden_words(sampler: Sampler, rows: NDArray[np.int64], *, reach: int, reverse: bool = False) -> HiddenWords:
    """The words that evaluation asks for in windows `rows`, and what shows beside them; `reverse`: read on the other
    strand.

    The order of the words is the same on both strands.
    """
    tokenizer, batch = sampler.tokenizer, sampler.frozen(rows)
    # a word with an unknown base shows none of its others
    shown = shown_bases(batch.input_ids[:, 1:-1] < FIRST_KMER_ID, k=tokenizer.k, stride=tokenizer.stride)
    length = shown.shape[1]
    # a remainder that makes no word is not shown to the model either
    code = codes(sampler.view.bases(rows))[:, :length]
    row, asked = np.nonzero(batch.weights > 0)
    start = (batch.positions[row, asked] - 1) * tokenizer.stride
    word = code[row[:, None], start[:, None] + np.arange(tokenizer.k)]
    visible = np.where(shown, code, UNKNOWN)
    if reverse:
        start = length - start - tokenizer.k
        word, visible = 3 - word[:, ::-1], _complement(visible[:, ::-1])
    true = word_number(word)
    framed = np.pad(visible, ((0, 0), (1, reach)), constant_values=UNKNOWN)
    before, run = (each[row, start] for each in ending_words(framed, size=max(reach, 1)))
    right = framed[row[:, None], start[:, None] + 1 + tokenizer.k + np.arange(reach)]
    right_run = np.cumprod(right != UNKNOWN, axis=1, dtype=np.int64).sum(axis=1)
    run = np.minimum(run, reach).astype(np.int64)
    return HiddenWords(true, before % 4**run, run, right, right_run, rows[row])


def word_number(code: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Rows of codes (n, L) as numbers in base 4, the first base the most significant."""
    return (code.astype(np.int64) << 2 * np.arange(code.shape[1])[::-1]).sum(axis=1)


def _complement(code: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.where(code == UNKNOWN, UNKNOWN, 3 - code).astype(np.uint8)
