"""The benchmarks run; how fast is for a quiet machine to say."""

from __future__ import annotations

import importlib
import importlib.util
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from dnabert.models.config import ModelConfig

SCRIPT = Path(__file__).parents[1] / "eval" / "throughput.py"


@pytest.fixture(scope="module")
def throughput() -> Iterator[ModuleType]:
    sys.path.insert(0, str(SCRIPT.parent))  # as Python does for a script
    spec = importlib.util.spec_from_file_location("throughput", SCRIPT)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["throughput"] = module  # dataclasses look their own module up
    spec.loader.exec_module(module)
    yield module
    sys.path.remove(str(SCRIPT.parent))


@pytest.fixture(scope="module")
def training(throughput: ModuleType) -> ModuleType:
    return importlib.import_module("benchmarks.training")


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
    contest = importlib.import_module("benchmarks.contest")
    contenders = tuple(contest.Contender(name, 10.0, lambda name=name: turns.append(name)) for name in "ab")
    rates = contest.measure(contest.Contest("", "", contenders), repeats=3)
    assert turns == list("abababab") and [len(its.wall) for its in rates] == [3, 3]
    assert min(min(its.wall + its.cpu) for its in rates) > 0


SMALL = ["--k", "3", "--length", "60", "--repeats", "1"]
SMALL += ["--model.hidden-size", "16", "--model.heads", "2", "--model.layers", "1", "--model.intermediate-size", "16"]


