import io

import numpy as np
from Bio import Phylo
from scipy.cluster.hierarchy import cophenet, linkage

from dnabert.clusters import cluster_tree


def test_distances_along_the_newick_tree_are_those_of_the_merges() -> None:
    centroids = np.random.default_rng(0).normal(size=(7, 3))
    found = cluster_tree(centroids)
    expected = cophenet(linkage(centroids, method="average"))
    tree = Phylo.read(io.StringIO(found["newick"]), "newick")
    pairs = [(i, j) for i in range(7) for j in range(i + 1, 7)]
    np.testing.assert_allclose([tree.distance(str(i), str(j)) for i, j in pairs], expected, rtol=1e-4)
    assert sorted(found["order"]) == found["merges"][-1]["members"] == list(range(7))
    assert [merge["distance"] for merge in found["merges"]] == sorted(merge["distance"] for merge in found["merges"])


def test_trees_of_one_cluster_and_of_none() -> None:
    assert cluster_tree(np.zeros((1, 3))) == {"merges": [], "order": [0], "newick": "0;"}
    assert cluster_tree(np.zeros((0, 3))) == {"merges": [], "order": [], "newick": ";"}
