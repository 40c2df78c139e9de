import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from dnabert.corpus import Corpus, SplitConfig, WindowConfig, config_from_fasta, prepare
from dnabert.corpus.annotated_sequences import open_annotation, sequences_within
from dnabert.corpus.genes import read_genes
from dnabert.corpus.reading import Genome
from dnabert.corpus.tracks import read_track
from dnabert.errors import UserError


def record(
    features: str, *, name: str = "pX1", length: int = 120, topology: str = "circular", origin: bool = True
) -> str:
    """A GenBank record of random bases; features from their keys on, qualifiers behind a slash, a line each."""
    bases = "".join(np.random.default_rng(len(name)).choice(list("acgt"), length))
    lines = [f"LOCUS       {name:<16} {length:>11} bp    DNA     {topology:<8} BCT 01-JAN-2020"]
    lines += [
        "DEFINITION  A plasmid.",
        f"ACCESSION   {name}",
        f"VERSION     {name}.1",
        "FEATURES             Location/Qualifiers",
    ]
    for line in features.splitlines():
        key, _, rest = line.partition(" ")
        lines.append(f"{'':21}{line}" if line.startswith("/") or not rest else f"     {key:<16}{rest}")
    if origin:
        lines.append("ORIGIN")
        for start in range(0, length, 60):
            row = bases[start : start + 60]
            lines.append(f"{start + 1:>9} " + " ".join(row[i : i + 10] for i in range(0, len(row), 10)))
    return "\n".join([*lines, "//", ""])


def genes_of(path: Path, text: str) -> list[tuple[int, int, str, str, str]]:
    """Start, end, name, type and strand of each, in order of place."""
    path.write_text(text)
    genes = read_genes(path)
    spans, names = genes.spans.get("pX1.1", np.empty((0, 2))).tolist(), genes.names.get("pX1.1", ((), (), ()))
    return sorted((*span, *told) for span, *told in zip(spans, *names, strict=True))


def test_the_sequence_is_named_with_its_version_and_in_capitals(tmp_path: Path) -> None:
    text = record("source 1..120") + record("source 1..70", name="pY", length=70, topology="linear")
    (tmp_path / "x.gbk").write_text(text)
    with Genome(tmp_path / "x.gbk", scratch=tmp_path) as genome:
        assert genome.lengths == {"pX1.1": 120, "pY.1": 70}
        bases = "".join(np.random.default_rng(2).choice(list("acgt"), 70))
        assert genome.fetch("pY.1", 0, 70).tobytes().decode() == bases.upper()  # its small letters mask nothing


BACTERIUM = '''source 1..120
gene complement(10..39)
/gene="thrL"
/locus_tag="b0001"
/gene_synonym="ECK0001; JW4367"
/db_xref="GeneID:944742"
CDS complement(10..39)
/gene="thrL"
/locus_tag="b0001"
/codon_start=1
/note="of the ""leader"" kind,
/no qualifier"
/product="thr operon leader
peptide"
gene 41..50
/locus_tag="b0002"
/pseudo
gene 52..60
/locus_tag="b0003"
tRNA 52..60
/locus_tag="b0003"
/product="tRNA-Ala"
gene join(100..120,1..8)
/locus_tag="b0004"
CDS join(100..120,1..8)
/locus_tag="b0004"
/codon_start=3
repeat_region 70..80
/rpt_family="REP"
mobile_element complement(82..90)
/mobile_element_type="insertion sequence:IS1A"'''


def test_genes_of_a_bacterium(tmp_path: Path) -> None:
    found = genes_of(tmp_path / "x.gbk", record(BACTERIUM))
    assert found == [
        (9, 39, "thrL", "protein_coding", "-"),
        (40, 50, "b0002", "pseudogene", "+"),
        (51, 60, "b0003", "tRNA", "+"),
        (99, 128, "b0004", "protein_coding", "+"),  # over the origin
    ]
    genes = read_genes(tmp_path / "x.gbk")
    assert genes.circular == {"pX1.1": 120}
    assert sorted(genes.parts["pX1.1"]["CDS"].tolist()) == [[0, 8], [9, 39], [99, 120]]
    assert genes.parts["pX1.1"]["exon"].tolist() == [[51, 60], [40, 50]]
    names = {(kind, name) for gene, kind, name in genes.other_names if gene == "thrL"}
    assert {("GeneID", "944742"), ("locus_tag", "b0001"), ("synonym", "ECK0001"), ("synonym", "JW4367")} <= names


def test_phases_go_on_through_the_pieces_of_a_coding_sequence(tmp_path: Path) -> None:
    (tmp_path / "x.gbk").write_text(record("CDS complement(join(5..9,20..31))\n/codon_start=2\nCDS 50..60"))
    with open_annotation(tmp_path / "x.gbk") as lines:
        fields = [line.split("\t") for line in lines]
    # read from base 31 on, one base before the first codon: 11 bases are three codons and two bases, so one is left
    assert [(*line[3:5], *line[6:8]) for line in fields if line[2] == "CDS"] == [
        ("20", "31", "-", "1"),
        ("5", "9", "-", "1"),
        ("50", "60", "+", "0"),
    ]


def test_repeats_and_elements_are_a_track(tmp_path: Path) -> None:
    (tmp_path / "x.gbk").write_text(record(BACTERIUM))
    track = read_track(tmp_path / "x.gbk")
    assert track.classes == ["IS1A", "REP"]
    assert track.intervals["pX1.1"].tolist() == [[69, 80], [81, 90]]


