"""The last score of a run, read from its curve."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dnabert.errors import UserError
from dnabert.pretraining.curve import METRICS, last_evaluation, last_row_evaluated

SCORE = "validation_bits_per_base"


def test_the_last_row_with_a_score_is_found_behind_those_without(tmp_path: Path) -> None:
    rows = [{"step": 1, SCORE: 2.0}, {"step": 2, SCORE: 1.9}, {"step": 3, SCORE: None}, {"step": 4, "loss": 1.8}]
    assert last_row_evaluated(rows) == {"step": 2, SCORE: 1.9}
    (tmp_path / METRICS).write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert last_evaluation(tmp_path) == {"step": 2, SCORE: 1.9}
    assert last_row_evaluated([{"step": 1, SCORE: 0.0}]) == {"step": 1, SCORE: 0.0}  # a perfect score is one


def test_a_run_without_a_score_is_told_what_to_do(tmp_path: Path) -> None:
    assert last_row_evaluated([]) is None and last_row_evaluated([{"step": 1}]) is None
    (tmp_path / METRICS).write_text('{"step": 1}\n')
    with pytest.raises(UserError, match=f"^{tmp_path} was never evaluated: train it with --evaluate-every$"):
        last_evaluation(tmp_path)
