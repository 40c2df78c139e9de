from __future__ import annotations

import gzip
import io
import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import dnabert
from dnabert.clusters import AssignConfig, Assignment, ClusterConfig, StabilityConfig, assign, cluster, stability
from dnabert.clusters.assignment_table import COLUMNS
from dnabert.clusters.placer import Placer
from dnabert.corpus.records import Record
from dnabert.encoders import embed
from dnabert.errors import Caution, UserError
from dnabert.stage import stage

LENGTH = 300
_LETTERS = np.array(list("ACGT"))
_FAMILIES = np.random.default_rng(0).integers(0, 4, (2, LENGTH))


def variants(family: int, n: int, *, seed: int) -> list[str]:
    """Copies of a planted family with 1 % of the bases drawn anew."""
    rng = np.random.default_rng(seed)
    rows = np.repeat(_FAMILIES[family][None], n, axis=0)
    changed = rng.random(rows.shape) < 0.01
    rows[changed] = rng.integers(0, 4, changed.sum())
    return ["".join(row) for row in _LETTERS[rows]]


def random_sequences(n: int, *, seed: int, gc: float = 0.5, length: int = LENGTH) -> list[str]:
    share = [(1 - gc) / 2, gc / 2, gc / 2, (1 - gc) / 2]
    return ["".join(row) for row in np.random.default_rng(seed).choice(_LETTERS, (n, length), p=share)]


def fasta(path: Path, sequences: list[str]) -> Path:
    path.write_text("".join(f">r{i}\n{sequence}\n" for i, sequence in enumerate(sequences)))
    return path


