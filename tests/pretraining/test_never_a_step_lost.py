"""Whatever ends a run, it goes on as if nothing had been: in the middle of a batch, on other processes, on a full
disk."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from tqdm import tqdm
from transformers import BertConfig, BertForMaskedLM

from dnabert.config import load_yaml, save_yaml
from dnabert.corpus import config_from_fasta, load_corpus, prepare, simulate_fasta
from dnabert.errors import UserError
from dnabert.models.config import ModelConfig
from dnabert.pretraining import loop, pretrain, setup
from dnabert.pretraining.checkpoints import Progress, checkpoints, newest_readable, save_checkpoint
from dnabert.pretraining.config import PretrainConfig
from dnabert.pretraining.divergence import PATIENCE, watched
from dnabert.pretraining.sampling import Sampler
from dnabert.tokenizer import KmerTokenizer

SCRIPT = Path(__file__).parents[2] / "train" / "pretrain.py"
#: What a line of metrics.jsonl measures of time.
_TIMES = ("seconds", "tokens_per_second")
#: Kills the process at the N-th part of a batch: PATH of the config and N are put in.
_KILL_AT_PART = """
import os, signal, sys
import dnabert.pretraining.loop as loop, dnabert.pretraining.step as step
from dnabert.config import load_yaml

backward, left = step._backward, [int(sys.argv[2])]

def counted(*arguments, **keywords):
    left[0] -= 1
    if left[0] == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return backward(*arguments, **keywords)

step._backward = counted
loop.pretrain(load_yaml(loop.PretrainConfig, sys.argv[1]))
"""


def lines(run: Path) -> list[dict[str, float]]:
    """The curve, measured times left out."""
    found = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    return [{key: value for key, value in line.items() if key not in _TIMES} for line in found]


def tensors(run: Path) -> dict[str, torch.Tensor]:
    """Weights, and the optimiser's state at the last step."""
    return load_file(run / "model.safetensors") | load_file(checkpoints(run)[-1] / "optimizer.safetensors")


def same(a: Path, b: Path, **tolerance: float) -> None:
    """The same weights, optimiser and curve: bit for bit, or within the tolerance."""
    ours, theirs = tensors(a), tensors(b)
    assert ours.keys() == theirs.keys()
    for name in ours:
        torch.testing.assert_close(ours[name], theirs[name], **(tolerance or {"rtol": 0, "atol": 0}))
    if not tolerance:
        assert lines(a) == lines(b)


