"""Kill a stage at random moments, again and again, and look at what is left: whole, or nothing that is taken for whole.

    python tests/fuzz/killed.py STAGE FOLDER MOMENTS

The stage runs in a fork of a process that has imported everything, so that a moment costs what the stage does and not
what Python's start does. What is left stays there for the next child, as it would for a user; the last child runs to
its end.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
import os
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

#: Keys of JSON that hold measured times, dates or places, and so differ from run to run.
_TIMES = ("seconds", "created", "command", "tokens_per_second", "path", "out", "bytes")
#: Kept in a folder beside what a stage promises: how a run went on, and the page that is drawn of a comparison that is
#: whole.
_BESIDE = ("checkpoints", "report")
#: Pages and pictures tell times too; what they are made from is compared.
_COMPARED = (".json", ".jsonl", ".tsv", ".parquet", ".safetensors", ".arrow", ".fa", ".meme")


@dataclass(frozen=True)
class Stage:
    """A stage: what it reads, what makes it, and whether it goes on from what a killed one has left."""

    run: Callable[[Path, Path], object]
    kind: str
    goes_on: bool = False


def _prepare(folder: Path, out: Path) -> None:
    from dnabert.corpus import CorpusConfig, GenomeConfig, SplitConfig, WindowConfig, prepare

    config = CorpusConfig(
        genomes=[GenomeConfig("tiny", "tiny.fa", genes="tiny.gtf", repeats="tiny.bed")],
        window=WindowConfig(length=112),
        split=SplitConfig(validation_fraction=0.1, test_fraction=0.1),
    )
    prepare(config, out=out, base=folder, overwrite=True)


def _pretrain(folder: Path, out: Path) -> None:
    from dnabert.models.config import ModelConfig
    from dnabert.pretraining import pretrain
    from dnabert.pretraining.config import PretrainConfig

    model = ModelConfig(hidden_size=32, layers=2, heads=2, intermediate_size=32, dropout=0.1)
    config = PretrainConfig(
        corpus=str(folder / "prepare"),
        out=str(out),
        k=4,
        model=model,
        batch_size=64,
        accumulation=4,
        steps=60,
        warmup_steps=2,
        evaluate_every=7,
        evaluation_windows=20,
        checkpoint_every=3,
        floor_order=2,
        log_every=4,
        tracker="none",
        threads=1,
        precision="fp32",
        resume="auto",
    )
    pretrain(config)


def _embed(folder: Path, out: Path) -> None:
    from dnabert.encoders import embed

    embed(str(folder / "pretrain"), folder / "prepare", out=out, overwrite=True)


def _cluster(folder: Path, out: Path) -> None:
    from dnabert.clusters import ClusterConfig, cluster

    cluster(folder / "embed", out=out, config=ClusterConfig(min_cluster_size=10, kmeans=5), overwrite=True)


def _stability(folder: Path, out: Path) -> None:
    from dnabert.clusters.config import StabilityConfig
    from dnabert.clusters.stability import stability

    stability(folder / "cluster", out=out, config=StabilityConfig(seeds=1, subsamples=3, unit="window"), overwrite=True)


def _explain(folder: Path, out: Path) -> None:
    from dnabert.explain import explain
    from dnabert.explain.config import ExplainConfig

    explain(folder / "cluster", out=out, config=ExplainConfig(pairs=20), overwrite=True)


def _assign(folder: Path, out: Path) -> None:
    from dnabert.clusters import assign

    assign(folder / "cluster", folder / "tiny.fa", out=out, overwrite=True)


def _export(folder: Path, out: Path) -> None:
    from dnabert.export import export

    export(folder / "cluster", out=out, overwrite=True)


def _comparison(folder: Path, out: Path) -> None:
    from dnabert.clusters import ClusterConfig
    from dnabert.clusters.config import StabilityConfig
    from dnabert.comparison import CompareConfig, RetrievalConfig, compare
    from dnabert.encoders.rungs import RungConfig
    from dnabert.explain.config import ExplainConfig

    small = ClusterConfig(min_cluster_size=8, neighbors=15)
    compare(
        CompareConfig(
            corpus=str(folder / "prepare"),
            out=str(out),
            rungs=[RungConfig("kmer2", "kmer:2"), RungConfig("kmer1", "kmer:1")],
            ladder_windows=100,
            map_windows=150,
            retrieval=RetrievalConfig("tiny", "tiny", 10),
            ladder_cluster=small,
            map_cluster=small,
            stability=StabilityConfig(seeds=1, subsamples=2, unit="window"),
            explain=ExplainConfig(pairs=20),
            symmetry_windows=10,
            pairs=50,
            resamples=5,
            tracker="none",
        )
    )


#: In the order in which one needs the other.
STAGES = {
    "prepare": Stage(_prepare, "corpus"),
    "pretrain": Stage(_pretrain, "run", goes_on=True),
    "embed": Stage(_embed, "embeddings"),
    "cluster": Stage(_cluster, "clusters"),
    "stability": Stage(_stability, "stability"),
    "explain": Stage(_explain, "explanation"),
    "assign": Stage(_assign, ""),
    "export": Stage(_export, ""),
    "comparison": Stage(_comparison, "comparison", goes_on=True),
}
#: What a stage reads of others.
_NEEDS = {
    "pretrain": ("prepare",),
    "embed": ("prepare", "pretrain"),
    "cluster": ("prepare", "pretrain", "embed"),
    "comparison": ("prepare",),
}
_FILES = {"assign": "out.tsv", "export": "out.parquet"}


def make_inputs(folder: Path, *, stage: str) -> None:
    """A simulated genome of 30 kb with genes and repeats, and the stages before this one."""
    from dnabert.corpus.simulate import Simulation, simulate_fasta

    simulate_fasta(
        folder / "tiny.fa",
        length=15_000,
        seed=1,
        chroms=("chr1", "chr2"),
        genes=folder / "tiny.gtf",
        repeats=folder / "tiny.bed",
        simulation=Simulation(n_run=500, gene_every=5_000),
    )
    for name in _NEEDS.get(stage, () if stage == "prepare" else (*_NEEDS["cluster"], "cluster")):
        STAGES[name].run(folder, folder / name)


def content(path: Path) -> dict[str, str]:
    """Files of a folder, or a file, to the hashes of what is the same in every run."""
    files = sorted(x for x in path.rglob("*") if x.suffix in _COMPARED) if path.is_dir() else [path]
    names = {file: file.relative_to(path) for file in files}
    return {
        str(name): hashlib.sha256(_timeless(file)).hexdigest()
        for file, name in names.items()
        if not any(part in _BESIDE or part.startswith(".report.") for part in name.parts)
    }


def _timeless(file: Path) -> bytes:
    if file.suffix == ".tsv" and file.name == "ladder.tsv":
        return b"".join(
            b"\t".join(x for i, x in enumerate(line.split(b"\t")) if i != 3) for line in file.read_bytes().splitlines()
        )
    if file.name.startswith("loss.") or file.suffix not in (".json", ".jsonl"):
        return file.read_bytes()
    lines = [file.read_text()] if file.suffix == ".json" else file.read_text().splitlines()
    return json.dumps([_without_times(json.loads(line)) for line in lines]).encode()


def _without_times(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            key: _without_times(each) for key, each in value.items() if key not in _TIMES and not key.endswith("sha256")
        }
    return [_without_times(each) for each in value] if isinstance(value, list) else value


def run_child(work: Callable[[], object], *, kill_after: float | None) -> int:
    """Run in a fork, killed with all that it has started after so many seconds; the status as waitpid gives it."""
    process = os.fork()
    if not process:
        try:
            os.setsid()
            quiet = os.open(os.devnull, os.O_WRONLY)
            os.dup2(quiet, 1)
            if kill_after is not None:
                os.dup2(quiet, 2)
            work()
        except BaseException:
            import traceback

            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    deadline = time.monotonic() + (kill_after if kill_after is not None else 600)
    while time.monotonic() < deadline:
        done, status = os.waitpid(process, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(min(0.01, max(deadline - time.monotonic(), 0)))
    try:
        os.killpg(process, signal.SIGKILL)
    except ProcessLookupError:  # not even a group of its own yet
        os.kill(process, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


def kill_again_and_again(stage: Stage, folder: Path, out: Path, *, moments: int) -> dict[str, int]:
    """Kill the stage at so many moments; how often it had come to its end, and how often nothing stood there."""
    work = functools.partial(stage.run, folder, out)
    work()  # what it imports and compiles is there for every child
    reference = content(out)
    assert reference, "nothing is compared"
    _remove(out)
    began = time.monotonic()
    assert run_child(work, kill_after=None) == 0, "unbroken"
    duration = time.monotonic() - began
    assert content(out) == reference, differing(content(out), reference)
    _remove(out)
    seen = {"killed": 0, "whole": 0, "absent": 0, "begun": 0}
    rng = np.random.default_rng(len(reference))
    while seen["killed"] < moments:
        status = run_child(work, kill_after=float(rng.uniform(0, duration)))
        assert status in (0, -signal.SIGKILL), status
        seen["killed"] += status != 0
        state = _look(stage, out, reference)
        seen[state] += 1
        if state == "whole":
            _remove(out)
    assert run_child(work, kill_after=None) == 0, "after the last kill"
    assert content(out) == reference, differing(content(out), reference)
    _remove(out)
    left = list(out.parent.iterdir())
    assert not left, left
    return seen


def _look(stage: Stage, out: Path, reference: dict[str, str]) -> str:
    """Whether what stands there is whole, absent, or (where a stage goes on) begun: known as no result."""
    from dnabert.errors import UserError
    from dnabert.manifest import read_manifest

    if not out.exists():
        return "absent"
    if stage.kind:
        try:
            read_manifest(out, kind=stage.kind)
        except UserError:
            assert stage.goes_on, f"{out} stands there and is no {stage.kind}"
            return "begun"
    assert content(out) == reference, differing(content(out), reference)
    return "whole"


def differing(a: dict[str, str], b: dict[str, str]) -> list[str]:
    """Names of the files that are not the same."""
    return sorted(name for name in {*a, *b} if a.get(name) != b.get(name))


def _remove(out: Path) -> None:
    shutil.rmtree(out) if out.is_dir() else out.unlink()


def main(name: str, folder: str, moments: str) -> None:
    """Kill one stage; print how it went."""
    import tqdm

    tqdm.tqdm.monitor_interval = 0  # no thread of this process may hold a lock when it forks
    tqdm.tqdm.set_lock(threading.RLock())  # its own is shared among forks: a killed one would hold it for ever
    place = Path(folder)
    make_inputs(place, stage=name)
    (place / "killed").mkdir()
    found = kill_again_and_again(STAGES[name], place, place / "killed" / _FILES.get(name, "out"), moments=int(moments))
    print(json.dumps(found | {"stage": dataclasses.asdict(STAGES[name])["kind"]}))


if __name__ == "__main__":
    main(*sys.argv[1:])
