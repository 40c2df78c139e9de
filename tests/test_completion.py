"""The script for bash, in bash itself: commands, flags, choices and files."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from dnabert.cli import COMMANDS, main
from dnabert.command import FLAGS
from dnabert.flags import flags


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import contextlib
    import io

    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        main(["completion", "bash"])
    path = tmp_path_factory.mktemp("completion") / "dnabert.bash"
    path.write_text(said.getvalue())
    return path


def completed(script: Path, *words: str, cwd: Path | None = None) -> list[str]:
    """What Tab offers after these words."""
    asked = f'source {script}; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _dnabert; printf "%s\\n" "${{COMPREPLY[@]}}"'
    done = subprocess.run(
        ["bash", "-c", asked, "bash", "dnabert", *words], capture_output=True, text=True, check=True, cwd=cwd
    )
    assert done.stderr == ""
    return done.stdout.split()


def test_commands(script):
    assert completed(script, "pre") == ["predict", "prepare"]
    assert set(COMMANDS) <= set(completed(script, ""))


@pytest.mark.parametrize("command", [name for name in COMMANDS if name != "completion"])
def test_every_flag_of_a_command(script, command):
    offered = completed(script, command, "--")
    assert {"--config", *FLAGS} <= set(offered) and not [
        flag for flag in FLAGS if flag.replace("--", "--no-") in offered
    ]
    positional = {
        "--names",
        "--fasta",
        "--encoder",
        "--input",
        "--embeddings",
        "--clusters",
        "--comparison",
        "--source",
        "--name",
        "--classifier",
    }
    positional |= {"--run", "--corpus"} if command == "score" else set()
    only_in_yaml = {"--genomes"}
    assert set(flags(COMMANDS[command][1])) - positional - only_in_yaml <= set(offered)


def test_choices_and_nested_flags(script):
    assert completed(script, "cluster", "--scaling", "") == ["center", "zscore"]
    assert completed(script, "prepare", "--window.len") == ["--window.length"]


def test_files_where_a_flag_wants_one_and_where_nothing_else_fits(script, tmp_path):
    (tmp_path / "genome.fa").touch()
    assert completed(script, "prepare", "--out", "gen", cwd=tmp_path) == ["genome.fa"]
    assert completed(script, "prepare", "gen", cwd=tmp_path) == []  # so that readline offers files
    assert "complete -o default -F _dnabert dnabert" in script.read_text().splitlines()[-1]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_shell_gets_a_script_that_it_can_read(shell, tmp_path, capsys):
    main(["completion", shell, "--json"])
    facts = json.loads(capsys.readouterr().out)
    assert facts["shell"] == shell and "--both-strands" in facts["script"]
    if shutil.which(shell):
        (tmp_path / "script").write_text(facts["script"])
        subprocess.run([shell, "-n", tmp_path / "script"], check=True)


def test_an_unknown_shell_is_one_line(capsys):
    with pytest.raises(SystemExit):
        main(["completion", "csh"])
    said = capsys.readouterr().err
    assert said.startswith("error: ") and said.count("\n") == 1 and "bash" in said
