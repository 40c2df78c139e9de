"""README.md's commands and code: each is understood, and (slow) each runs."""

from __future__ import annotations

import gzip
import importlib.util
import os
import re
import shlex
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from dnabert.cli import COMMANDS
from dnabert.config import load_yaml
from dnabert.corpus.config import CorpusConfig
from dnabert.flags import parse

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, flags=re.MULTILINE | re.DOTALL)


def commands(block: str) -> list[list[str]]:
    lines = block.replace("\\\n", " ").splitlines()
    return [words for line in lines if (words := shlex.split(line, comments=True))]


COMMAND_LINES = [words for block in blocks("bash") for words in commands(block)]
#: Whole commands within a sentence or a table.
INLINE = [shlex.split(span) for span in re.findall(r"`([^`\n]+)`", README) if " --out " in span and "…" not in span]
FETCHED = [words[words.index("--out") + 1] for words in COMMAND_LINES if words[:2] == ["dnabert", "fetch"]]
#: Blocks that read something which is neither here nor made by them.
_ELSEWHERE = ("--help", "dnabert fetch", "apes_chr22.yaml")
RUNNABLE = [
    block
    for block in blocks("bash")
    if ("dnabert prepare" in block or "my.fa" in block) and not any(word in block for word in _ELSEWHERE)
]


def understood(words: list[str]) -> bool:
    """Read the command as the program would; a wrong flag raises."""
    words = words[words.index("dnabert") :] if "dnabert" in words else words  # after `accelerate launch -m` too
    if words[0] == "make":
        return all(f"{target}:" in (ROOT / "Makefile").read_text() for target in words[1:])
    if words[0] == "dnabert" and words[1] == "--help":
        return True
    if words[0] == "dnabert":
        # a file of the reader's, or that the command before it writes
        if words[:2] == ["dnabert", "prepare"] and set(words[3:4]) & {*FETCHED, "genomes.yaml"}:
            words = [*words[:2], *words[4:]]
        parse(COMMANDS[words[1]][1], [_shipped(word) for word in words[2:]])
        return True
    script = next(word for word in words if word.endswith(".py"))
    arguments = [_shipped(word) for word in words[words.index(script) + 1 :]]
    parse(_class_of(script), arguments)
    return True


def _shipped(word: str) -> str:
    return str(ROOT / word) if word.startswith("configs/") else word


def _class_of(script: str) -> type:
    """The config of a script: the one dataclass whose name ends in Config that it makes or takes from the library."""
    name = "readme_" + Path(script).stem
    spec = importlib.util.spec_from_file_location(name, ROOT / script)
    assert spec is not None and spec.loader is not None
    sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sys.modules[name])
    return getattr(sys.modules[name], f"{Path(script).stem.title()}Config")


@pytest.mark.parametrize("words", COMMAND_LINES + INLINE, ids=" ".join)
def test_every_command_is_understood(words):
    if "--help" in words and words != ["dnabert", "--help"]:
        with pytest.raises(SystemExit, match="0"):
            understood(words)
    else:
        assert understood(words)


@pytest.mark.parametrize("block", blocks("bash"), ids=lambda block: block.split("\n")[0])
def test_no_command_of_a_block_finds_what_another_has_made(block):
    made = [words[words.index("--out") + 1] for words in commands(block) if "--out" in words]
    assert len(set(made)) == len(made)


def test_the_yaml_names_a_genome_and_all_that_annotates_it(tmp_path):
    (example,) = blocks("yaml")
    (tmp_path / "genomes.yaml").write_text(example)
    (genome,) = load_yaml(CorpusConfig, tmp_path / "genomes.yaml").genomes
    assert [field.name for field in fields(genome) if getattr(genome, field.name) is None] == ["chroms"]


def test_every_file_that_is_named_exists():
    named = re.findall(r"\b((?:configs|train|eval|docs)/[\w/.-]+\.\w+)", README)
    assert named
    assert not [path for path in named if not (ROOT / path).exists()]


