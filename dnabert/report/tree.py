"""Which clusters lie near each other: a tree, drawn with what each is."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

from dnabert.report.canvas import blank_figure
from dnabert.report.numbers import count

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Record = dict[str, Any]

#: Two clusters make no tree; of more than these no name would be read.
_FEWEST, _MOST = 3, 100
#: Letters of a cluster's sentence beside its leaf.
_LETTERS = 70


def tree_figure(tree: Record, cards: list[Record]) -> Figure:
    """Draw `dnabert.clusters.cluster_tree`, its leaves named by the clusters' sentences.

    Parameters
    ----------
    tree : of ``stability.json``.
    cards : of ``cards.json``; a cluster without one is named by its number.
    """
    from scipy.cluster.hierarchy import dendrogram

    merges = tree["merges"]
    linked = [[merge["left"], merge["right"], merge["distance"], len(merge["members"])] for merge in merges]
    figure = blank_figure(width=9, height=0.9 + 0.24 * (len(merges) + 1))
    axes = figure.subplots()
    named = {card["label"]: _leaf(card) for card in cards}
    names = [named.get(label, f"cluster {label}") for label in range(len(merges) + 1)]
    dendrogram(
        linked, ax=axes, orientation="left", labels=names, color_threshold=0, above_threshold_color="#444444",
        leaf_font_size=8, count_sort="ascending",
    )  # fmt: skip
    axes.set_xlabel("distance at which clusters merge", fontsize=8)
    axes.tick_params(axis="x", labelsize=8)
    axes.spines[["top", "left", "right"]].set_visible(False)
    axes.set_title(f"Which clusters lie near each other, n = {count(len(names))}", fontsize=11, loc="left")
    return figure


def is_drawn(tree: Record, cards: list[Record]) -> bool:
    """Whether there is a tree of clusters that the cards are of.

    Examples
    --------
    >>> is_drawn({"merges": [{}, {}]}, [{}, {}, {}]), is_drawn({"merges": [{}]}, [{}, {}]), is_drawn({}, [])
    (True, False, False)
    """
    leaves = len(tree.get("merges", ())) + 1
    return _FEWEST <= leaves <= _MOST and len(cards) == leaves


def _leaf(card: Record) -> str:
    sentence = card["sentence"]
    text = sentence["basis"] if sentence["basis"] == "unexplained" else sentence["text"]
    told = textwrap.shorten(text, _LETTERS, placeholder=" …")
    return f"{card['label']}: {told} ({count(card['makeup']['n'])})".replace("$", r"\$")  # $…$ would be mathematics
