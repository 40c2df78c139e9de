"""The measurement of time and memory runs; how much it is, a quiet machine and a large genome say."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).parents[1] / "eval" / "scale.py"


@pytest.fixture(scope="module")
def scale() -> ModuleType:
    spec = importlib.util.spec_from_file_location("scale", SCRIPT)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["scale"] = module  # dataclasses look their own module up
    spec.loader.exec_module(module)
    return module


def test_a_line_for_each_stage(scale: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    scale.main(
        [
            "--bases",
            "300000",
            "--windows",
            "100",
            "--encoder",
            "kmer:2",
            "--out",
            str(out),
            "--stages",
            "prepare",
            "embed",
        ]
    )
    lines = [
        line.split(" | ")
        for line in capsys.readouterr().out.splitlines()
        if line.startswith("| ") and "---" not in line
    ]
    assert [line[0] for line in lines] == ["| stage", "| prepare", "| embed"]
    for line in lines[1:]:
        assert (
            float(line[2]) >= 0
            and float(line[3]) >= 0
            and line[5].endswith(" GiB")
            and float(line[6].split()[0]) >= float(line[5].split()[0])
        )
    before = (out / "genome.fa").stat().st_mtime_ns
    scale.main(["--bases", "300000", "--windows", "100", "--out", str(out), "--stages"])
    assert (out / "genome.fa").stat().st_mtime_ns == before


def test_rates_are_of_the_windows_that_there_are(
    scale: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scale.main(
        [
            "--bases",
            "300000",
            "--windows",
            "100000",
            "--encoder",
            "kmer:2",
            "--out",
            str(tmp_path),
            "--stages",
            "prepare",
            "embed",
        ]
    )
    windows = json.loads((tmp_path / "corpus" / "summary.json").read_text())[0]["windows"]
    assert f"| embed | {sum(windows.values())} windows |" in capsys.readouterr().out


def test_a_genome_whose_simulation_was_stopped_is_none(
    scale: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small, large = scale.ScaleConfig(out=str(tmp_path), bases=3e5), scale.ScaleConfig(out=str(tmp_path), bases=6e5)
    scale._genome(small)
    whole = (tmp_path / "genome.fa").read_bytes()

    def stopped(path: Path, **_: object) -> None:
        path.write_text(">half")
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(scale, "simulate_fasta", stopped)
        with pytest.raises(KeyboardInterrupt):
            scale._genome(large)
    scale._genome(small)
    assert (tmp_path / "genome.fa").read_bytes() == whole


def test_what_a_process_holds_is_told(scale: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that fills 200 MB is seen to hold them; it ends when it was seen, however long that takes."""
    look, seen = scale._anonymous, tmp_path / "seen"

    def looked(process: int) -> int:
        held: int = look(process)
        if held >= 200 << 20:
            seen.touch()
        return held

    monkeypatch.setattr(scale, "_anonymous", looked)
    code = (
        "import os, time; x, end = bytearray(200 << 20), time.time() + 60\n"
        f"while not os.path.exists({str(seen)!r}) and time.time() < end: time.sleep(0.01)"
    )
    found = scale.measure([sys.executable, "-c", code])
    assert 200 << 20 <= found.own_bytes <= 300 << 20 and found.all_bytes >= found.own_bytes


def test_a_stage_ends_with_its_measurement(scale: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[subprocess.Popen[bytes]] = []
    begin = subprocess.Popen

    def terminated(seconds: float) -> None:
        raise SystemExit(143)

    monkeypatch.setattr(scale.subprocess, "Popen", lambda command: started.append(begin(command)) or started[0])
    monkeypatch.setattr(scale.time, "sleep", terminated)
    with pytest.raises(SystemExit):
        scale.measure([sys.executable, "-c", "import time; time.sleep(30)"])
    assert started[0].returncode is not None


@pytest.mark.parametrize(
    ("words", "line"),
    [(["--stages", "bake"], "--stages names bake, allowed is prepare"), (["--bases", "1e5"], "--bases is 100000 ")],
)
def test_what_cannot_be_measured_is_one_line(
    scale: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], line: str
) -> None:
    with pytest.raises(SystemExit, match="2"):
        scale.main(["--out", str(tmp_path), *words])
    assert line in capsys.readouterr().err
