import gzip
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dnabert.corpus.annotation import Annotation
from dnabert.corpus.feature_lines import read_features
from dnabert.corpus.tracks import read_track
from dnabert.errors import UserError

#: UCSC's rmsk of hg38, its first rows; and the same places as RepeatMasker writes them.
RMSK = """585\t463\t13\t6\t17\tchr1\t10000\t10468\t-248945954\t+\t(TAACCC)n\tSimple_repeat\tSimple_repeat\t1\t471\t0\t1
585\t3612\t114\t215\t13\tchr1\t10468\t11447\t-248944975\t-\tTAR1\tSatellite\ttelo\t-399\t1712\t483\t2
585\t484\t251\t132\t0\tchr1\t11504\t11675\t-248944747\t-\tL1MC5a\tLINE\tL1\t-2382\t395\t199\t3
"""
OUT = """   SW   perc perc perc  query      position in query           matching       repeat              position in  repeat
score   div. del. ins.  sequence    begin     end    (left)    repeat         class/family         begin  end (left)   ID

  463   1.3  0.6  1.7  chr1        10001   10468 (248945954) +  (TAACCC)n      Simple_repeat            1  471    (0)    1
 3612  11.4 21.5  1.3  chr1        10469   11447 (248944975) C  TAR1           Satellite/telo       (399) 1712    483    2
  484  25.1 13.2  0.0  chr1        11505   11675 (248944747) C  L1MC5a         LINE/L1             (2382)  395    199    3 *
"""
BED = """chr1\t10000\t10468\tSimple_repeat
chr1\t10468\t11447\tSatellite/telo
chr1\t11504\t11675\tLINE/L1
"""
NO_BIN = "".join(line.split("\t", 1)[1] for line in RMSK.splitlines(keepends=True))
EXPORTED = "#bin\tswScore\tmilliDiv\n" + RMSK
ISLANDS = "585\tchr1\t28735\t29737\tCpG: 111\t1002\t111\t731\t22.2\t73\t0.85\n"


@pytest.mark.parametrize("text", [RMSK, NO_BIN, EXPORTED, OUT], ids=["rmsk", "without bin", "exported", "out"])
@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_the_same_repeats_in_every_format(tmp_path: Path, text: str, pack) -> None:
    (tmp_path / "repeats").write_bytes(pack(text.encode()))
    (tmp_path / "repeats.bed").write_text(BED)
    one, other = read_track(tmp_path / "repeats"), read_track(tmp_path / "repeats.bed")
    assert one.classes == other.classes == ["LINE/L1", "Satellite/telo", "Simple_repeat"]
    assert np.array_equal(one.intervals["chr1"], other.intervals["chr1"])
    assert np.array_equal(one.labels["chr1"], other.labels["chr1"])
    assert one.intervals["chr1"].dtype == one.labels["chr1"].dtype == np.int64
    assert [one.names[each] for each in one.named["chr1"]] == ["(TAACCC)n", "TAR1", "L1MC5a"] and one.named[
        "chr1"
    ].dtype == np.int32
    assert other.names == [] and other.named == {}  # there the name is the class


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(st.integers(0, 900), st.integers(1, 99), st.sampled_from(["SINE/Alu", "LINE/L1", "DNA"])),
        min_size=1,
        max_size=30,
    )
)
def test_corpus_columns_are_those_of_the_same_bed(tmp_path: Path, repeats) -> None:
    bed, rmsk, out = [], [], []
    for start, size, name in repeats:
        first, family = (name.split("/") * 2)[:2]
        bed.append(f"chr1\t{start}\t{start + size}\t{name}\n")
        rmsk.append(f"585\t9\t1\t2\t3\tchr1\t{start}\t{start + size}\t-7\t+\tx\t{first}\t{family}\t1\t2\t0\t1\n")
        out.append(f"9 1.0 0.2 0.3 chr1 {start + 1} {start + size} (7) + x {name} 1 2 (0) 1\n")
    columns = []
    for text in (bed, rmsk, out):
        (tmp_path / "repeats").write_text("".join(text))
        annotation = Annotation(repeats=read_track(tmp_path / "repeats"))
        columns.append(annotation.columns("chr1", starts=np.arange(0, 1000, 50), length=50))
    for name in ("repeat", "repeat_class"):
        assert columns[0][name].tolist() == columns[1][name].tolist() == columns[2][name].tolist()


def test_ucsc_tables_with_a_bin_column_are_read_as_bed_behind_it(tmp_path: Path) -> None:
    (tmp_path / "cpgIslandExt.txt").write_text(ISLANDS)
    track = read_track(tmp_path / "cpgIslandExt.txt")
    assert track.intervals["chr1"].tolist() == [[28735, 29737]] and track.classes == ["CpG: 111"]


