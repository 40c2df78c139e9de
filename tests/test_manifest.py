"""A stage's manifest says what made it, and is refused where it is another's, another version's or damaged."""

from __future__ import annotations

import json
import sys
import types
from dataclasses import dataclass
from pathlib import Path

import pytest

from dnabert.errors import UserError
from dnabert.manifest import FORMATS, content_hash, kind_of, read_manifest, sha256, write_manifest
from dnabert.stage import stage


@dataclass
class Settings:
    k: int = 7


def make(out: Path, **keywords) -> None:
    with stage(out, **{"kind": "corpus", **keywords}) as folder:
        (folder / "data").write_text("new")


def test_the_hash_of_a_stage_is_that_of_its_manifest(tmp_path):
    make(tmp_path / "a")
    make(tmp_path / "b", kind="embeddings", inputs={"corpus": tmp_path / "a"})
    manifest = read_manifest(tmp_path / "b", kind="embeddings")
    assert (
        manifest["inputs"]["corpus"]["sha256"]
        == sha256(tmp_path / "a" / "manifest.json")
        == content_hash(tmp_path / "a")
    )
    assert content_hash(tmp_path / "a" / "data") == sha256(tmp_path / "a" / "data")
    assert [content_hash(tmp_path / name) for name in ("none", ".")] == [None, None]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"kind": "run"}, "holds run, not a corpus"),
        ({"format": FORMATS["corpus"] + 1}, "was made by dnabert"),
        ({"kind": None}, "holds something unknown"),
    ],
)
def test_a_stage_of_another_kind_or_version_is_refused(tmp_path, change, said):
    make(tmp_path / "out")
    path = tmp_path / "out" / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(UserError, match=said):
        read_manifest(tmp_path / "out", kind="corpus")


def test_no_stage_at_all(tmp_path):
    with pytest.raises(UserError, match="no such corpus folder: .*/no: make it first, or give"):
        read_manifest(tmp_path / "no", kind="corpus")
    with pytest.raises(UserError, match="no readable manifest"):
        read_manifest(tmp_path, kind="corpus")


def test_the_kind_of_a_folder(tmp_path):
    make(tmp_path / "a")
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "manifest.json").write_text("[]")
    assert [kind_of(tmp_path / name) for name in ("a", "b", "none")] == ["corpus", None, None]


@pytest.mark.parametrize(
    ("started", "told"),
    [("/usr/bin/dnabert", "dnabert"), ("/lib/dnabert/__main__.py", "dnabert"), ("train/pretrain.py", "pretrain.py")],
)
def test_the_command_is_told_by_its_name(started, told, tmp_path, monkeypatch):
    monkeypatch.setattr("sys.argv", [started, "--k", "6"])
    with stage(tmp_path / "out", kind="corpus"):
        pass
    assert read_manifest(tmp_path / "out", kind="corpus")["command"] == [told, "--k", "6"]


def test_an_accelerator_that_took_part_is_told(tmp_path, monkeypatch):
    write_manifest(tmp_path, kind="corpus")
    assert "cuml" not in read_manifest(tmp_path, kind="corpus")["versions"]  # where it is absent nothing changes
    module = types.ModuleType("cuml")
    module.__version__ = "26.10.0"
    monkeypatch.setitem(sys.modules, "cuml", module)
    write_manifest(tmp_path, kind="corpus")
    assert read_manifest(tmp_path, kind="corpus")["versions"]["cuml"] == "26.10.0"


@pytest.mark.parametrize(
    ("damage", "named"),
    [
        ({"inputs": None}, "inputs"),
        ({"inputs": {"corpus": "corpus"}}, "inputs.corpus"),
        ({"inputs": {"corpus": {"path": 3}}}, "inputs.corpus"),
        ({"config": [1]}, "config"),
        ({"command": "dnabert"}, "command"),
        ({"versions": None}, "versions"),
    ],
)
def test_a_manifest_that_somebody_edited_is_refused_in_one_line(tmp_path, damage, named):
    (tmp_path / "corpus").mkdir()
    make(tmp_path / "out", config=Settings(), inputs={"corpus": tmp_path / "corpus"})
    path = tmp_path / "out" / "manifest.json"
    manifest = json.loads(path.read_text())
    path.write_text(json.dumps(manifest | damage))
    with pytest.raises(UserError, match=rf"manifest\.json is damaged: {named} .*again"):
        read_manifest(tmp_path / "out", kind="corpus")
    del manifest[next(iter(damage))]
    path.write_text(json.dumps(manifest))
    with pytest.raises(UserError, match="is damaged"):
        read_manifest(tmp_path / "out", kind="corpus")
