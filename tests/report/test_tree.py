from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.cluster.hierarchy import cophenet, linkage

from dnabert.clusters import cluster_tree
from dnabert.report.evidence import read_evidence
from dnabert.report.figures import draw_all
from dnabert.report.tree import tree_figure


def _cards(count: int) -> list[dict]:
    told = {"text": "Alu elements, in $5 of $6", "basis": "element", "confidence": "low"}
    return [{"label": n, "makeup": {"n": 1_000 + n}, "sentence": told} for n in range(count)]


def test_clusters_merge_at_their_distances_and_are_named_by_what_they_are() -> None:
    centroids = np.random.default_rng(0).normal(size=(9, 3))
    figure = tree_figure(cluster_tree(centroids), _cards(9))
    (axes,) = figure.axes
    drawn = {round(float(x), 6) for lines in axes.collections for path in lines.get_segments() for x in path[:, 0]}
    assert drawn - {0.0} == {round(float(each), 6) for each in cophenet(linkage(centroids, method="average"))}
    names = [label.get_text() for label in axes.get_yticklabels()]
    assert sorted(int(name.split(":")[0]) for name in names) == list(range(9))
    assert names[0] == rf"{names[0][0]}: Alu elements, in \$5 of \$6 (1,00{names[0][0]})"
    figure.draw_without_rendering()


@pytest.mark.parametrize(
    ("clusters", "cards", "drawn"), [(5, 5, True), (2, 2, False), (5, 0, False), (101, 101, False)]
)
def test_a_tree_is_drawn_where_it_can_be_read(comparison: Path, clusters: int, cards: int, drawn: bool) -> None:
    tree = cluster_tree(np.arange(clusters * 2.0).reshape(clusters, 2) ** 2)
    evidence = replace(read_evidence(comparison), ladder=[], edit_distance=None)
    evidence = replace(evidence, map=evidence.map[["label", "x", "y"]], stability={"tree": tree}, cards=_cards(cards))
    assert ("tree" in draw_all(evidence)) == drawn
