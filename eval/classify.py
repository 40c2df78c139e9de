"""Fine-tuned run, the untrained model, convolution and k-mer counts on labelled tasks: one table, with paired
differences.

Example: python eval/classify.py --tasks FOLDER_OR_FILE --run RUN --out DIR

A task is a folder with train, dev and test (CSV or TSV with the columns sequence and label, or FASTA with the label as
the header's last word), or one such file, with a column split or to be split, or a UCI .data file. Sequences may have
any length: those longer than a window are tiled.
"""

from dnabert.command import Result, run_command
from dnabert.errors import one_line
from dnabert.finetuning.config import ClassifyConfig
from dnabert.json_file import read_json


def work(config: ClassifyConfig) -> Result:
    """Train and score; the folder, and what stands in its tables."""
    from dnabert.finetuning import classify  # after --help, which needs no torch

    out = classify(config)
    return Result({"out": out, "tasks": read_json(out / "results.json")})


@one_line
def main() -> None:
    """Parse, train, say where the tables are."""
    run_command(ClassifyConfig, work, prog="eval/classify.py", description=__doc__ or "")


if __name__ == "__main__":
    main()
