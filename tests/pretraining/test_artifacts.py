"""What Weights & Biases is told of a run's inputs and outputs, read back from the file that ``wandb sync`` uploads."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dnabert.errors import UserError
from dnabert.pretraining import pretrain
from dnabert.pretraining.artifacts import corpus_artifact, model_artifact

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:wandb")

# LevelDB's log format: blocks of 32 kB hold pieces with a head of 7 bytes: checksum (4), length (2), kind (1)
_BLOCK, _HEAD, _LAST_PIECES = 32_768, 7, (1, 4)
_FILE_HEAD = 7


def _records(path: Path) -> Iterator[Any]:
    from wandb.proto import wandb_internal_pb2

    content, at, message = path.read_bytes(), _FILE_HEAD, b""
    while at + _HEAD <= len(content):
        left = _BLOCK - at % _BLOCK
        if left < _HEAD:
            at += left
            continue
        length, kind = struct.unpack_from("<HB", content, at + 4)
        message += content[at + _HEAD : at + _HEAD + length]
        at += _HEAD + length
        if kind in _LAST_PIECES:
            record = wandb_internal_pb2.Record()
            record.ParseFromString(message)
            yield record
            message = b""


def _artifacts(run: Path) -> list[Any]:
    import wandb

    wandb.teardown()  # its service writes on for a moment after a run is finished
    (file,) = (run / "wandb").glob("offline-run-*/run-*.wandb")
    return [record.artifact for record in _records(file) if record.HasField("artifact")]


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_DATA_DIR", str(tmp_path / "wandb-data"))


def test_corpus_is_read_and_model_is_made(offline: None, config: Any) -> None:
    run = pretrain(config(steps=2, tracker="wandb"))
    corpus, model = _artifacts(run)
    assert (corpus.type, corpus.name, corpus.use_after_commit) == ("dataset", "corpus-corpus", True)
    identity = json.loads((run / "wandb.json").read_text())["id"]
    assert (model.type, model.name, model.use_after_commit) == ("model", f"model-{identity}", False)
    assert set(model.aliases) == {"latest", "final"}
    assert json.loads(model.metadata)["last"]["step"] == 2
    files = {entry.path: entry for entry in model.manifest.contents}
    kept = {path.relative_to(run).as_posix() for path in run.rglob("*") if path.is_file()}
    assert set(files) == {path for path in kept if not path.startswith(("checkpoint", "wandb", "metrics"))}
    assert Path(files["model.safetensors"].local_path) == run / "model.safetensors"  # no second copy of the weights


def test_a_run_that_goes_on_from_another_reads_its_model(offline: None, config: Any, tmp_path: Path) -> None:
    first = pretrain(config(steps=2, tracker="wandb"))
    (first / "vectors").mkdir()
    for name in ("mine.fa", "vectors/embeddings.parquet"):  # nobody's business, and no other version of the model
        (first / name).write_text("private")
    second = pretrain(config(steps=2, tracker="wandb", initial=str(first), out=str(tmp_path / "second")))
    made = _artifacts(first)[-1]
    read = [artifact for artifact in _artifacts(second) if artifact.use_after_commit]
    assert [artifact.type for artifact in read] == ["dataset", "model"]
    # one and the same version to W&B, which knows artifacts by name and digest: so the graph joins
    assert (read[1].name, read[1].digest) == (made.name, made.digest)
    assert read[0].digest == _artifacts(first)[0].digest


def test_the_genome_stays_where_it_is(small_corpus: Path) -> None:
    entries = corpus_artifact(small_corpus).manifest.entries
    uploaded = {path for path, entry in entries.items() if entry.ref is None}
    assert uploaded == {"manifest.json", "config.yaml", "summary.json"}
    assert all(entry.ref.startswith("file://") for path, entry in entries.items() if path not in uploaded)
    assert any(path.startswith("windows/sequences/") for path in entries)


def test_what_is_no_corpus_or_run_is_said_in_a_line(tmp_path: Path, small_corpus: Path) -> None:
    with pytest.raises(UserError, match="manifest"):
        corpus_artifact(tmp_path)
    with pytest.raises(UserError, match="corpus"):
        model_artifact(small_corpus)
