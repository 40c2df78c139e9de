import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
import transformers
from safetensors.torch import load_file

from dnabert.config import load_yaml, save_yaml
from dnabert.corpus import (
    CorpusConfig,
    GenomeConfig,
    WindowConfig,
    config_from_fasta,
    load_corpus,
    prepare,
    simulate_fasta,
)
from dnabert.encoders import load_encoder
from dnabert.errors import UserError
from dnabert.leftovers import is_locked
from dnabert.models.config import ModelConfig
from dnabert.pretraining import loop, pretrain
from dnabert.pretraining.checkpoints import checkpoints
from dnabert.pretraining.config import PretrainConfig
from dnabert.pretraining.sampling import Sampler
from dnabert.pretraining.setup import make_samplers
from dnabert.pretraining.speed import untracked
from dnabert.pretraining.step import batches_of, take_step
from dnabert.tokenizer import KmerTokenizer, load_tokenizer

WINDOW = 12  # bp, short
SCRIPT = Path(__file__).parents[2] / "train" / "pretrain.py"


def lines(run):
    return [json.loads(line) for line in (Path(run) / "metrics.jsonl").read_text().splitlines()]


def curve(run, key="train_bits_per_base"):
    return [line[key] for line in lines(run) if key in line]


def weights(run):
    return load_file(Path(run) / "model.safetensors")


def same(a, b, **tolerance):
    for name in a:
        torch.testing.assert_close(a[name], b[name], **(tolerance or {"rtol": 0, "atol": 0}))


@pytest.fixture
def biased_corpus(tmp_path):
    """Seven bases of ten are A: 1.357 bits per base, but nothing to gain for a model that copies what it is shown."""
    letters = np.random.default_rng(0).choice(list("ACGT"), 100_000, p=[0.7, 0.1, 0.1, 0.1])
    (tmp_path / "biased.fa").write_text(">chr1\n" + "".join(letters) + "\n")
    return prepare(config_from_fasta([tmp_path / "biased.fa"]), out=tmp_path / "biased").folder


def test_a_run_learns_and_leaves_what_it_promises(config, biased_corpus):
    rates = {"learning_rate": 1e-2, "embedding_learning_rate": 1e-2}
    run = pretrain(config(corpus=str(biased_corpus), steps=200, evaluate_every=100, **rates))
    assert {"config.yaml", "metrics.jsonl", "floors.json", "manifest.json", "model.safetensors", "config.json"} <= {
        path.name for path in run.iterdir()
    }
    assert load_yaml(PretrainConfig, run / "config.yaml").steps == 200
    bits = curve(run, "validation_bits_per_base")
    assert bits[0] == pytest.approx(2.0, abs=0.1)  # nothing known: a word costs about log2(4^k) bits
    # the letters hold 1.357 bits, and 1.722 for who cannot tell the strands apart; less than the first would be a leak
    assert len(bits) == 3 and 1.3 < bits[-1] < 1.6
    assert 1.3 < np.mean(curve(run)[-20:]) < 1.45
    assert [int(p.name[5:]) for p in checkpoints(run)] == [198, 200]


def test_the_process_is_left_as_it_was(config):
    """transformers' bars stay, threads, random states and signals too: in a notebook they are the user's."""

    def state():
        return (
            transformers.utils.logging.is_progress_bar_enabled(),
            transformers.utils.logging.get_verbosity(),
            torch.get_num_threads(),
            torch.get_default_dtype(),
            torch.random.get_rng_state().tolist(),
            signal.getsignal(signal.SIGTERM),
            torch.get_float32_matmul_precision(),
        )

    before = state()
    pretrain(config())
    assert state() == before


