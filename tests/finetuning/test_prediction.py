import io
import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from accelerate.state import AcceleratorState
from sklearn.metrics import roc_auc_score
from transformers import pipeline

from dnabert.alphabet import reverse_complement
from dnabert.cli import main
from dnabert.encoders.encoder import DEFAULT_RUN
from dnabert.errors import UserError
from dnabert.finetuning import Classifier, FinetuneConfig, PredictConfig, finetune, predict
from dnabert.finetuning.card import classifier_card
from dnabert.finetuning.prediction import Prediction
from dnabert.finetuning.results import read_kept

RNG = np.random.default_rng(1)


def drawn(length, gc=0.5):
    return "".join(RNG.choice(list("ACGT"), length, p=[(1 - gc) / 2, gc / 2, gc / 2, (1 - gc) / 2]))


def write_task(folder, *, length=(30, 60)):
    folder.mkdir()
    for part, n in (("train", 60), ("dev", 20), ("test", 20)):
        rows = [f"{drawn(RNG.integers(*length), 0.3 + 0.4 * (i % 2))},{('poor', 'rich')[i % 2]}" for i in range(n)]
        (folder / f"{part}.csv").write_text("\n".join(["sequence,label", *rows]) + "\n")
    return folder


@pytest.fixture(scope="module")
def classifiers(tmp_path_factory):
    """One whose labels do not depend on the strand, and one that reads forward alone."""
    folder = tmp_path_factory.mktemp("classifiers")
    task, found = write_task(folder / "gc"), {}
    for name, strands in (("forward", False), ("both", True)):
        found[name] = finetune(
            FinetuneConfig(
                task=str(task),
                out=str(folder / name),
                epochs=3,
                seeds=[3, 1],
                resamples=20,
                precision="fp32",
                random_strand=strands,
                freeze=True,
            )
        )
    return found


def predicted(classifier, sequences, tmp_path, **config):
    rows = "".join(f">{name}\n{text}\n" for name, text in sequences.items())
    (tmp_path / "new.fa").write_text(rows)
    return predict(
        classifier,
        tmp_path / "new.fa",
        out=tmp_path / "new.tsv",
        config=PredictConfig(precision="fp32", **config),
        overwrite=True,
    )


def test_it_says_what_a_pipeline_of_transformers_says(classifiers, tmp_path):
    sequences = {f"s{i}": drawn(length, 0.3 + 0.1 * i) for i, length in enumerate((40, 55, 33, 448, 300))} | {
        "n": "ACGTNNACGTTGCATGCATGCAACGT"
    }
    table = predicted(classifiers["forward"], sequences, tmp_path).table
    pipe = pipeline("text-classification", str(classifiers["forward"]), top_k=None)
    for row, text in zip(table.to_dict("records"), sequences.values(), strict=True):
        said = {each["label"]: each["score"] for each in pipe([text])[0]}
        assert [row[f"probability of {name}"] for name in ("poor", "rich")] == pytest.approx(
            [said["poor"], said["rich"]], abs=2e-4
        )
        assert row["label"] == max(said, key=said.get) and row["probability"] == pytest.approx(
            max(said.values()), abs=2e-4
        )


def test_a_classifier_trained_in_bf16_is_scored_and_predicts_as_transformers_reads_it(tmp_path):
    out = finetune(
        FinetuneConfig(
            task=str(write_task(tmp_path / "gc")),
            out=str(tmp_path / "out"),
            epochs=2,
            seeds=[0],
            resamples=20,
            precision="bf16",
        )
    )
    rows = pd.read_csv(tmp_path / "gc" / "test.csv")
    rows.to_csv(tmp_path / "new.csv", index=False)
    exact, rounded = (
        predict(out, tmp_path / "new.csv", out=tmp_path / "new.tsv", config=config, overwrite=True).table
        for config in (PredictConfig(), PredictConfig(precision="bf16"))
    )
    pipe = pipeline("text-classification", str(out), top_k=None, device="cpu")
    said = [{each["label"]: each["score"] for each in pipe([text])[0]}["rich"] for text in rows["sequence"]]
    assert exact["probability of rich"].to_numpy() == pytest.approx(said, abs=2e-4)
    assert abs(rounded["probability of rich"] - said).max() > 1e-3  # bf16 is what it was trained in
    test = json.loads((out / "results.json").read_text())["seeds"][0]["test"]
    assert test["auc"]["value"] == pytest.approx(roc_auc_score(rows["label"] == "rich", said))
    assert test["accuracy"]["value"] == (exact["label"] == rows["label"]).mean()


