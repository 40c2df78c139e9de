"""A command's table: tab-separated values in a file of the user's choice, whole or absent, replaced only by another
such table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from dnabert.disk import check_writable
from dnabert.errors import UserError
from dnabert.stage import whole_file

if TYPE_CHECKING:
    import pandas as pd

#: Bytes of a file's first line that are looked at.
_HEAD = 4096


def check_table_free(out: str | Path, *, columns: Sequence[str], command: str, overwrite: bool) -> None:
    """Raise `UserError` unless a command's table may be written at `out`; only such a table is ever replaced.

    Parameters
    ----------
    out : the file.
    columns : with which the header of such a table begins.
    command : that writes it, as the user calls it.
    overwrite : whether one that stands there may be replaced.
    """
    out = Path(out)
    if not out.exists():
        check_writable(out)
        return
    if not overwrite:
        raise UserError(f"{out} exists already: choose another --out or pass --overwrite")
    if not out.is_file() or not _begins_with(out, columns):
        raise UserError(
            f"{out} exists and is no table of {command}, so --overwrite leaves it alone: choose another --out"
        )


def write_table(table: pd.DataFrame, out: str | Path) -> None:
    """Write all columns of a table.

    Raises
    ------
    UserError
        when it cannot be written.
    """
    with whole_file(out) as temporary:
        table.to_csv(temporary, sep="\t", index=False, lineterminator="\n")


def _begins_with(path: Path, columns: Sequence[str]) -> bool:
    with open(path, "rb") as file:
        return (file.readline(_HEAD).rstrip(b"\n") + b"\t").startswith(("\t".join(columns) + "\t").encode())
