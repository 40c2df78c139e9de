import contextlib
import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from dnabert.errors import UserError
from dnabert.finetuning import ClassifyConfig, classify, training
from dnabert.finetuning.classification import _starts
from dnabert.manifest import read_manifest, write_manifest
from dnabert.models.build import build_model
from dnabert.models.config import ModelConfig
from dnabert.tokenizer import KmerTokenizer


def make_run(folder, architecture):
    tokenizer = KmerTokenizer(k=3)
    settings = ModelConfig(architecture=architecture, hidden_size=32, layers=1, heads=2, intermediate_size=32)
    model = build_model(settings, tokenizer=tokenizer, max_tokens=22)
    model.config.window_length = 60
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    write_manifest(folder, kind="run", config={"model": dataclasses.asdict(settings)})
    return folder


@pytest.fixture
def task(tmp_path):
    """The motif GATTACA is there or not, at any place."""
    rng, rows = np.random.default_rng(0), []
    for i in range(300):
        bases = "".join(rng.choice(list("ACGT"), 50))
        place = rng.integers(0, 43)
        rows.append((bases[:place] + "GATTACA" + bases[place + 7 :] if i % 2 else bases) + f",{i % 2}")
    path = tmp_path / "motif.csv"
    path.write_text("sequence,label\n" + "\n".join(rows) + "\n")
    return path


def config_of(task, folder, tmp_path, **changes):
    options = {
        "tasks": [str(task)],
        "run": str(folder),
        "out": str(tmp_path / "out"),
        "epochs": 1,
        "warmup_steps": 2,
        "seeds": [0, 1],
        "resamples": 20,
        "precision": "fp32",
        "frozen": ["kmer:3"],
    }
    return ClassifyConfig(**(options | changes))


def test_one_table_of_everything_with_paired_differences(task, tmp_path, capsys):
    run, other = make_run(tmp_path / "run", "modernbert"), make_run(tmp_path / "conv", "convolution")
    out = classify(config_of(task, run, tmp_path, more_runs=[str(other)], architectures=["convolution", "lstm"]))
    (record,) = json.loads((out / "results.json").read_text())
    names = [row["classifier"] for row in record["scores"]]
    assert names == [
        "fine-tuned run", "untrained", "convolution, untrained", "lstm, untrained", "fine-tuned conv",
        "kmer:3, logistic regression",
    ]  # fmt: skip
    assert [len(row["each"]) for row in record["scores"]] == [2, 2, 2, 2, 2, 1]
    assert all(0 <= row["seconds"] < 600 for row in record["scores"])
    scores = {row["classifier"]: row["metrics"]["mcc"]["value"] for row in record["scores"]}
    for row in record["differences"]:
        mcc = row["metrics"]["mcc"]
        assert row["classifier"] == names[0]
        assert (
            mcc["value"] == pytest.approx(scores[names[0]] - scores[row["baseline"]])
            and mcc["low"] <= mcc["value"] <= mcc["high"]
        )
    for row in record["scores"]:
        assert row["metrics"]["mcc"]["value"] == pytest.approx(np.mean([each["mcc"] for each in row["each"]]))
    table = (out / "table.md").read_text()
    assert (
        table in capsys.readouterr().out
        and "| kmer:3, logistic regression | " in table
        and "240 / 30 / 30 sequences" in table
    )
    assert len((out / "scores.tsv").read_text().splitlines()) == 1 + 6 * 4
    assert len((out / "differences.tsv").read_text().splitlines()) == 1 + 5 * 4
    assert set(read_manifest(out, kind="classifiers")["inputs"]) == {"task 0", "run 0", "run 1"}


def trained_until(stop, config, monkeypatch):
    """How many trainings a comparison does that is stopped in the `stop`-th; None: it is not."""
    fit, done = training._fit, []

    def counted(each, read):
        if len(done) + 1 == stop:
            raise KeyboardInterrupt
        done.append(each.seed)
        return fit(each, read)

    with monkeypatch.context() as patched, contextlib.suppress(KeyboardInterrupt):
        patched.setattr(training, "_fit", counted)
        classify(config)
    return len(done)


