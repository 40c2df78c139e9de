"""Checkpoints that are whole or absent, without pickle: safetensors and JSON."""

from __future__ import annotations

import json
import os
import shutil
import sys
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file

from dnabert.errors import UserError, first_line
from dnabert.json_file import read_json
from dnabert.models.loading import complete, quiet_loading, without_bar
from dnabert.pretraining import sharding

if TYPE_CHECKING:
    from transformers import PreTrainedModel

_FOLDER = "checkpoints"


@dataclass(frozen=True)
class Progress:
    """How far a run is. Order, masks, phases and strands follow from `step`, so there is no generator state to keep."""

    step: int = 0
    """Optimiser steps done."""
    tokens: int = 0
    seconds: float = 0.0
    """Seconds of training, evaluation not counted."""
    tracker_id: str | None = None
    corpus: str | None = None
    """Fingerprint of the corpus that is read."""
    first_bits: float | None = None
    """Bits per base of the first step."""
    steps_above: int = 0
    """Last steps in a row whose bits per base were far above that; see `divergence`."""
    since_line: list[dict[str, float]] = field(default_factory=list)
    """What the steps since the last line of ``metrics.jsonl`` measured: the next one is their mean."""


#: What each optimiser keeps of a parameter, once it has taken a step.
_STATE = {"Muon": ("momentum_buffer",), "AdamW": ("step", "exp_avg", "exp_avg_sq")}
_PROGRESS = {each.name for each in fields(Progress)}


def save_checkpoint(
    run: Path,
    *,
    model: PreTrainedModel,
    optimizers: list[torch.optim.Optimizer],
    progress: Progress,
    keep: int,
    writes: bool = True,
) -> Path:
    """Write ``checkpoints/step-N`` beside its place, rename it there when whole, and prune the oldest.

    A step's checkpoint is the same whenever it is made: one that stands there stays.

    Every process calls it, since each may hold a part of the weights; one of them `writes`. The files hold whole
    tensors.

    Raises
    ------
    UserError
        when it cannot be written, or the weights are no longer numbers; the checkpoints that were there are intact.
    """
    final = run / _FOLDER / _name(progress.step)
    partial = final.with_name(f".{final.name}.partial")
    weights = sharding.whole_weights(model, keep=writes)
    state = _optimizer_tensors(model, optimizers, keep=writes)
    if not writes or final.is_dir():  # asked after the processes have met: they may not see the same disk
        return final
    whole = model.state_dict() if weights is None else weights
    if not all(bool(torch.isfinite(value).all()) for value in whole.values()):
        raise UserError(
            f"weights are no longer numbers after step {progress.step}, so they are not saved: the run diverged; "
            "go on with --resume auto and a lower --learning-rate, or begin again with more --warmup-steps"
        )
    try:
        # by a process that was killed
        for left in (*(run / _FOLDER).glob(".step-*.partial"), *(run / _FOLDER).glob(".step-*.removed")):
            shutil.rmtree(left)
        partial.mkdir(parents=True)
        with without_bar():
            model.save_pretrained(partial, state_dict=weights)
        save_file(state, partial / "optimizer.safetensors")
        (partial / "progress.json").write_text(json.dumps(asdict(progress)) + "\n")
        _flush(partial)
        partial.rename(final)
    except Exception as error:  # safetensors raises its own class for a full disk
        shutil.rmtree(partial, ignore_errors=True)
        raise UserError(f"cannot write {final}: {error}: free space, then go on with --resume auto") from error
    _prune(run, keep=keep)
    return final


def _name(step: int) -> str:
    return f"step-{step:09d}"


def checkpoints(run: Path) -> list[Path]:
    """Whole checkpoints of a run, oldest first."""
    return sorted((run / _FOLDER).glob("step-*"))


def newest_readable(run: Path) -> Path | None:
    """The newest checkpoint that can be read; those beyond it are told of and put aside, since they are made again.

    None where none can be read; they are told of too, and stay where they are.
    """
    unreadable: list[Path] = []
    for folder in reversed(checkpoints(run)):
        fault = _fault(folder)
        if fault is None:
            for path in unreadable:
                _put_aside(path)
            return folder
        print(f"{folder} is damaged ({fault}) and left out", file=sys.stderr)
        unreadable.append(folder)
    return None


def _fault(folder: Path) -> str | None:
    """What is wrong with a checkpoint, told from its small parts and the lengths of the large ones."""
    try:
        _read_progress(folder)
        if "model_type" not in read_json(folder / "config.json"):
            raise ValueError("its config.json names no model")
        for path in (*folder.glob("model*.safetensors"), folder / "optimizer.safetensors"):
            with safe_open(path, framework="pt"):  # reads the header, which says how long the file is
                pass
    except (OSError, ValueError, TypeError, SafetensorError) as error:
        return " ".join(str(error).split()) or type(error).__name__
    return None if list(folder.glob("model*.safetensors")) else "it has no weights"


def _read_progress(folder: Path) -> Progress:
    """Read ``progress.json``; keys that another version added are passed over. Raises `OSError` and `ValueError`."""
    read = read_json(folder / "progress.json")
    known = {name: value for name, value in read.items() if name in _PROGRESS} if isinstance(read, dict) else {}
    for name in ("step", "tokens", "seconds"):
        if not isinstance(known.get(name), int | float):
            raise ValueError(f"its progress.json does not say {name}")
    if folder.name != _name(int(known["step"])):
        raise ValueError(f"its progress.json is of step {known['step']}")
    return Progress(**known)


