"""Which words of a window are hidden: a pure function of (seed, epoch, window).

Words stand side by side (stride = k), so a hidden word shares no base with a visible one and cannot be read off its
neighbours. Each row has the same number of asked positions, so that shapes are static.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dnabert.pretraining.hashing import hashed, uniform

# Devlin et al. 2019 (BERT): of the asked words 80 % are masked, 10 % replaced by a random word, 10 % kept
_MASKED, _RANDOM = 0.8, 0.1
# special tokens stand before the words in the vocabulary of `KmerTokenizer`
_FIRST_WORD, _MASK = 5, 4


@dataclass(frozen=True)
class MaskedBatch:
    """B masked windows of T tokens with M asked positions each."""

    input_ids: NDArray[np.int64]
    """(B, T): what the model reads."""
    positions: NDArray[np.int64]
    """(B, M): the asked positions, ascending."""
    labels: NDArray[np.int64]
    """(B, M): the true ids there."""
    weights: NDArray[np.float32]
    """(B, M): 1 where the place counts, 0 where a window had too few words without N to ask for."""
    hidden: NDArray[np.bool_]
    """(B, M): where the true word is really hidden. A kept word can be copied: bits per base must not count it."""


def masked_positions(words: int, share: float) -> int:
    """Number of asked positions in a window of that many words: at least 1."""
    return max(1, round(words * share))


def mask(
    input_ids: NDArray[np.integer],
    *,
    windows: NDArray[np.int64],
    seed: int,
    epoch: int | NDArray[np.int64],
    share: float,
    vocab_size: int,
    all_masked: bool = False,
) -> MaskedBatch:
    """Hide words.

    Parameters
    ----------
    input_ids : int (B, T), [CLS] and [SEP] at the ends.
    windows : int64 (B,), the number of each window in its split: with `seed` and `epoch` it determines the mask.
    share : share of the words that are asked for; [UNK] (a word with N) never is.
    vocab_size : random words are drawn from the ids 5 to vocab_size - 1.
    all_masked : show [MASK] at every asked place, as an evaluation must; else 80 % [MASK], 10 % random, 10 % kept.
    """
    tokens = np.asarray(input_ids, dtype=np.int64)
    asked = masked_positions(tokens.shape[1] - 2, share)
    column = np.arange(tokens.shape[1])
    row, epoch = windows[:, None], np.asarray(epoch).reshape(-1, 1)

    order = uniform(seed, 1, epoch, row, column)
    order[tokens < _FIRST_WORD] = 2.0  # behind every real word
    positions = np.sort(np.argpartition(order, asked - 1, axis=1)[:, :asked], axis=1)
    labels = np.take_along_axis(tokens, positions, axis=1)

    fate = np.zeros(positions.shape) if all_masked else uniform(seed, 2, epoch, row, positions)
    random_words = _FIRST_WORD + hashed(seed, 3, epoch, row, positions) % np.uint64(vocab_size - _FIRST_WORD)
    shown = np.where(fate < _MASKED, _MASK, np.where(fate < _MASKED + _RANDOM, random_words.astype(np.int64), labels))
    counts = labels >= _FIRST_WORD
    masked_ids = tokens.copy()
    np.put_along_axis(masked_ids, positions, np.where(counts, shown, labels), axis=1)
    return MaskedBatch(masked_ids, positions, labels, counts.astype(np.float32), counts & (fate < _MASKED + _RANDOM))
