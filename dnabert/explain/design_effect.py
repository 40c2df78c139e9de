"""For how many independent windows a cluster's windows count, when one asks in how many of them something stands.

Neighbours are alike: the arms of a satellite, the copies of a segmental duplication and the composition of megabases
share words, and so many windows of a cluster may be one observation. The ratio of a count's variance to that of
independent draws is the survey statistician's design effect (Kish 1965); the variance here is over all rotations of the
labels along the genome, as of `CircularShift`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dnabert.explain.circle import circle_of

if TYPE_CHECKING:
    from dnabert.explain.windows import ClusteredWindows

#: Values transformed at once (float32: 16 MB).
_CELLS = 4_000_000
#: Things whose transforms are taken together: as many as a processor's vectors hold, and few enough for its cache,
#: three times as fast as one by one or forty at once.
_TOGETHER = 4
#: Things at once at least: the weights of all clusters are read for each so many (600 clusters of a million windows:
#: 2.4 GB).
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
        from scipy.fft import next_fast_len
        from scipy.sparse import csr_matrix

        n = len(labels)
        rows = np.flatnonzero((labels >= 0) & (labels < clusters))
        self.inside = csr_matrix((np.ones(len(rows), np.float32), (labels[rows], rows)), shape=(clusters, n))
        self.sizes = np.bincount(labels[rows], minlength=clusters)
        self.length = int(next_fast_len(max(2 * n - 1, 1), real=True))
        self.weights = np.empty((clusters, self.length // 2 + 1), np.float32)
        step = max(1, _CELLS // self.length)
        # hundreds of clusters of a million windows are too large for copies of all
        for begin in range(0, clusters, step):
            self.weights[begin : begin + step] = self._weights(slice(begin, begin + step))

    def _weights(self, own: slice) -> NDArray[np.float64]:
        """What the power of a thing's deviations weighs at each frequency in the variance: float64 (clusters,
        length // 2 + 1).

        A circle of n windows has any length, and transforms of one with a large prime factor take five times as long as
        those of twice as many windows. So the deviations stand alone, with zeros behind them, which keeps lags apart,
        and are weighed by the labels' covariance on the circle, laid out from lag 1 - n to n - 1.
        """
        from scipy.fft import irfft, rfft

        n = self.inside.shape[1]
        laid = np.zeros((len(self.sizes[own]), self.length))
        laid[:, :n] = self.inside[own].toarray()
        pairs = np.rint(irfft(_power(laid), self.length, axis=1)[:, :n])  # of the cluster's windows, at each lag
        pairs[:, 1:] += pairs[:, :0:-1]
        covariance = np.zeros((len(pairs), self.length))
        covariance[:, :n] = pairs - np.square(self.sizes[own].astype(np.float64))[:, None] / max(n, 1)
        covariance[:, self.length - n + 1 :] = covariance[:, n - 1 : 0 : -1]
        weights = rfft(covariance, axis=1).real / self.length
        weights[:, 1 : (self.length + 1) // 2] *= 2  # a real signal's negative frequencies are its positive ones
        return np.asarray(weights)

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
        step = max(_FEWEST, _CELLS // self.length)
        parts = [self._variance(holds[begin : begin + step]) for begin in range(0, len(holds), step)]
        variance = np.concatenate([np.zeros((len(self.weights), 0)), *parts], axis=1)
        inside = self.sizes.astype(np.float64)[:, None]
        having = holds.sum(axis=1, dtype=np.float64)
        independent = inside * (n - inside) * having * (n - having) / (n**2 * max(n - 1, 1))
        return np.maximum(1.0, variance / np.where(independent > 0, independent, np.inf))

    def _variance(self, holds: NDArray[np.bool_]) -> NDArray[np.float64]:
        n = holds.shape[1]
        power = np.empty((len(holds), self.weights.shape[1]), np.float32)
        away = np.empty((len(self.weights), len(holds)))
        around = np.zeros((_TOGETHER, self.length), np.float32)
        for begin in range(0, len(holds), _TOGETHER):
            own = slice(begin, begin + _TOGETHER)
            some = around[: len(holds[own]), :n]
            some[:] = holds[own]
            share = np.count_nonzero(holds[own], axis=1) / n
            # vector by vector, which is twice as fast as a product with a table
            away[:, own] = np.stack([self.inside @ each for each in some], axis=1) - self.sizes[:, None] * share
            some -= share.astype(np.float32)[:, None]
            power[own] = _power(around)[: len(some)]
        return np.asarray((self.weights @ power.T - np.square(away)) / max(n - 1, 1))


def _power(values: NDArray[Any]) -> NDArray[Any]:
    """Power of rows at each frequency; of float32 float32."""
    from scipy.fft import rfft

    found = rfft(values, axis=1)
    return np.asarray(np.square(found.real) + np.square(found.imag))
