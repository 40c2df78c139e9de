"""From a pretrained run to a classifier of labelled sequences."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dnabert.finetuning.config import FinetuneConfig

if TYPE_CHECKING:
    from dnabert.finetuning.loop import finetune

__all__ = ["FinetuneConfig", "finetune"]


def __getattr__(name: str) -> Any:
    if name == "finetune":
        from dnabert.finetuning.loop import finetune

        return finetune
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
