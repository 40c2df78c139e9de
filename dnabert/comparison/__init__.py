"""The ladder of encoders on one corpus: embed, cluster, score, explain away, and say what differs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dnabert.comparison.config import CompareConfig, RetrievalConfig

if TYPE_CHECKING:
    from dnabert.comparison.comparison import compare

__all__ = ["CompareConfig", "RetrievalConfig", "compare"]


def __getattr__(name: str) -> Any:
    if name == "compare":
        from dnabert.comparison.comparison import compare

        return compare
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
