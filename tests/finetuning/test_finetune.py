import contextlib
import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForMaskedLM, AutoModelForSequenceClassification, AutoTokenizer, pipeline

from dnabert.errors import UserError
from dnabert.finetuning import FinetuneConfig, finetune, loop, training
from dnabert.finetuning.card import classifier_card
from dnabert.finetuning.classifier import build_classifier, read_start
from dnabert.finetuning.config import TrainingConfig
from dnabert.finetuning.kept_trainings import keep_training, read_training
from dnabert.finetuning.probabilities import probabilities
from dnabert.finetuning.reading import LabelledReader
from dnabert.finetuning.training import build_accelerator
from dnabert.kept_parts import KeptParts
from dnabert.manifest import read_manifest, sha256, write_manifest
from dnabert.models.build import build_model
from dnabert.models.config import ModelConfig
from dnabert.probes import Part, read_task
from dnabert.tokenizer import KmerTokenizer, load_tokenizer

ROOT = Path(__file__).parents[2]


def make_run(folder: Path, architecture: str, **sizes: int) -> Path:
    tokenizer = KmerTokenizer(k=2)
    settings = ModelConfig(
        architecture=architecture, **{"hidden_size": 32, "layers": 2, "heads": 2, "intermediate_size": 48} | sizes
    )
    model = build_model(settings, tokenizer=tokenizer, max_tokens=60)
    model.config.window_length = 116
    folder.mkdir()
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    write_manifest(folder, kind="run", config={"model": dataclasses.asdict(settings)})
    return folder


@pytest.fixture(params=["modernbert", "bert", "convolution", "lstm"])
def run(request, tmp_path):
    return make_run(tmp_path / "run", request.param)


@pytest.fixture
def task(tmp_path):
    """GC-rich against GC-poor sequences of 30 to 60 bases."""
    rng, folder = np.random.default_rng(0), tmp_path / "gc"
    folder.mkdir()
    for part, n in (("train", 240), ("dev", 60), ("test", 100)):
        rows = ["sequence,label"]
        for i in range(n):
            gc = 0.7 if i % 2 else 0.3
            chances = [(1 - gc) / 2, gc / 2, gc / 2, (1 - gc) / 2]
            rows.append(
                "".join(rng.choice(list("ACGT"), rng.integers(30, 60), p=chances)) + (",rich" if i % 2 else ",poor")
            )
        (folder / f"{part}.csv").write_text("\n".join(rows) + "\n")
    return folder


def config_of(task, run, tmp_path, **changes):
    options = {
        "task": str(task), "run": str(run), "out": str(tmp_path / "out"), "epochs": 6, "patience": 2, "warmup_steps": 5,
        "learning_rate": 2e-3, "seeds": [0], "resamples": 20, "precision": "fp32",
    }  # fmt: skip
    return FinetuneConfig(**(options | changes))


def result(folder):
    return json.loads((folder / "results.json").read_text())["seeds"]


def test_it_learns_and_its_folder_is_a_classifier_of_transformers(run, task, tmp_path):
    out = finetune(config_of(task, run, tmp_path))
    (found,) = result(out)
    assert found["test"]["mcc"]["value"] > 0.7 and found["test"]["accuracy"]["n"] == 100
    model = AutoModelForSequenceClassification.from_pretrained(out).eval()
    assert model.config.id2label == {0: "poor", 1: "rich"}
    ids = torch.from_numpy(load_tokenizer(out).encode_bases(np.frombuffer(b"GC" * 20, dtype=np.uint8)).astype(np.int64))
    assert model(input_ids=ids[None]).logits.argmax().item() == 1
    curve = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    assert max(row["dev_mcc"] for row in curve) == found["dev_mcc"]