def killed_at_part(config: PretrainConfig, part: int) -> None:
    save_yaml(config, Path(config.out).with_suffix(".yaml"))
    command = [sys.executable, "-c", _KILL_AT_PART, str(Path(config.out).with_suffix(".yaml")), str(part)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == -signal.SIGKILL, ran.stderr


def on_two_processes(config: PretrainConfig, *, port: int) -> str:
    save_yaml(config, Path(config.out).with_suffix(".yaml"))
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc_per_node", "2", "--master_port", str(port)]
    environment = os.environ | {"ACCELERATE_USE_CPU": "true", "OMP_NUM_THREADS": "1"}
    ran = subprocess.run(
        [*command, str(SCRIPT), "--config", str(Path(config.out).with_suffix(".yaml"))],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ran.returncode == 0 and "2 process(es)" in ran.stderr, ran.stderr
    return ran.stderr


def test_killed_within_a_batch_and_an_epoch_it_goes_on_bit_for_bit(config, small_corpus, tmp_path):
    """Four parts a batch, an epoch that ends within a batch, lines of several steps that a checkpoint cuts in two."""
    windows = len(load_corpus(small_corpus)["train"])
    batch = 4 * (windows // 9)  # an epoch is two batches and a part of the third
    model = ModelConfig(hidden_size=32, layers=2, heads=2, intermediate_size=32, dropout=0.1)
    options = {
        "batch_size": batch,
        "accumulation": 4,
        "log_every": 5,
        "steps": 12,
        "checkpoint_every": 3,
        "model": model,
    }
    unbroken = pretrain(config(out=str(tmp_path / "unbroken"), **options))
    broken = config(resume="auto", **options)
    killed_at_part(broken, 4 * 4 + 3)  # in the third part of the fifth step: the checkpoint is of the third
    assert [path.name for path in checkpoints(Path(broken.out))] == ["step-000000003"]
    killed_at_part(broken, 4 * 4 + 2)  # in the eighth step
    assert checkpoints(Path(broken.out))[-1].name == "step-000000006"
    same(unbroken, pretrain(broken))
    assert [line["step"] for line in lines(unbroken) if "learning_rate" in line] == [5, 10]


@pytest.mark.parametrize("evaluate_every", [3, 4, 5])
def test_killed_after_its_last_score_it_has_that_score_once(config, tmp_path, evaluate_every):
    """All is done but the manifest: the score may be due at a checkpoint, at the end, or at both."""
    options = {"steps": 6, "checkpoint_every": 3, "evaluate_every": evaluate_every}
    unbroken = pretrain(config(out=str(tmp_path / "unbroken"), **options))
    broken = pretrain(config(**options))
    for step in (6, 3):
        (broken / "manifest.json").unlink()
        if step == 3:
            shutil.rmtree(checkpoints(broken)[-1])
        same(unbroken, pretrain(config(resume="auto", **options)))


def test_a_run_goes_on_with_another_number_of_processes(config, tmp_path):
    alone = pretrain(config(out=str(tmp_path / "alone")))
    for name, first, port in (("two_then_one", True, 29621), ("one_then_two", False, 29631)):
        half, whole = (
            config(out=str(tmp_path / name), steps=steps, resume="auto", decay_share=0.0) for steps in (4, 6)
        )
        on_two_processes(half, port=port) if first else pretrain(half)
        (tmp_path / name / "manifest.json").unlink()  # as if it had been stopped there
        pretrain(whole) if first else on_two_processes(whole, port=port)
        bits = [
            [x["train_bits_per_base"] for x in lines(tmp_path / each) if "learning_rate" in x]
            for each in ("alone", name)
        ]
        assert len(bits[1]) == 6
        np.testing.assert_allclose(bits[0][:5], bits[1][:5], rtol=1e-4)  # the last step's rate is another schedule's
    assert alone.is_dir()


@pytest.mark.parametrize("parts", [1, 2, 8])
def test_the_global_batch_is_the_same_on_1_2_and_8_processes(small_corpus, parts):
    """Words, hidden positions, what they were and their weights; the loss is a sum over them, divided by the whole
    batch."""
    view = load_corpus(small_corpus).view("train")
    sampler = Sampler(view, KmerTokenizer(k=4), batch_size=16, seed=3, mask_share=0.15, soft_mask_weight=0.1)
    per_epoch = len(view) // 16
    for step in (0, per_epoch, per_epoch + 1, 1000):
        whole, pieces = sampler.batch(step), [sampler.batch(step, part=part, parts=parts) for part in range(parts)]
        for name in ("input_ids", "positions", "labels", "weights", "hidden"):
            np.testing.assert_array_equal(
                getattr(whole, name), np.concatenate([getattr(piece, name) for piece in pieces]), err_msg=name
            )


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="mounting needs root")
def test_a_disk_that_fills_up_leaves_the_earlier_checkpoint(config, tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", disk], capture_output=True, check=False
    ).returncode:
        pytest.skip("nothing can be mounted here")
    try:
        begun = config(out=str(disk / "run"), steps=2)
        pretrain(begun)
        (disk / "run" / "manifest.json").unlink()
        before = {path.name: path.read_bytes() for path in checkpoints(disk / "run")[-1].iterdir()}
        with contextlib.suppress(OSError), (disk / "full").open("wb", buffering=0) as file:
            while True:  # until nothing more fits
                file.write(bytes(1 << 12))
        with pytest.raises(UserError, match="cannot write .*No space left on device.*go on with --resume auto") as told:
            pretrain(config(out=str(disk / "run"), steps=6, resume="auto"))
        assert "\n" not in str(told.value)
        newest = newest_readable(disk / "run")
        assert newest is not None and newest.name == "step-000000002"
        assert {path.name: path.read_bytes() for path in newest.iterdir()} == before
        (disk / "full").unlink()
        pretrain(config(out=str(disk / "run"), steps=6, resume="auto"))
        unbroken = pretrain(config(out=str(tmp_path / "unbroken")))
        same(disk / "run", unbroken, rtol=0, atol=0)
        ours, theirs = ([x for x in lines(run) if "learning_rate" in x] for run in (disk / "run", unbroken))
        assert ours == theirs and len(ours) == 6
    finally:
        subprocess.run(["umount", "--lazy", disk], check=True)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="mounting needs root")
def test_a_folder_that_may_only_be_read_is_one_line(config, tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "ro,size=3m", "tmpfs", disk], capture_output=True, check=False
    ).returncode:
        pytest.skip("nothing can be mounted here")
    try:
        with pytest.raises(UserError, match="cannot make --out .*Read-only file system"):
            pretrain(config(out=str(disk / "run")))
    finally:
        subprocess.run(["umount", "--lazy", disk], check=True)