def test_accumulation_equals_one_large_batch(config, tmp_path):
    whole = pretrain(config(out=str(tmp_path / "whole")))
    parts = pretrain(config(out=str(tmp_path / "parts"), accumulation=4))
    np.testing.assert_allclose(curve(whole), curve(parts), rtol=1e-5)
    same(weights(whole), weights(parts), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("dropout", [0.0, 0.1])
def test_kill_and_resume_equal_an_unbroken_run_bit_for_bit(config, tmp_path, dropout):
    model = ModelConfig(hidden_size=32, layers=2, heads=2, intermediate_size=32, dropout=dropout)
    unbroken = pretrain(config(out=str(tmp_path / "unbroken"), model=model))
    broken = config(model=model)
    save_yaml(broken, tmp_path / "broken.yaml")
    killed = (
        "import os, signal, dnabert.pretraining.loop as loop; from dnabert.config import load_yaml\n"
        "step = loop.take_step\n"
        "def stop(training, *rest, **more):\n"
        "    step(training, *rest, **more)\n"
        "    if training.progress.step == 5: os.kill(os.getpid(), signal.SIGKILL)\n"
        "loop.take_step = stop\n"
        f"loop.pretrain(load_yaml(loop.PretrainConfig, {str(tmp_path / 'broken.yaml')!r}))"
    )
    ran = subprocess.run([sys.executable, "-c", killed], capture_output=True)
    assert ran.returncode == -signal.SIGKILL, ran.stderr
    assert [path.name for path in checkpoints(Path(broken.out))] == ["step-000000002", "step-000000004"]
    with pytest.raises(UserError, match="was stopped .step-000000004.: pass --resume auto"):
        pretrain(broken)
    resumed = pretrain(config(model=model, resume="auto"))
    same(weights(unbroken), weights(resumed))
    assert curve(unbroken) == curve(resumed)
    assert curve(unbroken, "validation_bits_per_base") == curve(resumed, "validation_bits_per_base")


def test_two_real_processes_give_the_same_run(config, tmp_path):
    """On a machine of CPUs nothing else has to be said than how many."""
    alone = pretrain(config(out=str(tmp_path / "alone")))
    save_yaml(config(out=str(tmp_path / "two")), tmp_path / "two.yaml")
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc_per_node", "2", "--master_port", "29611"]
    environment = (
        os.environ
        | {"OMP_NUM_THREADS": "1"}
        | ({"ACCELERATE_USE_CPU": "true"} if torch.accelerator.is_available() else {})
    )
    ran = subprocess.run(
        [*command, str(SCRIPT), "--config", str(tmp_path / "two.yaml")], env=environment, capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stderr
    assert "2 process(es)" in ran.stderr
    np.testing.assert_allclose(curve(alone), curve(tmp_path / "two"), rtol=1e-5)
    key = "validation_bits_per_base"
    np.testing.assert_allclose(curve(alone, key), curve(tmp_path / "two", key), rtol=1e-4)


def test_a_process_that_writes_no_lines_keeps_no_steps_for_them(config):
    training = untracked(config(log_every=2))
    for step in range(5):
        take_step(training, batches_of(training, step), 0.0, began=0.0)
    assert len(training.window) == 1


@pytest.mark.parametrize("log_every", [1, 20])
def test_steps_that_hide_nothing_are_no_steps_without_loss(config, log_every):
    """Of batches of one window, which hides none to two words, some."""
    run = pretrain(
        config(batch_size=1, steps=20, least_mask_share=0.0, mask_share=0.02, log_every=log_every, evaluate_every=20)
    )
    bits = curve(run)
    assert len(bits) == 1 if log_every == 20 else 8 < len(bits) < 20
    assert all(1.9 < each < 2.2 for each in bits)
    assert len([row for row in lines(run) if "tokens_per_second" in row]) == 20 // log_every


def test_the_time_that_is_left_is_of_the_training_alone(config, monkeypatch, capsys):
    """Markov models that were counted for 50 s made 200 s of the 60 s that were left."""
    bars = []
    build, measure = loop.build_training, loop.measure_floors

    def built(*arguments, **keywords):
        training = build(*arguments, **keywords)
        bars.append(training.bar)
        return training

    def measured(*arguments, **keywords):
        found = measure(*arguments, **keywords)
        bars[0].start_t -= 1000  # as if that had taken so long
        bars[0].last_print_t -= 1000
        return found

    monkeypatch.setattr(loop, "build_training", built)
    monkeypatch.setattr(loop, "measure_floors", measured)
    pretrain(config(log_every=10))
    assert bars[0].format_dict["elapsed"] < 500
    assert bars[0].n == 100  # at its end, too, when no line is due there
    told = capsys.readouterr().err
    assert told.index("counting Markov models of order 0 to 2 on") < told.index("best Markov floor")


def test_without_bars_its_log_has_lines_alone(config, tmp_path):
    """TQDM_DISABLE was heeded by other commands' bars only."""
    save_yaml(config(), tmp_path / "run.yaml")
    command = [sys.executable, str(SCRIPT), "--config", str(tmp_path / "run.yaml")]
    ran = subprocess.run(command, env=os.environ | {"TQDM_DISABLE": "1"}, capture_output=True, text=True, check=True)
    assert "%|" not in ran.stderr
    assert [line.partition(":")[0] for line in ran.stderr.splitlines() if line[:4] == "step"] == [
        f"step {step}" for step in (0, 3, 6)
    ]


@pytest.mark.parametrize("told", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_saves_and_the_run_goes_on(config, tmp_path, told):
    save_yaml(config(steps=100_000, minutes=None, checkpoint_every=100_000), tmp_path / "long.yaml")
    process = subprocess.Popen(
        [sys.executable, str(SCRIPT), "--config", str(tmp_path / "long.yaml")], stderr=subprocess.PIPE, text=True
    )
    metrics = tmp_path / "run" / "metrics.jsonl"
    deadline = time.monotonic() + 120
    while not (metrics.exists() and '"step": 3' in metrics.read_text()) and time.monotonic() < deadline:
        time.sleep(0.2)
    process.send_signal(told)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 128 + told, errors
    assert "go on with --resume auto" in errors and "Traceback" not in errors
    step = int(checkpoints(tmp_path / "run")[-1].name[5:])
    run = pretrain(config(steps=step + 2, resume="auto"))
    assert [line["step"] for line in lines(run) if "learning_rate" in line] == list(range(1, step + 3))


def test_a_run_whose_launcher_is_ended_saves_and_ends_too(config, tmp_path):
    """`accelerate launch` of one process ends at a SIGTERM and passes nothing on."""
    save_yaml(config(steps=100_000, minutes=None, checkpoint_every=100_000), tmp_path / "long.yaml")
    run, told = tmp_path / "run", tmp_path / "told"
    command = [sys.executable, "-m", "accelerate.commands.launch", "--cpu", "--num_processes", "1", str(SCRIPT)]
    with told.open("w") as errors:
        process = subprocess.Popen(
            [*command, "--config", str(tmp_path / "long.yaml")], stderr=errors, start_new_session=True
        )
    metrics, deadline = run / "metrics.jsonl", time.monotonic() + 240
    try:
        while not (metrics.exists() and '"step": 3' in metrics.read_text()) and time.monotonic() < deadline:
            time.sleep(0.2)
        process.terminate()
        process.wait(timeout=60)
        ended = time.monotonic() + 60
        while is_locked(run) and time.monotonic() < ended:
            time.sleep(0.2)
        assert not is_locked(run)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    assert "go on with --resume auto" in told.read_text() and "Traceback" not in told.read_text()
    step = int(checkpoints(run)[-1].name[5:])
    pretrain(config(steps=step + 2, resume="auto"))
    assert [line["step"] for line in lines(run) if "learning_rate" in line] == list(range(1, step + 3))


def test_the_batch_is_a_function_of_seed_and_step_for_any_number_of_parts(small_corpus):
    sampler = Sampler(
        load_corpus(small_corpus).view("train"), KmerTokenizer(k=4), batch_size=8, seed=3, mask_share=0.15
    )
    for step in (0, 1, 50, 51, 1000):  # 50 and 51 lie across the end of an epoch
        whole = sampler.batch(step)
        parts = [sampler.batch(step, part=part, parts=4) for part in range(4)]
        np.testing.assert_array_equal(whole.input_ids, np.concatenate([p.input_ids for p in parts]))
        np.testing.assert_array_equal(whole.labels, np.concatenate([p.labels for p in parts]))


def test_an_epoch_reads_every_window_once(small_corpus):
    view = load_corpus(small_corpus).view("train")
    sampler = Sampler(view, KmerTokenizer(k=4), batch_size=7, seed=0, mask_share=0.15)
    rows, epochs = (
        np.concatenate(x) for x in zip(*(sampler.windows(s) for s in range(2 * len(view) // 7 + 1)), strict=True)
    )
    for epoch in (0, 1):
        assert sorted(rows[epochs == epoch]) == list(range(len(view)))
    assert (rows[epochs == 0] != rows[epochs == 1]).any()


def test_soft_mask_weight_is_the_mean_over_a_words_bases(small_corpus):
    view = load_corpus(small_corpus).view("train")
    options = {"batch_size": 16, "seed": 0, "mask_share": 0.3, "random_strand": False, "random_phase": False}
    sampler = Sampler(view, KmerTokenizer(k=4), soft_mask_weight=0.1, **options)
    batch = sampler.batch(0)
    rows, _ = sampler.windows(0)
    for row, positions, found in zip(view.bases(rows), batch.positions, batch.weights, strict=True):
        for position, weight in zip(positions, found, strict=True):
            word = bytes(row[4 * (position - 1) : 4 * position])
            assert weight == pytest.approx(np.mean([0.1 if chr(base).islower() else 1.0 for base in word]))


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"corpus": "/no/such/corpus"}, "no such corpus folder: /no/such/corpus"),
        ({"batch_size": 6, "accumulation": 4}, "--batch-size 6 is not a multiple"),
        ({"evaluation_genome": "yeti"}, "--evaluation-genome yeti has no validation windows; there are"),
        ({"learning_rate": 1e30, "warmup_steps": 0, "clip_gradient": 0.0}, "the run diverged"),
    ],
)
def test_what_cannot_work_ends_in_one_line(config, changes, line):
    with pytest.raises(UserError, match=line):
        pretrain(config(**changes))


def test_weights_of_0_are_refused_where_all_is_lower_case(config, tmp_path):
    simulate_fasta(tmp_path / "genome.fa", length=200_000, seed=1)
    header, *lines = (tmp_path / "genome.fa").read_text().splitlines()
    small = [header, *(line.lower() for line in lines), ">short", "ACGT"]  # a capital: small letters mask
    (tmp_path / "genome.fa").write_text("\n".join(small) + "\n")
    prepare(config_from_fasta([tmp_path / "genome.fa"]), out=tmp_path / "corpus")
    with pytest.raises(
        UserError, match="--soft-mask-weight 0 leaves nothing to learn, since all training windows are lower case"
    ):
        pretrain(config(corpus=str(tmp_path / "corpus"), soft_mask_weight=0.0))
    assert not (tmp_path / "run").exists()
    pretrain(config(corpus=str(tmp_path / "corpus"), soft_mask_weight=0.1, steps=1))


def test_windows_no_longer_than_a_floor_s_order_are_refused_before_anything_is_begun(config, tmp_path):
    letters = np.random.default_rng(0).choice(list("ACGT"), 6_000)
    (tmp_path / "genome.fa").write_text(">chr1\n" + "".join(letters) + "\n")
    genomes = [GenomeConfig("genome", str(tmp_path / "genome.fa"))]
    short = prepare(CorpusConfig(genomes=genomes, window=WindowConfig(length=WINDOW)), out=tmp_path / "short").folder
    with pytest.raises(
        UserError,
        match=f"--floor-order {WINDOW} needs windows of more than {WINDOW} bp: pass --floor-order {WINDOW - 1}",
    ):
        pretrain(config(corpus=str(short), floor_order=WINDOW))
    assert not Path(config().out).exists()
    assert make_samplers(config(floor_order=WINDOW - 1), load_corpus(short)).train.tokens_per_window == 5


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ({"k": 7, "floor_order": 0}, "no validation window holds a word of --k 7 without N: pass a smaller --k"),
        ({"k": 4, "floor_order": 6}, "holds 7 bases without N for --floor-order 6: pass a smaller one"),
    ],
)
def test_validation_windows_that_n_breaks_are_refused_before_anything_is_begun(config, tmp_path, options, line):
    known = "".join(np.random.default_rng(0).choice(list("ACGT"), 8000))
    (tmp_path / "a.fa").write_text(f">a\n{known}{'ACGTACN' * 300}\n")
    corpus = config_from_fasta(tmp_path / "a.fa")
    corpus.window, corpus.split.validation_fraction, corpus.split.test_fraction = (
        WindowConfig(length=100, max_n_fraction=0.5),
        0.1,
        0.0,
    )
    prepare(corpus, out=tmp_path / "corpus")
    with pytest.raises(UserError, match=line):
        pretrain(config(corpus=str(tmp_path / "corpus"), **options))
    assert not (tmp_path / "run").exists()


