from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dnabert.corpus.annotation import Annotation
from dnabert.corpus.genes import read_genes
from dnabert.errors import UserError

# chr1: ALPHA, two transcripts of exons 10-22 and 40-50 with CDS 15-45, and 40-60 without; BETA on the other strand.
REFGENE = """585\tNM_1\tchr1\t+\t10\t50\t15\t45\t2\t10,40,\t22,50,\t0\tALPHA\tcmpl\tcmpl\t0,2,
585\tNR_2\tchr1\t+\t40\t60\t60\t60\t1\t40,\t60,\t0\tALPHA\tunk\tunk\t-1,
585\tNR_3\tchr1\t-\t44\t70\t70\t70\t1\t44,\t70,\t0\tBETA\tunk\tunk\t-1,
"""
REFFLAT = "".join(
    "\t".join([fields[12], *fields[1:11]]) + "\n" for fields in (x.split("\t") for x in REFGENE.splitlines())
)
BED12 = """chr1\t10\t50\tALPHA\t0\t+\t15\t45\t0\t2\t12,10,\t0,30,
chr1\t40\t60\tALPHA\t0\t+\t60\t60\t0\t1\t20,\t0,
chr1\t44\t70\tBETA\t0\t-\t70\t70\t0\t1\t26\t0
"""
# As genePredToBigGenePred writes refGene: geneName is the transcript, geneName2 the gene.
BIG = "".join(
    "\t".join(
        [
            *bed.split("\t")[:3],
            gp[1],
            *bed.split("\t")[4:12],
            gp[12],
            gp[13],
            gp[14],
            gp[15],
            "none",
            gp[1],
            gp[12],
            "none",
        ]
    )
    + "\n"
    for bed, gp in zip(BED12.splitlines(), (line.split("\t") for line in REFGENE.splitlines()), strict=True)
)
FORMATS = {
    "refGene": REFGENE,
    "genePredExt": "".join(line.split("\t", 1)[1] for line in REFGENE.splitlines(keepends=True)),
    "exported": "#bin\tname\tchrom\n" + REFGENE,
    "refFlat": REFFLAT,
    "BED12": BED12,
    "bigGenePred": BIG,
}


def columns_of(path: Path, text: str) -> dict[str, list]:
    path.write_text(text)
    genes = read_genes(path)
    columns = Annotation(genes=genes).columns("chr1", starts=np.arange(0, 1000, 10), length=10)
    return {name: columns[name].tolist() for name in columns if name not in ("repeat", "cpg_island")}  # those are NaN


@pytest.mark.parametrize("name", FORMATS)
def test_transcripts_worked_by_hand(tmp_path: Path, name: str) -> None:
    columns = columns_of(tmp_path / "genes", FORMATS[name])
    assert np.allclose(columns["cds"][:8], [0, 0.5, 0.2, 0, 0.5, 0, 0, 0])
    assert np.allclose(columns["utr"][:8], [0, 0.5, 0, 0, 0.5, 0, 0, 0])
    assert np.allclose(columns["exon"][:8], [0, 0, 0, 0, 0, 1, 1, 0])
    assert np.allclose(columns["intron"][:8], [0, 0, 0.8, 1, 0, 0, 0, 0])
    assert columns["gene"][:8] == ["", "ALPHA", "ALPHA", "ALPHA", "ALPHA", "BETA", "BETA", ""]
    assert columns["gene_type"][4:8] == ["protein_coding", "non_coding", "non_coding", "intergenic"]
    assert columns["gene_strand"][1] == "+" and columns["gene_strand"][6] == "-"


def test_big_gene_pred_tells_frames_genes_and_their_types(tmp_path: Path) -> None:
    told = columns_of(tmp_path / "genes", FORMATS["genePredExt"])
    assert (
        columns_of(tmp_path / "genes", BIG)["codon_frame"]
        == told["codon_frame"]
        != columns_of(tmp_path / "genes", BED12)["codon_frame"]
    )
    named = BIG.replace("none\tNR_3\tBETA\tnone", "none\tENSG9\tBETA\tlncRNA")  # of knownGene
    columns = columns_of(tmp_path / "genes", named)
    assert columns["gene"][4:7] == ["ALPHA", "ENSG9", "ENSG9"] and columns["gene_type"][4:7] == [
        "protein_coding",
        "lncRNA",
        "lncRNA",
    ]


def test_a_plain_gene_pred_names_genes_by_their_transcript(tmp_path: Path) -> None:
    plain = "".join("\t".join(line.split("\t")[1:11]) + "\n" for line in REFGENE.splitlines())
    columns = columns_of(tmp_path / "genes", plain)
    assert columns["gene"][2] == "NM_1" and columns["gene"][6] == "NR_3"


