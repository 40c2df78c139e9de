"""Genes from GTF, GFF3, GenBank and EMBL files, genePred tables and BED of 12 columns."""

from __future__ import annotations

import itertools
from array import array
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from dnabert.corpus.blocks import FARTHEST, open_text
from dnabert.corpus.feature_lines import (
    data_lines,
    feature_lines,
    first_line,
    named_itself,
    shown,
    transcripts_of,
)
from dnabert.corpus.frames import PIECE, UNTOLD, coding_by_frame, wrap_coding
from dnabert.corpus.gene_lines import UNTYPED, Gene, GeneLines, first_base, join
from dnabert.corpus.gene_names import Row, name_rows
from dnabert.corpus.intervals import wrap
from dnabert.corpus.tracks import is_circular
from dnabert.corpus.transcripts import Transcript, transcript_parser
from dnabert.corpus.untranslated import UntranslatedParts
from dnabert.errors import UserError

#: Parts of genes in order of priority; intron is the gene's whole span, of which the others take their part first. So
#: is exon in a gene of which no part is known.
GENE_PARTS = ("CDS", "UTR", "exon", "intron")

#: Feature names of GTF and GFF3 (Sequence Ontology; GENCODE, Ensembl, NCBI, SGD) that are parts of genes.
_PART_OF = {
    "CDS": "CDS",
    "UTR": "UTR",
    "five_prime_UTR": "UTR",
    "three_prime_UTR": "UTR",
    "five_prime_utr": "UTR",
    "three_prime_utr": "UTR",
    "5UTR": "UTR",
    "3UTR": "UTR",
    "stop_codon": "CDS",  # GTF keeps it out of the CDS
    "exon": "exon",
    "pseudogenic_exon": "exon",
    "noncoding_exon": "exon",  # SGD
}
_PHASES = {"0": 0, "1": 1, "2": 2}


@dataclass(frozen=True)
class Genes:
    """Genes of one genome, by sequence; coordinates 0-based, half open."""

    parts: dict[str, dict[str, np.ndarray]]
    """By sequence and part (`GENE_PARTS`): int64 (n, 2), which may overlap."""
    spans: dict[str, np.ndarray]
    """By sequence: int64 (n, 2), from a gene's first to its last base."""
    names: dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]]
    """By sequence: name, type and strand of the genes, object (n,) each, in the order of `spans`."""
    coding: dict[str, list[np.ndarray]]
    """By sequence: coding bases by strand and place of the codons, see `dnabert.corpus.frames.coding_by_frame`."""
    other_names: tuple[Row, ...] = ()
    """What else the genes are called: name, kind of name, other name; see `dnabert.corpus.gene_names`."""
    ids: dict[str, np.ndarray] = field(default_factory=dict)
    """By sequence: what the file knows each gene by, object (n,), in the order of `spans`; genes of one name (Y_RNA)
    have several, pieces of a gene one."""
    circular: dict[str, int] = field(default_factory=dict)
    """Bases of the sequences that are circular; a gene that crosses the origin ends beyond it in `spans`, elsewhere it
    is cut in two."""
    starts: dict[str, dict[tuple[str, str], np.ndarray]] = field(default_factory=dict)
    """By sequence, then by a gene's id (`ids`) and strand: the first base, as it is read, of each of its transcripts,
    int64 (m,), ascending, none twice. A gene without transcripts has none, and no transcript begins where the file says
    that its start was not found (``mRNA_start_NF``)."""
    told_lengths: dict[str, int] = field(default_factory=dict)
    """Bases that GFF3 says its sequences have (``##sequence-region``)."""

    @property
    def chroms(self) -> list[str]:
        """Names of the sequences, in the file's order."""
        return list(self.parts)

    def places(self) -> dict[str, np.ndarray]:
        """By sequence: int64 (m, 2), the spans, of which those that cross the origin of a circular one are two."""
        return {
            chrom: wrap(spans, length=self.circular[chrom])[0] if chrom in self.circular else spans
            for chrom, spans in self.spans.items()
        }


@dataclass
class _Sequence:
    parts: dict[str, array[int]] = field(default_factory=lambda: {part: array("q") for part in GENE_PARTS})
    genes: dict[str, Gene] = field(default_factory=dict)
    lines: GeneLines = field(default_factory=GeneLines)
    starts: dict[tuple[str, str], np.ndarray] = field(default_factory=dict)
    transcripts: UntranslatedParts = field(default_factory=UntranslatedParts)
    coding: array[int] = field(default_factory=lambda: array("q"))
    """Pieces of coding sequence, `PIECE` integers each."""
    unphased: dict[str, int] = field(default_factory=dict)
    """Numbers of the transcripts, of which a phase that the file does not tell is continued."""
    circular: int = 0
    """Its bases, where it is told to be circular."""

    def add_coding(self, pieces: list[tuple[int, int, int]], *, strand: str, transcript: str) -> None:
        """Note start, end and phase of pieces of coding sequence; without a strand they have no frame."""
        if pieces and strand in ("+", "-"):
            reverse = int(strand == "-")
            number = self.unphased.setdefault(f"{transcript}\t{strand}", len(self.unphased))
            self.coding.extend(
                [value for start, end, phase in pieces for value in (start, end, reverse, phase, number)]
            )


