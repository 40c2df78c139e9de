"""The ladder end to end on a small simulated corpus, with the encoders that need no model."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from dnabert.clusters import ClusterConfig
from dnabert.comparison import CompareConfig, RetrievalConfig, compare
from dnabert.comparison.comparison import _explanation, _null, _score
from dnabert.comparison.ladder import Ladder
from dnabert.comparison.rung import _symmetry
from dnabert.config import load_yaml
from dnabert.corpus import Corpus
from dnabert.encoders.encoder import DEFAULT_RUN
from dnabert.encoders.rungs import RungConfig
from dnabert.errors import UserError
from dnabert.explain import ExplainConfig
from dnabert.explain.blast import missing_program
from dnabert.leftovers import held
from dnabert.manifest import read_manifest
from dnabert.scoring import ScoreConfig, load_scores
from dnabert.stage import stage

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("path", sorted((ROOT / "configs" / "compare").glob("*.yaml")), ids=lambda path: path.stem)
def test_every_shipped_config_reads(path: Path) -> None:
    config = load_yaml(CompareConfig, path)
    shared = {"codebook", "kmer6", "lsa8"}
    wanted = (
        {*shared, "neighbours", "random_codebook"}
        if path.stem == "joint"
        else {*shared, "pretrained", "bert", "kmer4", "random", "shuffled"}
    )
    assert {rung.name for rung in config.rungs} >= wanted


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("compare") / "out"
    compare(_config(out))
    return out


def _config(out: Path) -> CompareConfig:
    small = ClusterConfig(min_cluster_size=8, min_samples=3, neighbors=15)
    return CompareConfig(
        out=str(out),
        rungs=[RungConfig("kmer3", "kmer:3"), RungConfig("kmer2", "kmer:2")],
        ladder_windows=200,
        map_windows=250,
        retrieval=RetrievalConfig(n=40),
        ladder_cluster=small,
        map_cluster=small,
        symmetry_windows=30,
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
    assert set(edit["pairs"]) == {"within", "unclustered", "random_equal_gc", "random_equal_gc_unclustered"}
    assert json.loads((compared / "comparison.json").read_text())["main"] == "clusters/kmer3_all"
    assert (compared / "report" / "report.html").stat().st_size > 10_000
    taken = [
        "nothing",
        "composition",
        "repeats",
        "gene position",
        "homology",
        "all but repeats",
        "all but gene position",
        "all but homology",
        "all",
    ]
    taken = [name for name in taken if "homology" not in name or missing_program() is None]
    assert [row["without"] for row in ladder[0]["explained_away"]] == taken
    assert not any(
        key in each for each in (*ladder, *ladder[0]["explained_away"]) for key in ("hits", "groups", "draws")
    )
    assert {row["change"] for row in ladder[0]["symmetry"]} == {"strand", "shift", "unknown", "mutated"}
    assert json.loads((compared / "differences.json").read_text()) == []  # nothing here was trained
    assert (compared / "ladder.tsv").read_text().startswith("rung\tencoder")


def test_going_on_makes_nothing_twice(compared: Path) -> None:
    def times() -> dict[str, int]:
        parts = (path for path in compared.glob("*/*/manifest.json") if "corpus" not in path.parts)
        return {str(path): path.stat().st_mtime_ns for path in parts}

    before = times()
    compare(_config(compared))
    assert len(before) == 16 and times() == before


def test_symmetry_is_measured_again_with_other_resamples(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr("dnabert.comparison.rung.once", lambda *_, config, **__: asked.append(config) or [])
    for resamples in (20, 20, 21):
        _symmetry(
            RungConfig("a", "kmer:2"), Ladder(replace(_config(tmp_path), resamples=resamples), None, k=6), tmp_path
        )  # type: ignore[arg-type]
    assert asked[0] == asked[1] != asked[2]


def test_hidden_words_are_asked_once_and_leave_the_scores_of_rungs_alone(
    tiny_corpus: Corpus, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with stage(tmp_path / "scores" / "kmer3", kind="comparison"):
        pass
    config = CompareConfig(
        out=str(tmp_path), corpus=str(tiny_corpus.folder), run=str(DEFAULT_RUN), score=ScoreConfig(windows=4, order=1)
    )
    made = []
    for _ in range(2):
        _score(config)
        made.append((tmp_path / "hidden_words" / "manifest.json").stat().st_mtime_ns)
    assert made[0] == made[1] and load_scores(tmp_path / "hidden_words").summary["windows"] == 4
    _score(replace(config, run=None))
    assert [path.name for path in tmp_path.iterdir()] == ["scores"] and read_manifest(
        tmp_path / "scores" / "kmer3", kind="comparison"
    )
    assert capsys.readouterr().out == ""


def test_a_folder_of_another_kind_and_one_that_is_being_written_are_left_alone(tmp_path: Path) -> None:
    with stage(tmp_path / "corpus", kind="corpus"):
        pass
    with pytest.raises(UserError, match="corpus holds corpus, not a comparison: choose another --out"):
        compare(_config(tmp_path / "corpus"))
    assert read_manifest(tmp_path / "corpus", kind="corpus")
    (tmp_path / "corpus").rename(tmp_path / "made")
    (tmp_path / "out").mkdir()
    config = replace(_config(tmp_path / "out"), corpus=str(tmp_path / "made"))
    with (
        held(tmp_path / "out", by="test"),
        pytest.raises(UserError, match="another comparison is at work in .*out: wait for it"),
    ):
        compare(config)
    assert list((tmp_path / "out").iterdir()) == []


def test_without_a_run_its_rungs_are_left_out_or_it_says_so(tmp_path: Path) -> None:
    only_run = CompareConfig(out=str(tmp_path / "x"), rungs=[RungConfig("pretrained", "RUN")])
    with pytest.raises(UserError, match="pass --run"):
        compare(only_run)
    twice = CompareConfig(out=str(tmp_path / "x"), rungs=[RungConfig("a", "kmer:2")] * 2)
    with pytest.raises(UserError, match="same name"):
        compare(twice)
    assert not (tmp_path / "x").exists()


def test_a_rung_with_the_name_of_the_map_is_refused(tmp_path: Path) -> None:
    """Its vectors would be the map's, of other windows by another encoder."""
    rungs = [RungConfig("a", "kmer:2"), RungConfig("a_all", "kmer:3")]
    with pytest.raises(UserError, match="a rung is named a_all, as is the map of a, .*: rename it under rungs"):
        compare(replace(_config(tmp_path / "out"), rungs=rungs))
    assert not (tmp_path / "out").exists()


