"""Which parameter is trained by what, how fast and with how much decay; a step against AdamW by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from dnabert.models.build import build_model
from dnabert.models.config import ModelConfig
from dnabert.pretraining.config import PretrainConfig
from dnabert.pretraining.optimizer import (
    build_adamw,
    build_optimizers,
    decay_groups,
    learning_rate,
    set_learning_rate,
    update,
)
from dnabert.tokenizer import KmerTokenizer


@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
@pytest.mark.parametrize("architecture", ["modernbert", "bert", "convolution", "lstm"])
def test_each_parameter_has_its_optimizer_rate_and_decay(architecture: str, optimizer: str) -> None:
    sizes = ModelConfig(architecture=architecture, hidden_size=16, layers=2, heads=2, intermediate_size=16)
    model = build_model(sizes, tokenizer=KmerTokenizer(k=2), max_tokens=12, seed=0)
    config = PretrainConfig(
        optimizer=optimizer, learning_rate=0.5, embedding_learning_rate=0.125, weight_decay=0.25, model=sizes, k=2
    )
    optimizers = build_optimizers(model, config, bf16=False)
    assert [type(each).__name__ for each in optimizers] == (["AdamW"] if optimizer == "adamw" else ["Muon", "AdamW"])
    set_learning_rate(optimizers, 0.75)
    found = {
        id(parameter): (type(each).__name__, group["lr"], group["weight_decay"])
        for each in optimizers
        for group in each.param_groups
        for parameter in group["params"]
    }
    held = [parameter for each in optimizers for group in each.param_groups for parameter in group["params"]]
    assert sorted(map(id, held)) == sorted(id(parameter) for parameter in model.parameters())
    layers = 0
    for name, parameter in model.named_parameters():
        kind, rate, decay = found[id(parameter)]
        in_layer = rate == 0.75
        layers += in_layer
        assert in_layer or rate == 0.75 / 4  # of the embedding
        assert decay == (0.25 if parameter.ndim > 1 else 0.0), name
        assert not in_layer or parameter.ndim > 1, name
        assert kind == ("Muon" if in_layer and optimizer == "muon" else "AdamW"), name
        assert not (in_layer and ("embedding" in name or "decoder" in name)), name
    assert layers >= 2 * sizes.layers


@pytest.mark.parametrize("clip", [0.0, 1.0])
def test_steps_are_those_of_adamw_by_hand(clip: float) -> None:
    rng = np.random.default_rng(0)
    start = {"matrix": rng.normal(size=(3, 2)), "bias": rng.normal(size=3)}
    module = torch.nn.ParameterDict({name: torch.nn.Parameter(torch.tensor(value)) for name, value in start.items()})
    groups = decay_groups(module.values(), weight_decay=0.1, scale=0.5)
    adamw = build_adamw(groups, learning_rate=1.0)
    set_learning_rate([adamw], 0.2)
    first = {name: np.zeros_like(value) for name, value in start.items()}
    second = {name: np.zeros_like(value) for name, value in start.items()}
    for step in range(1, 4):
        gradients = {name: rng.normal(size=value.shape) * 10**step for name, value in start.items()}
        for name, gradient in gradients.items():
            module[name].grad = torch.tensor(gradient)
        update(module, [adamw], clip_gradient=clip)
        assert all(parameter.grad is None for parameter in module.values())
        norm = np.sqrt(sum(np.square(gradient).sum() for gradient in gradients.values()))
        for name, value in start.items():
            gradient = gradients[name] * (1.0 if clip == 0 else clip / norm)
            first[name] = 0.9 * first[name] + 0.1 * gradient
            second[name] = 0.98 * second[name] + 0.02 * gradient**2
            value *= 1 - 0.1 * (0.1 if name == "matrix" else 0.0)
            value -= 0.1 * first[name] / (1 - 0.9**step) / (np.sqrt(second[name] / (1 - 0.98**step)) + 1e-8)
            np.testing.assert_allclose(module[name].detach().numpy(), value, rtol=1e-5)


def test_a_group_without_a_share_has_the_whole_rate() -> None:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    set_learning_rate([optimizer], 0.3)
    assert optimizer.param_groups[0]["lr"] == 0.3


def test_a_rate_without_warmup_or_decay_and_beyond_the_end() -> None:
    flat = PretrainConfig(steps=10, warmup_steps=0, decay_share=0.0, learning_rate=0.5)
    assert [learning_rate(flat, step=step, progress=step / 10) for step in (0, 5, 10)] == [0.5] * 3
    falling = PretrainConfig(steps=10, warmup_steps=0, decay_share=0.5, learning_rate=0.5)
    assert [learning_rate(falling, step=0, progress=share) for share in (0.25, 0.75, 1.0, 1.5)] == [0.5, 0.25, 0, 0]
