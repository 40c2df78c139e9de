"""Vectors into clusters: reduce, one neighbour graph, labels and a map; how well they agree with what is known."""

from dnabert.clusters.clustering import Clustering, Clusters, cluster, cluster_vectors, load_clusters
from dnabert.clusters.config import ClusterConfig

__all__ = ["ClusterConfig", "Clustering", "Clusters", "cluster", "cluster_vectors", "load_clusters"]