@pytest.fixture(scope="module")
def clusters(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """60 and 50 variants of two families."""
    folder = tmp_path_factory.mktemp("assign")
    known = variants(0, 60, seed=1) + variants(1, 50, seed=2)
    embed("kmer:4", fasta(folder / "corpus.fa", known), out=folder / "embeddings")
    config = ClusterConfig(components=5, min_cluster_size=20, neighbors=20, kmeans=3, scaling="center", normalise=False)
    made = cluster(folder / "embeddings", out=folder / "clusters", config=config)
    assert made.table["label"].tolist() == [0] * 60 + [1] * 50
    return folder / "clusters"


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    return fasta(
        tmp_path / "new.fa", variants(0, 10, seed=4) + variants(1, 10, seed=5) + random_sequences(10, seed=6, gc=0.9)
    )


def test_planted_families_are_found_and_foreign_sequences_are_not(clusters: Path, mixed: Path, tmp_path: Path) -> None:
    made = assign(clusters, mixed, out=tmp_path / "new.tsv")
    assert made.table["cluster"].tolist() == ["0"] * 10 + ["1"] * 10 + ["none"] * 10
    assert made.table["probability"][:20].min() > 0.9 and made.table["probability"][20:].max() < 0.5
    assert made.table["unlike"][20:].str.contains("composition").all()
    assert made.table["unlike"][:20].str.contains("composition").sum() <= 1
    assert made.held_out is not None and made.held_out["error"] <= 0.05
    of_family = [{f"r{i}" for i in range(60)}, {f"r{i}" for i in range(60, 110)}]
    for row, family in ((0, 0), (10, 1)):
        near = [made.table[f"exemplar_{i}"][row] for i in (1, 2, 3)]
        assert set(near) <= of_family[family] and len(set(near)) == 3


def test_the_file_holds_the_table_and_the_same_bytes_each_time(clusters: Path, mixed: Path, tmp_path: Path) -> None:
    made = assign(clusters, mixed, out=tmp_path / "a" / "one.tsv")
    assign(clusters, mixed, out=tmp_path / "two.tsv", config=AssignConfig(batch_size=3))
    assert (tmp_path / "a" / "one.tsv").read_bytes() == (tmp_path / "two.tsv").read_bytes()
    read = pd.read_csv(tmp_path / "two.tsv", sep="\t", keep_default_na=False, dtype={"cluster": str})
    assert tuple(read.columns) == COLUMNS
    pd.testing.assert_frame_equal(read, made.table, check_dtype=False)
    assert not list(tmp_path.rglob("*.partial"))


def explained(clusters: Path, out: Path) -> Path:
    """An explanation's folder, as far as assigning reads one."""
    with stage(out, kind="explanation", config={}, inputs={"clusters": clusters}) as folder:
        (folder / "clusters.tsv").write_text('label\tn\ttext\n0\t60\tone "family", 1 %\n1\t50\tthe other\n')
    return out


def test_an_explanation_says_what_a_sequence_is(clusters: Path, mixed: Path, tmp_path: Path) -> None:
    folder = explained(clusters, tmp_path / "explanation")
    made = assign(clusters, mixed, out=tmp_path / "new.tsv", explanation=folder)
    assert made.table["sentence"].tolist() == ['one "family", 1 %'] * 10 + ["the other"] * 10 + [""] * 10
    read = pd.read_csv(tmp_path / "new.tsv", sep="\t", keep_default_na=False)
    assert (
        tuple(read.columns) == (*COLUMNS, "sentence") and read["sentence"].tolist() == made.table["sentence"].tolist()
    )
    assign(clusters, mixed, out=tmp_path / "new.tsv", overwrite=True)  # a table of this command, with the column too


def test_an_explanation_of_other_clusters_is_refused(clusters: Path, mixed: Path, tmp_path: Path) -> None:
    other = tmp_path / "clusters"
    shutil.copytree(clusters, other)
    folder = explained(clusters, tmp_path / "explanation")
    (other / "manifest.json").write_text((other / "manifest.json").read_text() + " ")
    with pytest.raises(UserError, match="explains other clusters than"):
        assign(other, mixed, out=tmp_path / "new.tsv", explanation=folder)
    with pytest.raises(UserError, match="explanation"):
        assign(clusters, mixed, out=tmp_path / "new.tsv", explanation=clusters)
    with pytest.raises(UserError, match="nowhere"):
        assign(tmp_path / "nowhere", mixed, out=tmp_path / "new.tsv", explanation=folder)
    (folder / "clusters.tsv").write_text("label\n0\n")
    with pytest.raises(UserError, match=r"cannot read .*clusters.tsv .*: run dnabert explain"):
        assign(clusters, mixed, out=tmp_path / "new.tsv", explanation=folder)
    assert not (tmp_path / "new.tsv").exists()


def test_stability_says_whether_a_cluster_comes_back_and_where_placed_windows_are_then(
    clusters: Path, mixed: Path, tmp_path: Path
) -> None:
    judged = stability(
        clusters, out=tmp_path / "stability", config=StabilityConfig(seeds=1, subsamples=3, unit="window")
    )
    folder = explained(clusters, tmp_path / "explanation")
    made = assign(clusters, mixed, out=tmp_path / "new.tsv", stability=judged.folder, explanation=folder)
    rows = judged.summary["clusters"]
    told = ["undecided" if row["undecided"] else row["verdict"] for row in rows]
    assert made.table["stability"].tolist() == [told[0]] * 10 + [told[1]] * 10 + [""] * 10
    assert tuple(pd.read_csv(tmp_path / "new.tsv", sep="\t").columns) == (*COLUMNS, "stability", "sentence")
    assert made.placed == judged.summary["placed"]
    assert (
        f"{100 * made.placed['left_out']['mean']:.1f} % (" in made.describe()
        and "are elsewhere when all are clustered" in made.describe()
    )
    other = tmp_path / "clusters"
    shutil.copytree(clusters, other)
    (other / "manifest.json").write_text((other / "manifest.json").read_text() + " ")
    with pytest.raises(UserError, match="judges other clusters than"):
        assign(other, mixed, out=tmp_path / "x.tsv", stability=judged.folder)
    summary = dict(judged.summary)
    summary["clusters"] = [rows[0] | {"undecided": True}, rows[1] | {"undecided": False, "verdict": "dissolved"}]
    (judged.folder / "stability.json").write_text(json.dumps(summary))
    made = assign(clusters, mixed, out=tmp_path / "new.tsv", stability=judged.folder, overwrite=True)
    assert made.table["stability"].tolist() == ["undecided"] * 10 + ["dissolved"] * 10 + [""] * 10
    del summary["placed"]
    (judged.folder / "stability.json").write_text(json.dumps(summary))
    with pytest.raises(UserError, match="an older dnabert made it: run dnabert stability"):
        assign(clusters, mixed, out=tmp_path / "x.tsv", stability=judged.folder)


def test_all_formats_and_standard_input_give_the_same_table(
    clusters: Path, mixed: Path, tmp_path: Path, monkeypatch
) -> None:
    expected = assign(clusters, mixed, out=tmp_path / "fasta.tsv").table
    lines = mixed.read_text().split()
    names, sequences = [name[1:] for name in lines[::2]], lines[1::2]
    (tmp_path / "new.csv").write_text(
        "sequence,name\n" + "".join(f"{s},{n}\n" for n, s in zip(names, sequences, strict=True))
    )
    fastq = "".join(f"@{n}\n{s}\n+\n{'I' * len(s)}\n" for n, s in zip(names, sequences, strict=True))
    (tmp_path / "new.fastq.gz").write_bytes(gzip.compress(fastq.encode()))
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(fastq.encode())))
    for number, path in enumerate((tmp_path / "new.csv", tmp_path / "new.fastq.gz", "-")):
        made = assign(clusters, path, out=tmp_path / f"{number}.tsv")
        pd.testing.assert_frame_equal(made.table, expected)


