"""Which optimiser trains which parameter, and the learning rate over the budget."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import torch

from dnabert.models.build import hidden_matrices
from dnabert.pretraining.config import PretrainConfig
from dnabert.pretraining.muon import Muon

if TYPE_CHECKING:
    from transformers import PreTrainedModel


def build_optimizers(model: PreTrainedModel, config: PretrainConfig, *, bf16: bool) -> list[torch.optim.Optimizer]:
    """One or two optimisers that together hold every parameter once.

    Norms and biases have no weight decay. `bf16`: whether this hardware multiplies bf16 fast.
    """
    parameters = dict(model.named_parameters())
    in_layers = hidden_matrices(model)
    matrices = [parameters[name] for name in in_layers]
    rest = [p for name, p in parameters.items() if name not in set(in_layers)]
    slower = config.embedding_learning_rate / config.learning_rate
    groups = [
        {"params": [p for p in rest if p.ndim >= 2], "weight_decay": config.weight_decay, "scale": slower},
        {"params": [p for p in rest if p.ndim < 2], "weight_decay": 0.0, "scale": slower},
    ]
    if config.optimizer == "adamw":
        groups.append({"params": matrices, "weight_decay": config.weight_decay, "scale": 1.0})
    # BERT's own second moment (0.999) forgets too slowly for a run of a thousand steps
    adamw = torch.optim.AdamW([g for g in groups if g["params"]], lr=config.learning_rate, betas=(0.9, 0.98), fused=True)
    if config.optimizer == "adamw":
        return [adamw]
    dtype = torch.bfloat16 if bf16 else torch.float32
    return [Muon(matrices, lr=config.learning_rate, weight_decay=config.weight_decay, dtype=dtype), adamw]


def set_learning_rate(optimizers: list[torch.optim.Optimizer], rate: float) -> None:
    """Set the layers' learning rate everywhere; a group with a ``scale`` gets that share of it."""
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["lr"] = rate * group.get("scale", 1.0)


class Schedule(Protocol):
    """What a config must say of its learning rate."""

    learning_rate: float
    warmup_steps: int
    decay_share: float


def learning_rate(config: Schedule, *, step: int, progress: float) -> float:
    """Learning rate of a step: warm-up, stable, decay to 0 over the last `decay_share` of the budget.

    Parameters
    ----------
    step : from 0.
    progress : share of the budget that is spent, 0 to 1.

    Examples
    --------
    >>> config = PretrainConfig(steps=1000, warmup_steps=100, decay_share=0.5, learning_rate=1.0)
    >>> [learning_rate(config, step=s, progress=s / 1000) for s in (49, 300, 750)]
    [0.5, 1.0, 0.5]
    """
    warm = min(1.0, (step + 1) / config.warmup_steps) if config.warmup_steps else 1.0
    cool = min(1.0, (1.0 - min(progress, 1.0)) / config.decay_share) if config.decay_share else 1.0
    return config.learning_rate * warm * cool