TRANS_SPLICED = 'gene {0}\n/gene="rps12"\nCDS {0}\n/gene="rps12"'  # of chloroplasts
EUKARYOTE = """gene 11..60
/gene="KIN2"
mRNA join(11..20,41..60)
/gene="KIN2"
CDS join(14..20,41..50)
/gene="KIN2\""""
PHAGE = """mRNA 1..90
CDS <5..>40
/protein_id="NP_1.1"
CDS 41..60
/label=AmpR
/gene="bla"
CDS 61..70
/label="a, b"
tRNA join(71..75,81..85)"""
CODING = "protein_coding"


@pytest.mark.parametrize(
    ("features", "expected"),
    [
        (
            TRANS_SPLICED.format("join(complement(11..20),51..60)"),
            [(10, 20, "rps12", CODING, "-"), (50, 60, "rps12", CODING, "+")],
        ),
        (
            TRANS_SPLICED.format("complement(join(51..60,11..20))"),
            [(10, 20, "rps12", CODING, "-"), (50, 60, "rps12", CODING, "-")],
        ),
        (EUKARYOTE, [(10, 60, "KIN2", CODING, "+")]),
        (  # without genes of their own; transcripts are none beside a CDS
            PHAGE,
            [
                (4, 40, "NP_1.1", CODING, "+"),
                (40, 60, "bla", CODING, "+"),
                (60, 70, "a, b", CODING, "+"),
                (70, 85, "gene-tRNA-5", "tRNA", "+"),
            ],
        ),
        ("CDS join(111..120,1..9)\n/label=A", [(110, 129, "A", CODING, "+")]),
        ("CDS complement(join(111..120,1..9,20..29))\n/label=A*", [(110, 149, "A*", CODING, "-")]),
        ("CDS 111..9\n/label=ori", [(110, 129, "ori", CODING, "+")]),  # as SnapGene crosses the origin
        ('gene J00194.1:100..202\n/gene="elsewhere"\nvariation 12^13', []),
    ],
    ids=["two strands", "one strand", "eukaryote", "phage", "origin", "origin, reverse", "SnapGene", "elsewhere"],
)
def test_genes_of_other_records(tmp_path: Path, features: str, expected: list) -> None:
    assert genes_of(tmp_path / "x.gbk", record(features)) == expected


def test_what_is_transcribed_beside_the_coding_sequence_is_untranslated(tmp_path: Path) -> None:
    (tmp_path / "x.gbk").write_text(record(EUKARYOTE))
    parts = read_genes(tmp_path / "x.gbk").parts["pX1.1"]
    assert sorted(parts["UTR"].tolist()) == [[10, 13], [50, 60]]
    assert parts["CDS"].tolist() == [[13, 20], [40, 50]]


def prepared(path: Path, genes: Path | None = None) -> Corpus:
    config = config_from_fasta(path)
    config.genomes[0].genes = None if genes is None else str(genes)
    config.window, config.split = WindowConfig(length=12), SplitConfig(validation_fraction=0, test_fraction=0)
    return prepare(config, out=path.parent / f"{path.name}.corpus")


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_a_corpus_of_a_file_that_brings_its_genes(tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    text = record(BACTERIUM)
    (tmp_path / "plain.gbk").write_text(text)
    fasta = b"".join(sequences_within(tmp_path / "plain.gbk"))
    with open_annotation(tmp_path / "plain.gbk") as lines:
        gff = "##gff-version 3\n" + "".join(lines)
    (tmp_path / "one.fa").write_bytes(fasta)
    (tmp_path / "one.gff").write_text(gff)
    (tmp_path / "p.gbk").write_bytes(pack(text.encode()))
    (tmp_path / "q.gff3").write_bytes(pack(f"{gff}##FASTA\n{fasta.decode()}".encode()))  # as Prokka writes it
    apart = prepared(tmp_path / "one.fa", tmp_path / "one.gff").view(None)
    assert {"thrL", "b0004"} <= set(apart.column("gene"))
    for name in ("p.gbk", "q.gff3"):
        corpus = prepared(tmp_path / name)
        assert corpus.summary[0].genome == name[0]
        assert corpus.summary[0].genes == 4
        together = corpus.view(None)
        assert (together.bases(np.arange(10)) == apart.bases(np.arange(10))).all()
        for column in ("gene", "gene_type", "gene_strand", "codon_frame", "region"):
            assert together.column(column).tolist() == apart.column(column).tolist()


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("x.gb", record("gene 5..9", origin=False), r"x\.gb: record pX1\.1 holds no sequence: fetch it in full"),
        ("x.gb", record("gene five"), r"x\.gb, record pX1\.1: 'five' is no location of a gene: mend it"),
        ("x.gff", "##gff-version 3\nc1\tx\tgene\t1\t9\t.\t+\t.\tID=a\n", r"x\.gff is GFF3 without sequences: give"),
        ("x.gb", record("gene 5..9").replace("120 bp", "120 aa"), r"x\.gb: record pX1\.1 is of a protein: give one"),
        ("x.dat", "ID   P1_HUMAN  Reviewed;  26 AA.\nSQ   SEQUENCE\n     MRNS\n//\n", "P1_HUMAN is of a protein"),
        ("x.embl", "ID   X5; SV 1; linear; DNA; STD; PLN; 9 BP.\nFT   gene   1..9\n", "ends before its first sequence"),
        ("x.embl", "ID   X5; SV 1; linear; DNA; CON; PLN; 9 BP.\nCO   join(X1:1..9)\n//\n", "X5.1 holds no sequence"),
    ],
    ids=["no sequence", "no location", "GFF3 alone", "GenPept", "UniProt", "cut off", "EMBL"],
)  # fmt: skip
def test_what_cannot_be_read_is_told(tmp_path: Path, name: str, text: str, told: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(UserError, match=told):
        prepared(tmp_path / name)
