"""GenBank flat files as lines of GFF3 and of FASTA."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from dnabert.errors import UserError

#: How a record begins.
GENBANK = "LOCUS "
_ORIGIN, _END = b"ORIGIN", b"//"
#: The key of a feature and where its location begins; qualifiers stand farther to the right.
_FEATURE = re.compile(r" {2,9}(\S+) +(\S.*)")
_QUALIFIER = re.compile(r"/([\w-]+)(?:=(.*))?$")
_LENGTH = re.compile(r"\b(\d{1,12}) bp\b")
_PROTEIN = re.compile(r"\b\d+ aa\b")
#: Neither annotate anything: the record as a whole, and what is not known of it.
_NO_FEATURES = ("source", "gap", "assembly_gap")
#: Transcripts of what has a CDS beside them; without a gene's feature the CDS is the gene.
_TRANSCRIPTS = ("mRNA", "prim_transcript", "precursor_RNA")
#: GFF3's names of features that GenBank calls otherwise.
_FEATURES = {"5'UTR": "five_prime_UTR", "3'UTR": "three_prime_UTR"}
#: Qualifiers that are kept, and what GFF3 calls them.
_ATTRIBUTES = {
    "gene": "gene",
    "locus_tag": "locus_tag",
    "old_locus_tag": "old_locus_tag",
    "gene_synonym": "gene_synonym",
    "db_xref": "Dbxref",
    "rpt_family": "rpt_family",
    "mobile_element_type": "mobile_element_type",
}

#: Start, end (0-based, half open) and strand of a piece of a location.
_Piece = tuple[int, int, str]


@dataclass
class _Feature:
    key: str
    location: str
    qualifiers: dict[str, list[str]] = field(default_factory=dict)

    @property
    def gene(self) -> str:
        """What tells which features are of one gene; empty where nothing does."""
        return next((self.qualifiers[name][0] for name in ("locus_tag", "gene") if name in self.qualifiers), "")


@dataclass
class _Record:
    locus: str
    """Its first line."""
    name: str
    features: list[_Feature] = field(default_factory=list)

    @property
    def length(self) -> int:
        found = _LENGTH.search(self.locus)
        return int(found[1]) if found else 0


def genbank_sequences(file: Iterable[bytes], *, path: str | Path) -> Iterator[bytes]:
    """Lines of FASTA with the sequences of a GenBank file's lines, in capitals: its small letters mask nothing.

    Raises
    ------
    UserError
        when a record holds no sequence; `path` is what the line names.
    """
    name, inside, bases = "", False, 0
    for line in file:
        if line.startswith(GENBANK.encode()):
            name, inside, bases = _named(line.decode("utf-8", "replace"), "unnamed"), False, 0
        elif line.startswith(b"VERSION") and not inside:
            name = _named(line.decode("utf-8", "replace"), name)
        elif line.startswith(_ORIGIN):
            inside = True
            yield f">{name}\n".encode()
        elif line.startswith(_END):
            if not bases:
                raise UserError(f"{path}: record {name} holds no sequence: fetch it in full, as NCBI's GenBank (full)")
            inside = False
        elif inside:
            letters = line.translate(None, b"0123456789 \t\r\n").upper()
            bases += len(letters)
            yield letters + b"\n"


def _named(line: str, name: str) -> str:
    """The second word of a line, or `name`: the accession with its version, where there is one, is what NCBI's FASTA
    and GFF3 call the sequence."""
    return next((word for word in line.split()[1:2] if word != "."), name)


def genbank_features(lines: Iterable[str], *, path: str | Path) -> Iterator[str]:
    """Lines of GFF3 with the features of a GenBank file's lines.

    A piece of a joined location is a line; a gene is one, which ends beyond the end of a circular sequence where it
    crosses the origin. What codes, or is an RNA, names the gene that shares its ``/locus_tag`` or ``/gene``; where none
    does it is a gene itself.

    Raises
    ------
    UserError
        when a record is of a protein or a feature's location is none; `path` is what the line names.
    """
    for record in _records(lines):
        if _PROTEIN.search(record.locus):
            raise UserError(f"{path}: record {record.name} is of a protein: give one of DNA or RNA")
        features = [feature for feature in record.features if feature.key not in _NO_FEATURES]
        pieces = [_pieces(feature, path=path, record=record) for feature in features]
        over = any(_crosses(a, b, length=record.length) for each in pieces for a, b in itertools.pairwise(each))
        if record.length:
            circular = ";Is_circular=true" if over or "circular" in record.locus.split() else ""
            whole = (0, record.length, "+")
            yield _line(record, "region", whole, f"ID={_escaped(record.name)}:1..{record.length}{circular}")
        genes = {feature.gene for feature in features if feature.key == "gene"} - {""}
        for number, (feature, own) in enumerate(zip(features, pieces, strict=True), start=1):
            yield from _feature_lines(record, feature, own, number=number, of_gene=feature.gene in genes)


def _records(lines: Iterable[str]) -> Iterator[_Record]:
    """Records, each without its sequence."""
    record = _Record("", "")
    reads: list[str] | None = None  # the qualifier that a line may go on with
    in_table = False
    for line in lines:
        if line.startswith(GENBANK):
            record, in_table = _Record(line.rstrip(), _named(line, "unnamed")), False
        elif line.startswith("VERSION") and not record.features:
            record.name = _named(line, record.name)
        elif line.startswith("//"):
            for feature in record.features:
                told = feature.qualifiers.items()
                feature.qualifiers = {name: [_unquoted(value) for value in values] for name, values in told}
            yield record
        elif not line.startswith(" "):
            in_table = line.startswith("FEATURES")
        elif in_table and (found := _FEATURE.match(line)):
            record.features.append(_Feature(found[1], found[2].strip()))
            reads = None
        elif in_table and record.features:
            reads = _read_on(record.features[-1], line.strip(), reads)


def _read_on(feature: _Feature, line: str, reads: list[str] | None) -> list[str] | None:
    """Add a line to a feature: it begins a qualifier, or goes on with `reads`, or with the location."""
    if reads is not None and reads[-1].startswith('"') and reads[-1].count('"') % 2:
        reads[-1] += f" {line}"
        return reads
    found = _QUALIFIER.match(line)
    if found:
        reads = feature.qualifiers.setdefault(found[1], [])
        reads.append(found[2] or "")
    elif reads is None:
        feature.location += line
    return reads


def _pieces(feature: _Feature, *, path: str | Path, record: _Record) -> list[_Piece]:
    """Pieces of a feature's location in the order in which they are read."""
    try:
        return _located("".join(feature.location.split()), length=record.length)
    except (ValueError, RecursionError):
        raise UserError(
            f"{path}, record {record.name}: {feature.location[:60]!r} is no location of a {feature.key}: mend it"
        ) from None


