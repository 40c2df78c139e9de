import gzip
import warnings
from pathlib import Path

import numpy as np
import pytest

from dnabert.corpus.annotation import Annotation, read_annotation
from dnabert.corpus.config import GenomeConfig
from dnabert.corpus.genes import read_genes
from dnabert.corpus.tracks import read_track
from dnabert.errors import Caution, UserError

ID = 'gene_id "G1"; gene_name "ALPHA"; gene_type "protein_coding";'
# In 0-based coordinates: gene 10-50, exons 10-22 and 40-50, CDS 15-20, UTR 10-15; gene BETA (RNA) 44-60 on the other
# strand.
GTF = f"""# comment
chr1\tx\tgene\t11\t50\t.\t+\t.\t{ID}
chr1\tx\texon\t11\t22\t.\t+\t.\t{ID}
chr1\tx\tUTR\t11\t15\t.\t+\t.\t{ID}
chr1\tx\tCDS\t16\t20\t.\t+\t.\t{ID}
chr1\tx\texon\t41\t50\t.\t+\t.\t{ID}
chr1\tx\texon\t45\t60\t.\t-\t.\tgene_id "G2"; gene_name "BETA"; gene_type "lincRNA";
"""
GFF = """##gff-version 3
chr1\tx\tgene\t11\t50\t.\t+\t.\tID=gene:G1;Name=ALPHA;biotype=protein_coding
chr1\tx\tmRNA\t11\t50\t.\t+\t.\tID=t1;Parent=gene:G1
chr1\tx\texon\t11\t22\t.\t+\t.\tParent=t1
chr1\tx\tfive_prime_UTR\t11\t15\t.\t+\t.\tParent=t1
chr1\tx\tCDS\t16\t20\t.\t+\t.\tParent=t1
chr1\tx\texon\t41\t50\t.\t+\t.\tParent=t1
chr1\tx\tncRNA_gene\t45\t60\t.\t-\t.\tID=gene:G2;Name=BETA;biotype=lincRNA
chr1\tx\texon\t45\t60\t.\t-\t.\tParent=t2
"""
BED = "track name=x\nchr1\t0\t4\tAlu\nchr1\t2\t6\tL1\nchr1\t5\t9\tL1\nchr1\t30\t31\tAlu\n"


@pytest.mark.parametrize("text", [GTF, GFF], ids=["GTF", "GFF3"])
@pytest.mark.parametrize("packed", [False, True])
def test_genes_of_windows_worked_by_hand(tmp_path: Path, text: str, packed: bool) -> None:
    path = tmp_path / "genes"
    path.write_bytes(gzip.compress(text.encode()) if packed else text.encode())
    columns = Annotation(genes=read_genes(path)).columns(
        "chr1", starts=np.array([0, 10, 20, 30, 40, 50, 60]), length=10
    )
    shares = [columns[name].tolist() for name in ("cds", "utr", "exon", "intron", "intergenic")]
    expected = [
        [0, 0.5, 0, 0, 0, 0, 0],
        [0, 0.5, 0, 0, 0, 0, 0],
        [0, 0, 0.2, 0, 1, 1, 0],
        [0, 0, 0.8, 1, 0, 0, 0],
        [1, 0, 0, 0, 0, 0, 1],
    ]
    assert np.allclose(shares, expected)
    assert columns["region"].tolist() == ["intergenic", "CDS", "intron", "intron", "exon", "exon", "intergenic"]
    assert columns["gene"].tolist() == ["", "ALPHA", "ALPHA", "ALPHA", "ALPHA", "BETA", ""]
    assert columns["gene_type"].tolist()[-2:] == ["lincRNA", "intergenic"]
    assert columns["gene_strand"].tolist() == [".", "+", "+", "+", "+", "-", "."]


