"""From a pretrained run to a classifier of labelled sequences, and what that brings beside cheaper ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dnabert.finetuning.config import ClassifyConfig, FinetuneConfig

if TYPE_CHECKING:
    from dnabert.finetuning.classify import classify
    from dnabert.finetuning.loop import finetune

__all__ = ["ClassifyConfig", "FinetuneConfig", "classify", "finetune"]


def __getattr__(name: str) -> Any:
    # `classify` is a function of a module of the same name, which an import sets as an attribute in its place
    if name == "classify":
        from dnabert.finetuning.classify import classify

        globals()["classify"] = classify
        return classify
    if name == "finetune":
        from dnabert.finetuning.loop import finetune

        return finetune
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
