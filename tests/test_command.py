"""How commands speak: ``--json`` leaves one line of JSON on stdout, ``--quiet`` nothing but errors, ``--version`` the
version."""

from __future__ import annotations

import contextlib
import dataclasses
import importlib.util
import io
import json
import os
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tqdm import tqdm

import dnabert
from dnabert.cli import COMMANDS, main
from dnabert.command import Result, plain, run_command
from dnabert.errors import Caution, UserError, one_line

ROOT = Path(__file__).parent.parent
SCRIPTS = sorted(
    path.relative_to(ROOT).as_posix() for folder in ("train", "eval") for path in (ROOT / folder).glob("*.py")
)
#: What makes training small enough for a test.
SMALL = (
    "--steps 2 --floor-order 1 --evaluation-windows 20 --tracker none --batch-size 8 --model.layers 1 "
    "--model.hidden-size 16"
)
SMALL += " --model.heads 2 --model.intermediate-size 16 --k 4 --threads 1"


@dataclasses.dataclass
class Work:
    """A command's arguments."""

    out: str = "made"
    fail: bool = False


def talkative(arguments: Work) -> Result:
    print("on the way")
    print("a note", file=sys.stderr)
    warnings.warn("a warning", stacklevel=1)
    list(tqdm(range(3), disable=False))  # whatever TQDM_DISABLE says
    if arguments.fail:
        raise UserError("--fail is given: leave it out")
    return Result({"out": arguments.out, "share": np.float32(0.5)}, notes=["a last note"])


def speak(*words: str) -> None:
    one_line(run_command)(Work, talkative, words, prog="work")


def test_as_it_is_it_tells_all(capsys):
    with pytest.warns(UserWarning, match="a warning"):
        speak("--out", "x")
    said = capsys.readouterr()
    assert said.out == "on the way\nx\n"
    assert "a note\n" in said.err and "3/3" in said.err and said.err.endswith("a last note\n")


def test_a_caution_is_one_line_and_the_next_work_is_heard_as_before(capsys):
    @dataclasses.dataclass
    class Nothing:
        """Nothing."""

    def warned(arguments: Nothing) -> Result:
        warnings.warn("mind the gap", Caution, stacklevel=2)
        return Result({}, text="")

    with warnings.catch_warnings():
        warnings.simplefilter("default")
        before = warnings.showwarning
        run_command(Nothing, warned, [], prog="work")
        assert warnings.showwarning is before
    assert "warning: mind the gap\n" in capsys.readouterr().err


def test_json_is_alone_on_stdout(capsys):
    with pytest.warns(UserWarning, match="a warning"):
        speak("--json", "--out", "x")
    said = capsys.readouterr()
    assert json.loads(said.out) == {"command": "work", "version": dnabert.__version__, "out": "x", "share": 0.5}
    assert said.out.count("\n") == 1 and "on the way\n" in said.err and "a last note\n" in said.err


def test_quiet_says_nothing_and_warnings_are_no_errors(capsys):
    speak("--quiet")
    assert capsys.readouterr() == ("", "")
    speak("--json", "--quiet")
    said = capsys.readouterr()
    assert json.loads(said.out)["out"] == "made" and said.err == ""


@pytest.mark.parametrize("flags", [["--quiet"], ["--quiet", "--json"]])
def test_quiet_says_errors(flags, capsys):
    with pytest.raises(SystemExit) as end:
        speak(*flags, "--fail")
    assert end.value.code == 2
    assert capsys.readouterr() == ("", "error: --fail is given: leave it out\n")


def test_what_was_redirected_is_back_after_an_error(capsys):
    with pytest.raises(SystemExit):
        speak("--quiet", "--fail")
    print("here")
    assert "here\n" in capsys.readouterr().out


def test_of_several_processes_the_first_speaks(capsys, monkeypatch):
    monkeypatch.setenv("RANK", "1")
    speak("--json", "--quiet")
    assert capsys.readouterr().out == ""


def test_a_typo_of_a_common_flag_is_understood(capsys):
    with pytest.raises(SystemExit):
        speak("--quite")
    assert "unknown argument --quite (did you mean --quiet?)" in capsys.readouterr().err


