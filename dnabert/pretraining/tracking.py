"""Where the curve goes: ``metrics.jsonl`` always, Weights & Biases unless told otherwise."""

from __future__ import annotations

import contextlib
import json
import os
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dnabert.errors import Caution, UserError
from dnabert.json_file import parse_json, read_json
from dnabert.pretraining.config import PretrainConfig
from dnabert.pretraining.curve import METRICS

# which W&B run a run folder is, so that the comparison's figures join its curve
_WANDB = "wandb.json"


class Tracker:
    """Writes one line of JSON per call, and the same numbers to Weights & Biases.

    Without a login and without ``WANDB_MODE`` the W&B run is kept offline in the run folder (``wandb sync`` uploads
    it).

    Raises
    ------
    UserError
        when W&B does not take the run, as `read` does.
    """

    def __init__(self, run: Path, config: PretrainConfig, *, resume_id: str | None, settings: dict[str, Any]) -> None:
        self._wandb: Any = None
        if config.tracker == "wandb":
            self._wandb = _wandb_run(run, project=config.project, id=resume_id, config=settings)
        self._file = (run / METRICS).open("a")
        if self._wandb:
            (run / _WANDB).write_text(json.dumps({"id": self._wandb.id, "project": config.project}) + "\n")

    @property
    def id(self) -> str | None:
        """Id of the W&B run, to go on with it after a resume."""
        return self._wandb.id if self._wandb else None

    def log(self, metrics: dict[str, Any]) -> None:
        """Record numbers; ``metrics["step"]`` is the optimiser step."""
        self._file.write(json.dumps(metrics) + "\n")
        self._file.flush()
        if self._wandb:
            self._wandb.log({k: v for k, v in metrics.items() if v is not None}, step=metrics["step"])

    def read(self, *, corpus: str | Path, initial: str | Path | None = None) -> None:
        """Name the corpus, and the run that is gone on from, as what the W&B run reads."""
        if self._wandb:
            from dnabert.pretraining.artifacts import record_inputs

            try:
                record_inputs(self._wandb, corpus=corpus, initial=initial)
            except Exception as error:
                self.close(failed=True)
                raise _unreachable(error) from error

    def made(self, run: str | Path) -> None:
        """Log the finished run's model as what the W&B run made; a `Caution` where W&B does not take it."""
        if self._wandb:
            from dnabert.pretraining.artifacts import record_model

            try:
                record_model(self._wandb, run)
            except Exception as error:
                warnings.warn(
                    f"{run} is whole, but W&B does not take its model ({_told(error)})", Caution, stacklevel=2
                )

    def summarise(self, values: dict[str, Any]) -> None:
        """Set what stands for the whole run, e.g. the floors."""
        if self._wandb:
            self._wandb.summary.update(values)

    def close(self, *, failed: bool = False) -> None:
        """End the W&B run and the file."""
        self._file.close()
        if self._wandb:
            self._wandb.finish(exit_code=int(failed))


def keep_up_to(run: Path, *, step: int, scored_again: bool = True) -> None:
    """Cut ``metrics.jsonl`` back to a checkpoint's step, so that a resumed curve has no step twice.

    The checkpoint's own score goes too where whoever goes on takes it again.
    """
    path = run / METRICS
    if not path.exists():
        return
    kept = []
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            row = parse_json(line)
            if row["step"] < step or (row["step"] == step and not (scored_again and "validation_bits_per_base" in row)):
                kept.append(line + "\n")
        except (ValueError, KeyError, TypeError):
            continue  # a line that a kill cut short
    partial = path.with_suffix(".partial")
    partial.write_text("".join(kept))
    partial.replace(path)


def wandb_id(run: str | Path) -> str | None:
    """Id of the W&B run that a run folder is; None where the training was not tracked."""
    known = _known(Path(run))
    return known[0] if known else None


@contextlib.contextmanager
def tracked_run(run: str | Path) -> Iterator[Any]:
    """Open the W&B run of a run folder again, to add to it; None where the training was not tracked.

    Parameters
    ----------
    run : folder of ``train/pretrain.py``.
    """
    run = Path(run)
    known = _known(run)
    if known is None:
        yield None
        return
    opened = _wandb_run(run, project=known[1], id=known[0], config=None)
    try:
        yield opened
    finally:
        opened.finish()


def _known(run: Path) -> tuple[str, str] | None:
    """Id and project of a run folder's W&B run."""
    try:
        known = read_json(run / _WANDB)
        return str(known["id"]), str(known["project"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _wandb_run(run: Path, *, project: str, id: str | None, config: dict[str, Any] | None) -> Any:
    import wandb

    mode: Any = os.environ.get("WANDB_MODE") or ("online" if _has_login() else "offline")
    try:
        return wandb.init(
            project=project,
            name=run.resolve().name,
            dir=str(run),
            config=config,
            id=id,
            resume="allow" if id else None,
            mode=mode,
            settings=wandb.Settings(silent=True),
        )
    except Exception as error:
        # no network, a key or mode that is none, no right to write: whatever keeps it away, one line says it
        raise _unreachable(error) from error


def _unreachable(error: Exception) -> UserError:
    # a home that is read only: offline it is so too
    if isinstance(error, PermissionError) or getattr(error, "filename", None) is not None:
        return UserError(
            f"W&B cannot write its files ({_told(error)}): set WANDB_CACHE_DIR and WANDB_DATA_DIR to folders that can "
            "be written, or pass --tracker none"
        )
    return UserError(f"W&B cannot be reached ({_told(error)}): set WANDB_MODE=offline or pass --tracker none")


def _told(error: Exception) -> str:
    """What W&B says, whose first line is no more than a heading at times."""
    return " ".join(str(error).split())[:200] or type(error).__name__


def _has_login() -> bool:
    if os.environ.get("WANDB_API_KEY"):
        return True
    netrc = Path(os.environ.get("NETRC", "~/.netrc")).expanduser()
    return netrc.is_file() and "wandb" in netrc.read_text(errors="replace")