def test_sequences_named_by_numbers_are_bed(tmp_path: Path) -> None:
    (tmp_path / "x.bed").write_text("22\t5\t9\n7\t1\t2\tAlu\n")
    track = read_track(tmp_path / "x.bed")
    assert track.chroms == ["22", "7"] and track.classes == ["Alu", "repeat"]


def test_a_track_line_is_no_data_and_a_sequence_of_such_a_name_is(tmp_path: Path) -> None:
    (tmp_path / "x.bed").write_text(
        "browser position chr1:1-9\ntrack name=a\ntrack\nbrowser\r\ntrack_1\t5\t9\ntrack\t1\t2\n"
    )
    assert read_track(tmp_path / "x.bed").chroms == ["track_1", "track"]


def test_a_genome_without_repeats_is_empty(tmp_path: Path) -> None:
    (tmp_path / "x.out").write_text("There were no repetitive sequences detected in x.fa\n")
    assert read_track(tmp_path / "x.out").chroms == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (RMSK + "585\t463\tx\n", r"line 4 is no line of UCSC's rmsk table \('585\\t463\\tx'\): 17 columns"),
        (OUT + "  484  25.1\n", r"line 7 is no line of RepeatMasker's \.out"),
        (ISLANDS + "585\tchr1\t9\t4\n", "line 2 is no interval of a UCSC table"),
        ("chr1\t9\n", "line 1 is no BED interval"),
    ],
)
def test_a_line_of_another_kind_is_named(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "x").write_text(text)
    with pytest.raises(UserError, match=message):
        read_track(tmp_path / "x")


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_repeats_of_gff3_are_classed_by_their_attributes(tmp_path: Path, pack) -> None:
    attributes = [
        "ID=TE_1;Name=TE_00000012;Classification=LTR/Gypsy;Identity=0.9",
        'Target "Motif:AluY" 1 300',
        "ID=1;Target=L1MC5a 2 9",
        "ID=x;Name=IS26%3B2",
        "ID=y",
    ]
    lines = [
        f"chr1\tx\tmobile_genetic_element\t{n + 1}\t{n + 20}\t.\t+\t.\t{told}\n" for n, told in enumerate(attributes)
    ]
    (tmp_path / "r").write_bytes(pack(("##gff-version 3\n" + "###\n".join(lines)).encode()))
    track = read_track(tmp_path / "r")
    assert track.intervals["chr1"].tolist() == [[n, n + 20] for n in range(5)]
    expected = ["LTR/Gypsy", "AluY", "L1MC5a", "IS26;2", "mobile_genetic_element"]
    assert [track.classes[label] for label in track.labels["chr1"]] == expected
    # what has no class is named by it
    assert [track.names[each] for each in track.named["chr1"]] == ["TE_00000012", "", "", "", ""]
    for damaged in ("0\t5\t.\t+\t.\t.", "1\t5\t.\tx\t.\t."):
        (tmp_path / "r").write_text("".join(lines) + f"chr1\tx\ty\t{damaged}\n")
        with pytest.raises(UserError, match="line 6 is no line of GFF3.*a strand of"):
            read_track(tmp_path / "r")


def test_what_is_named_by_copy_is_classed_by_its_feature(tmp_path: Path) -> None:
    rows = [
        ("LTR_retrotransposon", "ID=YARCTy1-1;Name=YARCTy1-1;dbxref=SGD:S000006792"),
        ("LTR_retrotransposon", "ID=YBLWTy2-1;Name=YBLWTy2-1"),
        ("transposable_element", "ID=AT1TE00010;Name=AT1TE00010;Alias=ATCOPIA24"),
        ("transposable_element", "ID=t1;Name=t1;Classification=LTR/Copia"),
        ("dispersed_repeat", "Name=AluY"),
    ]
    lines = [f"c\t.\t{kind}\t{n + 1}\t{n + 9}\t.\t+\t.\t{told}\n" for n, (kind, told) in enumerate(rows)]
    lines.append("c\tSGD\trepeat_region\t63\t336\t.\t-\t.\tID=TEL01L-XR;Name=TEL01L-XR\n")
    (tmp_path / "r.gff3").write_text("".join(lines))
    track = read_track(tmp_path / "r.gff3")
    assert [track.classes[label] for label in track.labels["c"]] == [
        "LTR_retrotransposon",
        "LTR_retrotransposon",
        "transposable_element",
        "LTR/Copia",
        "AluY",
        "repeat_region",
    ]
    assert [track.names[name] for name in track.named["c"]] == ["", "", "", "t1", "", ""]  # EDTA names the family