def test_a_stop_codon_is_coding_and_transcripts_of_one_name_on_two_strands_are_two(tmp_path: Path) -> None:
    """GTF leaves the stop codon out of the CDS; trans-spliced and duplicated genes have parts of one transcript's name
    on both strands."""
    line = 'chr1\tx\t{}\t{}\t{}\t.\t{}\t0\tgene_id "g"; transcript_id "t";\n'
    parts = [
        ("exon", 1, 60, "+"),
        ("CDS", 11, 40, "+"),
        ("stop_codon", 41, 43, "+"),
        ("exon", 101, 160, "-"),
        ("CDS", 121, 140, "-"),
    ]
    (tmp_path / "g.gtf").write_text("".join(line.format(*part) for part in parts))
    columns = Annotation(genes=read_genes(tmp_path / "g.gtf")).columns("chr1", starts=np.arange(0, 160, 10), length=10)
    assert np.allclose(columns["cds"], [0, 1, 1, 1, 0.3, 0, 0, 0, 0, 0, 0, 0, 1, 1, 0, 0])
    assert np.allclose(columns["utr"], [1, 0, 0, 0, 0.7, 1, 0, 0, 0, 0, 1, 1, 0, 0, 1, 1])
    assert np.allclose(columns["exon"], 0)


def test_a_class_of_repeat_from_a_tenth_on(tmp_path: Path) -> None:
    (tmp_path / "r.bed").write_text("chr1\t95\t100\tL1\nchr1\t100\t105\tAlu\nchr1\t200\t209\tAlu\n")
    columns = Annotation(repeats=read_track(tmp_path / "r.bed")).columns(
        "chr1", starts=np.array([0, 95, 200]), length=100
    )
    assert columns["repeat_class"].tolist() == ["none", "Alu", "none"]  # 5, 10 and 9 %; of equals the first by name


def test_a_gene_without_parts_is_exon_a_piece_of_one_with_parts_intron(tmp_path: Path) -> None:
    # bacteria: a gene with its CDS, a pseudogene that overlaps it, one that stands alone; TAIR: a pseudogene with an
    # intron
    lines = [
        ("gene", 1, 20, "ID=a"),
        ("CDS", 1, 20, "Parent=a"),
        ("pseudogene", 16, 40, "ID=b;pseudo=true"),
        ("gene", 61, 70, "ID=c;pseudo=true"),
        ("pseudogene", 81, 100, "ID=d"),
        ("pseudogenic_exon", 81, 90, "Parent=d.1"),
    ]
    path = tmp_path / "g"
    path.write_text("".join(f"chr1\tx\t{kind}\t{start}\t{end}\t.\t+\t.\t{told}\n" for kind, start, end, told in lines))
    columns = Annotation(genes=read_genes(path)).columns("chr1", starts=np.arange(0, 120, 10), length=10)
    assert columns["region"].tolist()[:6] == ["CDS", "CDS", "exon", "exon", "intergenic", "intergenic"]
    assert columns["region"].tolist()[6:] == ["exon", "intergenic", "exon", "intron", "intergenic", "intergenic"]
    pieces = [("gene", 1, 30, "a"), ("exon", 1, 10, "a"), ("gene", 41, 50, "a"), ("gene", 61, 70, "b")]
    text = "".join(
        f'chr1\tx\t{kind}\t{start}\t{end}\t.\t+\t.\tgene_id "{gene}";\n' for kind, start, end, gene in pieces
    )
    path.write_text(text + 'chr2\tx\tgene\t1\t10\t.\t+\t.\tgene_id "a";\n')
    annotation = Annotation(genes=read_genes(path))
    columns = annotation.columns("chr1", starts=np.arange(0, 70, 10), length=10)
    assert columns["region"].tolist() == ["exon", "intron", "intron", "intergenic", "intron", "intergenic", "exon"]
    assert annotation.columns("chr2", starts=np.array([0]), length=10)["region"].tolist() == ["intron"]
    path.write_text('chr1\tx\tgene\t1\t10\t.\t+\t.\tgene_id "a";\n')  # genes alone: nothing is known of their inside
    assert Annotation(genes=read_genes(path)).columns("chr1", starts=np.array([0]), length=10)["region"].tolist() == [
        "intron"
    ]


