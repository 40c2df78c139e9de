"""How much of the budget is spent, in whichever of steps, tokens or minutes it is given."""

from __future__ import annotations

import math

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


def most_steps(config: PretrainConfig, *, tokens_per_step: int) -> int | None:
    """How many steps a budget of steps or tokens lasts at most; None of minutes alone.

    Examples
    --------
    >>> most_steps(PretrainConfig(steps=100, tokens=1000), tokens_per_step=300)
    4
    """
    by_tokens = [math.ceil(config.tokens / tokens_per_step)] if config.tokens is not None else []
    return min([*by_tokens, *([config.steps] if config.steps is not None else [])], default=None)


def warmup_warning(config: PretrainConfig, *, tokens_per_step: int) -> str:
    """What to say where the learning rate falls before it has risen, so that its peak is never reached; else nothing.

    Examples
    --------
    >>> warmup_warning(PretrainConfig(steps=100, warmup_steps=80, decay_share=0.4), tokens_per_step=300)
    '--warmup-steps 80 of 100 steps end when the learning rate falls already: it never reaches what was asked for; pass
    --warmup-steps 60 or fewer'
    """
    steps = most_steps(config, tokens_per_step=tokens_per_step)
    before = math.inf if steps is None else math.floor((1 - config.decay_share) * steps + 1e-9)
    if config.warmup_steps <= max(before, 1):
        return ""
    mend = f"pass --warmup-steps {before} or fewer" if before else "pass a smaller --decay-share"
    return (
        f"--warmup-steps {config.warmup_steps} of {steps} steps end when the learning rate falls already: it never "
        f"reaches what was asked for; {mend}"
    )
