"""Agreement of clusters with what is known, when the clustering is repeated on halves of the genome.

Density clusters hang on which windows there are: rounding alone made two of one encoder's eight. An interval that keeps
the clusters and draws windows does not see that. Here the windows of a random half of the stretches are clustered
again, twenty times. How far the values of halves lie from the value of all is its standard error (the delete-half
jackknife: Shao and Wu 1989, `Annals of Statistics 17:1176 <https://doi.org/10.1214/aos/1176347263>`_). Halves
of two encoders are the same, so that their differences are paired.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dnabert.clusters.bootstrap import LEVEL, Score
from dnabert.clusters.config import ClusterConfig, StabilityConfig
from dnabert.clusters.graph import Neighbors
from dnabert.clusters.labels import kmeans_labels
from dnabert.clusters.reduce import configured_basis
from dnabert.clusters.repeats import Run, repeat_on_subsamples
from dnabert.corpus.places import FEWEST_PLACES, gene_places

if TYPE_CHECKING:
    import pandas as pd

#: Repeats.
HALVES = 20


@dataclass(frozen=True)
class OfHalves:
    """A value of all windows, and those of halves, float64 (halves,), of so many stretches."""

    value: float
    halves: np.ndarray
    places: int | None = None

    def score(self, n: int) -> Score:
        """With its 95 % interval, between -1 and 1, over n windows."""
        low, high = bounds(self.value, self.halves, places=self.places)
        return Score(self.value, max(low, -1.0), min(high, 1.0), n)


def clustered_halves(
    vectors: np.ndarray, table: pd.DataFrame, *, config: ClusterConfig, seed: int = 0, pool: Neighbors | None = None
) -> list[Run]:
    """Cluster halves of the stretches (`gene_places`); none where there are fewer than five.

    Parameters
    ----------
    vectors : float (n, d), of the windows of the table.
    table : n windows.
    config : of the clustering of all; clusters of a half may be half as small.
    seed : of the halves.
    pool : neighbours among all, where they are known.
    """
    places = gene_places(table)
    count = int(places.max(initial=-1)) + 1
    if count < FEWEST_PLACES:
        return []
    found = repeat_on_subsamples(
        vectors,
        places,
        clustering=config,
        config=StabilityConfig(subsamples=HALVES, fraction=0.5, seed=seed),
        pool=pool,
    )
    return [dataclasses.replace(half, places=count) for half in found]


def kmeans_again(vectors: np.ndarray, halves: Sequence[Run], *, config: ClusterConfig) -> list[Run]:
    """The same halves by k-means."""
    found = []
    for half in halves:
        settings = dataclasses.replace(config, seed=half.seed)
        points = configured_basis(vectors[half.rows], settings).transform(vectors[half.rows])
        found.append(dataclasses.replace(half, labels=kmeans_labels(points, clusters=config.kmeans, seed=half.seed)[0]))
    return found


def agreement_again(
    labels: np.ndarray, halves: Sequence[Run], column: np.ndarray, *, asked: np.ndarray, clustered: bool = False
) -> OfHalves:
    """Adjusted mutual information (Vinh et al. 2010) of labels with a column, as of all windows and of halves clustered
    again.

    Parameters
    ----------
    labels : int (n,), of all windows, -1 = one more class.
    halves : from `clustered_halves`.
    column : (n,) classes.
    asked : bool (n,), windows whose class is known.
    clustered : leave out those that are in no cluster.
    """
    again = [_agreement(half.labels, column[half.rows], asked=asked[half.rows], clustered=clustered) for half in halves]
    return OfHalves(
        _agreement(labels, column, asked=asked, clustered=clustered),
        np.array(again),
        halves[0].places if halves else None,
    )


def bounds(value: float, halves: np.ndarray, *, level: float = LEVEL, places: int | None = None) -> tuple[float, float]:
    """What Student's t puts around a value, whose standard error is the root mean square of what halves differ from it.

    Parameters
    ----------
    value : of all windows.
    halves : float (halves,), of halves.
    level : of the interval.
    places : stretches that were halved. Of fewer than there are halves these tell no more than the stretches do, and
        where their number is odd the larger half is drawn, which differs from all of them by less than they err.
        Default: many.

    Examples
    --------
    >>> low, high = bounds(0.5, np.array([0.4, 0.5, 0.6]))
    >>> round(low, 2), round(high, 2)
    (0.15, 0.85)
    """
    from scipy.stats import t

    count, drawn = (
        (len(halves), 1.0) if places is None else (min(places, len(halves)), (places + 1) // 2 / (places // 2))
    )
    reach = float(t.ppf((1 + level) / 2, count - 1) * np.sqrt(drawn * np.mean((halves - value) ** 2)))
    return value - reach, value + reach


def _agreement(labels: np.ndarray, column: np.ndarray, *, asked: np.ndarray, clustered: bool) -> float:
    from sklearn.metrics import adjusted_mutual_info_score

    rows = asked & (labels >= 0) if clustered else asked
    return float(adjusted_mutual_info_score(column[rows], labels[rows])) if rows.any() else 0.0
