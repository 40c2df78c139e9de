"""In which precision a device is fast."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

import torch

if TYPE_CHECKING:
    from accelerate import Accelerator

Precision = Literal["auto", "bf16", "fp32"]


def use_bf16(precision: Precision, *, device: torch.device) -> bool:
    """Whether to compute in bfloat16: as asked for, and with ``auto`` where the hardware multiplies it fast."""
    return precision == "bf16" or (precision == "auto" and has_fast_bf16(device))


def has_fast_bf16(device: torch.device) -> bool:
    """Whether this hardware multiplies bf16 faster than float32: CUDA from Ampere on, CPUs with AMX or AVX512-BF16."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    checks = (getattr(torch.cpu, name, None) for name in ("_is_amx_tile_supported", "_is_avx512_bf16_supported"))
    return device.type == "cpu" and any(check is not None and check() for check in checks)


def accelerator_in(precision: Precision, *, device: torch.device) -> Accelerator:
    """This process's `Accelerator` in a precision, whatever an earlier training of the same Python process had.

    accelerate keeps one state a process and refuses a second precision; two trainings one after the other are usual in
    a notebook.
    """
    from accelerate import Accelerator
    from accelerate.state import AcceleratorState

    mixed = "bf16" if use_bf16(precision, device=device) else "no"
    if AcceleratorState._shared_state and AcceleratorState().mixed_precision != mixed:
        AcceleratorState._reset_state()
    return Accelerator(mixed_precision=mixed)


@contextlib.contextmanager
def state_of_its_own() -> Iterator[None]:
    """Afterwards accelerate's state of this process is what it was before; to decorate what trains or predicts.

    A caller's own `Accelerator` may have another precision, or gather gradients over several steps.
    """
    from accelerate.state import AcceleratorState, GradientState

    states = (AcceleratorState._shared_state, GradientState._shared_state)
    before = [dict(state) for state in states]
    try:
        yield
    finally:
        for state, content in zip(states, before, strict=True):
            state.clear()
            state.update(content)


def wide_float(device: torch.device) -> torch.dtype:
    """In what to sum exactly: float64, which Apple's GPUs do not have."""
    return torch.float32 if device.type == "mps" else torch.float64
