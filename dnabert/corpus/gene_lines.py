"""Which genes the lines of a GTF or GFF3 file tell of: by lines of their own, by the ``gene_id`` of their parts, or by
lines of parts that stand alone."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from dnabert.corpus.feature_lines import attributes_of, parse_attributes, transcripts_of
from dnabert.corpus.gene_names import other_names

_GENES = ("gene", "pseudogene")
#: Type of a gene of which no attribute tells one.
UNTYPED = "unknown"
#: What ends so is a gene too: ncRNA_gene (Ensembl), protein_coding_gene (VEuPathDB), tRNA_gene (SGD),
#: transposable_element_gene (TAIR).
_GENE = "_gene"
#: Features that are genes where nothing says whose parts they are, and their type: Prokka, Prodigal, Bakta, tRNAscan
#: and miniprot write no lines of genes.
_ALONE = {
    "CDS": "protein_coding",
    "mRNA": "protein_coding",
    "transcript": UNTYPED,
}
#: So is every RNA (snRNA and snoRNA of SGD and Infernal).
_RNA = "RNA"
#: What a transcript's feature says of its gene's type (FlyBase writes it nowhere else) where it is not the feature
#: itself, such as tRNA or snoRNA.
_TYPE_OF = {
    "mRNA": UNTYPED,
    "lnc_RNA": "lncRNA",
    "pre_miRNA": "miRNA",
    "pseudogenic_transcript": "pseudogene",
    "pseudogene": "pseudogene",
}
#: What ends so is a transcript where it has a gene for its parent: mRNA, lnc_RNA, primary_transcript, V_gene_segment
#: (Sequence Ontology; NCBI, Ensembl); a miRNA of NCBI, whose parent is a transcript, is none.
_TRANSCRIPT = ("transcript", "RNA", "_gene_segment", "_transcript_variant")
#: GENCODE and Ensembl: where the transcript begins is not known, its first base is merely the first that was seen.
_START_NOT_FOUND = "mRNA_start_NF"
#: Lines of one gene and strand at most this many bases apart are pieces of one gene: annotation projected through
#: an alignment is broken wherever that has a gap (on chr22 of the apes, 1,123 to 1,278 lines of 767 genes).
_GAP = 100_000
#: Symbols go first: the systematic name is ``Name`` in SGD (``gene=PAU8``), Araport (``symbol=``) and WormBase
#: (``locus=``).
_NAMES = ("gene_name", "gene_symbol", "symbol", "locus", "gene", "Name", "gene_id", "ID")
#: Of parts that stand alone; Bakta's ``Name`` is the product, of which there are thousands called "hypothetical
#: protein".
_NAMES_ALONE = ("gene", "locus_tag", "Name", "ID", "transcript_id")
_TYPES = ("gene_type", "gene_biotype", "biotype", "ebi_biotype")


@dataclass
class Gene:
    """One gene; coordinates 0-based, half open."""

    start: int
    end: int
    name: str
    type: str
    strand: str
    others: tuple[tuple[str, str], ...] = ()


@dataclass
class _ByParts:
    """A gene without a line of its own: what its first line says of it, and from where to where each of its transcripts
    reaches."""

    name: str
    type: str
    others: tuple[tuple[str, str], ...]
    places: dict[str, tuple[int, int]] = field(default_factory=dict)

    def widen(self, transcript: str, *, start: int, end: int) -> None:
        first, last = self.places.get(transcript, (start, end))
        self.places[transcript] = min(first, start), max(last, end)


class GeneLines:
    """Gathers the genes of one sequence, line by line."""

    def __init__(self) -> None:
        self._declared: dict[str, Gene] = {}
        self._locus_tags: set[str] = set()
        self._by_parts: dict[tuple[str, str], _ByParts] = {}
        self._types: dict[str, str] = {}
        """By gene, what its transcripts say of its type."""
        self._starts: dict[tuple[str, str], array[int]] = {}
        """By what its transcripts call a gene, and strand: their first bases, as they are read."""
        self._keys: dict[str, str] = {}
        """By ID, genes that stand under another key."""

    def add(self, feature: str, *, start: int, end: int, strand: str, attributes: str) -> None:
        """Note what a line says of a gene, if anything: most parts in GFF3 do not name theirs, which has a line of its
        own."""
        transcript_of = _gene_of_transcript(feature, attributes)
        if transcript_of is not None:
            kind = _TYPE_OF.get(feature, feature)
            self._types[transcript_of] = UNTYPED if kind == UNTYPED else self._types.get(transcript_of, kind)
        is_gene = (feature in _GENES and transcript_of is None) or feature.endswith(_GENE)
        part_of = "Parent=" in attributes or "Derives_from=" in attributes  # a miRNA derives from its pre_miRNA
        alone = not part_of and (feature in _ALONE or feature.endswith(_RNA) or "transcript_id" in attributes)
        begins = not is_gene and strand in ("+", "-") and _begins(feature, attributes)
        if begins and "Parent=" in attributes:
            self._begin(transcripts_of(attributes), first_base(start, end, strand), strand=strand)
        if not (is_gene or alone or "gene_id" in attributes):
            return
        found = parse_attributes(attributes)
        if is_gene:
            self._declare(found, feature, Gene(start, end, name="", type="", strand=strand), attributes=attributes)
        elif found.get("gene_id"):
            if begins and "Parent=" not in attributes:
                self._begin([found["gene_id"]], first_base(start, end, strand), strand=strand)
            # its line comes first in most files: a primate has 200,000 transcripts
            if found["gene_id"] not in self._declared:
                gene = self._gene_of(found["gene_id"], strand, found, attributes=attributes)
                for transcript in transcripts_of(attributes) or [""]:
                    gene.widen(transcript, start=start, end=end)
        elif alone and (key := found.get("locus_tag") or found.get("ID") or found.get("transcript_id")):
            gene = self._gene_of(key, strand, found, attributes=attributes, alone=feature)
            gene.widen("", start=start, end=end)

    def genes(self) -> dict[str, Gene]:
        """The genes, each under its id or, where that is another's too, under the id, a tab and a number."""
        genes = dict(self._declared)
        for key, declared in genes.items():
            if declared.type == UNTYPED:
                declared.type = self._types.get(key.split("\t")[0], UNTYPED)
        for (key, strand), gene in self._by_parts.items():
            if key in self._declared or key in self._locus_tags:
                continue
            for start, end, _ in join((start, end, False) for start, end in gene.places.values()):
                unique = key if key not in genes else f"{key}\t{len(genes)}"
                kind = self._types.get(key, UNTYPED) if gene.type == UNTYPED else gene.type
                genes[unique] = Gene(start, end, name=gene.name, type=kind, strand=strand, others=gene.others)
        return genes

    def starts(self) -> dict[tuple[str, str], np.ndarray]:
        """By id of the gene and strand, where its transcripts begin: their first bases, as they are read, int64 (m,),
        ascending.

        What begins where a piece of a gene does that is not its first is broken there, and begins elsewhere (a third of
        the transcripts' lines of chimp's chr22).
        """
        found: dict[tuple[str, str], array[int]] = {}
        for (named, strand), positions in self._starts.items():
            found.setdefault((self._keys.get(named, named), strand), array("q")).extend(positions)
        for (key, strand), by_parts in self._by_parts.items():  # of a file without lines of transcripts
            if key not in self._declared and strand in ("+", "-"):
                found.setdefault(
                    (key, strand), array("q", (first_base(*at, strand) for at in by_parts.places.values()))
                )
        broken = self._broken()
        return {
            gene: np.array(sorted(set(each).difference(broken.get(gene, ()))), np.int64) for gene, each in found.items()
        }

    def _broken(self) -> dict[tuple[str, str], list[int]]:
        """By id of a gene of several lines and strand: first bases of its pieces but the first of each place."""
        lines: dict[tuple[str, str], list[tuple[int, int]]] = {}
        for key, gene in self._declared.items():
            lines.setdefault((key.split("\t")[0], gene.strand), []).append((gene.start, gene.end))
        found: dict[tuple[str, str], list[int]] = {}
        for (key, strand), spans in lines.items():
            for pieces in places_of_pieces(np.array(spans)) if len(spans) > 1 else ():
                firsts = sorted(first_base(start, end, strand) for start, end in pieces.tolist())
                found.setdefault((key, strand), []).extend(firsts[1:] if strand == "+" else firsts[:-1])
        return found

    def _begin(self, genes: Iterable[str], position: int, *, strand: str) -> None:
        """Note where a transcript begins, by what it calls its genes."""
        for gene in genes:
            self._starts.setdefault((gene, strand), array("q")).append(position)

    def _declare(self, found: Mapping[str, str], feature: str, gene: Gene, *, attributes: str) -> None:
        # an ID is of use to those that have parts
        key = found.get("gene_id") or _first_of(("ID", "locus_tag", *_NAMES), found)
        if key is None:
            return
        if found.get("ID", key) != key:
            self._keys[found["ID"]] = key
        self._locus_tags |= {found["locus_tag"]} if "locus_tag" in found else set()
        first = self._declared.get(key)
        if first is not None:  # a name used twice (Y_RNA) or a gene projected in pieces: each line is a gene of its own
            gene.name, gene.type = first.name, first.type
            self._declared[f"{key}\t{len(self._declared)}"] = gene
            return
        gene.name = _first_of(_NAMES, found) or key
        gene.type = _first_of(_TYPES, found) or (UNTYPED if feature == "gene" else feature.removesuffix(_GENE))
        gene.others = other_names(attributes_of(attributes), of_gene=True)
        self._declared[key] = gene

    def _gene_of(
        self, key: str, strand: str, found: Mapping[str, str], *, attributes: str, alone: str | None = None
    ) -> _ByParts:
        """The gene that a part with its attributes belongs to, or, where it stands `alone`, is."""
        gene = self._by_parts.get((key, strand))
        if gene is None:
            name = _first_of(_NAMES if alone is None else _NAMES_ALONE, found) or key
            kind = _first_of(_TYPES, found) or _type_alone(alone or "")
            others = other_names(attributes_of(attributes), of_gene=alone is not None)
            gene = self._by_parts[key, strand] = _ByParts(name=name, type=kind, others=others)
        return gene


