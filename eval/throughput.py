"""How fast the parts are, side by side with a peer on the same machine in the same run.

    python eval/throughput.py tokenizer [--k 7] [--stride 7] [--windows 20000] [--repeats 7]
    python eval/throughput.py corpus [--length 20000000] [--windows 20000] [--repeats 5]

Every line gives the median and the range over the repeats, by the clock on the wall, the median by processor time,
and how many times the peer's median it is (wall). The contenders take turns, so that a busy moment of the machine
meets them all, after one turn that does not count.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from dnabert.config import parse
from dnabert.errors import UserError, one_line


@dataclass(frozen=True)
class Contender:
    """One way to do the work, and how much of it one turn does."""

    name: str
    amount: float
    work: Callable[[], object]


@dataclass(frozen=True)
class Contest:
    """Contenders at the same work; the last one is the peer that the others are compared with."""

    title: str
    unit: str
    """Of the contenders' amounts."""
    contenders: tuple[Contender, ...]


@dataclass
class Rates:
    """A contender's amounts per second, one per repeat."""

    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    """Per second of processor time, all threads together: what one core gives, however busy the machine is."""


def measure(contest: Contest, *, repeats: int) -> list[Rates]:
    """Let the contenders take turns; give each one's rates."""
    if repeats < 1:
        raise UserError(f"--repeats is {repeats}, allowed is 1 or more: pass --repeats 5")
    rates = [Rates() for _ in contest.contenders]
    for turn in range(repeats + 1):
        for contender, its in zip(contest.contenders, rates, strict=True):
            wall, cpu = time.perf_counter(), time.process_time()
            contender.work()
            wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
            if turn:  # the first one warms caches and lazy imports
                its.wall.append(contender.amount / wall)
                its.cpu.append(contender.amount / max(cpu, 1e-9))
    return rates


def table(contest: Contest, *, repeats: int) -> str:
    """Run a contest and write it as a table."""
    rates = measure(contest, repeats=repeats)
    peer = statistics.median(rates[-1].wall)
    lines = [
        f"{contest.title} ({repeats} repeats)",
        f"{'':34s}{contest.unit + '/s, median':>20s}{'range':>26s}{'per CPU s':>13s}{'× peer':>9s}",
    ]
    for contender, its in zip(contest.contenders, rates, strict=True):
        median, cpu = statistics.median(its.wall), statistics.median(its.cpu)
        spread = f"{min(its.wall):,.1f} – {max(its.wall):,.1f}"
        lines.append(f"{contender.name:34s}{median:20,.1f}{spread:>26s}{cpu:13,.1f}{median / peer:9.1f}")
    return "\n".join(lines) + "\n"


@dataclass
class TokenizerBenchmark:
    """Bases into ids: the vectorised path beside the Hugging Face path, on the same random windows, one core."""

    k: int = 7
    """Bases of a word."""
    stride: int | None = None
    """Bases from word to word; by default k."""
    windows: int = 20_000
    """Windows tokenized by the vectorised path in one turn."""
    peer_windows: int = 1_000
    """Windows tokenized by the Hugging Face path, in one batch."""
    length: int = 448
    """Bases of a window."""
    repeats: int = 7
    """Turns that count."""
    seed: int = 0
    """Of the random bases."""


def tokenizer(config: TokenizerBenchmark, *, scratch: Path) -> list[Contest]:
    """Compare `KmerTokenizer.encode_bases` with calling the tokenizer on strings."""
    from dnabert.tokenizer import KmerTokenizer

    kmers = KmerTokenizer(config.k, config.stride)
    letters = np.frombuffer(b"ACGTacgt", dtype=np.uint8)
    chosen = np.random.default_rng(config.seed).integers(0, len(letters), (config.windows, config.length))
    bases = letters[chosen]
    few = bases[: config.peer_windows]
    texts = [row.tobytes().decode() for row in few]
    if not np.array_equal(kmers.encode_bases(few), kmers(texts)["input_ids"]):
        raise RuntimeError("the two paths give different ids: their speeds are not comparable")
    fast = Contender("encode_bases", bases.size / 1e6, lambda: kmers.encode_bases(bases))
    peer = Contender("tokenizer(texts), Hugging Face", few.size / 1e6, lambda: kmers(texts))
    title = f"ids of {config.length} bp windows, k {kmers.k}, stride {kmers.stride}"
    return [Contest(title, "Mbp", (fast, peer))]


