import itertools
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dnabert.report.canvas import save_all
from dnabert.report.evidence import Evidence, read_evidence
from dnabert.report.figures import distance_figure, draw_all, ladder_figure, loss_figure, map_figure
from dnabert.report.metrics import METRICS


@pytest.fixture(scope="module")
def evidence(comparison: Path, run: Path) -> Evidence:
    return read_evidence(comparison, run=run)


def test_all_figures_as_png_and_svg(evidence: Evidence, tmp_path: Path) -> None:
    figures = draw_all(evidence)
    assert set(figures) == {"map_cluster", "map_repeat_class", "map_region", "loss", "ladder", "edit_distance"}
    save_all(figures, tmp_path / "figures")
    for name in figures:
        assert (tmp_path / "figures" / f"{name}.png").read_bytes().startswith(b"\x89PNG")
        assert "<svg" in (tmp_path / "figures" / f"{name}.svg").read_text()[:1000]


def test_bins_of_edit_distances_hold_as_many_numbers_of_edits_each() -> None:
    """Of two here and three there one hill looked like two."""
    rng = np.random.default_rng(0)
    edits = rng.normal(240, 7, 60_000).round()
    figure = distance_figure(
        {"pairs": {"within": (edits / 448).round(4).tolist(), "random_equal_gc": [130 / 448]}}, length=448
    )
    axes = figure.axes[0]
    heights = np.array([patch.get_height() for patch in axes.patches if hasattr(patch, "get_height")])
    assert heights.sum() == pytest.approx(100)
    top = int(heights.argmax())
    assert (np.diff(heights[: top + 1]) > -0.5).all() and (np.diff(heights[top:]) < 0.5).all()


def test_pairs_are_drawn_with_their_median() -> None:
    """The test is of ranks, and cards tell medians: the mean, drawn beside them, may lie on the other side."""
    figure = distance_figure({"pairs": {"within": [0.1, 0.52, 0.54], "random_equal_gc": [0.5, 0.51, 0.52]}})
    axes = figure.axes[0]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == [
        "within a cluster, n = 3, median 0.520",
        "random, equal GC, n = 3, median 0.510",
    ]
    assert [line.get_xdata()[0] for line in axes.lines] == [0.52, 0.51]


def test_a_map_of_what_was_not_annotated_is_left_out(evidence: Evidence) -> None:
    table = evidence.map.assign(repeat_class="unknown", region=["unknown"] * (len(evidence.map) - 1) + ["CDS"])
    assert {name for name in draw_all(replace(evidence, map=table)) if name.startswith("map_")} == {
        "map_cluster",
        "map_region",
    }


def test_floors_are_lines_with_their_order(evidence: Evidence) -> None:
    (axes,) = loss_figure(evidence.metrics, floors=evidence.floors).axes
    texts = [text.get_text() for text in axes.texts]
    assert "order 9: 1.817 (best Markov)" in texts
    assert len(texts) == 14
    flat = {line.get_ydata()[0] for line in axes.lines if len(set(line.get_ydata())) == 1}
    assert {1.817, 1.946, 2.0} <= flat
    heights = [text.xyann[1] for text in axes.texts]
    assert min(b - a for a, b in itertools.pairwise(heights)) > 0


def test_the_floor_from_both_sides_is_a_line_of_its_own(evidence: Evidence) -> None:
    floors = (evidence.floors or {}) | {"bidirectional": {"best": {"order": "mixture", "bits_per_base": 1.73}}}
    (axes,) = loss_figure(evidence.metrics, floors=floors).axes
    texts = [text.get_text() for text in axes.texts]
    assert "both sides: 1.730" in texts and "order 9: 1.817 (best Markov)" in texts and len(texts) == 15
    assert 1.73 in {line.get_ydata()[0] for line in axes.lines if len(set(line.get_ydata())) == 1}


def test_ladder_and_maps_say_n_and_units(evidence: Evidence) -> None:
    figures = draw_all(evidence)
    axes = figures["map_cluster"].axes[0]
    assert "n = 4,000" in axes.get_title()
    assert axes.get_xlabel() == "UMAP 1 (no unit)"
    assert next(a.get_title(loc="left") for a in figures["ladder"].axes) == "10 nearest neighbours: repeat class"


def test_titles_of_panels_hold_the_whole_name_of_each_measure(evidence: Evidence) -> None:
    value = {"value": 0.2, "low": 0.1, "high": 0.3, "n": 9}
    figure = ladder_figure([{**evidence.ladder[0], "metrics": {metric.key: value for metric in METRICS}}])
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert {metric.name for metric in METRICS if not metric.key.startswith("ari_")} == set(titles) - {""}


def test_names_in_a_legend_are_cut_within_a_word(evidence: Evidence) -> None:
    """Long names have no blanks to be cut at (`transcribed_unprocessed_pseudogene`): what told them apart was gone, all
    were an ellipsis."""
    names = ["LTR/Gypsy_of_a_family_with_a_long_name", "LTR/Copia_of_a_family_with_a_long_name", "a$b"]
    table = evidence.map.assign(repeat_class=[names[i % 3] for i in range(len(evidence.map))])
    figure = map_figure(replace(evidence, map=table), column="repeat_class", title="repeat class")
    told = [text.get_text().rpartition(" (")[0] for text in figure.axes[0].get_legend().get_texts()]
    assert sorted(told) == ["LTR/Copia_of_a_family_with_…", "LTR/Gypsy_of_a_family_with_…", r"a\$b"]


def test_families_without_a_look_of_their_own_are_one_layer(evidence: Evidence) -> None:
    """A layer for each of 1,400 families took half a minute a map."""
    names = [f"family{(i // 3) % 500}" if i % 3 else "Alu" for i in range(len(evidence.map))]
    axes = map_figure(
        replace(evidence, map=evidence.map.assign(repeat_class=names)), column="repeat_class", title="repeat class"
    ).axes[0]
    assert len(axes.collections) == 21 and sum(len(layer.get_offsets()) for layer in axes.collections) == len(names)
    assert [text.get_text() for text in axes.get_legend().get_texts()][-1] == "481 more"


def test_drawing_leaves_pyplot_and_its_backend_alone() -> None:
    code = (
        "import sys; from dnabert.report.figures import loss_figure;"
        "loss_figure([{'tokens': 1, 'validation_bits_per_base': 1.9}], floors=None);"
        "sys.exit('matplotlib.pyplot' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
