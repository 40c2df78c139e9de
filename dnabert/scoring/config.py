"""What `dnabert score` is told; light, so that ``--help`` needs no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from dnabert.config import check_types
from dnabert.errors import UserError

#: Highest order that reads both sides: `dnabert.pretraining.counting.LARGEST_TABLE`.
LARGEST_ORDER = 12


@dataclass
class ScoreConfig:
    """On which windows a run is asked for hidden words, and what counts beside it."""

    split: Literal["train", "validation", "test"] | None = None
    """Whose windows are asked: default test, or validation where the corpus has no test windows."""
    genome: str | None = None
    """One genome's windows alone; default all."""
    windows: int = 2_000
    """At most so many, evenly spread; counting takes most of the time, in proportion to them and to 4^k: of 2,000 half
    a minute of one core at k = 6, two at k = 7."""
    mask_share: float = 0.15
    """Share of a window's words that is hidden."""
    order: int = 12
    """Highest order of the Markov models that count, in the corpus's training windows; they read both sides of a hidden
    word, as the run does."""
    counted_windows: int = 1_000_000
    """Training windows in which words are counted, at most: evenly spread."""
    precision: Literal["auto", "bf16", "fp32"] = "auto"
    """In which the run computes: `auto` is bf16 where the hardware is fast at it."""

    def __post_init__(self) -> None:
        check_types(self)
        if self.windows < 2:
            raise UserError(
                f"--windows is {self.windows}, allowed is 2 or more: "
                "counting is tuned on one half of them and scored on the other"
            )
        if self.counted_windows < 1:
            raise UserError(f"--counted-windows is {self.counted_windows}, allowed is 1 or more")
        if not 0 < self.mask_share < 1:
            raise UserError(
                f"--mask-share is {self.mask_share}, allowed is more than 0 and less than 1: pass --mask-share 0.15"
            )
        if not 0 <= self.order <= LARGEST_ORDER:
            raise UserError(f"--order is {self.order}, allowed is 0 to {LARGEST_ORDER}")