@dataclass
class CorpusBenchmark:
    """A simulated FASTA into a corpus, and its windows out again, beside pyfaidx reading window by window."""

    length: int = 20_000_000
    """Bases of the simulated sequence."""
    windows: int = 20_000
    """Windows drawn at random in one turn."""
    k: int = 7
    """Bases of a word, where windows become ids."""
    repeats: int = 5
    """Turns that count."""
    seed: int = 0
    """Of the simulation and of the draw."""


def corpus(config: CorpusBenchmark, *, scratch: Path) -> list[Contest]:
    """Compare `prepare` and the view of a corpus with a loop over pyfaidx."""
    import pyfaidx

    from dnabert.corpus import config_from_fasta, prepare
    from dnabert.corpus.simulate import simulate_fasta
    from dnabert.tokenizer import KmerTokenizer

    fasta = simulate_fasta(scratch / "simulated.fa", length=config.length, seed=config.seed)
    settings = config_from_fasta(fasta)
    prepared = prepare(settings, out=scratch / "corpus")
    view, width = prepared.view(None), prepared.window_length
    starts = view.column("start")
    rows = np.random.default_rng(config.seed).integers(0, len(view), config.windows)
    kmers = KmerTokenizer(config.k)

    def fetch(some: np.ndarray) -> list[str]:
        with pyfaidx.Fasta(str(fasta), as_raw=True) as genome:
            sequence = genome["chr1"]
            return [sequence[start : start + width] for start in some.tolist()]

    def again() -> object:
        return prepare(settings, out=scratch / "again", overwrite=True)

    megabases, drawn = config.length / 1e6, float(config.windows)
    preparing = (
        Contender("prepare", megabases, again),
        Contender("pyfaidx, nothing saved", megabases, lambda: fetch(starts)),
    )
    bases = (
        Contender("view.bases", drawn, lambda: view.bases(rows)),
        Contender("pyfaidx", drawn, lambda: fetch(starts[rows])),
    )
    ids = (
        Contender("view.input_ids", drawn, lambda: view.input_ids(rows, tokenizer=kmers)),
        Contender("pyfaidx, Hugging Face tokenizer", drawn, lambda: kmers(fetch(starts[rows]))),
    )
    return [
        Contest(f"a FASTA of {megabases:g} Mbp into windows of {width} bp", "Mbp", preparing),
        Contest(f"{config.windows:,} windows at random", "windows", bases),
        Contest(f"{config.windows:,} windows at random as ids, k {config.k}", "windows", ids),
    ]


#: Name of the subcommand to its settings and what it compares.
BENCHMARKS: dict[str, tuple[type[Any], Callable[..., list[Contest]]]] = {
    "tokenizer": (TokenizerBenchmark, tokenizer),
    "corpus": (CorpusBenchmark, corpus),
}


@one_line
def main(argv: Sequence[str] | None = None) -> None:
    """Read the command line, run one benchmark and print its tables."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if not arguments or arguments[0] in ("-h", "--help"):
        print(__doc__.strip())
        return
    name = arguments.pop(0)
    if name not in BENCHMARKS:
        raise UserError(f"no benchmark {name!r}, allowed is {' or '.join(BENCHMARKS)}: see --help")
    # one core each: the Rust tokenizer would take all of them for a batch, and numpy takes one
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    config_class, contests = BENCHMARKS[name]
    config = parse(config_class, arguments, prog=f"throughput.py {name}")
    with tempfile.TemporaryDirectory() as scratch:
        for contest in contests(config, scratch=Path(scratch)):
            print(table(contest, repeats=config.repeats), flush=True)


if __name__ == "__main__":
    main()
