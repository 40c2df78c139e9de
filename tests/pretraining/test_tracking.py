"""W&B, the default tracker: what keeps it away is one line before a run is begun, and no failure once it is whole."""

from __future__ import annotations

from pathlib import Path

import pytest

from dnabert.errors import Caution, UserError
from dnabert.pretraining import artifacts, pretrain


@pytest.fixture
def unreachable(monkeypatch):
    import wandb

    def init(**_):
        raise wandb.errors.CommError("Timed out while retrying\nConsider increasing")

    monkeypatch.setattr(wandb, "init", init)


@pytest.mark.parametrize(
    ("environment", "told"),
    [
        ({"WANDB_MODE": "online", "WANDB_API_KEY": "short"}, "API key must have 40. characters"),
        ({"WANDB_MODE": "nonsense"}, "Input should be 'online', 'offline'.*nonsense"),
    ],
)
def test_what_keeps_wandb_away_is_one_line_and_leaves_nothing(config, monkeypatch, environment, told):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(
        UserError, match=f"W&B cannot be reached .*{told}.*: set WANDB_MODE=offline or pass --tracker none"
    ) as error:
        pretrain(config(tracker="wandb"))
    assert "\n" not in str(error.value) and not Path(config().out).exists()


@pytest.mark.usefixtures("unreachable")
def test_a_server_that_does_not_answer_costs_no_run_that_stands_there(config):
    run = pretrain(config(steps=1))
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    for resume in ("never", "auto"):
        with pytest.raises(
            UserError,
            match="W&B cannot be reached .Timed out while retrying Consider increasing.: set WANDB_MODE=offline",
        ):
            pretrain(config(steps=2, tracker="wandb", overwrite=True, resume=resume))
        assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == before


def refuse(*_, **__):
    raise ConnectionError("gone")


def test_inputs_that_wandb_does_not_take(config, monkeypatch):
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setattr(artifacts, "record_inputs", refuse)
    with pytest.raises(UserError, match="W&B cannot be reached .gone."):
        pretrain(config(tracker="wandb"))
    assert not Path(config().out).exists()


def test_where_wandb_may_not_write_its_folders_are_named(config, monkeypatch, tmp_path):
    """As in a container whose home is read only: it is offline already, and cannot be told so again."""
    (tmp_path / "file").touch()
    monkeypatch.setenv("WANDB_CACHE_DIR", str(tmp_path / "file" / "cache"))
    monkeypatch.setenv("WANDB_DATA_DIR", str(tmp_path / "file" / "data"))
    monkeypatch.setenv("WANDB_MODE", "offline")
    with pytest.raises(
        UserError,
        match=(
            "W&B cannot write its files .*file.*: set WANDB_CACHE_DIR and WANDB_DATA_DIR to folders that can be "
            "written, or pass --tracker none"
        ),
    ):
        pretrain(config(tracker="wandb"))
    assert not Path(config().out).exists()


def test_a_model_that_wandb_does_not_take_is_no_failure(config, monkeypatch):
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setattr(artifacts, "record_model", refuse)
    with pytest.warns(Caution, match="run is whole, but W&B does not take its model .gone."):
        run = pretrain(config(steps=1, tracker="wandb"))
    assert (run / "manifest.json").is_file()
