"""What the sequences of a cluster have in common."""

from dnabert.explain.composition import cluster_rows
from dnabert.explain.edit_distance import edit_distances
from dnabert.explain.low_complexity import low_complexity

__all__ = ["cluster_rows", "edit_distances", "low_complexity"]
