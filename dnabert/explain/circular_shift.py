"""Are labels and annotation tied, or do both merely run along the genome? Means under every circular shift."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnabert.explain.circle import Circle
from dnabert.explain.normal_quantile import Z_95
from dnabert.progress import watched

Floats = NDArray[np.float64]

#: With fewer shifts than this as extreme as what is observed, p comes from the fitted tail. Knijnenburg et al. 2009
#: (Bioinformatics 25:i161) take ten exceedances as enough for a plain count.
_FEW = 10
#: How far below 1 / shifts the fitted tail is trusted: two decades, over which it agrees with the exact tail of
#: independent windows and stays calibrated on simulated genomes (tests).
_TRUSTED = 0.01
#: Values held at once for a cluster's shifts (float64: 3 MB, which a processor's cache holds).
_CELLS = 400_000
#: Values of columns taken up at once (float64: 0.5 GB, and several copies of it): a thousand genomes are as many
#: columns.
_TAKEN = 64_000_000
#: Pairs of a cluster's windows and a column's, per slot of the circle, up to which they are counted one by one, faster
#: than by a product of transforms and as exactly.
_PAIRS = 0.5
#: What `ShiftedMeans` has of each column.
_OF_COLUMNS = ("observed", "expected", "sd", "p_greater", "p_less")


@dataclass(frozen=True)
class ShiftedMeans:
    """Means of t columns in C clusters, as observed and under every shift; all arrays float64 (C, t).

    Attributes
    ----------
    n : windows of the cluster whose value is known, (C, 1).
    observed : mean of the column over them; NaN without any.
    expected, sd : mean and standard deviation of that mean over all shifts.
    p_greater, p_less : one-sided; the observation counts among the shifts, so that p is never 0.
    shifts : number of shifts; counting resolves 1 / shifts, the fitted tail 0.01 / shifts.
    """

    n: Floats
    observed: Floats
    expected: Floats
    sd: Floats
    p_greater: Floats
    p_less: Floats
    shifts: int

    @property
    def reach(self) -> Floats:
        """Half the width of a 95 % interval of the mean: 1.96 of its standard deviations over the shifts."""
        return Z_95 * self.sd

    @property
    def p_two_sided(self) -> Floats:
        """Twice the smaller of the one-sided p, at most 1."""
        return np.minimum(1.0, 2 * np.minimum(self.p_greater, self.p_less))


class CircularShift:
    """Means of columns over clusters when the labels are moved along the circle, by every number of slots.

    Neighbouring windows are alike, and orthologous ones are near-copies: a test that takes windows for independent
    calls chance significant. A shift keeps how labels run, how annotation runs, and what is the same in all tied
    genomes; it only takes away which of them meet. All shifts of a circle are a group, so that p from counting them is
    exact for labels that run alike everywhere (circular genomic permutation: Cabrera et al. 2012, G3 2:1067). All of
    them come from products of Fourier transforms, at the cost of one transform per cluster and column.

    Where fewer than ten shifts are as extreme as the observation, p is that of a Pearson type III distribution (a gamma
    distribution moved to the mean, variance and skewness of the shifts), when it is smaller; never below 0.01 / shifts.

    Parameters
    ----------
    labels : int (n,), 0 to C - 1; others (-1) are in no cluster.
    circle : where the n windows lie.
    clusters : C; by default the largest label and one.
    """

    def __init__(self, labels: NDArray[np.integer], circle: Circle, *, clusters: int | None = None) -> None:
        self.labels = np.asarray(labels).astype(np.int64)
        self.circle = circle
        self.clusters = int(self.labels.max(initial=-1)) + 1 if clusters is None else clusters

    def means(
        self,
        values: NDArray[np.generic],
        *,
        known: NDArray[np.bool_] | None = None,
        asked: NDArray[np.bool_] | None = None,
    ) -> ShiftedMeans:
        """Observed and shifted means of columns.

        Parameters
        ----------
        values : bool or float (n, t); what stands in rows that are not known does not matter.
        known : bool (n,), windows whose value is known; by default all. A label that a shift puts on an unknown window,
            or on none, does not count in that shift's mean.
        asked : bool (C, t), which means are wanted; by default all. The others are NaN, with p = 1, and cost nothing.
        """
        step = max(1, _TAKEN // max(len(values), 1))
        if values.shape[1] > step:
            pieces = [slice(begin, begin + step) for begin in range(0, values.shape[1], step)]
            found = [
                self.means(values[:, own], known=known, asked=None if asked is None else asked[:, own])
                for own in pieces
            ]
            joined: Any = {
                name: np.concatenate([getattr(each, name) for each in found], axis=1) for name in _OF_COLUMNS
            }
            return replace(found[0], **joined)
        known = np.ones(len(self.labels), bool) if known is None else known
        integers = values.dtype.kind in "bui"
        columns = np.where(known[:, None], values, 0).astype(np.float64)
        centre = np.zeros(columns.shape[1])
        if not integers and known.any():  # sums of deviations from the mean lose fewer digits
            centre = columns[known].mean(axis=0)
            columns = np.where(known[:, None], columns - centre, 0.0)
        spectra = self._spectra(np.concatenate([columns.T, known[None].astype(np.float64)]))
        hits = None
        if values.dtype == bool:
            hits = [np.flatnonzero(column) for column in np.ascontiguousarray((values.astype(bool) & known[:, None]).T)]
        every = np.ones(columns.shape[1], bool)
        parts = [
            self._of_cluster(
                label, spectra, asked=every if asked is None else asked[label], integers=integers, hits=hits
            )
            for label in watched(range(self.clusters), "shifts along the genome")
        ]
        n, observed, expected, sd, greater, less = (
            np.array([part[i] for part in parts]).reshape(self.clusters, len(every) if i else 1) for i in range(6)
        )
        return ShiftedMeans(n, observed + centre, expected + centre, sd, greater, less, shifts=self.circle.length)

    def _spectra(self, columns: Floats) -> NDArray[np.complex128]:
        """Fourier transforms along each track, complex (t, tracks, frequencies), of float (t, n)."""
        from scipy.fft import rfft

        laid = np.zeros((len(columns), self.circle.tracks, self.circle.length))
        laid[:, self.circle.track, self.circle.slot] = columns
        return np.asarray(rfft(laid, axis=-1))

    def _of_cluster(
        self,
        label: int,
        spectra: NDArray[np.complex128],
        *,
        asked: NDArray[np.bool_],
        integers: bool,
        hits: list[NDArray[np.intp]] | None,
    ) -> tuple[Floats, ...]:
        from scipy.fft import irfft

        length = self.circle.length
        members = np.flatnonzero(self.labels == label)
        own = np.conj(self._spectra((self.labels == label)[None].astype(np.float64))[0])
        n = np.rint(irfft((own * spectra[-1]).sum(axis=0), length))
        valid = n > 0
        shifts = int(valid.sum())
        found = np.full((5, len(asked)), np.nan)
        found[3:] = 1.0
        if not n[0] or not asked.any():
            return (n[:1], *found)
        tallies = np.empty((6, len(asked)))
        few = np.zeros(len(asked), bool)
        if hits is not None:
            few = asked & (
                len(members) * np.array([len(rows) for rows in hits]) <= _PAIRS * length * self.circle.tracks
            )
            for column in np.flatnonzero(few):
                tallies[:, [column]] = self._of_few(members, hits[column], n=n, shifts=shifts)
        many = np.flatnonzero(asked & ~few)
        # all: a view, copying them would cost as much as a transform
        columns = spectra[:-1] if len(many) == len(asked) else spectra[many]
        step = max(1, _CELLS // length)
        for begin in range(0, len(many), step):
            sums = irfft(np.einsum("kf,tkf->tf", own, columns[begin : begin + step]), length, axis=-1)
            if integers:
                np.rint(sums, out=sums)
            tallies[:, many[begin : begin + step]] = _tallies((sums if valid.all() else sums[:, valid]) / n[valid])
        found[:, asked] = _tested(tallies[:, asked], shifts=shifts)
        return (n[:1], *found)

    def _of_few(self, members: NDArray[np.intp], rows: NDArray[np.intp], *, n: Floats, shifts: int) -> Floats:
        """`_tallies` of a column that is true in `rows`, from every pair of a member and such a row on one track."""
        length = self.circle.length
        slot, track = self.circle.slot, self.circle.track
        moved = [
            (slot[rows][track[rows] == own][:, None] - slot[members][track[members] == own] + length).ravel()
            for own in range(self.circle.tracks)
        ]
        turned = np.bincount(np.concatenate(moved), minlength=2 * length)
        sums = turned[:length] + turned[length:]
        met = np.append(0, 1 + np.flatnonzero(sums[1:]))
        return _tallies((sums[met] / n[met])[None], zeros=shifts - len(met))


def _tallies(means: Floats, *, zeros: int = 0) -> Floats:
    """Observed (shift 0), expected, sd, skewness, shifts with as much and with as little: float (6, t), of means float
    (t, shifts).

    Further shifts, `zeros`, have a mean of 0.
    """
    shifts = means.shape[1] + zeros
    observed, expected = means[:, 0], means.sum(axis=1) / shifts
    away = means - expected[:, None]
    sd = np.sqrt((np.einsum("ij,ij->i", away, away) + zeros * expected**2) / shifts)
    tolerance = _tolerance(expected, sd)
    greater = np.count_nonzero(means >= (observed - tolerance)[:, None], axis=1) + zeros * (observed <= tolerance)
    less = np.count_nonzero(means <= (observed + tolerance)[:, None], axis=1) + zeros * (observed >= -tolerance)
    cubes = np.einsum("ij,ij,ij->i", away, away, away) - zeros * expected**3
    skewness = cubes / shifts / np.where(sd > tolerance, sd, 1.0) ** 3
    return np.stack([observed, expected, sd, skewness, greater, less])


def _tolerance(expected: Floats, sd: Floats) -> Floats:
    return np.asarray(1e-9 * np.maximum(np.abs(expected) + sd, 1e-300))


def _tested(tallies: Floats, *, shifts: int) -> Floats:
    """Observed, expected, sd, p of greater, p of less: float (5, t)."""
    observed, expected, sd, skewness, greater, less = tallies
    z = (observed - expected) / np.where(sd > _tolerance(expected, sd), sd, 1.0)
    p_greater = _p(greater, shifts=shifts, z=z, skewness=skewness)
    p_less = _p(less, shifts=shifts, z=-z, skewness=-skewness)
    return np.stack([observed, expected, sd, p_greater, p_less])


def _p(count: Floats, *, shifts: int, z: Floats, skewness: Floats) -> Floats:
    from scipy.stats import pearson3

    p = count / shifts
    few = (count < _FEW) & (z > 0)
    if few.any():
        p[few] = np.minimum(p[few], np.maximum(pearson3.sf(z[few], skewness[few]), _TRUSTED / shifts))
    return np.asarray(p)
