"""Functions of the library as a notebook calls them: dicts of settings, what another function gave, and sequences where
a path belongs."""

from __future__ import annotations

from collections import UserDict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import dnabert
from dnabert.corpus import Corpus, CorpusConfig
from dnabert.corpus.records import read_records
from dnabert.encoders import EmbedConfig
from dnabert.errors import UserError
from dnabert.explain import explain, load_clustered_windows, load_explanation, read_gene_sets
from dnabert.export import export
from dnabert.given import settings
from dnabert.pretraining import PretrainConfig
from dnabert.probes import read_task
from dnabert.scoring import score

SEQUENCE = "ACGTTGCAACGGTAGCTAGGCTAAATCG" * 20


def test_a_dict_is_read_as_yaml_is() -> None:
    given = UserDict({"out": Path("run"), "k": np.int64(5), "minutes": np.float32(2), "model": {"layers": np.uint8(2)}})
    made = settings(given, PretrainConfig)
    assert (made.out, made.k, made.minutes, made.model.layers) == ("run", 5, 2.0, 2) and type(made.k) is int
    genome = {"name": "a", "fasta": Path("a.fa")}
    assert settings({"genomes": [genome]}, CorpusConfig).genomes[0].fasta == "a.fa"
    own = EmbedConfig(phases=2)
    assert settings(own, EmbedConfig) is own and settings(None, EmbedConfig) == EmbedConfig()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"out": "run", "minits": 3}, r"^PretrainConfig: unknown key minits \(did you mean minutes\?\)$"),
        ({"out": "run", "model": {"layer": 3}}, r"^PretrainConfig: unknown key model.layer \(did you mean layers\?\)$"),
        ({"out": "run", "k": 6.5}, "^PretrainConfig: k is 6.5, allowed is a whole number: correct k$"),
        ("small.yaml", r"not a path: pass dnabert.config.load_yaml\(PretrainConfig, 'small.yaml'\)$"),
        (
            EmbedConfig(),
            "^settings are of type EmbedConfig, allowed is a PretrainConfig or a dict of its fields: pass one of "
            "these$",
        ),
    ],
)
def test_what_is_no_settings(given: Any, message: str) -> None:
    with pytest.raises(UserError, match=message):
        dnabert.pretrain(given)


def test_each_stage_takes_what_the_one_before_gave(tiny_corpus: Corpus, tmp_path: Path) -> None:
    """With a dict of settings; objects ended in *expected str, bytes or os.PathLike*, dicts in *no attribute*."""
    embeddings = dnabert.embed("kmer:3", tiny_corpus, out=tmp_path / "embeddings", config={"sample": 300})
    assert len(embeddings.table) == 300
    clusters = dnabert.cluster(embeddings, out=tmp_path / "clusters", config={"min_cluster_size": 8, "kmeans": 4})
    assert clusters.manifest["config"]["kmeans"] == 4
    stability = dnabert.stability(clusters, out=tmp_path / "stability", config={"seeds": 1, "subsamples": 2})
    explanation = explain(clusters, out=tmp_path / "explanation", stability=stability, corpus=tiny_corpus)
    (tmp_path / "new.fa").write_text(f">a\n{SEQUENCE[:112]}\n")
    assigned = dnabert.assign(
        clusters, tmp_path / "new.fa", out=tmp_path / "new.tsv", explanation=explanation, stability=stability
    )
    assert assigned.table["name"].tolist() == ["a"]
    assert repr(assigned) == f"Assignment(1 sequence, {int(assigned.table['cluster'][0] != 'none')} in clusters)"
    shown = [repr(each) for each in (embeddings, clusters, stability, explanation)]
    assert (
        shown[0] == f"Embeddings(300 vectors of 32, folder='{tmp_path / 'embeddings'}')"
        and max(map(len, shown)) < len(str(tmp_path)) + 80
    )
    assert shown[1].startswith(f"Clusters(300 windows, {clusters.table['label'].max() + 1} clusters, ") and shown[
        3
    ].startswith("Explanation(")
    windows = load_clustered_windows(clusters)
    assert repr(windows) == f"ClusteredWindows(300 windows, {len(windows.clusters)} clusters)"
    assert dnabert.write_report(explanation, out=tmp_path / "page").is_file()
    assert len(pd.read_parquet(export(clusters, out=tmp_path / "clusters.parquet"))) == 300
    others = dnabert.cluster(embeddings, out=tmp_path / "others", config={"min_cluster_size": 9})
    with pytest.raises(
        UserError, match=f"^{tmp_path / 'stability'} judges other clusters than {tmp_path / 'others'} holds"
    ):
        dnabert.assign(others, tmp_path / "new.fa", out=tmp_path / "others.tsv", stability=stability)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (SEQUENCE, r"the input 'ACGT[ACGT]{56}…' is a sequence, and is read from a path"),
        ([SEQUENCE], "the input is of type list, and is read from a path"),
        (np.array([SEQUENCE]), "the input is of type ndarray, and is read from a path"),
        (pd.DataFrame({"sequence": [SEQUENCE]}), "the input is of type DataFrame, and is read from a path"),
        (None, "the input is of type NoneType, and is read from a path"),
    ],
)
def test_sequences_in_place_of_a_path(given: Any, told: str, tmp_path: Path) -> None:
    """They ended in *File name too long* and in *expected str, bytes or os.PathLike*."""
    with pytest.raises(
        UserError,
        match=(
            rf"^{told}, of a corpus folder, or a FASTA or .2bit file: write one, or give the sequences to "
            r"load_encoder"
        ),
    ):
        dnabert.embed("kmer:3", given, out=tmp_path / "out")
    with pytest.raises(UserError, match=f"^{told}, of FASTA, GenBank, FASTQ, CSV or TSV: write such a file"):
        next(read_records(given))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("given", [np.zeros((30, 4)), pd.DataFrame({"label": [0]}), None, 3])
