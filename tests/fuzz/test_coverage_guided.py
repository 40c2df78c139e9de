"""Every reader under atheris, where it is installed; see coverage_guided.py."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

_SCRIPT = Path(__file__).with_name("coverage_guided.py")
_READERS = (
    "x.fa",
    "x.2bit",
    "x.gtf",
    "x.gff3",
    "features.gtf",
    "genePred.txt",
    "refFlat.txt",
    "genes.bed",
    "x.bed",
    "rmsk.txt",
    "x.out",
    "cpgIslandExt.txt",
    "blocks.tsv",
    "x.gmt",
    "x.meme",
    "records.fa",
    "records.fq",
    "records.csv",
    "records.tsv",
    "database.fa",
    "task.data",
    "train.csv",
    "train.tsv",
    "train.fa",
    "train.data",
    "corpus.yaml",
    "cluster.yaml",
    "pretrain.yaml",
    "compare.yaml",
    "manifest.json",
    "registry.json",
    "checksums.json",
    "progress.json",
    "optimizer.safetensors",
    "metrics.jsonl",
)
#: Inputs of each reader, most of them a change of one that reached something new.
_RUNS = 10_000


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("atheris") is None, reason="atheris is not installed")
@pytest.mark.parametrize("name", _READERS)
def test_what_reaches_new_lines_gives_a_result_or_one_line(tmp_path: Path, name: str) -> None:
    done = subprocess.run(
        [sys.executable, str(_SCRIPT), name, str(tmp_path), str(_RUNS)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-4000:]
