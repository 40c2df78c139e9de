"""Whether a run has diverged: its loss is no number, or has for long been far above where it began."""

from __future__ import annotations

import math
from dataclasses import replace

from dnabert.errors import UserError
from dnabert.pretraining.checkpoints import Progress
from dnabert.pretraining.config import PretrainConfig

#: What a base costs whoever knows nothing: a loss above it is worse than a guess.
GUESSING = 2.0
#: Bits per base above the first step's (or a guess) that no healthy run has: a bad batch, or a peak of the learning
#: rate, costs some hundredths.
MARGIN = 0.5
#: Steps in a row that a run may stay there; a run that comes back at all does so in a few dozen.
PATIENCE = 100


def watched(progress: Progress, bits: float, *, config: PretrainConfig) -> Progress:
    """Progress that knows one more step's bits per base.

    Raises
    ------
    UserError
        when the run has diverged: `bits` is not finite, or it and those of the `PATIENCE` - 1 steps before it lie more
        than `MARGIN` above the first step's.

    Examples
    --------
    >>> progress = watched(Progress(), 2.01, config=PretrainConfig())
    >>> watched(progress, 2.6, config=PretrainConfig()).steps_above
    1
    >>> watched(progress, 1.9, config=PretrainConfig()).steps_above
    0
    """
    check_finite(bits, at=progress, config=config)
    first = bits if progress.first_bits is None else progress.first_bits
    most = max(first, GUESSING) + MARGIN
    above = progress.steps_above + 1 if bits > most else 0
    if above >= PATIENCE:
        raise UserError(
            f"the loss has been above {most:.2f} bits/base for {above} steps, worse than a guess (2.00), "
            f"and is {bits:.2f} after step {progress.step}: {_mend(config)}"
        )
    return replace(progress, first_bits=first, steps_above=above)


def check_finite(bits: float, *, at: Progress, config: PretrainConfig) -> None:
    """Raise `UserError` when bits per base, of training or of validation, are no number."""
    if not math.isfinite(bits):
        raise UserError(f"the loss is {bits} after step {at.step}: {_mend(config)}")


def _mend(config: PretrainConfig) -> str:
    return (
        "the run diverged; begin again, or go on from the last checkpoint with --resume auto, with a lower "
        f"--learning-rate (now {config.learning_rate}) or more --warmup-steps (now {config.warmup_steps})"
    )
