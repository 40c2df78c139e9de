"""The ladder of encoders on one corpus: embed, cluster, score, explain away, and say what differs."""

from dnabert.comparison.compare import compare
from dnabert.comparison.config import CompareConfig, RetrievalConfig
from dnabert.comparison.differences import differences

__all__ = ["CompareConfig", "RetrievalConfig", "compare", "differences"]
