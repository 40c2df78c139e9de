"""What is written out; light, so that ``--help`` needs no pandas."""

from __future__ import annotations

from dataclasses import dataclass

from dnabert.config import check_types


@dataclass
class ExportConfig:
    """Which windows, and how a BED begins."""

    genome: str | None = None
    """Only windows of this genome; a BED holds one genome, since browsers know no more of a place than its
    chromosome."""
    track: str | None = None
    """BED only: name of a track line (itemRgb on) to begin with, for UCSC's browser; other tools want none."""

    def __post_init__(self) -> None:
        check_types(self)
