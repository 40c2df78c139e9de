"""Bits per base by kind of sequence: a run's beside those of counting on the same hidden words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dnabert.explain.correction import add_q
from dnabert.pretraining.floors import UNIQUE_SEQUENCE
from dnabert.pretraining.intervals import Floats, ratio

if TYPE_CHECKING:
    import pandas as pd

#: Columns of the windows that name kinds of sequence.
COLUMNS = ("repeat_class", "region", "gene_type", "genome")
#: A kind with windows of fewer places has no row: its interval would say nothing.
FEWEST_PLACES = 10
#: From this q on a difference counts as shown.
_SHOWN = 0.05


@dataclass(frozen=True)
class WindowBits:
    """What n windows' hidden words cost; float64 (n,) each.

    Attributes
    ----------
    run, counting : bits; of counting None where nothing was counted.
    bases : bases of these words.
    places : int64, the place of each window: what is drawn whole, see `dnabert.corpus.places.gene_places`.
    """

    run: Floats
    counting: Floats | None
    bases: Floats
    places: NDArray[np.int64]


def by_kind(table: pd.DataFrame, bits: WindowBits) -> list[dict[str, Any]]:
    """Bits per base of all windows, of unique sequence and repeats, and of every kind that a column names in ten places
    or more.

    Parameters
    ----------
    table : n windows with ``soft_masked`` and those of `COLUMNS` that are known; a window is of one kind of each
        column.
    bits : of these windows.

    Returns
    -------
    One dict per kind: ``column``, ``kind``, ``windows``, ``places``, ``bits_per_base`` with its 95 % interval ``low``
    to ``high`` (None of one place), and, where it was counted, ``counting``, ``difference`` (the run minus counting:
    below 0 the run foretells more) with its 95 % interval ``difference_low`` to ``difference_high``, ``p`` (two-sided;
    see `beside`), ``q`` (Benjamini-Hochberg over all rows) and ``verdict`` (``ahead``, ``behind`` or ``level``, at q =
    0.05).
    """
    rows = []
    for column, kind, chosen in _kinds(table, asked=bits.bases > 0):
        places = np.unique(bits.places[chosen], return_inverse=True)[1]
        if column != "all" and places.max(initial=-1) + 1 < FEWEST_PLACES:
            continue
        sums, bases = (_by_place(values[chosen], places) for values in (bits.run, bits.bases))
        value, low, high, _ = ratio(sums, bases)
        row = {
            "column": column,
            "kind": kind,
            "windows": int(chosen.sum()),
            "places": len(bases),
            "bits_per_base": value,
            "low": low,
            "high": high,
        }
        if bits.counting is not None:
            row |= beside(sums, _by_place(bits.counting[chosen], places), bases)
        rows.append(row)
    if bits.counting is not None:
        add_q(rows)
        rows = [row | {"verdict": _verdict(row)} for row in rows]
    return rows


def beside(run: Floats, counting: Floats, bases: Floats) -> dict[str, float | None]:
    """Bits per base of counting, and the run's minus these, of sums by place (g,).

    The difference of two ratios with one denominator is a ratio itself (`dnabert.pretraining.intervals.ratio`).

    Examples
    --------
    >>> import numpy as np
    >>> run, counting = np.array([10.0, 21.0, 29.0, 40.0]), np.array([12.0, 22.0, 32.0, 43.0])
    >>> found = beside(run, counting, np.array([6.0, 12.0, 18.0, 24.0]))
    >>> round(found["counting"], 3), round(found["difference"], 3), found["p"] < 0.05
    (1.817, -0.15, True)
    """
    difference, low, high, p = ratio(run - counting, bases)
    return {
        "counting": float(counting.sum() / bases.sum()),
        "difference": difference,
        "difference_low": low,
        "difference_high": high,
        "p": p,
    }


def _by_place(values: Floats, places: NDArray[np.int64]) -> Floats:
    return np.bincount(places, weights=values).astype(np.float64)


def _kinds(table: pd.DataFrame, *, asked: NDArray[np.bool_]) -> Iterator[tuple[str, str, NDArray[np.bool_]]]:
    """Column, kind and which windows; those of which no word could be asked for are of none."""
    yield "all", "all windows", asked
    unique = table["soft_masked"].to_numpy() < UNIQUE_SEQUENCE
    if (unique & asked).any() and (~unique & asked).any():  # a genome without soft-masking is not split
        yield "soft_masked", "unique sequence (under a tenth soft-masked)", unique & asked
        yield "soft_masked", "the rest", ~unique & asked
    for column in (name for name in COLUMNS if name in table):
        values = table[column].to_numpy().astype(str)
        named = [kind for kind in np.unique(values[asked]).tolist() if kind not in ("unknown", "")]
        sizes = {kind: int((asked & (values == kind)).sum()) for kind in named}
        if len(named) > 1:
            for kind in sorted(named, key=lambda kind: (-sizes[kind], kind)):
                yield column, kind, asked & (values == kind)


def _verdict(row: dict[str, Any]) -> str:
    if row["q"] is None or row["q"] > _SHOWN:
        return "level"
    return "ahead" if row["difference"] < 0 else "behind"
