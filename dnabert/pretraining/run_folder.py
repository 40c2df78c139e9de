"""A run's folder: begun, gone on with, or refused; and finished when its manifest stands in it."""

from __future__ import annotations

import shutil
from pathlib import Path

from dnabert.config import save_yaml
from dnabert.errors import UserError
from dnabert.pretraining.checkpoints import checkpoints
from dnabert.pretraining.config import PretrainConfig
from dnabert.stage import check_free, write_manifest

_CONFIG = "config.yaml"
_METRICS = "metrics.jsonl"  # made first, so that a run that was killed at any moment is known as one


def begin(config: PretrainConfig) -> Path | None:
    """Make `config.out` ready and return the checkpoint to go on from, if any.

    Raises
    ------
    UserError
        when `out` holds a finished run, a stopped one, or something that is no run, and nothing allows to go on.
    """
    out = Path(config.out)
    found = checkpoints(out) if out.is_dir() else []
    stopped = (out / _METRICS).is_file() and not (out / "manifest.json").is_file()
    if config.resume == "auto" and (stopped or not out.exists()):
        if found:
            return found[-1]
    elif stopped and not config.overwrite:
        raise UserError(
            f"{out} holds a run that was stopped ({found[-1].name if found else 'before its first checkpoint'}): "
            "pass --resume auto to go on, or --overwrite to begin again"
        )
    elif not stopped:
        check_free(out, kind="run", overwrite=config.overwrite)
    _fresh(out)
    return None


def record(config: PretrainConfig) -> None:
    """Write the resolved config: ``--config RUN/config.yaml`` does the same again."""
    save_yaml(config, Path(config.out) / _CONFIG)


def finish(config: PretrainConfig, *, corpus: Path, seconds: float) -> None:
    """Write the manifest, last: from now on the folder is a run."""
    inputs = {"corpus": corpus} | ({"initial": Path(config.initial)} if config.initial else {})
    write_manifest(Path(config.out), kind="run", config=config, inputs=inputs, seconds=seconds)


def _fresh(out: Path) -> None:
    try:
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir(parents=True)
        (out / _METRICS).touch()
    except OSError as error:
        raise UserError(f"cannot make --out {out}: {error.strerror}: choose another folder") from error