def test_of_equal_overlaps_the_shorter_gene_counts(tmp_path: Path) -> None:
    line = 'chr1\tx\tgene\t{}\t{}\t.\t+\t.\tgene_id "{}";\n'
    (tmp_path / "g.gtf").write_text(
        line.format(1, 100, "host") + line.format(31, 60, "nested") + line.format(71, 75, "nested")
    )
    columns = Annotation(genes=read_genes(tmp_path / "g.gtf")).columns("chr1", starts=np.array([0, 40, 80]), length=20)
    assert columns["gene"].tolist() == ["host", "nested", "host"]
    assert columns["gene_type"].tolist() == ["unknown"] * 3


def test_repeats_of_windows_worked_by_hand(tmp_path: Path) -> None:
    (tmp_path / "r.bed").write_text(BED)
    annotation = Annotation(repeats=read_track(tmp_path / "r.bed"), cpg_islands=read_track(tmp_path / "r.bed"))
    columns = annotation.columns("chr1", starts=np.array([0, 20, 25]), length=15)
    assert np.allclose(columns["repeat"], [9 / 15, 1 / 15, 1 / 15]) and columns["repeat"].dtype == np.float32
    assert columns["repeat_class"].tolist() == ["L1", "none", "none"]
    assert np.array_equal(columns["cpg_island"], columns["repeat"])
    assert annotation.columns("chr2", starts=np.array([0]), length=15)["repeat_class"].tolist() == ["none"]


def test_names_of_repeats_worked_by_hand(tmp_path: Path) -> None:
    # by window of 20: L1 of 3 names over AluY; a tie goes by name; below a tenth; two stretches of one name; none
    places = [
        (0, 4, "L1PA2", "LINE/L1"), (4, 9, "L1PA3", "LINE/L1"), (9, 12, "L1M", "LINE/L1"), (12, 20, "AluY", "SINE/Alu"),
        (20, 30, "AluY", "SINE/Alu"), (30, 40, "AluSx", "SINE/Alu"),
        (40, 41, "AluY", "SINE/Alu"),
        (60, 64, "AluY", "SINE/Alu"), (65, 71, "AluSx", "SINE/Alu"), (72, 76, "AluY", "SINE/Alu"),
    ]  # fmt: skip
    text = "".join(
        f"9 1.0 0.2 0.3 chr1 {start + 1} {end} (7) + {name} {kind} 1 2 (0) 1\n" for start, end, name, kind in places
    )
    (tmp_path / "r.out").write_text(text)
    columns = Annotation(repeats=read_track(tmp_path / "r.out")).columns(
        "chr1", starts=np.arange(0, 100, 20), length=20
    )
    assert columns["repeat_class"].tolist() == ["LINE/L1", "SINE/Alu", "none", "SINE/Alu", "none"]
    assert columns["repeat_name"].tolist() == ["L1PA3", "AluSx", "", "AluY", ""]
    other = Annotation(repeats=read_track(tmp_path / "r.out")).columns("chr2", starts=np.array([0]), length=20)
    assert other["repeat_name"].tolist() == [""]
    (tmp_path / "r.bed").write_text(BED)
    columns = Annotation(repeats=read_track(tmp_path / "r.bed")).columns("chr1", starts=np.array([0]), length=15)
    assert columns["repeat_class"].tolist() == ["L1"] and columns["repeat_name"].tolist() == ["unknown"]


def test_counts_are_of_the_sequences_that_are_cut(tmp_path: Path) -> None:
    (tmp_path / "g.gtf").write_text(GTF + f"chr1\tx\tCDS\t18\t30\t.\t+\t.\t{ID}\nchr2\tx\tCDS\t1\t9\t.\t+\t.\t{ID}\n")
    (tmp_path / "r.bed").write_text(BED)
    both = Annotation(genes=read_genes(tmp_path / "g.gtf"), repeats=read_track(tmp_path / "r.bed"))
    assert both.counts({"chr1": 100, "chr3": 50}) == {"genes": 2, "bases_in_cds": 15, "repeats": 4}
    assert both.counts({"chr1": 25})["bases_in_cds"] == 10  # what goes round a circle is not counted again
    assert both.counts({"chr3": 50}) == {"genes": 0, "bases_in_cds": 0, "repeats": 0}
    assert Annotation(genes=both.genes).counts({"chr1": 100}) == {"genes": 2, "bases_in_cds": 15}
    assert Annotation().counts({"chr1": 100}) == {}


