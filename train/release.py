"""Hand a run on: its model in bf16, with its tokenizer and a model card.

Example: python train/release.py --run runs/mine --out mine --data "chromosome 22 of four apes."
"""

from dataclasses import dataclass

from dnabert.command import Result, run_command
from dnabert.errors import one_line


@dataclass(kw_only=True)
class ReleaseConfig:
    """A run's model in bf16, with its tokenizer and a model card."""

    run: str
    """Finished folder of train/pretrain.py."""
    out: str
    """Folder to make; it loads as the run does."""
    data: str | None = None
    """What it was trained on, in a sentence for the card; default: what the corpus's manifest says."""
    license: str | None = None
    """Licence for the card, by the Hub's identifier (cc-by-4.0, mit, …); without one it states none."""
    overwrite: bool = False
    """Replace a release that stands there."""


def work(config: ReleaseConfig) -> Result:
    """Write the release; its folder and the bytes of its files."""
    from dnabert.pretraining.release import release  # after --help, which needs no torch

    made = release(config.run, out=config.out, data=config.data, license=config.license, overwrite=config.overwrite)
    return Result(
        {"out": made, "files": {path.name: path.stat().st_size for path in sorted(made.iterdir()) if path.is_file()}}
    )


@one_line
def main() -> None:
    """Parse, write, say where it is."""
    run_command(ReleaseConfig, work, prog="train/release.py", description=__doc__)


if __name__ == "__main__":
    main()
