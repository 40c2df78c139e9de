"""Which windows a step reads, in which frame and on which strand: a function of (seed, step), for any number of
processes."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from dnabert.corpus import WindowView
from dnabert.pretraining.hashing import hashed
from dnabert.pretraining.masking import Hide, MaskedBatch, SpanPlan, mask
from dnabert.tokenizer import KmerTokenizer

#: What an evaluation reads comes from an epoch that no training reaches, so that it is never trained on.
FROZEN_EPOCH = 2**40

_SHUFFLING = threading.Lock()


@dataclass(frozen=True)
class Sampler:
    """Turns a step's number into its masked batch; holds no state."""

    view: WindowView
    tokenizer: KmerTokenizer
    batch_size: int
    seed: int
    mask_share: float
    least_mask_share: float | None = None
    words_per_span: int = 1
    hide: Hide = "touching"
    random_phase: bool = True
    random_strand: bool = True
    soft_mask_weight: float = 1.0

    @property
    def tokens_per_window(self) -> int:
        """Tokens of a window, [CLS] and [SEP] included."""
        return self.tokenizer.number_of_words(self.view.window_length) + 2

    @cached_property
    def plan(self) -> SpanPlan:
        """Where spans are hidden."""
        return SpanPlan(
            k=self.tokenizer.k,
            stride=self.tokenizer.stride,
            words=self.tokens_per_window - 2,
            share=self.mask_share,
            least_share=self.least_mask_share,
            words_per_span=self.words_per_span,
            hide=self.hide,
        )

    def windows(self, step: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Rows and epochs, int64 (batch_size,) each, of a step (from 0).

        The epochs follow each other as one endless row, each a fresh permutation, so that no window is left out
        when the batch size does not divide the number of windows.
        """
        places = np.arange(step * self.batch_size, (step + 1) * self.batch_size)
        epochs, within = np.divmod(places, len(self.view))
        rows = np.empty_like(places)
        for epoch in np.unique(epochs):
            chosen = epochs == epoch
            with _SHUFFLING:  # threads that come to a new epoch together would shuffle it one each
                permutation = _permutation(self.seed, int(epoch), len(self.view))
            rows[chosen] = permutation[within[chosen]]
        return rows, epochs

    def batch(self, step: int, *, part: int = 0, parts: int = 1) -> MaskedBatch:
        """The `part`-th of `parts` equal, contiguous pieces of a step's masked batch."""
        size = self.batch_size // parts
        rows, epochs = (numbers[part * size : (part + 1) * size] for numbers in self.windows(step))
        draws = hashed(self.seed, 4, epochs, rows)
        shift = (draws % np.uint64(self.tokenizer.stride)).astype(np.int64) * self.random_phase
        reverse = (draws >> np.uint64(63)).astype(bool) & self.random_strand
        return self.masked(self.view.bases(rows, shift=shift, reverse=reverse), windows=rows, epochs=epochs)

    def masked(self, bases: NDArray[np.uint8], *, windows: NDArray[np.int64], epochs: NDArray[np.int64]) -> MaskedBatch:
        """Bases (B, L) with their masks, which `windows` and `epochs` (B,) determine, and weights of soft-masked
        words."""
        masked = mask(bases, tokenizer=self.tokenizer, plan=self.plan, windows=windows, seed=self.seed, epoch=epochs)
        if self.soft_mask_weight == 1.0:
            return masked
        weights = masked.weights * _soft_mask_weights(
            bases, masked.positions, self.tokenizer, weight=self.soft_mask_weight
        )
        return replace(masked, weights=weights)

    def frozen(self, rows: NDArray[np.int64]) -> MaskedBatch:
        """What is evaluated of windows `rows` (B,): forward strand, first frame, [MASK] in every span, always the same
        ones."""
        return mask(
            self.view.bases(rows),
            tokenizer=self.tokenizer,
            plan=self.plan,
            windows=rows,
            seed=0,  # the same for every run: curves of different seeds are comparable
            epoch=FROZEN_EPOCH,
            all_masked=True,
        )


@lru_cache(maxsize=2)  # a batch touches two epochs at most where the corpus is larger than a batch
def _permutation(seed: int, epoch: int, n: int) -> NDArray[np.int64]:
    return np.random.Generator(np.random.Philox(key=(seed, epoch))).permutation(n)


def _soft_mask_weights(
    bases: NDArray[np.uint8], positions: NDArray[np.int64], tokenizer: KmerTokenizer, *, weight: float
) -> NDArray[np.float32]:
    """Mean weight (B, M) of a word's bases, lower case counting `weight` and upper case 1."""
    place = ((positions - 1) * tokenizer.stride)[..., None] + np.arange(tokenizer.k)
    lower = np.take_along_axis(bases, place.reshape(len(bases), -1), axis=1) >= ord("a")
    return (1 - lower.reshape(place.shape).mean(axis=2) * (1 - weight)).astype(np.float32)
