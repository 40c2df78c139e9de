"""From named sequences to the rows of the table: read, encode, place, explain."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dnabert.clusters.assignment_table import COLUMNS, EXEMPLARS, of_different_groups, shown_windows
from dnabert.clusters.calibration import lowest_allowed
from dnabert.clusters.clustering import load_clusters
from dnabert.clusters.config import AssignConfig
from dnabert.clusters.membership import Placement
from dnabert.clusters.prepared import load_prepared
from dnabert.corpus.pieces import Piece, table_of, unreadable
from dnabert.errors import UserError

if TYPE_CHECKING:
    import pandas as pd

    from dnabert.corpus.records import Record

#: From so many windows' lengths on, one vector for the whole is a mixture.
_MIXTURE = 2.0
#: Members looked through for exemplars of different places: orthologs of one place would fill the list.
_NEAR_MEMBERS = 12


class Placer:
    """Places sequences among the clusters of a folder.

    Parameters
    ----------
    folder : clusters folder.
    config : see `AssignConfig`.

    Attributes
    ----------
    threshold : probability from which a cluster is accepted; None where no cluster takes in anything.
    held_out : the operating point of that threshold, see `operating_points`; None with it.
    fitted_share : of the clusters' windows, those on which the encoder was fitted.

    Raises
    ------
    UserError
        when the folder holds nothing for new sequences, the encoder is gone, or the allowed error cannot be kept.
    """

    def __init__(self, folder: str | Path, *, config: AssignConfig) -> None:
        from dnabert.encoders import load_recorded

        clusters = load_clusters(folder)
        self.prepared = load_prepared(folder)
        self._membership = self.prepared.membership
        self.threshold, self.held_out = _threshold(self._membership.held_out["operating_points"], error=config.error)
        self.fitted_share = float(self.prepared.encoder.get("fitted_share", 0.0))
        self._encoder = load_recorded(
            self.prepared.encoder,
            folder=folder,
            batch_size=config.batch_size,
            device=config.device,
            trust_code=config.trust_code,
        )
        self._basis = clusters.basis
        if self._encoder.dimension != len(self._basis.mean):
            raise UserError(
                f"{self._encoder.name} gives {self._encoder.dimension} numbers, the vectors behind {folder} have "
                f"{len(self._basis.mean)}: embed and cluster again"
            )
        self._tile = config.tile
        self._shown = shown_windows(clusters.table)

    def table(self, records: Iterable[Record]) -> pd.DataFrame:
        """One row per record or tile, in order, with the columns of `assign`."""
        return table_of(
            records, self._rows, window=self.prepared.window if self._tile else None, description=self._encoder.name
        )

    def _rows(self, pieces: list[Piece]) -> pd.DataFrame:
        import pandas as pd

        names, starts, bases = (list(column) for column in zip(*pieces, strict=True))
        notes = [unreadable(piece, least=self._encoder.minimum_length) for piece in bases]
        lengths = np.array([len(piece) for piece in bases])
        blank: dict[str, Any] = {f"exemplar_{i + 1}": "" for i in range(EXEMPLARS)}
        blank |= {"cluster": "none", "probability": np.nan, "distance": np.nan, "unlike": ""}
        known = {"name": names, "start": starts, "end": np.array(starts) + lengths, "length": lengths, "note": notes}
        table = pd.DataFrame({**known, **blank})
        rows = np.array([row for row, note in enumerate(notes) if not note], dtype=np.int64)
        if len(rows):
            found = self._placed([bases[row] for row in rows.tolist()])
            for name, values in found.items():
                table.loc[rows, name] = values
        return table[list(COLUMNS)]

    def _placed(self, bases: list[NDArray[np.uint8]]) -> dict[str, Any]:
        """Columns of sequences that can be read."""
        points = self._basis.transform(self._encoder.encode(bases))
        placed = self._membership.place(points)
        least = np.inf if self.threshold is None else self.threshold
        taken = np.where((placed.probability >= least) & (placed.label >= 0), placed.label, -1)
        near = self._exemplars(points, placed, taken)
        return {
            "cluster": np.where(taken < 0, "none", taken.astype(str)),
            "probability": placed.probability.round(4),
            "distance": placed.distance.round(4),
            **{f"exemplar_{i + 1}": [self._shown[x[i]] if i < len(x) else "" for x in near] for i in range(EXEMPLARS)},
            "unlike": self._unlike(bases, placed),
            "note": self._notes(placed, taken, np.array([len(piece) for piece in bases])),
        }

    def _exemplars(self, points: np.ndarray, placed: Placement, taken: np.ndarray) -> list[list[int]]:
        """Rows of the nearest members of the cluster, or of the nearest windows where there is none."""
        near: list[list[int]] = [[] for _ in points]
        for label in np.unique(taken).tolist():
            rows = np.flatnonzero(taken == label)
            windows = placed.nearest[rows]
            if label >= 0:
                windows = self._membership.members_near(points[rows], label, k=_NEAR_MEMBERS)
            for row, window in zip(rows.tolist(), windows.tolist(), strict=True):
                near[row] = of_different_groups(window, self._membership.groups)
        return near

    def _unlike(self, bases: list[NDArray[np.uint8]], placed: Placement) -> list[str]:
        familiarity = self.prepared.familiarity
        reasons = familiarity.reasons(bases) if familiarity is not None else [[] for _ in bases]
        far = (placed.core > self._membership.usual_core).tolist()
        return [", ".join(["distance"] * beyond + others) for beyond, others in zip(far, reasons, strict=True)]

    def _notes(self, placed: Placement, taken: np.ndarray, lengths: np.ndarray) -> list[str]:
        mixed = (lengths > _MIXTURE * self.prepared.window) & (not self._tile)
        notes = []
        for label, cluster, long in zip(placed.label.tolist(), taken.tolist(), mixed.tolist(), strict=True):
            parts = [f"nearest cluster {label}"] * (cluster < 0 <= label)
            parts += ["a mixture of several windows, see --tile"] * long
            notes.append(", ".join(parts))
        return notes


def _threshold(points: list[dict[str, Any]], *, error: float) -> tuple[float | None, dict[str, Any] | None]:
    """The lowest threshold whose error on held-out windows is allowed, and its operating point."""
    point = lowest_allowed(points, error=error)
    if points and point is None:
        least = min(tried["error"] for tried in points)
        raise UserError(
            f"--error is {error}, but even of the surest held-out windows {least:.4f} are wrong: raise --error"
        )
    return (None, None) if point is None else (point["probability"], point)
