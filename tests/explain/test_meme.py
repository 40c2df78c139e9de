from pathlib import Path

import numpy as np
import pytest
from Bio import motifs as bio
from hypothesis import given, settings
from hypothesis import strategies as st

from dnabert.errors import UserError
from dnabert.explain.meme import Motif, read_meme, write_meme

JASPAR = """MEME version 4

ALPHABET= ACGT

strands: + -

Background letter frequencies
A 0.25 C 0.25 G 0.25 T 0.25

MOTIF MA0004.1 Arnt
letter-probability matrix: alength= 4 w= 2 nsites= 20 E= 0
 0.200000  0.800000  0.000000  0.000000
 0.950000  0.000000  0.050000  0.000000
URL http://jaspar.genereg.net/matrix/MA0004.1

MOTIF MA0006.1
letter-probability matrix:
 0.125000  0.333333  0.083333  0.458333

"""


def test_a_file_as_jaspar_writes_it(tmp_path: Path) -> None:
    (tmp_path / "a.meme").write_text(JASPAR)
    first, second = read_meme(tmp_path / "a.meme")
    assert (first.name, first.alternate, first.n_sites) == ("MA0004.1", "Arnt", 20)
    assert first.matrix.tolist() == [[0.2, 0.8, 0, 0], [0.95, 0, 0.05, 0]]
    assert (second.name, second.alternate, second.matrix.shape) == ("MA0006.1", "", (1, 4))


@given(
    st.lists(
        st.lists(st.lists(st.integers(1, 99), min_size=4, max_size=4), min_size=1, max_size=5), min_size=1, max_size=4
    )
)
@settings(max_examples=30)
def test_round_trip_and_biopython_reads_it(
    tmp_path_factory: pytest.TempPathFactory, counts: list[list[list[int]]]
) -> None:
    path = tmp_path_factory.mktemp("meme") / "b.meme"
    matrices = [np.array(each, dtype=float) / np.sum(each, axis=1, keepdims=True) for each in counts]
    written = [Motif(f"m{i}", matrix, "ACGT", 7 + i) for i, matrix in enumerate(matrices)]
    write_meme(written, path)
    for ours, read in zip(written, read_meme(path), strict=True):
        assert (ours.name, ours.alternate, ours.n_sites) == (read.name, read.alternate, read.n_sites)
        np.testing.assert_allclose(ours.matrix, read.matrix, atol=1e-6)
    with path.open() as handle:
        assert [each.length for each in bio.parse(handle, "minimal")] == [len(each) for each in matrices]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nothing", "no letter-probability matrix"),
        ("ALPHABET= ACDEFGHIKLMNPQRSTVWY\n", "give motifs of DNA"),
        ("letter-probability matrix: w= 1\n1 0 0 0\n", "line 1: a matrix before any MOTIF"),
        ("MOTIF a\nletter-probability matrix: w= 3\n1 0 0 0\n", "line 2: motif a has 1 columns, allowed are 3 lines"),
        ("MOTIF a\nletter-probability matrix:\n1 0 0\n", "of 4 numbers"),
        ("MOTIF a\nletter-probability matrix:\n1 0 0 1\n", "column 1 sums to 2.000"),
    ],
)
def test_a_broken_file_is_named(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "c.meme").write_text(text)
    with pytest.raises(UserError, match=message):
        read_meme(tmp_path / "c.meme")


def test_what_is_no_motif_file_and_no_motif(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be read"):
        read_meme(tmp_path / "missing.meme")
    (tmp_path / "d.meme").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UserError, match="cannot be read"):
        read_meme(tmp_path / "d.meme")
    with pytest.raises(UserError, match="allowed is \\(columns, 4\\)"):
        Motif("x", np.ones((2, 3)))
    with pytest.raises(UserError, match="names without spaces"):
        write_meme([Motif("two words", np.eye(4), "third")], tmp_path / "e.meme")
