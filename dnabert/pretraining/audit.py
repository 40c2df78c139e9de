"""What a mask really hides: where words overlap, a masked word may be read off the words that still show its bases."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dnabert.errors import UserError
from dnabert.pretraining.masking import SpanPlan


@dataclass(frozen=True)
class Audit:
    """Shares, 0 to 1, computed for every place that a span can have."""

    hidden_bases: float
    """Of a window's bases, the mean over windows: asked for and shown nowhere."""
    visible_bases: float
    """Of the asked words' bases: shown by a visible word all the same."""
    recoverable_words: float
    """Of the asked words: all of their bases are shown."""
    masked_words: float
    """Of a window's words: [MASK] (or random, or kept) is shown in their place, at most."""


def audit(plan: SpanPlan) -> Audit:
    """Go through every span that a plan can draw, each alone in its window.

    Further spans only hide more, so a share of 0 is 0 for whatever is drawn.

    Examples
    --------
    >>> audit(SpanPlan(k=6, stride=1, words=443, share=0.15)).recoverable_words
    0.0
    >>> round(audit(SpanPlan(k=6, stride=1, words=443, share=0.15, hide="asked")).recoverable_words, 3)
    0.995
    """
    first = np.arange(plan.words - (plan.words_per_span - 1) * plan.step)
    masked = np.zeros((len(first), plan.words), dtype=bool)
    place = plan.masked_words(first)
    inside = (place >= 0) & (place < plan.words)
    masked[np.broadcast_to(first[:, None], place.shape)[inside], place[inside]] = True
    shown = shown_bases(masked, k=plan.k, stride=plan.stride)
    starts = plan.asked_words(first) * plan.stride
    asked = shown[first[:, None, None], starts[..., None] + np.arange(plan.k)]
    length = (plan.words - 1) * plan.stride + plan.k
    return Audit(
        hidden_bases=float(plan.mean_asked * plan.k * (1 - asked.mean()) / length),
        visible_bases=float(asked.mean()),
        recoverable_words=float(asked.all(axis=2).mean()),
        masked_words=min(1.0, plan.spans * int(masked.sum(axis=1).max()) / plan.words),
    )


def shown_bases(masked: NDArray[np.bool_], *, k: int, stride: int) -> NDArray[np.bool_]:
    """Which bases (n, L) a word that is not `masked` (n, words) shows; L = (words - 1) * stride + k."""
    words = masked.shape[1]
    shown = np.zeros((len(masked), (words - 1) * stride + k), dtype=bool)
    for place in range(k):
        shown[:, place : place + (words - 1) * stride + 1 : stride] |= ~masked
    return shown


def refuse_leaks(plan: SpanPlan) -> Audit:
    """Audit a plan.

    Raises
    ------
    UserError
        when a visible word shows a base that is asked for, or no span fits.
    """
    plan.check()
    found = audit(plan)
    if found.visible_bases > 0:
        raise UserError(
            f"--hide {plan.hide} with --stride {plan.stride} and --k {plan.k} leaks: {found.visible_bases:.1%} of the "
            f"asked bases, {found.recoverable_words:.1%} of the asked words can be read off visible words: pass --hide "
            "touching"
        )
    return found