def test_overlapping_words_are_learned_without_reading_them_off_their_neighbours(config, biased_corpus, capsys):
    rates = {"learning_rate": 1e-2, "embedding_learning_rate": 1e-2}
    run = pretrain(
        config(corpus=str(biased_corpus), stride=2, words_per_span=2, steps=200, evaluate_every=100, **rates)
    )
    told, kept = capsys.readouterr().err, json.loads((run / "masking.json").read_text())
    assert "0.0% of the asked words recoverable" in told
    assert kept["recoverable_words"] == kept["visible_bases"] == 0
    assert f"{kept['hidden_bases']:.1%} of the bases hidden" in told
    assert 1.3 < curve(run, "validation_bits_per_base")[-1] < 1.6  # as above: neither a leak nor nothing learned
    assert load_tokenizer(run).stride == 2
    vectors = load_encoder(str(run)).encode(np.frombuffer(b"ACGT" * 112, dtype=np.uint8)[None])
    assert vectors.shape == (1, 32) and np.isfinite(vectors).all()


def test_no_compiler_is_refused_before_anything_is_begun(config, monkeypatch, tmp_path):
    from torch._inductor.cpp_builder import cpp_compiler_search

    cpp_compiler_search.cache_clear()
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CXX", raising=False)
    try:
        with pytest.raises(
            UserError,
            match="--compile needs a C.. compiler, of which none is found: install g.., set CXX, or pass --no-compile",
        ):
            pretrain(config(compile=True))
    finally:
        cpp_compiler_search.cache_clear()
    assert not Path(config().out).exists()