def test_a_pipeline_reads_words_with_unknown_bases_as_training_did(run, task, tmp_path):
    out = finetune(config_of(task, run, tmp_path, epochs=1))
    classify = pipeline("text-classification", model=str(out), device="cpu", top_k=None)
    text = "GCNGCGATTACAGCGCGTNNNACGCGC"
    part = Part([np.frombuffer(text.encode(), dtype=np.uint8)], np.array([0]))
    model, config = AutoModelForSequenceClassification.from_pretrained(out), TrainingConfig(precision="fp32")
    reader = LabelledReader(part, load_tokenizer(out), most_words=58)
    expected = probabilities(model, reader, batch_size=8, both_strands=False, accelerator=build_accelerator(config))[0]
    assert {each["label"]: each["score"] for each in classify([text])[0]} == pytest.approx(
        dict(zip(("poor", "rich"), expected, strict=True)), abs=1e-5
    )
    long = "GATTACA" * 60
    assert classify([long], truncation=True) == classify([long[:116]])  # a window


@pytest.fixture
def modernbert(tmp_path):
    return make_run(tmp_path / "modernbert", "modernbert")


def test_a_frozen_body_stays_and_its_head_learns(modernbert, task, tmp_path):
    out = finetune(config_of(task, modernbert, tmp_path, freeze=True, head_learning_rate=1e-2))
    before, after = load_file(modernbert / "model.safetensors"), load_file(out / "model.safetensors")
    words = before["model.embeddings.tok_embeddings.weight"]
    words[1] = words[4]  # [UNK] is read as [MASK]
    body = [name for name in after if name.startswith("model.")]
    assert body and all(torch.equal(before[name], after[name]) for name in body)
    assert result(out)[0]["test"]["mcc"]["value"] > 0.3


def trained_until(stop, config, monkeypatch):
    """Seeds that are trained by a fine-tuning that is stopped in the training of one."""
    seeds, fit = [], training._fit

    def counted(each, read):
        if each.seed == stop:
            raise KeyboardInterrupt
        seeds.append(each.seed)
        return fit(each, read)

    with monkeypatch.context() as patched, contextlib.suppress(KeyboardInterrupt):
        patched.setattr(training, "_fit", counted)
        finetune(config)
    return seeds


def test_of_several_seeds_those_that_were_done_are_not_trained_again(modernbert, task, tmp_path, monkeypatch):
    config = config_of(task, modernbert, tmp_path, epochs=2, seeds=[3, 1, 2])
    assert trained_until(1, config, monkeypatch) == [3]
    assert not Path(config.out).exists()
    slower = dataclasses.replace(config, learning_rate=1e-3)
    assert trained_until(1, slower, monkeypatch) == [3]  # of other settings nothing is taken
    assert trained_until(1, config, monkeypatch) == [3]
    assert trained_until(2, config, monkeypatch) == [1]
    assert trained_until(None, config, monkeypatch) == [2]
    whole = finetune(dataclasses.replace(config, out=str(tmp_path / "whole")))
    for name in ("model.safetensors", "results.json", "metrics.jsonl"):
        assert (whole / name).read_bytes() == (Path(config.out) / name).read_bytes()
    assert not list(tmp_path.glob(".*"))


def test_of_trainings_alike_on_dev_the_surer_is_kept(modernbert, task, tmp_path):
    start, read = read_start(modernbert), read_task(task)
    config = config_of(task, modernbert, tmp_path)

    def trained(seed, mcc, loss):
        model = build_classifier(start, read.classes, seed=seed)
        return training.Trained(seed, 1, mcc, loss, model.state_dict(), [], np.tile([0.4, 0.6], (100, 1)))

    for kept, told in ((2, [(0.5, 0.3), (0.9, 0.6), (0.9, 0.5)]), (0, [(0.9, 0.5), (0.9, 0.6), (0.5, 0.3)])):
        trainings = [trained(seed, *each) for seed, each in enumerate(told)]
        loop._write(tmp_path, start, read, trainings, config=config)
        assert json.loads((tmp_path / "results.json").read_text())["kept"] == kept
        head = load_file(tmp_path / "model.safetensors")["classifier.weight"]
        assert [torch.equal(head, each.state["classifier.weight"]) for each in trainings].index(True) == kept


