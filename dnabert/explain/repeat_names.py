"""Names of repeats (AluY, L1PA3) that a cluster has more often than other windows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from dnabert.explain.many_terms import many_terms_enrichment

if TYPE_CHECKING:
    from dnabert.explain.windows import ClusteredWindows

COLUMN = "repeat_name"
_UNKNOWN = "unknown"


def repeat_name_enrichment(windows: ClusteredWindows) -> list[dict[str, Any]]:
    """Names of repeats against the rest of the windows, of the 15,000 that a genome has those that many of a cluster
    have: see `many_terms_enrichment`.

    Parameters
    ----------
    windows : the name of a window is that of its column ``repeat_name``; without the column, or where no file names
        repeats, there are no rows.

    Returns
    -------
    Rows as of `enrichment`, with the column ``repeat_name``, cluster by cluster.
    """
    from scipy.sparse import csr_matrix

    table = windows.table
    if COLUMN not in table or not len(windows.clusters):
        return []
    codes, names = table[COLUMN].astype(str).factorize(sort=True)
    named = np.flatnonzero(~table[COLUMN].isin(["", _UNKNOWN]).to_numpy())
    holds = csr_matrix((np.ones(len(named), bool), (named, codes[named])), shape=(len(table), len(names)))
    known = (table[COLUMN] != _UNKNOWN).to_numpy()
    return many_terms_enrichment(windows, holds, column=COLUMN, names=[str(name) for name in names], known=known)
