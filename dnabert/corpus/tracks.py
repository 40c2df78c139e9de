"""BED files: intervals with a class."""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dnabert.corpus.blocks import open_text
from dnabert.errors import UserError

#: Lines of a BED file that are no intervals.
_NOT_DATA = ("#", "track", "browser")


@dataclass(frozen=True)
class Track:
    """Intervals (0-based, half open) by sequence, each with a class."""

    intervals: dict[str, np.ndarray]
    """int64 (n, 2) by sequence."""
    labels: dict[str, np.ndarray]
    """int64 (n,), index into `classes`, by sequence."""
    classes: list[str]
    """Names of the classes, in alphabetical order."""

    @property
    def chroms(self) -> list[str]:
        """Names of the sequences, in the file's order."""
        return list(self.intervals)


def read_bed(path: str | Path) -> Track:
    """Read a BED file, gzip or not; the class is the fourth column, ``"repeat"`` where there is none.

    Raises
    ------
    UserError
        when a line is no interval.
    """
    places: dict[str, array[int]] = {}
    names: dict[str, list[str]] = {}
    with open_text(path) as file:
        for number, line in enumerate(file, start=1):
            if not line.strip() or line.startswith(_NOT_DATA):
                continue
            fields = line.rstrip("\n").split("\t")
            try:
                start, end = int(fields[1]), int(fields[2])
                if not 0 <= start <= end:
                    raise ValueError
            except (ValueError, IndexError):
                raise UserError(
                    f"{path}, line {number} is no BED interval ({line.strip()[:60]!r}): "
                    "three columns, tab-separated: sequence, start, end"
                ) from None
            places.setdefault(fields[0], array("q")).extend((start, end))
            names.setdefault(fields[0], []).append(fields[3] if len(fields) > 3 else "repeat")
    classes = sorted({name for each in names.values() for name in each})
    number_of = {name: index for index, name in enumerate(classes)}
    return Track(
        intervals={chrom: np.array(values, np.int64).reshape(-1, 2) for chrom, values in places.items()},
        labels={chrom: np.array([number_of[name] for name in each], np.int64) for chrom, each in names.items()},
        classes=classes,
    )