def test_what_is_unknown_says_so() -> None:
    columns = Annotation().columns("chr1", starts=np.array([0, 5]), length=5)
    for name in ("region", "gene_type", "repeat_class", "repeat_name"):
        assert columns[name].tolist() == ["unknown", "unknown"]
    for name in ("cds", "utr", "exon", "intron", "intergenic", "repeat", "cpg_island"):
        assert np.isnan(columns[name]).all()


def test_a_file_that_names_no_gene_is_told(tmp_path: Path) -> None:
    path = tmp_path / "orphans.gff3"
    path.write_text("c1\tx\texon\t1\t40\t.\t+\t.\tParent=t1\nc1\tx\tCDS\t1\t40\t.\t+\t0\tParent=t1\n")
    genome = GenomeConfig("bact", "bact.fna", genes=str(path))
    with pytest.warns(
        UserWarning,
        match=r"orphans\.gff3 names no gene: windows are in none, and introns are intergenic; give a file with",
    ):
        read_annotation(genome, chroms=["c1"], lengths={"c1": 90})


@pytest.mark.parametrize("key", ["genes", "repeats", "cpg_islands"])
def test_annotation_of_another_assembly_is_refused_one_that_ends_beyond_is_cut_and_told(
    tmp_path: Path, key: str
) -> None:
    path = tmp_path / ("g.gtf" if key == "genes" else "r.bed")

    def read(start: int, end: int) -> None:
        gtf = f'chr1\tx\texon\t{start + 1}\t{end}\t.\t+\t.\tgene_id "a"; transcript_id "t"; gene_type "lincRNA";\n'
        path.write_text(gtf if key == "genes" else f"chr1\t{start}\t{end}\tAlu\nchrUn\t5000\t6000\tAlu\n")
        genome = GenomeConfig("human", "human.fa", **{key: str(path)})
        read_annotation(genome, chroms=["chr1", "chrUn"], lengths={"chr1": 1000})  # chrUn is not cut

    with pytest.warns(
        UserWarning,
        match=(
            r"has 1 interval that ends beyond its sequence \(human\.fa ends chr1 at 1,000\): what lies beyond is left "
            r"out; where chr1"
        ),
    ):
        read(900, 1100)
    read(999, 1000)
    with pytest.raises(
        UserError, match=r"has an interval at chr1:1,001, but human\.fa ends chr1 at 1,000: is it of another assembly"
    ):
        read(1000, 1100)


def _on_a_circle(path: Path, *, turn: int, told: bool) -> None:
    """Two genes of a circle of 100 bases, one coding on each strand, every place moved on by `turn`, as GFF3 has those
    that cross the origin."""
    lines = []
    for name, strand, start, end, coding in (
        ("a", "+", 10, 52, ((15, 21, 0), (31, 42, 0))),
        ("b", "-", 60, 95, ((63, 73, 1), (80, 91, 0))),
    ):
        rows = [
            ("gene", start, end, ".", f"ID=g{name};Name={name}"),
            ("mRNA", start, end, ".", f"ID=t{name};Parent=g{name}"),
        ]
        rows += [("exon", start, end, ".", f"Parent=t{name}")]
        rows += [("CDS", *piece, f"ID=c{name};Parent=t{name}") for piece in coding]
        for kind, first, last, phase, attributes in rows:
            at = first + turn - 100 * (start + turn >= 100)
            lines.append(f"c\tx\t{kind}\t{at + 1}\t{at + last - first}\t.\t{strand}\t{phase}\t{attributes}\n")
    lines.append(
        f"c\tx\tmobile_genetic_element\t{(40 + turn) % 100 + 1}\t{(40 + turn) % 100 + 25}\t.\t+\t.\tID=r;Name=IS1\n"
    )
    region = "c\tx\tregion\t1\t100\t.\t+\t.\tID=c:1..100;Is_circular=true;genome=plasmid\n"
    path.write_text("##gff-version 3\n" + (region if told else "") + "".join(lines))


