"""The command: help, suggestions, one-line errors, and one library function behind each subcommand."""

from __future__ import annotations

import signal
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import dnabert
from dnabert.cli import COMMANDS, main
from dnabert.command import FLAGS
from dnabert.manifest import read_manifest


def run(*words: str | Path) -> None:
    main([str(word) for word in words])


def fails(capsys, *words: str | Path) -> str:
    with pytest.raises(SystemExit) as end:
        run(*words)
    said = capsys.readouterr()
    assert end.value.code == 2
    assert said.err.startswith("error: ")
    assert said.err.count("\n") == 1
    return said.err


@pytest.fixture
def fasta(tmp_path: Path) -> Path:
    path = tmp_path / "worm.fa"
    path.write_text(">chr1\n" + "ACGTTGCAAC" * 500 + "\n")
    return path


#: Sends a signal when the command imports what its flags are; what it is begun by follows.
_STOPPED_THERE = """
import os, signal, sys
class Stop:
    def find_spec(self, name, path=None, target=None):
        if name == "dnabert.arguments":
            os.kill(os.getpid(), {told})
sys.meta_path.insert(0, Stop())
"""


@pytest.mark.parametrize(
    ("told", "line"), [(signal.SIGINT, "interrupted\n"), (signal.SIGTERM, "terminated\n")], ids=["SIGINT", "SIGTERM"]
)
@pytest.mark.parametrize("begun", ["script", "module"])
def test_a_command_that_is_stopped_while_it_imports_says_so_in_a_line(told, line, begun):
    """Ctrl-C was a traceback of whatever was being imported."""
    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]
    module, _, function = project["scripts"]["dnabert"].partition(":")
    code = (
        _STOPPED_THERE.format(told=int(told))
        + {
            "script": f"from {module} import {function}; {function}()",
            "module": "import runpy; runpy.run_module('dnabert', run_name='__main__')",
        }[begun]
    )
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (128 + told, "", line)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example(command, capsys):
    with pytest.raises(SystemExit) as end:
        run(command, "--help")
    said = capsys.readouterr().out
    assert end.value.code == 0
    assert f"Example: dnabert {command} " in said
    assert "--config FILE.yaml" in said and all(flag in said for flag in FLAGS)
    assert "--out " in said or command == "completion"


def test_push_without_a_token_is_one_line(monkeypatch, capsys):
    import huggingface_hub

    monkeypatch.setattr(huggingface_hub, "get_token", lambda: None)
    assert "no token of the Hugging Face Hub" in fails(capsys, "push", "nosuch", "me/x")


def test_help_lists_every_command(capsys):
    run("--help")
    said = capsys.readouterr().out
    run()
    assert capsys.readouterr().out == said
    assert all(f"  {command} " in said for command in COMMANDS)
    assert "Example: " in said


def test_version(capsys):
    run("--version")
    assert capsys.readouterr().out == f"dnabert {dnabert.__version__}\n"


