import json
from pathlib import Path

import numpy as np
import pandas as pd

from dnabert.corpus import GenomeConfig
from dnabert.corpus.genes import read_genes
from dnabert.explain import ClusteredWindows
from dnabert.explain.tss import transcription_starts, tss_distances, tss_rows


def gene(name: str, start: int, end: int, *, strand: str, chrom: str = "chr1") -> str:
    """A gene's line from 0-based, half-open coordinates."""
    return f'{chrom}\tx\tgene\t{start + 1}\t{end}\t.\t{strand}\t.\tgene_id "{name}"; gene_type "protein_coding";\n'


def windows_of(table: pd.DataFrame, path: Path) -> ClusteredWindows:
    genomes = (GenomeConfig("one", "one.fa", genes=str(path)), GenomeConfig("two", "two.fa"))
    return ClusteredWindows(table, sequences=lambda rows: np.zeros((len(rows), 4), np.uint8), genomes=genomes)


def test_distance_is_signed_as_the_gene_reads(tmp_path: Path) -> None:
    path = tmp_path / "g.gtf"
    # starts of transcription: 1000 (+), 4999 (-)
    path.write_text(
        gene("a", 1000, 2000, strand="+") + gene("b", 4000, 5000, strand="-") + gene("c", 2400, 2500, strand=".")
    )
    starts = [500, 991, 999, 1000, 1001, 1010, 4990, 4999, 5000, 5100, 4000]
    table = pd.DataFrame({"label": 0, "genome": "one", "chrom": "chr1", "start": starts, "end": np.array(starts) + 10})
    table = pd.concat(
        [table, table.iloc[:1].assign(chrom="chr2"), table.iloc[:1].assign(genome="two")], ignore_index=True
    )
    distance, strand = tss_distances(windows_of(table, path))
    assert distance[:11].tolist() == [-491, 0, 0, 0, 1, 10, 0, 0, -1, -101, 990]
    assert np.isnan(distance[11:]).all()
    assert "".join(strand) == "++++++-----.."


def test_pieces_of_a_projected_gene_start_once(tmp_path: Path) -> None:
    path = tmp_path / "g.gtf"
    lines = [
        gene("a", 60_000, 61_000, strand="-"),
        gene("a", 10, 20, strand="-"),
        gene("a", 400_000, 400_100, strand="-"),
    ]
    path.write_text("".join(lines) + gene("a", 500, 600, strand="+"))
    position, strand = transcription_starts(read_genes(path))["chr1"]
    assert list(zip(position.tolist(), strand, strict=True)) == [(500, "+"), (60_999, "-"), (400_099, "-")]


def test_genes_that_share_a_name_start_each_by_itself(tmp_path: Path) -> None:
    """Of three Y_RNA (or tnpA) on 60 kb of a strand two had no start."""
    path = tmp_path / "g.gff"
    lines = [
        f"chr1\tx\tgene\t{start + 1}\t{start + 100}\t.\t+\t.\tID=gene-{start};Name=Y_RNA\n"
        for start in (1_000, 30_000, 60_000)
    ]
    path.write_text("".join(lines))
    assert transcription_starts(read_genes(path))["chr1"][0].tolist() == [1_000, 30_000, 60_000]


def test_a_gene_that_crosses_the_origin_starts_once(tmp_path: Path) -> None:
    path = tmp_path / "g.gff"
    region = "c\tx\tregion\t1\t1000\t.\t+\t.\tIs_circular=true\n"
    path.write_text(region + "c\tx\tgene\t901\t1050\t.\t+\t.\tID=a\nc\tx\tgene\t801\t1020\t.\t-\t.\tID=b\n")
    position, strand = transcription_starts(read_genes(path))["c"]
    assert list(zip(position.tolist(), strand, strict=True)) == [(19, "-"), (900, "+")]


def test_distances_go_round_a_circle(tmp_path: Path) -> None:
    path = tmp_path / "g.gff"
    path.write_text("chr1\tx\tregion\t1\t1000\t.\t+\t.\tIs_circular=true\nchr1\tx\tgene\t901\t950\t.\t+\t.\tID=a\n")
    table = pd.DataFrame({"label": 0, "genome": "one", "chrom": "chr1", "start": [0, 390, 410], "end": [10, 400, 420]})
    assert tss_distances(windows_of(table, path))[0].tolist() == [100, 490, -481]


def test_lines_within_a_long_one_are_of_its_gene(tmp_path: Path) -> None:
    path = tmp_path / "g.gtf"
    path.write_text(
        "".join(
            gene(name, *span, strand="+")
            for name, *span in (("a", 1, 1_000_000), ("a", 10, 20), ("a", 150_000, 160_000), ("b", 5, 9))
        )
    )
    position, _ = transcription_starts(read_genes(path))["chr1"]
    assert position.tolist() == [1, 5]


def test_a_cluster_at_starts_is_found(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    path = tmp_path / "g.gtf"
    at = np.sort(rng.choice(np.arange(10, 990) * 1000, 60, replace=False))
    path.write_text("".join(gene(f"g{i}", x, x + 500, strand="+") for i, x in enumerate(at.tolist())))
    start = np.arange(0, 1_000_000, 500)
    near = np.abs(start[:, None] - at[None]).min(axis=1) < 1_000
    labels = np.where(near & (rng.random(len(start)) < 0.8), 0, np.where(rng.random(len(start)) < 0.1, 1, -1))
    table = pd.DataFrame({"label": labels, "genome": "one", "chrom": "chr1", "start": start, "end": start + 500})
    first, second = tss_rows(windows_of(table, path))
    assert first["median"] < 1_000 < first["median_rest"] and first["cliffs_delta"] < -0.9 and first["q"] < 0.01
    assert first["near"]["share"] > 0.9 and first["near"]["odds_ratio"] > 20 and first["near"]["q"] < 0.01
    assert second["q"] > 0.05 and second["near"]["odds_ratio"] < 1  # what cluster 0 took is missing from it
    json.dumps([first, second], allow_nan=False)


def test_without_genes_there_is_nothing_to_say() -> None:
    table = pd.DataFrame({"label": [0, -1], "genome": "two", "chrom": "chr1", "start": [0, 10], "end": [10, 20]})
    assert tss_rows(ClusteredWindows(table, sequences=lambda rows: np.zeros((len(rows), 4), np.uint8))) == []
