"""From a pretrained run to a classifier of labelled sequences, and what that brings beside cheaper ones."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from dnabert.finetuning.config import ClassifyConfig, FinetuneConfig, PredictConfig

if TYPE_CHECKING:
    from dnabert.finetuning.classification import classify
    from dnabert.finetuning.loop import finetune
    from dnabert.finetuning.prediction import Classifier, predict

__all__ = ["Classifier", "ClassifyConfig", "FinetuneConfig", "PredictConfig", "classify", "finetune", "predict"]


# What a name needs (torch) is imported when the name is first used.
_LAZY = {"Classifier": "prediction", "classify": "classification", "finetune": "loop", "predict": "prediction"}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = getattr(importlib.import_module(f"{__name__}.{_LAZY[name]}"), name)
    return globals()[name]
