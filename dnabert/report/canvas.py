"""What figures are drawn on, and how they are written."""

from __future__ import annotations

from pathlib import Path
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def blank_figure(*, width: float, height: float) -> Figure:
    """A figure with its own Agg canvas: pyplot, its global backend and its list of open figures stay untouched."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    return figure


def save_all(figures: dict[str, Figure], folder: Path) -> None:
    """Write each figure as PNG (160 dots per inch) and SVG."""
    folder.mkdir()
    for name, figure in figures.items():
        figure.savefig(folder / f"{name}.png", dpi=160)
        save_svg(figure, folder / f"{name}.svg", dpi=200)


def save_svg(figure: Figure, file: Path | IO[bytes], *, dpi: float = 100) -> None:
    """Write a figure as SVG, the same bytes whenever it is drawn; `dpi` is of what is drawn as pixels in it."""
    import matplotlib

    with matplotlib.rc_context({"svg.hashsalt": "dnabert"}):
        figure.savefig(file, format="svg", dpi=dpi, metadata={"Date": None})
