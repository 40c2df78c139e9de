"""What the windows of a cluster have more or less often than the rest: terms of annotation."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dnabert.explain.circle import circle_of
from dnabert.explain.circular_shift import CircularShift
from dnabert.explain.correction import add_q
from dnabert.explain.normal_quantile import Z_95
from dnabert.explain.species import species_preference
from dnabert.explain.terms import Terms, annotation_terms

if TYPE_CHECKING:
    from dnabert.explain.windows import ClusteredWindows

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Counts:
    """2x2 tables of a cluster's windows against the rest: float64 arrays of one shape, whole numbers.

    Attributes
    ----------
    hits, n : windows of the cluster with the term, and all of known ones.
    hits_rest, n_rest : the same of the windows outside of the cluster.
    """

    hits: Floats
    n: Floats
    hits_rest: Floats
    n_rest: Floats


def enrichment(windows: ClusteredWindows, *, terms: Sequence[Terms] | None = None) -> list[dict[str, Any]]:
    """Every cluster against the rest of the windows, for every term.

    Two p-values stand side by side. ``p_fisher`` takes windows for independent draws, which they are not: neighbours
    are alike and orthologs are near-copies, so it is far too small. ``p`` compares with the labels moved along the
    genome by every number of windows, tied genomes together (`CircularShift`). The term ``genome`` of tied genomes
    cannot be tested so, because every shift has the same mixture of them; there ``p`` asks whether the cluster prefers
    a genome within its orthologous slots, with stretches of 64 slots as units (Mantel-Haenszel's score, variance from
    the stretches, Student's t).

    Parameters
    ----------
    windows : of C clusters.
    terms : by default `annotation_terms`; terms that all known windows have, or none, are left out.

    Returns
    -------
    One dict per cluster and term: ``label``, ``column``, ``term``, ``n`` (windows of which it is known), ``share``,
    ``share_rest``, ``expected`` (mean share over the shifts), ``odds_ratio`` against the rest with its 95 % interval
    ``low`` to ``high`` (`odds_ratio`; the windows count for as many as give independent windows the spread of the
    shifts), ``p``, ``p_fisher`` (two-sided, twice the smaller tail), ``q`` (Benjamini-Hochberg of ``p`` over all rows).
    None where a cluster has no window of which the term is known.
    """
    found = annotation_terms(windows) if terms is None else terms
    circle = circle_of(windows.table)
    shift = CircularShift(windows.labels, circle, clusters=len(windows.clusters))
    rows: list[dict[str, Any]] = []
    for of_column in found:
        rows += enrichment_rows(of_column, shift)
    add_q(rows)
    return rows


def enrichment_rows(terms: Terms, shift: CircularShift) -> list[dict[str, Any]]:
    """Rows of `enrichment` for the terms of one column, without ``q``; cluster by cluster."""
    hits = terms.values[terms.known].sum(axis=0)
    varied = np.flatnonzero((hits > 0) & (hits < terms.known.sum()))
    if not len(varied) or not shift.clusters:
        return []
    values = terms.values[:, varied]
    means = shift.means(values, known=terms.known)
    counts = counts_of(means.n, means.observed, hits=hits[varied], total=int(terms.known.sum()))
    p = means.p_two_sided
    sd = means.sd
    expected = means.expected
    if terms.column == "genome" and shift.circle.tracks > 1:
        p, sd, expected = species_preference(shift.labels, values, shift.circle, clusters=shift.clusters)
    ratio, low, high = odds_ratio(counts, inflation=inflation_of(counts, sd))
    fisher = fisher_p(counts)
    return [
        {
            "label": label,
            "column": terms.column,
            "term": terms.names[term],
            "n": int(counts.n[label, i]),
            "share": _share(counts.hits[label, i], of=counts.n[label, i]),
            "share_rest": _share(counts.hits_rest[label, i], of=counts.n_rest[label, i]),
            "expected": plain(expected[label, i]),
            "odds_ratio": plain(ratio[label, i]),
            "low": plain(low[label, i]),
            "high": plain(high[label, i]),
            "p": plain(p[label, i]) if counts.n[label, i] else None,
            "p_fisher": plain(fisher[label, i]) if counts.n[label, i] else None,
        }
        for label in range(shift.clusters)
        for i, term in enumerate(varied)
    ]


def _share(hits: float, *, of: float) -> float | None:
    return plain(hits / of) if of else None


def plain(value: float) -> float | None:
    """A number for JSON: None in place of NaN and infinity."""
    return float(value) if math.isfinite(value) else None


def counts_of(n: Floats, share: Floats, *, hits: NDArray[np.integer], total: int) -> Counts:
    """Tables from the cluster's size float (C, 1) and shares float (C, t), and what all windows have: int (t,) of
    `total`."""
    inside = np.rint(np.where(n > 0, share, 0.0) * n)
    whole = np.broadcast_to(n, inside.shape)
    outside = hits.astype(np.float64)[None] - inside
    return Counts(inside, whole, outside, total - whole)


def odds_ratio(counts: Counts, *, inflation: Floats | float = 1.0) -> tuple[Floats, Floats, Floats]:
    """Odds ratio and its 95 % interval (Woolf 1955) from effective counts: all cells divided by the square of
    `inflation`.

    Where a cell is empty, 0.5 is added to all four (Haldane 1956, Anscombe 1956); it is added to the effective counts,
    so that one window seen in four tied genomes counts as one.

    Examples
    --------
    >>> import numpy as np
    >>> table = Counts(*(np.array([x]) for x in (12.0, 20.0, 5.0, 30.0)))
    >>> [round(float(x[0]), 3) for x in odds_ratio(table)]
    [7.5, 2.019, 27.862]
    """
    cells = np.stack([counts.hits, counts.n - counts.hits, counts.hits_rest, counts.n_rest - counts.hits_rest])
    cells = cells / np.square(inflation) + 0.5 * (cells == 0).any(axis=0)
    log_ratio = np.log(cells[0]) - np.log(cells[1]) - np.log(cells[2]) + np.log(cells[3])
    error = np.sqrt((1 / cells).sum(axis=0))
    tested = (counts.n > 0) & (counts.n_rest > 0)
    found = [np.where(tested, np.exp(log_ratio + side * Z_95 * error), np.nan) for side in (0, -1, 1)]
    return found[0], found[1], found[2]


def fisher_p(counts: Counts) -> Floats:
    """Fisher's exact test of independent windows: twice the smaller one-sided p, at most 1; NaN without windows."""
    from scipy.stats import hypergeom

    total, hits = counts.n + counts.n_rest, counts.hits + counts.hits_rest
    greater = hypergeom.sf(counts.hits - 1, total, hits, counts.n)
    less = hypergeom.cdf(counts.hits, total, hits, counts.n)
    return np.asarray(np.minimum(1.0, 2 * np.minimum(greater, less)))


def inflation_of(counts: Counts, sd: Floats) -> Floats:
    """Ratio of the shifts' standard deviation of the share to that of independent draws; at least 1."""
    total = np.maximum(counts.n + counts.n_rest, 2)
    share = (counts.hits + counts.hits_rest) / total
    variance = share * (1 - share) / np.maximum(counts.n, 1) * counts.n_rest / (total - 1)
    return np.where(
        variance > 0, np.maximum(1.0, np.nan_to_num(sd) / np.sqrt(np.where(variance > 0, variance, 1.0))), 1.0
    )
