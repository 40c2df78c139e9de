"""The bases of a corpus: written once as a stream, then read in place through a memory map."""

from __future__ import annotations

import hashlib
import itertools
import json
import zlib
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import numpy as np

from dnabert.errors import UserError

if TYPE_CHECKING:
    import datasets
    import pyarrow as pa

#: Bases per row of the table of sequences: small enough for flat memory, large enough that few windows cross a border.
CHUNK = 1 << 22

_DATA = "data-00000-of-00001.arrow"
#: Writes that are gathered into a batch, unless they hold `CHUNK` bytes before: a batch of windows costs 16 kB whenever
#: the table is opened and 2 kB on disk, and an assembly may have a million contigs of a few windows, each of which took
#: 0.3 ms to turn into Arrow's arrays.
_GATHERED = 1_000


class TableWriter:
    """Writes a `datasets` table as a stream, in the layout of ``Dataset.save_to_disk``, with flat memory.

    Rows are gathered into batches, so that many small writes make no large table; the fingerprint is of the rows.

    Parameters
    ----------
    folder : folder to make; ``datasets.load_from_disk(folder)`` reads it afterwards.
    features : names and types of the columns.
    split : name of the split, or none.
    """

    def __init__(self, folder: Path, *, features: datasets.Features, split: str | None = None) -> None:
        import pyarrow as pa

        folder.mkdir(parents=True)
        self._folder, self._split, self._features = folder, split, features
        self._schema = features.arrow_schema
        self._types = [(field.name, field.type) for field in self._schema]
        self._file = pa.OSFile(str(folder / _DATA), "wb")
        self._stream = pa.ipc.new_stream(self._file, self._schema)
        # of each part of each column its own, so that where batches end makes no difference
        self._digests = defaultdict[tuple[int, int], Any](lambda: hashlib.blake2b(digest_size=8))
        self._gathered: list[list[Any]] = []
        self._gathered_bytes = 0
        self.rows = 0

    def write(self, columns: dict[str, Any]) -> None:
        """Append rows given as one array, or one list, per column; they are not changed afterwards."""
        values = [columns[name] for name, _ in self._types]
        self.rows += len(values[0])
        self._gathered.append(values)
        self._gathered_bytes += 8 * len(values) * len(values[0])  # about, but for bases
        self._gathered_bytes += sum(
            len(value) for column in values if isinstance(column, list) for value in column if isinstance(value, bytes)
        )
        if len(self._gathered) >= _GATHERED or self._gathered_bytes >= CHUNK:
            self._write_gathered()

    def _write_gathered(self) -> None:
        import pyarrow as pa

        if self._gathered:
            columns = [
                pa.array(_joined(parts), type=kind)
                for parts, (_, kind) in zip(zip(*self._gathered, strict=True), self._types, strict=True)
            ]
            for number, column in enumerate(columns):
                for part, content in enumerate(_content(column)):
                    self._digests[number, part].update(content)
            self._stream.write_batch(pa.record_batch(columns, schema=self._schema))
        self._gathered, self._gathered_bytes = [], 0

    def close(self) -> None:
        """End the stream and write what ``load_from_disk`` wants beside it."""
        self._write_gathered()
        self._stream.close()
        self._file.close()
        # The same two files that datasets 2 to 5 write in Dataset.save_to_disk.
        state: dict[str, Any] = {
            "_data_files": [{"filename": _DATA}],
            "_fingerprint": self._fingerprint(),
            "_format_columns": None,
            "_format_kwargs": {},
            "_format_type": None,
            "_output_all_columns": False,
            "_split": self._split,
        }
        info = {"citation": "", "description": "", "features": self._features.to_dict(), "homepage": "", "license": ""}
        (self._folder / "state.json").write_text(json.dumps(state, indent=2) + "\n")
        (self._folder / "dataset_info.json").write_text(json.dumps(info, indent=2) + "\n")

    def _fingerprint(self) -> str:
        """Of features and rows: what datasets calls so."""
        parts = [repr(self._features), *(digest.hexdigest() for digest in self._digests.values())]
        return hashlib.blake2b("\n".join(parts).encode(), digest_size=8).hexdigest()

    def __enter__(self) -> TableWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _joined(parts: Sequence[Any]) -> Any:
    """Arrays, or lists, one behind the other."""
    return np.concatenate(parts) if isinstance(parts[0], np.ndarray) else list(itertools.chain.from_iterable(parts))


def _content(column: pa.Array) -> list[Any]:
    """What a column without missing values holds, as buffers that are the same wherever it is cut: of texts lengths and
    letters."""
    import pyarrow as pa

    if pa.types.is_primitive(column.type):
        return [column.to_numpy().data]
    _, borders, letters = column.buffers()
    ends = np.frombuffer(borders, np.int64 if pa.types.is_large_binary(column.type) else np.int32)[: len(column) + 1]
    return [np.diff(ends).data, memoryview(b"" if letters is None else letters)[ends[0] : ends[-1]]]


