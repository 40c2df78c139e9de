"""For how many independent windows a cluster's windows count, when one asks in how many of them something stands.

Neighbours are alike: the arms of a satellite, the copies of a segmental duplication and the composition of megabases
share words, and so many windows of a cluster may be one observation. The ratio of a count's variance to that of
independent draws is the survey statistician's design effect (Kish 1965); the variance here is over all rotations of the
labels along the genome, as of `CircularShift`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dnabert.explain.circle import circle_of

if TYPE_CHECKING:
    from dnabert.explain.windows import ClusteredWindows

#: Values transformed at once (float32: 16 MB).
_CELLS = 4_000_000
#: Things at once at least: the power of all clusters is read for each so many (600 clusters of a million windows: 2.4
#: GB).
_FEWEST = 16


def along_genome(windows: ClusteredWindows) -> NDArray[np.int64] | None:
    """Rank of each window along the genome (`circle_of`), tied genomes together: int64 (n,), 0 to n - 1; None without
    coordinates."""
    if "start" not in windows.table:
        return None
    slot = circle_of(windows.table).slot
    rank = np.empty(len(slot), dtype=np.int64)
    rank[np.argsort(slot, kind="stable")] = np.arange(len(slot))
    return rank


class DesignEffect:
    """Design effects of counts in clusters.

    Parameters
    ----------
    labels : int (n,), cluster of each window in order along the genome, 0 to C - 1; others (-1) are in no cluster.
    clusters : C.
    """

    def __init__(self, labels: NDArray[np.integer], *, clusters: int) -> None:
        from scipy.sparse import csr_matrix

        n = len(labels)
        rows = np.flatnonzero((labels >= 0) & (labels < clusters))
        self.inside = csr_matrix((np.ones(len(rows), np.float32), (labels[rows], rows)), shape=(clusters, n))
        self.sizes = np.bincount(labels[rows], minlength=clusters)
        self.power = np.empty((clusters, n // 2 + 1))
        step = max(1, _CELLS // max(n, 1))
        # hundreds of clusters of a million windows are too large for copies of all
        for begin in range(0, clusters, step):
            self.power[begin : begin + step] = _power(self.inside[begin : begin + step].toarray())
        self.power[:, 0] = 0  # the mean
        self.power[:, 1 : (len(labels) + 1) // 2] *= 2  # a real signal's negative frequencies are its positive ones

    def of(self, holds: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Variance of each cluster's count over all rotations of its labels but none, over that of independent draws;
        at least 1.

        The labels as they are do not enter: what they have in common with the genome is what is asked.

        Parameters
        ----------
        holds : bool (t, n), whether each window, in order along the genome, has each of t things.

        Returns
        -------
        float64 (C, t).

        Examples
        --------
        >>> labels, holds = np.array([0, 0, -1, -1, -1, -1]), np.array([[False, True, True, True, False, False]])
        >>> DesignEffect(labels, clusters=1).of(holds).round(3).tolist()  # counts are 1, and 2, 2, 1, 0, 0
        [[2.0]]
        """
        n = holds.shape[1]
        step = max(_FEWEST, _CELLS // max(n, 1))
        parts = [self._variance(holds[begin : begin + step]) for begin in range(0, len(holds), step)]
        variance = np.concatenate([np.zeros((len(self.power), 0)), *parts], axis=1)
        inside, having = self.sizes.astype(np.float64)[:, None], holds.sum(axis=1, dtype=np.float64)
        independent = inside * (n - inside) * having * (n - having) / (n**2 * max(n - 1, 1))
        return np.maximum(1.0, variance / np.where(independent > 0, independent, np.inf))

    def _variance(self, holds: NDArray[np.bool_]) -> NDArray[np.float64]:
        n = holds.shape[1]
        having = holds.astype(np.float32)
        away = self.inside @ having.T - (self.sizes.astype(np.float32) / np.float32(n))[:, None] * having.sum(axis=1)
        return np.asarray((self.power @ _power(having).T / n - np.square(away)) / max(n - 1, 1))


def _power(values: NDArray[np.float32]) -> NDArray[np.float64]:
    """Power of rows at each frequency."""
    from scipy.fft import rfft

    return np.square(np.abs(rfft(values, axis=1))).astype(np.float64)
