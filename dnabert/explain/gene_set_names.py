"""Gene sets put into the names of the corpus's genes, whichever identifier their file uses."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from dnabert.corpus.gene_names import KINDS, GeneNames, name_rows
from dnabert.explain.gene_set_file import GeneSets
from dnabert.explain.gene_sets import genes_of

if TYPE_CHECKING:
    from dnabert.explain.windows import ClusteredWindows

#: What a symbol was called once: many are the symbol of another gene today.
_SYNONYM = "synonym"
_CERTAIN = tuple(kind for kind in KINDS if kind != _SYNONYM)


@dataclass(frozen=True)
class NameMatch:
    """By which names the genes of a GMT file were found among those of the windows."""

    kinds: dict[str, int]
    """Identifiers of the file that name a gene of the windows, by kind of name; the most first."""
    ambiguous: tuple[str, ...]
    """Identifiers that several genes bear, at least one of them a gene of the windows; left out."""

    def describe(self) -> str:
        """By what the genes were found, and what is left out.

        Examples
        --------
        >>> NameMatch({"Ensembl id": 180, "name": 2}, ("7",)).describe()
        'found by Ensembl id (name: 2); left out: 1 identifier that several genes bear (7)'
        """
        first, *rest = self.kinds or {"no name": 0}
        told = f"found by {first}" + (
            f" ({', '.join(f'{kind}: {self.kinds[kind]:,}' for kind in rest)})" if rest else ""
        )
        if self.ambiguous:
            n = len(self.ambiguous)
            shown = ", ".join([*self.ambiguous[:3], *(["…"] if n > 3 else [])])
            told += f"; left out: {n:,} identifier{'s' if n > 1 else ''} that several genes bear ({shown})"
        return told


def named_as_windows(windows: ClusteredWindows, sets: GeneSets) -> tuple[GeneSets, NameMatch]:
    """Gene sets with the names that the windows' genes have, and how these were found.

    An identifier is the gene whose name in the corpus it is, else the one whose symbol, Ensembl id (whatever its
    version), locus_tag, gene_id or Entrez GeneID it is, in this order. Synonyms count only where they find more
    genes of the windows than all of these do: a synonym of one gene is often the symbol of another. What names
    several genes is left out. What names none stays as it is.

    Raises
    ------
    UserError
        when the windows have no column ``gene``.
    """
    own = set(genes_of(windows)[1])
    rows = () if windows.gene_names is None else windows.gene_names.rows
    names = GeneNames((*rows, *(row for gene in own for row in name_rows(gene, ()))))
    identifiers = sorted(frozenset().union(*sets.genes))
    found, match = _match(names, identifiers, own=own, kinds=_CERTAIN)
    by_synonym = _match(names, identifiers, own=own, kinds=KINDS)
    if by_synonym[1].kinds.get(_SYNONYM, 0) > sum(match.kinds.values()):
        found, match = by_synonym
    renamed = tuple(
        frozenset(name for gene in genes if (name := found.get(gene, gene)) is not None) for genes in sets.genes
    )
    return replace(sets, genes=renamed), match


def _match(
    names: GeneNames, identifiers: Sequence[str], *, own: set[str], kinds: Sequence[str]
) -> tuple[dict[str, str | None], NameMatch]:
    """Gene of each identifier that names any, None where it names several; and the counts."""
    found: dict[str, str | None] = {}
    counts: Counter[str] = Counter()
    for identifier in identifiers:
        kind, genes = names.find(identifier, kinds=kinds) or ("", ())
        if genes:
            found[identifier] = genes[0] if len(genes) == 1 else None
            counts[kind] += len(genes) == 1 and genes[0] in own
    ambiguous = tuple(
        each
        for each, gene in found.items()
        if gene is None and own & set((names.find(each, kinds=kinds) or ("", ()))[1])
    )
    return found, NameMatch({kind: count for kind, count in counts.most_common() if count}, ambiguous)