def test_a_damaged_checkpoint_is_left_out_and_the_one_before_it_taken(config, tmp_path, capsys):
    unbroken = pretrain(config(out=str(tmp_path / "unbroken")))
    run = pretrain(config(steps=4))
    (run / "manifest.json").unlink()
    weights = checkpoints(run)[-1] / "optimizer.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])  # as after a machine that stopped before its disk was written
    found = pretrain(config(steps=6, resume="auto", keep_checkpoints=3))
    assert "step-000000004 is damaged" in capsys.readouterr().err
    assert [line["step"] for line in lines(found)] == [line["step"] for line in lines(unbroken)]
    kept = {path.name for path in (run / "checkpoints").iterdir()}
    assert kept == {".step-000000004.damaged", "step-000000002", "step-000000004", "step-000000006"}
    (run / "manifest.json").unlink()
    pretrain(config(steps=8, resume="auto"))  # its time to go has come
    assert {path.name for path in (run / "checkpoints").iterdir()} == {"step-000000006", "step-000000008"}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("config.json", "{}"),
        ("config.json", "7"),
        ("config.json", ""),
        ("progress.json", '{"step": 2, "tokens": 9, "seconds": 1}'),
    ],
)
def test_small_parts_that_are_not_of_the_checkpoint(config, capsys, name, content):
    run = pretrain(config(steps=4))
    (run / "manifest.json").unlink()
    (checkpoints(run)[-1] / name).write_text(content)
    assert newest_readable(run) == run / "checkpoints" / "step-000000002"
    assert "step-000000004 is damaged" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("file", "changed", "told"),
    [
        (
            "model",
            lambda held: held.pop("model.layers.1.attn.Wqkv.weight"),
            "model.layers.1.attn.Wqkv.weight is not among them",
        ),
        ("optimizer", lambda held: held.clear(), "that of another model or optimiser"),
        ("optimizer", lambda held: held.update(other=torch.zeros(1)), "that of another model or optimiser: see other"),
        (
            "optimizer",
            lambda held: held.pop("model.layers.1.attn.Wqkv.weight/momentum_buffer"),
            "see model.layers.1.attn.Wqkv.weight/momentum_buffer",
        ),
        (
            "optimizer",
            lambda held: held.update({"head.dense.weight/exp_avg": torch.zeros(2)}),
            "see head.dense.weight/exp_avg",
        ),
    ],
)
def test_large_parts_that_are_not_of_the_checkpoint(config, file, changed, told):
    """What is not there would be drawn anew, or begin at zero, and the run go on as another one."""
    run = pretrain(config(steps=4))
    (run / "manifest.json").unlink()
    path = checkpoints(run)[-1] / f"{file}.safetensors"
    held = load_file(path)
    changed(held)
    save_file(held, path, metadata={"format": "pt"})
    with pytest.raises(UserError, match=f"step-000000004 does not fit this config .*{told}"):
        pretrain(config(resume="auto"))