def sequence_features() -> datasets.Features:
    """Columns of the table of sequences: a chunk of a sequence per row, `offset` counting over the corpus, `crc32` of
    the chunk's bases."""
    from datasets import Features, Value

    return Features(
        {
            "genome": Value("string"),
            "chrom": Value("string"),
            "start": Value("int64"),
            "offset": Value("int64"),
            "bases": Value("large_binary"),
            "crc32": Value("uint32"),
        }
    )


class Bases:
    """Windows out of the memory-mapped bases, by offset.

    A chunk's checksum is looked at when its first base is asked for (1 ms), unless the corpus is older than these.

    The map is opened on first use and again after unpickling, so that it travels into worker processes as a path.

    Parameters
    ----------
    folder : the corpus' ``sequences`` folder.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self._map: np.ndarray | None = None
        self._offsets = np.empty(0, np.int64)
        self._positions = np.empty(0, np.int64)
        self._checksums = np.empty(0, np.uint32)
        self._unchecked = np.empty(0, bool)

    def __getstate__(self) -> dict[str, Any]:
        return {"folder": self.folder}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(state["folder"])  # type: ignore[misc]

    def __len__(self) -> int:
        self._open()
        return int(self._offsets[-1])

    def gather(self, offsets: np.ndarray, *, length: int) -> np.ndarray:
        """Bases ``offset`` to ``offset + length`` for each of the offsets.

        Parameters
        ----------
        offsets : int64 (n,), bases from the corpus' first base.
        length : bases per window.

        Returns
        -------
        uint8 ASCII (n, length), a copy.

        Raises
        ------
        UserError
            when the file cannot be read, or the bases are not those that were written.
        """
        mapped = self._open()
        offsets = np.asarray(offsets, np.int64)
        if offsets.size and (offsets.min() < 0 or offsets.max() + length > self._offsets[-1]):
            raise IndexError(f"offsets must lie within 0 and {int(self._offsets[-1]) - length}")
        row = np.searchsorted(self._offsets, offsets, side="right") - 1
        self._check(row)
        crossing = offsets + length > self._offsets[row + 1]
        starts = self._positions[row] + offsets - self._offsets[row]
        # Those that cross the border of a chunk (0.01 %) are read base by base below; until then the file's first bytes
        # stand for them, as the file may end behind the last chunk.
        starts[crossing] = 0
        windows = np.lib.stride_tricks.sliding_window_view(mapped, length)[starts]
        if crossing.any():
            each = offsets[crossing, None] + np.arange(length)
            row = np.searchsorted(self._offsets, each, side="right") - 1
            self._check(row)
            windows[crossing] = mapped[self._positions[row] + each - self._offsets[row]]
        return windows

    def _check(self, rows: np.ndarray) -> None:
        """Compare the checksums of chunks that no window was read from before."""
        new = rows[self._unchecked[rows]]
        for row in np.unique(new).tolist() if len(new) else ():
            first, last = self._positions[row], self._positions[row] + self._offsets[row + 1] - self._offsets[row]
            if self._map is not None and zlib.crc32(self._map[first:last].data) != self._checksums[row]:
                raise UserError(
                    f"{self.folder / _DATA} is damaged (bases {self._offsets[row]:,} to {self._offsets[row + 1]:,} are "
                    "others than were written): copy or prepare the corpus again"
                )
            self._unchecked[row] = False

    def _open(self) -> np.ndarray:
        if self._map is not None:
            return self._map
        import pyarrow as pa

        try:
            whole = pa.memory_map(str(self.folder / _DATA)).read_buffer()
            table = pa.ipc.open_stream(pa.BufferReader(whole)).read_all()
        except (OSError, pa.ArrowException) as error:
            raise UserError(f"cannot read {self.folder / _DATA} ({error}): prepare the corpus again") from None
        positions, lengths = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
        for batch in table["bases"].chunks:  # zero-copy, so addresses give file positions
            _, ends, bases = batch.buffers()  # int64: of each row its end, before them 0
            borders = np.frombuffer(ends, np.int64)[batch.offset : batch.offset + len(batch) + 1]
            if borders[0] < 0 or (borders[1:] < borders[:-1]).any() or borders[-1] > bases.size:
                raise UserError(
                    f"cannot read {self.folder / _DATA} (it is shorter than it says): prepare the corpus again"
                )
            positions.append(borders[:-1] + (bases.address - whole.address))
            lengths.append(np.diff(borders))
        self._positions = np.concatenate(positions)
        self._offsets = np.append(0, np.cumsum(np.concatenate(lengths)))
        if "crc32" in table.column_names:
            self._checksums = table["crc32"].to_numpy()
        self._unchecked = np.full(len(table), "crc32" in table.column_names)
        self._map = np.frombuffer(whole, np.uint8)
        return self._map
