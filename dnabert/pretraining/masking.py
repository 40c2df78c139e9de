"""Which bases of a window are hidden: a pure function of (seed, epoch, window).

Spans are drawn in bases. Every word that touches a hidden base is masked, also where words overlap (stride < k), so
that none can be read off its neighbours; mask, random or keep is decided once per span. In a span the words that stand
side by side are asked for. Each row has the same number of positions, so that shapes are static; where windows hide
shares of their own, some of these weigh nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from dnabert.alphabet import CODE_OF
from dnabert.errors import UserError
from dnabert.pretraining.hashing import hashed
from dnabert.tokenizer import FIRST_KMER_ID, NOT_ASKED, SPECIAL_TOKENS, KmerTokenizer

# Devlin et al. 2019 (BERT): of the asked words 80 % are masked, 10 % replaced by a random word, 10 % kept
_MASKED, _RANDOM = 0.8, 0.1
_MASK_ID = SPECIAL_TOKENS.index("[MASK]")

Hide = Literal["touching", "asked"]


@dataclass(frozen=True)
class MaskedBatch:
    """B masked windows of T tokens with M asked positions each."""

    input_ids: NDArray[np.int64]
    """(B, T): what the model reads."""
    positions: NDArray[np.int64]
    """(B, M): the asked positions, ascending."""
    labels: NDArray[np.int64]
    """(B, M): the true ids there, `NOT_ASKED` (-100) where the place does not count."""
    weights: NDArray[np.float32]
    """(B, M): 1 where the place counts, 0 where a window hides less than the most or has too few words without N to ask
    for."""
    hidden: NDArray[np.bool_]
    """(B, M): where the true word is really hidden. A kept word can be copied: bits per base must not count it."""
    copies: NDArray[np.bool_] | None = None
    """(P, P), where places are read twice: which places of the step's whole batch are near-copies of each other."""
    relatives: NDArray[np.bool_] | None = None
    """(P, P), where families are learned too: which are relatives, or near-copies."""
    itself: NDArray[np.bool_] | None = None
    """(P,), likewise: whose second view is of the place itself, no more mutated than apes are."""


