import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from dnabert.corpus import GenomeConfig
from dnabert.corpus.genes import read_genes
from dnabert.explain import ClusteredWindows
from dnabert.explain.tss import known_starts, transcription_starts, tss_distances, tss_rows


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


GENCODE = """\
chr1\tHAVANA\tgene\t101\t900\t.\t+\t.\tgene_id "G1"; gene_type "protein_coding";
chr1\tHAVANA\ttranscript\t101\t900\t.\t+\t.\tgene_id "G1"; transcript_id "T1";
chr1\tHAVANA\texon\t101\t900\t.\t+\t.\tgene_id "G1"; transcript_id "T1";
chr1\tHAVANA\ttranscript\t501\t900\t.\t+\t.\tgene_id "G1"; transcript_id "T2";
chr1\tHAVANA\ttranscript\t601\t900\t.\t+\t.\tgene_id "G1"; transcript_id "T3"; tag "mRNA_start_NF";
chr1\tHAVANA\tgene\t2001\t3000\t.\t-\t.\tgene_id "G2"; gene_type "lncRNA";
chr1\tHAVANA\ttranscript\t2001\t2800\t.\t-\t.\tgene_id "G2"; transcript_id "T4";
chr1\tHAVANA\ttranscript\t2001\t3000\t.\t-\t.\tgene_id "G2"; transcript_id "T5";
chr1\tHAVANA\tgene\t4001\t5000\t.\t-\t.\tgene_id "G3"; gene_type "lncRNA";
chr1\tHAVANA\ttranscript\t4001\t4500\t.\t-\t.\tgene_id "G3"; transcript_id "T6"; tag "mRNA_start_NF";
"""
EXONS_ALONE = """\
chr1\tx\texon\t101\t200\t.\t+\t.\tgene_id "G1"; transcript_id "T1";
chr1\tx\texon\t801\t900\t.\t+\t.\tgene_id "G1"; transcript_id "T1";
chr1\tx\texon\t501\t900\t.\t+\t.\tgene_id "G1"; transcript_id "T2";
chr1\tx\texon\t2001\t2800\t.\t-\t.\tgene_id "G2"; transcript_id "T4";
chr1\tx\texon\t2901\t3000\t.\t-\t.\tgene_id "G2"; transcript_id "T5";
chr1\tx\texon\t4001\t5000\t.\t-\t.\tgene_id "G3"; transcript_id "T6";
"""
REFSEQ = """\
chr1\tBestRefSeq\tgene\t101\t900\t.\t+\t.\tID=gene-G1;Name=G1;gbkey=Gene;gene=G1;gene_biotype=protein_coding
chr1\tBestRefSeq\tmRNA\t101\t900\t.\t+\t.\tID=rna-1;Parent=gene-G1;gene=G1;transcript_id=NM_1.1
chr1\tBestRefSeq\texon\t101\t900\t.\t+\t.\tID=exon-1;Parent=rna-1;gene=G1;transcript_id=NM_1.1
chr1\tGnomon\ttranscript\t501\t900\t.\t+\t.\tID=rna-2;Parent=gene-G1;gene=G1;transcript_id=XR_2.1
chr1\tBestRefSeq\tgene\t2001\t3000\t.\t-\t.\tID=gene-MIR;Name=MIR;gbkey=Gene;gene=MIR;gene_biotype=miRNA
chr1\tBestRefSeq\tprimary_transcript\t2001\t3000\t.\t-\t.\tID=rna-3;Parent=gene-MIR;gene=MIR
chr1\tBestRefSeq\tmiRNA\t2101\t2120\t.\t-\t.\tID=rna-4;Parent=rna-3;gene=MIR
chr1\tGnomon\tlnc_RNA\t2001\t2800\t.\t-\t.\tID=rna-5;Parent=gene-MIR;gene=MIR
chr1\tGnomon\tpseudogene\t4001\t5000\t.\t-\t.\tID=gene-P;Name=P;gene=P;gene_biotype=pseudogene
chr1\tGnomon\texon\t4001\t4100\t.\t-\t.\tID=id-P;Parent=gene-P;gene=P
"""
ENSEMBL = """\
chr1\thavana\tmRNA\t501\t900\t.\t+\t.\tID=transcript:T2;Parent=gene:G1;transcript_id=T2
chr1\tensembl\tgene\t101\t900\t.\t+\t.\tID=gene:G1;Name=G1;biotype=protein_coding;gene_id=G1
chr1\tensembl\tmRNA\t101\t900\t.\t+\t.\tID=transcript:T1;Parent=gene:G1;transcript_id=T1
chr1\tensembl\tncRNA_gene\t2001\t3000\t.\t-\t.\tID=gene:G2;biotype=lncRNA;gene_id=G2
chr1\tensembl\tlnc_RNA\t2001\t2800\t.\t-\t.\tID=transcript:T4;Parent=gene:G2;transcript_id=T4
chr1\tensembl\tlnc_RNA\t2001\t3000\t.\t-\t.\tID=transcript:T5;Parent=gene:G2;transcript_id=T5
chr1\tensembl\tgene\t4001\t5000\t.\t-\t.\tID=gene:G3;biotype=protein_coding;gene_id=G3
"""
GENE_PRED = """\
T1\tchr1\t+\t100\t900\t900\t900\t1\t100,\t900,\t0\tG1\tnone\tnone\t-1,
T2\tchr1\t+\t500\t900\t900\t900\t1\t500,\t900,\t0\tG1\tnone\tnone\t-1,
T4\tchr1\t-\t2000\t2800\t2800\t2800\t1\t2000,\t2800,\t0\tG2\tnone\tnone\t-1,
T5\tchr1\t-\t2000\t3000\t3000\t3000\t1\t2000,\t3000,\t0\tG2\tnone\tnone\t-1,
T6\tchr1\t-\t4000\t5000\t5000\t5000\t1\t4000,\t5000,\t0\tG3\tnone\tnone\t-1,
"""
BED = """\
chr1\t100\t900\tG1\t0\t+\t100\t100\t0\t1\t800,\t0,
chr1\t500\t900\tG1\t0\t+\t500\t500\t0\t1\t400,\t0,
chr1\t2000\t2800\tG2\t0\t-\t2000\t2000\t0\t1\t800,\t0,
chr1\t2000\t3000\tG2\t0\t-\t2000\t2000\t0\t1\t1000,\t0,
chr1\t4000\t5000\tG3\t0\t-\t4000\t4000\t0\t1\t1000,\t0,
"""


