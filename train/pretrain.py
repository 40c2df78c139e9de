"""Pretrain a masked language model on a corpus: ``accelerate launch train/pretrain.py --corpus DIR --out RUN``.

Without any argument it pretrains on the embedded demo corpus. Every field of the config is a flag; see ``--help``.
"""

from dnabert.config import parse
from dnabert.errors import one_line
from dnabert.pretraining.config import PretrainConfig


@one_line
def main() -> None:
    """Parse, pretrain, say where the run is."""
    config = parse(PretrainConfig, prog="train/pretrain.py", description=__doc__)
    from dnabert.pretraining import pretrain  # after --help, which needs no torch

    print(pretrain(config))


if __name__ == "__main__":
    main()
