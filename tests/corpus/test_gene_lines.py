from pathlib import Path

import numpy as np
import pytest

from dnabert.corpus.annotation import Annotation
from dnabert.corpus.genes import read_genes

GFF3 = "##gff-version 3\n"


def line(feature: str, start: int, end: int, attributes: str, *, strand: str = "+", phase: str = ".") -> str:
    """Of GTF or GFF3; 0-based, half open."""
    return f"c1\tx\t{feature}\t{start + 1}\t{end}\t.\t{strand}\t{phase}\t{attributes}\n"


def genes_of(path: Path, text: str) -> list[tuple[int, int, str, str, str]]:
    """Start, end, name, type and strand of each, in order of place."""
    path.write_text(text)
    genes = read_genes(path)
    return sorted((*span, *told) for span, *told in zip(genes.spans["c1"].tolist(), *genes.names["c1"], strict=True))


VEUPATHDB = (  # ToxoDB's and TriTrypDB's GFF3; the exons of VectorBase have Gene_ID_id instead
    line("protein_coding_gene", 0, 50, "ID=PF3D7_1;Name=VAR;description=x;ebi_biotype=protein_coding")
    + line("mRNA", 0, 50, "ID=PF3D7_1.1;Parent=PF3D7_1;gene_ebi_biotype=protein_coding")
    + line("exon", 0, 20, "ID=e1;Parent=PF3D7_1.1;gene_id=PF3D7_1")
    + line("exon", 40, 50, "ID=e2;Parent=PF3D7_1.1;Gene_ID_id=PF3D7_1")
    + line("CDS", 0, 20, "ID=c;Parent=PF3D7_1.1;gene_id=PF3D7_1", phase="0")
    + line("ncRNA_gene", 60, 70, "ID=R1;ebi_biotype=rRNA")
    + line("exon", 60, 70, "ID=e3;Parent=R1.1;gene_id=R1")
)
SGD = (
    line("tRNA_gene", 0, 50, "ID=tP(UGG)A;Name=tP(UGG)A")
    + line("noncoding_exon", 0, 20, "Parent=tP(UGG)A_tRNA;Name=tP(UGG)A_noncoding_exon")
    + line("noncoding_exon", 40, 50, "Parent=tP(UGG)A_tRNA;Name=tP(UGG)A_noncoding_exon")
    + line("gene", 60, 70, "ID=YAL1;Name=YAL1")
    + line("CDS", 60, 70, "Parent=YAL1_mRNA;Name=YAL1_CDS", phase="0")
)


@pytest.mark.parametrize(
    ("text", "expected", "regions"),
    [
        (
            VEUPATHDB,
            [(0, 50, "VAR", "protein_coding", "+"), (60, 70, "R1", "rRNA", "+")],
            ["CDS", "CDS", "intron", "intron", "UTR", "intergenic", "exon"],
        ),
        (
            SGD,
            [(0, 50, "tP(UGG)A", "tRNA", "+"), (60, 70, "YAL1", "protein_coding", "+")],
            ["exon", "exon", "intron", "intron", "exon", "intergenic", "CDS"],
        ),
    ],
    ids=["VEuPathDB", "SGD"],
)
def test_features_that_end_in_gene_are_genes(tmp_path: Path, text: str, expected: list, regions: list[str]) -> None:
    assert genes_of(tmp_path / "g.gff", GFF3 + text) == expected
    columns = Annotation(genes=read_genes(tmp_path / "g.gff")).columns("c1", starts=np.arange(0, 70, 10), length=10)
    assert columns["region"].tolist() == regions