def test_a_mask_that_leaks_is_refused_before_anything_is_trained(config):
    with pytest.raises(UserError, match="--hide asked with --stride 1 and --k 4 leaks.*pass --hide touching"):
        pretrain(config(stride=1, hide="asked"))
    assert not Path(config().out).exists()


def test_sharded_weights_are_refused_before_anything_is_begun(config, monkeypatch):
    monkeypatch.setenv("ACCELERATE_USE_FSDP", "true")
    with pytest.raises(
        UserError, match="FSDP cannot train this.*launch with --config_file configs/accelerate/many_gpus.yaml"
    ):
        pretrain(config())
    assert not Path(config().out).exists()


def test_a_refusal_costs_no_run_that_stands_there(config):
    before = weights(pretrain(config(steps=1)))
    with pytest.raises(UserError, match="--evaluation-genome martian has no validation windows"):
        pretrain(config(evaluation_genome="martian", overwrite=True))
    same(before, weights(config().out))


def test_a_finished_run_is_not_written_over(config):
    run = pretrain(config(steps=1))
    with pytest.raises(UserError, match="exists already: choose another --out or pass --overwrite"):
        pretrain(config(steps=1))
    pretrain(config(steps=2, overwrite=True))
    assert curve(run)[-1] > 0 and len(curve(run)) == 2
    with pytest.raises(UserError, match="exists already"):  # that it might be replaced was said once
        pretrain(load_yaml(PretrainConfig, run / "config.yaml"))


def test_wandb_is_kept_offline_without_a_login(config, monkeypatch):
    monkeypatch.delenv("WANDB_API_KEY", raising=False)
    monkeypatch.delenv("WANDB_MODE", raising=False)
    monkeypatch.setenv("NETRC", "/nonexistent")
    run = pretrain(config(steps=2, tracker="wandb"))
    assert list((run / "wandb").glob("offline-run-*/run-*.wandb"))
