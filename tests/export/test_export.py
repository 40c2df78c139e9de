"""Each format is read back by somebody else's reader: anndata, pandas, a plain split of lines."""

from __future__ import annotations

import importlib.util
import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from dnabert.clusters import ClusterConfig, Clusters, cluster, load_clusters
from dnabert.corpus import Corpus
from dnabert.encoders import EmbedConfig, embed, load_embeddings
from dnabert.errors import UserError
from dnabert.export import ExportConfig, Windows, export
from dnabert.export.bed import bed_table, write_bed


@pytest.fixture(scope="module")
def folder(tiny_corpus: Corpus, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Embeddings and clusters of the tiny corpus's windows."""
    folder = tmp_path_factory.mktemp("export")
    embed("kmer:3", tiny_corpus.folder, out=folder / "embeddings", config=EmbedConfig(sample=400))
    config = ClusterConfig(components=5, min_cluster_size=15, neighbors=15, kmeans=3)
    made = cluster(folder / "embeddings", out=folder / "clusters", config=config)
    assert made.table["label"].max() >= 0 and (made.table["label"] < 0).any()
    return folder


@pytest.fixture(scope="module")
def clusters(folder: Path) -> Clusters:
    return load_clusters(folder / "clusters")


@pytest.mark.parametrize("name", ["embeddings", "clusters"])
def test_a_stage_s_own_table_is_not_replaced(folder: Path, name: str) -> None:
    table = folder / name / f"{name}.parquet"
    before = table.read_bytes()
    with pytest.raises(UserError, match=f"is a part of the {name} at"):
        export(folder / name, out=table, overwrite=True)
    assert table.read_bytes() == before


def windows(**columns: object) -> Windows:
    table = pd.DataFrame({"genome": "ape", "chrom": "chr1", **columns})
    return Windows(table, np.zeros((len(table), 2), np.float32), None, {})


def test_bed_by_hand():
    made = bed_table(
        windows(
            chrom=["chr2", "chr10", "chr10", "chr1"],
            start=[0, 448, 0, 7],
            end=[448, 896, 448, 455],
            label=[1, 0, 0, -1],
            probability=[0.5, 1.0, 0.1239, 0.0],
        )
    )
    assert made.to_csv(sep="\t", header=False, index=False).splitlines() == [
        "chr10\t0\t448\tcluster_0\t124\t.\t0\t448\t0,114,178",
        "chr10\t448\t896\tcluster_0\t1000\t.\t448\t896\t0,114,178",
        "chr2\t0\t448\tcluster_1\t500\t.\t0\t448\t213,94,0",
    ]


def test_a_bed_has_names_as_the_fasta_has_them(tmp_path: Path) -> None:
    names = ['5"utr', '"chr1"', "HLA-A*01:01"]
    write_bed(
        windows(chrom=names, start=[0] * 3, end=[4] * 3, label=[0] * 3, probability=[1.0] * 3), tmp_path / "a.bed"
    )
    assert sorted(line.split("\t")[0] for line in (tmp_path / "a.bed").read_text().splitlines()) == sorted(names)


def test_bed_holds_every_clustered_window_in_order(folder: Path, clusters: Clusters, tmp_path: Path) -> None:
    out = export(folder / "clusters", out=tmp_path / "deep" / "all.bed", config=ExportConfig(track="my clusters"))
    first, *lines = out.read_text().splitlines()
    assert first == 'track name="my clusters" itemRgb="On"'
    rows = [(chrom, int(start), int(end), name) for chrom, start, end, name, *_ in (line.split("\t") for line in lines)]
    assert rows == sorted(rows)
    expected = clusters.table[clusters.table["label"] >= 0]
    places = zip(expected["chrom"], expected["start"], expected["end"], expected["label"], strict=True)
    assert set(rows) == {(chrom, start, end, f"cluster_{label}") for chrom, start, end, label in places}
    export(folder / "clusters", out=out, overwrite=True)
    assert out.read_text().splitlines() == lines
    assert [path.name for path in out.parent.iterdir()] == ["all.bed"]


def test_parquet_holds_table_and_vectors(folder: Path, clusters: Clusters, tmp_path: Path) -> None:
    out = export(folder / "clusters", out=tmp_path / "all.parquet")
    read = pd.read_parquet(out)
    pd.testing.assert_frame_equal(read.drop(columns="vector"), clusters.table)
    assert np.array_equal(np.stack(read["vector"]), load_embeddings(folder / "embeddings").vectors)


def test_h5ad_is_read_by_anndata(folder: Path, clusters: Clusters, tmp_path: Path) -> None:
    anndata = pytest.importorskip("anndata")
    read = anndata.read_h5ad(export(folder / "clusters", out=tmp_path / "all.h5ad"))
    vectors, table = load_embeddings(folder / "embeddings").vectors, clusters.table
    assert read.X.dtype == np.float32 and np.array_equal(read.X, vectors)
    assert np.array_equal(read.obsm["X_pca"], clusters.basis.transform(vectors))
    assert np.array_equal(read.obsm["X_umap"], table[["x", "y"]])
    assert np.array_equal(read.varm["PCs"].T, clusters.basis.components)
    place = table.iloc[3]
    assert read.obs_names[3] == f"{place['genome']}:{place['chrom']}:{place['start']}-{place['end']}"
    assert read.obs["label"].astype(str).replace("none", "-1").astype(int).tolist() == table["label"].tolist()
    assert read.obs["label"].dtype == "category" and read.obs["label"].cat.categories[:2].tolist() == ["none", "0"]
    assert read.obs["probability"].tolist() == table["probability"].tolist()
    assert read.obs["repeat_class"].astype(str).tolist() == table["repeat_class"].tolist()
    assert set(read.obs.columns) == set(table.columns) - {"x", "y"}
    assert read.uns["label_colors"][:2].tolist() == ["#D8D8D8", "#0072B2"]
    assert len(read.uns["label_colors"]) == len(read.obs["label"].cat.categories)
    assert json.loads(read.uns["dnabert"]["clusters"]) == clusters.manifest
    assert json.loads(read.uns["dnabert"]["embeddings"])["config"]["encoder"] == "kmer:3"


def test_embeddings_of_a_fasta_alone(tmp_path: Path) -> None:
    anndata = pytest.importorskip("anndata")
    (tmp_path / "a.fa").write_text(">x\nACGT\n>y\nGGGG\n>z\nTTAC\n")
    embed("kmer:1", tmp_path / "a.fa", out=tmp_path / "embeddings")
    read = anndata.read_h5ad(export(tmp_path / "embeddings", out=tmp_path / "a.h5ad"))
    assert read.obs_names.tolist() == ["x", "y", "z"] and not read.obsm and list(read.uns) == ["dnabert"]
    assert read.X.tolist() == load_embeddings(tmp_path / "embeddings").vectors.tolist()
    read_back = pd.read_parquet(export(tmp_path / "embeddings", out=tmp_path / "a.parquet"))
    assert read_back["name"].tolist() == ["x", "y", "z"]
    with pytest.raises(UserError, match=r"are embeddings: run dnabert cluster first"):
        export(tmp_path / "embeddings", out=tmp_path / "a.bed")
    with pytest.raises(UserError, match=r"--genome is x, but .* is of a FASTA's records"):
        export(tmp_path / "embeddings", out=tmp_path / "b.parquet", config=ExportConfig(genome="x"))


def test_one_genome_of_several(folder: Path, tmp_path: Path) -> None:
    assert (
        len(
            pd.read_parquet(export(folder / "clusters", out=tmp_path / "a.parquet", config=ExportConfig(genome="tiny")))
        )
        == 400
    )
    with pytest.raises(UserError, match=r"--genome is tyni, .* has tiny: choose"):
        export(folder / "clusters", out=tmp_path / "b.parquet", config=ExportConfig(genome="tyni"))
    two = windows(genome=["a", "b"], start=[0, 0], end=[4, 4], label=[0, 0], probability=[1.0, 1.0])
    with pytest.raises(UserError, match=r"windows of a, b: pass --genome a"):
        bed_table(two)
    with pytest.raises(UserError, match=r"no window of ape is in a cluster"):
        bed_table(windows(start=[0], end=[4], label=[-1], probability=[0.0]))
    with pytest.raises(UserError, match=r"a FASTA's records"):
        bed_table(windows(label=[0, 0]))


@pytest.mark.parametrize(
    ("out", "config", "said"),
    [
        (
            "x.h5da",
            ExportConfig(),
            r"--out is .*x.h5da, allowed endings are .h5ad, .bed, .parquet \(did you mean .h5ad\?\)",
        ),
        ("x", ExportConfig(), r"allowed endings"),
        ("x.parquet", ExportConfig(track="t"), r"--track is t, which only a BED has"),
        ("x.bed", ExportConfig(track='a"b'), r"allowed is a name on one line"),
        ("file/x.bed", ExportConfig(), r"cannot write"),
    ],
)
def test_what_cannot_be_written_leaves_nothing(folder, tmp_path, out, config, said):
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match=said):
        export(folder / "clusters", out=tmp_path / out, config=config)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("ending", [".bed", ".parquet", ".h5ad"])
