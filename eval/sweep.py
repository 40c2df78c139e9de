"""Train variants of a recipe for equal computing time: one table, with paired differences to the first.

Example: python eval/sweep.py --config configs/sweep/small.yaml --corpus corpus --out runs/sweep

A variant is a name and flags of train/pretrain.py. Speed is measured first, in turns with the first; each variant then
reads what it can in the time that the first takes for --tokens. What is finished in --out is not trained again.
"""

from dnabert.command import Result, run_command
from dnabert.errors import one_line
from dnabert.json_file import read_json
from dnabert.pretraining.sweep import SweepConfig


def work(config: SweepConfig) -> Result:
    """Train and compare; the folder, and what stands in its table."""
    from dnabert.pretraining.sweep import sweep

    out = sweep(config)
    return Result(
        {"out": out, "variants": read_json(out / "results.json")}, text=(out / "table.md").read_text().rstrip()
    )


@one_line
def main() -> None:
    """Parse, train, show the table."""
    run_command(SweepConfig, work, prog="eval/sweep.py", description=__doc__ or "")


if __name__ == "__main__":
    main()
