"""Muon in the precision that the hardware is fast in.

`torch.optim.Muon` orthogonalises in bf16 always; on a CPU without bf16 units that is 300 times slower than float32
(0.3 against 112 GFLOP/s on two AVX2 cores), so a step would take longer for the optimiser than for the model.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable
from functools import partial

import torch
from torch import Tensor

from dnabert.pretraining import sharding

# Jordan et al. 2024 (Muon): quintic Newton-Schulz coefficients and 5 iterations, as in torch.optim.Muon
_COEFFICIENTS = (3.4445, -4.7750, 2.0315)
_ITERATIONS = 5


class Muon(torch.optim.Optimizer):
    """Momentum, orthogonalised: for the matrices inside the layers.

    Parameters
    ----------
    params : float32 matrices, whole or sharded by rows; kernels of more dimensions count as matrices of their first one
        by all others.
    lr : learning rate in AdamW's units; an update is scaled to AdamW's typical root mean square, 0.2
        (Liu et al. 2025, "Muon is scalable for LLM training"; ``adjust_lr_fn="match_rms_adamw"`` in torch).
    weight_decay : decoupled.
    momentum : of the Nesterov momentum.
    dtype : in which to orthogonalise.
    """

    def __init__(
        self,
        params: Iterable[Tensor],
        *,
        lr: float,
        weight_decay: float = 0.01,
        momentum: float = 0.95,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        super().__init__(params, {"lr": lr, "weight_decay": weight_decay, "momentum": momentum})
        self._dtype = dtype

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        """Update every matrix that has a gradient; matrices of one shape are orthogonalised together."""
        loss = None if closure is None else closure()
        for group in self.param_groups:
            by_shape: dict[torch.Size, list[Tensor]] = defaultdict(list)
            for parameter in group["params"]:
                if parameter.grad is not None:
                    by_shape[parameter.shape].append(parameter)
            for shape, sharded in by_shape.items():
                directions = torch.stack(self._directions(sharded, group["momentum"]))
                matrices = [sharding.own(parameter) for parameter in sharded]
                updates = self._orthogonal(directions.flatten(2), like=sharded[0])
                scale = group["lr"] * 0.2 * math.sqrt(max(shape[0], math.prod(shape[1:])))
                torch._foreach_mul_(matrices, 1 - group["lr"] * group["weight_decay"])
                torch._foreach_add_(matrices, list(updates.view_as(directions).to(directions.dtype)), alpha=-scale)
        return loss

    def _directions(self, parameters: list[Tensor], momentum: float) -> list[Tensor]:
        """Each parameter's gradient and its own past, mixed (Nesterov); one kernel for all of them on a GPU."""
        gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
        for parameter, gradient in zip(parameters, gradients, strict=True):
            if "momentum_buffer" not in self.state[parameter]:
                self.state[parameter]["momentum_buffer"] = torch.zeros_like(gradient)
        buffers = [sharding.own(self.state[parameter]["momentum_buffer"]) for parameter in parameters]
        gradients = [sharding.own(gradient) for gradient in gradients]
        torch._foreach_lerp_(buffers, gradients, 1 - momentum)
        return list(torch._foreach_lerp(gradients, buffers, momentum))

    def _orthogonal(self, matrices: Tensor, *, like: Tensor) -> Tensor:
        if not sharding.is_part(like):
            return orthogonalise(matrices, dtype=self._dtype)
        return sharding.apply_to_whole(partial(orthogonalise, dtype=self._dtype), matrices.to(self._dtype), like=like)


def orthogonalise(matrices: Tensor, *, dtype: torch.dtype = torch.float32) -> Tensor:
    """Push the singular values of each matrix (n, rows, columns) towards 1 by Newton-Schulz iterations.

    They end between about 0.7 and 1.2: near enough, and that is what the method's authors use.
    """
    x = matrices.to(dtype)
    tall = x.shape[-2] > x.shape[-1]
    if tall:
        x = x.mT.contiguous()
    x = x / x.norm(dim=(-2, -1), keepdim=True).clamp(min=1e-7)
    a, b, c = _COEFFICIENTS
    for _ in range(_ITERATIONS):  # x <- a x + (b G + c G²) x with G = x x^T, each line one fused product: half the time
        gram = x @ x.mT
        polynomial = torch.baddbmm(gram, gram, gram, beta=b, alpha=c)
        x = torch.baddbmm(x, polynomial, x, beta=a)
    return x.mT if tall else x