@pytest.mark.parametrize("text", [GENCODE, EXONS_ALONE, REFSEQ, ENSEMBL, GENE_PRED, BED])
def test_every_transcript_has_a_start(text: str, tmp_path: Path) -> None:
    """Only the first base of a gene was one: most promoters of chr22 that are not it were called none."""
    path = tmp_path / "genes"
    path.write_text(text)
    position, strand = transcription_starts(read_genes(path))["chr1"]
    assert list(zip(position.tolist(), strand, strict=True)) == [
        *((100, "+"), (500, "+")),
        *((2_799, "-"), (2_999, "-"), (4_999, "-")),  # the last one's gene has no transcript whose start is known
    ]


def test_genes_without_transcripts_keep_their_own_start(tmp_path: Path) -> None:
    path = tmp_path / "g.gff"
    tagged = "c\tx\tgene\t101\t400\t.\t-\t.\tID=gene-b1;locus_tag=b1\nc\tx\tCDS\t101\t400\t.\t-\t0\tParent=gene-b1\n"
    path.write_text(tagged + "c\tx\tgene\t501\t800\t.\t+\t.\tID=gene-b2;locus_tag=b2\n")
    position, strand = transcription_starts(read_genes(path))["c"]
    assert list(zip(position.tolist(), strand, strict=True)) == [(399, "-"), (500, "+")]


def test_a_place_of_a_gene_without_transcripts_keeps_its_start(tmp_path: Path) -> None:
    path = tmp_path / "g.gtf"
    lines = [gene("a", 10, 500, strand="+"), gene("a", 400_000, 400_100, strand="+")]
    path.write_text("".join([*lines, lines[0].replace("gene\t11", "transcript\t201", 1)]))
    assert transcription_starts(read_genes(path))["chr1"][0].tolist() == [200, 400_000]


