"""What else a gene is called: the identifiers beside the one name that a corpus gives it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from urllib.parse import unquote

from dnabert.errors import UserError, first_line

#: Kinds of name, in the order in which an identifier is looked up; `name` is the corpus's own.
KINDS = ("name", "symbol", "Ensembl id", "locus_tag", "gene_id", "GeneID", "synonym")
FILE = "gene_names.parquet"
_COLUMNS = ("gene", "kind", "name")

#: Attributes of GTF and GFF3 that name a gene, and the kind of name.
_KIND_OF = {
    "gene_name": "symbol",
    "gene_symbol": "symbol",  # GTF of FlyBase
    "Name": "symbol",
    "gene": "symbol",
    "symbol": "symbol",
    "locus": "symbol",  # WormBase
    "gene_id": "gene_id",
    "ID": "gene_id",
    "locus_tag": "locus_tag",
    "old_locus_tag": "locus_tag",
    "Dbxref": "GeneID",
    "dbxref": "GeneID",
    "db_xref": "GeneID",
    "gene_synonym": "synonym",
    "Alias": "synonym",
}
#: In the lines of a gene's parts these name the part.
_OF_THE_LINE = ("ID", "Name", "Alias")
_SEVERAL = ("Dbxref", "dbxref", "db_xref", "gene_synonym", "Alias", "old_locus_tag")
_ENSEMBL = re.compile(r"(ENS[A-Z]*G\d{11})(\.\d+)?(_PAR_Y)?")
#: What GFF3 of Ensembl ("gene:ENSG…") and NCBI ("gene-BRCA2") put before an id.
_PREFIX = re.compile(r"gene[:-]", re.IGNORECASE)
_GENE_ID = "GeneID:"

#: A gene's name in the corpus, a kind of name, and its name of that kind.
Row = tuple[str, str, str]


@dataclass(frozen=True)
class GeneNames:
    """Names of the genes of a corpus: of all genes in the files, also of those on sequences that were not cut."""

    rows: tuple[Row, ...]

    def find(self, identifier: str, *, kinds: Iterable[str] = KINDS) -> tuple[str, tuple[str, ...]] | None:
        """The first of the kinds by which an identifier names genes, and these genes as the corpus names them.

        An Ensembl id is one with its version or without.

        Examples
        --------
        >>> rows = name_rows("BRCA2", [("gene_id", "ENSG00000139618.15")])
        >>> names = GeneNames((*rows, *name_rows("F8", [("GeneID", "2157")])))
        >>> names.find("ENSG00000139618"), names.find("2157"), names.find("BRCA1")
        (('Ensembl id', ('BRCA2',)), ('GeneID', ('F8',)), None)
        """
        for kind in kinds:
            genes = self._index.get((kind, _bare(identifier) if kind == "Ensembl id" else identifier))
            if genes:
                return kind, tuple(genes)
        return None

    @cached_property
    def _index(self) -> dict[tuple[str, str], dict[str, None]]:
        found: dict[tuple[str, str], dict[str, None]] = {}
        for gene, kind, name in self.rows:
            found.setdefault((kind, name), {})[gene] = None
        return found


def name_rows(gene: str, others: Iterable[tuple[str, str]]) -> Iterator[Row]:
    """Rows of one gene: its own name and those of the others that differ from it; Ensembl ids without their version.

    Parameters
    ----------
    gene : as the corpus names it.
    others : kind and name.
    """
    yield gene, "name", gene
    for kind, name in (("gene_id", gene), *others):
        if _ENSEMBL.fullmatch(name):
            yield gene, "Ensembl id", _bare(name)
        elif name != gene:
            yield gene, kind, name


def other_names(attributes: Iterable[tuple[str, str, bool]], *, of_gene: bool) -> tuple[tuple[str, str], ...]:
    """Kind and name of whatever the attributes of a line of GTF or GFF3 call its gene.

    Parameters
    ----------
    attributes : key, value, and whether the value was quoted (GTF; a comma in it divides nothing, nor is a % an
        escape).
    of_gene : whether the line is a gene's own, and not that of a part of it.
    """
    found: dict[tuple[str, str], None] = {}
    for key, value, quoted in attributes:
        if key not in _KIND_OF or (key in _OF_THE_LINE and not of_gene):
            continue
        for name in value.split(",") if key in _SEVERAL and not quoted else [value]:
            kind = _KIND_OF[key]
            name = name.strip() if quoted else unquote(name.strip())
            if kind == "GeneID":
                name = name.removeprefix(_GENE_ID) if name.startswith(_GENE_ID) else ""
            elif kind == "gene_id":
                name = _PREFIX.sub("", name, count=1) if _PREFIX.match(name) else name
            if name:
                found[kind, name] = None
    return tuple(found)


def write_gene_names(folder: Path, rows: Iterable[Row]) -> None:
    """Write the names of a corpus's genes, each row once, beside its tables."""
    import pyarrow
    import pyarrow.parquet

    columns = zip(*dict.fromkeys(rows), strict=True)
    table = {name: pyarrow.array(values).dictionary_encode() for name, values in zip(_COLUMNS, columns, strict=True)}
    pyarrow.parquet.write_table(pyarrow.table(table), folder / FILE)


def read_gene_names(folder: Path) -> GeneNames | None:
    """Read them; none where the corpus has no genes, or is older than this file.

    Raises
    ------
    UserError
        when the file is damaged.
    """
    import pyarrow
    import pyarrow.parquet

    path = folder / FILE
    schema = pyarrow.schema([(name, "string") for name in _COLUMNS])
    if not path.exists():
        return None
    try:
        table = pyarrow.parquet.read_table(path, columns=list(_COLUMNS))
        columns = [column.to_pylist() for column in table.cast(schema).columns]
    except (OSError, KeyError, ValueError, pyarrow.ArrowException) as error:
        raise UserError(f"cannot read {path} ({first_line(error)[:200]}): prepare the corpus again") from None
    return GeneNames(tuple(zip(*columns, strict=True)))


def _bare(identifier: str) -> str:
    """An Ensembl id without its version; anything else as it is."""
    match = _ENSEMBL.fullmatch(identifier)
    return match[1] if match else identifier