def test_only_a_file_of_the_format_is_replaced(folder, tmp_path, ending):
    out = tmp_path / f"mine{ending}"
    out.write_text("chr1\t0\t5\tmine\n")
    with pytest.raises(UserError, match="exists already"):
        export(folder / "clusters", out=out)
    with pytest.raises(UserError, match="so --overwrite leaves it alone"):
        export(folder / "clusters", out=out, overwrite=True)
    assert out.read_text() == "chr1\t0\t5\tmine\n"


def test_sources_that_do_not_do(folder, tmp_path, tiny_corpus):
    for source, said in [
        (tmp_path / "none", "no such clusters folder"),
        (tiny_corpus.folder, "holds corpus: give a folder of clusters or of embeddings"),
        (tmp_path, "holds no stage of dnabert"),
    ]:
        with pytest.raises(UserError, match=said):
            export(source, out=tmp_path / "x.parquet")
    shutil.copytree(folder / "clusters", tmp_path / "clusters")
    manifest = tmp_path / "clusters" / "manifest.json"
    original = json.loads(manifest.read_text())
    for change, said in [({"sha256": "0"}, "has changed since"), ({"path": str(tmp_path / "gone")}, "which is gone")]:
        original["inputs"]["embeddings"] |= change
        manifest.write_text(json.dumps(original))
        with pytest.raises(UserError, match=said):
            export(tmp_path / "clusters", out=tmp_path / "x.parquet")


def test_without_anndata_one_line(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"pip install 'dnabert\[export\]'"):
        export(folder / "clusters", out=tmp_path / "x.h5ad")