def test_stages_of_somebody_s_are_not_replaced(tmp_path: Path) -> None:
    for path in ("clusters/manifest.json", "ladder.tsv"):
        (tmp_path / "mine" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "mine" / path).write_text("{}")
    with pytest.raises(UserError, match="mine holds files of somebody's own"):
        compare(CompareConfig(out=str(tmp_path / "mine"), tracker="none"))


def test_files_that_are_missing_are_told_before_anything_is_computed(tmp_path: Path) -> None:
    config = CompareConfig(
        out=str(tmp_path / "out"), corpus=str(tmp_path), explain=ExplainConfig(databases=["gone.fa"]), tracker="none"
    )
    with pytest.raises(UserError, match=r"no such database: gone\.fa"):
        compare(config)
    assert not (tmp_path / "out").exists()


def test_somebody_s_own_folder_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "manifest.json").write_text('{"name": "my web app"}')
    (tmp_path / "app" / "config.yaml").write_text("mine: 1\n")
    with pytest.raises(UserError, match="app holds files of somebody's own"):
        compare(_config(tmp_path / "app"))
    assert (tmp_path / "app" / "manifest.json").exists() and (
        tmp_path / "app" / "config.yaml"
    ).read_text() == "mine: 1\n"


def test_one_that_was_broken_off_while_its_corpus_was_made_is_gone_on_with(tmp_path: Path) -> None:
    (tmp_path / "out" / "corpus").mkdir(parents=True)
    with (
        held(tmp_path / "out", by="test"),
        pytest.raises(UserError, match="another comparison is at work in .*out: wait for it"),
    ):
        compare(_config(tmp_path / "out"))


@pytest.mark.parametrize(
    "change", [{"resamples": 0}, {"symmetry_windows": -1}, {"map_windows": 0}, {"ladder_windows": 0}]
)
def test_counts_that_cannot_be_are_refused(change: dict[str, int]) -> None:
    with pytest.raises(UserError, match=f"--{next(iter(change)).replace('_', '-')} is"):
        CompareConfig(**change)


class _OneGenome:
    """Windows of a corpus without orthologous blocks, as far as retrieval asks."""

    window_length = 9

    def __len__(self) -> int:
        return 4

    def column(self, name: str) -> np.ndarray:
        texts = {"genome": np.array(["rice"] * 4, object), "chrom": np.array(["1"] * 4, object)}
        return {
            **texts,
            "block": np.full(4, -1),
            "start": np.arange(4) * 9,
            "before": np.arange(4) * 9,
            "after": 27 - np.arange(4) * 9,
        }[name]

    def bases(self, rows: np.ndarray, **_: Any) -> np.ndarray:
        return np.full((len(rows), 9), ord("A"), np.uint8)


