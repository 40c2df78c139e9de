"""The real commands, stopped at random moments, on a disk that is full, and on inputs that changed: whole or absent."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import http.server
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dnabert.corpus.simulate import Simulation, simulate_fasta
from dnabert.manifest import read_manifest, sha256

pytestmark = pytest.mark.slow

#: What stops each command, each at a random moment of the time that it takes; test_killed_stages.py has the fifty kills
#: of a stage.
_STOPPED_BY = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
_ROOT = Path(__file__).parents[2]
#: Keys of JSON that hold measured times or dates, and so differ from run to run.
_TIMES = ("seconds", "created", "command")

Command = tuple[str, list[str]]


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A simulated genome with genes and repeats, and every stage made from it, in one folder."""
    folder = tmp_path_factory.mktemp("work")
    served = folder / "served"
    served.mkdir()
    simulate_fasta(
        folder / "tiny.fa",
        length=60_000,
        seed=1,
        chroms=("chr1", "chr2"),
        genes=folder / "tiny.gtf",
        repeats=folder / "tiny.bed",
        simulation=Simulation(n_run=500),
    )
    (folder / "corpus.yaml").write_text(
        "genomes: [{name: tiny, fasta: tiny.fa, genes: tiny.gtf, repeats: tiny.bed}]\nwindow: {length: 112}\n"
    )
    (folder / "pretrain.yaml").write_text(_PRETRAIN)
    (folder / "compare.yaml").write_text(_COMPARE)
    (folder / "finetune.yaml").write_text(_FINETUNE)
    rows = [f"{''.join(np.random.default_rng(n).choice(list('ACGT'), 60))},{'ab'[n % 2]}\n" for n in range(300)]
    (folder / "task.csv").write_text("sequence,label\n" + "".join(rows))
    shutil.copy(folder / "tiny.fa", served / "tiny.fa")
    (folder / "registry.json").write_text(
        json.dumps({"source": "http://x", "assemblies": {"tiny": {"files": {"fasta": ["tiny.fa"]}}}})
    )
    handler = functools.partial(_Quiet, directory=str(served))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    (folder / "address").write_text(f"http://127.0.0.1:{server.server_port}")
    for name in _COMMANDS:
        done = _run(folder, name, out=_out(folder, name))
        assert done.returncode == 0, (name, done.stderr[-2000:])
    yield folder
    server.shutdown()
    server.server_close()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


#: Command to its kind of folder (none: a file) and its arguments; names of other commands stand for what they made.
_COMMANDS: dict[str, Command] = {
    "fetch": ("", ["fetch", "tiny", "--registry", "registry.json", "--base-url", "ADDRESS", "--cache", "OUT.cache"]),
    "prepare": ("corpus", ["prepare", "--config", "corpus.yaml"]),
    "embed": ("embeddings", ["embed", "kmer:4", "prepare"]),
    "cluster": ("clusters", ["cluster", "embed", "--min-cluster-size", "10"]),
    "stability": ("stability", ["stability", "cluster", "--seeds", "2", "--subsamples", "3"]),
    "explain": ("explanation", ["explain", "cluster", "--pairs", "20", "--stability", "stability"]),
    "assign": ("", ["assign", "cluster", "tiny.fa"]),
    "export": ("", ["export", "cluster"]),
    "pretrain": ("run", ["train/pretrain.py", "--config", "pretrain.yaml"]),
    "finetune": ("finetuning", ["train/finetune.py", "--config", "finetune.yaml"]),
    "score": ("scores", ["score", "pretrain", "prepare", "--windows", "40", "--order", "3"]),
    "comparison": ("comparison", ["eval/compare.py", "--config", "compare.yaml"]),
    "report": ("report", ["report", "comparison"]),
}
#: Commands that go on from what a killed one has left at the same place, which is no result but no nothing either.
_GO_ON = ("pretrain", "comparison")
_ENDINGS = {"export": ".parquet"}
_PRETRAIN = """
corpus: prepare
k: 4
model: {hidden_size: 32, layers: 2, heads: 2, intermediate_size: 32}
batch_size: 8
steps: 6
evaluation_windows: 10
checkpoint_every: 2
floor_order: 2
tracker: none
threads: 1
precision: fp32
"""
_FINETUNE = """
task: task.csv
run: pretrain
epochs: 1
seeds: [0, 1, 2]
resamples: 5
precision: fp32
threads: 1
"""
_COMPARE = """
corpus: prepare
rungs: [{name: kmer2, encoder: 'kmer:2'}, {name: kmer1, encoder: 'kmer:1'}]
ladder_windows: 100
map_windows: 150
retrieval: {query: tiny, target: tiny, n: 10}
ladder_cluster: {min_cluster_size: 8, neighbors: 15}
map_cluster: {min_cluster_size: 8, neighbors: 15}
stability: {seeds: 1, subsamples: 2, unit: window}
explain: {pairs: 20}
symmetry_windows: 10
pairs: 50
resamples: 5
tracker: none
"""