def test_nothing_is_lost_of_what_cannot_be_read(clusters: Path, tmp_path: Path) -> None:
    path = fasta(tmp_path / "odd.fa", ["ACG", "", "N" * 300, "ACGN" * 75, variants(0, 1, seed=7)[0]])
    made = assign(clusters, path, out=tmp_path / "odd.tsv")
    assert made.table["note"].tolist() == ["too short", "too short", "too few known bases", "too few known bases", ""]
    assert made.table["cluster"].tolist() == ["none"] * 4 + ["0"]
    assert made.table["probability"].isna().tolist() == [True] * 4 + [False]
    assert "5 sequences: 1 in clusters, 0 in none, 4 that cannot be read" in made.describe()
    made = assign(clusters, fasta(tmp_path / "short.fa", ["A"]), out=tmp_path / "short.tsv")
    assert made.table["note"].tolist() == ["too short"]


def test_long_sequences_are_mixtures_unless_tiled(clusters: Path, tmp_path: Path) -> None:
    long = variants(0, 1, seed=8)[0] + variants(1, 1, seed=9)[0] + random_sequences(1, seed=10, gc=0.9)[0]
    path = fasta(tmp_path / "long.fa", [long])
    whole = assign(clusters, path, out=tmp_path / "whole.tsv").table
    assert "see --tile" in whole["note"][0] and "length" in whole["unlike"][0]
    made = assign(clusters, path, out=tmp_path / "tiled.tsv", config=AssignConfig(tile=True))
    assert (
        made.describe().startswith("3 pieces of 1 sequence: 2 in clusters, 1 in none")
        and made.warning is not None
        and " of 3 pieces is unlike" in made.warning
        and made.warning.endswith(" hold for it")
    )
    tiled = made.table
    assert tiled["name"].tolist() == ["r0"] * 3
    assert tiled[["start", "end"]].to_numpy().tolist() == [[0, 300], [300, 600], [600, 900]]
    assert tiled["cluster"].tolist() == ["0", "1", "none"]


def test_summary_and_warning(clusters: Path, mixed: Path, tmp_path: Path) -> None:
    made = assign(clusters, mixed, out=tmp_path / "new.tsv")
    said = made.describe().splitlines()
    assert said[0].startswith(
        "30 sequences: 20 in clusters, 10 in none, 0 that cannot be read (too short, or hardly a known base); "
    )
    assert said[1].split() == ["cluster", "0", "10"] and said[2].split() == ["cluster", "1", "10"]
    assert "held-out windows accepted so (by sequence)" in said[3] and "% [" in said[3]
    assert said[0].endswith(f"; {made.table['unlike'].astype(bool).sum()} unlike the corpus")
    assert made.warning is not None and "\n" not in made.warning
    assert "of 30 sequences are unlike the corpus (" in made.warning and "composition 1" in made.warning
    usual = fasta(tmp_path / "usual.fa", variants(0, 30, seed=11))
    assert assign(clusters, usual, out=tmp_path / "usual.tsv").warning is None
    assert "accepts any held-out window" in Assignment(made.table, None, None, "region").describe()


def test_more_than_a_twentieth_of_the_input_unlike_the_corpus_is_told_with_why() -> None:
    def warning(*unlike: str) -> str | None:
        table = pd.DataFrame({"start": 0, "unlike": [*unlike, *[""] * (20 - len(unlike))]})
        return Assignment(table, None, None, "region").warning

    assert warning("length") is None
    assert warning("length", "distance, composition", "composition") == (
        "3 of 20 sequences are unlike the corpus (composition 2, length 1, distance 1): the stated error does not hold "
        "for them"
    )


