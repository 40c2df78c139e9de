from __future__ import annotations

import gzip
import io
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dnabert.corpus.records import read_records
from dnabert.errors import UserError

RECORDS = [("a", b"ACGTacgtN"), ("b", b"GGU"), ("c", b"RYSWKM")]
TEXTS = {
    "fasta": b">a first of all\nACGTa\ncgtN\n>b\n\nGGU\n>c\nRYS WKM\n",
    "windows": b">a\r\nACGTacgtN\r\n>b\r\nGGU\r\n>c\r\nRYSWKM",
    "fastq": b"@a 1:N\nACGTacgtN\n+\n>@+IIIIII\n@b\nGGU\n+b\n@@@\n\n@c\nRYSWKM\n+\nIIIIII\n",
    "comments": b"; made by hand\n;twice\n>a first\nACGTacgtN\n;and here\n>b second\nGGU\n>c third\nRYSWKM\n",
    "csv": b"name,label,sequence\na,1,ACGTacgtN\nb,2,GGU\n\nc,3,RYSWKM\n",
    "spreadsheet": b'\xef\xbb\xbfsequence,name\r\n"ACGTacgtN",a\r\nGGU,b\r\n RYSWKM ,c\r\n',
    "semicolons": b"Name;SEQUENCE\r\na;ACGTacgtN\r\nb;GGU\r\nc;RYSWKM\r\n",
    "tsv": b"sequence\tname\nACGTacgtN\ta\nGGU\tb\nRYSWKM\tc\n",
}


def read(path: str | Path) -> list[tuple[str, bytes]]:
    return [(record.name, record.bases.tobytes()) for record in read_records(path)]


def test_records_of_genbank(tmp_path: Path) -> None:
    record = (
        b"LOCUS       %s 12 bp    DNA     circular\nVERSION     %s.1\nORIGIN\n        1 acgtacgtnn\n       11 ry\n//\n"
    )
    (tmp_path / "x.gbk").write_bytes(record % (b"pX", b"pX") + record % (b"pY", b"pY"))
    assert read(tmp_path / "x.gbk") == [("pX.1", b"ACGTACGTNNRY"), ("pY.1", b"ACGTACGTNNRY")]


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("kind", TEXTS)
def test_all_formats_give_the_same_records(kind: str, compressed: bool, tmp_path: Path, monkeypatch) -> None:
    content = gzip.compress(TEXTS[kind]) if compressed else TEXTS[kind]
    (tmp_path / "input").write_bytes(content)
    assert read(tmp_path / "input") == RECORDS
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
    assert read("-") == RECORDS


def test_records_without_a_name_have_their_number_and_empty_ones_are_kept(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("sequence\nAC\nGT\n")
    assert read(tmp_path / "a.csv") == [("1", b"AC"), ("2", b"GT")]
    (tmp_path / "a.fa").write_text(">\nAC\n>x\n>x\nGT\n")
    assert read(tmp_path / "a.fa") == [("1", b"AC"), ("x", b""), ("x", b"GT")]


@pytest.mark.parametrize(
    "text",
    [
        "name,sequence\nplasmide-é,ACGT\n",
        "sequence\tname\nACGT\tplasmide-é\n",
        ">plasmide-é\nACGT\n",
        "@plasmide-é\nACGT\n+\nIIII\n",
    ],
)
def test_names_are_utf_8(text: str, tmp_path: Path) -> None:
    (tmp_path / "input").write_bytes(text.encode())
    assert read(tmp_path / "input") == [("plasmide-é", b"ACGT")]
    (tmp_path / "input").write_bytes(text.encode("latin-1"))
    assert read(tmp_path / "input") == [("plasmide-\N{REPLACEMENT CHARACTER}", b"ACGT")]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty: give"),
        (b"\n\n  \n", "holds no sequence"),
        (b"name,sequence\n", "holds no sequence"),
        (b"\x7fELF\x00\x01\x02", "is no text"),
        (b"\x89PNG\r\n", "is no text"),
        (b"name,seq\na,ACGT\n", "no column 'sequence'"),
        (b"ACGTACGT\n", "neither FASTA ('>') nor FASTQ ('@')"),
        (b"name,sequence\na,ACGT,3\n", "line 2 has 3 fields, the header 2"),
        (b">a\nACGT\n>p\nACMEL\n", "sequence p has 'E' at position 4, which is no nucleotide letter"),
        (b">a\nAC-GT\n", "remove the gaps"),
        (b">a\nAC\tGT\n", "remove the blanks"),
        (
            b"sequence\tlabel\nACG CGT GTA\t1\n",
            "remove the blanks, or of words that overlap, as DNABERT's files have them, join the first and",
        ),
        (b">a\n" + b"AC" * 3000 + b"\0GT\n", "is it damaged"),
        (b">a\rACGT\rACGT\r", "carriage returns alone"),
        (b"sequence\rACGT\r", "carriage returns alone"),
        (b"sequence\nAC\xffT\n", "sequence 1 has '\xff'"),
        (b"@a\nACGT\n+\n", "ends within FASTQ record 1"),
        (b"@a\nACGT\n+\nII\n", "FASTQ record 1 is not four lines"),
        (b"@a\nACGT\nACGT\nIIII\n", "FASTQ record 1 is not four lines"),
        (gzip.compress(TEXTS["fasta"] * 20, mtime=0)[:-12], "damaged gzip file"),
        (gzip.compress(b"", mtime=0), "is empty"),
    ],
)
def test_what_cannot_be_read_is_one_line(content: bytes, said: str, tmp_path: Path) -> None:
    (tmp_path / "input").write_bytes(content)
    with pytest.raises(UserError) as raised:
        read(tmp_path / "input")
    assert said in str(raised.value) and str(tmp_path / "input") in str(raised.value)


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        (b">a of chr1 EI\nAC\n>b\nGT\n", ["EI", ""]),
        (b"@a EI\nAC\n+\nII\n", ["EI"]),
        (b"sequence, label\nAC, EI\nGT,\n", ["EI", ""]),
        (b"sequence\nAC\n", [""]),
    ],
)
def test_labels(text: bytes, labels: list[str], tmp_path: Path) -> None:
    (tmp_path / "input").write_bytes(text)
    assert [record.label for record in read_records(tmp_path / "input")] == labels


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is a folder"):
        read(tmp_path)
    with pytest.raises(UserError, match="cannot read .*No such file"):
        read(tmp_path / "nowhere.fa")


@given(st.lists(st.text("ACGTNacgtn", max_size=30), min_size=1, max_size=8), st.integers(1, 7))
def test_any_line_length_of_fasta_reads_back(sequences: list[str], width: int) -> None:
    import tempfile

    lines = []
    for number, sequence in enumerate(sequences):
        lines += [f">r{number}", *(sequence[i : i + width] for i in range(0, len(sequence), width))]
    with tempfile.NamedTemporaryFile("w", suffix=".fa") as file:
        file.write("\n".join(lines))
        file.flush()
        assert read(file.name) == [(f"r{number}", sequence.encode()) for number, sequence in enumerate(sequences)]