def test_where_a_projected_transcript_is_broken_it_does_not_start(tmp_path: Path) -> None:
    """A third of the transcripts' lines of chimp's chr22 begin at a gap of the alignment."""
    path = tmp_path / "g.gtf"
    pieces = [gene("a", *span, strand="-") for span in ((100, 600), (700, 900), (950, 2_000))]
    transcripts = [
        gene("a", *span, strand="-").replace("\tgene\t", "\ttranscript\t")
        for span in ((100, 600), (700, 900), (950, 2_000), (300, 600), (700, 850), (950, 1_500))
    ]
    path.write_text("".join(pieces + transcripts))
    assert transcription_starts(read_genes(path))["chr1"][0].tolist() == [849, 1_499, 1_999]


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


def test_a_start_behind_the_origin_is_known_as_any_other(tmp_path: Path) -> None:
    """It was held against the file's count, which goes on beyond the end."""
    path = tmp_path / "g.gff"
    lines = ["region\t1\t1000\t.\t+\t.\tIs_circular=true", "gene\t801\t1020\t.\t-\t.\tID=b"]
    lines.append("tRNA\t801\t1020\t.\t-\t.\tID=t;Parent=b")
    path.write_text("".join(f"c\tx\t{line}\n" for line in lines))
    genes = read_genes(path)
    assert known_starts(genes, transcription_starts(genes)) == (1, 1)


#: Two genes as NCBI annotates bacteria, with a tRNA, whose transcript is told.
BACTERIUM = """\
chr1\tP\tgene\t101\t400\t.\t+\t.\tID=g1;gene_biotype=protein_coding
chr1\tP\tCDS\t101\t400\t.\t+\t0\tID=c1;Parent=g1
chr1\tP\tgene\t411\t710\t.\t-\t.\tID=g2;gene_biotype=protein_coding
chr1\tP\tCDS\t411\t710\t.\t-\t0\tID=c2;Parent=g2
chr1\tP\tgene\t801\t870\t.\t+\t.\tID=g3;gene_biotype=tRNA
chr1\tP\ttRNA\t801\t870\t.\t+\t.\tID=t3;Parent=g3
chr1\tP\texon\t801\t870\t.\t+\t.\tID=e3;Parent=t3
"""
#: The same with transcripts that reach no further than coding sequence does, as Ensembl annotates yeast.
YEAST = "".join(
    line.replace("Parent=g", "Parent=m") if "\tCDS\t" in line else line for line in BACTERIUM.splitlines(keepends=True)
) + "".join(
    f"chr1\tP\tmRNA\t{start}\t{end}\t.\t{strand}\t.\tID=m{n};Parent=g{n}\n"
    for n, start, end, strand in ((1, 101, 400, "+"), (2, 411, 710, "-"))
)
#: The same with ten untranslated bases before both.
UNTRANSLATED = "".join(
    line if "\tCDS\t" in line else line.replace("\t101\t", "\t91\t").replace("\t710\t", "\t720\t")
    for line in YEAST.splitlines(keepends=True)
)


@pytest.mark.parametrize(
    ("lines", "known", "told"),
    [
        (BACTERIUM, 1, "a gene"),
        (YEAST, 1, "a gene"),
        (UNTRANSLATED, 3, "transcription"),
    ],
)
def test_a_start_is_of_transcription_where_it_is_told_to_be(tmp_path: Path, lines: str, known: int, told: str) -> None:
    path = tmp_path / "g.gff3"
    path.write_text(lines)
    genes = read_genes(path)
    assert known_starts(genes, transcription_starts(genes)) == (known, 3)
    start = np.arange(0, 1_000, 50)
    table = pd.DataFrame(
        {"label": np.arange(20) % 2, "genome": "one", "chrom": "chr1", "start": start, "end": start + 50}
    )
    assert {row["start_of"] for row in tss_rows(windows_of(table, path))} == {told}


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