def test_what_accepting_costs_is_told_in_percent() -> None:
    table = pd.DataFrame({"start": 0, "cluster": ["3", "none", "none"], "note": ["", "too short", ""], "unlike": ""})
    point = {"accepted": 12_345, "error": 0.01234, "low": 0.01, "high": 0.015, "false_reject": 0.25}
    placed = {"left_out": {"n": 4, "mean": 0.125, "low": 0.1, "high": 0.5}, "members": {"n": 4, "mean": 0.0625}}
    made = Assignment(table, 0.75, point, "region", placed)
    head, cluster, cost = made.describe().splitlines()
    assert head == (
        "3 sequences: 1 in clusters, 1 in none, 1 that cannot be read (too short, or hardly a known base); "
        "0 unlike the corpus"
    )
    assert cluster.split() == ["cluster", "3", "1"]
    assert cost == (
        "accepted from probability 0.75 on: of 12,345 held-out windows accepted so (by region) 1.23 % [1.00, 1.50] "
        "were wrong, of the clustered ones 25.0 % were rejected; that is of these clusters as they stand, and clusters "
        "of a part of the windows, 4 times another, are drawn otherwise: of the windows so left out and accepted "
        "12.5 % (10.0 to 50.0) are elsewhere when all are clustered, of the members 6.2 %"
    )


def test_where_the_encoder_was_fitted_on_the_windows_that_is_told(tmp_path: Path, clusters: Path) -> None:
    """Held-out windows were none for the encoder: 1.5 % of the clustered ones were said to be rejected, and of other
    windows of the genome twice as many as of these were in none."""
    known = fasta(tmp_path / "corpus.fa", variants(0, 60, seed=1) + variants(1, 50, seed=2))
    embed("lsa:4", known, out=tmp_path / "embeddings")
    config = ClusterConfig(components=5, min_cluster_size=20, neighbors=20, kmeans=3, scaling="center", normalise=False)
    cluster(tmp_path / "embeddings", out=tmp_path / "clusters", config=config)
    new = fasta(tmp_path / "new.fa", variants(0, 5, seed=3))
    told = (
        "; their encoder was fitted on these windows, from which new sequences lie farther off: more of them are in "
        "none than this says (embed held-out windows of a corpus, or by an encoder that is not fitted)"
    )
    assert told in assign(tmp_path / "clusters", new, out=tmp_path / "fitted.tsv").describe()
    assert "fitted" not in assign(clusters, new, out=tmp_path / "counted.tsv").describe()


@pytest.mark.parametrize("share", [1.0, 0.5, 0.49])
def test_only_where_an_encoder_was_fitted_on_half_of_the_windows_that_is_told(share: float) -> None:
    table = pd.DataFrame({"start": 0, "cluster": ["3"], "note": [""], "unlike": ""})
    point = {"accepted": 9, "error": 0.0, "low": 0.0, "high": 0.1, "false_reject": 0.0}
    told = Assignment(table, 0.5, point, "region", fitted_share=share).describe()
    part = {1.0: "on these windows,", 0.5: "on 50 % of these windows,"}
    assert part[share] in told if share in part else "fitted" not in told


def test_a_cluster_is_accepted_from_the_threshold_on_and_shown_by_its_own_members(clusters: Path) -> None:
    placer = Placer(clusters, config=AssignConfig())
    bases = [np.frombuffer(text.encode(), np.uint8) for text in (variants(0, 1, seed=4) + variants(1, 1, seed=5))]
    records = [Record(f"s{i}", piece) for i, piece in enumerate(bases)]
    points = placer._basis.transform(placer._encoder.encode(bases))
    placed = placer._membership.place(points)
    for threshold, expected in (
        (placed.probability[0], "0"),
        (np.nextafter(placed.probability[0], 2), "none"),
        (None, "none"),
    ):
        placer.threshold = threshold
        found = placer.table(records[:1])
        assert found["cluster"].tolist() == [expected]
        assert found["note"].tolist() == ["" if expected == "0" else "nearest cluster 0"]
        assert found["probability"][0] == round(placed.probability[0], 4)
    other = placer._exemplars(points, placed, np.array([1, 0]))  # each as if it were of the other family
    assert min(other[0]) >= 60 > max(other[1]) and [len(near) for near in other] == [3, 3]


