"""Codon frames of windows, against the proteins that were planted: a translation that knows nothing of annotation."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from Bio.Data.CodonTable import standard_dna_table
from Bio.Seq import Seq

from dnabert.corpus import Corpus
from dnabert.corpus.annotation import Annotation
from dnabert.corpus.frames import FRAMES, coding_by_frame, codon_frames_read, window_frames
from dnabert.corpus.genes import Genes, read_genes

LENGTH = 60
CODONS = sorted(standard_dna_table.forward_table)


@dataclass
class Planted:
    """A gene: its exons (0-based, half open), all coding, in the order of reading; the protein; bases before the first
    codon."""

    strand: str
    exons: list[tuple[int, int]]
    protein: str
    partial: int

    @property
    def phases(self) -> list[int]:
        """GFF3's column 8 of each exon, base by base."""
        found, read = [], -self.partial
        for start, end in self.exons:
            found.append(-read % 3)
            read += end - start
        return found


def planted(*, partial: bool, seed: int = 0) -> tuple[str, list[Planted]]:
    """A sequence of random bases with 60 genes of one to four exons, introns of no whole number of codons, on both
    strands."""
    rng = np.random.default_rng(seed)
    sequence, genes = [], []
    place = 0

    def add(text: str) -> tuple[int, int]:
        nonlocal place
        sequence.append(text)
        place += len(text)
        return place - len(text), place

    for _ in range(60):
        add("".join(rng.choice(list("ACGT"), rng.integers(30, 200))))
        strand, missing = str(rng.choice(["+", "-"])), int(rng.integers(0, 3)) if partial else 0
        coding = "".join(rng.choice(CODONS, 130))
        protein = str(Seq(coding).translate())
        text = "ACGT"[:missing] + coding
        cuts = np.sort(rng.choice(np.arange(40, len(text) - 40, 41), rng.integers(0, 4), replace=False))
        pieces = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
        if strand == "-":
            pieces = [str(Seq(piece).reverse_complement()) for piece in pieces[::-1]]
        exons = []
        for piece in pieces:
            if exons:
                add("".join(rng.choice(list("ACGT"), rng.integers(10, 50))))
            exons.append(add(piece))
        genes.append(Planted(strand, exons if strand == "+" else exons[::-1], protein, missing))
    return "".join(sequence), genes


def gff3(genes: list[Planted]) -> str:
    text = "##gff-version 3\n"
    for number, gene in enumerate(genes):
        low, high = min(gene.exons)[0], max(gene.exons)[1]
        text += f"chr1\tx\tgene\t{low + 1}\t{high}\t.\t{gene.strand}\t.\tID=g{number}\n"
        for (start, end), phase in zip(gene.exons, gene.phases, strict=True):
            text += f"chr1\tx\tCDS\t{start + 1}\t{end}\t.\t{gene.strand}\t{phase}\tID=c{number};Parent=t{number}\n"
    return text


def gtf(genes: list[Planted], *, ids: str = 'gene_id "g{0}"; transcript_id "t{0}";') -> str:
    return "".join(
        f"chr1\tx\tCDS\t{start + 1}\t{end}\t.\t{gene.strand}\t.\t{ids.format(number)}\n"
        for number, gene in enumerate(genes)
        for start, end in gene.exons
    )


def gene_pred(genes: list[Planted], *, extended: bool) -> str:
    text = ""
    for number, gene in enumerate(genes):
        rows = sorted(zip(gene.exons, gene.phases, strict=True))
        starts, ends = ("".join(f"{exon[side]}," for exon, _ in rows) for side in (0, 1))
        low, high = rows[0][0][0], rows[-1][0][1]
        text += f"t{number}\tchr1\t{gene.strand}\t{low}\t{high}\t{low}\t{high}\t{len(rows)}\t{starts}\t{ends}"
        frames = "".join(f"{-phase % 3}," for _, phase in rows)
        text += f"\t0\tg{number}\tcmpl\tcmpl\t{frames}\n" if extended else "\n"
    return text


