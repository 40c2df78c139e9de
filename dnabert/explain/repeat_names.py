"""Names of repeats (AluY, L1PA3) that a cluster has more often than other windows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from dnabert.explain.circular_shift import CircularShift, circle_of
from dnabert.explain.correction import add_q
from dnabert.explain.enrichment import enrichment_rows
from dnabert.explain.terms import Terms

if TYPE_CHECKING:
    from dnabert.explain.windows import ClusteredWindows

COLUMN = "repeat_name"
#: A name must be in as many windows, and in this share of a cluster's, to be tested there.
LEAST, SHARE = 20, 0.1
_UNKNOWN = "unknown"
#: Names whose windows are held at once.
_CHUNK = 64


def repeat_name_enrichment(windows: ClusteredWindows) -> list[dict[str, Any]]:
    """Names of repeats that at least a tenth of a cluster's windows have, against the rest of the windows.

    A genome has 15,000 names of repeats, of which a cluster has a few. Only these are tested, but ``q`` counts all that could
    have been: every name that 20 windows have, in every cluster (Benjamini-Hochberg, those not tested with p = 1).

    Parameters
    ----------
    windows : the name of a window is that of its column ``repeat_name``; without the column, or where no file names
        repeats, there are no rows.

    Returns
    -------
    Rows as of `enrichment`, with the column ``repeat_name``, cluster by cluster.
    """
    table, clusters = windows.table, len(windows.clusters)
    if COLUMN not in table or not clusters:
        return []
    codes, index = table[COLUMN].astype(str).factorize(sort=True)
    names = [str(name) for name in index]
    known = (table[COLUMN] != _UNKNOWN).to_numpy()
    common = (np.bincount(codes, minlength=len(names)) >= LEAST) & np.array([name not in ("", _UNKNOWN) for name in names], bool)
    inside = windows.labels >= 0
    count = np.bincount(windows.labels[inside] * len(names) + codes[inside], minlength=clusters * len(names)).reshape(clusters, -1)
    size = np.bincount(windows.labels[inside & known], minlength=clusters)
    chosen = np.flatnonzero(common & ((count > 0) & (count >= SHARE * size[:, None])).any(axis=0))
    shift = CircularShift(windows.labels, circle_of(table), clusters=clusters)
    rows: list[dict[str, Any]] = []
    for begin in range(0, len(chosen), _CHUNK):
        own = chosen[begin : begin + _CHUNK]
        terms = Terms(COLUMN, tuple(names[i] for i in own), codes[:, None] == own, known)
        rows += [row for row in enrichment_rows(terms, shift) if (row["share"] or 0) >= SHARE]
    add_q(rows, tests=int(common.sum()) * clusters)
    return sorted(rows, key=lambda row: (row["label"], -row["share"]))
