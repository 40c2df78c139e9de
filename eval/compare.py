"""The ladder of encoders on one corpus: embed, cluster, score, explain, and a page with the answer.

Example: python eval/compare.py --config configs/compare/demo.yaml --run RUN --out DIR

Every part is a folder of its own in DIR; one that stands there with the same configuration and inputs is kept.
"""

from pathlib import Path

from dnabert.command import Result, run_command
from dnabert.comparison.config import CompareConfig
from dnabert.errors import one_line
from dnabert.json_file import read_json


def work(config: CompareConfig) -> Result:
    """Compare; the page's path, and every rung's scores."""
    from dnabert.comparison import compare  # after --help, which needs no torch

    page = compare(config)
    ladder = read_json(Path(config.out) / "ladder.json")
    return Result({"out": config.out, "page": page, "ladder": ladder}, text=str(page))


@one_line
def main() -> None:
    """Parse, compare, say where the page is."""
    run_command(CompareConfig, work, prog="eval/compare.py", description=__doc__ or "")


if __name__ == "__main__":
    main()
