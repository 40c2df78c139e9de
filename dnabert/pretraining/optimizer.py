"""Which optimiser trains which parameter, and the learning rate over the budget."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Protocol

import torch
from torch.nn import Parameter

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
    groups = decay_groups(rest, weight_decay=config.weight_decay, scale=slower)
    if config.optimizer == "adamw":
        groups += decay_groups(matrices, weight_decay=config.weight_decay)
    adamw = build_adamw(groups, learning_rate=config.learning_rate)
    if config.optimizer == "adamw":
        return [adamw]
    dtype = torch.bfloat16 if bf16 else torch.float32
    return [Muon(matrices, lr=config.learning_rate, weight_decay=config.weight_decay, dtype=dtype), adamw]


def decay_groups(parameters: Iterable[Parameter], *, weight_decay: float, scale: float = 1.0) -> list[dict[str, Any]]:
    """Groups for an optimiser: matrices with weight decay, norms and biases without.

    Parameters
    ----------
    parameters : all are taken once.
    weight_decay : of matrices and what has more dimensions.
    scale : share of the learning rate that they get; see `set_learning_rate`.
    """
    parameters = list(parameters)
    matrices = [p for p in parameters if p.ndim >= 2]
    rest = [p for p in parameters if p.ndim < 2]
    groups = [
        {"params": matrices, "weight_decay": weight_decay, "scale": scale},
        {"params": rest, "weight_decay": 0.0, "scale": scale},
    ]
    return [group for group in groups if group["params"]]


def build_adamw(groups: list[dict[str, Any]], *, learning_rate: float) -> torch.optim.AdamW:
    """AdamW whose second moment forgets faster than BERT's own (0.999), too slow for a run of a thousand steps."""
    return torch.optim.AdamW(groups, lr=learning_rate, betas=(0.9, 0.98), fused=True)


def update(model: torch.nn.Module, optimizers: list[torch.optim.Optimizer], *, clip_gradient: float) -> None:
    """Take one step along the gradients and clear them; `clip_gradient` is their largest norm, 0 leaves them alone."""
    if clip_gradient:
        torch.nn.utils.clip_grad_norm_(model.parameters(), clip_gradient)
    for optimizer in optimizers:
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)


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