def test_what_is_no_folder_of_a_stage(given: Any, tmp_path: Path) -> None:
    """Of an array it was *expected str, bytes or os.PathLike object, not ndarray*."""
    told = f"^the input is of type {type(given).__name__}, and is read from a path, of"
    with pytest.raises(UserError, match=rf"{told} embeddings in a folder: .* by dnabert.clusters.cluster_vectors$"):
        dnabert.cluster(given, out=tmp_path / "out")
    for ask in (
        lambda: dnabert.stability(given, out=tmp_path / "out"),
        lambda: explain(given, out=tmp_path / "out"),
        lambda: dnabert.assign(given, tmp_path / "new.fa", out=tmp_path / "out"),
        lambda: dnabert.load_clusters(given),
    ):
        with pytest.raises(UserError, match=f"{told} clusters in a folder: give what dnabert.cluster gave$"):
            ask()
    with pytest.raises(UserError, match=f"{told} embeddings or clusters in a folder: give what dnabert.embed or"):
        export(given, out=tmp_path / "out.parquet")
    with pytest.raises(UserError, match=f"{told} comparison or explanation in a folder: give what dnabert.comparison"):
        dnabert.write_report(given, out=tmp_path / "out")
    for ask in (lambda: score("default", given, out=tmp_path / "out"), lambda: dnabert.load_corpus(given)):
        with pytest.raises(UserError, match=f"{told} corpus in a folder: give what dnabert.prepare gave$"):
            ask()
    for load, kind in (
        (dnabert.load_embeddings, "embeddings"),
        (dnabert.load_stability, "stability"),
        (load_explanation, "expl"),
    ):
        with pytest.raises(UserError, match=f"{told} {kind}"):
            load(given)
    assert not (tmp_path / "out").exists()


def test_a_notebook_shows_a_task_and_gene_sets_in_a_line(tmp_path: Path) -> None:
    """Every sequence and every gene was shown."""
    rows = [f"{SEQUENCE[i : i + 40]},{'ab'[i % 2]},{part}" for part in ("train", "dev", "test") for i in range(40)]
    (tmp_path / "mine.csv").write_text("\n".join(["sequence,label,split", *rows]) + "\n")
    assert repr(read_task(tmp_path / "mine.csv")) == (
        "Task(name='mine', classes=['a', 'b'], train=Part(40 sequences), dev=Part(40 sequences), "
        "test=Part(40 sequences), drawn=False)"
    )
    (tmp_path / "sets.gmt").write_text("GO:1\tone\tA\tB\nGO:2\ttwo\tC\n")
    assert repr(read_gene_sets(tmp_path / "sets.gmt")) == f"GeneSets(2 sets of {str(tmp_path / 'sets.gmt')!r})"


def test_sequences_that_are_no_arrays_are_told_by_every_encoder() -> None:
    with pytest.raises(ValueError, match="^bases are one generator, allowed is uint8"):
        dnabert.load_encoder("kmer:3").encode(each for each in [np.frombuffer(SEQUENCE.encode(), np.uint8)])  # type: ignore[arg-type]


def test_text_too_long_for_a_folder() -> None:
    with pytest.raises(UserError, match="^no such embeddings folder: "):
        dnabert.load_embeddings("embeddings" * 99)
    with pytest.raises(
        UserError, match="^the input 'ACGTTGC.*' is a sequence, and is read from a path, of embeddings in"
    ):
        dnabert.load_embeddings(SEQUENCE)
