"""A stage's folder is whole or absent, and nobody else's folder is ever replaced."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest
from safetensors.numpy import load_file

from dnabert.errors import UserError
from dnabert.json_file import read_json
from dnabert.manifest import read_manifest
from dnabert.stage import check_free, reading, stage, whole_file


@dataclass
class Settings:
    k: int = 7


def make(out: Path, **keywords) -> None:
    with stage(out, **{"kind": "corpus", **keywords}) as folder:
        (folder / "data").write_text("new")


def test_what_is_read_is_not_replaced(tmp_path):
    make(tmp_path / "out")
    (tmp_path / "out" / "genome.fa").write_text(">a")
    with pytest.raises(UserError, match=r"genome.fa in it is read: choose another --out"):
        make(tmp_path / "out", inputs={"fasta": tmp_path / "out" / "genome.fa"}, overwrite=True)
    assert (tmp_path / "out" / "genome.fa").read_text() == ">a" and (tmp_path / "out" / "data").exists()
    with pytest.raises(UserError, match="File name too long: choose another --out"):
        check_free(tmp_path / ("a" * 300), kind="corpus", overwrite=False)


def test_whole_with_its_manifest(tmp_path):
    source = tmp_path / "a.fa"
    source.write_bytes(b"abc")
    make(tmp_path / "deep" / "out", config=Settings(), inputs={"fasta": source})
    manifest = read_manifest(tmp_path / "deep" / "out", kind="corpus")
    assert manifest["config"] == {"k": 7}
    # FIPS 180-2, appendix B.1
    expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert manifest["inputs"] == {"fasta": {"path": str(source), "bytes": 3, "sha256": expected}}
    assert {"dnabert", "numpy", "torch", "python"} <= set(manifest["versions"])


@pytest.mark.parametrize("damage", ["gone", "no JSON", "no table", "no arrays"])
def test_a_damaged_file_of_a_folder_is_one_line(tmp_path, damage):
    with stage(tmp_path / "out", kind="clusters") as folder:
        (folder / "file").write_bytes(b"\xff" * 100)
    if damage == "gone":
        (tmp_path / "out" / "file").unlink()
    read = {"no table": pd.read_parquet, "no arrays": load_file}.get(damage, read_json)
    with (
        pytest.raises(UserError, match=r"cannot read what .*out holds \(.*\): make it again") as raised,
        reading(tmp_path / "out", kind="clusters"),
    ):
        read(tmp_path / "out" / "file")
    assert "\n" not in str(raised.value)
    with pytest.raises(UserError, match="not a run: give the folder of a run"), reading(tmp_path / "out", kind="run"):
        pytest.fail("what it is was not asked")


@pytest.mark.parametrize("error", [RuntimeError, UserError, KeyboardInterrupt, SystemExit])
def test_a_failed_block_leaves_nothing(tmp_path, error):
    def half(folder: Path) -> None:
        (folder / "half").write_text("x")
        raise error("no")

    with pytest.raises(error), stage(tmp_path / "out", kind="corpus") as folder:
        half(folder)
    assert list(tmp_path.iterdir()) == []


def test_a_failed_replacement_leaves_the_old(tmp_path):
    make(tmp_path / "out")
    with pytest.raises(RuntimeError), stage(tmp_path / "out", kind="corpus", overwrite=True):
        raise RuntimeError
    assert (tmp_path / "out" / "data").read_text() == "new"


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_a_killed_process_leaves_no_result(tmp_path, how):
    code = (
        "import os, signal, sys\nfrom dnabert.stage import stage\n"
        f"with stage(sys.argv[1], kind='corpus') as folder:\n    os.kill(os.getpid(), {int(how)})\n"
    )
    out = tmp_path / "out"
    done = subprocess.run([sys.executable, "-c", code, str(out)], capture_output=True, check=False)
    assert done.returncode != 0
    assert not out.exists()
    make(out)  # and its remains are in nobody's way
    assert read_manifest(out, kind="corpus")["kind"] == "corpus"


def test_files_have_the_rights_that_the_umask_leaves(tmp_path):
    with stage(tmp_path / "out", kind="corpus") as folder:
        (folder / "private").write_text("as safetensors writes")
        (folder / "private").chmod(0o600)
    modes = {path.stat().st_mode & 0o777 for path in (tmp_path / "out").iterdir()}
    (tmp_path / "usual").write_text("")
    assert modes == {(tmp_path / "usual").stat().st_mode & 0o777}


def test_a_file_that_stands_elsewhere_too_keeps_the_rights_it_was_given(tmp_path):
    own = tmp_path / "own"
    own.write_text("a whole genome's bases")
    own.chmod(0o440)
    with stage(tmp_path / "out", kind="corpus") as folder:
        (folder / "bases").hardlink_to(own)
    assert own.stat().st_mode & 0o777 == 0o440


def test_a_file_that_may_not_be_read_is_told_as_such(tmp_path):
    secret = tmp_path / "secret.fa"
    secret.write_text(">a")
    with (
        pytest.raises(UserError, match=rf"cannot read {secret}: Permission denied: ask its owner"),
        stage(tmp_path / "out", kind="corpus"),
    ):
        # as the system says it; a test that runs as root may read everything
        raise PermissionError(13, "Permission denied", str(secret))


def test_what_is_kept_in_a_stage_is_not_replaced_with_it(tmp_path):
    make(tmp_path / "out")
    make(tmp_path / "out" / "vectors", kind="embeddings")
    with pytest.raises(
        UserError, match=r"out would be replaced, and .*out/vectors \(embeddings\) with it: move that elsewhere"
    ):
        make(tmp_path / "out", overwrite=True)
    assert (tmp_path / "out" / "vectors" / "data").is_file()


def test_an_existing_stage_is_kept(tmp_path):
    make(tmp_path / "out")
    (tmp_path / "out" / "data").write_text("old")
    with pytest.raises(UserError, match="exists already: choose another --out or pass --overwrite"):
        make(tmp_path / "out")
    assert (tmp_path / "out" / "data").read_text() == "old"
    make(tmp_path / "out", overwrite=True)
    assert (tmp_path / "out" / "data").read_text() == "new"


def test_an_empty_folder_is_free(tmp_path):
    (tmp_path / "out").mkdir()
    make(tmp_path / "out")
    assert (tmp_path / "out" / "data").exists()


@pytest.mark.parametrize("manifest", [None, "not JSON", "[]", '{"kind": "run", "format": 1}'])
def test_a_foreign_folder_is_never_overwritten(tmp_path, manifest):
    (tmp_path / "thesis.tex").write_text("years")
    if manifest is not None:
        (tmp_path / "manifest.json").write_text(manifest)
    with pytest.raises(UserError, match="is no corpus of dnabert, so --overwrite leaves it alone"):
        make(tmp_path, overwrite=True)
    with pytest.raises(UserError, match="exists already: choose another --out, for it is no corpus of dnabert$"):
        make(tmp_path)
    assert (tmp_path / "thesis.tex").read_text() == "years"


@pytest.mark.parametrize("out", [".", "./", "../here", "../here/.", ".."])
def test_the_folder_that_is_stood_in_is_not_replaced(tmp_path, monkeypatch, out):
    """Renamed over it would be gone for the shell that stands there."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    told = (
        "exists already"
        if out == ".."
        else (
            "is the folder that you stand in, which would be replaced by another: go elsewhere, or choose another --out"
        )
    )
    with pytest.raises(UserError, match=told):
        make(Path(out))
    make(tmp_path / "here" / "sub")
    monkeypatch.chdir(tmp_path / "here" / "sub")
    for stood_in in (".", "../sub"):
        with pytest.raises(UserError, match="is the folder that you stand in"):
            make(Path(stood_in), overwrite=True)
    make(Path("../other/../other"))
    assert sorted(path.name for path in (tmp_path / "here").iterdir()) == ["other", "sub"]


