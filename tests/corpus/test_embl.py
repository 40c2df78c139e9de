import gzip
import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from Bio import SeqIO

from dnabert.corpus import SplitConfig, WindowConfig, config_from_fasta, prepare
from dnabert.corpus.annotated_sequences import open_annotation, sequences_within
from dnabert.corpus.genes import read_genes
from dnabert.corpus.records import read_records
from tests.corpus.test_genbank import BACTERIUM, EUKARYOTE, PHAGE, record


def as_embl(genbank: str) -> str:
    """The same records as Biopython, and with it Bakta, writes them."""
    text = io.StringIO()
    SeqIO.write(SeqIO.parse(io.StringIO(genbank), "genbank"), text, "embl")
    return text.getvalue()


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
@pytest.mark.parametrize("features", [BACTERIUM, EUKARYOTE, PHAGE], ids=["bacterium", "eukaryote", "phage"])
def test_read_as_the_same_record_of_genbank(tmp_path: Path, features: str, pack: Callable[[bytes], bytes]) -> None:
    text = record(features) + record("source 1..70", name="pY", length=70, topology="linear")
    (tmp_path / "x.gbk").write_text(text)
    (tmp_path / "x.embl").write_bytes(pack(as_embl(text).encode()))
    genbank, embl = (b"".join(sequences_within(tmp_path / name)).split() for name in ("x.gbk", "x.embl"))
    assert embl[0] == b">pX1.1"
    assert embl == genbank
    with open_annotation(tmp_path / "x.gbk") as theirs, open_annotation(tmp_path / "x.embl") as ours:
        assert list(ours) == list(theirs)


@pytest.mark.parametrize("before", ["", "\ufeff", "\n\n"], ids=["plain", "byte order mark", "blank lines"])
def test_sequences_to_assign(tmp_path: Path, before: str) -> None:
    (tmp_path / "x.embl").write_text(before + as_embl(record(BACTERIUM)))
    (found,) = read_records(tmp_path / "x.embl")
    (theirs,) = SeqIO.parse(io.StringIO(record(BACTERIUM)), "genbank")
    assert (found.name, found.bases.tobytes().decode()) == ("pX1.1", str(theirs.seq))


OLD = """ID   PXY        standard; circular genomic DNA; PRO; 12 BP.
XX
AC   X00001;
XX
SV   X00001.3
XX
DE   A plasmid as EMBL wrote them until 2006, and Ensembl does.
XX
FH   Key             Location/Qualifiers
FH
FT   CDS             complement(join(11..12,1..4))
FT                   /gene="ori"
FT                   /note="goes on
FT                   /gene=here"
XX
SQ   Sequence 12 BP; 3 A; 3 C; 3 G; 3 T; 0 other;
     acgtacgtac gt                                                            12
//
"""


def test_records_of_before_2006_and_a_circle(tmp_path: Path) -> None:
    (tmp_path / "x.embl").write_text(OLD)
    assert b"".join(sequences_within(tmp_path / "x.embl")) == b">X00001.3\nACGTACGTACGT\n"
    genes = read_genes(tmp_path / "x.embl")
    assert genes.circular == {"X00001.3": 12}
    assert genes.spans["X00001.3"].tolist() == [[10, 16]]


def test_a_corpus_with_its_genes(tmp_path: Path) -> None:
    columns = []
    for name, text in (("a.gbk", record(BACTERIUM)), ("b.embl", as_embl(record(BACTERIUM)))):
        (tmp_path / name).write_text(text)
        config = config_from_fasta(tmp_path / name)
        config.window, config.split = WindowConfig(length=12), SplitConfig(validation_fraction=0, test_fraction=0)
        corpus = prepare(config, out=tmp_path / f"{name}.corpus")
        assert corpus.summary[0].genome == name[0]
        view = corpus.view(None)
        told = [
            view.column(column).tolist() for column in ("gene", "gene_type", "gene_strand", "codon_frame", "region")
        ]
        columns.append([*told, view.bases(np.arange(len(view))).tolist()])
    assert columns[0] == columns[1]