def test_a_kept_training_that_is_damaged_is_made_again(modernbert, task, tmp_path, monkeypatch):
    config = config_of(task, modernbert, tmp_path, epochs=1, seeds=[0, 1])
    assert trained_until(1, config, monkeypatch) == [0]
    (kept,) = tmp_path.glob(".out.parts/*")
    kept.write_bytes(kept.read_bytes()[:100])
    assert trained_until(None, config, monkeypatch) == [0, 1]


def test_a_training_is_kept_whole_and_nowhere_where_another_process_keeps_its_own(tmp_path):
    state = {"state.w": torch.arange(6.0).reshape(2, 3).T, "b": torch.ones(1)}  # not contiguous
    trained = training.Trained(4, 2, 0.5, 0.3, state, [{"seed": 4, "loss": 0.25}], np.array([[0.25, 0.75]]))
    kept = KeptParts(tmp_path, made_of="this")
    keep_training(kept, trained)
    found = read_training(kept, 4)
    assert found is not None and found.state.keys() == state.keys()
    assert all(torch.equal(value, found.state[name]) for name, value in state.items())
    assert np.array_equal(found.test, trained.test)
    assert (found.seed, found.epoch, found.dev_mcc, found.dev_loss, found.curve) == (4, 2, 0.5, 0.3, trained.curve)
    assert read_training(kept, 5) is None and read_training(KeptParts(tmp_path, made_of="that"), 4) is None
    nowhere, files = KeptParts(None, made_of="this"), set(tmp_path.iterdir())
    keep_training(nowhere, trained)
    assert read_training(nowhere, 4) is None and set(tmp_path.iterdir()) == files


def test_fresh_weights_are_other_weights_and_seeds_repeat(modernbert, task, tmp_path):
    first = finetune(config_of(task, modernbert, tmp_path, epochs=1, seeds=[1, 2]))
    again = finetune(config_of(task, modernbert, tmp_path, epochs=1, seeds=[1, 2], out=str(tmp_path / "again")))
    fresh = finetune(
        config_of(task, modernbert, tmp_path, epochs=1, seeds=[1, 2], fresh=True, out=str(tmp_path / "fresh"))
    )
    curves = [(folder / "metrics.jsonl").read_text() for folder in (first, again, fresh)]
    assert curves[0] == curves[1] != curves[2] and result(first) == result(again)
    assert [each["seed"] for each in result(first)] == [1, 2]
    begun = build_classifier(read_start(modernbert, fresh=True), ["a", "b"], seed=3)
    settings = ModelConfig(hidden_size=32, layers=2, heads=2, intermediate_size=48)
    body = build_model(settings, tokenizer=KmerTokenizer(k=2), max_tokens=60, seed=3).base_model.state_dict()
    assert all(torch.equal(value, body[name]) for name, value in begun.base_model.state_dict().items())


def test_berts_pooler_belongs_to_the_head(task, tmp_path):
    # no masked language model has trained it: frozen with the body it would stay random
    run = make_run(tmp_path / "bert", "bert")
    config = {"freeze": True, "head_learning_rate": 1e-2}
    first = load_file(finetune(config_of(task, run, tmp_path, epochs=1, **config)) / "model.safetensors")
    later = load_file(
        finetune(config_of(task, run, tmp_path, epochs=2, **config, out=str(tmp_path / "later"))) / "model.safetensors"
    )
    moved = {name for name in first if not torch.equal(first[name], later[name])}
    assert moved == {"bert.pooler.dense.weight", "bert.pooler.dense.bias", "classifier.weight", "classifier.bias"}


@pytest.mark.parametrize("architecture", ["bert", "convolution", "lstm"])
def test_another_architecture_has_the_runs_words_and_sizes(architecture, modernbert, task, tmp_path):
    out = finetune(config_of(task, modernbert, tmp_path, epochs=1, fresh=True, architecture=architecture))
    model = AutoModelForSequenceClassification.from_pretrained(out)
    assert architecture in model.config.model_type and model.config.vocab_size == load_tokenizer(modernbert).vocab_size
    sizes = model.config
    assert (sizes.hidden_size, sizes.num_hidden_layers, sizes.intermediate_size, sizes.window_length) == (
        32,
        2,
        48,
        116,
    )
    if architecture == "bert":
        assert (sizes.num_attention_heads, sizes.max_position_embeddings) == (2, 60)  # a window, [CLS] and [SEP]


