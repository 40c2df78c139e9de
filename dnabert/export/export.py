"""Write clusters or embeddings into one file of another tool's format, which the file's ending names."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dnabert.config import nearest
from dnabert.errors import UserError
from dnabert.export.config import ExportConfig
from dnabert.export.source import Windows, load_windows
from dnabert.given import settings, stage_folder
from dnabert.manifest import kind_of
from dnabert.stage import whole_file

#: Ending to what such a file's first bytes are; a BED's are `_is_of_its_format`'s to know.
FORMATS = {".h5ad": b"\x89HDF\r\n\x1a\n", ".bed": b"", ".parquet": b"PAR1"}


def export(
    source: str | os.PathLike[str],
    *,
    out: str | Path,
    config: ExportConfig | Mapping[str, Any] | None = None,
    overwrite: bool = False,
) -> Path:
    """Write a folder of clusters or embeddings as AnnData, BED or Parquet.

    Parameters
    ----------
    source : what `cluster` or `embed` gave, or its folder.
    out : file to write, whole or not at all; its ending is the format: ``.h5ad`` (see `annotated_matrix`), ``.bed``
        (see `bed_table`), ``.parquet`` (every column and the vector, float32 of fixed length).
    config : which genome, and a BED's track line.
    overwrite : replace a file of the same format.

    Returns
    -------
    The file's path.

    Raises
    ------
    UserError
        for another ending, a folder of another kind, a package that is missing, or a file that may not be written.
    """
    config = settings(config, ExportConfig)
    out = Path(out)
    if out.suffix not in FORMATS:
        raise UserError(
            f"--out is {out}, allowed endings are {', '.join(FORMATS)}{nearest(out.suffix, FORMATS)}: they name the "
            "format"
        )
    if config.track is not None and out.suffix != ".bed":
        raise UserError(
            f"--track is {config.track}, which only a BED has: leave it out or choose an --out that ends in .bed"
        )
    check_file_free(out, overwrite=overwrite)
    windows = load_windows(stage_folder(source, kind="embeddings or clusters"), genome=config.genome)
    with whole_file(out) as path:
        _write(windows, path, ending=out.suffix, track=config.track)
    return out


def check_file_free(out: Path, *, overwrite: bool) -> None:
    """Raise `UserError` unless a file may be written at `out`; only one of the format that its name says is
    replaced."""
    if not out.exists():
        return
    if not overwrite:
        raise UserError(f"{out} exists already: choose another --out or pass --overwrite")
    if kind_of(out.parent) is not None:
        raise UserError(f"{out} is a part of the {kind_of(out.parent)} at {out.parent}: choose another --out")
    if not out.is_file() or not _is_of_its_format(out):
        raise UserError(
            f"{out} exists and is no {out.suffix} file of dnabert, so --overwrite leaves it alone: choose another --out"
        )


def _write(windows: Windows, path: Path, *, ending: str, track: str | None) -> None:
    if ending == ".bed":
        from dnabert.export.bed import write_bed

        write_bed(windows, path, track=track)
    elif ending == ".h5ad":
        from dnabert.export.annotated_matrix import write_h5ad

        write_h5ad(windows, path)
    else:
        import pyarrow

        from dnabert.encoders.table import TableWriter

        with TableWriter(path) as writer:
            writer.add(pyarrow.Table.from_pandas(windows.table, preserve_index=False), windows.vectors)


def _is_of_its_format(path: Path) -> bool:
    with open(path, "rb") as file:
        if path.suffix != ".bed":
            return file.read(8).startswith(FORMATS[path.suffix])
        line = file.readline(4096)
        fields = (file.readline(4096) if line.startswith(b"track ") else line).split(b"\t")
        return len(fields) == 9 and fields[3].startswith(b"cluster_")