def _type_alone(feature: str) -> str:
    """Type of the gene that a feature is where it stands alone."""
    if feature in _ALONE:
        return _ALONE[feature]
    return _TYPE_OF.get(feature, feature) if feature.endswith(_RNA) else UNTYPED


def _gene_of_transcript(feature: str, attributes: str) -> str | None:
    """Id of the gene of which a line is a transcript whose feature says of which type it is."""
    if not (feature.endswith(_RNA) or feature in _TYPE_OF):
        return None
    if "Parent=" in attributes:
        return next(iter(transcripts_of(attributes)), None)
    return parse_attributes(attributes).get("gene_id") if "transcript_id" in attributes else None


def _begins(feature: str, attributes: str) -> bool:
    """Whether a line is a transcript's, and tells where it begins."""
    return feature.endswith(_TRANSCRIPT) and _START_NOT_FOUND not in attributes


def first_base(start: int, end: int, strand: str) -> int:
    """Where what lies there, 0-based, half open, begins as it is read.

    Examples
    --------
    >>> first_base(10, 20, "+"), first_base(10, 20, "-")
    (10, 19)
    """
    return end - 1 if strand == "-" else start


def places_of_pieces(spans: np.ndarray) -> list[np.ndarray]:
    """Lines of one gene and strand, int64 (n, 2), n > 0, as those of each place: at most 100 kb from each other.

    Examples
    --------
    >>> [pieces.tolist() for pieces in places_of_pieces(np.array([[500_000, 500_900], [700, 900], [100, 600]]))]
    [[[100, 600], [700, 900]], [[500000, 500900]]]
    """
    spans = spans[np.argsort(spans[:, 0], kind="stable")]
    farthest = np.maximum.accumulate(spans[:, 1])
    return np.split(spans, np.flatnonzero(spans[1:, 0] > farthest[:-1] + _GAP) + 1)


def join(places: Iterable[tuple[int, int, bool]]) -> list[tuple[int, int, bool]]:
    """Join transcripts of one gene and strand (start, end, whether coding) that overlap into loci, in ascending order.

    Examples
    --------
    >>> join([(500, 600, False), (0, 90, False), (50, 120, True), (120, 130, False)])
    [(0, 120, True), (120, 130, False), (500, 600, False)]
    """
    loci: list[tuple[int, int, bool]] = []
    for start, end, is_coding in sorted(places):
        if loci and start < loci[-1][1]:
            first, reach, coding = loci.pop()
            start, end, is_coding = first, max(reach, end), coding or is_coding
        loci.append((start, end, is_coding))
    return loci


def _first_of(keys: Iterable[str], found: Mapping[str, str]) -> str | None:
    return next((found[key] for key in keys if found.get(key)), None)