def test_plain_values_are_those_of_json():
    value = {"path": Path("a"), "array": np.arange(3), "nan": float("inf"), 7: (True, None), "data": Work(out="x")}
    expected = {"path": "a", "array": [0, 1, 2], "nan": None, "7": [True, None], "data": {"out": "x", "fail": False}}
    assert plain(value) == expected
    json.dumps(plain(value), allow_nan=False)


def script(path: str) -> Callable[..., None]:
    """The ``main`` of a script, which reads ``sys.argv``."""
    name = "command_" + Path(path).stem
    spec = importlib.util.spec_from_file_location(name, ROOT / path)
    assert spec is not None and spec.loader is not None
    sys.modules[name] = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str((ROOT / path).parent))  # as Python does for a script
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name].main


def runs(path: str, *words: object) -> None:
    before, sys.argv = sys.argv, [path, *map(str, words)]
    try:
        script(path)()
    finally:
        sys.argv = before


@pytest.mark.parametrize("path", SCRIPTS)
def test_every_script_has_help_with_an_example_and_the_common_flags(path, capsys):
    words = [["tokenizer", "--help"], ["--help"]] if "throughput" in path else [["--help"]]
    for each in words:
        with contextlib.suppress(SystemExit):
            runs(path, *each)
        said = capsys.readouterr().out
        assert "Example: " in said and path in said.split("Example: ")[1].splitlines()[0]
        assert all(flag in said for flag in ("--json", "--quiet"))


@pytest.mark.parametrize("path", [*SCRIPTS, *COMMANDS])
def test_every_command_knows_its_version(path, capsys):
    if path in COMMANDS:
        main([path, "--version"])
    else:
        runs(path, "--version")
    assert capsys.readouterr().out == f"dnabert {dnabert.__version__}\n"


