import contextlib
import gzip
import struct
from pathlib import Path

import numpy as np
import pytest
from Bio.SeqIO.TwoBitIO import TwoBitIterator
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import dnabert
from dnabert.corpus import CorpusConfig, GenomeConfig, SplitConfig, WindowConfig, prepare
from dnabert.corpus.reading import Genome
from dnabert.corpus.twobit import TwoBit, is_twobit
from dnabert.errors import Caution, UserError

BASES = st.text(alphabet="ACGTNacgtn", min_size=1, max_size=60)


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    sequences=st.lists(BASES, min_size=1, max_size=4),
    ends=st.tuples(st.integers(0, 60), st.integers(0, 60)),
    order=st.sampled_from("<>"),
    version=st.sampled_from([0, 1]),
)
def test_what_was_written_is_read(tmp_path: Path, twobit, sequences, ends, order, version) -> None:
    by_name = {f"chr{i}": bases for i, bases in enumerate(sequences)}
    (tmp_path / "x.2bit").write_bytes(twobit(by_name, order=order, version=version))
    if version == 0:  # Biopython reads no other
        with open(tmp_path / "x.2bit", "rb") as file:
            assert {record.id: str(record.seq) for record in TwoBitIterator(file)} == by_name
    genome = TwoBit(tmp_path / "x.2bit")
    assert genome.lengths == {name: len(bases) for name, bases in by_name.items()}
    for name, bases in by_name.items():
        start, end = sorted(min(x, len(bases)) for x in ends)
        found = genome.fetch(name, start, end)
        assert found.dtype == np.uint8 and found.tobytes().decode() == bases[start:end]
        assert genome.fetch(name, 0, len(bases)).tobytes().decode() == bases
    genome.close()


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_a_genome_is_told_by_its_first_bytes(tmp_path: Path, twobit, pack) -> None:
    (tmp_path / "scratch").mkdir()
    (tmp_path / "x.fa").write_bytes(pack(twobit({"chr1": "ACGTnnNNacgt", "chr2": "TT"})))
    with Genome(tmp_path / "x.fa", scratch=tmp_path / "scratch") as genome:
        assert genome.lengths == {"chr1": 12, "chr2": 2} and genome.names == ["chr1", "chr2"]
        assert genome.fetch("chr1", 3, 9).tobytes() == b"TnnNNa"
        assert genome.fetch("chr2", 1, 1).size == 0


def test_small_letters_throughout_mask_nothing_as_in_fasta(tmp_path: Path, twobit) -> None:
    """Of a FASTA in small letters faToTwoBit makes a genome of which every base is a repeat."""
    (tmp_path / "x.2bit").write_bytes(twobit({"a": "NNacgtnnNNgt", "b": "N", "c": "acg"}))
    with pytest.warns(Caution, match=r"x\.2bit is in small letters throughout: they mask nothing, read as capitals"):
        genome = Genome(tmp_path / "x.2bit", scratch=tmp_path)
    with genome:
        assert genome.fetch("a", 0, 12).tobytes() == b"NNACGTNNNNGT" and genome.fetch("c", 1, 3).tobytes() == b"CG"
    for first, last in (("NNacgtn", "acgT"), ("NNacgtnAn", "acg"), ("NNN", "N"), ("ACG", "acg")):
        (tmp_path / "y.2bit").write_bytes(twobit({"a": first, "b": last}))
        with Genome(tmp_path / "y.2bit", scratch=tmp_path) as genome:
            found = [genome.fetch(name, 0, genome.lengths[name]).tobytes().decode() for name in "ab"]
            assert found == [first, last]