def test_pretrain(throughput: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    throughput.main(["pretrain", *SMALL, "--batch-size", "4", "--steps", "2", "--precision", "fp32"])
    printed = capsys.readouterr().out
    assert "training of bert, 1 x 16, batch 4 x 22 tokens, fp32" in printed
    assert all(name in printed for name in ("dnabert, AdamW", "dnabert, Muon", "transformers.Trainer", "GFLOP/s"))


def test_the_peer_is_compiled_too(training: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compiled: list[object] = []
    monkeypatch.setattr("dnabert.models.build.compile_layers", compiled.append)
    model = ModelConfig(hidden_size=16, heads=2, layers=1, intermediate_size=16)
    (contest,) = training.pretrain(
        training.PretrainBenchmark(k=3, length=60, model=model, compile=True), scratch=tmp_path
    )
    names = [contender.name for contender in contest.contenders]
    assert names[-2:] == ["transformers.Trainer, AdamW, compiled", "transformers.Trainer, AdamW"]
    assert len(compiled) == sum("compiled" in name for name in names) == 3


def test_the_trainer_gets_as_many_windows_as_it_is_credited_with(
    training: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = training.PretrainBenchmark(k=3, length=1998, batch_size=64, steps=40)
    sampler, trained = training.simulated_sampler(k=3, length=1998, batch_size=64, seed=0, scratch=tmp_path), []
    assert len(sampler.view) % config.batch_size and len(sampler.view) < config.batch_size * config.steps

    class Recorder:
        def __init__(self, *, train_dataset: list[dict[str, list[int]]], **_: object) -> None:
            trained.append(sum(len(row["input_ids"]) for row in train_dataset))

        def train(self) -> None:
            pass

    monkeypatch.setattr("transformers.Trainer", Recorder)
    training._trainer_steps(config, sampler, bf16=False, fused=False, scratch=tmp_path)()
    assert trained == [40 * 64 * sampler.tokens_per_window]


@pytest.mark.filterwarnings("ignore:This DataLoader will create")  # where there is but one core
@pytest.mark.parametrize(("threads", "names"), [("1", 3), ("2", 6)])
def test_data(throughput: ModuleType, capsys: pytest.CaptureFixture[str], threads: str, names: int) -> None:
    throughput.main(
        [
            "data",
            "--k",
            "3",
            "--length",
            "60",
            "--batch-size",
            "4",
            "--steps",
            "3",
            "--threads",
            threads,
            "--repeats",
            "1",
        ]
    )
    printed = capsys.readouterr().out
    assert "masked batches of 4 x 22 tokens, k 3" in printed
    lines = printed.splitlines()[2:]
    assert len([line for line in lines if line.startswith(("dnabert", "collator"))]) == names
    assert lines[names - 1].startswith("collator, num_workers=0") and lines[names - 1].split()[-1] == "1.0"


def test_embed(throughput: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("sentence_transformers")
    throughput.main(["embed", *SMALL, "--windows", "8"])
    printed = capsys.readouterr().out
    assert "dnabert encoder" in printed and "sentence-transformers encode" in printed
    told = re.search(r"dnabert is ([\d.]+) times as fast as sentence-transformers as it comes", printed)
    assert told is not None
    ours, theirs = (
        float(re.search(rf"{name} +([\d,.]+)", printed)[1].replace(",", ""))
        for name in ("dnabert encoder", "transformers as it comes")
    )
    assert float(told[1]) == pytest.approx(ours / theirs, abs=0.06)


def test_the_peer_of_embed_computes_in_our_precision_by_the_faster_attention(
    throughput: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("sentence_transformers")
    import sentence_transformers
    import torch

    from dnabert.models.build import _attention

    computed = []

    class Recorder(sentence_transformers.SentenceTransformer):
        def encode(self, *_: object, **__: object) -> None:
            attention = self.transformers_model.config._attn_implementation
            computed.append((self.dtype, torch.is_autocast_enabled(self.device.type), attention))

    monkeypatch.setattr("sentence_transformers.SentenceTransformer", Recorder)
    config = throughput.EmbedBenchmark(k=3, length=60, windows=2)
    for bf16, dtype in ((True, torch.bfloat16), (False, torch.float32)):
        monkeypatch.setattr("dnabert.encoders.transformer.use_bf16", lambda *_, bf16=bf16, **__: bf16)
        (contest,) = throughput.embed(config, scratch=tmp_path)
        contest.contenders[-1].work()
        assert computed.pop() == (dtype, False, _attention()) and ("bf16" in contest.title) == bf16
        contest.contenders[1].work()  # as whoever loads the folder has it
        assert computed.pop() == (torch.float32, False, "sdpa")


@pytest.mark.parametrize(("name", "cores"), [("tokenizer", "false"), ("embed", None)])
def test_a_peer_whose_model_has_all_cores_tokenizes_with_all(
    throughput: ModuleType, monkeypatch: pytest.MonkeyPatch, name: str, cores: str | None
) -> None:
    monkeypatch.delenv("TOKENIZERS_PARALLELISM")
    found = []

    def contests(*_: object, **__: object) -> list[object]:
        found.append(os.environ.get("TOKENIZERS_PARALLELISM"))
        return []

    monkeypatch.setitem(throughput.BENCHMARKS, name, (throughput.BENCHMARKS[name][0], contests))
    throughput.main([name])
    assert found == [cores]


def test_flops_of_a_token_counted_by_hand(training: ModuleType, tmp_path: Path) -> None:
    model = ModelConfig(architecture="bert", hidden_size=16, heads=2, layers=2, intermediate_size=32)
    config = training.PretrainBenchmark(k=3, length=60, model=model)
    sampler = training.simulated_sampler(k=3, length=60, batch_size=64, seed=0, scratch=tmp_path)
    # a layer: four 16 x 16 of attention, two 16 x 32; 3 of 22 tokens pass all but queries, keys and values of the
    # second layer, and 16 x 16 and 69 x 16 of the head
    expected = 6 * (4 * 256 + 2 * 512 + 3 * 256 + 3 / 22 * (256 + 2 * 512 + (16 + 69) * 16)) + 2 * 12 * 22 * 16
    assert training._flops_per_token(config, sampler) == pytest.approx(expected)


def test_shares_of_a_cpus_peak_are_those_of_its_own_time(
    training: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    model = ModelConfig(hidden_size=16, heads=2, layers=1, intermediate_size=16)
    (contest,) = training.pretrain(training.PretrainBenchmark(k=3, length=60, model=model), scratch=tmp_path)
    rates = importlib.import_module("benchmarks.contest").Rates
    told = {contest.remark([rates(wall=[wall], cpu=[2.0])] * 3) for wall in (1.0, 2.0)}
    assert len(told) == 1 and "GFLOP/s per CPU s: dnabert, AdamW " in told.pop()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["tokeniser"], "no benchmark 'tokeniser'"),
        (["tokenizer", "--repeats", "0"], "--repeats is 0"),
        (["tokenizer", "--kk", "1"], "kk"),
        (["data", "--threads", "0"], "--threads is 0, allowed is 1 or more"),
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