def test_the_strand_does_not_matter_where_training_drew_it(classifiers, tmp_path):
    text = drawn(60)
    pair = {"given": text, "turned": reverse_complement(text)}
    for name, alike in (("both", True), ("forward", False)):
        first, second = predicted(classifiers[name], pair, tmp_path).table["probability of rich"]
        assert (abs(first - second) <= 2e-4) == alike


def test_the_table_is_in_the_order_of_the_input_and_the_same_for_any_batch_size(classifiers, tmp_path):
    sequences = {"a": drawn(900), "short": "ACG", "b": drawn(40), "unknown": "N" * 60, "c": drawn(1500)}
    made = predicted(classifiers["both"], sequences, tmp_path)
    assert made.table["name"].tolist() == list(sequences)
    assert made.table["note"].tolist() == ["", "too short", "", "too few known bases", ""]
    assert (
        (made.table["label"] == "").tolist()
        == made.table["probability"].isna().tolist()
        == [False, True, False, True, False]
    )
    assert made.describe().startswith("5 sequences, 2 that cannot be read (too short, or hardly a known base)\n")
    assert "on the 20 test sequences of gc it has a Matthews' correlation of " in made.describe()
    read = pd.read_csv(tmp_path / "new.tsv", sep="\t", keep_default_na=False, na_values={"probability": [""]})
    assert read.columns.tolist() == [
        "name", "start", "end", "length", "label", "probability", "note", "probability of poor", "probability of rich"
    ]  # fmt: skip
    assert read["label"].tolist() == made.table["label"].tolist()
    again = predicted(classifiers["both"], sequences, tmp_path, batch_size=1).table
    assert again["probability"].to_numpy() == pytest.approx(made.table["probability"].to_numpy(), abs=2e-4, nan_ok=True)


def test_a_sequence_in_tiles_has_a_row_for_each_and_each_is_read_by_itself(classifiers, tmp_path):
    text = drawn(1000)
    table = predicted(classifiers["both"], {"long": text, "brief": text[:100]}, tmp_path, tile=True).table
    assert table[["name", "start", "end", "length"]].to_numpy().tolist() == [
        ["long", 0, 448, 448], ["long", 448, 1000, 552], ["brief", 0, 100, 100]
    ]  # fmt: skip
    alone = predicted(
        classifiers["both"], {"first": text[:448], "second": text[448:], "third": text[:100]}, tmp_path
    ).table
    assert table["probability of rich"].tolist() == pytest.approx(alone["probability of rich"].tolist(), abs=2e-4)


def test_lengths_unlike_those_of_training_are_told(classifiers, tmp_path):
    made = predicted(classifiers["both"], {"like": drawn(50), "longer": drawn(448)}, tmp_path)
    shortest, longest = json.loads((classifiers["both"] / "results.json").read_text())["lengths"]
    assert made.warning == (
        f"1 of 2 rows are of under half or over twice the bases of the sequences it was trained on ({shortest} to "
        f"{longest}): its test says nothing of them"
    )
    assert predicted(classifiers["both"], {"like": drawn(50)}, tmp_path).warning is None


def test_half_and_twice_as_many_bases_are_not_yet_unlike(classifiers):
    kept = replace(read_kept(classifiers["both"]), lengths=(50, 60))
    warnings = [
        Prediction(pd.DataFrame({"length": lengths}), kept).warning for lengths in ([25, 120], [24, 25, 120, 121, 50])
    ]
    assert warnings[0] is None
    assert warnings[1].startswith("2 of 5 rows are of under half or over twice the bases of the sequences")


def test_the_score_told_is_that_of_the_training_that_was_kept(classifiers, tmp_path):
    results = json.loads((classifiers["both"] / "results.json").read_text())
    dev = {each["seed"]: each["dev_mcc"] for each in results["seeds"]}
    assert set(dev) == {3, 1} and dev[results["kept"]] == max(dev.values())
    kept = next(each["test"] for each in results["seeds"] if each["seed"] == results["kept"])
    assert predicted(classifiers["both"], {"a": drawn(50)}, tmp_path).test == kept


def test_the_score_on_what_training_has_not_seen_is_told_too(classifiers, tmp_path):
    folder = tmp_path / "seen"
    shutil.copytree(classifiers["both"], folder)
    assert "share no 30 bases" not in predicted(folder, {"s": drawn(40)}, tmp_path).describe()
    results = json.loads((folder / "results.json").read_text())
    for each in results["seeds"]:
        each["unseen"] = {"mcc": {"value": 0.25, "low": 0.1, "high": 0.4, "n": 15}}
    (folder / "results.json").write_text(json.dumps(results))
    assert (
        "]; 0.250 [0.100, 0.400] on the 15 that share no 30 bases with train; elsewhere"
        in predicted(folder, {"s": drawn(40)}, tmp_path).describe()
    )


