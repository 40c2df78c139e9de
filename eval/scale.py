"""Time and memory of the stages on a genome as large as one likes, simulated: is memory flat where it says so?

Example: python eval/scale.py --bases 3e9 --windows 1000000 --out runs/scale --encoder kmer:4 --stages prepare embed
cluster

Each stage is the command that a user types (with --quiet), in a process of its own. Its peak memory is told in two
parts: what it holds itself (anonymous memory, looked at ten times a second), and what it has touched in all, pages of
memory-mapped files included, which the system takes back when it needs them. A genome that stands in the folder already
is used again.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from dnabert.command import Result, run_command
from dnabert.corpus.simulate import Simulation, simulate_fasta
from dnabert.errors import UserError, one_line

_STAGES = ("prepare", "embed", "cluster", "assign", "explain", "export")
#: As many as the human genome has, without the mitochondrion.
_CHROMOSOMES = 24
#: Sequences that are assigned.
_NEW = 1000


@dataclass
class ScaleConfig:
    """Simulate a genome and run the stages on it, measured."""

    out: str
    """Folder for the genome and what is made of it; a stage that stands there is replaced."""
    bases: float = 3e9
    """Bases of the genome, in 24 sequences of one length."""
    windows: int = 1_000_000
    """Windows that are embedded, and from there on clustered; all of them where there are fewer."""
    encoder: str = "kmer:4"
    """As `dnabert embed` takes it."""
    stages: list[str] = field(default_factory=lambda: ["prepare", "embed", "cluster"])
    """Which stages are run, in this order: prepare, embed, cluster, assign, explain, export."""

    def __post_init__(self) -> None:
        unknown = [name for name in self.stages if name not in _STAGES]
        if unknown:
            raise UserError(f"--stages names {unknown[0]}, allowed is {', '.join(_STAGES)}")
        if not 3e5 <= self.bases <= 1e12 or self.windows < 1:  # of fewer no sequence holds a gene
            raise UserError(
                f"--bases is {self.bases:g} and --windows {self.windows}, allowed is 3e5 to 1e12 and 1 or more"
            )


@dataclass(frozen=True)
class Measured:
    """What a command took."""

    seconds: float
    processor_seconds: float
    """Of all its threads together: what one core takes, however busy the machine is."""
    own_bytes: int
    """Peak of its anonymous memory."""
    all_bytes: int
    """Peak of its resident memory, pages of mapped files included."""


def measure(command: Sequence[str]) -> Measured:
    """Run a command to its end, and watch its memory.

    Raises
    ------
    UserError
        when it fails.
    """
    began = time.perf_counter()
    process = subprocess.Popen(command)
    own = 0
    try:
        while True:
            done, status, used = os.wait4(process.pid, os.WNOHANG)
            if done:
                break
            own = max(own, _anonymous(process.pid))
            time.sleep(0.1)
    except BaseException:  # SIGTERM: the stage would go on alone, for hours
        process.terminate()
        process.wait()
        raise
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise UserError(f"{' '.join(command[2:4])} ended with status {process.returncode}: see above")
    return Measured(time.perf_counter() - began, used.ru_utime + used.ru_stime, own, used.ru_maxrss * 1024)


def _anonymous(process: int) -> int:
    """Bytes; 0 where the system does not say (it is Linux that does)."""
    try:
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("RssAnon:")), 0)


def _genome(config: ScaleConfig) -> Path:
    """A YAML of the simulated genome with its genes and repeats."""
    out = Path(config.out)
    out.mkdir(parents=True, exist_ok=True)
    text = "genomes: [{name: simulated, fasta: genome.fa, genes: genes.gtf, repeats: repeats.bed}]\n"
    written = out / f"genome-{config.bases:g}.yaml"
    if not written.exists():
        others = [out / name for name in ("genome.fa", "genes.gtf", "repeats.bed") if (out / name).exists()]
        if others and not any(out.glob("genome-*.yaml")):
            raise UserError(f"{others[0]} is not of this benchmark, which would overwrite it: choose another --out")
        unfinished = out / "genome-unfinished.yaml"  # what a killed process leaves is of this benchmark, and no genome
        for other in out.glob("genome-*.yaml"):
            other.unlink()
        unfinished.write_text(text)
        simulate_fasta(
            out / "genome.fa",
            length=int(config.bases) // _CHROMOSOMES,
            seed=0,
            chroms=tuple(f"chr{i + 1}" for i in range(_CHROMOSOMES)),
            genes=out / "genes.gtf",
            repeats=out / "repeats.bed",
            simulation=Simulation(n_run=50_000, families=30),
        )
        unfinished.rename(written)
    return written


def _commands(config: ScaleConfig, genome: Path) -> dict[str, tuple[list[str], str]]:
    """Each stage's arguments and the folder or file that it makes."""
    out = Path(config.out)
    made = {name: str(out / name) for name in ("corpus", "embeddings", "clusters", "explanation")}
    return {
        "prepare": (["--config", str(genome)], made["corpus"]),
        "embed": ([config.encoder, made["corpus"], "--sample", str(config.windows)], made["embeddings"]),
        "cluster": ([made["embeddings"]], made["clusters"]),
        "assign": ([made["clusters"], str(out / "new.fa")], str(out / "assigned.tsv")),
        "explain": ([made["clusters"]], made["explanation"]),
        "export": ([made["clusters"]], str(out / "clusters.parquet")),
    }


def _amount(stage: str, config: ScaleConfig) -> tuple[float, str]:
    """How much a stage that has ended went through."""
    if stage == "prepare":
        return config.bases / 1e6, "Mb"
    if stage == "assign":
        return _NEW, "sequences"
    from dnabert.corpus import load_corpus  # after --help, which needs no torch

    return min(config.windows, len(load_corpus(Path(config.out) / "corpus").view(None))), "windows"


def work(config: ScaleConfig) -> Result:
    """Run the stages; a line per stage as it ends."""
    genome = _genome(config)
    commands = _commands(config, genome)
    if "assign" in config.stages:
        simulate_fasta(Path(config.out) / "new.fa", length=448, seed=1, chroms=tuple(f"read{i}" for i in range(_NEW)))
    heads = ("stage", "amount", "seconds", "of a processor", "per second of it", "own memory", "with mapped files")
    print(f"| {' | '.join(heads)} |\n|{'---|' * len(heads)}")
    stages = []
    for name in config.stages:
        arguments, made = commands[name]
        found = measure(
            [sys.executable, "-m", "dnabert.cli", name, *arguments, "--out", made, "--overwrite", "--quiet"]
        )
        amount, unit = _amount(name, config)
        print(
            f"| {name} | {amount:,.0f} {unit} | {found.seconds:,.0f} | {found.processor_seconds:,.0f} | "
            f"{amount / found.processor_seconds:,.1f} {unit} | "
            f"{found.own_bytes / 2**30:.2f} GiB | {found.all_bytes / 2**30:.2f} GiB |",
            flush=True,
        )
        stages.append({"stage": name, "amount": amount, "unit": unit, **asdict(found)})
    return Result({"out": config.out, "stages": stages}, text="")


@one_line
def main(argv: Sequence[str] | None = None) -> None:
    """Parse, run, say what each stage took."""
    run_command(ScaleConfig, work, argv, prog="eval/scale.py", description=__doc__ or "")


if __name__ == "__main__":
    main()
