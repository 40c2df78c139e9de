"""Vectors into clusters: reduce, one neighbour graph, labels and a map; how well they agree with what is known."""

from dnabert.clusters.assign import Assignment, assign
from dnabert.clusters.clustering import Clustering, Clusters, cluster, cluster_vectors, load_clusters
from dnabert.clusters.config import AssignConfig, ClusterConfig, StabilityConfig
from dnabert.clusters.null import null_report
from dnabert.clusters.stability import Stability, load_stability, stability
from dnabert.clusters.tree import cluster_tree

__all__ = [
    "AssignConfig",
    "Assignment",
    "ClusterConfig",
    "Clustering",
    "Clusters",
    "Stability",
    "StabilityConfig",
    "assign",
    "cluster",
    "cluster_tree",
    "cluster_vectors",
    "load_clusters",
    "load_stability",
    "null_report",
    "stability",
]