@pytest.mark.slow
def test_every_name_of_the_library_is_found_by_import_dnabert_alone():
    """``dnabert.encoders.EmbedConfig`` was not, where nothing else had imported it."""
    named = sorted(set(re.findall(r"\bdnabert(?:\.[A-Za-z_]\w*)+", README)))
    assert {"dnabert.encoders.EmbedConfig", "dnabert.models.register_architectures"} <= set(named)
    code = "import dnabert\n" + "\n".join(named)
    subprocess.run([sys.executable, "-c", code], check=True)


def test_every_file_that_a_contributor_is_sent_to_exists():
    named = re.findall(r"`(\w+/[\w/.]+\.\w+)`", (ROOT / "CONTRIBUTING.md").read_text())
    assert len(named) > 20
    missing = [path for path in named if not any((place / path).exists() for place in (ROOT, ROOT / "dnabert"))]
    assert [path for path in missing if Path(path).stem.lower() != "name"] == []


@pytest.mark.parametrize(
    "page",
    ["README.md", "CONTRIBUTING.md", *(str(path.relative_to(ROOT)) for path in sorted((ROOT / "eval").rglob("*.md")))],
)
def test_every_link_leads_somewhere(page):
    text = (ROOT / page).read_text()
    for target in re.findall(r"\]\((?!https?:)([^)\s]+)\)", text):
        path, _, heading = target.partition("#")
        linked = (ROOT / page).parent / path if path else ROOT / page
        assert linked.exists(), target
        headings = re.findall(r"^#+ (.*)", linked.read_text(), flags=re.MULTILINE) if heading else []
        assert not heading or heading in [
            re.sub(r"[^\w -]", "", each.lower()).replace(" ", "-") for each in headings
        ], target


@pytest.mark.slow
def test_the_python_example_runs(tmp_path):
    example = next(block for block in blocks("python") if "dnabert.prepare" in block)
    done = subprocess.run([sys.executable, "-c", example], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "label" in done.stdout


def test_the_encoder_of_your_own_is_one(tmp_path, monkeypatch):
    from dnabert.encoders import load_encoder

    (tmp_path / "mine.py").write_text(next(block for block in blocks("python") if "class Purines" in block))
    monkeypatch.chdir(tmp_path)
    np.testing.assert_allclose(
        load_encoder("python:mine:Purines").encode([np.frombuffer(b"gATTACA", np.uint8)]), [[4 / 7]], rtol=1e-6
    )
    sys.modules.pop("mine")


#: What makes a command of README.md small enough for a test; everything else is as it stands there.
_SMALLER = {
    "train/pretrain.py": "--steps 4 --floor-order 2 --evaluation-windows 20 --tracker none --model.layers 1",
    "eval/compare.py": "--ladder-windows 120 --map-windows 300 --resamples 5 --pairs 50",
}


@pytest.mark.slow
@pytest.mark.parametrize("block", RUNNABLE, ids=lambda block: block.split("\n")[0])
def test_the_commands_run_in_order(block, tmp_path):
    from dnabert.corpus import simulate_fasta

    for folder in ("configs", "train", "eval"):
        (tmp_path / folder).symlink_to(ROOT / folder)
    genome = simulate_fasta(tmp_path / "genome.fa", length=400_000, seed=0)
    (tmp_path / "genome.fa.gz").write_bytes(gzip.compress(genome.read_bytes()))
    programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    simulate_fasta(tmp_path / "my.fa", length=20_000, seed=1)
    first = [] if "dnabert prepare" in block else [shlex.split("dnabert prepare genome.fa.gz --out corpus")]
    for words in first + commands(block):
        smaller = next((more for script, more in _SMALLER.items() if script in words), "")
        done = subprocess.run(
            [*words, *smaller.split()],
            cwd=tmp_path,
            env={**os.environ, "PATH": programs, "WANDB_MODE": "offline"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{shlex.join(words)}\n{done.stdout}\n{done.stderr}"