@pytest.mark.parametrize(
    ("evaluate_every", "scored"), [(1, [0, 3, 4, 5, 6]), (2, [0, 3, 4, 6]), (3, [0, 3, 6]), (6, [0, 3, 6])]
)
def test_a_score_that_is_due_no_more_stays(config, evaluate_every, scored):
    run = pretrain(config(steps=3, checkpoint_every=3))
    (run / "manifest.json").unlink()
    pretrain(config(resume="auto", checkpoint_every=3, evaluate_every=evaluate_every))
    assert [line["step"] for line in lines(run) if "validation_bits_per_base" in line] == scored
    assert [line["step"] for line in lines(run) if "train_bits_per_base" in line] == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize("twice", [False, True])
def test_checkpoints_of_which_none_can_be_read_are_kept(config, twice):
    """Of another version, or on a disk that does not answer just now: beginning again would delete them."""
    run = pretrain(config())
    (run / "manifest.json").unlink()
    for each in checkpoints(run):
        (each / "progress.json").write_text('{"step": 4, "tokens": 9}')
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    for _ in range(1 + twice):
        with pytest.raises(
            UserError, match="has checkpoints, but none that can be read: .*pass --overwrite to begin again"
        ):
            pretrain(config(resume="auto"))
        assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == before
    assert lines(pretrain(config(resume="auto", overwrite=True)))[0]["step"] == 0


def test_a_finished_run_that_is_asked_for_again_is_given_as_it_stands(config, capsys):
    """A cluster may queue a job again that has ended."""
    run = pretrain(config())
    before = {path: path.stat().st_mtime_ns for path in run.rglob("*") if path.is_file()}
    capsys.readouterr()
    assert (
        pretrain(config(resume="auto")) == run
        and f"{run} is finished: nothing is left to do" in capsys.readouterr().err
    )
    assert before == {path: path.stat().st_mtime_ns for path in run.rglob("*") if path.is_file()}
    for other in (
        {"resume": "auto", "steps": 7},
        {"resume": "auto", "seed": 5},
        {"resume": "auto", "learning_rate": 1e-3},
        {},
    ):
        with pytest.raises(UserError, match="exists already"):
            pretrain(config(**other))
    assert before == {path: path.stat().st_mtime_ns for path in run.rglob("*") if path.is_file()}


def test_what_a_later_version_says_of_its_progress_is_passed_over(config, tmp_path):
    unbroken, run = (
        pretrain(config(out=str(tmp_path / "unbroken"), decay_share=0.0)),
        pretrain(config(steps=3, decay_share=0.0)),
    )
    (run / "manifest.json").unlink()
    told = checkpoints(run)[-1] / "progress.json"
    told.write_text(json.dumps(json.loads(told.read_text()) | {"moon": "full"}))
    same(unbroken, pretrain(config(resume="auto", decay_share=0.0)))


def test_a_checkpoint_that_is_being_pruned_is_never_half_of_one(config, tmp_path, monkeypatch):
    """The parts of a checkpoint go after its name: whoever is killed in between leaves none that is taken for whole."""
    seen = []
    rmtree = shutil.rmtree

    def looked_at(path, **keywords):
        seen.append(Path(path).name)
        rmtree(path, **keywords)

    monkeypatch.setattr(shutil, "rmtree", looked_at)
    pretrain(config())
    pruned = [name for name in seen if "step-" in name]
    assert pruned and all(name.startswith(".step-") for name in pruned)


def saved(run: Path, model: BertForMaskedLM, *, step: int) -> Path:
    optimizers = [torch.optim.AdamW(model.parameters())]
    return save_checkpoint(run, model=model, optimizers=optimizers, progress=Progress(step=step), keep=2)


@pytest.fixture
def model():
    sizes = {
        "hidden_size": 8,
        "num_hidden_layers": 1,
        "num_attention_heads": 1,
        "intermediate_size": 8,
        "vocab_size": 12,
    }
    return BertForMaskedLM(BertConfig(**sizes, max_position_embeddings=8))