def _command(folder: Path, name: str, *, out: Path) -> list[str]:
    address = (folder / "address").read_text()
    words = [word.replace("ADDRESS", address).replace("OUT", str(out)) for word in _COMMANDS[name][1]]
    program = [str(_ROOT / words[0]), *words[1:]] if words[0].endswith(".py") else ["-m", "dnabert.cli", *words]
    return [sys.executable, *program, "--out", str(out)]


def _out(folder: Path, name: str) -> Path:
    return folder / f"{name}{_ENDINGS.get(name, '')}"


def _run(folder: Path, name: str, *, out: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        _command(folder, name, out=out), cwd=folder, capture_output=True, text=True, check=False, timeout=600
    )


def _content(path: Path) -> dict[str, str]:
    """Files of a folder, or a file, to their hashes; measured times and dates left out."""
    files = sorted(x for x in path.rglob("*") if x.is_file()) if path.is_dir() else [path]
    return {str(file.relative_to(path)): hashlib.sha256(_timeless(file)).hexdigest() for file in files}


def _timeless(file: Path) -> bytes:
    if file.suffix == ".json":
        return json.dumps(_without_times(json.loads(file.read_text()))).encode()
    lines = file.read_bytes()
    return lines if file.name != "fetch" else b"".join(lines.splitlines()[2:])


def _without_times(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_times(each) for key, each in value.items() if key not in _TIMES}
    return [_without_times(each) for each in value] if isinstance(value, list) else value


def _stop_after(folder: Path, name: str, *, out: Path, seconds: float, by: signal.Signals) -> None:
    """Stop a command, with the programs that it has started; of a moment to clear up nothing is left in TMPDIR."""
    temporary = out.parent / "temporary"
    temporary.mkdir(exist_ok=True)
    process = subprocess.Popen(
        _command(folder, name, out=out),
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        env={**os.environ, "TMPDIR": str(temporary)},
    )
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, by)
        process.wait()
    left = [x.name for x in temporary.iterdir()]
    shutil.rmtree(temporary)
    assert by == signal.SIGKILL or not left, left


@pytest.mark.parametrize("name", [name for name in _COMMANDS if name not in _GO_ON])
def test_stopped_at_a_random_moment(work: Path, tmp_path: Path, name: str) -> None:
    kind = _COMMANDS[name][0]
    out = _out(tmp_path, name)
    began = time.monotonic()
    assert _run(work, name, out=out).returncode == 0
    duration = time.monotonic() - began
    whole = _content(out)
    moments = np.random.default_rng(0).uniform(0, duration, len(_STOPPED_BY))
    for moment, by in zip(moments, _STOPPED_BY, strict=True):
        shutil.rmtree(out) if out.is_dir() else out.unlink(missing_ok=True)
        _stop_after(work, name, out=out, seconds=moment, by=by)
        if out.exists():
            assert not kind or read_manifest(out, kind=kind)
            assert _content(out) == whole
            continue
        done = _run(work, name, out=out)
        assert done.returncode == 0, (moment, done.stderr[-2000:])
        assert _content(out) == whole
        assert not [x.name for x in tmp_path.iterdir() if x.name.startswith(".")]


