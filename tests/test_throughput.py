"""The benchmarks run; how fast is for a quiet machine to say."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).parents[1] / "eval" / "throughput.py"


@pytest.fixture(scope="module")
def throughput() -> ModuleType:
    spec = importlib.util.spec_from_file_location("throughput", SCRIPT)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["throughput"] = module  # dataclasses look their own module up
    spec.loader.exec_module(module)
    return module


@pytest.fixture(autouse=True)
def _parallelism(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKENIZERS_PARALLELISM", "false")


@pytest.mark.parametrize("stride", ["4", "1"])
def test_tokenizer(throughput: ModuleType, capsys: pytest.CaptureFixture[str], stride: str) -> None:
    throughput.main(
        ["tokenizer", "--k", "4", "--stride", stride, "--windows", "30", "--peer-windows", "10", "--repeats", "2"]
    )
    printed = capsys.readouterr().out
    assert f"k 4, stride {stride} (2 repeats)" in printed and "Mbp/s, median" in printed
    peer = next(line for line in printed.splitlines() if line.startswith("tokenizer(texts)"))
    assert peer.split()[-1] == "1.0"


def test_corpus(throughput: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    throughput.main(["corpus", "--length", "50000", "--windows", "20", "--repeats", "1"])
    printed = capsys.readouterr().out
    assert [name in printed for name in ("prepare", "view.bases", "view.input_ids", "pyfaidx")] == [True] * 4


def test_rates_are_amounts_per_second(throughput: ModuleType) -> None:
    turns: list[str] = []
    contenders = tuple(throughput.Contender(name, 10.0, lambda name=name: turns.append(name)) for name in "ab")
    rates = throughput.measure(throughput.Contest("", "", contenders), repeats=3)
    assert turns == list("abababab") and [len(its.wall) for its in rates] == [3, 3]
    assert min(min(its.wall + its.cpu) for its in rates) > 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["tokeniser"], "no benchmark 'tokeniser'"),
        (["tokenizer", "--repeats", "0"], "--repeats is 0"),
        (["tokenizer", "--kk", "1"], "kk"),
    ],
)
def test_mistakes_are_one_line(
    throughput: ModuleType, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    with pytest.raises(SystemExit) as left:
        throughput.main(arguments)
    error = capsys.readouterr().err
    assert left.value.code == 2 and message in error and error.count("\n") == 1


def test_help_names_the_benchmarks(throughput: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    throughput.main([])
    printed = capsys.readouterr().out
    assert all(f"throughput.py {name}" in printed for name in throughput.BENCHMARKS)
