"""Trainings that were done before a fine-tuning of several seeds, or a comparison of classifiers, was stopped."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from dnabert.finetuning.classifier import Start
from dnabert.finetuning.config import ClassifyConfig, FinetuneConfig
from dnabert.finetuning.training import Trained, train
from dnabert.kept_parts import KeptParts
from dnabert.manifest import describe
from dnabert.probes import Task
from dnabert.stage import whole_file

#: What a training has beside its weights and its predictions.
_TOLD = ("seed", "epoch", "dev_mcc", "dev_loss", "curve")
#: What no training depends on; seeds stand in the names of what is kept.
_APART = ("seeds", "resamples", "out", "overwrite")


def made_of(
    config: FinetuneConfig | ClassifyConfig, inputs: dict[str, Path], *, accelerator: Accelerator
) -> dict[str, Any]:
    """What a training depends on, but for its seed: settings, files, and where and how it is computed."""
    return {
        "config": {name: value for name, value in asdict(config).items() if name not in _APART},
        "files": [describe(path) for path in inputs.values()],
        "computed": [str(accelerator.device), accelerator.mixed_precision],
    }


def train_the_rest(
    task: Task, start: Start, *, config: FinetuneConfig, accelerator: Accelerator, kept: KeptParts
) -> Iterator[Trained]:
    """As `train`, but seeds that are kept are read; those that are trained are kept."""
    done = {seed: found for seed in config.seeds if (found := read_training(kept, seed)) is not None}
    left = [seed for seed in config.seeds if seed not in done]
    fresh = train(task, start, config=replace(config, seeds=left), accelerator=accelerator) if left else iter(())
    for seed in config.seeds:
        if seed in done:
            kept.tell(f"seed {seed}")
            yield done[seed]
        else:
            trained = next(fresh)
            keep_training(kept, trained)
            yield trained


def keep_training(kept: KeptParts, trained: Trained) -> None:
    """Keep a training: one file, whole or absent."""
    path = kept.path(_name(trained.seed))
    if path is None:
        return
    tensors = {
        f"state.{name}": value.cpu().clone(memory_format=torch.contiguous_format)
        for name, value in trained.state.items()
    }
    told = {name: getattr(trained, name) for name in _TOLD}
    with whole_file(path) as partial:
        save_file(
            {**tensors, "test": torch.from_numpy(trained.test)},
            partial,
            metadata={"key": kept.key, "told": json.dumps(told)},
        )


def read_training(kept: KeptParts, seed: int) -> Trained | None:
    """The training of a seed; None where none is kept, it is damaged, or of another fine-tuning."""
    path = kept.path(_name(seed))
    if path is None or not path.is_file():
        return None
    try:
        with safe_open(path, "pt") as file:
            metadata = file.metadata() or {}
            if metadata.get("key") != kept.key:
                return None
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - it is no mapping
    except (OSError, SafetensorError):
        return None
    test = tensors.pop("test").numpy()
    return Trained(
        **json.loads(metadata["told"]),
        state={name.removeprefix("state."): value for name, value in tensors.items()},
        test=test,
    )


def _name(seed: int) -> str:
    return f"seed_{seed}.safetensors"
