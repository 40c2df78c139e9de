"""Which clusters merge into which, and at what distance."""

from __future__ import annotations

from typing import Any

import numpy as np


def cluster_tree(centroids: np.ndarray) -> dict[str, Any]:
    """Average linkage (UPGMA; Sokal and Michener 1958) of the clusters' centroids by Euclidean distance.

    Parameters
    ----------
    centroids : float (C, d), row i the mean point of cluster i.

    Returns
    -------
    dict with ``merges``: C - 1 dicts in order of distance, each with ``node`` (a number from C on), ``left`` and
    ``right`` (a cluster or an earlier node), ``distance`` and ``members`` (clusters below it, ascending); ``order``:
    clusters as the tree's leaves stand, near ones side by side; ``newick``: the tree with clusters as names and each
    branch half of the distance that it spans, so that two clusters are as far apart along the tree as the distance at
    which they merge.

    Examples
    --------
    >>> tree = cluster_tree(np.array([[0.0], [10.0], [1.0]]))
    >>> [(merge["members"], merge["distance"]) for merge in tree["merges"]]
    [([0, 2], 1.0), ([0, 1, 2], 9.5)]
    >>> tree["newick"]
    '(1:4.75,(0:0.5,2:0.5):4.25);'
    """
    from scipy.cluster.hierarchy import leaves_list, linkage

    count = len(centroids)
    if count < 2:
        return {"merges": [], "order": list(range(count)), "newick": "".join(f"{i}" for i in range(count)) + ";"}
    linked = linkage(np.asarray(centroids, dtype=np.float64), method="average")
    members = {i: [i] for i in range(count)}
    height = dict.fromkeys(range(count), 0.0)
    text = {i: str(i) for i in range(count)}
    merges = []
    for node, (left, right, distance) in enumerate(linked[:, :3].tolist(), start=count):
        a, b = int(left), int(right)
        members[node] = sorted(members[a] + members[b])
        height[node] = distance / 2
        text[node] = f"({text[a]}:{height[node] - height[a]:.6g},{text[b]}:{height[node] - height[b]:.6g})"
        merges.append({"node": node, "left": a, "right": b, "distance": distance, "members": members[node]})
    return {"merges": merges, "order": leaves_list(linked).tolist(), "newick": text[2 * count - 2] + ";"}
