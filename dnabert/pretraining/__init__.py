"""Masked-LM pretraining on `accelerate`: masking, sampling, optimiser, floors, checkpoints and the loop."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dnabert.pretraining.config import PretrainConfig

if TYPE_CHECKING:
    from dnabert.pretraining.loop import pretrain

__all__ = ["PretrainConfig", "pretrain"]


def __getattr__(name: str) -> Any:
    if name == "pretrain":
        from dnabert.pretraining.loop import pretrain

        return pretrain
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