def _located(text: str, *, length: int = 0) -> list[_Piece]:
    """Pieces of a location; those of other records, and sites between bases, are none.

    Parameters
    ----------
    length : bases of the record, which is circular where a location ends before it starts (SnapGene and its kin say
        ``linear`` of such, too).

    Examples
    --------
    >>> _located("complement(join(<5..9,20..30))")
    [(19, 30, '-'), (4, 9, '-')]
    """
    operator, _, rest = text.partition("(")
    if operator and rest.endswith(")"):
        inner = [piece for part in _parts(rest[:-1]) for piece in _located(part, length=length)]
        if operator != "complement":
            return inner
        return [(start, end, "-" if strand == "+" else "+") for start, end, strand in reversed(inner)]
    if ":" in text or "^" in text:
        return []
    ends = re.findall(r"\d+", text)
    start, end = int(ends[0] if ends else ""), int(ends[-1] if ends else "")
    if 0 < end < start <= length:
        return [(start - 1, length, "+"), (0, end, "+")]
    if not 0 < start <= end:
        raise ValueError
    return [(start - 1, end, "+")]


def _parts(text: str) -> list[str]:
    """Cut at the commas that stand in no brackets.

    Examples
    --------
    >>> _parts("complement(join(1..2,5..6)),9..10")
    ['complement(join(1..2,5..6))', '9..10']
    """
    depth, parts = 0, [""]
    for letter in text:
        depth += {"(": 1, ")": -1}.get(letter, 0)
        if letter == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += letter
    return parts