def test_transcripts_of_one_name_far_apart_are_two_genes(tmp_path: Path) -> None:
    far = REFGENE.replace("\t44\t70\t70\t70\t1\t44,\t70,\t0\tBETA", "\t144\t170\t170\t170\t1\t144,\t170,\t0\tALPHA")
    (tmp_path / "genes").write_text(far)
    genes = read_genes(tmp_path / "genes")
    assert genes.spans["chr1"].tolist() == [[10, 60], [144, 170]]
    assert genes.names["chr1"][0].tolist() == ["ALPHA", "ALPHA"]
    assert genes.names["chr1"][1].tolist() == ["protein_coding", "non_coding"]


@st.composite
def transcripts(draw: st.DrawFn) -> list[tuple[str, str, list[tuple[int, int]], tuple[int, int]]]:
    """Genes apart from each other: name, strand, exons, the coding stretch's ends (empty for RNA)."""
    found, place = [], 0
    for number in range(draw(st.integers(1, 5))):
        edges = draw(st.lists(st.integers(1, 40), min_size=2, max_size=8).filter(lambda x: len(x) % 2 == 0))
        places = place + np.cumsum(edges)
        exons = [(int(a), int(b)) for a, b in places.reshape(-1, 2)]
        inside = [x for a, b in exons for x in range(a, b)]
        first, last = sorted(draw(st.tuples(*[st.sampled_from(inside)] * 2)))
        coding = (first, last + 1) if draw(st.booleans()) else (exons[-1][1], exons[-1][1])
        found.append((f"G{number}", draw(st.sampled_from("+-")), exons, coding))
        place = exons[-1][1] + draw(st.integers(0, 30))
    return found


@pytest.mark.parametrize("with_utr", [True, False])
@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(genes=transcripts())
def test_gene_pred_gives_the_columns_of_the_equivalent_gtf_and_gff3(tmp_path: Path, genes, with_utr: bool) -> None:
    table, gtf, gff3 = "", "", ""
    for name, strand, exons, (first, last) in genes:
        starts, ends = ("".join(f"{x}," for x in column) for column in zip(*exons, strict=True))
        place = f"{exons[0][0]}\t{exons[-1][1]}\t{first}\t{last}\t{len(exons)}\t{starts}\t{ends}"
        lengths = [max(min(end, last) - max(start, first), 0) for start, end in exons]
        before = [sum(lengths[:i] if strand == "+" else lengths[i + 1 :]) for i in range(len(exons))]
        frames = "".join(f"{read % 3 if own else -1}," for read, own in zip(before, lengths, strict=True))
        table += f"12\tT{name}\tchr1\t{strand}\t{place}\t0\t{name}\tcmpl\tcmpl\t{frames}\n"
        kind = "protein_coding" if first < last else "non_coding"
        lines = [("exon", start, end, ".") for start, end in exons]
        if first < last:
            lines += [
                ("CDS", max(start, first), min(end, last), -read % 3)
                for (start, end), read in zip(exons, before, strict=True)
            ]
        if first < last and with_utr:
            lines += [("5UTR", start, min(end, first), ".") for start, end in exons]
            lines += [("3UTR", max(start, last), end, ".") for start, end in exons]
        gff3 += (
            f"chr1\tx\tgene\t{exons[0][0] + 1}\t{exons[-1][1]}\t.\t{strand}\t.\tID=gene-{name};Name={name};"
            f"gene_biotype={kind}\n"
        )
        for feature, start, end, phase in lines:
            if start < end:
                place = f"chr1\tx\t{feature}\t{start + 1}\t{end}\t.\t{strand}\t{phase}\t"
                gtf += f'{place}gene_id "{name}"; transcript_id "T{name}"; gene_type "{kind}";\n'
                gff3 += f"{place}ID={feature}-{start};Parent=T{name},also{name};transcript_id=T\n"
    expected = columns_of(tmp_path / "table", table)
    assert columns_of(tmp_path / "gtf", gtf) == columns_of(tmp_path / "gff3", gff3) == expected


def lines_of(*parts: tuple[str, int, int, str], strand: str = "+") -> str:
    return "".join(f"chr1\tx\t{kind}\t{start + 1}\t{end}\t.\t{strand}\t.\t{told}\n" for kind, start, end, told in parts)


