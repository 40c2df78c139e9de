"""The report's figures, tables and page, beside the curve of the run in Weights & Biases."""

from __future__ import annotations

from pathlib import Path

from dnabert.pretraining.tracking import tracked_run


def track_report(report: str | Path, *, run: str | Path) -> bool:
    """Log a report to the W&B run of its training.

    Parameters
    ----------
    report : folder of `write_report`: its ``figures/*.png`` become media, its ``tables/*.tsv`` tables, its page HTML.
    run : folder of ``train/pretrain.py``.

    Returns
    -------
    Whether the run is tracked in W&B; if not, nothing is done.
    """
    import pandas as pd

    report = Path(report)
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