def frames_by_translation(window: str, start: int, genes: list[Planted]) -> set[str]:
    """Frames whose codons within a piece of at least half of the window are a part of the protein planted there."""
    found = set()
    for gene in genes:
        for exon in gene.exons:
            first, last = max(exon[0] - start, 0), min(exon[1] - start, len(window))
            for number in range(3) if 2 * (last - first) >= len(window) else ():
                read, low = (
                    (window, first)
                    if gene.strand == "+"
                    else (str(Seq(window).reverse_complement()), len(window) - last)
                )
                begin = low + (number - low) % 3
                if str(Seq(read[begin : begin + (low + last - first - begin) // 3 * 3]).translate()) in gene.protein:
                    found.add(f"{gene.strand}{number}")
    return found


def frames(genes: Genes, starts: np.ndarray) -> np.ndarray:
    return np.asarray(Annotation(genes=genes).columns("chr1", starts=starts, length=LENGTH)["codon_frame"])


@pytest.mark.parametrize("form", ["gff3", "genePredExt", "gtf", "gtf of genes", "genePred"])
def test_the_frame_is_that_which_translates_into_the_protein(tmp_path: Path, form: str) -> None:
    # nothing else tells where the first codon begins
    sequence, genes = planted(partial=form in ("gff3", "genePredExt"))
    texts = {
        "gff3": gff3(genes),
        "genePredExt": gene_pred(genes, extended=True),
        "gtf": gtf(genes),
        "gtf of genes": gtf(genes, ids='gene_id "g{0}";'),
        "genePred": gene_pred(genes, extended=False),
    }
    (tmp_path / "genes").write_text(texts[form])
    starts = np.arange(0, len(sequence) - LENGTH, 23)
    found = frames(read_genes(tmp_path / "genes"), starts)
    truth = [frames_by_translation(sequence[start : start + LENGTH], start, genes) for start in starts.tolist()]
    single = np.array([len(each) == 1 for each in truth])
    assert single.sum() > 500 and set(found[single]) == set(FRAMES)
    assert found[single].tolist() == [next(iter(each)) for each in truth if len(each) == 1]
    # a window of two short exons may be coding to a half in one frame, and no piece of it
    assert np.mean(found[[not each for each in truth]] == "") > 0.9


def test_a_transcript_of_unknown_beginning_has_no_frame(tmp_path: Path) -> None:
    path = tmp_path / "genes.gtf"
    line = 'chr1\tx\tCDS\t{}\t{}\t.\t+\t.\tgene_id "a"; transcript_id "{}";\n'
    for text, expected in (
        (line.format(1, 60, "t"), "+0"),
        (line.format(1, 61, "t"), ""),  # no whole codons: a part of a transcript
        (line.format(1, 60, "t") + line.format(31, 90, "u"), "+0"),  # two transcripts
        (line.format(1, 60, "t") + line.format(31, 90, "t"), ""),  # two in one name
    ):
        path.write_text(text)
        assert frames(read_genes(path), np.array([0])).tolist() == [expected]
    path.write_text("chr1\tx\tCDS\t2\t61\t.\t?\t0\tID=c\nchr2\tx\tCDS\t2\t61\t.\t-\t1\tID=c\n")
    genes = read_genes(path)
    assert frames(genes, np.array([1])).tolist() == [""]
    assert Annotation(genes=genes).columns("chr2", starts=np.array([0, 1]), length=LENGTH)["codon_frame"].tolist() == [
        "-0",
        "-1",
    ]
    assert Annotation(genes=genes).columns("chr3", starts=np.array([0]), length=LENGTH)["codon_frame"].tolist() == [""]
    assert Annotation().columns("chr1", starts=np.array([0]), length=LENGTH)["codon_frame"].tolist() == ["unknown"]


def test_a_part_of_two_transcripts_is_followed_in_both(tmp_path: Path) -> None:
    path = tmp_path / "genes.gff3"
    line = "chr1\tx\tCDS\t{}\t{}\t.\t+\t.\tParent={}\n"
    path.write_text(line.format(1, 31, "t,u") + line.format(101, 159, "t") + line.format(202, 260, "u"))
    assert frames(read_genes(path), np.array([0, 100, 201])).tolist() == ["+0", "+2", "+2"]


@pytest.mark.parametrize("reverse", [0, 1])
def test_parts_that_touch_are_one_and_parts_that_overlap_are_not(reverse: int) -> None:
    def frames(*parts: tuple[int, int]) -> list[list[list[int]]]:
        return [
            each.tolist() for each in coding_by_frame(np.array([[start, end, reverse, -1, 0] for start, end in parts]))
        ]

    assert frames((10, 21), (21, 40)) == frames((10, 40)) and [[10, 40]] in frames((10, 40))
    assert frames((10, 22), (21, 39)) == [[]] * 6


def test_of_overlapping_frames_the_longer_counts_and_half_a_window_must_be_coding() -> None:
    coding = coding_by_frame(np.array([[0, 50, 0, 0, 0], [20, 90, 1, 0, 0], [100, 129, 0, 0, 0], [129, 140, 0, 0, 0]]))
    starts = np.array([0, 30, 100, 112])
    assert window_frames(coding, starts=starts, ends=starts + 60).tolist() == ["+0", "-0", "", ""]
    # three transcripts of one frame are one, and a window without any coding base has none
    coding = coding_by_frame(np.array([[0, 20, 0, 0, 0], [3, 20, 0, 0, 0], [6, 20, 0, 0, 0]]))
    assert window_frames(coding, starts=np.array([0, 300]), ends=np.array([60, 360])).tolist() == ["", ""]


def test_what_is_read_on_the_other_strand_is_in_the_other_frame() -> None:
    bases = "GATGAAACGCTGGTTCTGC"
    forward, reverse = Seq(bases), Seq(bases).reverse_complement()
    assert str(forward[1:].translate()) == "MKRWFC"
    # a frame of +1 is one of -1 for who reads the other strand
    assert str(reverse.reverse_complement()[1:].translate()) == "MKRWFC"
    table = pd.DataFrame({"codon_frame": [*FRAMES, "", "unknown"] * 2, "strand": ["+"] * 8 + ["-"] * 8})
    read = codon_frames_read(table)
    assert read is not None and read[:8].tolist() == [*FRAMES, "", ""]
    assert read[8:].tolist() == ["-0", "-1", "-2", "+0", "+1", "+2", "", ""]
    assert codon_frames_read(table[["codon_frame"]])[8:14].tolist() == list(FRAMES)
    assert codon_frames_read(table[["strand"]]) is None


def test_a_corpus_has_frames_of_its_coding_windows(tiny_corpus: Corpus) -> None:
    view = tiny_corpus.view()
    frame, cds = view.column("codon_frame"), view.column("cds")
    assert set(frame[cds >= 0.5]) == {"+0", "+1", "+2"} and set(frame[cds < 0.5]) == {""}
