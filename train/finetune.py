"""Fine-tune a run on labelled sequences.

Example: python train/finetune.py --task FOLDER --run RUN --out DIR

A task is a folder with train, dev and test (CSV or TSV with the columns sequence and label, or FASTA with the label as
the header's last word), or one such file, with a column split or to be split, or a UCI .data file. Every field of the
config is a flag; see ``--help``.
"""

from pathlib import Path

from dnabert.command import Result, run_command
from dnabert.errors import one_line
from dnabert.finetuning.config import FinetuneConfig
from dnabert.json_file import read_json


def work(config: FinetuneConfig) -> Result:
    """Fine-tune; the classifier's folder, and every seed's scores on test."""
    from dnabert.finetuning import finetune  # after --help, which needs no torch

    out: Path = finetune(config)
    return Result({"out": out, **read_json(out / "results.json")})


@one_line
def main() -> None:
    """Parse, fine-tune, say where the classifier is."""
    run_command(FinetuneConfig, work, prog="train/finetune.py", description=__doc__)


if __name__ == "__main__":
    main()
