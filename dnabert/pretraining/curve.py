"""A run's curve read back: ``metrics.jsonl``, a row per line of training or evaluation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dnabert.errors import UserError
from dnabert.json_file import read_own_lines

METRICS = "metrics.jsonl"


def last_row_evaluated(curve: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """The last row that holds a score of the validation windows; None where none does."""
    return next((dict(row) for row in reversed(curve) if row.get("validation_bits_per_base") is not None), None)


def last_evaluation(run: Path) -> dict[str, Any]:
    """The same of a run's folder.

    Raises
    ------
    UserError
        when there is none.
    """
    row = last_row_evaluated(read_own_lines(run / METRICS))
    if row is None:
        raise UserError(f"{run} was never evaluated: train it with --evaluate-every")
    return row
