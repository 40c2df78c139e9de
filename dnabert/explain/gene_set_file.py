"""Named sets of genes (GO terms, pathways), read from GMT files."""

from __future__ import annotations

import difflib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from dnabert.corpus.blocks import open_text
from dnabert.errors import UserError


@dataclass(frozen=True)
class GeneSets:
    """Named sets of genes, as a GMT file names them."""

    path: str
    ids: tuple[str, ...]
    names: tuple[str, ...]
    genes: tuple[frozenset[str], ...]

    def __repr__(self) -> str:
        """What it is, in a line: the last value of a notebook's cell is shown."""
        return f"GeneSets({len(self.ids):,} sets of {self.path!r})"

    def find(self, name: str) -> int:
        """Index of a set by its id or its name; case, and a prefix such as ``CC:``, do not matter.

        Raises
        ------
        UserError
            when there is none, with the names that come close.
        """
        wanted = name.casefold().strip()
        ids = [set_id.casefold() for set_id in self.ids]
        names = [set_name.casefold() for set_name in self.names]
        bare = [set_name.split(": ", 1)[-1] for set_name in names]
        for candidates in (self.ids, ids, names, bare):
            for text in (name, wanted):
                if text in candidates:
                    return candidates.index(text)
        near = difflib.get_close_matches(wanted, [*bare, *ids], n=3)
        mend = "give an id or a name from its first two columns"
        if near:
            mend = f"did you mean {', '.join(map(repr, near))}?"
        raise UserError(f"{self.path} has no gene set {name!r}: {mend}")


def read_gene_sets(path: str | Path) -> GeneSets:
    """Read a GMT file, gzip or not: id, description, genes, separated by tabs.

    A set is called by its description; by its id where that is empty, ``na`` or the address of a page, as in MSigDB's
    files.

    Raises
    ------
    UserError
        when the file cannot be read, a line has no gene, an id stands twice, or there is no set.
    """
    ids: list[str] = []
    names: list[str] = []
    genes: list[frozenset[str]] = []
    with open_text(path) as file:
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            first, *rest = line.rstrip("\r\n").split("\t")
            own = frozenset(gene for gene in rest[1:] if gene)
            if not first or not own:
                raise UserError(
                    f"{path}, line {number} is no gene set ({line.strip()[:60]!r}): "
                    "id, description, genes, tab-separated"
                )
            ids.append(first)
            no_name = rest[0].lower() in ("", "na") or rest[0].startswith(("http://", "https://"))
            names.append(first if no_name else rest[0])
            genes.append(own)
    if not ids:
        raise UserError(f"{path} holds no gene set: give another GMT file")
    if len(set(ids)) < len(ids):
        raise UserError(f"{path} has two gene sets called {Counter(ids).most_common(1)[0][0]!r}: give each its own id")
    return GeneSets(str(path), tuple(ids), tuple(names), tuple(genes))