def test_installed_command():
    program = Path(sys.executable).with_name("dnabert")
    done = subprocess.run([program, "clutser"], capture_output=True, text=True, check=False)
    expected = f"error: unknown command clutser (did you mean cluster?): one of {', '.join(COMMANDS)}\n"
    assert (done.returncode, done.stdout, done.stderr) == (2, "", expected)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["embed", "bert", "corpus"], "missing: --out"),
        (["embed", "bert", "--out", "x"], "missing: INPUT"),
        (["cluster", "x", "--out", "y", "--neighbours", "3"], "did you mean --neighbors?"),
        (["cluster", "nosuch", "--out", "y"], "no such embeddings folder: nosuch"),
        (["stability", "nosuch", "--out", "y"], "no such clusters folder: nosuch"),
        (["stability", "nosuch", "--out", "y", "--fraction", "1"], "fraction is 1.0"),
        (["assign", "nosuch", "new.fa", "--out", "y.tsv"], "no such clusters folder: nosuch"),
        (["assign", "nosuch", "new.fa", "--out", "y.tsv", "--error", "5"], "--error is 5.0, allowed is more than 0"),
        (["assign", "nosuch", "new.fa"], "missing: --out"),
        (["predict", "nosuch", "new.fa", "--out", "y.tsv"], "no such classifier folder: nosuch"),
        (["export", "nosuch", "--out", "y.bed"], "no such clusters folder: nosuch"),
        (["export", "nosuch", "--out", "y.bad"], "allowed endings are .h5ad, .bed, .parquet"),
        (
            ["push", "nosuch", "me/x", "--dry-run"],
            "nosuch is no stage of dnabert: give the folder of a run, of a classifier or of a corpus",
        ),
        (["push", "nosuch", "me", "--dry-run"], "NAME must be OWNER/NAME"),
        (
            ["report", "nosuch", "--out", "y"],
            "no such folder: nosuch: a report is of an explanation (dnabert explain makes one) or of a comparison",
        ),
        (["prepare", "--out", "y"], "nothing to prepare"),
        (["prepare", "a.fa", "--demo", "--out", "y"], "got FASTA files and --demo"),
        (["prepare", "nosuch.fa", "--out", "y"], "nosuch.fa"),
        (
            ["prepare", "a.fa", "--genes", "a.gff", "--out", "y"],
            "--genes is of each of the genomes: set genes under genomes in a YAML file",
        ),
        (
            ["prepare", "a.fa", "--cpg-islands=a.bed", "--out", "y"],
            "set cpg_islands under genomes in a YAML file and pass --config FILE.yaml",
        ),
        (["prepare", "--config", "nosuch.yaml", "--out", "y"], "no such file: nosuch.yaml"),
        (["embed", "kmer:6", "nosuch", "--out", "y"], "nosuch"),
    ],
)
def test_a_mistake_is_one_line_and_leaves_nothing(words, said, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert said in fails(capsys, *words)
    assert list(tmp_path.iterdir()) == []


def test_prepare_embed_cluster(fasta, tmp_path, capsys):
    run("prepare", fasta, "--out", tmp_path / "corpus", "--window.length", "50")
    assert dnabert.load_corpus(tmp_path / "corpus").window_length == 50
    assert "worm: 5,000 bases; windows: train 90, validation 5, test 5" in capsys.readouterr().err
    assert "exists already" in fails(capsys, "prepare", fasta, "--out", tmp_path / "corpus")
    run("embed", "kmer:2", tmp_path / "corpus", "--out", tmp_path / "vectors", "--sample", "60")
    assert len(dnabert.load_embeddings(tmp_path / "vectors").vectors) == 60
    run("cluster", tmp_path / "vectors", "--out", tmp_path / "clusters", "--kmeans", "2", "--neighbors", "15")
    assert len(dnabert.load_clusters(tmp_path / "clusters").table) == 60
    assert capsys.readouterr().out.splitlines()[-1] == str(tmp_path / "clusters")
    run("stability", tmp_path / "clusters", "--out", tmp_path / "stability", "--unit", "window", "--subsamples", "2")
    assert len(dnabert.load_stability(tmp_path / "stability").table) == 60
    said = capsys.readouterr()
    assert said.out == f"{tmp_path / 'stability'}\n"
    assert said.err == "there is no cluster to repeat: lower --min-cluster-size of dnabert cluster, or embed more.\n"
    run("assign", tmp_path / "clusters", fasta, "--out", tmp_path / "new.tsv", "--tile")
    said = capsys.readouterr()
    assert said.out.startswith("100 pieces of 1 sequence: ") and "unlike the corpus" in said.out
    assert "warning: " not in said.err
    assert (tmp_path / "new.tsv").read_text().startswith("name\tstart\tend\tlength\tcluster\tprobability")
    run("export", tmp_path / "clusters", "--out", tmp_path / "clusters.parquet")
    assert capsys.readouterr().out == f"{tmp_path / 'clusters.parquet'}\n"
    assert dnabert.load_clusters(tmp_path / "clusters").table.columns[-1] == "y"
    run("push", tmp_path / "corpus", "me/worm", "--dry-run", "--license", "cc0-1.0", "--out", tmp_path / "upload")
    said = capsys.readouterr()
    assert said.out.startswith("---\nlicense: cc0-1.0\n") and "files for the dataset me/worm" in said.err
    assert len(dnabert.load_corpus(tmp_path / "upload")["train"]) == 90
    assert "is no text" in fails(capsys, "assign", tmp_path / "clusters", sys.executable, "--out", tmp_path / "x.tsv")


def test_files_in_a_yaml_are_relative_to_it(fasta, tmp_path, monkeypatch):
    (tmp_path / "worm.yaml").write_text("genomes: [{name: worm, fasta: worm.fa}]\nwindow: {length: 100}\n")
    monkeypatch.chdir("/")
    run("prepare", "--config", tmp_path / "worm.yaml", "--out", tmp_path / "corpus", "--window.length", "200")
    config = read_manifest(tmp_path / "corpus", kind="corpus")["config"]
    assert config["window"]["length"] == 200
    assert config["genomes"][0]["name"] == "worm"


def test_fasta_files_in_a_yaml_are_relative_to_it_and_those_of_the_command_line_to_where_one_stands(
    fasta, tmp_path, monkeypatch
):
    here = tmp_path / "here"
    here.mkdir()
    (here / "worm.fa").write_text(">other\n" + "GATTACA" * 500 + "\n")
    (tmp_path / "worm.yaml").write_text("fasta: [worm.fa]\nwindow: {length: 100}\n")
    monkeypatch.chdir(here)
    run("prepare", "--config", tmp_path / "worm.yaml", "--out", tmp_path / "yaml")
    run("prepare", "worm.fa", "--config", tmp_path / "worm.yaml", "--out", tmp_path / "given")
    read = [read_manifest(tmp_path / out, kind="corpus")["inputs"]["worm.fasta"]["path"] for out in ("yaml", "given")]
    assert read == [str(fasta), str(here / "worm.fa")]


def test_a_path_in_a_yaml_is_beside_it_and_a_flags_is_where_one_stands(fasta, tmp_path, monkeypatch):
    here, there = tmp_path / "here", tmp_path / "there"
    for folder in (here, there):
        folder.mkdir()
        (folder / "blocks.tsv").write_text("block\tgenome\tchrom\tstart\tend\n1\tworm\tchr1\t0\t900\n")
    (there / "all.yaml").write_text(f"genomes: [{{name: worm, fasta: {fasta}}}]\n")
    (there / "blocks.yaml").write_text("orthologous_blocks: blocks.tsv\n")
    monkeypatch.chdir(here)
    whole = ("--split.validation-fraction", "0", "--split.test-fraction", "0")
    run(
        "prepare",
        "--config",
        there / "all.yaml",
        *whole,
        "--orthologous-blocks",
        "blocks.tsv",
        "--out",
        tmp_path / "flag",
    )
    run("prepare", fasta, "--config", there / "blocks.yaml", *whole, "--out", tmp_path / "yaml")
    run(
        "prepare",
        fasta,
        "--config",
        there / "blocks.yaml",
        *whole,
        "--orthologous_blocks=blocks.tsv",
        "--out",
        tmp_path / "both",
    )
    read = [
        read_manifest(tmp_path / out, kind="corpus")["config"]["orthologous_blocks"] for out in ("flag", "yaml", "both")
    ]
    assert read == [str(here / "blocks.tsv"), str(there / "blocks.tsv"), str(here / "blocks.tsv")]


def test_an_unknown_key_names_file_and_key(fasta, tmp_path, capsys):
    (tmp_path / "worm.yaml").write_text("genomes: [{name: worm, fasta: worm.fa, gens: x}]\n")
    said = fails(capsys, "prepare", "--config", tmp_path / "worm.yaml", "--out", tmp_path / "corpus")
    assert "worm.yaml: unknown key genomes.0.gens (did you mean genes?)" in said