def test_a_transformer_of_a_convolutions_width_has_heads_that_divide_it(tmp_path):
    run = make_run(tmp_path / "run", "convolution", hidden_size=200, layers=1)
    model = build_classifier(read_start(run, fresh=True, architecture="modernbert"), ["a", "b"])
    assert (model.config.hidden_size, model.config.num_attention_heads) == (200, 2)
    assert model.config.classifier_pooling == "mean"  # no training has asked for the state of [CLS]


def test_another_architecture_has_what_else_the_run_was_told(tmp_path):
    run = make_run(tmp_path / "run", "modernbert", kernel_size=7)
    model = build_classifier(read_start(run, fresh=True, architecture="convolution"), ["a", "b"])
    assert model.config.kernel_size == 7


def test_a_run_that_transformers_saved_again_is_one_to_start_from(modernbert, tmp_path):
    again = tmp_path / "again"
    AutoModelForMaskedLM.from_pretrained(modernbert).save_pretrained(again)
    AutoTokenizer.from_pretrained(modernbert).save_pretrained(again)
    bodies = [
        build_classifier(read_start(folder), ["a", "b"]).base_model.state_dict() for folder in (modernbert, again)
    ]
    assert all(torch.equal(value, bodies[1][name]) for name, value in bodies[0].items())
    with pytest.raises(UserError, match="is no run of dnabert"):
        read_start(again, fresh=True)


def test_what_lies_beyond_the_first_window_is_read(modernbert, tmp_path):
    rng, folder = np.random.default_rng(0), tmp_path / "tail"
    folder.mkdir()
    for part, n in (("train", 200), ("dev", 40), ("test", 60)):
        rows = ["sequence,label"]
        for i in range(n):  # the first window of 116 bases says nothing; three tiles follow
            gc = 0.8 if i % 2 else 0.2
            tail = rng.choice(list("ACGT"), rng.integers(240, 300), p=[(1 - gc) / 2, gc / 2, gc / 2, (1 - gc) / 2])
            rows.append("".join(rng.choice(list("ACGT"), 116)) + "".join(tail) + f",{i % 2}")
        (folder / f"{part}.csv").write_text("\n".join(rows) + "\n")
    (found,) = result(finetune(config_of(folder, modernbert, tmp_path, random_strand=True)))
    assert found["test"]["mcc"]["value"] > 0.7


def test_what_has_no_value_is_null(modernbert, task, tmp_path):
    """A third class, which test lacks, has no area under its curve, and the card tells of none."""
    for part in ("train", "dev"):
        with (task / f"{part}.csv").open("a") as file:
            file.write("ACGTACGTACGT,odd\n" * 3)
    out = finetune(config_of(task, modernbert, tmp_path, epochs=1))

    def refuse(name):
        raise AssertionError(name)

    found = json.loads((out / "results.json").read_text(), parse_constant=refuse)
    assert found["mean"]["auc"]["value"] is None and found["mean"]["mcc"]["value"] is not None
    card = classifier_card(out, name="me/gc")
    assert "| accuracy |" in card and "type: accuracy" in card and "area under" not in card and "roc_auc" not in card


def test_a_test_with_copies_of_training_sequences_is_scored_without_them_too(modernbert, task, tmp_path):
    train, test = ((task / f"{part}.csv").read_text().splitlines() for part in ("train", "test"))
    (task / "test.csv").write_text("\n".join([*test[:41], *train[1:61]]) + "\n")
    out = finetune(config_of(task, modernbert, tmp_path, epochs=1))
    (found,) = result(out)
    assert [found[name]["mcc"]["n"] for name in ("test", "unseen")] == [100, 40]
    assert (
        "on the 40 test sequences that share no 30 bases with a training sequence Matthews' correlation is"
        in classifier_card(out, name="me/gc")
    )


