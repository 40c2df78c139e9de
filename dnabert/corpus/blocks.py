"""Orthologous blocks: the same place by descent in several genomes."""

from __future__ import annotations

import contextlib
import gzip
import warnings
import zlib
from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np

from dnabert.errors import Caution, UserError
from dnabert.gzip_file import is_gzip

_COLUMNS = ("block", "genome", "chrom", "start", "end")
#: No sequence is as long: the longest chromosome known, of mistletoe, has 2^34 bases. Sums of as many lengths fit into
#: int64.
FARTHEST = 1 << 40
#: A corpus keeps the numbers of blocks as int32.
_LARGEST_BLOCK = (1 << 31) - 1
#: A gene set or a GFF3 attribute may be long, but no line of a table has so many letters.
_LONGEST_LINE = 1 << 24


@dataclass(frozen=True)
class Blocks:
    """Orthologous blocks of all genomes.

    ``places[genome, chrom]`` is int64 (n, 3): start, end (0-based, half open) and number of each block,
    sorted by start and disjoint.
    """

    path: Path
    places: dict[tuple[str, str], np.ndarray]

    def of(self, genome: str, chrom: str) -> np.ndarray:
        """Blocks on one sequence: int64 (n, 3)."""
        return self.places.get((genome, chrom), np.empty((0, 3), np.int64))

    def at(self, genome: str, chrom: str, *, starts: np.ndarray) -> np.ndarray:
        """Number of the block in which each position lies, -1 for none: int32 (n,)."""
        places = self.of(genome, chrom)
        if not len(places):
            return np.full(len(starts), -1, np.int32)
        row = np.searchsorted(places[:, 0], starts, side="right") - 1
        inside = (row >= 0) & (starts < places[row, 1])
        return np.where(inside, places[row, 2], -1).astype(np.int32)


class Lines:
    """Lines of a text file, none of which may be so long that it is no table's: a few kB of gzip can hold gigabytes of
    one line."""

    def __init__(self, file: IO[str], path: str | Path) -> None:
        self._file = file
        self._path = path

    def __iter__(self) -> Iterator[str]:
        return iter(self.readline, "")

    def readline(self) -> str:
        """The next line, with its end; empty where there is none. Raises `UserError` for one that is too long."""
        line = self._file.readline(_LONGEST_LINE)
        if len(line) == _LONGEST_LINE:
            raise UserError(
                f"{self._path} has a line of {_LONGEST_LINE:,} letters and more: give a table with line ends"
            )
        return line


@contextlib.contextmanager
def open_text(path: str | Path) -> Iterator[Lines]:
    """Open a text file in UTF-8, gzip or not; what turns out to be damaged while it is read is said in one line too.

    Raises
    ------
    UserError
        when it cannot be read, is a damaged gzip file, or no text in UTF-8.
    """
    try:
        compressed = is_gzip(path)
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror or error}: give an existing file") from None
    try:
        with _opened(path, compressed=compressed) as file:
            yield Lines(file, path)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise UserError(f"{path} is a damaged gzip file ({error}): fetch it again") from None
    except UnicodeDecodeError as error:
        raise UserError(
            f"{path} is no text in UTF-8 ({error.reason}): convert it, for example with iconv -t UTF-8"
        ) from None
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror or error}: give an existing file") from None


def _opened(path: str | Path, *, compressed: bool) -> IO[str]:
    encoding = "utf-8-sig"  # some editors begin a file with a byte order mark
    return gzip.open(path, "rt", encoding=encoding) if compressed else open(path, encoding=encoding)


