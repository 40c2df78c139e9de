"""From a pretrained run to a classifier of labelled sequences, and what that brings beside cheaper ones."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from dnabert.finetuning.config import ClassifyConfig, FinetuneConfig, PredictConfig

if TYPE_CHECKING:
    from dnabert.finetuning.classify import classify
    from dnabert.finetuning.loop import finetune
    from dnabert.finetuning.predict import predict

__all__ = ["ClassifyConfig", "FinetuneConfig", "PredictConfig", "classify", "finetune", "predict"]


def __getattr__(name: str) -> Any:
    # `classify` and `predict` are functions of modules of the same name, which an import sets as attributes in their place
    if name in ("classify", "predict"):
        globals()[name] = getattr(importlib.import_module(f"dnabert.finetuning.{name}"), name)
        return globals()[name]
    if name == "finetune":
        from dnabert.finetuning.loop import finetune

        return finetune
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