def test_the_manifest_knows_the_files_of_a_task(modernbert, task, tmp_path):
    inputs = read_manifest(finetune(config_of(task, modernbert, tmp_path, epochs=1)), kind="finetuning")["inputs"]
    assert {name: each["sha256"] for name, each in inputs.items() if name != "run"} == {
        f"task {part}": sha256(task / f"{part}.csv") for part in ("train", "dev", "test")
    }


def test_patience_ends_it(modernbert, task, tmp_path):
    out = finetune(config_of(task, modernbert, tmp_path, epochs=30, patience=1, learning_rate=1e-2))
    curve = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    assert len(curve) < 30 and len(curve) == result(out)[0]["epoch"] + 1


def test_mistakes_end_in_one_line_and_leave_nothing(modernbert, task, tmp_path):
    with pytest.raises(UserError, match="pass --task FOLDER"):
        finetune(FinetuneConfig())
    with pytest.raises(UserError, match="no such run folder"):
        finetune(config_of(task, tmp_path / "none", tmp_path))
    with pytest.raises(UserError, match="--seeds is empty"):
        FinetuneConfig(seeds=[])
    (task / "test.csv").write_text("sequence,label\nA,rich\nAC,poor\n")
    with pytest.raises(UserError, match="gc: test has a sequence of 1 bases, shorter than a word of 2: remove it"):
        finetune(config_of(task, modernbert, tmp_path))
    (task / "test.csv").write_text("sequence,label\nACGT,rich\nAC,poor\n")
    with pytest.raises(UserError, match="the loss is nan: begin again with a lower --learning-rate"):
        finetune(config_of(task, modernbert, tmp_path, learning_rate=1e30, head_learning_rate=1e30, warmup_steps=0))
    config = (modernbert / "config.json").read_text()
    (modernbert / "config.json").write_text(config.replace('"modernbert"', '"nonesuch"'))
    with pytest.raises(UserError, match="cannot read .*config.json .*nonesuch.*: make or fetch it again"):
        finetune(config_of(task, modernbert, tmp_path))
    (modernbert / "config.json").write_text(config)
    (modernbert / "model.safetensors").unlink()
    with pytest.raises(UserError, match="modernbert holds no model"):
        finetune(config_of(task, modernbert, tmp_path))
    config = json.loads((modernbert / "config.json").read_text()) | {"window_length": None}
    (modernbert / "config.json").write_text(json.dumps(config))
    with pytest.raises(UserError, match="does not state window_length"):
        finetune(config_of(task, modernbert, tmp_path, fresh=True))
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_several_processes_are_refused(task, tmp_path):
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
    words = ["--task", str(task), "--out", str(tmp_path / "out")]
    done = subprocess.run(
        [*launch, str(ROOT / "train/finetune.py"), *words],
        env=os.environ | {"ACCELERATE_USE_CPU": "true"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode and not (tmp_path / "out").exists()
    assert "error: fine-tuning runs in one process: launch it with --num_processes 1\n" in done.stderr


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"architecture": "lstm"}, "--architecture lstm has no pretrained weights here: add --fresh"),
        ({"seeds": [1, 1]}, "--seeds is 1 1, allowed is one or more different numbers"),
        ({"decay_share": 2.0}, "--decay-share is 2.0, allowed is 0 to 1"),
        ({"clip_gradient": -1.0}, "--clip-gradient is -1.0, allowed is 0 or more"),
        ({"threads": 0}, "--threads is 0, allowed is 1 or more"),
        ({"threads": 100_000}, "--threads is 100000, allowed is at most .*, four for each core: leave it out"),
        ({"epochs": 0}, "--epochs is 0, allowed is 1 or more"),
        ({"learning_rate": 0.0}, "--learning-rate is 0.0, allowed is more than 0"),
        ({"dropout": 1.0}, "--dropout is 1.0, allowed is 0 up to below 1"),
    ],
)
def test_what_cannot_work_names_its_flag(wrong, message):
    with pytest.raises(UserError, match=message):
        FinetuneConfig(**wrong)
