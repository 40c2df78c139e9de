"""What is uploaded is made for real and read back by the Hub's own readers; the upload itself goes to a recorder or a
closed port."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import dnabert
from dnabert.corpus import Corpus
from dnabert.errors import UserError
from dnabert.hub import PushConfig, push, staged
from dnabert.models.config import ModelConfig
from dnabert.pretraining import pretrain
from dnabert.pretraining.config import PretrainConfig
from dnabert.pretraining.release import release


@pytest.fixture(scope="module")
def run(tiny_corpus: Corpus, tmp_path_factory: pytest.TempPathFactory) -> Path:
    model = ModelConfig(architecture="bert", hidden_size=32, layers=2, heads=2, intermediate_size=32)
    settings = PretrainConfig(
        corpus=str(tiny_corpus.folder),
        out=str(tmp_path_factory.mktemp("hub") / "run"),
        k=4,
        model=model,
        batch_size=8,
        steps=2,
        warmup_steps=1,
        evaluate_every=2,
        evaluation_windows=10,
        floor_order=2,
        tracker="none",
        threads=1,
        precision="fp32",
    )
    return pretrain(settings)


class Recorder:
    """Takes the two calls of `huggingface_hub.HfApi` that are made, and copies the folder as a server would."""

    def __init__(self, store: Path) -> None:
        self.store = store
        self.calls: list[tuple[str, dict[str, Any]]] = []

    def create_repo(self, name: str, **options: Any) -> str:
        self.calls.append(("create_repo", {"name": name, **options}))
        return f"https://huggingface.co/{name}"

    def upload_folder(self, *, folder_path: str, **options: Any) -> None:
        self.calls.append(("upload_folder", options))
        shutil.copytree(folder_path, self.store)


def texts(folder: Path) -> str:
    return "".join(path.read_text() for path in folder.rglob("*") if path.suffix in (".json", ".md", ".yaml"))


def test_a_run_is_uploaded_as_a_release_with_a_card(run: Path, tmp_path: Path) -> None:
    from huggingface_hub import ModelCard

    recorder = Recorder(tmp_path / "hub")
    config = PushConfig(license="cc-by-4.0", private=True)
    assert push(run, "me/tiny", config=config, api=recorder) == "https://huggingface.co/me/tiny"
    assert [name for name, _ in recorder.calls] == ["create_repo", "upload_folder"]
    assert recorder.calls[0][1] == {"name": "me/tiny", "repo_type": "model", "private": True, "exist_ok": True}
    assert recorder.calls[1][1] == {"repo_id": "me/tiny", "repo_type": "model", "commit_message": "dnabert push"}
    card = ModelCard.load(recorder.store / "README.md")
    assert card.data.license == "cc-by-4.0" and card.data.pipeline_tag == "fill-mask" and "dna" in card.data.tags
    last = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()][-1]
    (result,) = card.data.eval_results
    assert result.metric_type == "bits_per_base" and result.task_type == "fill-mask"
    assert result.metric_value == round(last["validation_bits_per_base"], 4)
    floors = json.loads((run / "floors.json").read_text())
    for value in (
        last["low"],
        last["high"],
        floors["best"]["bits_per_base"],
        floors["bidirectional"]["best"]["bits_per_base"],
        2,
    ):
        assert f"{value:.4f}" in card.text
    assert 'pipeline("fill-mask", model="me/tiny")("ACGT[MASK]GGTA")' in card.text
    assert "but `transformers` from version 5 on" in card.text
    assert "tiny: " in card.text and "windows of 112 bp" in card.text  # from the corpus's manifest
    assert str(run.parent) not in texts(recorder.store)
    assert dnabert.load_encoder(str(recorder.store)).dimension == 32
    assert not (recorder.store / "checkpoints").exists()


def test_a_corpus_is_uploaded_and_loads_with_datasets(tiny_corpus: Corpus, tmp_path: Path) -> None:
    import datasets
    from huggingface_hub import DatasetCard

    recorder = Recorder(tmp_path / "hub")
    manifest = (tiny_corpus.folder / "manifest.json").read_bytes()
    push(tiny_corpus.folder, "me/tiny-windows", config=PushConfig(data="Simulated."), api=recorder)
    assert recorder.calls[0][1]["repo_type"] == "dataset" and recorder.calls[0][1]["private"] is None
    card = DatasetCard.load(recorder.store / "README.md")
    assert card.data.license is None and card.data.size_categories == ["1K<n<10K"]
    assert "Simulated." in card.text and "| tiny.fasta | tiny.fa |" in card.text and "tiny_windows" not in card.text
    windows = datasets.load_dataset(str(recorder.store), "windows", cache_dir=str(tmp_path / "cache"))
    assert {name: len(split) for name, split in windows.items()} == {
        name: len(split) for name, split in tiny_corpus.items()
    }
    pd.testing.assert_frame_equal(windows["train"].to_pandas(), tiny_corpus["train"].to_pandas())
    sequences = datasets.load_dataset(str(recorder.store), "sequences", cache_dir=str(tmp_path / "cache"))["train"]
    assert sequences[0] == tiny_corpus.sequences[0]
    again = dnabert.load_corpus(recorder.store)
    assert (again.view("test").bases([0, 1]) == tiny_corpus.view("test").bases([0, 1])).all()
    assert str(tiny_corpus.folder.parent) not in texts(recorder.store)
    assert (tiny_corpus.folder / "manifest.json").read_bytes() == manifest


def test_a_release_keeps_its_card(run: Path, tmp_path: Path) -> None:
    made = release(run, out=tmp_path / "released", data="Simulated sequence.", license="mit")
    with staged(made, "me/tiny", out=tmp_path / "kept") as upload:
        assert upload.card == (made / "README.md").read_text().replace('"released"', '"me/tiny"').replace(
            "name: released\n", "name: tiny\n"
        )
        assert "license: mit" in upload.card and '"me/tiny"' in upload.card and "released" not in upload.card
        assert "Simulated sequence." in upload.card
    assert (tmp_path / "kept" / "model.safetensors").is_file()
    with (
        pytest.raises(UserError, match="is a release and has its card"),
        staged(made, "me/tiny", config=PushConfig(license="mit")),
    ):
        pass
    (made / "README.md").unlink()
    with pytest.raises(UserError, match=r"neither metrics.jsonl nor a card"), staged(made, "me/tiny"):
        pass


def test_the_packaged_model_is_called_default(tmp_path: Path) -> None:
    with staged("default", "me/tiny", out=tmp_path / "kept") as upload:
        assert '"me/tiny"' in upload.card and "model.safetensors" in upload.files


def test_only_what_a_corpus_has_is_uploaded(tiny_corpus: Corpus, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(tiny_corpus.folder, tmp_path / "corpus"))
    (folder / "private").mkdir()
    (folder / "private" / "patient.vcf").write_text("secret")
    with staged(folder, "me/x", config=PushConfig()) as made:
        assert {path.name for path in made.folder.iterdir()} == {path.name for path in tiny_corpus.folder.iterdir()} | {
            "README.md"
        }


def test_files_behind_links_within_a_corpus_are_uploaded(tiny_corpus: Corpus, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(tiny_corpus.folder, tmp_path / "corpus"))
    (folder / "elsewhere").mkdir()
    for file in (folder / "summary.json", next(path for path in (folder / "train").iterdir() if path.is_file())):
        moved = file.rename(folder / "elsewhere" / file.name)
        file.symlink_to(Path(*[".."] * (len(file.relative_to(folder).parts) - 1), moved.relative_to(folder)))
    with (
        staged(folder, "me/x", config=PushConfig()) as made,
        staged(tiny_corpus.folder, "me/x", config=PushConfig()) as whole,
    ):
        assert {name: size for name, size in made.files.items() if name != "manifest.json"} == {
            name: size for name, size in whole.files.items() if name != "manifest.json"
        }


def test_links_that_w_and_b_leaves_in_a_run_keep_nothing_from_being_uploaded(run: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(run, tmp_path / "run"))
    (copy / "wandb").mkdir()
    (copy / "wandb" / "debug-core.log").symlink_to("/etc/hostname")
    with staged(copy, "me/x", config=PushConfig()) as made:
        assert (made.folder / "model.safetensors").is_file() and not (made.folder / "wandb").exists()


@pytest.mark.parametrize("name", ["tiny", "a/b/c", "me/ti ny", "", "me/"])
def test_a_name_that_is_no_repository(run, name):
    with pytest.raises(UserError, match="NAME must be OWNER/NAME"), staged(run, name):
        pass


def test_a_source_that_does_not_do(tmp_path):
    with (
        pytest.raises(
            UserError, match="is no stage of dnabert: give the folder of a run, of a classifier or of a corpus"
        ),
        staged(tmp_path, "me/x"),
    ):
        pass
    (tmp_path / "manifest.json").write_text('{"kind": "report"}')
    with pytest.raises(UserError, match="holds report"), staged(tmp_path, "me/x"):
        pass


def test_a_folder_that_stands_is_left_alone(run, tmp_path):
    (tmp_path / "mine").touch()
    with pytest.raises(UserError, match="exists already"), staged(run, "me/x", out=tmp_path):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_a_folder_is_not_staged_within_itself_and_nothing_hidden_is(run, tiny_corpus, tmp_path):
    made, corpus = release(run, out=tmp_path / "released"), tmp_path / "corpus"
    shutil.copytree(tiny_corpus.folder, corpus)
    for source in (made, corpus):
        with (
            pytest.raises(UserError, match="--out .* is in .*, which is copied there: choose another --out"),
            staged(source, "me/x", out=source / "up"),
        ):
            pass
        (source / ".git").mkdir()
        (source / ".git" / "secrets").touch()
        with staged(source, "me/x") as upload:
            assert not [name for name in upload.files if name.startswith(".")] and "manifest.json" in upload.files
        assert not (source / "up").exists()


def test_no_token_is_one_line(run, tmp_path, monkeypatch):
    import huggingface_hub

    monkeypatch.delenv("HF_TOKEN", raising=False)
    monkeypatch.setattr(huggingface_hub, "get_token", lambda: None)
    with pytest.raises(UserError, match="no token of the Hugging Face Hub: run hf auth login, set HF_TOKEN"):
        push(run, "me/x")


def test_no_network_is_one_line(run):
    from huggingface_hub import HfApi

    closed = HfApi(endpoint="http://127.0.0.1:9", token="hf_none")
    with pytest.raises(UserError, match="cannot upload me/x: .*: check the network and the token"):
        push(run, "me/x", api=closed)


def test_a_classifier_is_uploaded_with_its_scores_and_applies_from_there(tmp_path: Path) -> None:
    import numpy as np
    from huggingface_hub import ModelCard

    from dnabert.finetuning import FinetuneConfig, PredictConfig, finetune, predict

    rng = np.random.default_rng(0)
    (tmp_path / "gc").mkdir()
    for part, n in (("train", 30), ("dev", 10), ("test", 12)):
        rows = [
            "".join(rng.choice(list("ACGT"), 40, p=([0.4, 0.1, 0.1, 0.4], [0.1, 0.4, 0.4, 0.1])[i % 2]))
            + f",class {i % 2}"
            for i in range(n)
        ]
        (tmp_path / "gc" / f"{part}.csv").write_text("\n".join(["sequence,label", *rows]) + "\n")
    made = finetune(
        FinetuneConfig(
            task=str(tmp_path / "gc"),
            out=str(tmp_path / "made"),
            epochs=1,
            seeds=[0, 1],
            resamples=20,
            precision="fp32",
            freeze=True,
        )
    )
    (made / "notes.md").write_text("mine alone")
    (made / "vectors.safetensors").write_text("mine alone")
    recorder = Recorder(tmp_path / "hub")
    push(made, "me/gc", config=PushConfig(license="mit"), api=recorder)
    assert recorder.calls[0][1]["repo_type"] == "model" and not {"notes.md", "vectors.safetensors"} & {
        path.name for path in recorder.store.iterdir()
    }
    card = ModelCard.load(recorder.store / "README.md")
    results = json.loads((made / "results.json").read_text())
    kept = next(each["test"] for each in results["seeds"] if each["seed"] == results["kept"])
    scores = {each.metric_type: each.metric_value for each in card.data.eval_results}
    assert scores == {
        "matthews_correlation": round(kept["mcc"]["value"], 4), "accuracy": round(kept["accuracy"]["value"], 4),
        "f1": round(kept["f1"]["value"], 4), "roc_auc": round(kept["auc"]["value"], 4),
    }  # fmt: skip
    assert card.data.pipeline_tag == "text-classification" and card.data.license == "mit"
    assert (
        "Tells apart: class 0, class 1." in card.text
        and f"{kept['mcc']['low']:.3f} to {kept['mcc']['high']:.3f}" in card.text
    )
    assert str(tmp_path) not in texts(recorder.store)
    (tmp_path / "new.fa").write_text(">a\n" + "ACGGC" * 8 + "\n")
    tables = [
        predict(
            folder, tmp_path / "new.fa", out=tmp_path / f"{folder.name}.tsv", config=PredictConfig(precision="fp32")
        ).table
        for folder in (made, recorder.store)
    ]
    pd.testing.assert_frame_equal(*tables)
