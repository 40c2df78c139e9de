"""Genes from GTF or GFF3 files."""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote

import numpy as np

from dnabert.corpus.blocks import open_text
from dnabert.errors import UserError

#: Parts of genes in order of priority; intron is the gene's whole span, of which the others take their part first.
GENE_PARTS = ("CDS", "UTR", "exon", "intron")

#: Feature names of GTF and GFF3 (Sequence Ontology; GENCODE, Ensembl, NCBI) that are parts of genes.
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
}
_GENES = ("gene", "pseudogene", "ncRNA_gene", "transposable_element_gene")
_ATTRIBUTE = re.compile(r'\s*([^\s;="]+)(?:\s*=\s*|\s+)("[^"]*"|[^;]*)\s*(?:;|$)')
_NAMES = ("gene_name", "Name", "gene", "gene_id", "ID")
_TYPES = ("gene_type", "gene_biotype", "biotype")


@dataclass(frozen=True)
class Genes:
    """Genes of one genome, by sequence; coordinates 0-based, half open."""

    parts: dict[str, dict[str, np.ndarray]]
    """By sequence and part (`GENE_PARTS`): int64 (n, 2), which may overlap."""
    spans: dict[str, np.ndarray]
    """By sequence: int64 (n, 2), from a gene's first to its last base."""
    names: dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]]
    """By sequence: name, type and strand of the genes, object (n,) each, in the order of `spans`."""

    @property
    def chroms(self) -> list[str]:
        """Names of the sequences, in the file's order."""
        return list(self.parts)


@dataclass
class _Gene:
    start: int
    end: int
    name: str
    type: str
    strand: str
    declared: bool = False


@dataclass
class _Sequence:
    parts: dict[str, array[int]] = field(default_factory=lambda: {part: array("q") for part in GENE_PARTS})
    genes: dict[str, _Gene] = field(default_factory=dict)


def read_genes(path: str | Path) -> Genes:
    """Read genes from a GTF or GFF3 file, gzip or not.

    A gene spans its ``gene`` line where the file has one, else all lines of its ``gene_id``. Several ``gene`` lines
    of one id (a name that several loci bear, a gene projected through an alignment in pieces) are a gene each.
    Where a file names no UTR (NCBI), the exons outside the CDS count as ``exon``.

    Raises
    ------
    UserError
        when a line has fewer than nine columns or no coordinates.
    """
    sequences: dict[str, _Sequence] = {}
    for chrom, feature, start, end, strand, attributes in _lines(path):
        sequence = sequences.setdefault(chrom, _Sequence())
        part = _PART_OF.get(feature)
        if part is not None:
            sequence.parts[part].extend((start, end))
        _add_to_gene(sequence.genes, feature, start=start, end=end, strand=strand, attributes=attributes)
    spans, names = {}, {}
    for chrom, sequence in sequences.items():
        genes = list(sequence.genes.values())
        spans[chrom] = np.array([(gene.start, gene.end) for gene in genes], np.int64).reshape(-1, 2)
        columns = zip(*((gene.name, gene.type, gene.strand) for gene in genes), strict=True) if genes else ((), (), ())
        first, second, third = (np.array(column, object) for column in columns)
        names[chrom] = (first, second, third)
        sequence.parts["intron"].extend(spans[chrom].ravel().tolist())
    parts = {
        chrom: {part: np.array(values, np.int64).reshape(-1, 2) for part, values in sequence.parts.items()}
        for chrom, sequence in sequences.items()
    }
    return Genes(parts=parts, spans=spans, names=names)


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
    for match in _ATTRIBUTE.finditer(text):
        key, value = match.groups()
        quoted = value.startswith('"')
        found.setdefault(key, value[1:-1] if quoted else unquote(value.strip()))
    return found


def _lines(path: str | Path) -> Iterator[tuple[str, str, int, int, str, str]]:
    with open_text(path) as file:
        for number, line in enumerate(file, start=1):
            if line.startswith("##FASTA"):
                return
            if line.startswith("#") or not line.strip():
                continue
            fields = line.rstrip("\r\n").split("\t")
            try:
                chrom, _, feature, first, last, _, strand, _, attributes = fields[:9]
                start, end = int(first) - 1, int(last)
                if not 0 <= start < end:
                    raise ValueError
            except ValueError:
                raise UserError(
                    f"{path}, line {number} is neither GTF nor GFF3 ({line.strip()[:60]!r}): nine columns, "
                    "tab-separated, start and end counted from 1"
                ) from None
            yield chrom, feature, start, end, strand, attributes


def _add_to_gene(genes: dict[str, _Gene], feature: str, *, start: int, end: int, strand: str, attributes: str) -> None:
    """Note a gene's line, or widen the gene that a line of GTF belongs to and that has no line of its own."""
    is_gene = feature in _GENES
    if not is_gene and "gene_id" not in attributes:
        return  # a part in GFF3: its gene has a line of its own
    found = parse_attributes(attributes)
    key = found.get("gene_id") or found.get("ID")
    if key is None:
        return
    gene = genes.get(key)
    if gene is None or (is_gene and not gene.declared):
        kind = next((found[name] for name in _TYPES if name in found), "unknown")
        name = next((found[name] for name in _NAMES if name in found), key)
        genes[key] = _Gene(start, end, name=name, type=kind, strand=strand, declared=is_gene)
    elif is_gene:  # a name used twice (Y_RNA) or a gene projected in pieces: each line is a gene of its own
        genes[f"{key}\t{len(genes)}"] = _Gene(start, end, name=gene.name, type=gene.type, strand=strand, declared=True)
    elif not gene.declared:
        gene.start, gene.end = min(gene.start, start), max(gene.end, end)