@pytest.mark.parametrize("turn", range(0, 100, 10))
def test_what_crosses_the_origin_of_a_circle_lands_on_both_sides(tmp_path: Path, turn: int) -> None:
    path = tmp_path / "g.gff"
    starts = np.arange(0, 100, 10)
    columns = []
    for turned in (0, turn):
        _on_a_circle(path, turn=turned, told=True)
        genome = GenomeConfig("plasmid", "p.fa", genes=str(path), repeats=str(path))
        annotation = read_annotation(genome, chroms=["c"], lengths={"c": 100})
        assert annotation.counts({"c": 100}) | {"repeats": 1} == {"genes": 2, "bases_in_cds": 38, "repeats": 1}
        columns.append(annotation.columns("c", starts=starts, length=10))
    there = (starts + turn) % 100 // 10
    assert (
        "a" in columns[0]["gene"]
        and "IS1" in columns[0]["repeat_class"]
        and {"+0", "-2"} & set(columns[0]["codon_frame"])
    )
    for name, values in columns[0].items():
        assert columns[1][name][there].tolist() == values.tolist() or np.isnan(values.astype(float)).all(), name


def test_what_ends_beyond_a_sequence_that_is_not_told_to_be_a_circle_is_cut(tmp_path: Path) -> None:
    _on_a_circle(tmp_path / "g.gff", turn=70, told=False)
    genome = GenomeConfig("plasmid", "p.fa", genes=str(tmp_path / "g.gff"))
    with pytest.warns(
        UserWarning, match=r"has 1 interval that ends beyond its sequence .*GFF3 with Is_circular=true in its line"
    ):
        annotation = read_annotation(genome, chroms=["c"], lengths={"c": 100})
    assert annotation.columns("c", starts=np.array([0]), length=10)["gene"].tolist() == [""]


def test_other_names_of_sequences_are_refused_with_both_examples(tmp_path: Path) -> None:
    (tmp_path / "r.bed").write_text("22\t0\t4\tAlu\n")
    genome = GenomeConfig("human", "human.fa", repeats=str(tmp_path / "r.bed"))
    with pytest.raises(UserError, match=r"r\.bed names its sequences '22', human\.fa names them 'chr22'"):
        read_annotation(genome, chroms=["chr22"], lengths={"chr22": 9})


@pytest.mark.parametrize("key", ["genes", "repeats", "cpg_islands"])
def test_a_sequence_that_the_annotation_spells_otherwise_is_told(tmp_path: Path, key: str) -> None:
    path = tmp_path / "annotation"

    def read(*chroms: str, lengths: dict[str, int]) -> None:
        gtf = "{}\tx\texon\t1\t4\t.\t+\t.\tgene_id 'a';\n"
        path.write_text("".join((gtf if key == "genes" else "{}\t0\t4\tAlu\n").format(chrom) for chrom in chroms))
        genome = GenomeConfig("bact", "bact.fna", **{key: str(path)})
        read_annotation(genome, chroms=["NC_1", "NC_2", "NC_3", "NC_4"], lengths=lengths)

    lengths = {"NC_1": 9500, "NC_2": 300, "NC_3": 200}
    told = (
        r"annotation has no line for NC_1 \(95 % of the bases\), but has chr1, which bact\.fna lacks: are names spelt "
        r"in two ways\?"
    )
    with pytest.warns(UserWarning, match=told):
        read("chr1", "NC_2", "NC_3", lengths=lengths)
    told = "no line for NC_1 and 1 more .97 % of.*has chr1 and 1 more,"
    with pytest.warns(UserWarning, match=told):
        read("chr1", "NC_3", "chr2", lengths={"NC_2": 200, "NC_1": 9500, "NC_3": 300})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        read("NC_2", lengths=lengths)  # a chromosome without annotation, and no name that could be its own
        read("NC_1", "NC_2", "chr2", lengths=lengths)  # few bases are on sequences without a line
        read("NC_4", "NC_1", lengths=lengths)  # a sequence that is not cut is none that the FASTA lacks