def test_where_classes_weighed_alike_probabilities_are_told_to_be_of_equally_frequent_ones(classifiers, tmp_path):
    balanced = shutil.copytree(classifiers["both"], tmp_path / "balanced")
    manifest = (balanced / "manifest.json").read_text()
    (balanced / "manifest.json").write_text(manifest.replace('"class_weights": "none"', '"class_weights": "balanced"'))
    for folder, alike in ((balanced, True), (classifiers["both"], False)):
        assert (
            "are those of classes equally frequent" in predicted(folder, {"a": drawn(50)}, tmp_path).describe()
        ) == alike
        card = classifier_card(folder, name="me/gc")
        assert (
            ("right where classes are equally frequent" in card)
            == alike
            == ("classes are as frequent as in training" not in card)
        )


def test_classes_of_which_one_has_a_comma_are_told_apart(classifiers, tmp_path):
    other = shutil.copytree(classifiers["both"], tmp_path / "other")
    (other / "results.json").write_text(
        json.dumps(json.loads((other / "results.json").read_text()) | {"classes": ["poor", "rich, or so"]})
    )
    assert "Tells apart: poor; rich, or so." in classifier_card(other, name="me/gc")
    assert "Tells apart: poor, rich." in classifier_card(classifiers["both"], name="me/gc")


def test_a_card_says_what_the_fine_tuning_recorded(classifiers, tmp_path):
    results = json.loads((classifiers["both"] / "results.json").read_text())
    test = next(each["test"] for each in results["seeds"] if each["seed"] == results["kept"])
    card = classifier_card(classifiers["both"], name="me/gc", license="cc-by-4.0")
    head, text = card.removeprefix("---\n").split("---\n", 1)
    told = yaml.safe_load(head)
    (model,) = told["model-index"]
    assert (told["license"], model["name"], model["results"][0]["dataset"]["name"]) == ("cc-by-4.0", "gc", "gc")
    assert {each["type"]: each["value"] for each in model["results"][0]["metrics"]} == {
        "matthews_correlation": round(test["mcc"]["value"], 4),
        "accuracy": round(test["accuracy"]["value"], 4),
        "f1": round(test["f1"]["value"], 4),
        "roc_auc": round(test["auc"]["value"], 4),
    }
    mcc = "{value:.3f} | {low:.3f} to {high:.3f} |".format(**test["mcc"])
    assert f"| Matthews' correlation | {mcc}\n" in text
    assert "On the 20 sequences of the task's test part" in text
    assert "of 2 trainings it is the one that was best on dev" in text
    assert "from the weights of default, its body frozen." in text
    assert "read on both strands, of which the mean is taken." in text
    assert "read on the strand given." in classifier_card(classifiers["forward"], name="me/gc")
    assert "license" not in classifier_card(classifiers["both"], name="me/gc")
    one = Path(shutil.copytree(classifiers["both"], tmp_path / "one"))
    kept = [each for each in results["seeds"] if each["seed"] == results["kept"]]
    (one / "results.json").write_text(json.dumps(results | {"seeds": kept}))
    manifest = json.loads((one / "manifest.json").read_text())
    manifest["config"] |= {"fresh": True, "freeze": False}
    (one / "manifest.json").write_text(json.dumps(manifest))
    other = classifier_card(one, name="me/gc")
    assert "trainings it is the one" not in other
    assert "from fresh weights of the architecture of default." in other


def test_standard_input_is_read(classifiers, tmp_path, monkeypatch):
    stdin = io.TextIOWrapper(io.BytesIO(b"name,sequence\none," + drawn(50).encode() + b"\n"))
    monkeypatch.setattr("sys.stdin", stdin)
    made = predict(classifiers["both"], "-", out=tmp_path / "new.tsv", config=PredictConfig(precision="fp32"))
    table = made.table
    assert table["name"].tolist() == ["one"] and set(table["label"]) <= {"poor", "rich"}
    assert repr(made) == f"Prediction(1 sequence, task={made.task!r}, labels={{{table['label'][0]!r}: 1}})"


