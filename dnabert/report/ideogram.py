"""Where along the chromosomes the windows of each cluster lie: counts in bins of one width, few enough for any page."""

from __future__ import annotations

import base64
import re
from dataclasses import asdict, dataclass
from itertools import count as from_zero
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dnabert.report.figures import cluster_names
from dnabert.report.numbers import count

if TYPE_CHECKING:
    import pandas as pd

Record = dict[str, Any]

#: Bars that a reader looks through: the human chromosomes with the mitochondrion's. Of more sequences the longest are
#: drawn.
MAXIMUM_BARS = 25
#: Bins of all bars together, and of the longest: not many more than a screen has pixels for.
MAXIMUM_BINS = 2_000
_LONGEST = 600
#: A bin has room for this many windows end to end: with fewer, full and empty bins would stand like a comb's teeth.
_ROOM = 4


@dataclass(frozen=True)
class Bar:
    """A sequence that is drawn: its name, the end of its last window (bp), and its bins."""

    genome: str
    chrom: str
    length: int
    bins: int


@dataclass(frozen=True)
class Along:
    """Windows of each cluster in bins along the sequences; of cells without any nothing is kept.

    Attributes
    ----------
    width : bp of a bin; bin i of a bar is ``[i * width, (i + 1) * width)``, 0-based, half open.
    bars : the sequences drawn, by genome and then by name; their bins are numbered through in this order.
    labels : int (C,), ascending; -1 is noise.
    cluster, bin, n : int64 (m,), sorted by cluster and bin: `n` windows (1 or more) of ``labels[cluster]`` lie in
        `bin`.
    sizes : int64 (C,), windows of each in all, drawn or not.
    on : int64 (C,), sequences that hold windows of each.
    sequences : number of all sequences, drawn or not.
    """

    width: int
    bars: list[Bar]
    labels: NDArray[np.int64]
    cluster: NDArray[np.int64]
    bin: NDArray[np.int64]
    n: NDArray[np.int64]
    sizes: NDArray[np.int64]
    on: NDArray[np.int64]
    sequences: int

    def cells(self, number: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Bins that hold windows of ``labels[number]``, ascending, and how many each: int64 (k,) both."""
        begin, end = np.searchsorted(self.cluster, [number, number + 1])
        return self.bin[begin:end], self.n[begin:end]

    def region(self, number: int) -> tuple[Bar, int, int]:
        """The bar, start and end (0-based, half open; a bar's last bin ends with it) of a bin."""
        for bar in self.bars:
            if number < bar.bins:
                return bar, number * self.width, min((number + 1) * self.width, bar.length)
            number -= bar.bins
        raise IndexError("no such bin")


def along(table: pd.DataFrame, *, bars: int = MAXIMUM_BARS, bins: int = MAXIMUM_BINS) -> Along | None:
    """Count windows per cluster and bin; a window belongs to the bin that its middle lies in.

    Parameters
    ----------
    table : n windows with ``label`` and, where they are known, ``chrom``, ``start`` and ``end`` (0-based, half open),
        ``genome``.
    bars : sequences drawn at most, the longest.
    bins : of all bars together, at most.

    Returns
    -------
    None where the windows have no coordinates, or no sequence is long enough for two bins: loose sequences lie nowhere.
    """
    if not ({"chrom", "start", "end"} <= set(table) and len(table)):
        return None
    start = table["start"].to_numpy().astype(np.int64)
    end = table["end"].to_numpy().astype(np.int64)
    sequence, names = _sequences(table)
    lengths = np.zeros(len(names), dtype=np.int64)
    np.maximum.at(lengths, sequence, end)
    longest = np.sort(np.argsort(-lengths, kind="stable")[:bars])
    width = _width(lengths[longest], least=_ROOM * int((end - start).max()), bins=bins)
    per_bar = -(-lengths[longest] // width)
    if per_bar.max() < 2:
        return None
    labels, code = np.unique(table["label"].to_numpy().astype(np.int64), return_inverse=True)
    first = np.full(len(names), -1)  # bin of a sequence's begin
    first[longest] = np.cumsum(per_bar) - per_bar
    shown = first[sequence] >= 0
    total = int(per_bar.sum())
    cell, n = np.unique(
        code[shown] * total + (first[sequence] + (start + end) // 2 // width)[shown], return_counts=True
    )
    return Along(
        width=width,
        bars=[
            Bar(*names[int(i)], length=int(lengths[i]), bins=int(each))
            for i, each in zip(longest, per_bar, strict=True)
        ],
        labels=labels,
        cluster=cell // total,
        bin=cell % total,
        n=n.astype(np.int64),
        sizes=np.bincount(code, minlength=len(labels)).astype(np.int64),
        on=np.bincount(np.unique(code * len(names) + sequence) // len(names), minlength=len(labels)).astype(np.int64),
        sequences=len(names),
    )


def packed(found: Along, cards: list[Record]) -> Record:
    """The counts as the browser reads them, about 3 bytes a cell in base64, and a sentence per cluster.

    Parameters
    ----------
    cards : of ``cards.json``; may be empty.

    Returns
    -------
    JSON-able mapping: ``width``, ``bars``, ``labels`` (text), ``sizes``, ``sentences`` and ``cells`` (numbers of cells)
    per label, ``bins`` (base64 of uint16, all labels' one after another) and ``n`` (of unsigned integers of ``bytes``
    bytes).
    """
    makeups = {card["label"]: card["makeup"] for card in cards}
    size = next(size for size in (1, 2, 4) if found.n.max() < 256**size)
    return {
        "width": found.width,
        "bars": [asdict(bar) for bar in found.bars],
        "labels": cluster_names(found.labels).tolist(),
        "sizes": found.sizes.tolist(),
        "sentences": [sentence(found, i, makeups.get(int(label), {})) for i, label in enumerate(found.labels)],
        "cells": np.bincount(found.cluster, minlength=len(found.labels)).tolist(),
        "bins": base64.b64encode(found.bin.astype("<u2").tobytes()).decode("ascii"),
        "n": base64.b64encode(found.n.astype(f"<u{size}").tobytes()).decode("ascii"),
        "bytes": size,
    }


def sentence(found: Along, number: int, makeup: Record) -> str:
    """Say how far a cluster is spread.

    Parameters
    ----------
    number : of the cluster among ``found.labels``.
    makeup : of its card, for its ``loci`` and ``stretches``; may be empty.
    """
    label = int(found.labels[number])
    size = int(found.sizes[number])
    drawn = int(found.cells(number)[1].sum())
    told = f"{'No cluster' if label < 0 else f'Cluster {label}'}: {_windows(size)}"
    if "loci" in makeup:
        told += f" at {count(makeup['loci'])} {'place' if makeup['loci'] == 1 else 'places'}"
    if "stretches" in makeup:
        told += f" in {count(makeup['stretches'])} {'stretch' if makeup['stretches'] == 1 else 'stretches'} of 10 kb"
    if found.sequences > 1:
        told += f", on {count(int(found.on[number]))} of {count(found.sequences)} sequences"
    if drawn < size:
        told += f", {count(size - drawn)} of them on sequences not drawn"
    return f"{told}{_fullest(found, number)}."


def left_out(found: Along) -> str:
    """Say which sequences have no bar; empty where all have."""
    if found.sequences == len(found.bars):
        return ""
    rest = int(found.sizes.sum() - found.n.sum())
    return (
        f"Drawn are the {len(found.bars)} longest of {count(found.sequences)} sequences; the others hold "
        f"{_windows(rest)} of {count(int(found.sizes.sum()))}."
    )


def _fullest(found: Along, number: int) -> str:
    bins, n = found.cells(number)
    if not len(bins):
        return ""
    bar, start, end = found.region(int(bins[n.argmax()]))
    return (
        f"; the fullest bin, {f'{bar.genome} {bar.chrom}'.strip()}:{count(start + 1)}–{count(end)}, has "
        f"{count(int(n.max()))}"
    )


def _windows(n: int) -> str:
    return f"{count(n)} {'window' if n == 1 else 'windows'}"


def _sequences(table: pd.DataFrame) -> tuple[NDArray[np.int64], list[tuple[str, str]]]:
    """Which sequence each window lies on, int64 (n,), and their genomes and names: genomes as they come, names as
    people sort them."""
    genome, genomes = _codes(table["genome"]) if "genome" in table else (np.zeros(len(table), dtype=np.int64), [""])
    chrom, chroms = _codes(table["chrom"])
    found, inverse = np.unique(genome * len(chroms) + chrom, return_inverse=True)
    pairs = [(int(pair) // len(chroms), chroms[int(pair) % len(chroms)]) for pair in found]
    order = sorted(range(len(pairs)), key=lambda i: (pairs[i][0], _by_number(pairs[i][1])))
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    return rank[inverse], [(genomes[pairs[i][0]], pairs[i][1]) for i in order]


def _codes(column: pd.Series) -> tuple[NDArray[np.int64], list[str]]:
    codes, values = column.astype(str).factorize()
    return codes.astype(np.int64), [str(value) for value in values]


def _by_number(name: str) -> list[tuple[int, str]]:
    """A key that puts chr2 before chr10, and both before chrX.

    Examples
    --------
    >>> sorted(["chrX", "chr10", "chr2"], key=_by_number)
    ['chr2', 'chr10', 'chrX']
    """
    return [(int(part), "") if part.isdecimal() else (10**18, part) for part in re.split(r"(\d+)", name) if part]


def _width(lengths: NDArray[np.int64], *, least: int, bins: int) -> int:
    """The least of 1, 2, 5, 10, … bp that is no less than `least` and makes no more bins than a page has room for.

    Examples
    --------
    >>> _width(np.array([51_177_898, 35_700_542]), least=1_792, bins=2_000)
    100000
    >>> _width(np.array([2_302_142]), least=1_792, bins=100)
    50000
    >>> _width(np.array([1_200_000]), least=1_792, bins=2_000), _width(np.array([1_200_001]), least=1_792, bins=2_000)
    (2000, 5000)
    """
    for width in (step * 10**power for power in from_zero() for step in (1, 2, 5)):
        per_bar = -(-lengths // width)
        if width >= least and per_bar.max() <= _LONGEST and per_bar.sum() <= max(bins, len(lengths)):
            return width
    raise AssertionError("every length has a width")