def test_stopped_it_goes_on_at_the_training_that_was_not_done(task, tmp_path, monkeypatch):
    config = config_of(task, make_run(tmp_path / "run", "modernbert"), tmp_path)  # three starts, two seeds each
    assert trained_until(4, config, monkeypatch) == 3
    assert not Path(config.out).exists()
    slower = dataclasses.replace(config, learning_rate=1e-4)
    assert trained_until(4, slower, monkeypatch) == 3  # of other settings nothing is taken
    assert trained_until(4, config, monkeypatch) == 3
    assert trained_until(2, config, monkeypatch) == 1
    assert trained_until(None, config, monkeypatch) == 2
    assert not list(tmp_path.glob(".*"))
    whole = classify(dataclasses.replace(config, out=str(tmp_path / "whole")))
    for name in ("scores.tsv", "differences.tsv", "table.md"):
        assert (whole / name).read_bytes() == (Path(config.out) / name).read_bytes()
    (first,), (second,) = (json.loads((Path(out) / "results.json").read_text()) for out in (config.out, whole))
    for row in first["scores"] + second["scores"]:
        assert 0 <= row.pop("seconds") < 600
    assert first == second


def test_what_cannot_work_is_refused_before_anything_is_trained(task, tmp_path):
    run = make_run(tmp_path / "run", "modernbert")
    for changes, message in (
        ({"tasks": []}, "no task is named: pass --tasks FOLDER"),
        ({"tasks": [str(task), str(task)]}, "two of --tasks have the same name .motif, motif.: rename"),
        ({"more_runs": [str(run), str(run)]}, "two of --more-runs have the same name .run.: rename a folder"),
        ({"run": str(tmp_path / "none")}, "no such run folder"),
        ({"frozen": ["kmer:99"]}, "k of kmer:99 is 99, allowed is 1 to 8"),
    ):
        with pytest.raises(UserError, match=message):
            classify(config_of(task, run, tmp_path, **changes))
    assert not (tmp_path / "out").exists()


def test_a_further_run_may_be_called_run(task, tmp_path):
    run, other = make_run(tmp_path / "run", "modernbert"), make_run(tmp_path / "demo" / "run", "modernbert")
    assert list(_starts(config_of(task, run, tmp_path, more_runs=[str(other)])))[-1] == "fine-tuned demo/run"


def test_untrained_ones_begin_as_pretraining_did_and_runs_as_they_ended(task, tmp_path):
    run, other = make_run(tmp_path / "run", "modernbert"), make_run(tmp_path / "other", "modernbert")
    starts = _starts(config_of(task, run, tmp_path, more_runs=[str(other)], architectures=["lstm"]))
    assert {name: (each.begun is not None, each.architecture, each.run) for name, each in starts.items()} == {
        "fine-tuned run": (False, "run", run),
        "untrained": (True, "run", run),
        "lstm, untrained": (True, "lstm", run),
        "fine-tuned other": (False, "run", other),
    }


def test_where_test_has_copies_of_training_sequences_the_table_tells_of_the_others_too(tmp_path):
    rng, task = np.random.default_rng(0), tmp_path / "copies"
    rows = ["".join(rng.choice(list("ACGT"), 50)) + f",{i % 2}" for i in range(90)]
    task.mkdir()
    for part, own in (("train", rows[:40]), ("dev", rows[40:60]), ("test", [*rows[:10], *rows[60:]])):
        (task / f"{part}.csv").write_text("sequence,label\n" + "\n".join(own) + "\n")
    out = classify(config_of(task, make_run(tmp_path / "run", "convolution"), tmp_path, architectures=[], seeds=[0]))
    (record,) = json.loads((out / "results.json").read_text())
    assert [row["unseen"]["metrics"]["mcc"]["n"] for row in record["scores"]] == [30, 30, 30]
    lines = (out / "table.md").read_text().splitlines()
    assert lines[2].endswith("| MCC on the 30 that share no 30 bases with train |") and {
        line.count("|") for line in lines[2:7]
    } == {8}


def test_where_test_lacks_a_class_the_table_has_no_area(tmp_path):
    rng, task = np.random.default_rng(0), tmp_path / "three"
    task.mkdir()
    for part, classes in (("train", 3), ("dev", 3), ("test", 2)):
        rows = ["".join(rng.choice(list("ACGT"), 50)) + f",{i % classes}" for i in range(30)]
        (task / f"{part}.csv").write_text("sequence,label\n" + "\n".join(rows) + "\n")
    out = classify(config_of(task, make_run(tmp_path / "run", "convolution"), tmp_path, architectures=[], seeds=[0]))
    table = (out / "table.md").read_text()
    assert "nan" not in table and "|  |" in table.splitlines()[4]
    assert "\tauc\tnan\t" in (out / "scores.tsv").read_text()