def test_a_corpus_is_the_same_from_2bit_and_fasta_and_of_chosen_sequences(tmp_path: Path, twobit) -> None:
    rng = np.random.default_rng(0)
    sequences = {name: "".join(rng.choice(list("ACGTacgt"), 900)) + "N" * 30 + "ACGGT" * 20 for name in ("a", "b")}
    (tmp_path / "x.2bit").write_bytes(twobit({**sequences, "left_out": "ACGT" * 300}))
    (tmp_path / "x.fa").write_text("".join(f">{name}\n{bases}\n" for name, bases in sequences.items()))
    tables = []
    for path, chroms in (("x.2bit", ["b", "a"]), ("x.fa", None)):
        config = CorpusConfig(
            genomes=[GenomeConfig("x", path, chroms=chroms)],
            window=WindowConfig(length=50),
            split=SplitConfig(validation_fraction=0),
        )
        corpus = prepare(config, out=tmp_path / f"corpus_{path}", base=tmp_path)
        view = corpus.view(None)
        tables.append((view.bases(np.arange(len(view))).tobytes(), view.table.to_pandas()))
        assert corpus.summary[0].bases == 2 * 1030
    assert tables[0][0] == tables[1][0] and tables[0][1].equals(tables[1][1])


def test_vectors_are_the_same_from_2bit_and_fasta(tmp_path: Path, twobit) -> None:
    sequences = {"a": "ACGTNNacgtTTGA" * 9, "b": "GGGTCA" * 30}
    (tmp_path / "x.2bit").write_bytes(twobit(sequences))
    (tmp_path / "x.fa").write_text("".join(f">{name}\n{bases}\n" for name, bases in sequences.items()))
    one, other = (dnabert.embed("kmer:2", tmp_path / x, out=tmp_path / f"{x}_vectors") for x in ("x.2bit", "x.fa"))
    assert np.array_equal(one.vectors, other.vectors) and one.table.equals(other.table)


def test_a_sequence_that_is_not_there_is_named_with_the_nearest(tmp_path: Path, twobit) -> None:
    (tmp_path / "x.2bit").write_bytes(twobit({"chr1": "ACGT", "chr2": "ACGT"}))
    with pytest.raises(UserError, match=r"x\.2bit has no sequence 'chr 2' \(did you mean chr2\?\): mend chroms"):
        Genome(tmp_path / "x.2bit", scratch=tmp_path, chroms=["chr 2"])
    with pytest.raises(UserError, match=r"no sequence 'zz' \(it has chr1, chr2\)"):
        Genome(tmp_path / "x.2bit", scratch=tmp_path, chroms=["zz"])
    with pytest.raises(UserError, match="chroms of genome 'x' is empty"):
        GenomeConfig("x", "x.2bit", chroms=[])


def read_all(path: Path) -> None:
    genome = TwoBit(path)
    for name, length in genome.lengths.items():
        assert len(genome.fetch(name, 0, length)) == length


def test_a_file_cut_anywhere_is_refused_in_one_line(tmp_path: Path, twobit) -> None:
    whole = twobit({"chr1": "ACGTNNacgt" * 3, "chr2": "ACG"})
    path = tmp_path / "cut.2bit"
    for size in range(4, len(whole)):
        path.write_bytes(whole[:size])
        with pytest.raises(UserError, match=r"cut\.2bit is a damaged \.2bit file"):
            read_all(path)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.integers(4, 100), value=st.integers(0, 255))
def test_a_wrong_byte_gives_bases_or_one_line(tmp_path: Path, twobit, place, value) -> None:
    whole = bytearray(twobit({"chr1": "ACGTNNacgt" * 3, "chr2": "ACG"}))
    whole[place % len(whole)] = value
    (tmp_path / "wrong.2bit").write_bytes(whole)
    with contextlib.suppress(UserError):
        read_all(tmp_path / "wrong.2bit")


def test_what_else_is_refused(tmp_path: Path, twobit) -> None:
    path = tmp_path / "x.2bit"
    path.write_bytes(struct.pack("<4I", 0x1A412743, 2, 0, 0))
    with pytest.raises(UserError, match=r"version 2, allowed is 0 or 1"):
        TwoBit(path)
    twice = twobit({"chr1": "ACGT", "chr2": "ACGT"}).replace(b"chr2", b"chr1")
    path.write_bytes(twice)
    with pytest.raises(UserError, match="two sequences 'chr1'"):
        TwoBit(path)
    path.write_bytes(twobit({}))
    with pytest.raises(UserError, match="holds no bases"):
        Genome(path, scratch=tmp_path)
    path.write_bytes(b"\x1a")
    assert not is_twobit(path)
