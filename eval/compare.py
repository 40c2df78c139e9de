"""The ladder of encoders on one corpus: embed, cluster, score, explain, and a page with the answer.

    python eval/compare.py --config configs/compare/demo.yaml --run RUN --out DIR

Every part is a folder of its own in DIR; one that stands there with the same configuration and inputs is kept.
"""

from dnabert.comparison.config import CompareConfig
from dnabert.config import parse
from dnabert.errors import one_line


@one_line
def main() -> None:
    """Parse, compare, say where the page is."""
    config = parse(CompareConfig, description=__doc__ or "")
    from dnabert.comparison import compare  # after --help, which needs no torch

    print(compare(config))


if __name__ == "__main__":
    main()
