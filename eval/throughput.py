"""How fast the parts are, side by side with a peer on the same machine in the same run.

    python eval/throughput.py tokenizer [--k 7] [--stride 7] [--windows 20000] [--repeats 7]
    python eval/throughput.py corpus [--length 20000000] [--windows 20000] [--repeats 5]
    python eval/throughput.py pretrain [--k 6] [--model.hidden-size 256] [--batch-size 64] [--steps 10] [--compile]
    python eval/throughput.py data [--k 6] [--batch-size 512] [--threads 8] [--repeats 5]
    python eval/throughput.py embed [--k 6] [--model.hidden-size 256] [--windows 1000] [--repeats 5]

Example: python eval/throughput.py tokenizer --repeats 5

Every line gives the median and the range over the repeats, by the clock on the wall, the median by processor time,
and how many times the peer's median it is (wall). The contenders take turns, so that a busy moment of the machine
meets them all, after one turn that does not count. --json writes every turn's rates to stdout, --quiet nothing.
"""

from __future__ import annotations

import functools
import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.batches import DataBenchmark, data
from benchmarks.contest import Contest, facts, measure, table
from benchmarks.training import PretrainBenchmark, pretrain
from benchmarks.vectors import EmbedBenchmark, embed
from benchmarks.words import CorpusBenchmark, TokenizerBenchmark, corpus, tokenizer

from dnabert.command import Result, run_command, version_line
from dnabert.errors import UserError, one_line

#: Name of the subcommand to its settings and what it compares.
BENCHMARKS: dict[str, tuple[type[Any], Callable[..., list[Contest]]]] = {
    "tokenizer": (TokenizerBenchmark, tokenizer),
    "corpus": (CorpusBenchmark, corpus),
    "pretrain": (PretrainBenchmark, pretrain),
    "data": (DataBenchmark, data),
    "embed": (EmbedBenchmark, embed),
}


def work(config: Any, *, contests: Callable[..., list[Contest]]) -> Result:
    """Run one benchmark's contests; a table of each as it comes."""
    for name in ("windows", "peer_windows", "length", "steps", "batch_size", "threads"):
        if getattr(config, name, 1) < 1:
            raise UserError(f"--{name.replace('_', '-')} is {getattr(config, name)}, allowed is 1 or more")
    measured = []
    with tempfile.TemporaryDirectory() as scratch:
        for contest in contests(config, scratch=Path(scratch)):
            rates = measure(contest, repeats=config.repeats)
            print(table(contest, rates), flush=True)
            measured.append(facts(contest, rates))
    return Result({"contests": measured}, text="")


@one_line
def main(argv: Sequence[str] | None = None) -> None:
    """Read the command line, run one benchmark and print its tables."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if not arguments or arguments[0] in ("-h", "--help"):
        print(__doc__.strip())
        return
    if arguments[0] == "--version":
        print(version_line())
        return
    name = arguments.pop(0)
    if name not in BENCHMARKS:
        raise UserError(f"no benchmark {name!r}, allowed is {' or '.join(BENCHMARKS)}: see --help")
    # one core each: the Rust tokenizer would take all of them for a batch, and numpy takes one
    if name in ("tokenizer", "corpus"):
        os.environ["TOKENIZERS_PARALLELISM"] = "false"
    config_class, contests = BENCHMARKS[name]
    description = f"{config_class.__doc__}\n\nExample: python eval/throughput.py {name} --repeats 5"
    run_command(
        config_class,
        functools.partial(work, contests=contests),
        arguments,
        prog=f"eval/throughput.py {name}",
        description=description,
    )


if __name__ == "__main__":
    main()
