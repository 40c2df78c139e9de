"""In which precision a device is fast."""

from __future__ import annotations

from typing import Literal

import torch

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


def wide_float(device: torch.device) -> torch.dtype:
    """In what to sum exactly: float64, which Apple's GPUs do not have."""
    return torch.float32 if device.type == "mps" else torch.float64