def test_lines_of_genes_without_an_id_are_genes(tmp_path: Path) -> None:
    named = [  # as GFF3 has them that was exported from a GenBank record; a CDS of its locus_tag is no gene of its own
        line("gene", 0, 50, "Name=thrA;locus_tag=b0002") + line("CDS", 0, 50, "locus_tag=b0002;product=x", phase="0"),
        line("gene", 60, 70, "locus_tag=b0003"),
        line("gene", 80, 90, "Name=thrA", strand="-") + line("gene", 95, 99, "Note=of no name"),
    ]
    found = genes_of(tmp_path / "g.gff", GFF3 + "".join(named))
    assert found == [
        (0, 50, "thrA", "protein_coding", "+"),
        (60, 70, "b0003", "unknown", "+"),
        (80, 90, "thrA", "unknown", "-"),
    ]


AUGUSTUS = (
    line("gene", 0, 50, "ID=g1")
    + line("CDS", 10, 20, "ID=g1.t1.cds;Parent=g1.t1", phase="0")
    + line("gene", 5, 45, "ID=g2", strand="-")  # nothing of its own strand codes in it
    + line("exon", 5, 45, "ID=g2.t1.exon;Parent=g2.t1", strand="-")
    + line("gene", 60, 90, "ID=g3", strand="-")
    + line("CDS", 60, 90, "ID=g3.t1.cds;Parent=g3.t1", strand="-", phase="0")
    + line("gene", 100, 120, "ID=g4;gene_biotype=lncRNA")  # is told
    + line("CDS", 100, 120, "ID=g4.t1.cds;Parent=g4.t1", phase="0")
)


def test_genes_without_a_type_that_hold_coding_sequence_code_for_proteins(tmp_path: Path) -> None:
    kinds = {name: kind for _, _, name, kind, _ in genes_of(tmp_path / "g.gff", GFF3 + AUGUSTUS)}
    assert kinds == {"g1": "protein_coding", "g2": "unknown", "g3": "protein_coding", "g4": "lncRNA"}


PROKKA = line("CDS", 0, 20, "ID=AB_00001;Name=dnaA;gene=dnaA;locus_tag=AB_00001;product=x", phase="0")
PROKKA += line("tRNA", 30, 40, "ID=AB_00002;locus_tag=AB_00002;product=tRNA-Ala", strand="-")
BAKTA = line("CDS", 0, 20, "ID=AB_00001;Name=initiator protein DnaA;locus_tag=AB_00001;gene=dnaA", phase="0")
BAKTA += line("tRNA", 30, 40, "ID=AB_00002;Name=tRNA-Ala;locus_tag=AB_00002", strand="-")


@pytest.mark.parametrize("text", [PROKKA, BAKTA], ids=["Prokka", "Bakta"])
def test_parts_that_stand_alone_are_genes(tmp_path: Path, text: str) -> None:
    expected = [(0, 20, "dnaA", "protein_coding", "+"), (30, 40, "AB_00002", "tRNA", "-")]
    repeat = line("repeat_region", 50, 60, "ID=r;rpt_family=CRISPR")
    assert genes_of(tmp_path / "g.gff", GFF3 + text + repeat) == expected
    genes = read_genes(tmp_path / "g.gff")
    assert ("dnaA", "locus_tag", "AB_00001") in genes.other_names
    columns = Annotation(genes=genes).columns("c1", starts=np.arange(0, 60, 10), length=10)
    assert columns["region"].tolist() == ["CDS", "CDS", "intergenic", "exon", "intergenic", "intergenic"]


def test_any_rna_that_stands_alone_is_a_gene(tmp_path: Path) -> None:
    sgd = line("snoRNA", 0, 20, "ID=snR18;Name=snR18;gene=SNR18") + line("noncoding_exon", 0, 20, "Parent=snR18")
    others = line("lnc_RNA", 30, 40, "ID=l1") + line("SRP_RNA", 50, 60, "ID=s1", strand="-")
    assert genes_of(tmp_path / "g.gff", GFF3 + sgd + others) == [
        (0, 20, "SNR18", "snoRNA", "+"),
        (30, 40, "l1", "lncRNA", "+"),
        (50, 60, "s1", "SRP_RNA", "-"),
    ]