def test_a_file_is_not_written_where_a_folder_stands(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for out in (".", "..", str(tmp_path)):
        with (
            pytest.raises(UserError, match="is a folder, and a file is to be written: choose another --out"),
            whole_file(out),
        ):
            pass
    assert not list(tmp_path.iterdir())


def test_a_foreign_file_is_never_overwritten(tmp_path):
    (tmp_path / "file").write_text("years")
    with pytest.raises(UserError, match="leaves it alone"):
        check_free(tmp_path / "file", kind="run", overwrite=True)


def test_a_parent_that_is_a_file(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(UserError, match="cannot write"):
        make(tmp_path / "file" / "out")


def test_a_file_is_whole_or_absent(tmp_path):
    out = tmp_path / "deep" / "table.tsv"
    with whole_file(out) as path:
        path.write_text("whole")
        assert not out.exists()

    def fail() -> None:
        with whole_file(out) as path:
            path.write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert out.read_text() == "whole" and list(out.parent.iterdir()) == [out]
    with (
        pytest.raises(UserError, match=r"cannot write .*table.tsv/x: .*: free space or choose another --out"),
        whole_file(out / "x"),
    ):
        pass


def test_what_a_killed_process_left_of_a_file_is_removed_by_the_next(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, text=True, check=True
    )
    left = tmp_path / f".table.tsv.{done.stdout.strip()}.partial"
    left.mkdir()
    (left / "table.tsv").write_text("half")
    with whole_file(tmp_path / "table.tsv") as path:
        path.write_text("whole")
    assert [each.name for each in tmp_path.iterdir()] == ["table.tsv"]


def test_what_a_living_process_writes_stays_where_it_holds_no_lock(tmp_path):
    """Some network file systems have none."""
    living = tmp_path / f".table.tsv.{os.getppid()}.partial"
    living.mkdir()
    with whole_file(tmp_path / "table.tsv") as path:
        path.write_text("whole")
    assert living.is_dir()


def test_a_clock_that_is_set_back_takes_no_time_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.time()
    with stage(tmp_path / "out", kind="corpus"):
        monkeypatch.setattr(time, "time", lambda: now - 3600)
    assert read_json(tmp_path / "out" / "manifest.json")["seconds"] >= 0