def read_genes(path: str | Path) -> Genes:
    """Read genes, gzip or not; the first line of data tells the format, not the file's name.

    GTF and GFF3, GenBank and EMBL (read as GFF3 by `dnabert.corpus.genbank.genbank_features`): a gene spans its
    ``gene`` line (or that of a feature that ends in ``_gene``, whose type is what stands before that where no attribute
    says it) where the file has one. Else the transcripts of one ``gene_id`` that overlap on a strand are a gene, and so
    is a CDS, an RNA or a transcript without parent and ``gene_id`` (Prokka, miniprot, GTF of transcripts alone), unless
    a gene line has its ``locus_tag``. Several ``gene`` lines of one id (a name that several loci bear, a gene projected
    through an alignment in pieces) are a gene each. The type of a gene of which no attribute tells it is the feature of
    its transcripts (FlyBase: ``tRNA``, ``snoRNA``; for a ``pre_miRNA`` ``miRNA``), else ``protein_coding`` where it
    holds a CDS (AUGUSTUS, BRAKER), else ``unknown``. Where a file names no UTR of a transcript (NCBI), it is what its
    exons hold before its first and after its last coding base. A gene in which no part lies, such as a pseudogene of
    bacteria, counts as ``exon``: nothing tells of an intron (in a file without any part all is intron). A piece of a
    gene whose parts lie in another of its pieces is an intron. What ends beyond a sequence whose line says
    ``Is_circular=true`` (GFF3) goes on at its start.

    genePred (UCSC's ncbiRefSeq, refGene, refFlat, …; with ``bin`` or without) and BED of 12 columns: transcripts of
    one name that overlap on a strand are a gene; its type is ``geneType`` of bigGenePred (what bigBedToBed gives), else
    ``protein_coding`` where one of them has a coding sequence, else ``non_coding``: more the tables do not say.

    Codon frames are those of column 8 (GTF, GFF3) and of ``exonFrames`` (genePredExt, bigGenePred); where these do not
    tell, coding sequence is followed through the exons of each transcript, or of each gene in a file that names no
    transcripts.

    Raises
    ------
    UserError
        when a line is none of the format's.
    """
    sequences: dict[str, _Sequence] = {}
    told_lengths: dict[str, int] = {}
    parse = transcript_parser(first_line(path))
    if parse is None:
        _add_features(sequences, path, told_lengths=told_lengths)
    else:
        _add_transcripts(sequences, path, parse=parse)
    spans, names = {}, {}
    for chrom, sequence in sequences.items():
        genes = list(sequence.genes.values())
        spans[chrom] = np.array([(gene.start, gene.end) for gene in genes], np.int64).reshape(-1, 2)
        columns = zip(*((gene.name, gene.type, gene.strand) for gene in genes), strict=True) if genes else ((), (), ())
        name, kind, strand = (np.array(column, object) for column in columns)
        names[chrom] = (name, _told_by_coding(kind, strand=strand, spans=spans[chrom], coding=sequence.coding), strand)
        sequence.parts["intron"].extend(spans[chrom].ravel().tolist())
    parts = {
        chrom: {part: np.array(values, np.int64).reshape(-1, 2) for part, values in sequence.parts.items()}
        for chrom, sequence in sequences.items()
    }
    keys = {chrom: [key.split("\t")[0] for key in sequence.genes] for chrom, sequence in sequences.items()}
    holding = {chrom: _hold_parts(spans[chrom], parts=parts[chrom]) for chrom in sequences}
    known = {key for chrom in sequences for key in itertools.compress(keys[chrom], holding[chrom])}
    for chrom in sequences if known else ():  # a file of genes alone says nothing of any gene's inside
        bare = np.array([key not in known for key in keys[chrom]], bool)
        parts[chrom]["exon"] = np.concatenate([parts[chrom]["exon"], spans[chrom][bare]])
    every = (gene for sequence in sequences.values() for gene in sequence.genes.values())
    others = dict.fromkeys(row for gene in every for row in name_rows(gene.name, gene.others))
    coding = {
        chrom: coding_by_frame(np.array(sequence.coding, np.int64).reshape(-1, PIECE))
        for chrom, sequence in sequences.items()
    }
    circular = {chrom: sequence.circular for chrom, sequence in sequences.items() if sequence.circular}
    for chrom, length in circular.items():
        parts[chrom] = {part: wrap(places, length=length)[0] for part, places in parts[chrom].items()}
        coding[chrom] = wrap_coding(coding[chrom], length=length)
    ids = {chrom: np.array(of_genes, object) for chrom, of_genes in keys.items()}
    return Genes(
        parts=parts,
        spans=spans,
        names=names,
        coding=coding,
        other_names=tuple(others),
        ids=ids,
        circular=circular,
        starts={chrom: sequence.starts for chrom, sequence in sequences.items()},
        told_lengths=told_lengths,
    )


