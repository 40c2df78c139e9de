"""The map's data for the browser: numbers as base64 of little-endian arrays, categories as integer codes."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

from dnabert.report.colours import BACKGROUND, DARK, OTHER, categories
from dnabert.report.figures import cluster_names
from dnabert.report.sequences import pack_sequences

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from dnabert.report.sequences import Read

#: More points than a screen has room for; above it the page draws a random part and says so.
MAXIMUM_POINTS = 300_000

#: column, title, kind; in the order of the colour selector.
_COLUMNS = (
    ("label", "cluster", "category"),
    ("genome", "genome", "category"),
    ("region", "gene region", "category"),
    ("gene_type", "gene type", "category"),
    ("repeat_class", "repeat class", "category"),
    ("codon_frame", "codon frame, on the forward strand", "category"),
    ("cpg_island", "CpG island (share of bases)", "share"),
    ("gc", "GC (share of bases)", "share"),
    ("probability", "strength of cluster membership", "share"),
    ("confidence", "found again when clustering is repeated (share)", "share"),
    ("split", "split", "category"),
)

#: A truth value per window and named gene set stands in a column of this name with the set's name behind it.
GENE_SET = "gene_set:"

#: Columns that the hover box shows but no colour does.
_TOLD = (("chrom", "category"), ("gene", "category"), ("start", "integer"), ("end", "integer"), ("repeat", "share"))


def map_data(
    table: pd.DataFrame, *, sequences: Read | None = None, seed: int = 0, maximum: int = MAXIMUM_POINTS
) -> dict[str, Any]:
    """Pack the map for the page: about 30 bytes a window, so that 173,000 windows take 7 MB, and their bases.

    Parameters
    ----------
    table : one row per window with ``label``, ``x``, ``y``; annotation columns are taken where present.
    sequences : gives the bases of rows of `table`; without it the page shows none.
    seed, maximum : above `maximum` rows, that many are drawn at random without replacement, in order.

    Returns
    -------
    JSON-able mapping: ``n``, ``total``, ``x``, ``y``, ``columns`` (key, title, kind, colourable, data), ``other`` (the
    colour of values without a look of their own), ``unknown`` (that of windows whose share is not known), ``dark``
    (each colour to its counterpart on a dark ground) and ``sequences`` (of `pack_sequences`, or None).
    """
    import numpy as np

    total = len(table)
    rows = np.arange(total)
    if total > maximum:
        rows = np.sort(np.random.default_rng(seed).choice(total, maximum, replace=False))
        table = table.iloc[rows]
    named_sets = tuple(name for name in table.columns if str(name).startswith(GENE_SET))
    wanted = [(key, title, kind, True) for key, title, kind in _COLUMNS]
    wanted += [(key, f"gene set: {key.removeprefix(GENE_SET)}", "category", True) for key in named_sets]
    wanted += [(key, key, kind, False) for key, kind in _TOLD]
    columns: list[dict[str, Any]] = [
        {"key": key, "title": title, "colourable": colourable, "kind": kind} | _pack(table[key], key=key, kind=kind)
        for key, title, kind, colourable in wanted
        if key in table
    ]
    for column in columns:
        if not _tells(column, table[column["key"]]):
            column["colourable"] = False
    return {
        "n": len(table),
        "total": total,
        "x": _base64(table["x"].to_numpy(), "<f4"),
        "y": _base64(table["y"].to_numpy(), "<f4"),
        "columns": columns,
        "other": OTHER,
        "unknown": BACKGROUND,
        "dark": DARK,
        "sequences": pack_sequences(sequences, rows) if sequences and total else None,
    }


def _tells(column: dict[str, Any], values: pd.Series) -> bool:
    """Whether there is something to be seen in colour: not of what nobody annotated, nor of the only genome; clusters
    always."""
    if "values" not in column:
        return not values.isna().all()
    known = set(column["values"]) - {"unknown", ""}
    return bool(known) and (len(column["values"]) > 1 or column["key"] == "label")


def as_script(data: Any) -> str:
    r"""JSON that may stand inside ``<script>``: no value in it can close the element or open a comment.

    Examples
    --------
    >>> as_script({"gene": "</script><b>"})
    '{"gene":"\\u003c/script\\u003e\\u003cb\\u003e"}'
    """
    text = json.dumps(data, separators=(",", ":"), allow_nan=False)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def _pack(column: pd.Series, *, key: str, kind: str) -> dict[str, Any]:
    import numpy as np

    # places on the longest chromosomes are beyond 2^31, and not beyond the whole numbers that a browser knows
    if kind == "integer":
        width = 4 if column.max() < 2**31 else 8
        return {"width": width, "data": _base64(column.to_numpy(), {4: "<i4", 8: "<f8"}[width])}
    if kind == "share":
        # 65,534 steps: finer than any screen, half the bytes of float32; the last number is that of windows of which
        # nothing is known
        shares = np.clip(column.to_numpy(dtype=float), 0, 1)
        return {"data": _base64(np.where(np.isnan(shares), 65_535, np.round(shares * 65_534)), "<u2")}
    values = _names(column, key=key)
    found = categories(values)
    names = np.array([category.value for category in found])
    order = np.argsort(names)
    codes = order[np.searchsorted(names[order], values)]
    width = next(bytes_ for bytes_ in (1, 2, 4) if len(found) <= 256**bytes_)
    return {
        "values": [category.value for category in found],
        "counts": [category.n for category in found],
        "colours": [category.colour for category in found],
        "symbols": [category.symbol for category in found],
        "backgrounds": sum(category.background for category in found),
        "width": width,
        "data": _base64(codes, f"<u{width}"),
    }


def _names(column: pd.Series, *, key: str) -> np.ndarray:
    import numpy as np

    if key == "label":
        return cluster_names(column.to_numpy())
    if key.startswith(GENE_SET):
        return np.where(column.to_numpy(dtype=bool), key.removeprefix(GENE_SET), "none")
    return column.astype(str).to_numpy(dtype=str)


def _base64(values: np.ndarray, dtype: str) -> str:
    import numpy as np

    return base64.b64encode(np.ascontiguousarray(values, dtype=dtype).tobytes()).decode("ascii")
