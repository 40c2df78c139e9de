"""The ladder end to end on a small simulated corpus, with the encoders that need no model."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType

import pytest

from dnabert.errors import UserError

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("compare", ROOT / "eval" / "compare.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["compare"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("path", sorted((ROOT / "configs" / "compare").glob("*.yaml")), ids=lambda path: path.stem)
def test_every_shipped_config_reads(script: ModuleType, path: Path) -> None:
    from dnabert.config import load_yaml

    config = load_yaml(script.CompareConfig, path)
    assert {rung.name for rung in config.rungs} == {"pretrained", "bert", "kmer4", "kmer6", "random", "shuffled"}


@pytest.fixture(scope="module")
def compared(script: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("compare") / "out"
    script.compare(_config(script, out))
    return out


def _config(script: ModuleType, out: Path) -> object:
    from dnabert.clusters import ClusterConfig

    small = ClusterConfig(min_cluster_size=8, min_samples=3, neighbors=15)
    return script.CompareConfig(
        out=str(out),
        rungs=[script.RungConfig("kmer3", "kmer:3"), script.RungConfig("kmer2", "kmer:2")],
        ladder_windows=200,
        map_windows=250,
        retrieval=script.RetrievalConfig(n=40),
        ladder_cluster=small,
        map_cluster=small,
        pairs=200,
        resamples=20,
    )


def test_the_folder_holds_what_the_page_reads(compared: Path) -> None:
    ladder = json.loads((compared / "ladder.json").read_text())
    assert [rung["rung"] for rung in ladder] == ["kmer3", "kmer2"]
    for rung in ladder:
        assert {"clusters", "noise_share", "knn10_repeat_class", "ami_strand", "retrieval_top1"} <= set(rung["metrics"])
        for score in rung["metrics"].values():
            assert score["low"] <= score["value"] <= score["high"] and score["n"] > 0
    clusters = json.loads((compared / "clusters.json").read_text())
    assert sum(row["n"] for row in clusters) == 250
    assert all(len(s["sequence"]) == 448 for row in clusters for s in row["samples"])
    edit = json.loads((compared / "edit_distance.json").read_text())
    assert set(edit["pairs"]) == {"within", "unclustered", "random_equal_gc"}
    assert json.loads((compared / "comparison.json").read_text())["main"] == "clusters/kmer3_all"
    assert (compared / "report" / "report.html").stat().st_size > 10_000
    assert (compared / "ladder.tsv").read_text().startswith("rung\tencoder")


def test_going_on_makes_nothing_twice(script: ModuleType, compared: Path) -> None:
    def times() -> dict[str, int]:
        parts = (path for path in compared.glob("*/*/manifest.json") if "corpus" not in path.parts)
        return {str(path): path.stat().st_mtime_ns for path in parts}

    before = times()
    script.compare(_config(script, compared))
    assert len(before) == 10 and times() == before


def test_without_a_run_its_rungs_are_left_out_or_it_says_so(script: ModuleType, tmp_path: Path) -> None:
    only_run = script.CompareConfig(out=str(tmp_path / "x"), rungs=[script.RungConfig("pretrained", "RUN")])
    with pytest.raises(UserError, match="pass --run"):
        script.compare(only_run)
    twice = script.CompareConfig(out=str(tmp_path / "x"), rungs=[script.RungConfig("a", "kmer:2")] * 2)
    with pytest.raises(UserError, match="same name"):
        script.compare(twice)
    assert not (tmp_path / "x").exists()