def _feature_lines(
    record: _Record, feature: _Feature, pieces: list[_Piece], *, number: int, of_gene: bool
) -> Iterator[str]:
    told = feature.qualifiers
    key = _FEATURES.get(feature.key, feature.key)
    text = "".join(
        f";{name}={','.join(_escaped(each) for value in told[qualifier] for each in value.split('; '))}"
        for qualifier, name in _ATTRIBUTES.items()
        if qualifier in told
    )
    name = next((told[name][0] for name in ("gene", "locus_tag", "label", "protein_id") if name in told), "")
    text += f";Name={_escaped(name)}" if name else ""
    gene = f"gene-{_escaped(feature.gene)}" if feature.gene else f"gene-{number}"
    of_gene = of_gene or key == "gene"
    if not of_gene and (key == "CDS" or key.endswith("RNA")):
        if key in _TRANSCRIPTS:
            return
        gene = f"gene-{key}-{number}"
        kind = "protein_coding" if key == "CDS" else key
        for span in _spans(pieces, length=record.length):
            yield _line(record, "gene", span, f"ID={gene};gene_biotype={kind}{text}")
        of_gene = True
    if key == "gene":
        kind = "pseudogene" if {"pseudo", "pseudogene"} & told.keys() else "gene"
        for span in _spans(pieces, length=record.length):
            yield _line(record, kind, span, f"ID={gene}{text}")
        return
    text = f"ID={key}-{number}{f';Parent={gene}' if of_gene else ''}{text}"
    if key.endswith("RNA"):
        for span in _spans(pieces, length=record.length):
            yield _line(record, key, span, text)
        key, text = "exon", f"Parent={gene}"
    first = told.get("codon_start", ["1"])[0]
    before = int(first) - 1 if first in ("1", "2", "3") else 0  # bases up to the next codon
    for piece in pieces:
        yield _line(record, key, piece, text, phase=str(before % 3) if key == "CDS" else ".")
        before -= piece[1] - piece[0]


def _crosses(piece: _Piece, after: _Piece, *, length: int) -> bool:
    """Whether two pieces, one read behind the other, are one that crosses the origin."""
    first, second = (piece, after) if piece[2] == "+" else (after, piece)
    return piece[2] == after[2] and first[1] == length > 0 == second[0]


def _spans(pieces: list[_Piece], *, length: int) -> Iterator[_Piece]:
    """From where to where pieces on one strand reach: across the origin of a sequence of `length` beyond its end, and
    each by itself where one is spliced to another from elsewhere (rps12 of chloroplasts)."""
    for strand, group in itertools.groupby(pieces, key=lambda piece: piece[2]):
        read = list(group)
        own = read if strand == "+" else read[::-1]
        (start, end, _), turn, last = own[0], 0, own[0]
        for piece in own[1:]:
            if first_turn := not turn and _crosses((*last[:2], "+"), (*piece[:2], "+"), length=length):
                turn = length
            if piece[0] < last[0] and not first_turn:
                yield start, end, strand
                (start, end, _), turn = piece, 0
            end, last = max(end, piece[1] + turn), piece
        yield start, end, strand


def _line(record: _Record, feature: str, piece: _Piece, attributes: str, *, phase: str = ".") -> str:
    start, end, strand = piece
    return f"{record.name}\tGenBank\t{feature}\t{start + 1}\t{end}\t.\t{strand}\t{phase}\t{attributes}\n"


def _unquoted(value: str) -> str:
    return value.strip('"').replace('""', '"')


def _escaped(value: str) -> str:
    """A value as an attribute of GFF3 holds it."""
    return quote(value, safe=" :/()_.'+[]*|-")