def _put_aside(folder: Path) -> None:
    """Rename a checkpoint that cannot be read, perhaps by this version alone; it goes when its age would have it go."""
    aside = folder.with_name(f".{folder.name}.damaged")
    shutil.rmtree(aside, ignore_errors=True)  # of the same step, put aside before this one was made
    folder.rename(aside)


def _prune(run: Path, *, keep: int) -> None:
    """Remove all but the newest checkpoints, and what was put aside of steps before those."""
    whole = checkpoints(run)
    for folder in whole[:-keep]:
        _remove(folder)
    for aside in (run / _FOLDER).glob(".step-*.damaged"):
        if aside.name < f".{whole[-keep:][0].name}":
            shutil.rmtree(aside)


def _remove(folder: Path) -> None:
    """Remove a checkpoint: it is gone at once, and its parts a little later, whenever this process is killed."""
    hidden = folder.with_name(f".{folder.name}.removed")
    shutil.rmtree(hidden, ignore_errors=True)
    folder.rename(hidden)
    shutil.rmtree(hidden, ignore_errors=True)


def _flush(folder: Path) -> None:
    """Have the system write what it holds of a folder's files: a machine that stops must not leave a name without
    content."""
    for path in (*folder.iterdir(), folder):
        place = os.open(path, os.O_RDONLY)
        try:
            os.fsync(place)
        finally:
            os.close(place)


def load_checkpoint(
    folder: Path, *, model: PreTrainedModel, optimizers: list[torch.optim.Optimizer], corpus: str | None = None
) -> Progress:
    """Put weights and optimiser state back, exactly, and say how far the run was.

    Raises
    ------
    UserError
        when the checkpoint does not fit the model, e.g. because the config was changed, or the fingerprint `corpus` is
        of another corpus than the run has read so far; or when its parts are not of one checkpoint.
    """
    try:
        progress = _read_progress(folder)
        if corpus is not None and progress.corpus not in (None, corpus):
            raise UserError(
                f"{folder} has learned from another corpus than --corpus now names: name that one, prepare it again as "
                "it was, or begin again with --overwrite"
            )
        with torch.device("cpu"), quiet_loading():
            kind: Any = type(model)
            loaded, loading_info = kind.from_pretrained(folder, use_safetensors=True, output_loading_info=True)
            weights = complete(loaded, loading_info).state_dict()
        sharding.load_weights(model, weights)
        state = load_file(folder / "optimizer.safetensors")
        if progress.step:
            _check_fits(state, model, optimizers)
    except (SafetensorError, OSError, ValueError, TypeError, RuntimeError) as error:
        raise UserError(
            f"{folder} does not fit this config ({first_line(error)}): use the run's own config.yaml or another --out"
        ) from error
    _restore(state, model, optimizers)
    return progress


def _optimizer_tensors(
    model: PreTrainedModel, optimizers: list[torch.optim.Optimizer], *, keep: bool
) -> dict[str, torch.Tensor]:
    names: dict[torch.Tensor, str] = {parameter: name for name, parameter in model.named_parameters()}
    found: dict[str, torch.Tensor] = {}
    for optimizer in optimizers:
        for parameter, state in optimizer.state.items():
            for key, value in state.items():
                if isinstance(value, torch.Tensor) and (keep or sharding.is_part(value)):
                    gathered = sharding.whole(value.detach())
                    found |= {f"{names[parameter]}/{key}": gathered.clone().contiguous()} if keep else {}
    return found


def _check_fits(
    state: dict[str, torch.Tensor], model: PreTrainedModel, optimizers: list[torch.optim.Optimizer]
) -> None:
    """Raise `ValueError` unless it is the state of just these optimisers: with part of it a run goes on, as another
    one."""
    names: dict[torch.Tensor, str] = {parameter: name for name, parameter in model.named_parameters()}
    held = {
        f"{names[p]}/{key}": p
        for optimizer in optimizers
        for group in optimizer.param_groups
        for p in group["params"]
        for key in _STATE[type(optimizer).__name__]
    }
    foreign = sorted(state.keys() ^ held.keys())
    if not foreign:
        foreign = [place for place, value in state.items() if value.ndim and value.shape != held[place].shape]
    if foreign:
        raise ValueError(f"its optimizer.safetensors is that of another model or optimiser: see {foreign[0]}")


def _restore(state: dict[str, torch.Tensor], model: PreTrainedModel, optimizers: list[torch.optim.Optimizer]) -> None:
    held = {
        parameter: optimizer for optimizer in optimizers for g in optimizer.param_groups for parameter in g["params"]
    }
    parameters = dict(model.named_parameters())
    for place, value in state.items():
        name, key = place.rsplit("/", 1)
        parameter = parameters[name]
        value = sharding.part(value, like=parameter)
        # AdamW's step counter stays where it was made; everything else lives beside its parameter
        stays = value.ndim == 0 and parameter.device.type == "cpu"
        held[parameter].state[parameter][key] = value if stays else value.to(parameter.device)
