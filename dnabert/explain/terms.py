"""What is known of windows as terms: for every window yes, no, or unknown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

    from dnabert.explain.windows import ClusteredWindows

Bools = NDArray[np.bool_]

_REGIONS = ("CDS", "UTR", "exon", "intron", "intergenic")
#: Columns whose every value is a term.
_CLASSES = ("gene_type", "repeat_class", "genome", "split")
#: A window counts as soft-masked when more than half of its bases are lower case.
_SOFT_MASKED = 0.5


@dataclass(frozen=True)
class Terms:
    """The t terms of one column of annotation.

    Attributes
    ----------
    column : what the terms belong to: ``region``, ``gene_type``, a track's name.
    names : of the t terms.
    values : bool (n, t), whether a window has the term.
    known : bool (n,), whether that is known of a window; others count neither in the cluster nor in the rest.
    """

    column: str
    names: tuple[str, ...]
    values: Bools
    known: Bools


def annotation_terms(windows: ClusteredWindows) -> list[Terms]:
    """Terms of the corpus's own columns; a column that is absent or unknown everywhere is left out.

    ``region``: the window shares at least one base with CDS, UTR, exon, intron, intergenic sequence, so that several
    can hold; ``main_region``: the one of them with the most bases of the window. ``gene_type``: type of the gene with
    the largest overlap, or ``intergenic``. ``gene_strand``: ``sense`` when the window is read on the strand of its gene
    (known within genes only). ``repeat_class``: the class with the largest share, ``none`` below 10 % of repeat.
    ``cpg_island``: at least one base. ``soft_masked``: more than half of the bases. ``genome`` and ``split``: where the
    window is from.
    """
    table = windows.table
    found = [
        _regions(table),
        _classes(table, "region", called="main_region"),
        *(_classes(table, column) for column in _CLASSES),
        _sense(table),
    ]
    found.append(_share(table, "cpg_island", term="CpG island", above=0.0))
    found.append(_share(table, "soft_masked", term="mostly soft-masked", above=_SOFT_MASKED))
    return [terms for terms in found if terms is not None and terms.known.any() and terms.names]


def _regions(table: pd.DataFrame) -> Terms | None:
    columns = [name.lower() for name in _REGIONS]
    if not set(columns) <= set(table):
        return None
    shares = table[columns].to_numpy()
    return Terms("region", _REGIONS, shares > 0, ~np.isnan(shares).any(axis=1))


def _classes(table: pd.DataFrame, column: str, *, called: str | None = None) -> Terms | None:
    if column not in table:
        return None
    codes, names = table[column].astype(str).factorize(sort=True)
    values = codes[:, None] == np.arange(len(names))
    kept = [i for i, name in enumerate(names) if name != "unknown"]
    known = values[:, kept].any(axis=1)
    return Terms(called or column, tuple(str(names[i]) for i in kept), values[:, kept], known)


def _sense(table: pd.DataFrame) -> Terms | None:
    if "gene_strand" not in table or "strand" not in table:
        return None
    gene = table["gene_strand"].to_numpy()
    known = np.isin(gene, ("+", "-"))
    return Terms("gene_strand", ("sense",), (gene == table["strand"].to_numpy())[:, None], known)


def _share(table: pd.DataFrame, column: str, *, term: str, above: float) -> Terms | None:
    if column not in table:
        return None
    share = table[column].to_numpy()
    return Terms(column, (term,), (share > above)[:, None], ~np.isnan(share))
