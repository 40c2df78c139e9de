"""Hand a run on: ``python train/release.py --run RUN --out DIR --data "what it was trained on."``."""

from dataclasses import dataclass

from dnabert.config import parse
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


@one_line
def main() -> None:
    """Parse, write, say where it is."""
    config = parse(ReleaseConfig, prog="train/release.py", description=__doc__)
    from dnabert.pretraining.release import release  # after --help, which needs no torch

    made = release(config.run, out=config.out, data=config.data, license=config.license, overwrite=config.overwrite)
    print(made)


if __name__ == "__main__":
    main()
