"""Intervals with a class: BED files, UCSC's tables, RepeatMasker's output and GFF3."""

from __future__ import annotations

import re
from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import unquote

import numpy as np

from dnabert.corpus.annotated_sequences import open_annotation
from dnabert.corpus.blocks import FARTHEST
from dnabert.corpus.intervals import wrap
from dnabert.errors import UserError

#: How lines of a BED file or of an exported table begin that are no intervals; a sequence may be named track_1, or
#: track.
NOT_DATA = re.compile(r"#|(?:track|browser)(?: |\r?$)")
#: What the sequences begin with that GFF3 may end with; the specification has them after such a header alone, too, as
#: Artemis writes them.
FASTA = ("##FASTA", ">")
#: How GFF3 says, in the line of a whole sequence, that its features may go on beyond its end, at its start.
_CIRCULAR = "Is_circular=true"
#: Forward, reverse, none, and one that is not known.
STRANDS = frozenset("+-.?")
#: How BED and its kin write that there is no name.
_NO_NAME = ("", ".")
#: First words of the two lines above RepeatMasker's columns ("bit" where it searched with nhmmer).
_RMSK_OUT_HEADER = ("SW", "score", "bit")

#: An interval (0-based, half open): sequence, start, end, class, and its name where that says more than the class
#: ("AluY").
Interval = tuple[str, int, int, str, str]


@dataclass(frozen=True)
class Track:
    """Intervals (0-based, half open) by sequence, each with a class."""

    intervals: dict[str, np.ndarray]
    """int64 (n, 2) by sequence."""
    labels: dict[str, np.ndarray]
    """int64 (n,), index into `classes`, by sequence."""
    classes: list[str]
    """Names of the classes, in alphabetical order."""
    named: dict[str, np.ndarray] = field(default_factory=dict)
    """int32 (n,), index into `names`, by sequence; empty where the file names nothing beside the classes."""
    names: list[str] = field(default_factory=list)
    """Names of the intervals, in alphabetical order, ``""`` among them where one has none."""

    @property
    def chroms(self) -> list[str]:
        """Names of the sequences, in the file's order."""
        return list(self.intervals)


@dataclass(frozen=True)
class _Format:
    name: str
    matches: Callable[[Sequence[str]], bool]
    """Whether a data line, cut at tabs (RepeatMasker's: at blanks), is of this format."""
    parse: Callable[[Sequence[str]], Interval]
    """The interval of a line; ValueError or IndexError where it holds none."""
    wants: str


@dataclass
class TrackBuilder:
    """Intervals as they are read: 28 bytes each, so that the 5.5 million repeats of a primate fit."""

    places: dict[str, array[int]] = field(default_factory=dict)
    labels: dict[str, array[int]] = field(default_factory=dict)
    named: dict[str, array[int]] = field(default_factory=dict)
    numbers: dict[str, int] = field(default_factory=dict)
    name_numbers: dict[str, int] = field(default_factory=dict)
    circular: dict[str, int] = field(default_factory=dict)
    """Bases of sequences that are circular: an interval that crosses the origin becomes two."""

    def add(self, interval: Interval) -> None:
        """Add one interval; ValueError where its start is no start, or its end beyond any sequence."""
        chrom, start, end, label, name = interval
        if not 0 <= start <= end <= FARTHEST:
            raise ValueError
        if chrom not in self.places:
            self.places[chrom], self.labels[chrom], self.named[chrom] = array("q"), array("q"), array("i")
        self.places[chrom].extend((start, end))
        self.labels[chrom].append(self.numbers.setdefault(label, len(self.numbers)))
        self.named[chrom].append(self.name_numbers.setdefault(name, len(self.name_numbers)))

    def build(self) -> Track:
        """The track of all that was added."""
        rank, classes = _ranked(self.numbers)
        name_rank, names = _ranked(self.name_numbers)
        intervals = {chrom: np.array(values, np.int64).reshape(-1, 2) for chrom, values in self.places.items()}
        labels = {chrom: rank[np.array(values, np.int64)] for chrom, values in self.labels.items()}
        named = {chrom: name_rank[np.array(values, np.int32)].astype(np.int32) for chrom, values in self.named.items()}
        for chrom in self.circular.keys() & intervals.keys():
            intervals[chrom], own = wrap(intervals[chrom], length=self.circular[chrom])
            labels[chrom], named[chrom] = labels[chrom][own], named[chrom][own]
        track = Track(intervals=intervals, labels=labels, classes=classes)
        return replace(track, named=named, names=names) if any(names) else track


def is_circular(attributes: str) -> bool:
    """Whether a line of GFF3 says that its sequence is circular; the one that does from the first base on ends where
    the sequence does."""
    return _CIRCULAR in attributes


