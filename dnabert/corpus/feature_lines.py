"""Lines of GTF and GFF3, and of tables of transcripts: what is data in them, and what a line's attributes say."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import unquote

from dnabert.corpus.annotated_sequences import open_annotation
from dnabert.corpus.blocks import FARTHEST
from dnabert.corpus.tracks import FASTA, NOT_DATA, STRANDS, WHOLE_SEQUENCES, Track, TrackBuilder, is_circular
from dnabert.errors import UserError

#: A key begins where no other has: within a word of a megabyte it would be sought a million times.
_ATTRIBUTE = re.compile(r'(?<![^\s;="])([^\s;="]+)(?:\s*=\s*|\s+)("[^"]*"|[^;]*)\s*(?:;|$)')
_PHASES = frozenset("012.")
_REGION = re.compile(r"##sequence-region\s+(\S+)\s+1\s+(\d{1,18})\s*$")
_PARENT = re.compile(r"Parent=([^;]+)")
_TRANSCRIPT = re.compile(r'(?:^|;)\s*transcript_id[ =]\s*"?([^";]+)')


def read_features(path: str | Path) -> Track:
    """Every line of a GTF or GFF3 file, gzip or not, as an interval whose class is the third column; those of whole
    sequences are none.

    One that crosses the origin of a circular sequence (see `dnabert.corpus.tracks.read_track`) is two.

    Raises
    ------
    UserError
        when a line has fewer than nine columns, no coordinates, or another column is damaged.
    """
    builder = TrackBuilder()
    for chrom, feature, start, end, _, _, attributes in feature_lines(path):
        if start == 0 and is_circular(attributes):
            builder.circular[chrom] = end
        if start > 0 or feature not in WHOLE_SEQUENCES:
            builder.add((chrom, start, end, feature, ""))
    return builder.build()


def parse_attributes(text: str) -> dict[str, str]:
    """Ninth column of GTF or GFF3.

    Examples
    --------
    >>> parse_attributes('gene_id "A1"; gene_name "BRCA2; like";')
    {'gene_id': 'A1', 'gene_name': 'BRCA2; like'}
    >>> parse_attributes("ID=gene:A1;Name=BRCA2")
    {'ID': 'gene:A1', 'Name': 'BRCA2'}
    """
    found: dict[str, str] = {}
    for key, value, quoted in attributes_of(text):
        found.setdefault(key, value if quoted else unquote(value))
    return found


def attributes_of(text: str) -> Iterator[tuple[str, str, bool]]:
    """Key, value and whether it was quoted; a key may come again (``db_xref`` of NCBI's GTF)."""
    for match in _ATTRIBUTE.finditer(text):
        key, value = match.groups()
        quoted = value.startswith('"')
        yield key, value[1:-1] if quoted else value.strip(), quoted


def first_line(path: str | Path) -> list[str]:
    """Fields of the first line of data."""
    with open_annotation(path) as file:
        return next((fields for _, fields in data_lines(file)), [])


def data_lines(file: Iterable[str], *, told_lengths: dict[str, int] | None = None) -> Iterator[tuple[int, list[str]]]:
    """Number and fields of each line that is no comment, up to the sequences that GFF3 may end with.

    Into `told_lengths` goes how many bases a ``##sequence-region`` says that a sequence has, where it begins at 1.
    """
    for number, line in enumerate(file, start=1):
        if line.startswith(FASTA):
            return
        if not line.strip():
            continue
        if not NOT_DATA.match(line):
            yield number, line.rstrip("\r\n").split("\t")
        elif told_lengths is not None and (region := _REGION.match(line)):
            told_lengths[region[1]] = int(region[2])


def feature_lines(
    path: str | Path, *, told_lengths: dict[str, int] | None = None
) -> Iterator[tuple[str, str, int, int, str, str, str]]:
    """Sequence, feature, start, end (0-based, half open), strand, phase and attributes of each line of a GTF or GFF3
    file; `told_lengths` as in `data_lines`.

    Raises
    ------
    UserError
        when a line has fewer than nine columns, no coordinates, or a strand, a (CDS's) phase or, where columns are
        shifted, a score that is none.
    """
    with open_annotation(path) as file:
        for number, fields in data_lines(file, told_lengths=told_lengths):
            try:
                chrom, _, feature, first, last, score, strand, phase, attributes = fields[:9]
                start, end = int(first) - 1, int(last)
                if not 0 <= start < end <= FARTHEST:
                    raise ValueError
            except ValueError:
                raise UserError(
                    f"{path}, line {number} is neither GTF nor GFF3 ({shown(fields)}): nine columns, tab-separated, "
                    "start and end counted from 1 (a genePred table has 10 or more, a BED file of genes 12)"
                ) from None
            wrong = _wrong_column(score, strand, phase if feature == "CDS" else ".")
            if wrong:
                raise UserError(
                    f"{path}, line {number} ({shown(fields)}) has {wrong}: mend it, or write . for what is not known"
                )
            yield chrom, feature, start, end, strand, phase, attributes


def _wrong_column(score: str, strand: str, phase: str) -> str:
    """Which column of a line is damaged, or shifted, and what it takes; empty where none is. A score, which nothing
    here reads, may else be anything."""
    if score in ("+", "-"):
        return f"{score!r} for a score (a number or .)"
    if strand not in STRANDS:
        return f"{strand!r} for a strand (+, -, . or ?)"
    return "" if phase in _PHASES else f"{phase!r} for a phase (0, 1, 2 or .)"


def transcripts_of(attributes: str) -> list[str]:
    """Ids of the transcripts that a part belongs to: its parents in GFF3, in GTF its ``transcript_id``."""
    parents = _PARENT.search(attributes)
    if parents:
        return parents[1].split(",")
    transcript = _TRANSCRIPT.search(attributes)
    return [transcript[1]] if transcript else []


def named_itself(attributes: str) -> list[str]:
    """What holds pieces of coding sequence together where no transcript is named: their common ID, or their gene."""
    found = parse_attributes(attributes)
    return [found[key] for key in ("ID", "gene_id") if key in found][:1]


def shown(fields: list[str]) -> str:
    """The beginning of a line, for a message."""
    return repr("\t".join(fields).strip()[:60])