def test_a_second_signal_at_the_same_step_keeps_its_checkpoint(model, tmp_path):
    first = saved(tmp_path, model, step=3)
    before = {path: path.stat().st_ino for path in (first, *first.iterdir())}
    assert saved(tmp_path, model, step=3) == first
    assert {path: path.stat().st_ino for path in (first, *first.iterdir())} == before


def test_another_corpus_is_not_gone_on_with(config, tmp_path):
    run = pretrain(config(steps=2))
    (run / "manifest.json").unlink()
    simulate_fasta(tmp_path / "other.fa", length=200_000, seed=2)
    other = prepare(config_from_fasta([tmp_path / "other.fa"]), out=tmp_path / "other").folder
    with pytest.raises(UserError, match="step-000000002 has learned from another corpus than --corpus now names"):
        pretrain(config(corpus=str(other), resume="auto"))
    again = tmp_path / "again"  # the same genome, prepared again elsewhere, is the same corpus
    simulate_fasta(tmp_path / "genome.fa", length=200_000, seed=1)
    prepare(config_from_fasta([tmp_path / "genome.fa"]), out=again)
    pretrain(config(corpus=str(again), resume="auto"))


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"seed": 1}, "--seed 0, not with --seed 1: pass --seed 0,"),
        ({"optimizer": "adamw"}, "--optimizer muon, not with --optimizer adamw: pass --optimizer muon,"),
        ({"batch_size": 16}, "--batch-size 8, not with --batch-size 16: pass --batch-size 8,"),
        ({"mask_share": 0.3}, "--mask-share 0.15, not with --mask-share 0.3: pass --mask-share 0.15,"),
        (
            {"evaluation_windows": 20},
            "--evaluation-windows 10, not with --evaluation-windows 20: pass --evaluation-windows 10,",
        ),
        ({"random_strand": False}, "--random-strand, not with --no-random-strand: pass --random-strand,"),
        ({"stride": 2}, "--stride 4, not with --stride 2: pass --stride 4,"),
        (
            {"model": ModelConfig(hidden_size=32, layers=2, heads=4, intermediate_size=32)},
            "--model.heads 2, not with --model.heads 4: pass --model.heads 2,",
        ),
    ],
)
def test_another_recipe_is_not_gone_on_with(config, changes, told):
    run = pretrain(config(steps=2))
    (run / "manifest.json").unlink()
    before = (run / "config.yaml").read_text()
    with pytest.raises(UserError, match=f"run was begun with {told}"):
        pretrain(config(**changes, resume="auto"))
    assert (run / "config.yaml").read_text() == before


def test_a_switch_that_was_off_is_named_as_it_is_passed(config):
    run = pretrain(
        config(steps=2, random_phase=False, model=ModelConfig(hidden_size=32, layers=2, heads=2, intermediate_size=32))
    )
    (run / "manifest.json").unlink()
    with pytest.raises(
        UserError, match="begun with --no-random-phase, not with --random-phase: pass --no-random-phase, or choose"
    ):
        pretrain(config(resume="auto"))
    other = ModelConfig(hidden_size=32, layers=2, heads=2, intermediate_size=32, zero_output_projections=False)
    with pytest.raises(
        UserError, match="not with --model.no-zero-output-projections: pass --model.zero-output-projections"
    ):
        pretrain(config(resume="auto", random_phase=False, model=other))


@pytest.mark.parametrize(
    "damaged",
    ["", "{", "[]", '{"best": {"order": 1}}', '{"best": {"order": 1, "bits_per_base": 2}, "bidirectional": {}}'],
)
def test_floors_that_are_damaged_are_counted_again(config, damaged):
    run = pretrain(config(steps=2))
    before = (run / "floors.json").read_text()
    (run / "manifest.json").unlink()
    (run / "floors.json").write_text(damaged)
    pretrain(config(steps=2, resume="auto"))
    assert (run / "floors.json").read_text() == before