def test_more_than_two_windows_are_a_mixture(clusters: Path, tmp_path: Path) -> None:
    two = "".join(variants(family, 1, seed=8 + family)[0] for family in (0, 1))
    made = assign(clusters, fasta(tmp_path / "new.fa", [two, two + "A"]), out=tmp_path / "new.tsv")
    assert made.table["note"].str.contains("a mixture of several windows").tolist() == [False, True]


def test_what_stands_at_out_is_safe(clusters: Path, mixed: Path, tmp_path: Path) -> None:
    out = tmp_path / "new.tsv"
    assign(clusters, mixed, out=out)
    with pytest.raises(UserError, match="exists already: choose another --out or pass --overwrite"):
        assign(clusters, mixed, out=out)
    before = out.read_bytes()
    (tmp_path / "none.csv").write_text("sequence\n")
    with pytest.raises(UserError, match="holds no sequence"):
        assign(clusters, tmp_path / "none.csv", out=out, overwrite=True)
    assert out.read_bytes() == before
    assign(clusters, fasta(tmp_path / "one.fa", ["ACGTACGT"]), out=out, overwrite=True)
    assert out.read_bytes() != before
    for other in (mixed, clusters):
        with pytest.raises(UserError, match="is no table of dnabert assign"):
            assign(clusters, mixed, out=other, overwrite=True)
    with pytest.raises(UserError, match="cannot write"):
        assign(clusters, mixed, out=mixed / "x.tsv")


def test_clusters_that_cannot_take_in_sequences(clusters: Path, mixed: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such clusters folder"):
        assign(tmp_path / "nowhere", mixed, out=tmp_path / "o.tsv")
    old = shutil.copytree(clusters, tmp_path / "old")
    (old / "assign.json").unlink()
    with pytest.raises(UserError, match="run dnabert cluster again"):
        assign(old, mixed, out=tmp_path / "o.tsv")
    other = shutil.copytree(clusters, tmp_path / "other")
    record = json.loads((other / "assign.json").read_text())
    record["encoder"]["encoder"] = "kmer:3"
    (other / "assign.json").write_text(json.dumps(record))
    with pytest.raises(UserError, match="gives 32 numbers, the vectors behind .* have 136"):
        assign(other, mixed, out=tmp_path / "o.tsv")
    unsure = shutil.copytree(clusters, tmp_path / "unsure")
    membership = json.loads((unsure / "membership.json").read_text())
    for point in membership["held_out"]["operating_points"]:
        point["error"] = 0.2
    (unsure / "membership.json").write_text(json.dumps(membership))
    with pytest.raises(UserError, match=r"--error is 0.05, but even .* 0.2000 are wrong: raise --error"):
        assign(unsure, mixed, out=tmp_path / "o.tsv")
    assert not list(tmp_path.glob("*.tsv"))


@pytest.mark.parametrize(("setting", "value"), [("error", 0.0), ("error", 1.0), ("batch_size", 0)])
def test_settings_are_checked(setting: str, value: float) -> None:
    with pytest.raises(UserError, match=f"--{setting.replace('_', '-')} is "):
        AssignConfig(**{setting: value})


def test_nothing_is_pickled_and_the_name_is_public(clusters: Path) -> None:
    assert {path.suffix for path in clusters.iterdir()} == {".json", ".parquet", ".safetensors", ".yaml"}
    assert dnabert.assign is assign


def test_clusters_made_without_their_input_say_what_they_cannot_tell(mixed: Path, tmp_path: Path) -> None:
    corpus = fasta(tmp_path / "corpus.fa", variants(0, 60, seed=1) + variants(1, 50, seed=2))
    embed("kmer:4", corpus, out=tmp_path / "embeddings")
    corpus.unlink()
    with pytest.warns(
        Caution,
        match=r"corpus\.fa is gone, .* dnabert assign will not say whether composition, letters or length are unlike",
    ):
        cluster(
            tmp_path / "embeddings",
            out=tmp_path / "clusters",
            config=ClusterConfig(components=5, min_cluster_size=20, neighbors=20, kmeans=3),
        )
    assert (
        not assign(tmp_path / "clusters", mixed, out=tmp_path / "new.tsv")
        .table["unlike"]
        .str.contains("composition")
        .any()
    )