@contextlib.contextmanager
def _disk(folder: Path, *, options: str) -> Iterator[Path]:
    """A file system in memory, for root."""
    disk = folder / "disk"
    disk.mkdir()
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        pytest.skip("mounting needs root")
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "tmpfs", disk], capture_output=True, check=False
    ).returncode:
        pytest.skip("nothing can be mounted here")
    try:
        yield disk
    finally:
        subprocess.run(["umount", "--lazy", disk], check=True)


def _check_one_line(done: subprocess.CompletedProcess[str], out: Path, *, mend: str) -> None:
    lines = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert done.returncode == 2 and len(lines) == 1 and "Traceback" not in done.stderr, done.stderr[-3000:]
    assert mend in lines[0], lines
    assert not (out / "manifest.json").exists() and not out.is_file()
    assert not [x.name for x in out.parent.iterdir() if x.name.endswith(".partial")]


@pytest.mark.parametrize("name", _COMMANDS)
@pytest.mark.parametrize("room", [0, 5], ids=["none left", "a little left"])
def test_a_full_disk_is_one_line(work: Path, tmp_path: Path, name: str, room: int) -> None:
    """Full before the command begins, or after its first pages."""
    with _disk(tmp_path, options="size=64k") as disk:
        with contextlib.suppress(OSError), (disk / "full").open("wb", buffering=0) as file:
            for _ in range(16 - room):
                file.write(bytes(1 << 12))
        out = disk / f"out{_ENDINGS.get(name, '')}"
        done = _run(work, name, out=out)
        if room and not done.returncode:
            assert out.exists()  # it is so little that it had room
            return
        _check_one_line(done, out, mend="free space" if name not in _GO_ON else "No space left on device")


@pytest.mark.parametrize("name", _COMMANDS)
def test_a_folder_that_may_only_be_read_is_one_line(work: Path, tmp_path: Path, name: str) -> None:
    with _disk(tmp_path, options="ro,size=64k") as disk:
        out = disk / f"out{_ENDINGS.get(name, '')}"
        # these ask before hours of work
        mend = (
            "is no folder that can be written: choose another --out"
            if name in ("fetch", "assign")
            else "Read-only file system"
        )
        _check_one_line(_run(work, name, out=out), out, mend=mend)


@pytest.mark.parametrize(
    ("again", "with_", "noticed_by"),
    [
        ("prepare", ["prepare", "tiny.fa"], ["explain"]),  # a corpus without annotation
        ("embed", ["embed", "kmer:3", "prepare"], ["explain", "stability", "export"]),
        # its stability is of other clusters
        ("cluster", ["cluster", "embed", "--min-cluster-size", "12"], ["explain"]),
    ],
)
def test_what_was_made_again_in_between_is_noticed(
    work: Path, tmp_path: Path, again: str, with_: list[str], noticed_by: list[str]
) -> None:
    for name in ("prepare", "embed", "cluster", "stability"):
        shutil.copytree(work / name, tmp_path / name)
        manifest = tmp_path / name / "manifest.json"
        manifest.write_text(manifest.read_text().replace(str(work), str(tmp_path)))
    # the paths are others now
    for name, origin in (("embed", "prepare"), ("cluster", "embed"), ("stability", "cluster")):
        manifest = tmp_path / name / "manifest.json"
        known = json.loads(manifest.read_text())
        known["inputs"]["input" if name == "embed" else {"cluster": "embeddings", "stability": "clusters"}[name]][
            "sha256"
        ] = sha256(tmp_path / origin / "manifest.json")
        manifest.write_text(json.dumps(known))
    for file in ("tiny.fa", "tiny.gtf", "tiny.bed", "corpus.yaml", "address", "registry.json"):
        shutil.copy(work / file, tmp_path / file)
    done = subprocess.run(
        [sys.executable, "-m", "dnabert.cli", *with_, "--out", again, "--overwrite"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    for name in noticed_by:
        out = tmp_path / f"{name}_again{_ENDINGS.get(name, '')}"
        done = _run(tmp_path, name, out=out)
        assert done.returncode == 2 and "Traceback" not in done.stderr and not out.exists(), done.stderr[-2000:]
        assert "made from" in done.stderr or "other" in done.stderr, done.stderr[-2000:]
