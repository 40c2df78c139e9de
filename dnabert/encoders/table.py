"""Vectors on disk: one Parquet table in input order, written bit by bit."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from dnabert.errors import UserError
from dnabert.given import InFolder, stage_folder
from dnabert.manifest import read_manifest

if TYPE_CHECKING:
    import pandas
    import pyarrow

FILE = "embeddings.parquet"
_GROUP_BYTES = 1 << 26  # of vectors in a row group: what writing and reading hold in memory


@dataclass(frozen=True)
class Embeddings(InFolder):
    """Vectors and what is known of each.

    Attributes
    ----------
    table : n rows; a corpus's window columns with `split`, `strand`, `row`, or a FASTA file's `name`, `length`,
        `strand`, `row`.
    vectors : float32 (n, d).
    manifest : what made them; ``manifest["config"]`` has `encoder`, `name`, `dimension`, `windows`, `seconds`.
    folder : where they stand.
    """

    table: pandas.DataFrame
    vectors: NDArray[np.float32]
    manifest: dict[str, Any]
    folder: Path

    def __repr__(self) -> str:
        """What it is and where it stands, in a line: the last value of a notebook's cell is shown."""
        return f"Embeddings({len(self.vectors):,} vectors of {self.vectors.shape[1]}, folder={str(self.folder)!r})"


def load_embeddings(folder: str | Path) -> Embeddings:
    """Read the folder that `embed` wrote.

    Raises
    ------
    UserError
        when it is no such folder or its table cannot be read.
    """
    import pyarrow
    import pyarrow.parquet

    folder = stage_folder(folder, kind="embeddings")
    manifest = read_manifest(folder, kind="embeddings")
    try:
        file = pyarrow.parquet.ParquetFile(folder / FILE)
        names = [name for name in file.schema_arrow.names if name != "vector"]
        vectors = np.empty((file.metadata.num_rows, file.schema_arrow.field("vector").type.list_size), np.float32)
        start = 0
        for group in range(file.num_row_groups):
            column = file.read_row_group(group, columns=["vector"])["vector"].combine_chunks()
            vectors[start : start + len(column)] = column.flatten().to_numpy().reshape(len(column), -1)
            start += len(column)
        return Embeddings(file.read(columns=names).to_pandas(), vectors, manifest, folder)
    except (OSError, KeyError, pyarrow.ArrowException) as error:
        raise UserError(f"cannot read {folder / FILE}: {error}: make the embeddings again") from None


class TableWriter:
    """Gathers rows and writes them in groups, so that memory stays flat; a context manager."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._writer: Any = None
        self._tables: list[pyarrow.Table] = []
        self._bytes = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._flush()
        if self._writer is not None:
            self._writer.close()

    def add(self, columns: pyarrow.Table, vectors: NDArray[np.float32]) -> None:
        """Append rows and their vectors (n, d)."""
        import pyarrow

        flat = pyarrow.array(np.ascontiguousarray(vectors).ravel(), pyarrow.float32())
        column = pyarrow.FixedSizeListArray.from_arrays(flat, vectors.shape[1])
        self.add_table(columns.append_column("vector", column))

    def add_table(self, table: pyarrow.Table) -> None:
        """Append rows that hold their vectors already."""
        self._tables.append(table)
        self._bytes += table["vector"].nbytes
        if self._bytes >= _GROUP_BYTES:
            self._flush()

    def _flush(self) -> None:
        import pyarrow
        import pyarrow.parquet

        if not self._tables:
            return
        table = pyarrow.concat_tables(self._tables).replace_schema_metadata(None)
        if self._writer is None:
            # vectors hardly repeat: a dictionary of them would cost time and gain nothing
            words = [field.name for field in table.schema if pyarrow.types.is_string(field.type)]
            self._writer = pyarrow.parquet.ParquetWriter(
                self._path, table.schema, compression="zstd", use_dictionary=words
            )
        self._writer.write_table(table, row_group_size=len(table))
        self._tables, self._bytes = [], 0


def join(parts: Iterable[Path], *, into: Path) -> None:
    """Write the rows of several tables one after another into one, and remove the parts."""
    import pyarrow.parquet

    with TableWriter(into) as writer:
        for part in parts:
            if part.exists():  # a process without a share (fewer sequences than processes) writes none
                file = pyarrow.parquet.ParquetFile(part)
                for group in range(file.num_row_groups):
                    writer.add_table(file.read_row_group(group))
                file.close()
                part.unlink()
