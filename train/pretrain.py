"""Pretrain a masked language model on a corpus.

Example: accelerate launch train/pretrain.py --config configs/pretrain/small.yaml --corpus corpus --out runs/mine

Without any argument it pretrains on the embedded demo corpus. Every field of the config is a flag; see ``--help``.
"""

from dnabert.command import Result, is_first_process, run_command
from dnabert.errors import one_line
from dnabert.pretraining.config import PretrainConfig
from dnabert.pretraining.stopping import launcher


def work(config: PretrainConfig) -> Result:
    """Pretrain; the run's folder, its last evaluation and what counting scores."""
    launcher()  # before torch is imported: it may end meanwhile
    from dnabert.pretraining import pretrain  # after --help, which needs no torch
    from dnabert.pretraining.card import last_scores

    out = pretrain(config)
    scores = last_scores(out) if is_first_process() else {}  # on another node the folder need not be
    return Result({"out": out, **scores})


@one_line
def main() -> None:
    """Parse, pretrain, say where the run is."""
    run_command(PretrainConfig, work, prog="train/pretrain.py", description=__doc__)


if __name__ == "__main__":
    main()