def test_utr_that_a_file_does_not_name_is_exon_beyond_the_ends_of_the_coding_sequence(tmp_path: Path) -> None:
    # t1: UTR 0-5, an intron, CDS to 32 (its stop codon apart, as in GTF), UTR 32-40; t2 has no CDS; t3 shares its exon
    # with t4
    gff3 = lines_of(
        ("gene", 0, 100, "ID=gene-A;Name=A"),
        ("exon", 0, 10, "ID=e1;Parent=t1"),
        ("exon", 20, 40, "Parent=t1"),
        ("CDS", 5, 10, "Parent=t1"),
        ("CDS", 20, 29, "Parent=t1"),
        ("stop_codon", 29, 32, "Parent=t1"),
        ("exon", 50, 60, "Parent=t2"),
        ("exon", 70, 80, "Parent=t3,t4"),
        ("CDS", 72, 80, "Parent=t4"),
    )
    (tmp_path / "g").write_text(gff3)
    parts = read_genes(tmp_path / "g").parts["chr1"]
    assert sorted(parts["UTR"].tolist()) == [[0, 5], [32, 40], [70, 72]]
    assert parts["exon"].tolist() == [[0, 10], [20, 40], [50, 60], [70, 80]]
    columns = columns_of(tmp_path / "g", gff3)
    assert columns["region"][:9] == ["CDS", "intron", "CDS", "UTR", "intron", "exon", "intron", "CDS", "intron"]
    # the same on the other strand, before other lines of the same name there, and where the exons follow the CDS
    turned = "".join(reversed(gff3.replace("\t+\t", "\t-\t").splitlines(keepends=True)))
    (tmp_path / "g").write_text(turned + lines_of(("CDS", 0, 100, "Parent=t1")))
    assert sorted(read_genes(tmp_path / "g").parts["chr1"]["UTR"].tolist()) == [[0, 5], [32, 40], [70, 72]]


def test_a_transcript_with_utr_of_its_own_is_taken_at_its_word(tmp_path: Path) -> None:
    parts = [("exon", 0, 50), ("CDS", 20, 30), ("exon", 60, 80), ("CDS", 70, 80)]
    told = [f'gene_id "G"; transcript_id "{name}";' for name in ("a", "a", "b", "b")]
    lines = lines_of(*((*part, text) for part, text in zip(parts, told, strict=True)))
    (tmp_path / "g").write_text(lines + lines_of(("five_prime_utr", 10, 20, told[0])))
    assert read_genes(tmp_path / "g").parts["chr1"]["UTR"].tolist() == [[10, 20], [60, 70]]
    bare = lines.replace(' transcript_id "a";', "").replace(' transcript_id "b";', "")
    (tmp_path / "g").write_text(bare)  # of which transcript each part is, is not told
    assert read_genes(tmp_path / "g").parts["chr1"]["UTR"].tolist() == []


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("585\tNM_1\tchr1\t+\t10\t50\t15\t45\t2\t10,40,\t22,\t0\tA\tcmpl\tcmpl\t0,2,\n", "line 4 is no transcript"),
        ("585\tNM_1\tchr1\t+\t10\t50\t15\t45\t1\t10,40,\t22,50,\t0\tA\tcmpl\tcmpl\t0,2,\n", "line 4 is no transcript"),
        ("585\tNM_1\tchr1\t+\t10\t50\t15\t45\t2\t10,40,\t22,51,\t0\tA\tcmpl\tcmpl\t0,2,\n", "line 4 is no transcript"),
        ("585\tNM_1\tchr1\t+\t10\t50\t15\t45\t2\t10,40,\t22,50,\t0\tA\tcmpl\tcmpl\t0,\n", "line 4 is no transcript"),
        (
            "585\tNM_1\tchr1\tx\t10\t50\t15\t45\t2\t10,40,\t22,50,\t0\tA\tcmpl\tcmpl\t0,2,\n",
            "line 4 is no transcript.*give a strand",
        ),
        ("585\tNM_1\tchr1\t+\t10\t50\t15\t45\t2\t10,40,\t22,50,\t0\tA\tcmpl\tcmpl\t0,7,\n", "line 4 is no transcript"),
        ("585\tNM_1\tchr1\t+\tx\n", "exons between its start and its end"),
    ],
)
def test_a_line_that_is_no_transcript_is_named(tmp_path: Path, line: str, said: str) -> None:
    (tmp_path / "genes").write_text(REFGENE + line)
    with pytest.raises(UserError, match=said):
        read_genes(tmp_path / "genes")


def test_a_bed_of_genes_without_exons_says_what_is_needed(tmp_path: Path) -> None:
    (tmp_path / "genes").write_text("chr1\t10\t50\tALPHA\t0\t+\n")
    with pytest.raises(UserError, match="a BED file of genes 12"):
        read_genes(tmp_path / "genes")
