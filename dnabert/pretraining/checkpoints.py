"""Checkpoints that are whole or absent, without pickle: safetensors and JSON."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from safetensors.torch import load_file, save_file

from dnabert.errors import UserError
from dnabert.models.loading import quiet_loading
from dnabert.stage import read_manifest
from dnabert.tokenizer import load_tokenizer

if TYPE_CHECKING:
    from transformers import PreTrainedModel

    from dnabert.tokenizer import KmerTokenizer

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


def save_checkpoint(
    run: Path, *, model: PreTrainedModel, optimizers: list[torch.optim.Optimizer], progress: Progress, keep: int
) -> Path:
    """Write ``checkpoints/step-N`` beside its place, rename it there when whole, and prune the oldest.

    Raises
    ------
    UserError
        when it cannot be written; the checkpoints that were there are intact.
    """
    final = run / _FOLDER / f"step-{progress.step:09d}"
    partial = final.with_name(f".{final.name}.partial")
    try:
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        model.save_pretrained(partial)
        save_file(_optimizer_tensors(model, optimizers), partial / "optimizer.safetensors")
        (partial / "progress.json").write_text(json.dumps(asdict(progress)) + "\n")
        shutil.rmtree(final, ignore_errors=True)
        partial.rename(final)
    except Exception as error:  # safetensors raises its own class for a full disk
        shutil.rmtree(partial, ignore_errors=True)
        raise UserError(f"cannot write {final}: {error}: free space, then go on with --resume auto") from error
    for old in checkpoints(run)[:-keep]:
        shutil.rmtree(old)
    return final


def checkpoints(run: Path) -> list[Path]:
    """Whole checkpoints of a run, oldest first."""
    return sorted((run / _FOLDER).glob("step-*"))


def load_checkpoint(folder: Path, *, model: PreTrainedModel, optimizers: list[torch.optim.Optimizer]) -> Progress:
    """Put weights and optimiser state back, exactly, and say how far the run was.

    Raises
    ------
    UserError
        when the checkpoint does not fit the model, e.g. because the config was changed.
    """
    try:
        progress = Progress(**json.loads((folder / "progress.json").read_text()))
        with torch.device("cpu"):
            weights = type(model).from_pretrained(folder, use_safetensors=True).state_dict()
        model.load_state_dict(weights)
        state = load_file(folder / "optimizer.safetensors")
    except (OSError, ValueError, TypeError, RuntimeError) as error:
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UserError(f"{folder} does not fit this config ({first}): use the run's own config.yaml or another --out") from error
    _restore(state, model, optimizers)
    return progress


def load_initial(run: str | Path, *, model: PreTrainedModel, tokenizer: KmerTokenizer) -> None:
    """Put a run's weights into a model of the same words and sizes.

    Raises
    ------
    UserError
        when the folder is no run, or its k, stride or model differ.
    """
    folder = Path(run)
    read_manifest(folder, kind="run")
    known = load_tokenizer(folder)
    for name in ("k", "stride"):
        if getattr(known, name) != getattr(tokenizer, name):
            raise UserError(
                f"--initial {run} has {name} {getattr(known, name)}, this run {getattr(tokenizer, name)}: pass --{name} {getattr(known, name)}"
            )
    try:
        with torch.device("cpu"), quiet_loading():
            weights = type(model).from_pretrained(folder, dtype=torch.float32, use_safetensors=True).state_dict()
        model.load_state_dict(weights)
    except (OSError, ValueError, RuntimeError) as error:
        first = str(error).splitlines()[0]
        raise UserError(f"--initial {run} is not of this --model ({first}): use the --model settings of its config.yaml") from error


def _optimizer_tensors(model: PreTrainedModel, optimizers: list[torch.optim.Optimizer]) -> dict[str, torch.Tensor]:
    names: dict[torch.Tensor, str] = {parameter: name for name, parameter in model.named_parameters()}
    return {
        f"{names[parameter]}/{key}": value.detach().clone().contiguous()
        for optimizer in optimizers
        for parameter, state in optimizer.state.items()
        for key, value in state.items()
        if isinstance(value, torch.Tensor)
    }


def _restore(state: dict[str, torch.Tensor], model: PreTrainedModel, optimizers: list[torch.optim.Optimizer]) -> None:
    held = {parameter: optimizer for optimizer in optimizers for g in optimizer.param_groups for parameter in g["params"]}
    parameters = dict(model.named_parameters())
    for place, value in state.items():
        name, key = place.rsplit("/", 1)
        parameter = parameters[name]
        # AdamW's step counter stays where it was made; everything else lives beside its parameter
        held[parameter].state[parameter][key] = value if value.ndim == 0 and parameter.device.type == "cpu" else value.to(parameter.device)