def test_without_orthologs_the_same_place_is_sought_which_is_said_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ladder = Ladder(_config(tmp_path), None, k=6)  # type: ignore[arg-type]
    ladder.__dict__["held_out"] = _OneGenome()
    found = [ladder.same_places for _ in range(2)]
    assert [(name, len(pairs.queries)) for name, pairs in found] == [("moved", 2)] * 2
    told = capsys.readouterr().out.splitlines()
    assert told == [
        "no orthologous block holds both a genome and another (retrieval.query, retrieval.target; genomes: rice): the "
        "same place is sought instead, shifted, on a random strand and mutated"
    ]


@pytest.mark.slow
@pytest.mark.skipif(missing_program() is not None, reason="needs BLAST+")
def test_the_packaged_model_beside_counts_is_judged_as_any_run_is(tmp_path: Path) -> None:
    out = tmp_path / "out"
    rungs = [
        RungConfig("together", "RUN+kmer:2", whiten=0.5),
        RungConfig("kmer2", "kmer:2"),
        RungConfig("control", "random:RUN"),
    ]
    compare(replace(_config(out), run=str(DEFAULT_RUN), rungs=rungs, map_windows=60, ladder_windows=300))
    ladder = json.loads((out / "ladder.json").read_text())
    assert [rung["parts"] for rung in ladder] == [[str(DEFAULT_RUN), "kmer:2"], ["kmer:2"], [f"random:{DEFAULT_RUN}"]]
    assert [rung["read"]["whiten"] for rung in ladder] == [0.5, 0.0, 0.0]
    assert json.loads((out / "hidden_words" / "scores.json").read_text())["kinds"]
    page = (out / "report" / "report.html").read_text()
    assert "beside counts of 2-letter words" in page and "No claim can be made" not in page


def test_cards_of_clusters_of_before_go_where_none_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A map of other settings has no cluster: the page would show cards of clusters that are not there."""
    for name in ("stability", "explanation", "clusters"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "cards.json").write_text("[]")
    monkeypatch.setattr(
        sys.modules["dnabert.comparison.comparison"],
        "load_clusters",
        lambda _: SimpleNamespace(summary={"clusters": []}),
    )
    _explanation(tmp_path / "clusters", CompareConfig(out=str(tmp_path)))
    assert [path.name for path in tmp_path.iterdir()] == ["clusters"]


def test_shuffled_windows_that_are_read_otherwise_are_no_null(capsys: pytest.CaptureFixture[str]) -> None:
    rungs = [RungConfig("plain", "kmer:4"), RungConfig("shuffled", "kmer:4", whiten=0.5, shuffle=True)]
    assert _null(CompareConfig(rungs=rungs)) == {}
    assert "clusters of plain are held against none" in capsys.readouterr().out
    assert _null(CompareConfig(rungs=rungs[:1])) == {} and capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("reading", "said"),
    [({"phases": 0}, "phases is 0, allowed is 1 or more"), ({"whiten": 2.0}, "whiten is 2.0, allowed is 0 to 1")],
)
def test_a_rung_that_cannot_be_read_so_is_told_by_name_before_anything_is_computed(
    reading: dict[str, Any], said: str
) -> None:
    with pytest.raises(UserError, match=f"^rung best: {said}.*under rungs$"):
        RungConfig("best", "RUN", **reading)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            {"rungs": [RungConfig("kmer3", "kmer:3"), RungConfig("far", "runs/nosuch")]},
            "^rung far: no such run folder or encoder: runs/nosuch",
        ),
        (
            {"rungs": [RungConfig("kmer3", "kmer:3"), RungConfig("wide", "kmer:8", whiten=0.5)]},
            "^rung wide: whiten: vectors of .* have 32,896 dimensions",
        ),
        (
            {"rungs": [RungConfig("kmer3", "kmer:3"), RungConfig("kmer2", "runs/nosuch")]},
            "^rung kmer2: no such run folder or encoder: runs/nosuch",
        ),
        (
            {"rungs": [RungConfig("kmer3", "kmer:3"), RungConfig("many", "default", phases=9)]},
            "^rung many: phases is 9, allowed is 1 to 6",
        ),
        (
            {"retrieval": RetrievalConfig(target="gibbon")},
            "^retrieval.target is gibbon, which .* does not hold .chimp, gorilla, human and orangutan.: name one",
        ),
    ],
)
def test_what_would_end_the_ladder_at_its_turn_is_told_before_anything_is_computed(
    compared: Path, change: dict[str, Any], said: str
) -> None:
    before = {path: path.stat().st_mtime_ns for path in compared.rglob("*")}
    with pytest.raises(UserError, match=said):
        compare(replace(_config(compared), **change))
    assert {path: path.stat().st_mtime_ns for path in compared.rglob("*") if path != compared} == {
        k: v for k, v in before.items() if k != compared
    }
