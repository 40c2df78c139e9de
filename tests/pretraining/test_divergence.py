"""When a loss that is far above its beginning ends a run, step by step."""

from __future__ import annotations

import pytest

from dnabert.errors import UserError
from dnabert.pretraining.checkpoints import Progress
from dnabert.pretraining.config import PretrainConfig
from dnabert.pretraining.divergence import watched

CONFIG = PretrainConfig()


@pytest.mark.parametrize(
    ("first", "most"),
    [(1.25, 2.5), (2.0, 2.5), (3.25, 3.75)],  # half a bit above the first step's, or above a guess where that is more
)
def test_what_is_far_above_the_beginning(first: float, most: float) -> None:
    progress = watched(Progress(step=7), first, config=CONFIG)
    assert (progress.step, progress.first_bits, progress.steps_above) == (7, first, 0)
    for bits, above in ((most, 0), (most + 0.01, 1), (9.0, 2), (most, 0), (most + 0.01, 1)):
        progress = watched(progress, bits, config=CONFIG)
        assert (progress.first_bits, progress.steps_above) == (first, above)


def test_the_hundredth_step_in_a_row_ends_the_run_and_no_earlier_one() -> None:
    progress = Progress(step=150, first_bits=1.75)
    for above in range(1, 100):
        progress = watched(progress, 4.0, config=CONFIG)
        assert progress.steps_above == above
    with pytest.raises(
        UserError,
        match=r"above 2\.50 bits/base for 100 steps, worse than a guess \(2\.00\), and is 4\.12 after step 150:",
    ):
        watched(progress, 4.125, config=CONFIG)
