import bz2
import codecs
import gzip
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from dnabert.corpus.reading import Genome, choose_sequences
from dnabert.errors import Caution, UserError

FASTA = b">chr1 first\nACGTacgt\nNNacgtRY\nAC\n>chr2\nTTTT\n"


def bgzip(data: bytes) -> bytes:
    """Several gzip members behind each other, as bgzip writes them."""
    return b"".join(gzip.compress(data[i : i + 10]) for i in range(0, len(data), 10))


def marked(data: bytes) -> bytes:
    """As some editors begin a file in UTF-8."""
    return codecs.BOM_UTF8 + data


def marked_gzip(data: bytes) -> bytes:
    return gzip.compress(marked(data))


@pytest.mark.parametrize("pack", [bytes, gzip.compress, bgzip, marked, marked_gzip])
def test_bases_of_every_packing(tmp_path: Path, pack) -> None:
    source, scratch = tmp_path / "source", tmp_path / "scratch"
    source.mkdir()
    scratch.mkdir()
    (source / "x.fa").write_bytes(pack(FASTA))
    with Genome(source / "x.fa", scratch=scratch) as genome:
        assert genome.lengths == {"chr1": 18, "chr2": 4}
        assert genome.fetch("chr1", 6, 17).tobytes() == b"gtNNacgtRYA"
        assert genome.fetch("chr2", 0, 4).tobytes() == b"TTTT"
        assert genome.fetch("chr2", 2, 2).size == 0
    assert [path.name for path in source.iterdir()] == ["x.fa"]


def test_small_letters_throughout_mask_nothing(tmp_path: Path) -> None:
    (tmp_path / "x.fa").write_bytes(b">A in Capitals\nacgtNN\nry\n>B\n" + b"a" * 70_000 + b"\n")
    with pytest.warns(Caution, match=r"x\.fa is in small letters throughout: they mask nothing, read as capitals"):
        genome = Genome(tmp_path / "x.fa", scratch=tmp_path)
    with genome:
        assert genome.fetch("A", 0, 8).tobytes() == b"ACGTNNRY"
    (tmp_path / "y.fa").write_bytes(b">A\nacgtNN\nry\n>B\n" + b"a" * 70_000 + b"C\n")
    with Genome(tmp_path / "y.fa", scratch=tmp_path) as genome:
        assert genome.fetch("A", 0, 8).tobytes() == b"acgtNNry"