def read_blocks(path: str | Path) -> Blocks:
    """Read a TSV (gzip or not) with a header and the columns block, genome, chrom, start, end.

    Raises
    ------
    UserError
        when a column is missing, a number is none, or two blocks overlap in a genome.
    """
    rows: dict[tuple[str, str], array[int]] = {}  # 24 bytes each: alignments of whole genomes have millions
    with open_text(path) as file:
        header = file.readline().rstrip("\n").split("\t")
        missing = [name for name in _COLUMNS if name not in header]
        if missing:
            raise UserError(f"{path} has no column {', '.join(missing)}: its header must name {', '.join(_COLUMNS)}")
        order = [header.index(name) for name in _COLUMNS]
        for number, line in enumerate(file, start=2):
            if not line.strip():
                continue
            fields = line.rstrip("\n").split("\t")
            try:
                block, genome, chrom, start, end = (fields[i] for i in order)
                row = int(start), int(end), int(block)
                if not 0 <= row[0] <= row[1] <= FARTHEST or not 0 <= row[2] <= _LARGEST_BLOCK:
                    raise ValueError
                rows.setdefault((genome, chrom), array("q")).extend(row)
            except (ValueError, IndexError):
                raise UserError(
                    f"{path}, line {number} is no block ({line.strip()[:60]!r}): block is a whole number from 0, start "
                    "and end are places, 0-based and half open: mend it"
                ) from None
    places = {key: _sorted(np.array(values, np.int64).reshape(-1, 3)) for key, values in rows.items()}
    for (genome, chrom), sorted_places in places.items():
        overlapping = np.flatnonzero(sorted_places[1:, 0] < sorted_places[:-1, 1])
        if len(overlapping):
            a, b = sorted_places[overlapping[0], 2], sorted_places[overlapping[0] + 1, 2]
            raise UserError(f"{path}: blocks {a} and {b} overlap in {genome} {chrom}: a base lies in one block only")
    return Blocks(path=Path(path), places=places)


def _sorted(places: np.ndarray) -> np.ndarray:
    """Places int64 (n, 3) by start, then end, then number."""
    return places[np.lexsort(places.T[::-1])]


def check_blocks(
    blocks: Blocks,
    *,
    fastas: Mapping[str, str],
    names: Mapping[str, Sequence[str]],
    lengths: Mapping[str, Mapping[str, int]],
) -> None:
    """Check that the blocks speak of the sequences that they are to divide: those that match none would be ignored.

    Parameters
    ----------
    fastas : FASTA file of each genome, by its name.
    names : sequences of each, those that are not cut among them.
    lengths : bases of the sequences that are cut.

    Raises
    ------
    UserError
        when no block of a genome lies on a sequence that its FASTA file has, or one ends beyond its sequence.

    Warns
    -----
    Caution
        when a genome has no block.
    """
    without = [genome for genome in fastas if not any(own == genome for own, _ in blocks.places)]
    if without:
        held = ", ".join(sorted({genome for genome, _ in blocks.places})) or "none"
        warnings.warn(
            f"{blocks.path} has no block of {', '.join(without)} (it has: {held}): are genomes named in two ways?",
            Caution,
            stacklevel=4,
        )
    for genome, fasta in fastas.items():
        chroms = [chrom for own, chrom in blocks.places if own == genome]
        if chroms and not set(chroms) & set(names[genome]):
            raise UserError(
                f"{blocks.path} names the sequences of {genome} {chroms[0]!r}, {fasta} names them "
                f"{names[genome][0]!r}: no name is in both; rename one of them"
            )
        for chrom, length in lengths[genome].items():
            farthest = int(blocks.of(genome, chrom)[:, 1].max(initial=0))
            if farthest > length:
                raise UserError(
                    f"{blocks.path} has a block of {genome} that ends at {chrom}:{farthest:,}, but {fasta} ends "
                    f"{chrom} at {length:,}: is it of another assembly? Give the blocks of this one"
                )


def block_or_alone(block: np.ndarray) -> np.ndarray:
    """What is drawn or held out together: int (n,), the orthologous block; a window in none (-1) gets a number of its
    own.

    Examples
    --------
    >>> block_or_alone(np.array([7, -1, 7, -1])).tolist()
    [7, -2, 7, -4]
    """
    return np.where(block >= 0, block, -1 - np.arange(len(block)))
