""".2bit files, UCSC's packed genomes, read through a memory map.

The format is described at https://genome.ucsc.edu/FAQ/FAQformat.html#format7 and in kent's ``inc/twoBit.h``: an index
of names and offsets, then for each sequence its length, its runs of N, its soft-masked runs and four bases per byte.
"""

from __future__ import annotations

import mmap
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dnabert.errors import UserError

_SIGNATURE = 0x1A412743
#: Versions of the format by the width of an index offset: 0 reaches 4 GB, 1 (2022) has 64-bit offsets.
_OFFSETS = {0: "I", 1: "Q"}
#: Byte to its four bases, the first in the highest bits: four ASCII letters as one uint32 (256,).
_FOUR_BASES = np.frombuffer(b"TCAG", np.uint8)[np.arange(256)[:, None] >> np.array([6, 4, 2, 0]) & 3].view(np.uint32)[
    :, 0
]
_LOWER = 0x20
#: Bytes read at once from which on the pages are given back: a genome read through would count as memory, all of it.
_MANY = 1 << 18


@dataclass(frozen=True)
class _Record:
    """One sequence: where its bases begin in the file, and its runs, int64 (n, 2), sorted, 0-based, half open."""

    packed: int
    unknown: np.ndarray
    masked: np.ndarray


def is_twobit(path: str | Path) -> bool:
    """Tell a .2bit file by its first four bytes, of either byte order."""
    with open(path, "rb") as file:
        head = file.read(4)
    return len(head) == 4 and _SIGNATURE in (struct.unpack("<I", head)[0], struct.unpack(">I", head)[0])


