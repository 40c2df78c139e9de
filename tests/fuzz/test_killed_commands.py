"""The real commands, killed at random moments, on a disk that is full, and on inputs that changed: whole or absent."""

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
from dnabert.stage import read_manifest

pytestmark = pytest.mark.slow

#: Moments at which each command is killed, spread over the time that it takes.
_MOMENTS = 5
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
        folder / "tiny.fa", length=60_000, seed=1, chroms=("chr1", "chr2"), genes=folder / "tiny.gtf", repeats=folder / "tiny.bed",
        simulation=Simulation(n_run=500),
    )  # fmt: skip
    (folder / "corpus.yaml").write_text(
        "genomes: [{name: tiny, fasta: tiny.fa, genes: tiny.gtf, repeats: tiny.bed}]\nwindow: {length: 112}\n"
    )
    shutil.copy(folder / "tiny.fa", served / "tiny.fa")
    (folder / "registry.json").write_text(
        json.dumps({"source": "http://x", "assemblies": {"tiny": {"files": {"fasta": ["tiny.fa"]}}}})
    )
    handler = functools.partial(_Quiet, directory=str(served))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    (folder / "address").write_text(f"http://127.0.0.1:{server.server_port}")
    for name in _COMMANDS:
        done = _run(folder, name, out=folder / name)
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
}


def _command(folder: Path, name: str, *, out: Path) -> list[str]:
    address = (folder / "address").read_text()
    words = [word.replace("ADDRESS", address).replace("OUT", str(out)) for word in _COMMANDS[name][1]]
    return [sys.executable, "-m", "dnabert.cli", *words, "--out", str(out)]


def _run(folder: Path, name: str, *, out: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(_command(folder, name, out=out), cwd=folder, capture_output=True, text=True, check=False, timeout=600)


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


def _kill_after(folder: Path, name: str, *, out: Path, seconds: float) -> None:
    process = subprocess.Popen(
        _command(folder, name, out=out), cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)  # with the programs that it has started
        process.wait()


@pytest.mark.parametrize("name", _COMMANDS)
def test_killed_at_a_random_moment(work: Path, tmp_path: Path, name: str) -> None:
    kind = _COMMANDS[name][0]
    out = tmp_path / name
    began = time.monotonic()
    assert _run(work, name, out=out).returncode == 0
    duration = time.monotonic() - began
    whole = _content(out)
    moments = np.random.default_rng(0).uniform(0, duration, _MOMENTS)
    for moment in moments:
        shutil.rmtree(out) if out.is_dir() else out.unlink(missing_ok=True)
        _kill_after(work, name, out=out, seconds=moment)
        if out.exists():
            assert not kind or read_manifest(out, kind=kind)
            assert _content(out) == whole
            continue
        done = _run(work, name, out=out)
        assert done.returncode == 0, (moment, done.stderr[-2000:])
        assert _content(out) == whole
        assert not [x.name for x in tmp_path.iterdir() if kind and x.name.endswith(".partial")]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="mounting needs root")
@pytest.mark.parametrize("name", _COMMANDS)
def test_a_full_disk_is_one_line(work: Path, tmp_path: Path, name: str) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4k", "tmpfs", disk], capture_output=True, check=False).returncode:
        pytest.skip("nothing can be mounted here")
    try:
        with contextlib.suppress(OSError), (disk / "full").open("wb", buffering=0) as file:
            file.write(bytes(1 << 20))
        done = _run(work, name, out=disk / "out")
        lines = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
        assert done.returncode == 2 and len(lines) == 1 and "Traceback" not in done.stderr, done.stderr[-2000:]
        assert "free space" in lines[0] and not (disk / "out").exists()
        assert not [x.name for x in disk.iterdir() if x.name.endswith(".partial")]
    finally:
        subprocess.run(["umount", "--lazy", disk], check=True)


def test_what_was_made_again_in_between_is_noticed(work: Path, tmp_path: Path) -> None:
    for name in ("prepare", "embed", "cluster", "stability"):
        shutil.copytree(work / name, tmp_path / name)
    for file in ("tiny.fa", "tiny.gtf", "tiny.bed", "corpus.yaml", "address", "registry.json"):
        shutil.copy(work / file, tmp_path / file)
    manifest = tmp_path / "cluster" / "manifest.json"
    manifest.write_text(manifest.read_text().replace(str(work), str(tmp_path)))
    again = subprocess.run(
        [sys.executable, "-m", "dnabert.cli", "embed", "kmer:3", "prepare", "--out", "embed", "--overwrite"], cwd=tmp_path, check=False
    )
    assert again.returncode == 0
    for name in ("explain", "stability"):
        done = _run(tmp_path, name, out=tmp_path / f"{name}_again")
        assert done.returncode == 2 and "made from" in done.stderr and not (tmp_path / f"{name}_again").exists(), done.stderr[-2000:]