@pytest.mark.parametrize("text", [b">a\nACG\nACGTACGT\n\nAC\n>b\nA\n", b">a\r\nACGACGTA\r\nCGTAC\r\n>b\r\nA"])
def test_lines_of_uneven_length_and_of_windows(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "x.fa").write_bytes(text)
    with Genome(tmp_path / "x.fa", scratch=tmp_path) as genome:
        assert genome.fetch("a", 0, 13).tobytes() == b"ACGACGTACGTAC"
        assert genome.fetch("b", 0, 1).tobytes() == b"A"


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(widths=[[4, 4, 15], [4, 4]], blanks=0)  # pyfaidx takes the long last line
@example(widths=[[4, 4, 2], [3, 9]], blanks=0)
@example(widths=[[4, 4, 9], [2]], blanks=1)
@given(
    widths=st.lists(st.lists(st.integers(1, 12), min_size=1, max_size=4), min_size=1, max_size=3),
    blanks=st.integers(0, 2),
)
def test_any_lines_give_the_bases_of_any_place(tmp_path: Path, widths: list[list[int]], blanks: int, end: str) -> None:
    rng, truth, text = np.random.default_rng(0), {}, ""
    for number, own in enumerate(widths):
        lines = ["".join(rng.choice(list("ACGT"), width)) for width in own]
        truth[f"s{number}"] = "".join(lines)
        text += f">s{number} told > so{end}" + end.join(lines) + end * (1 + blanks)
    (tmp_path / "x.fa").write_bytes(text.encode())
    for file in tmp_path.glob("x.fa.*"):
        file.unlink()
    with Genome(tmp_path / "x.fa", scratch=tmp_path) as genome:
        assert genome.lengths == {name: len(bases) for name, bases in truth.items()}
        for name, bases in truth.items():
            for start in range(len(bases)):
                for stop in (start + 1, len(bases)):
                    assert genome.fetch(name, start, stop).tobytes().decode() == bases[start:stop]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", "is empty"),
        (b"\n\n", "is empty"),
        (b"@r1\nACGT\n+\nIIII\n", "is FASTQ"),
        (bz2.compress(b">a\nACGT\n"), "compressed, and not by gzip: decompress it first"),
        (b"ACGT\n", "begins with 'ACGT' instead of '>'"),
        (
            b"; a comment\n>a\nACGT\n",
            r"begins with '; a comment' instead of '>': take away its lines of comments, as with grep -v '\^;'$",
        ),
        (b">a\n>b\n", "holds no bases"),
        (b">a\nACGT\n>a\nACGT\n", "its own name"),
        (b">a\nACGT\n> \nACGT\n", "line 3: a sequence has no name behind its '>'"),
        (gzip.compress(FASTA * 100)[:-20], "damaged gzip"),
    ],
    ids=[
        "empty",
        "blank",
        "FASTQ",
        "bzip2",
        "no header",
        "comment",
        "no bases",
        "same name twice",
        "no name",
        "damaged gzip",
    ],
)
def test_what_is_no_fasta_is_refused_in_one_line(tmp_path: Path, text: bytes, message: str) -> None:
    (tmp_path / "bad.fa").write_bytes(text)
    with pytest.raises(UserError, match=message) as caught:
        Genome(tmp_path / "bad.fa", scratch=tmp_path)
    assert "bad.fa" in str(caught.value)


def test_lines_that_end_in_carriage_returns_alone_are_refused(tmp_path: Path) -> None:
    (tmp_path / "mac.fa").write_bytes(b">a\rACGT\r>b\rACGT\r")
    with pytest.raises(UserError, match=r"mac\.fa ends its lines with carriage returns alone.* tr "):
        Genome(tmp_path / "mac.fa", scratch=tmp_path)


def test_lines_that_end_in_two_ways_are_refused(tmp_path: Path) -> None:
    line = "ACGTTGCAAC" * 6
    (tmp_path / "x.fa").write_bytes(f">a\n{line}\r\n{line}\n>b\r\n{line}\n".encode())
    with (
        Genome(tmp_path / "x.fa", scratch=tmp_path) as genome,
        pytest.raises(UserError, match="sequence a has lines that end in more than one way.*dos2unix"),
    ):
        genome.fetch("a", 0, genome.lengths["a"])


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot read .*none.fa"):
        Genome(tmp_path / "none.fa", scratch=tmp_path)


@pytest.mark.parametrize(
    ("letter", "message"), [(b"L", "is it a protein"), (b"-", "gaps of the alignment"), (b" ", "the blanks")]
)
def test_letters_that_no_nucleotide_has(tmp_path: Path, letter: bytes, message: str) -> None:
    (tmp_path / "bad.fa").write_bytes(b">a\nACGTA" + letter + b"AC\n")
    with Genome(tmp_path / "bad.fa", scratch=tmp_path) as genome:
        assert np.array_equal(genome.fetch("a", 0, 5), np.frombuffer(b"ACGTA", np.uint8))
        with pytest.raises(UserError, match=f"position 6.*{message}"):
            genome.fetch("a", 0, 8)


def test_sequences_are_chosen_without_going_through_the_names_for_each() -> None:
    class Names(list):
        gone_through = 0

        def __iter__(self):
            self.gone_through += 1
            return super().__iter__()

    chroms = Names(["c9", "c2"])
    assert choose_sequences({f"c{i}": i for i in range(100)}, chroms, path="x.fa") == {"c2": 2, "c9": 9}
    assert chroms.gone_through <= 2
