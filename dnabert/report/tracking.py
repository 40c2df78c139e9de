"""The report's figures, tables and page, beside the curve of the run in Weights & Biases."""

from __future__ import annotations

import warnings
from pathlib import Path

from dnabert.errors import Caution, first_line
from dnabert.pretraining.tracking import tracked_run


def track_report(report: str | Path, *, run: str | Path) -> bool:
    """Log a report to the W&B run of its training.

    Parameters
    ----------
    report : folder of `write_report`: its ``figures/*.png`` become media, its ``tables/*.tsv`` tables, its page HTML.
    run : folder of ``train/pretrain.py``.

    Returns
    -------
    Whether it stands there: not where the run is not tracked in W&B, nor where W&B does not take it, which is a
    `Caution`, since the report is whole.
    """
    try:
        return _logged(Path(report), run=run)
    except Exception as error:
        # no network, a key that is none, a run's folder that may not be written: an hour's comparison is none the worse
        warnings.warn(f"{report} is whole, but W&B does not take it ({first_line(error)})", Caution, stacklevel=2)
        return False


def _logged(report: Path, *, run: str | Path) -> bool:
    import pandas as pd

    with tracked_run(run) as tracked:
        if tracked is None:
            return False
        import wandb

        media = {f"figures/{path.stem}": wandb.Image(str(path)) for path in sorted((report / "figures").glob("*.png"))}
        tables = {
            f"tables/{path.stem}": wandb.Table(dataframe=pd.read_csv(path, sep="\t"))
            for path in sorted((report / "tables").glob("*.tsv"))
        }
        tracked.log({**media, **tables, "report": wandb.Html(str(report / "report.html"), inject=False)})
    return True