def test_sequences_in_memory_have_the_probabilities_of_those_of_a_file(classifiers, tmp_path):
    texts = [drawn(40), drawn(300)]
    state = AcceleratorState._shared_state
    before, classifier = dict(state), Classifier(classifiers["both"])
    found = classifier.probabilities([np.frombuffer(text.encode(), np.uint8) for text in texts])
    table = predicted(classifiers["both"], dict(zip("ab", texts, strict=True)), tmp_path).table
    assert classifier.classes == ["poor", "rich"]
    assert np.array_equal(found.round(4), table[["probability of poor", "probability of rich"]])
    assert state == before  # of a caller's own Accelerator
    with pytest.raises(ValueError, match="^sequence 0 is str, allowed is uint8"):
        classifier.probabilities(texts)
    with pytest.raises(UserError, match="a sequence has 1 bases, fewer than a word of"):
        classifier.probabilities([np.frombuffer(b"A", np.uint8)])
    assert classifier.probabilities([]).shape == (0, 2)


def test_what_cannot_work_is_told(classifiers, tmp_path):
    new, out = tmp_path / "new.fa", tmp_path / "out.tsv"
    new.write_text(">a\nACGTACGTACGTACGT\n")
    with pytest.raises(UserError, match="is no classifier of dnabert"):
        predict(tmp_path, new, out=out)
    out.write_text("mine\n")
    with pytest.raises(UserError, match="exists already: choose another --out or pass --overwrite"):
        predict(classifiers["both"], new, out=out)
    with pytest.raises(UserError, match="is no table of dnabert predict, so --overwrite leaves it alone"):
        predict(classifiers["both"], new, out=out, overwrite=True)
    assert out.read_text() == "mine\n"
    with pytest.raises(UserError, match="--batch-size is 0, allowed is 1 or more"):
        PredictConfig(batch_size=0)
    old = tmp_path / "old"
    old.mkdir()
    for file in classifiers["both"].iterdir():
        (old / file.name).write_bytes(file.read_bytes())
    results = json.loads((old / "results.json").read_text())
    del results["kept"]
    (old / "results.json").write_text(json.dumps(results))
    with pytest.raises(
        UserError, match="does not say which training was kept, an older dnabert made it: fine-tune again"
    ):
        predict(old, new, out=tmp_path / "x.tsv")


def test_a_classifier_whose_config_is_gone_or_another_s_is_told(classifiers, tmp_path):
    copy = Path(shutil.copytree(classifiers["forward"], tmp_path / "copy"))
    config = json.loads((copy / "config.json").read_text())
    for changed, message in (
        ("", "cannot read .*config.json .*: make or fetch it again"),
        (
            json.dumps(config | {"model_type": "nonesuch"}),
            "cannot read .*config.json .*nonesuch.*: make or fetch it again",
        ),
        (
            json.dumps(config | {"window_length": None}),
            "config.json does not state window_length, so it is of no classifier of dnabert: fine-tune again",
        ),
    ):
        (copy / "config.json").write_text(changed)
        with pytest.raises(UserError, match=message):
            predicted(copy, {"a": drawn(50)}, tmp_path)
    (copy / "config.json").unlink()
    with pytest.raises(UserError, match="cannot read .*config.json .*: make or fetch it again"):
        predicted(copy, {"a": drawn(50)}, tmp_path)
    assert not (tmp_path / "new.tsv").exists()


def test_a_classifier_with_the_weights_of_a_run_is_told(classifiers, tmp_path):
    copy = Path(shutil.copytree(classifiers["forward"], tmp_path / "copy"))
    shutil.copy(DEFAULT_RUN / "model.safetensors", copy)
    with pytest.raises(UserError, match="they are not those of its config.json: classifier.bias is not among them"):
        predicted(copy, {"a": drawn(50)}, tmp_path)


def test_the_command_tells_what_it_found(classifiers, tmp_path, capsys):
    (tmp_path / "new.fa").write_text(f">a\n{drawn(50)}\n>b\n{drawn(2000)}\n")
    words = [
        "predict",
        str(classifiers["both"]),
        str(tmp_path / "new.fa"),
        "--precision",
        "fp32",
        "--out",
        str(tmp_path / "new.tsv"),
    ]
    main([*words, "--json"])
    told = json.loads(capsys.readouterr().out)
    assert (
        told["rows"] == sum(told["labels"].values()) == 2
        and told["task"] == "gc"
        and told["warning"].startswith("1 of 2 rows are of ")
    )
    main([*words, "--overwrite", "--tile"])
    said = capsys.readouterr()
    assert (
        said.out.startswith("5 pieces of 2 sequences, 0 that cannot be read")
        and "warning: 4 of 5 rows are of " in said.err
    )