MINIPROT = (
    line("mRNA", 0, 50, "ID=MP1;Rank=1;Target=P1 1 10")
    + line("CDS", 0, 20, "Parent=MP1;Rank=1;Target=P1 1 7", phase="0")
    + line("CDS", 40, 50, "Parent=MP1;Rank=1;Target=P1 7 10", phase="1")
    + line("transcript", 60, 70, "ID=R1", strand="-")
    + line("exon", 60, 70, "Parent=R1", strand="-")
)
WITHOUT_GENE_ID = (
    line("exon", 0, 20, 'transcript_id "MP1"; ')
    + line("CDS", 0, 20, 'transcript_id "MP1"; ', phase="0")
    + line("CDS", 40, 50, 'gene_id ""; transcript_id "MP1"; ', phase="1")
    + line("exon", 60, 70, 'transcript_id "R1"; ', strand="-")
)


@pytest.mark.parametrize("text", [MINIPROT, WITHOUT_GENE_ID], ids=["GFF3", "GTF"])
def test_transcripts_of_no_gene_are_genes(tmp_path: Path, text: str) -> None:
    """Else what lies between their exons were intergenic."""
    assert genes_of(tmp_path / "g.gff", text) == [(0, 50, "MP1", "protein_coding", "+"), (60, 70, "R1", "unknown", "-")]
    columns = Annotation(genes=read_genes(tmp_path / "g.gff")).columns("c1", starts=np.arange(0, 70, 10), length=10)
    assert columns["region"].tolist() == ["CDS", "CDS", "intron", "intron", "CDS", "intergenic", "exon"]


def test_a_part_of_a_gene_does_not_stand_alone(tmp_path: Path) -> None:
    declared = line("gene", 0, 30, "ID=gene-b0001;Name=thrL;locus_tag=b0001;gene_biotype=protein_coding")
    told = [(0, 30, "thrL", "protein_coding", "+")]
    by_tag, by_parent = (
        line("CDS", 0, 20, "ID=cds-1;locus_tag=b0001"),
        line("CDS", 0, 20, "ID=cds-1;Parent=gene-b0001;locus_tag=b0009"),
    )
    for text in (declared + by_tag, by_tag + declared, declared + by_parent, by_parent + declared):
        assert genes_of(tmp_path / "g.gff", GFF3 + text) == told
    # one protein, read through a slip
    virus = line("CDS", 40, 50, "ID=cds-YP_1;Name=YP_1") + line("CDS", 49, 60, "ID=cds-YP_1;Name=YP_1")
    assert genes_of(tmp_path / "g.gff", GFF3 + declared + virus) == [*told, (40, 60, "YP_1", "protein_coding", "+")]
    no_name = line("CDS", 40, 50, "product=x") + line("exon", 40, 50, "ID=e;ref_gene_id=x")
    assert genes_of(tmp_path / "g.gff", GFF3 + declared + no_name) == told


def test_transcripts_of_a_gene_without_a_line_are_joined_where_they_overlap(tmp_path: Path) -> None:
    """The table of the same transcripts gives the same genes; `test_transcripts.py` has its words."""
    places = [
        ("NM_1", "+", [(0, 10), (30, 40)]),
        ("NM_2", "+", [(35, 50)]),
        ("NM_1_dup1", "-", [(45, 60)]),
        ("NM_1_dup2", "+", [(500, 520)]),
    ]
    gtf = table = ""
    for name, strand, exons in places:
        starts, ends = ("".join(f"{x}," for x in column) for column in zip(*exons, strict=True))
        reach = exons[-1][1]
        table += f"1\t{name}\tc1\t{strand}\t{exons[0][0]}\t{reach}\t{reach}\t{reach}\t{len(exons)}\t"
        table += f"{starts}\t{ends}\t0\tA\tunk\tunk\t{'-1,' * len(exons)}\n"
        gtf += "".join(
            line("exon", start, end, f'gene_id "A"; transcript_id "{name}"; gene_type "non_coding";', strand=strand)
            for start, end in exons
        )
    expected = [(0, 50, "A", "non_coding", "+"), (45, 60, "A", "non_coding", "-"), (500, 520, "A", "non_coding", "+")]
    assert genes_of(tmp_path / "g", gtf) == genes_of(tmp_path / "g", table) == expected
    columns = Annotation(genes=read_genes(tmp_path / "g")).columns("c1", starts=np.array([100]), length=100)
    assert columns["region"].tolist() == ["intergenic"]
    whole = line("gene", 0, 600, 'gene_id "A"; gene_type "non_coding";')  # a line of its own is taken at its word
    assert (
        genes_of(tmp_path / "g", gtf + whole)
        == genes_of(tmp_path / "g", whole + gtf)
        == [(0, 600, "A", "non_coding", "+")]
    )
    assert genes_of(tmp_path / "g", line("exon", 0, 9, 'gene_id "A";') + line("exon", 90, 99, 'gene_id "A";')) == [
        (0, 99, "A", "unknown", "+")
    ]