@pytest.fixture(scope="module")
def genome(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two families of sequence in turns, so that there is something to cluster."""
    rng = np.random.default_rng(0)
    draws = [rng.choice(list("ACGT"), 600, p=p) for p in ((0.4, 0.1, 0.1, 0.4), (0.1, 0.4, 0.4, 0.1)) * 30]
    path = tmp_path_factory.mktemp("command") / "worm.fa"
    path.write_text(">chr1\n" + "".join("".join(each) for each in draws) + "\n")
    return path


#: The stages in order; {} is the folder that all stand in, and --out what each is called by.
STAGES: dict[str, list[str]] = {
    "prepare": ["{}/worm.fa", "--window.length", "50"],
    "embed": ["kmer:2", "{}/prepare", "--sample", "400"],
    "cluster": ["{}/embed", "--kmeans", "2", "--neighbors", "15"],
    "stability": ["{}/cluster", "--subsamples", "2", "--unit", "window"],
    "assign": ["{}/cluster", "{}/worm.fa", "--tile"],
    "explain": ["{}/cluster"],
    "export": ["{}/cluster"],
}
ENDINGS = {"assign": ".tsv", "export": ".parquet"}


def words_of(command: str, folder: Path, *, out: str) -> list[str]:
    words = [word.format(folder) for word in STAGES[command]]
    return [command, *words, "--out", str(folder / (out + ENDINGS.get(command, "")))]


@pytest.fixture(scope="module")
def told(genome: Path) -> dict[str, dict[str, Any]]:
    """Every stage in turn: what it wrote to stdout, read as JSON."""
    found = {}
    for command in STAGES:
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            main([*words_of(command, genome.parent, out=command), "--json"])
        found[command] = json.loads(said.getvalue())
    return found


def test_every_stage_tells_what_it_made(told, genome):
    folder = genome.parent
    for command, facts in told.items():
        assert facts["command"] == f"dnabert {command}" and facts["version"] == dnabert.__version__
        assert facts["out"] == str(folder / (command + ENDINGS.get(command, ""))) and Path(facts["out"]).exists()
    assert told["prepare"]["windows"] == {"train": 648, "validation": 36, "test": 36}
    assert told["prepare"]["genomes"][0]["bases"] == 36_000
    assert (told["embed"]["windows"], told["embed"]["dimension"]) == (
        400,
        len(dnabert.load_embeddings(folder / "embed").vectors[0]),
    )
    table = dnabert.load_clusters(folder / "cluster").table
    assert told["cluster"]["n"] == 400 and told["cluster"]["noise"] == (table.label < 0).sum()
    assert [each["size"] for each in told["cluster"]["clusters"]] == table.label[
        table.label >= 0
    ].value_counts().tolist()
    assert len(told["stability"]["clusters"]) == len(told["cluster"]["clusters"]) > 0
    assert (
        sum(told["assign"]["clusters"].values()) == told["assign"]["pieces"] == 720 and told["assign"]["sequences"] == 1
    )
    assert [each["n"] for each in told["explain"]["clusters"]] == [each["size"] for each in told["cluster"]["clusters"]]
    assert all(each["sentence"] for each in told["explain"]["clusters"]) and told["explain"]["skipped"]
    assert (
        told["export"]["bytes"] == Path(told["export"]["out"]).stat().st_size and told["export"]["format"] == ".parquet"
    )


@pytest.mark.parametrize("command", STAGES)
def test_every_stage_can_be_quiet(command, told, genome, capfd):
    main([*words_of(command, genome.parent, out=f"quiet-{command}"), "--quiet"])
    assert capfd.readouterr() == ("", "")


def test_the_installed_program_is_quiet_and_speaks_json(told, genome):
    program = Path(sys.executable).with_name("dnabert")
    words = [program, *words_of("cluster", genome.parent, out="by-program"), "--json", "--quiet"]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    facts = json.loads(done.stdout)
    assert done.stderr == "" and facts["clusters"] == told["cluster"]["clusters"]
    again = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (
        (again.returncode, again.stdout) == (2, "")
        and again.stderr.startswith("error: ")
        and "exists already" in again.stderr
    )


def test_push_tells_the_files(told, genome, capsys):
    main(["push", str(genome.parent / "prepare"), "me/worm", "--dry-run", "--json"])
    facts = json.loads(capsys.readouterr().out)
    assert facts["repository"] == "dataset" and facts["files"]["README.md"] == len(facts["card"].encode())
    main(["push", str(genome.parent / "prepare"), "me/worm", "--dry-run", "--quiet"])
    assert capsys.readouterr() == ("", "")


@pytest.fixture(scope="module")
def task(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rng = np.random.default_rng(1)
    folder = tmp_path_factory.mktemp("task")
    for name, n in (("train", 40), ("dev", 20), ("test", 20)):
        rows = [f"{''.join(rng.choice(list('AC' if i % 2 else 'GT'), 40))},{i % 2}" for i in range(n)]
        (folder / f"{name}.csv").write_text("\n".join(["sequence,label", *rows]) + "\n")
    return folder


@pytest.mark.slow
def test_the_scripts_tell_their_scores_and_can_be_quiet(told, genome, task, capfd):
    folder = genome.parent

    def facts(path: str, *words: object) -> dict[str, Any]:
        runs(path, *words, "--json", "--quiet")
        said = capfd.readouterr()
        assert said.err == "" and said.out.count("\n") == 1
        return json.loads(said.out)

    def silent(path: str, *words: object) -> None:
        runs(path, *words, "--quiet")
        assert capfd.readouterr() == ("", "")

    pretrain = ["--corpus", folder / "prepare", *SMALL.split(), "--overwrite"]
    made = facts("train/pretrain.py", *pretrain, "--out", folder / "run")
    assert made["out"] == str(folder / "run") and 1 < made["evaluation"]["validation_bits_per_base"] < 3
    assert made["evaluation"]["step"] == 2 and made["floors"]["one_side"]["order"] <= 1
    silent("train/pretrain.py", *pretrain, "--out", folder / "run")
    release = ["--run", folder / "run", "--out", folder / "release", "--overwrite"]
    made = facts("train/release.py", *release)
    assert made["files"]["model.safetensors"] == (folder / "release" / "model.safetensors").stat().st_size
    silent("train/release.py", *release)
    finetune = [
        "--task",
        task,
        "--run",
        folder / "run",
        "--epochs",
        "1",
        "--seeds",
        "0",
        "--threads",
        "1",
        "--overwrite",
    ]
    made = facts("train/finetune.py", *finetune, "--out", folder / "classifier")
    assert made["seeds"][0]["test"]["mcc"]["n"] == 20
    silent("train/finetune.py", *finetune, "--out", folder / "classifier")
    probe = ["--tasks", task, "--run", folder / "run", "--resamples", "5", "--out", folder / "probes", "--overwrite"]
    made = facts("eval/probe.py", *probe)
    assert {each["rung"] for each in made["probes"]} >= {"pretrained", "kmer4"}
    silent("eval/probe.py", *probe)
    made = facts("eval/classify.py", "--tasks", task, *finetune[2:], "--out", folder / "classifiers")
    assert len(made["tasks"]) == 1 and (folder / "classifiers" / "table.md").is_file()
    (folder / "sweep.yaml").write_text(
        f"recipe: {folder / 'recipe.yaml'}\nvariants: [{{name: a}}, {{name: b, flags: --k 4}}]\n"
    )
    (folder / "recipe.yaml").write_text((folder / "run" / "config.yaml").read_text())
    sweep = [
        "--config",
        folder / "sweep.yaml",
        "--corpus",
        folder / "prepare",
        "--tokens",
        "200",
        "--turns",
        "1",
        "--out",
        folder / "sweep",
    ]
    made = facts("eval/sweep.py", *sweep)
    assert [each["name"] for each in made["variants"]] == ["a", "b"]
    silent("eval/sweep.py", *sweep)  # trains nothing again
    made = facts(
        "eval/scale.py",
        "--bases",
        "3e5",
        "--windows",
        "40",
        "--encoder",
        "kmer:2",
        "--stages",
        "prepare",
        "embed",
        "--out",
        folder / "scale",
    )
    assert [each["stage"] for each in made["stages"]] == ["prepare", "embed"]
    made = facts("eval/throughput.py", "tokenizer", "--windows", "20", "--peer-windows", "5", "--repeats", "2")
    assert [len(each["wall"]) for each in made["contests"][0]["contenders"]] == [2, 2]
    silent("eval/throughput.py", "tokenizer", "--windows", "20", "--peer-windows", "5", "--repeats", "1")


@pytest.mark.slow
def test_a_comparison_and_its_report_tell_the_page(demo_corpus, capfd, tmp_path):
    settings = "rungs: [{name: kmer3, encoder: 'kmer:3'}, {name: kmer2, encoder: 'kmer:2'}]\nretrieval: {n: 40}\n"
    settings += "".join(
        f"{name}: {{min_cluster_size: 8, neighbors: 15}}\n" for name in ("ladder_cluster", "map_cluster")
    )
    settings += "ladder_windows: 200\nmap_windows: 250\nsymmetry_windows: 30\npairs: 200\nresamples: 20\n"
    (tmp_path / "small.yaml").write_text(settings)
    words = ["--config", tmp_path / "small.yaml", "--corpus", demo_corpus.folder, "--out", tmp_path / "comparison"]
    runs("eval/compare.py", *words, "--json", "--quiet")
    said = capfd.readouterr()
    facts = json.loads(said.out)
    assert (
        said.err == ""
        and [each["rung"] for each in facts["ladder"]] == ["kmer3", "kmer2"]
        and Path(facts["page"]).is_file()
    )
    runs("eval/compare.py", *words, "--quiet")
    assert capfd.readouterr() == ("", "")
    report = ["report", str(tmp_path / "comparison"), "--out", str(tmp_path / "report")]
    main([*report, "--json"])
    facts = json.loads(capfd.readouterr().out)
    assert facts["page"] == str(tmp_path / "report" / "report.html") and Path(facts["page"]).is_file()
    main([*report, "--overwrite", "--quiet"])
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("given", "spins"), [({}, "1000"), ({"GOMP_SPINCOUNT": "7"}, "7"), ({"OMP_WAIT_POLICY": "ACTIVE"}, None)]
)
def test_threads_that_wait_sleep_soon_unless_the_user_says_otherwise(given, spins, monkeypatch, capsys):
    for name in ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY"):
        monkeypatch.delenv(name, raising=False)
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    run_command(Work, lambda work: Result({"spins": os.environ.get("GOMP_SPINCOUNT")}), ["--json"], prog="work")
    assert json.loads(capsys.readouterr().out)["spins"] == spins
