"""How much of the budget is spent, in whichever of steps, tokens or minutes it is given."""

from __future__ import annotations

from dnabert.pretraining.checkpoints import Progress
from dnabert.pretraining.config import PretrainConfig


def spent(config: PretrainConfig, progress: Progress) -> float:
    """Share of the budget that is spent: 1 or more ends the run; the tightest budget counts.

    Examples
    --------
    >>> spent(PretrainConfig(steps=100, minutes=10), Progress(step=20, seconds=300.0))
    0.5
    """
    shares = [0.0]
    if config.steps is not None:
        shares.append(progress.step / config.steps)
    if config.tokens is not None:
        shares.append(progress.tokens / config.tokens)
    if config.minutes is not None:
        shares.append(progress.seconds / (60 * config.minutes))
    return max(shares)
