"""Does a window have its relatives beside it? What BLAST aligns, as a question to vectors that needs no annotation."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dnabert.clusters.bootstrap import Score
from dnabert.clusters.ladder import places_of
from dnabert.corpus.places import places_apart
from dnabert.encoders.nearest import Places, nearest_other
from dnabert.explain.blast import blast

if TYPE_CHECKING:
    from dnabert.explain.windows import ClusteredWindows

#: Windows that are aligned with each other: a hundred seconds of a core where a tenth of the sequence is one element.
SAMPLE = 2_500
#: Neighbours that are looked at: the first for any family, ten for families of at most so large a share of the windows
#: that ten windows drawn at random would seldom hold a relative.
_NEIGHBORS = 10
_RARE = 0.01
#: Fewer windows than this answer for nothing.
_FEWEST = 30

FIRST, RARE = "knn1_relatives", "knn10_rare_relatives"


@dataclass(frozen=True)
class Relatives:
    """A sample of the windows, and which of them are relatives.

    Attributes
    ----------
    rows : int64 (m,), ascending, rows of the sample among all windows.
    aligned : bool (m, m), symmetric: BLAST aligns the two, and they are neither of one place nor overlapping.
    places : where the sampled windows lie.
    groups : int64 (m,), the place of each, as `places_apart` numbers them: what intervals draw whole.
    """

    rows: NDArray[np.int64]
    aligned: NDArray[np.bool_]
    places: Places
    groups: NDArray[np.int64]

    @cached_property
    def asked(self) -> dict[str, NDArray[np.int64]]:
        """Sampled windows that each measure asks, int64 (q,); a measure with fewer than thirty is left out."""
        number = self.aligned.sum(axis=1)
        found = {FIRST: np.flatnonzero(number), RARE: np.flatnonzero((number > 0) & (number <= _RARE * len(number)))}
        return {name: rows for name, rows in found.items() if len(rows) >= _FEWEST}

    def groups_of(self, measure: str) -> NDArray[np.int64]:
        """Place of each window that a measure asks, int64 (q,)."""
        return self.groups[self.asked[measure]]

    def hits(self, vectors: NDArray[np.floating], *, as_they_are: bool = False) -> dict[str, NDArray[np.bool_]]:
        """Whether windows have a relative beside them.

        Parameters
        ----------
        vectors : float (n, d) of all windows; the sampled ones are compared among themselves, as `nearest_other` does.
        as_they_are : as of `nearest_other`.

        Returns
        -------
        ``knn1_relatives`` : of windows that have a relative, whether the nearest one is; ``knn10_rare_relatives`` : of
            windows with
        relatives in at most one in a hundred, whether one is among the ten nearest. bool (q,) each, as `asked`.
        """
        nearest = nearest_other(vectors[self.rows], self.places, k=_NEIGHBORS, as_they_are=as_they_are)
        kin = self.aligned[np.arange(len(nearest))[:, None], nearest] & (nearest >= 0)
        found = {FIRST: kin[:, 0], RARE: kin.any(axis=1)}
        return {name: found[name][rows] for name, rows in self.asked.items()}

    def chance(self) -> dict[str, Score]:
        """What windows drawn at random would reach: ``chance_relatives``, ``chance_rare_relatives``."""
        share = self.aligned.sum(axis=1) / max(1, len(self.aligned) - 1)
        found = {}
        for name, rows in self.asked.items():
            draws = 1 if name == FIRST else _NEIGHBORS
            value = float((1 - (1 - share[rows]) ** draws).mean())
            found["chance_" + name.split("_", 1)[1]] = Score(value, value, value, len(rows))
        return found


def relatives(
    windows: ClusteredWindows, *, sample: int = SAMPLE, e_value: float = 1e-5, threads: int = 1, seed: int = 0
) -> Relatives:
    """Align a sample of the windows with each other.

    Parameters
    ----------
    windows : n windows.
    sample : windows at most, drawn at random; the time grows with the square.
    e_value, threads : of `blast` (``blastn``, words of 11).
    seed : of the draw.

    Raises
    ------
    UserError
        when BLAST+ is not installed.
    """
    rows = np.sort(np.random.default_rng((seed, 7)).permutation(len(windows))[:sample]).astype(np.int64)
    bases = windows.sequences(rows)
    table = windows.table.iloc[rows].reset_index(drop=True)
    hits = blast(bases, bases, e_value=e_value, most_subjects=max(5, len(rows)), best_only=True, threads=threads)
    aligned = np.zeros((len(rows), len(rows)), dtype=bool)
    aligned[hits["query"], hits["subject"]] = True
    aligned |= aligned.T  # a pair near the threshold may be found from one side only
    places = places_of(table)
    return Relatives(rows, aligned & ~places.same(np.arange(len(rows))), places, places_apart(table))