@dataclass(frozen=True)
class SpanPlan:
    """Where the spans of a window of `words` words may lie, and how many there are.

    Parameters
    ----------
    k, stride : of the tokenizer.
    words : words of a window.
    share : share of the bases that is asked for; the most, where there is a least.
    least_share : each window asks for a share of its own, drawn evenly from this to `share`; None: for `share`.
    words_per_span : words side by side in a span, which is so many times k bases long (stride must divide k, or the
        bases between two of them are hidden without being asked for).
    hide : ``touching``: mask every word that touches the span; ``asked``: mask the asked words alone, as the usual
        collators do. The same where stride = k.

    Examples
    --------
    >>> plan = SpanPlan(k=6, stride=1, words=443, share=0.15, words_per_span=2)
    >>> plan.spans, plan.asked, plan.span_bases
    (6, 12, 12)
    """

    k: int
    stride: int
    words: int
    share: float
    words_per_span: int = 1
    hide: Hide = "touching"
    least_share: float | None = None

    @property
    def step(self) -> int:
        """Words from one asked word of a span to the next: they share no base."""
        return -(-self.k // self.stride)

    @property
    def cell(self) -> int:
        """Words from the earliest place of a span to that of the next one."""
        return self.words_per_span * self.step

    @property
    def span_bases(self) -> int:
        """Bases from the first to the last of a span."""
        return (self.words_per_span - 1) * self.step * self.stride + self.k

    @property
    def cells(self) -> int:
        """Places for spans in a window, whatever the grid's offset is."""
        last = (self.words_per_span - 1) * self.step  # words from a span's first asked word to its last
        return (self.words - last - self.cell) // self.cell + 1

    @property
    def spans(self) -> int:
        """Spans of a window, the most: at least 1."""
        return max(1, self._spans_of(self.share))

    @property
    def least_spans(self) -> int:
        """The fewest: 0 where windows may be read whole."""
        return self.spans if self.least_share is None else min(self.spans, self._spans_of(self.least_share))

    @property
    def asked(self) -> int:
        """Asked words of a window, the most."""
        return self.spans * self.words_per_span

    @property
    def mean_asked(self) -> float:
        """The mean over windows: each number of spans from the fewest to the most is equally likely."""
        return (self.least_spans + self.spans) / 2 * self.words_per_span

    def _spans_of(self, share: float) -> int:
        length = (self.words - 1) * self.stride + self.k
        return min(self.cells, round(share * length / (self.k * self.words_per_span)))

    def check(self) -> None:
        """Raise `UserError` when no span fits the window."""
        if self.cells >= 1:
            return
        if self.words < self.step:
            length = (self.words - 1) * self.stride + self.k
            raise UserError(
                f"a window's {length} bases are fewer than two words of --k {self.k}: pass --k {length // 2}, or "
                "prepare longer windows"
            )
        raise UserError(
            f"a window of {self.words} words has no room for a span of --words-per-span {self.words_per_span} "
            f"at every place: pass --words-per-span {max(1, self.words // (3 * self.step))}"
        )

    def masked_words(self, first: NDArray[np.int64]) -> NDArray[np.int64]:
        """Words (..., W) that a span beginning at word `first` (...) masks; some lie outside of the window."""
        if self.hide == "asked":
            return self.asked_words(first)
        return first[..., None] + np.arange(1 - self.step, self.cell)

    def asked_words(self, first: NDArray[np.int64]) -> NDArray[np.int64]:
        """Words (..., words_per_span) that a span beginning at word `first` (...) asks for."""
        return first[..., None] + np.arange(self.words_per_span) * self.step


def mask(
    bases: NDArray[np.uint8],
    *,
    tokenizer: KmerTokenizer,
    plan: SpanPlan,
    windows: NDArray[np.int64],
    seed: int,
    epoch: int | NDArray[np.int64],
    all_masked: bool = False,
) -> MaskedBatch:
    """Hide spans.

    Parameters
    ----------
    bases : uint8 (B, L), ASCII letters.
    tokenizer : makes the words.
    plan : of this tokenizer and length.
    windows : int64 (B,), the number of each window in its split: with `seed` and `epoch` it determines the mask.
    all_masked : show [MASK] in every span, as an evaluation must; else 80 % [MASK], 10 % random bases, 10 % kept.

    Raises
    ------
    UserError
        when no span fits the windows.
    ValueError
        when `bases`, `plan` and `windows` are not of one number and length.

    Notes
    -----
    [UNK] (a word with N) is never asked for while there are others.
    """
    from dnabert.pretraining.kernels import draw_spans, hide_spans, row_states  # numba, for those alone who mask

    plan.check()
    bases, tokens = np.ascontiguousarray(bases), tokenizer.encode_bases(bases)
    if tokens.shape != (len(windows), plan.words + 2):  # compiled loops look at no bounds
        raise ValueError(
            f"{len(tokens)} rows of {tokens.shape[1] - 2} words, but {len(windows)} windows and a plan of {plan.words}"
        )
    epochs = np.broadcast_to(np.asarray(epoch, dtype=np.int64).reshape(-1), len(windows))
    states = row_states(_seeds(seed), epochs.astype(np.uint64), windows.astype(np.uint64))
    places = (plan.words_per_span, plan.step, plan.cells, plan.least_spans, plan.spans)
    first, fate = draw_spans(tokens, states, places, FIRST_KMER_ID)
    positions = (1 + plan.asked_words(first)).reshape(len(tokens), -1)
    labels = np.take_along_axis(tokens, positions, axis=1).astype(np.int64)
    drawn = fate < 1
    counts = (labels >= FIRST_KMER_ID) & np.repeat(drawn, plan.words_per_span, axis=1)
    if all_masked:
        fate[drawn] = 0

    masked = plan.masked_words(np.zeros((), dtype=np.int64))
    shown = hide_spans(
        tokens,
        bases,
        first,
        (fate >= _MASKED).view(np.uint8) + (fate >= _MASKED + _RANDOM),
        states[3],
        (plan.k, plan.stride, plan.span_bases),
        masked,
        CODE_OF,
        (FIRST_KMER_ID, _MASK_ID),
    )
    hidden = counts & np.repeat(fate < _MASKED + _RANDOM, plan.words_per_span, axis=1)
    return MaskedBatch(shown, positions, np.where(counts, labels, NOT_ASKED), counts.astype(np.float32), hidden)


@lru_cache(maxsize=8)
def _seeds(seed: int) -> NDArray[np.uint64]:
    """States (5,) of the draws for a window: of its spans' offset, their order, their fates, their random bases and
    their number."""
    return np.array([hashed(seed, draw) for draw in (5, 1, 2, 3, 6)], dtype=np.uint64)