def _told_by_coding(kind: np.ndarray, *, strand: np.ndarray, spans: np.ndarray, coding: array[int]) -> np.ndarray:
    """The types of genes, str (n,): one that the file does not type is ``protein_coding`` where a CDS of its strand
    lies in it."""
    pieces = np.array(coding, np.int64).reshape(-1, PIECE)
    for sign, reverse in (("+", 0), ("-", 1)):
        asked = np.flatnonzero((kind == UNTYPED) & (strand == sign))
        held = _hold_parts(spans[asked], parts={"CDS": pieces[pieces[:, 2] == reverse, :2]})
        kind[asked[held]] = "protein_coding"
    return kind


def _hold_parts(spans: np.ndarray, *, parts: dict[str, np.ndarray]) -> np.ndarray:
    """Whether an exon, a CDS or a UTR lies within each span, bool (n,): in GFF3 a part does not name its gene."""
    places = np.concatenate([places for part, places in parts.items() if part != "intron"])
    places = places[np.argsort(places[:, 0])]
    first_end = np.append(np.minimum.accumulate(places[::-1, 1])[::-1], FARTHEST + 1)  # of the parts from each on
    return first_end[np.searchsorted(places[:, 0], spans[:, 0])] <= spans[:, 1]


def _add_features(sequences: dict[str, _Sequence], path: str | Path, *, told_lengths: dict[str, int]) -> None:
    """Add the lines of a GTF or GFF3 file, and what it says that its sequences have of bases."""
    for chrom, feature, start, end, strand, phase, attributes in feature_lines(path, told_lengths=told_lengths):
        sequence = sequences.setdefault(chrom, _Sequence())
        if start == 0 and is_circular(attributes):
            sequence.circular = end
        part = _PART_OF.get(feature)
        transcripts = [] if part is None else transcripts_of(attributes)
        if part is not None:
            sequence.parts[part].extend((start, end))
            for transcript in transcripts:
                sequence.transcripts.add(strand + transcript, part, start=start, end=end)
        if feature == "CDS":
            told = _PHASES.get(phase, UNTOLD)
            for transcript in transcripts or named_itself(attributes) if told == UNTOLD else ("",):
                sequence.add_coding([(start, end, told)], strand=strand, transcript=transcript)
        sequence.lines.add(feature, start=start, end=end, strand=strand, attributes=attributes)
    for sequence in sequences.values():
        sequence.genes, sequence.starts = sequence.lines.genes(), sequence.lines.starts()
        sequence.lines = GeneLines()
        sequence.parts["UTR"].extend(sequence.transcripts.untranslated().ravel().tolist())
        sequence.transcripts = UntranslatedParts()  # a primate's exons are 50 MB


def _add_transcripts(
    sequences: dict[str, _Sequence], path: str | Path, *, parse: Callable[[list[str]], Transcript]
) -> None:
    """Add the transcripts of a table."""
    loci: dict[tuple[str, str, str], list[tuple[int, int, bool]]] = {}
    types: dict[tuple[str, str, str], str] = {}
    with open_text(path) as file:
        for number, fields in data_lines(file):
            try:
                transcript = parse(fields)
            except (ValueError, IndexError, OverflowError):
                raise UserError(
                    f"{path}, line {number} is no transcript as the lines before it are ({shown(fields)}): "
                    "genePred and BED of 12 columns give a strand, and exons between its start and its end, 0-based"
                ) from None
            sequence = sequences.setdefault(transcript.chrom, _Sequence())
            for part, intervals in transcript.parts().items():
                sequence.parts[part].extend(intervals.ravel().tolist())
            sequence.add_coding(transcript.coding_pieces(), strand=transcript.strand, transcript=str(number))
            place = (transcript.start, transcript.end, transcript.is_coding)
            gene = (transcript.chrom, transcript.gene, transcript.strand)
            loci.setdefault(gene, []).append(place)
            types[gene] = types.get(gene) or transcript.gene_type
    for (chrom, name, strand), places in loci.items():
        genes = sequences[chrom].genes
        if strand in ("+", "-"):
            firsts = [first_base(start, end, strand) for start, end, _ in places]
            sequences[chrom].starts[name, strand] = np.unique(np.array(firsts, np.int64))
        for start, end, is_coding in join(places):
            kind = types[chrom, name, strand] or ("protein_coding" if is_coding else "non_coding")
            genes[f"{name}\t{len(genes)}"] = Gene(start, end, name=name, type=kind, strand=strand)
