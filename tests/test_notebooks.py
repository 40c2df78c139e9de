"""The notebooks: stripped of outputs, valid, led by text; and (slow) each runs from the first cell to the last."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import nbformat
import pandas as pd
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from dnabert.report.colours import OTHER, PALETTE

ROOT = Path(__file__).parent.parent
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
#: What a run must have shown: text of any output, and how many pictures.
SHOWN = {
    "embed_and_explain": (["AMI of 20 k-means clusters", "sequences:", "in common"], 2),
    "pretrain_in_a_minute": (["best Markov model, order", "hidden:"], 1),
    "tokens": (["[UNK]", "True", "asked words that can be read off"], 1),
    "your_own_genome": (["family0", "mine: 600,000 bases", "are stable", "cluster_0"], 1),
}


def read(path: Path) -> Any:
    return nbformat.read(path, as_version=nbformat.NO_CONVERT)


def test_each_is_known():
    assert [path.stem for path in NOTEBOOKS] == sorted(SHOWN)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_valid_and_stripped(path):
    notebook = read(path)
    nbformat.validate(notebook)
    assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)
    assert notebook.metadata.kernelspec.name == "python3" and set(notebook.metadata) == {"kernelspec", "language_info"}
    for cell in notebook.cells:
        assert cell.metadata == {}
        if cell.cell_type == "code":
            assert cell.outputs == [] and cell.execution_count is None, (
                "strip the outputs: Kernel, Restart and Clear All Outputs"
            )


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_text_leads(path):
    cells = read(path).cells
    assert cells[0].cell_type == "markdown" and cells[0].source.startswith("# ")
    code = [cell.source for cell in cells if cell.cell_type == "code"]
    assert "import dnabert" in code[0] and len(code) <= 12
    texts = [cell.source for cell in cells if cell.cell_type == "markdown"]
    assert len(texts) >= len(code) / 2
    named = [word for text in texts for word in text.replace("`", " ").split() if word.endswith(".ipynb")]
    assert not [name for name in named if not (ROOT / "notebooks" / name).exists()]


@pytest.mark.parametrize("families", [3, 14])
def test_the_bars_of_a_cluster_are_all_of_its_windows(families):
    """A genome of one's own has more families of repeats than there are colours; those beyond were left out, and the
    eleventh stood in the grey of none."""
    (source,) = [
        cell.source
        for cell in read(ROOT / "notebooks" / "your_own_genome.ipynb").cells
        if "def share_figure" in cell.source
    ]
    repeats = [f"family{i}" for i in range(families) for _ in range(20 - i)] + ["none"] * 30
    table = pd.DataFrame({"label": [i % 3 - 1 for i in range(len(repeats))], "repeat_class": repeats})
    names: dict[str, Any] = {"pd": pd, "Figure": Figure, "PALETTE": PALETTE, "OTHER": OTHER, "table": table}
    exec(source, names)
    axes = names["share_figure"](table).axes[0]
    heights = [[bar.get_height() for bar in bars] for bars in axes.containers]
    assert [sum(each) for each in zip(*heights, strict=True)] == pytest.approx([1, 1, 1])
    grey = [bars.get_label() for bars in axes.containers if to_hex(bars[0].get_facecolor()).upper() == OTHER]
    assert grey == ["none"] and len(axes.containers) == min(families, len(PALETTE)) + 1


@pytest.mark.slow
@pytest.mark.filterwarnings("default")  # of the client and its sockets; those of our code are raised in the other tests
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_runs(path, tmp_path):
    from nbclient import NotebookClient

    notebook = read(path)
    NotebookClient(
        notebook, timeout=900, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}
    ).execute()
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    assert not [output for output in outputs if output.output_type == "error"]
    texts, pictures = SHOWN[path.stem]
    said = "\n".join(output.get("text", "") + output.get("data", {}).get("text/plain", "") for output in outputs)
    said += "\n".join(output.get("data", {}).get("text/html", "") for output in outputs)
    assert not [text for text in texts if text not in said], said
    drawn = [base64.b64decode(x.data["image/png"]) for x in outputs if "image/png" in x.get("data", {})]
    assert len(drawn) == pictures and all(len(picture) > 5_000 for picture in drawn)
    assert list(tmp_path.iterdir()) == []  # what they make goes with their temporary folders