def _ranked(numbers: dict[str, int]) -> tuple[np.ndarray, list[str]]:
    """Place of each number among the words in alphabetical order, int64 (n,), and the words."""
    words = sorted(numbers)
    rank = np.empty(len(words), np.int64)
    rank[[numbers[word] for word in words]] = np.arange(len(words))
    return rank, words


def read_track(path: str | Path, *, unnamed: str = "repeat") -> Track:
    """Read intervals, gzip or not; the first line of data tells the format, not the file's name.

    ===================  ===========================================================  ==========================
    format               columns                                                      class
    ===================  ===========================================================  ==========================
    BED                  sequence, start, end, name, …                                name, of ``AluY#SINE/Alu``
                                                                                      what follows the ``#``;
                                                                                      `unnamed` without or for ``.``
    UCSC's rmsk table    17, or 16 without ``bin``: swScore, …, genoName, genoStart   class/family
    other UCSC tables    bin, then those of BED (cpgIslandExt, simpleRepeat)          name
    RepeatMasker's .out  15, blank-separated, start and end counted from 1, closed    class/family
    GFF3, GTF, GenBank,  9, start and end counted from 1, closed (EDTA, NCBI)         see below
    EMBL
    ===================  ===========================================================  ==========================

    RepeatMasker writes a family that is named like its class (``Simple_repeat``) as the class alone, and so are
    those of the rmsk table here: both give the same classes. The class of a line of GFF3 is its attribute
    ``Classification`` (EDTA), the motif of its ``Target`` (RepeatMasker), what ``mobile_element_type`` (NCBI:
    ``insertion sequence:IS1``) names, its ``rpt_family``, its ``Name`` (but not of a ``LTR_retrotransposon``,
    a ``telomere`` and the like, which FlyBase names copy by copy, nor of any line of SGD's), else its third column. Its
    lines of genes, of their parts and of whole sequences are no intervals, so that NCBI's annotation of a genome may be
    given as it is. One that crosses the origin of a sequence whose line says ``Is_circular=true``, and so ends beyond
    it, is two: at its end and at its start.

    What has a class has a name beside it: ``repName`` of the rmsk table, the tenth column of RepeatMasker's .out, in
    GFF3 with a ``Classification`` the motif or the ``Name``, in BED what stands before a ``#``. Elsewhere the name is
    the class, and is not said twice.

    Raises
    ------
    UserError
        when a line is no interval.
    """
    builder, chosen = TrackBuilder(), None
    with open_annotation(path) as file:
        for number, line in enumerate(file, start=1):
            if line.startswith(FASTA):
                break
            if not line.strip() or NOT_DATA.match(line):
                continue
            words = line.split()
            if words[0] in _RMSK_OUT_HEADER or line.startswith("There were no repetitive sequences"):
                continue
            fields = line.rstrip("\r\n").split("\t")
            if chosen is None:
                chosen = next(form for form in _FORMATS if form.matches(words if form is _RMSK_OUT else fields))
            try:
                if chosen is _GFF and len(fields) == 9 and is_circular(fields[8]) and int(fields[3]) == 1:
                    if not 1 <= int(fields[4]) <= FARTHEST:
                        raise ValueError
                    builder.circular[fields[0]] = int(fields[4])
                if (
                    chosen is _GFF
                    and len(fields) > 2
                    and (fields[2] in _NO_INTERVALS or fields[2].endswith(_NO_INTERVAL))
                ):
                    continue
                chrom, start, end, label, name = chosen.parse(words if chosen is _RMSK_OUT else fields)
                builder.add((chrom, start, end, unnamed if label in _NO_NAME else label, name))
            except (ValueError, IndexError):
                shown = line.strip()[:60]
                raise UserError(f"{path}, line {number} is no {chosen.name} ({shown!r}): {chosen.wants}") from None
    return builder.build()


def is_whole(text: str) -> bool:
    """Whether a field is a whole number, which may be negative.

    Examples
    --------
    >>> [is_whole(text) for text in ("585", "-12", "chr1", "")]
    [True, True, False, False]
    """
    return text.removeprefix("-").isdecimal() and text.isascii()


def _class_of(name: str, family: str) -> str:
    return name if name == family else f"{name}/{family}"


def _is_rmsk(fields: Sequence[str]) -> bool:
    shifted = fields[len(fields) - 16 :]
    return len(fields) in (16, 17) and shifted[8] in ("+", "-") and all(map(is_whole, [*shifted[:4], *shifted[5:8]]))


def _parse_rmsk(fields: Sequence[str]) -> Interval:
    chrom, start, end, _, _, name, first, family = fields[len(fields) - 12 : len(fields) - 4]
    return chrom, int(start), int(end), _class_of(first, family), name