@pytest.mark.slow
def test_the_run_that_it_began_with_may_be_gone(config, tmp_path, monkeypatch):
    monkeypatch.setenv("WANDB_MODE", "offline")
    first = pretrain(config(out=str(tmp_path / "first"), steps=2))
    usual = {"k": PretrainConfig.k, "model": ModelConfig(), "initial": str(first), "decay_share": 0.0}
    unbroken = pretrain(config(out=str(tmp_path / "unbroken"), **usual))
    run = pretrain(config(steps=3, **usual))
    (run / "manifest.json").unlink()
    shutil.rmtree(first)
    with pytest.raises(
        UserError, match=r"--initial .*first has --model.heads 2, this run asks for 8: leave --model.heads out"
    ):
        pretrain(config(**usual | {"model": ModelConfig(heads=8)}, resume="auto"))
    same(unbroken, pretrain(config(**usual, resume="auto", tracker="wandb")))
    with pytest.raises(UserError, match="no such run folder: .*first"):
        pretrain(config(out=str(tmp_path / "another"), **usual, resume="auto"))


@pytest.mark.parametrize("began", [True, False])
def test_a_run_is_not_said_to_have_begun_with_what_it_did_not(config, tmp_path, began):
    """The manifest names what a run began with: one that begins afresh does not come from a run that is named later,
    and the other way round."""
    first = str(pretrain(config(out=str(tmp_path / "first"), steps=1)))
    run = pretrain(config(steps=2, initial=first if began else None))
    (run / "manifest.json").unlink()
    passed = (
        rf"--initial {first}, not with --initial None: pass --initial {first}"
        if began
        else rf"--initial None, not with --initial {first}: pass --initial None"
    )
    with pytest.raises(UserError, match=passed):
        pretrain(config(resume="auto", initial=None if began else first))


def test_a_run_that_began_with_another_is_not_gone_on_with_as_if_it_began_with_this(config, tmp_path, monkeypatch):
    """It went on with the weights of the one, without a word of the other that was asked for."""
    small = {"model": ModelConfig(hidden_size=32, layers=1, heads=2, intermediate_size=32)}
    first, other = (
        pretrain(config(out=str(tmp_path / name), steps=1, **more)) for name, more in (("first", {}), ("other", small))
    )
    usual = {"k": PretrainConfig.k, "model": ModelConfig(), "resume": "auto"}
    run = pretrain(config(steps=2, initial=str(first), **usual))
    (run / "manifest.json").unlink()
    with pytest.raises(
        UserError,
        match=(
            f"begun with --initial {first}, not with --initial {other}: pass --initial {first}, or choose another --out"
        ),
    ):
        pretrain(config(steps=3, initial=str(other), **usual))
    monkeypatch.chdir(tmp_path)  # the same one, called from elsewhere
    pretrain(config(steps=3, initial="first", **usual))
    assert load_yaml(PretrainConfig, run / "config.yaml").initial == str(first)


def test_budget_rates_and_how_often_something_is_done_may_change(config):
    run = pretrain(config(steps=2))
    (run / "manifest.json").unlink()
    pretrain(
        config(steps=4, stride=4, learning_rate=1e-3, log_every=2, checkpoint_every=1, accumulation=2, resume="auto")
    )
    assert len(checkpoints(run)) == 2


def test_of_two_that_train_in_one_folder_the_second_is_refused(config, tmp_path):
    long = config(steps=100_000, checkpoint_every=5)
    save_yaml(long, tmp_path / "long.yaml")
    first = subprocess.Popen(
        [sys.executable, str(SCRIPT), "--config", str(tmp_path / "long.yaml")], stderr=subprocess.PIPE, text=True
    )
    try:
        deadline = time.monotonic() + 600
        while not checkpoints(Path(long.out)) and first.poll() is None and time.monotonic() < deadline:
            time.sleep(0.1)
        for options in ({"resume": "auto"}, {"overwrite": True}, {}):
            with pytest.raises(UserError, match="another process trains in .*: wait for it, or choose another --out"):
                pretrain(config(**options))
        assert first.poll() is None
    finally:
        first.send_signal(signal.SIGINT)
        _, told = first.communicate(timeout=300)
    assert first.returncode == 128 + signal.SIGINT and "go on with --resume auto" in told and "Traceback" not in told
    step = int(checkpoints(Path(long.out))[-1].name[5:])
    pretrain(config(steps=step + 1, resume="auto"))


