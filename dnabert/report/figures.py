"""Matplotlib figures of the page: one function per figure, returned, never shown, no global state."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

from dnabert.report.answer import leaders
from dnabert.report.canvas import blank_figure
from dnabert.report.colours import OTHER, PALETTE, categories
from dnabert.report.metrics import Metric, measured
from dnabert.report.numbers import count, number, present
from dnabert.report.tree import is_drawn, tree_figure

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from dnabert.report.answer import Record
    from dnabert.report.evidence import Evidence

#: Bins of a histogram, at most.
_BINS = 60
#: Letters of a name in a legend.
_LONGEST_NAME = 28
#: Letters of a panel's title, all of the longest name of a measure.
_LONGEST_TITLE = 45
_DISTANCES = {"within": "within a cluster", "unclustered": "unclustered windows"}


def draw_all(evidence: Evidence) -> dict[str, Figure]:
    """Draw every figure for which there is data: name to figure."""
    figures: dict[str, Figure] = {}
    for column, title in (("label", "cluster"), ("repeat_class", "repeat class"), ("region", "gene region")):
        annotated = column in evidence.map and (evidence.map[column].astype(str) != "unknown").any()
        if annotated:
            name = "map_cluster" if column == "label" else f"map_{column}"
            figures[name] = map_figure(evidence, column=column, title=title)
    if any(present(row.get("validation_bits_per_base")) for row in evidence.metrics):
        figures["loss"] = loss_figure(evidence.metrics, floors=evidence.floors)
    if evidence.ladder:
        figures["ladder"] = ladder_figure(evidence.ladder, differences=evidence.differences)
    if evidence.edit_distance:
        figures["edit_distance"] = distance_figure(evidence.edit_distance, length=window_length(evidence.map))
    if is_drawn(tree := evidence.stability.get("tree") or {}, evidence.cards):
        figures["tree"] = tree_figure(tree, evidence.cards)
    return figures


def map_figure(evidence: Evidence, *, column: str, title: str) -> Figure:
    """Draw the map coloured by one categorical column; backgrounds lie under the rest."""
    import numpy as np

    table = evidence.map
    values = cluster_names(table["label"].to_numpy()) if column == "label" else table[column].astype(str).to_numpy()
    figure = blank_figure(width=9, height=6.4)
    axes = figure.subplots()
    x, y = table["x"].to_numpy(), table["y"].to_numpy()
    size = 1.2 if len(table) > 20_000 else 6

    def draw(here: np.ndarray, *, colour: str, marker: str, label: str) -> None:
        axes.scatter(x[here], y[here], s=size, c=colour, marker=marker, linewidths=0, rasterized=True, label=label)

    found = categories(values)
    own = [category for category in found if category.colour != OTHER]
    for category in own:
        label = f"{_short(category.value)} ({count(category.n)})"
        draw(values == category.value, colour=category.colour, marker=category.marker, label=label)
    if len(own) < len(found):  # as one, whatever their number: a thousand families take as many layers
        rest = np.isin(values, [category.value for category in own], invert=True)
        draw(rest, colour=OTHER, marker="o", label=f"{count(len(found) - len(own))} more")
    axes.set(xlabel="UMAP 1 (no unit)", ylabel="UMAP 2 (no unit)", xticks=[], yticks=[])
    axes.set_title(f"Windows by {title}, n = {count(len(table))} ({_plain(evidence.main_rung)})")
    legend = axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False, fontsize=8)
    for handle in legend.legend_handles:
        if handle is not None:
            handle.set(sizes=[28], alpha=1)
    return figure


def loss_figure(metrics: list[Record], *, floors: Record | None) -> Figure:
    """Draw bits per base over tokens, with the Markov models of each order as horizontal lines."""
    figure = blank_figure(width=9, height=4.8)
    axes = figure.subplots()
    curve = [row for row in metrics if present(row.get("validation_bits_per_base"))]
    scale = 1e6 if max(row["tokens"] for row in curve) >= 1e6 else 1e3
    training = [row for row in metrics if present(row.get("train_bits_per_base"))]
    if training:
        axes.plot(
            [row["tokens"] / scale for row in training], [row["train_bits_per_base"] for row in training],
            color=PALETTE[4], linewidth=0.8, alpha=0.6, label="training batches",
        )  # fmt: skip
    tokens = [row["tokens"] / scale for row in curve]
    values = [row["validation_bits_per_base"] for row in curve]
    axes.plot(tokens, values, color=PALETTE[0], linewidth=2, marker="o", markersize=4, label="validation, frozen mask")
    banded = [row for row in curve if present(row.get("low")) and present(row.get("high"))]
    axes.fill_between(
        [row["tokens"] / scale for row in banded], [row["low"] for row in banded], [row["high"] for row in banded],
        color=PALETTE[0], alpha=0.2, linewidth=0,
    )  # fmt: skip
    _draw_floors(axes, floors or {})
    unit = "millions" if scale == 1e6 else "thousands"
    axes.set(xlabel=f"tokens read ({unit})", ylabel="bits per base (lower is better)")
    windows = f", n = {count(floors['windows'])} windows" if floors and present(floors.get("windows")) else ""
    axes.set_title(f"What the model has learned of held-out sequence{windows}")
    axes.legend(loc="upper right", framealpha=1, edgecolor="white", fontsize=9)
    axes.grid(axis="y", color="#EEEEEE")
    return figure


def _draw_floors(axes: Axes, floors: Record) -> None:
    """Lines for the uniform floor and each order; labels that would overlap are spread apart, joined by a thin line."""
    lines = [(record["bits_per_base"], f"order {order}") for order, record in floors.get("orders", {}).items()]
    if present(floors.get("uniform")):
        lines.append((floors["uniform"], "uniform"))
    both = ((floors.get("bidirectional") or {}).get("best") or {}).get("bits_per_base")
    if present(both):
        lines.append((both, "both sides"))
    lines = sorted((value, name) for value, name in lines if present(value))
    if not lines:
        return
    best = (floors.get("best") or {}).get("bits_per_base")
    low, high = axes.get_ylim()
    axes.set_ylim(min(low, lines[0][0] - 0.02), max(high, lines[-1][0] + 0.02))
    low, high = axes.get_ylim()
    position = low
    for value, name in lines:
        strong = value in (best, both)
        colour = PALETTE[1] if strong else "#9A9A9A"
        axes.axhline(value, color=colour, linewidth=1.6 if strong else 0.7, linestyle="--", zorder=1)
        position = max(value, position + (high - low) * 0.036)
        axes.annotate(
            f"{name}: {number(value)}{' (best Markov)' if value == best else ''}",
            xy=(1, value),
            xytext=(1.03, position),
            xycoords=axes.get_yaxis_transform(),
            textcoords=axes.get_yaxis_transform(),
            fontsize=7.5,
            va="center",
            color=colour if strong else "#555555",
            arrowprops={"arrowstyle": "-", "color": colour, "linewidth": 0.5},
        )


def ladder_figure(ladder: list[Record], *, differences: Sequence[Record] = ()) -> Figure:
    """Draw one panel per metric: a dot with its interval for each rung, `leaders` filled."""
    metrics = [metric for metric in measured(ladder) if not metric.key.startswith("ari_")]
    columns = 3
    rows = max(1, -(-len(metrics) // columns))
    figure = blank_figure(width=11, height=1.0 + rows * (0.75 + 0.24 * len(ladder)))
    grid = figure.subplots(rows, columns, squeeze=False, sharey=True)
    for axes, metric in zip(grid.flat, metrics, strict=False):
        best = leaders(ladder, metric, differences=differences) if metric.better else []
        _draw_metric(axes, metric, ladder, best=best)
    for axes in grid.flat[len(metrics) :]:
        axes.set_axis_off()
    figure.suptitle(
        "The ladder of encoders: value and 95 % interval (filled: nothing is better; line: a guess)", size=11
    )
    return figure


def _draw_metric(axes: Axes, metric: Metric, ladder: list[Record], *, best: list[str]) -> None:
    for row, rung in enumerate(ladder):
        value = rung["metrics"].get(metric.key) or {}
        if not present(value.get("value")):
            continue
        if present(value.get("low")) and present(value.get("high")):
            axes.plot([value["low"], value["high"]], [row, row], color=PALETTE[0], linewidth=2, solid_capstyle="butt")
        fill = PALETTE[0] if rung["rung"] in best else "white"
        axes.plot(value["value"], row, "o", color=PALETTE[0], markerfacecolor=fill, markersize=6)
    if metric.baseline:
        guesses = [(rung["metrics"].get(metric.baseline) or {}).get("value") for rung in ladder]
        for guess in {value for value in guesses if value is not None and present(value)}:
            axes.axvline(guess, color=PALETTE[1], linewidth=1, linestyle="--")
    axes.set_yticks(range(len(ladder)), [rung["rung"] for rung in ladder])
    axes.set_ylim(len(ladder) - 0.5, -0.5)
    axes.margins(x=0.12)
    axes.locator_params(axis="x", nbins=4)  # labels of thousandths would run into each other
    axes.set_title(textwrap.shorten(metric.name, _LONGEST_TITLE, placeholder="…"), fontsize=9, loc="left")
    axes.tick_params(labelsize=8)
    axes.grid(color="#EEEEEE")
    axes.set_axisbelow(True)


def window_length(table: pd.DataFrame) -> int | None:
    """Bases of a window, where the map has coordinates."""
    if not len(table) or not {"start", "end"} <= set(table):
        return None
    return int((table["end"] - table["start"]).iloc[0])


def distance_figure(edit_distance: Record, *, length: int | None = None) -> Figure:
    """Draw two histograms, within clusters and unclustered, each over the outline of random pairs of its GC; `length`
    of a window, if known."""
    import numpy as np

    pairs = {name: np.asarray(values, dtype=float) for name, values in edit_distance["pairs"].items() if len(values)}
    figure = blank_figure(width=9, height=5.4)
    panels = figure.subplots(2, 1, sharex=True, sharey=True)
    everything = np.concatenate(list(pairs.values())) if pairs else np.array([0.0, 1.0])
    bins = _bins(everything, length=length)
    for axes, name, random, colour in (
        (panels[0], "within", "random_equal_gc", PALETTE[0]),
        (panels[1], "unclustered", "random_equal_gc_unclustered", PALETTE[1]),
    ):
        _draw_pairs(axes, pairs, name=name, random=random, colour=colour, bins=bins)
    panels[-1].set_xlabel("Levenshtein distance (share of the window's length)")
    figure.suptitle("Edit distance between pairs of windows", fontsize=11)
    return figure


def _bins(values: np.ndarray, *, length: int | None) -> np.ndarray:
    """Edges of about 60 bins, float; where the length is known each holds as many whole numbers of edits: of two here
    and three there one hill becomes several.

    Examples
    --------
    >>> import numpy as np
    >>> (_bins(np.array([0.25, 1.0]), length=8) * 8).tolist()
    [1.5, 2.5, 3.5, 4.5, 5.5, 6.5, 7.5, 8.5]
    """
    import numpy as np

    if length is None:
        return np.linspace(values.min(), values.max() + 1e-9, _BINS + 1)
    least, most = round(values.min() * length), round(values.max() * length)
    step = -(-(most - least + 1) // _BINS)
    return (np.arange(least, most + step + 1, step) - 0.5) / length


def _draw_pairs(
    axes: Axes, pairs: dict[str, np.ndarray], *, name: str, random: str, colour: str, bins: np.ndarray
) -> None:
    import numpy as np

    for key, style in (
        (name, {"color": colour, "alpha": 0.75}),
        (random, {"color": "#444444", "histtype": "step"}),
    ):
        if key in pairs:
            values = pairs[key]
            weights = np.full(len(values), 100 / len(values))
            median = float(np.median(values))
            label = f"{_DISTANCES.get(key, 'random, equal GC')}, n = {count(len(values))}, median {number(median)}"
            axes.hist(values, bins=bins, weights=weights, label=label, **style)  # type: ignore[arg-type]
            axes.axvline(median, color=style["color"], linewidth=1.2, linestyle="--")
    axes.set_ylabel("pairs (%)")
    if axes.get_legend_handles_labels()[0]:  # no group has pairs where nothing is clustered
        axes.legend(loc="upper left", frameon=False, fontsize=8.5)


def cluster_names(labels: np.ndarray) -> np.ndarray:
    """Labels as text, noise as "noise": str array of shape (n,).

    Examples
    --------
    >>> import numpy as np
    >>> cluster_names(np.array([-1, 3])).tolist()
    ['noise', '3']
    """
    import numpy as np

    return np.where(labels < 0, "noise", labels.astype(str))


def _short(text: str) -> str:
    # matplotlib hides legend entries that begin with an underscore
    text = " ".join(text.lstrip("_").split())
    return _plain(text if len(text) <= _LONGEST_NAME else f"{text[: _LONGEST_NAME - 1]}…") or "none"


def _plain(text: str) -> str:
    return text.replace("$", r"\$")  # matplotlib reads $…$ as mathematics