def _is_rmsk_out(words: Sequence[str]) -> bool:
    return len(words) >= 11 and words[8] in ("+", "C") and words[7].startswith("(") and is_whole(words[0])


def _parse_rmsk_out(words: Sequence[str]) -> Interval:
    return words[4], int(words[5]) - 1, int(words[6]), words[10], words[9]


def _is_bed_with_bin(fields: Sequence[str]) -> bool:
    return len(fields) > 3 and not is_whole(fields[1]) and all(map(is_whole, (fields[0], *fields[2:4])))


def _is_gff(fields: Sequence[str]) -> bool:
    return len(fields) == 9 and not is_whole(fields[1]) and all(map(is_whole, fields[3:5])) and fields[6] in STRANDS


def _parse_gff(fields: Sequence[str]) -> Interval:
    chrom, source, feature, first, last, _, strand, _, attributes = fields
    if strand not in STRANDS:
        raise ValueError
    classified = _GFF_VALUE[_CLASSIFICATION].search(attributes) is not None
    by_copy = feature in _NAMED_BY_COPY or source == "SGD"  # whose repeat_region once were X and Y' elements
    keys = [key for key in _GFF_VALUE if key != "Name" or classified or not by_copy]
    found = [match[1] for key in keys if (match := _GFF_VALUE[key].search(attributes))]
    label, name = [unquote(word.strip()) for word in (*found, "", "")][:2]
    return chrom, int(first) - 1, int(last), label or feature, name if classified else ""


def _parse_bed(fields: Sequence[str]) -> Interval:
    named = fields[3] if len(fields) > 3 else ""
    # as libraries of repeats call their families: AluY#SINE/Alu; peak#12 is a name
    name, _, family = named.partition("#")
    label, name = (family, name) if name and family[:1].isalpha() else (named, "")
    return fields[0], int(fields[1]), int(fields[2]), label, name


#: What names the class in the attributes of GFF3 and GTF, in order of precedence, and the part of its value that does.
_CLASSIFICATION = "[Cc]lassification"
_VALUE = r'([^";]+)'
_GFF_VALUE = {
    key: re.compile(rf'(?:^|[;\s]){key}[= ]\s*"?{value}')
    for key, value in {
        _CLASSIFICATION: _VALUE,
        "Target": r'(?:Motif:)?([^";\s]+)',
        "mobile_element_type": r'(?:[^":;]+:)?\s*' + _VALUE,
        "rpt_family": _VALUE,
        "Name": _VALUE,
    }.items()
}
#: Features whose ``Name`` is that of one copy (SGD, FlyBase, TAIR: YARCTy1-1, AT1TE00010): a class of each were none.
_NAMED_BY_COPY = frozenset({
    "LTR_retrotransposon", "long_terminal_repeat", "transposable_element", "telomere", "telomeric_repeat", "X_element",
    "X_element_combinatorial_repeat", "Y_prime_element",
})  # fmt: skip
#: Features of GFF3 whose line, from the first base on, is that of a whole sequence (NCBI, Ensembl).
WHOLE_SEQUENCES = frozenset({"region", "chromosome", "scaffold", "contig", "supercontig"})
#: Features of GFF3 and GTF that are genes, parts of genes or whole sequences.
_NO_INTERVALS = {
    "gene", "pseudogene", "CDS", "exon", "intron", "UTR", "five_prime_UTR", "three_prime_UTR",
    "start_codon", "stop_codon", *WHOLE_SEQUENCES,
}  # fmt: skip
#: What ends so is none either: genes of VEuPathDB, Ensembl and SGD; lnc_RNA and primary_transcript of NCBI.
_NO_INTERVAL = ("coding_gene", "RNA_gene", "RNA", "transcript")
_RMSK_OUT = _Format(
    "line of RepeatMasker's .out", _is_rmsk_out, _parse_rmsk_out, "15 columns, start and end counted from 1"
)
_GFF = _Format(
    "line of GFF3",
    _is_gff,
    _parse_gff,
    "nine columns, tab-separated, start and end counted from 1, a strand of +, -, . or ?",
)
_FORMATS = (
    _Format("line of UCSC's rmsk table", _is_rmsk, _parse_rmsk, "17 columns, or 16 without bin, tab-separated"),
    _RMSK_OUT,
    _Format(
        "interval of a UCSC table", _is_bed_with_bin, lambda fields: _parse_bed(fields[1:]), "bin, sequence, start, end"
    ),
    _GFF,
    _Format(
        "BED interval", lambda fields: True, _parse_bed, "three columns, tab-separated: sequence, start, end"
    ),  # what nothing else matches is BED or an error
)