class TwoBit:
    """Random access to the sequences of a .2bit file: N and lower case are kept, nothing is unpacked beforehand.

    Parameters
    ----------
    path : .2bit file of version 0 or 1, of either byte order.
    source : name for messages, where it is another one.

    Raises
    ------
    UserError
        when the file is no .2bit file, is cut short, or holds a name twice.
    """

    def __init__(self, path: str | Path, *, source: str | Path | None = None) -> None:
        self._name = Path(path) if source is None else Path(source)
        with open(path, "rb") as file:
            self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        self._order = "<" if self._map[:4] == struct.pack("<I", _SIGNATURE) else ">"
        try:
            self._offsets = self._read_index()
            self.lengths = {name: self._numbers(offset, "I", 1)[0] for name, offset in self._offsets.items()}
        except (struct.error, UnicodeDecodeError) as error:
            raise self._damaged(str(error)) from None
        self._record: tuple[str, _Record] | None = None  # of the sequence read last: the runs of one at a time

    def small_letters_mask(self) -> bool:
        """Whether small letters mark repeats: where no base is a capital they are a way to write, which faToTwoBit
        keeps.

        Raises
        ------
        UserError
            when a sequence's record is damaged.
        """
        some = False
        for name, length in self.lengths.items():
            record = self._open(name)
            known = _complement(record.unknown, length)
            small = sum(int(np.diff(_clip(record.masked, *run)).sum()) for run in known.tolist())
            if small < np.diff(known).sum():
                return True
            some = some or small > 0
        return not some

    def close(self) -> None:
        """Give the file back."""
        self._map.close()

    def fetch(self, name: str, start: int, end: int) -> np.ndarray:
        """Bases ``start`` to ``end`` (0-based, half open, within the sequence): uint8 ASCII, case kept.

        Raises
        ------
        UserError
            when the sequence's record is damaged.
        """
        record = self._open(name)
        first, last = record.packed + start // 4, record.packed + -(-end // 4)
        bases = np.take(_FOUR_BASES, np.frombuffer(self._map, np.uint8, last - first, first)).view(np.uint8)
        if last - first >= _MANY and hasattr(mmap, "MADV_DONTNEED"):
            self._map.madvise(mmap.MADV_DONTNEED)
        bases = bases[start % 4 : start % 4 + end - start]
        for run_start, run_end in _clip(record.unknown, start, end):
            bases[run_start:run_end] = ord("N")
        masked = _clip(record.masked, start, end)
        if len(masked):  # 10,000 runs in a chunk of a mammal: one pass over the bases instead of a loop
            edges = np.concatenate([[0], masked.ravel(), [end - start]])
            bases |= np.repeat((np.arange(len(edges) - 1) % 2 * _LOWER).astype(np.uint8), np.diff(edges))
        return bases

    def _read_index(self) -> dict[str, int]:
        signature, version, count, _ = self._numbers(0, "I", 4)
        if signature != _SIGNATURE or version not in _OFFSETS:
            raise self._damaged(f"version {version}, allowed is 0 or 1")
        kind = _OFFSETS[version]
        offsets: dict[str, int] = {}
        place = 16
        for _ in range(count):
            size = self._numbers(place, "B", 1)[0]
            name = self._map[place + 1 : place + 1 + size].decode("ascii")
            (offset,) = self._numbers(place + 1 + size, kind, 1)
            if name in offsets:
                raise UserError(f"{self._name} holds two sequences {name!r}: give every sequence its own name")
            offsets[name] = offset
            place += 1 + size + struct.calcsize(kind)
        return offsets

    def _open(self, name: str) -> _Record:
        if self._record is None or self._record[0] != name:
            try:
                self._record = name, self._read_record(self._offsets[name], length=self.lengths[name])
            except struct.error as error:
                raise self._damaged(f"sequence {name}: {error}") from None
        return self._record[1]

    def _read_record(self, offset: int, *, length: int) -> _Record:
        unknown, place = self._read_runs(offset + 4, length=length)
        masked, place = self._read_runs(place, length=length)
        packed = place + 4  # a reserved word stands before the bases
        if packed + -(-length // 4) > len(self._map):
            raise struct.error("its bases reach beyond the end of the file")
        return _Record(packed=packed, unknown=unknown, masked=masked)

    def _read_runs(self, place: int, *, length: int) -> tuple[np.ndarray, int]:
        """Runs that stand at `place` (a count, the starts, the sizes) and the place behind them."""
        (count,) = self._numbers(place, "I", 1)
        if place + 4 + 8 * count > len(self._map):
            raise struct.error("it ends too early")
        numbers = np.frombuffer(self._map, f"{self._order}u4", 2 * count, place + 4).astype(np.int64)
        starts, sizes = numbers[:count], numbers[count:]
        runs = np.stack([starts, starts + sizes], axis=1)
        if (runs[1:, 0] < runs[:-1, 1]).any() or (count and runs[-1, 1] > length):
            raise struct.error("its runs of N or of lower case overlap or reach beyond its end")
        return runs, place + 4 + 8 * count

    def _numbers(self, place: int, kind: str, count: int) -> tuple[int, ...]:
        if place + count * struct.calcsize(kind) > len(self._map):
            raise struct.error("it ends too early")
        return struct.unpack_from(f"{self._order}{count}{kind}", self._map, place)

    def _damaged(self, reason: str) -> UserError:
        return UserError(f"{self._name} is a damaged .2bit file ({reason}): fetch it again")


def _complement(runs: np.ndarray, length: int) -> np.ndarray:
    """What of ``0`` to `length` lies in none of sorted, disjoint runs: int64 (m, 2), some of them empty."""
    return np.concatenate([[0], runs.ravel(), [length]]).reshape(-1, 2)


def _clip(runs: np.ndarray, start: int, end: int) -> np.ndarray:
    """Those of sorted, disjoint runs that lie within ``start`` to ``end``, counted from `start`: int64 (m, 2)."""
    first, last = np.searchsorted(runs[:, 1], start, side="right"), np.searchsorted(runs[:, 0], end, side="left")
    return np.clip(runs[first:last], start, end) - start