def test_an_annotation_of_ncbi_gives_its_mobile_elements_and_no_genes(tmp_path: Path) -> None:
    lines = [
        "region\tID=NC_1:1..9;Name=ANONYMOUS;genome=chromosome",
        "gene\tID=gene-b1;Name=insA",
        "CDS\tID=cds-1;Name=NP_1.1",
        "tRNA\tID=rna-1;Name=b2",
        "protein_coding_gene\tID=g",
        "lnc_RNA\tID=rna-2",
        "primary_transcript\tID=rna-3",
        "mobile_genetic_element\tID=id-1;gbkey=mobile_element;mobile_element_type=insertion sequence:IS1",
        "mobile_genetic_element\tID=id-2;mobile_element_type=transposon",
        "repeat_region\tID=id-3;rpt_family=CRISPR;rpt_type=direct",
        "repeat_region\tID=id-4;Name=IS 5 family ;Note=x",
    ]
    rows = [line.split("\t") for line in lines]
    (tmp_path / "r.gff").write_text(
        "".join(f"c\tRefSeq\t{kind}\t{n + 1}\t{n + 9}\t.\t+\t.\t{told}\n" for n, (kind, told) in enumerate(rows))
    )
    track = read_track(tmp_path / "r.gff")
    assert [track.classes[label] for label in track.labels["c"]] == ["IS1", "transposon", "CRISPR", "IS 5 family"]
    assert track.intervals["c"][0].tolist() == [7, 16]
    (tmp_path / "genes.gff").write_text("c\tRefSeq\tgene\t1\t9\t.\t+\t.\tID=g\n")
    assert not read_track(tmp_path / "genes.gff").chroms


def test_names_of_repeat_libraries_are_name_and_class(tmp_path: Path) -> None:
    names = ["AluY#SINE/Alu", "rnd-1_family-5#LINE/L1", "peak#12", "#1", "plain"]
    (tmp_path / "a.bed").write_text("".join(f"chr1\t{i}\t{i + 1}\t{name}\n" for i, name in enumerate(names)))
    track = read_track(tmp_path / "a.bed")
    assert [track.classes[i] for i in track.labels["chr1"]] == ["SINE/Alu", "LINE/L1", "peak#12", "#1", "plain"]
    assert [track.names[i] for i in track.named["chr1"]] == ["AluY", "rnd-1_family-5", "", "", ""]


def test_a_dot_is_no_name(tmp_path: Path) -> None:
    (tmp_path / "r.bed").write_text("chr1\t10\t20\t.\t0\t+\nchr1\t30\t40\nchr1\t50\t60\tAlu\n")
    assert read_track(tmp_path / "r.bed", unnamed="peak").classes == ["Alu", "peak"]


@pytest.mark.parametrize("header", ["##FASTA\n", ""])
@pytest.mark.parametrize("read", [read_track, read_features])
def test_the_sequences_that_gff3_ends_with_are_no_intervals(tmp_path: Path, read, header: str) -> None:
    line = "chr1\tx\tmatch\t11\t20\t.\t+\t.\tName=AluY\n"
    (tmp_path / "r.gff3").write_text(f"##gff-version 3\n{line}{header}>chr1 a\nACGTACGT\n\n>chr2\nAC\n")
    track = read(tmp_path / "r.gff3")
    assert track.chroms == ["chr1"] and track.intervals["chr1"].tolist() == [[10, 20]]


def test_features_of_gff_are_intervals_by_third_column(tmp_path: Path) -> None:
    (tmp_path / "a.gff3").write_text(
        "##gff-version 3\nchr1\tx\tenhancer\t11\t20\t.\t.\t.\tID=e\nchr1\tx\tTAD\t1\t5\t.\t.\t.\t.\n"
    )
    track = read_features(tmp_path / "a.gff3")
    assert track.intervals["chr1"].tolist() == [[10, 20], [0, 5]] and track.classes == ["TAD", "enhancer"]
    assert track.labels["chr1"].tolist() == [1, 0]


def test_intervals_that_cross_the_origin_of_a_circle_are_two(tmp_path: Path) -> None:
    region = "c\tx\tregion\t1\t100\t.\t+\t.\tIs_circular=true\n"
    (tmp_path / "a.gff3").write_text(
        region + "c\tx\tIS\t91\t120\t.\t+\t.\tName=IS1\nc\tx\tenhancer\t5\t8\t.\t.\t.\tName=e\n"
    )
    track = read_track(tmp_path / "a.gff3")
    assert track.intervals["c"].tolist() == [[90, 100], [4, 8], [0, 20]]
    assert [track.classes[label] for label in track.labels["c"]] == ["IS1", "e", "IS1"]
    track = read_features(tmp_path / "a.gff3")
    assert track.intervals["c"].tolist() == [[90, 100], [4, 8], [0, 20]]
    assert [track.classes[label] for label in track.labels["c"]] == ["IS", "enhancer", "IS"]
    (tmp_path / "a.gff3").write_text(region.replace("100", "x"))
    with pytest.raises(UserError, match=r"a\.gff3, line 1 is "):
        read_track(tmp_path / "a.gff3")