def test_lengths_that_gff3_tells_are_held_against_the_sequences(tmp_path: Path) -> None:
    (tmp_path / "g.gff3").write_text(
        "##gff-version 3\n##sequence-region I 1 90\nI\tx\tgene\t1\t9\t.\t+\t.\tID=a\n"
        "##sequence-region II 1 80\n##sequence-region III 11 70\nII\tx\tgene\t1\t9\t.\t+\t.\tID=b\n"
    )
    genome = GenomeConfig("x", "x.fa", genes=str(tmp_path / "g.gff3"))
    lengths = {"I": 90, "II": 80, "III": 99}  # of III a part is described
    read_annotation(genome, chroms=list(lengths), lengths=lengths)
    with pytest.warns(Caution, match=r"g.gff3 says that II has 80 bases, in x.fa it has 82: genes of another assembly"):
        read_annotation(genome, chroms=list(lengths), lengths=lengths | {"II": 82})
    with pytest.warns(Caution, match=r"says that I has 90 bases, in x.fa it has 1,000, and 1 more differ: "):
        read_annotation(genome, chroms=list(lengths), lengths=lengths | {"I": 1000, "II": 82})
    assert read_genes(tmp_path / "g.gff3").told_lengths == {"I": 90, "II": 80}


@pytest.mark.parametrize("text", ["chr1\tx\n", "chr1\t9\t4\n", "chr1 0 4\n"])
def test_a_line_that_is_no_bed_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "r.bed").write_text("chr1\t0\t4\n" + text)
    with pytest.raises(UserError, match=r"r\.bed, line 2 is no BED"):
        read_track(tmp_path / "r.bed")


def test_a_line_that_is_no_gtf_is_named_and_an_empty_file_too(tmp_path: Path) -> None:
    (tmp_path / "g.gtf").write_text("chr1\tx\tgene\t0\t4\t.\t+\t.\tID=x\n")
    with pytest.raises(UserError, match=r"g\.gtf, line 1 is neither GTF nor GFF3"):
        read_genes(tmp_path / "g.gtf")
    (tmp_path / "g.gtf").write_text("# nothing\n")
    with pytest.raises(UserError, match="holds no intervals"):
        read_annotation(GenomeConfig("x", "x.fa", genes=str(tmp_path / "g.gtf")), chroms=["chr1"], lengths={"chr1": 9})


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ("CDS\t16\t20\t.\tx\t0", r"'x' for a strand \(\+, -, \. or \?\)"),
        ("exon\t16\t20\t+\t.\t", r"'\+' for a score \(a number or \.\)"),
        ("CDS\t16\t20\t.\t+\t3", r"'3' for a phase \(0, 1, 2 or \.\)"),
    ],
)
def test_a_damaged_column_is_named_with_its_line(tmp_path: Path, columns: str, said: str) -> None:
    (tmp_path / "g.gtf").write_text(GTF + f"chr1\tx\t{columns}\t{ID}\n")
    with pytest.raises(UserError, match=rf"g\.gtf, line 8 \('chr1.*has ({said}): mend it, or write \."):
        read_genes(tmp_path / "g.gtf")


def test_columns_that_are_in_order_are_none_that_are_damaged(tmp_path: Path) -> None:
    # a phase is a CDS's
    good = ["exon\t1\t20\t1e-50\t?\t.", "exon\t1\t20\t-3.5\t.\t.", "CDS\t1\t20\t1000\t-\t.", "exon\t1\t20\tNA\t+\t-1"]
    (tmp_path / "g.gtf").write_text(GTF + "".join(f"chr1\tx\t{columns}\t{ID}\n" for columns in good))
    assert len(read_genes(tmp_path / "g.gtf").parts["chr1"]["exon"]) == 6
