import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForSequenceClassification

from dnabert.errors import UserError
from dnabert.finetuning import FinetuneConfig, finetune
from dnabert.models.build import build_model
from dnabert.models.config import ModelConfig
from dnabert.stage import write_manifest
from dnabert.tokenizer import KmerTokenizer, load_tokenizer


def make_run(folder: Path, architecture: str) -> Path:
    tokenizer = KmerTokenizer(k=2)
    sizes = {"hidden_size": 32, "layers": 2, "heads": 2, "intermediate_size": 48}
    model = build_model(ModelConfig(architecture=architecture, **sizes), tokenizer=tokenizer, max_tokens=60)
    model.config.window_length = 116
    folder.mkdir()
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    write_manifest(folder, kind="run")
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
            rows.append("".join(rng.choice(list("ACGT"), rng.integers(30, 60), p=chances)) + (",rich" if i % 2 else ",poor"))
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


@pytest.fixture
def modernbert(tmp_path):
    return make_run(tmp_path / "modernbert", "modernbert")


def test_a_frozen_body_stays_and_its_head_learns(modernbert, task, tmp_path):
    out = finetune(config_of(task, modernbert, tmp_path, freeze=True, head_learning_rate=1e-2))
    before, after = load_file(modernbert / "model.safetensors"), load_file(out / "model.safetensors")
    body = [name for name in after if name.startswith("model.")]
    assert body and all(torch.equal(before[name], after[name]) for name in body)
    assert result(out)[0]["test"]["mcc"]["value"] > 0.3


def test_fresh_weights_are_other_weights_and_seeds_repeat(modernbert, task, tmp_path):
    first = finetune(config_of(task, modernbert, tmp_path, epochs=1, seeds=[1, 2]))
    again = finetune(config_of(task, modernbert, tmp_path, epochs=1, seeds=[1, 2], out=str(tmp_path / "again")))
    fresh = finetune(config_of(task, modernbert, tmp_path, epochs=1, seeds=[1, 2], fresh=True, out=str(tmp_path / "fresh")))
    assert result(first) == result(again) != result(fresh)
    assert [each["seed"] for each in result(first)] == [1, 2]


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
    long = make_run(tmp_path / "bert", "bert")
    (task / "test.csv").write_text("sequence,label\n" + "ACGT" * 50 + ",rich\n" + "AC,poor\n")
    with pytest.raises(UserError, match="200 bases, 102 tokens, more than the 60 that .*bert reads"):
        finetune(config_of(task, long, tmp_path))
    (task / "test.csv").write_text("sequence,label\nA,rich\nAC,poor\n")
    with pytest.raises(UserError, match="a sequence of 1 bases, shorter than a word of 2"):
        finetune(config_of(task, modernbert, tmp_path))
    assert not (tmp_path / "out").exists()
