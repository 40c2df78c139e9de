"""Fine-tune a run on labelled sequences: ``python train/finetune.py --task FOLDER --run RUN --out DIR``.

A task is a folder with train, dev and test (CSV or TSV with the columns sequence and label, or FASTA with the label as the
header's last word), or one such file or a UCI .data file, which is split. Every field of the config is a flag; see ``--help``.
"""

from dnabert.config import parse
from dnabert.errors import one_line
from dnabert.finetuning.config import FinetuneConfig


@one_line
def main() -> None:
    """Parse, fine-tune, say where the classifier is."""
    config = parse(FinetuneConfig, prog="train/finetune.py", description=__doc__)
    from dnabert.finetuning import finetune  # after --help, which needs no torch

    print(finetune(config))


if __name__ == "__main__":
    main()
