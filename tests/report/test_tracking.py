"""The page's evidence joins the W&B run of its training: offline, as on a machine without a login."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from dnabert.errors import Caution
from dnabert.report import track_report, write_report


@pytest.fixture
def report(comparison: Path, run: Path, tmp_path: Path) -> Path:
    return write_report(comparison, run=run, out=tmp_path / "report").parent


def test_figures_tables_and_page_reach_the_runs_own_wandb_run(
    report: Path, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WANDB_MODE", "offline")
    tracked = tmp_path / "tracked"
    shutil.copytree(run, tracked)
    (tracked / "wandb.json").write_text(json.dumps({"id": "abc123", "project": "apes"}))
    assert track_report(report, run=tracked)
    (offline,) = (tracked / "wandb").glob("offline-run-*-abc123")
    media = offline / "files" / "media"
    figures = {path.name.split("_")[0] for path in (media / "images" / "figures").iterdir()}
    assert {"map", "loss", "ladder", "edit"} <= figures
    assert len(list((media / "table" / "tables").iterdir())) == len(list((report / "tables").glob("*.tsv")))
    assert list((media / "html").iterdir())


def test_a_report_that_wandb_does_not_take_is_whole_all_the_same(
    report: Path, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WANDB_MODE", "sideways")
    tracked = tmp_path / "tracked"
    shutil.copytree(run, tracked)
    (tracked / "wandb.json").write_text(json.dumps({"id": "abc123", "project": "apes"}))
    with pytest.warns(Caution, match=r"report is whole, but W&B does not take it \(W&B cannot be reached"):
        assert not track_report(report, run=tracked)


def test_a_run_that_was_not_tracked_is_left_alone(report: Path, run: Path) -> None:
    assert not track_report(report, run=run)