FLYBASE = (  # release 5.49 and 6.50, cut short
    line("gene", 0, 90, "ID=FBgn1;Name=CR43609")
    + line("ncRNA", 0, 90, "ID=FBtr1;Name=CR43609-RA;Parent=FBgn1")
    + line("exon", 0, 90, "Parent=FBtr1")
    + line("gene", 100, 200, "ID=FBgn2;Name=mir-965", strand="-")
    + line("pre_miRNA", 110, 200, "ID=FBtr2;Parent=FBgn2", strand="-")
    + line("miRNA", 120, 140, "ID=FBtr3;Derives_from=FBtr2", strand="-")
    + line("pseudogene", 300, 350, "ID=FBtr4;Name=CR1-RA;Parent=FBgn4")  # a transcript, before its gene
    + line("gene", 300, 350, "ID=FBgn4;Name=CR1")
    + line("gene", 400, 600, "ID=FBgn5;Name=l(2)gl")
    + line("ncRNA", 400, 600, "ID=FBtr5;Parent=FBgn5")
    + line("mRNA", 400, 600, "ID=FBtr6;Parent=FBgn5")
    + line("CDS", 410, 500, "Parent=FBtr6", phase="0")
    + line("pseudogene", 700, 750, "ID=gene-7;Name=seven")  # NCBI: a gene
)
FLYBASE_GTF = "".join(
    line(
        feature,
        start,
        end,
        f'gene_id "FBgn{gene}"; gene_symbol "x"; transcript_id "FBtr{gene}"; transcript_symbol "x-RA";',
        strand=strand,
    )
    for gene, feature, start, end, strand in (
        (1, "ncRNA", 0, 90, "+"),
        (1, "exon", 0, 90, "+"),
        (2, "pre_miRNA", 110, 200, "-"),
        (4, "pseudogene", 300, 350, "+"),
    )
)


def test_transcripts_tell_the_type_of_their_gene_where_no_attribute_does(tmp_path: Path) -> None:
    """As the whole of FlyBase's chromosomes has it: genes of RNA were *unknown*, and a transcript that is a pseudogene
    a second gene."""
    found = [
        ("CR43609", "ncRNA"),
        ("mir-965", "miRNA"),
        ("CR1", "pseudogene"),
        ("l(2)gl", "protein_coding"),
        ("seven", "pseudogene"),
    ]
    assert [(name, kind) for _, _, name, kind, _ in genes_of(tmp_path / "g.gff", GFF3 + FLYBASE)] == found
    lines = "".join(
        line("gene", start, end, f'gene_id "FBgn{n}"; gene_symbol "x";')
        for n, start, end in ((1, 0, 90), (2, 100, 200), (4, 300, 350))
    )
    kinds = ["ncRNA", "miRNA", "pseudogene"]
    assert [gene[3] for gene in genes_of(tmp_path / "g.gtf", lines + FLYBASE_GTF)] == kinds
    assert [gene[3] for gene in genes_of(tmp_path / "g.gtf", FLYBASE_GTF)] == kinds
