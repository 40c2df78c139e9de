"""Configurations into models: architectures of `transformers`, made ready for DNA."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from dnabert.models.config import ModelConfig

if TYPE_CHECKING:
    from dnabert.models.build import build_model, register_architectures

__all__ = ["ModelConfig", "build_model", "register_architectures"]

# What a name needs (torch) is imported when the name is first used.
_LAZY = ("build_model", "register_architectures")


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = getattr(importlib.import_module(f"{__name__}.build"), name)
    return globals()[name]