def test_wandb_goes_on_under_the_same_id(config, monkeypatch):
    monkeypatch.setenv("WANDB_MODE", "offline")
    run = pretrain(config(steps=2, tracker="wandb"))
    known = json.loads((run / "wandb.json").read_text())["id"]
    for steps, tracker in ((4, "none"), (6, "wandb")):  # one leg on a machine without W&B
        (run / "manifest.json").unlink()
        pretrain(config(steps=steps, tracker=tracker, resume="auto"))
    # of one second two have a number behind
    written = [path.name.split("-")[3] for path in (run / "wandb").glob("offline-run-*")]
    assert json.loads((run / "wandb.json").read_text())["id"] == known and written == [known] * 2


def test_a_loss_far_above_a_guess_for_long_stops_the_run():
    config = PretrainConfig(learning_rate=0.5, warmup_steps=7)
    progress = watched(Progress(), 2.0, config=config)
    for _ in range(PATIENCE - 1):
        progress = watched(progress, 2.6, config=config)
    assert watched(progress, 2.4, config=config).steps_above == 0  # it came back
    with pytest.raises(
        UserError,
        match=r"above 2\.50 bits/base for 100 steps.*lower --learning-rate \(now 0\.5\) or more --warmup-steps",
    ):
        watched(progress, 2.6, config=config)
    for lost in (float("nan"), float("inf")):
        with pytest.raises(UserError, match=f"the loss is {lost} after step 0"):
            watched(Progress(), lost, config=config)


def test_a_run_that_diverges_without_a_nan_stops_and_keeps_what_was_good(config):
    rates = {"learning_rate": 30.0, "embedding_learning_rate": 30.0, "optimizer": "adamw", "warmup_steps": 20}
    with pytest.raises(UserError, match="the run diverged; begin again, or go on from the last checkpoint"):
        pretrain(config(steps=2_000, evaluate_every=1_000, checkpoint_every=2, weight_decay=0.0, **rates))
    for folder in checkpoints(Path(config().out)):
        assert json.loads((folder / "progress.json").read_text())["steps_above"] == 0


def test_a_stop_while_a_run_may_have_diverged_pushes_out_nothing_that_was_good(config, monkeypatch):
    take_step = loop.take_step

    def stopped(training, *rest, **more):
        take_step(training, *rest, **more)
        if training.progress.steps_above == 3:
            os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(loop, "take_step", stopped)
    rates = {"learning_rate": 30.0, "embedding_learning_rate": 30.0, "optimizer": "adamw", "warmup_steps": 20}
    with pytest.raises(SystemExit):
        pretrain(
            config(steps=2_000, evaluate_every=1_000, checkpoint_every=1, keep_checkpoints=1, weight_decay=0.0, **rates)
        )
    above = [
        json.loads((folder / "progress.json").read_text())["steps_above"] for folder in checkpoints(Path(config().out))
    ]
    assert above == [0, 3]


def test_what_remains_is_told_by_the_pace_of_the_part_that_goes_on(config, monkeypatch):
    (pretrain(config(steps=4)) / "manifest.json").unlink()
    bars = []
    monkeypatch.setattr(setup, "tqdm", lambda **options: bars.append(tqdm(**options)) or bars[-1])
    pretrain(config(steps=8, resume="auto"))
    assert bars[0].initial == 50.0


def test_weights_that_are_no_numbers_are_not_saved(model, tmp_path):
    saved(tmp_path, model, step=3)
    with torch.no_grad():
        model.cls.predictions.bias[1] = float("nan")
    with pytest.raises(UserError, match="weights are no longer numbers after step 4, so they are not saved"):
        saved(tmp_path, model, step=4)
    assert [path.name for path in (tmp_path / "checkpoints").iterdir()] == ["step-000000003"]
