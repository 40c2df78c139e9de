"""Does a cluster prefer one of several tied genomes, place by place?"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dnabert.explain.circle import Circle

Floats = NDArray[np.float64]

#: Slots that stand or fall together: 64 windows of 448 bp are 29 kb, beyond which few insertions and alignment gaps of
#: apes reach.
STRETCH = 64


def species_preference(
    labels: NDArray[np.int64], genomes: NDArray[np.bool_], circle: Circle, *, clusters: int, stretch: int = STRETCH
) -> tuple[Floats, Floats, Floats]:
    """Compare the genomes of a cluster's windows with those of all windows of the same orthologous slots.

    Under the null the windows of a slot are exchangeable among its genomes. Observed less expected counts (as Mantel
    and Haenszel's, 1959) are summed over stretches of slots; the variance is that of the stretches, because species
    differ in runs, and the score is held against Student's t with one degree of freedom less than there are stretches.

    Parameters
    ----------
    labels : int (n,), 0 to C - 1; others are in no cluster.
    genomes : bool (n, t), one column per genome.
    circle : slots that tied genomes share.
    clusters : C.
    stretch : slots per stretch.

    Returns
    -------
    p, sd, expected : float64 (C, t): two-sided p (1 where a cluster informs in fewer than two stretches), standard
        deviation of the cluster's share of a genome, and the share that the cluster's slots have.
    """
    from scipy.stats import t as student

    size = np.bincount(circle.slot, minlength=circle.length)[circle.slot]
    member = (labels >= 0) & (labels < clusters)
    n = np.bincount(labels[member], minlength=clusters)
    stretches = circle.length // stretch + 1
    cell = labels[member] * stretches + circle.slot[member] // stretch
    p, sd, expected = np.ones((3, clusters, genomes.shape[1]))
    for i, genome in enumerate(genomes.T):
        share = (np.bincount(circle.slot, weights=genome, minlength=circle.length)[circle.slot] / size)[member]
        excess = genome[member] - share
        units = np.bincount(cell, weights=excess, minlength=clusters * stretches).reshape(clusters, stretches)
        spread = np.sqrt((units**2).sum(axis=1))
        informative = (np.abs(units) > 1e-9).sum(axis=1)
        tested = informative > 1
        score = np.abs(units.sum(axis=1))[tested] / spread[tested]
        p[tested, i] = 2 * student.sf(score, informative[tested] - 1)
        sd[:, i] = spread / np.maximum(n, 1)
        expected[:, i] = np.bincount(labels[member], weights=share, minlength=clusters) / np.maximum(n, 1)
    return p, sd, expected
