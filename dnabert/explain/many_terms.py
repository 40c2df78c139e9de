"""Terms of which there are thousands, and a cluster has a few: names of repeats, pieces of words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dnabert.explain.circle import circle_of
from dnabert.explain.circular_shift import CircularShift
from dnabert.explain.correction import add_q
from dnabert.explain.enrichment import enrichment_rows
from dnabert.explain.terms import Terms

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

    from dnabert.explain.windows import ClusteredWindows

#: A term must be in as many windows, and in this share of a cluster's, to be tested there.
LEAST, SHARE = 20, 0.1
#: Terms whose windows are held at once.
_CHUNK = 64


def many_terms_enrichment(
    windows: ClusteredWindows, holds: csr_matrix, *, column: str, names: Sequence[str], known: NDArray[np.bool_]
) -> list[dict[str, Any]]:
    """Terms that at least a tenth of a cluster's windows have, against the rest of the windows.

    Only these are tested, but ``q`` counts all that could have been: every term that 20 windows have, in every cluster
    (Benjamini-Hochberg, those not tested with p = 1).

    Parameters
    ----------
    holds : bool (n, t), whether each window has each term; sparse.
    column : what the terms belong to.
    names : of the t terms.
    known : bool (n,), as in `Terms`.

    Returns
    -------
    Rows as of `enrichment`, cluster by cluster, the largest share first.
    """
    from scipy.sparse import csr_matrix as sparse

    clusters = len(windows.clusters)
    inside = np.flatnonzero((windows.labels >= 0) & known)
    members = sparse((np.ones(len(inside), np.int64), (windows.labels[inside], inside)), shape=(clusters, len(windows)))
    count = np.asarray((members @ holds.astype(np.int64)).todense())
    size = np.bincount(windows.labels[inside], minlength=clusters)
    common = np.asarray(holds.sum(axis=0)).ravel() >= LEAST
    chosen = np.flatnonzero(common & ((count > 0) & (count >= SHARE * size[:, None])).any(axis=0))
    shift = CircularShift(windows.labels, circle_of(windows.table), clusters=clusters)
    by_term = holds.tocsc()
    rows: list[dict[str, Any]] = []
    for begin in range(0, len(chosen), _CHUNK):
        own = chosen[begin : begin + _CHUNK]
        terms = Terms(column, tuple(names[i] for i in own), by_term[:, own].toarray().astype(bool), known)
        rows += [row for row in enrichment_rows(terms, shift) if (row["share"] or 0) >= SHARE]
    add_q(rows, tests=int(common.sum()) * clusters)
    return sorted(rows, key=lambda row: (row["label"], -row["share"]))
