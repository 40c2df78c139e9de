"""The table of assigned sequences: its columns, its exemplars, its sentences."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dnabert.clusters.stability import load_stability
from dnabert.errors import UserError, first_line
from dnabert.manifest import content_hash, read_manifest

if TYPE_CHECKING:
    import pandas as pd

#: Exemplars of each row.
EXEMPLARS = 3
#: The header of the file.
COLUMNS = (
    "name",
    "start",
    "end",
    "length",
    "cluster",
    "probability",
    "distance",
    *(f"exemplar_{i + 1}" for i in range(EXEMPLARS)),
    "unlike",
    "note",
)
#: Further columns, where the stability of the clusters and an explanation of them are given.
STABILITY, SENTENCE = "stability", "sentence"


def sentences_of(explanation: str | Path, *, clusters: str | Path) -> dict[str, str]:
    """What an explanation says of each of these clusters, by the cluster's number as text.

    Raises
    ------
    UserError
        when the folder holds no explanation, one of other clusters, or a damaged one.
    """
    import pandas as pd

    if not _is_of(read_manifest(explanation, kind="explanation"), clusters):
        raise UserError(f"{explanation} explains other clusters than {clusters} holds: run dnabert explain {clusters}")
    path = Path(explanation) / "clusters.tsv"
    try:
        table = pd.read_csv(path, sep="\t", keep_default_na=False)
        return dict(zip(table["label"].astype(str), table["text"], strict=True))
    except (OSError, ValueError, KeyError) as error:
        raise UserError(f"cannot read {path} ({first_line(error)}): run dnabert explain {clusters} again") from None


def stability_of(stability: str | Path, *, clusters: str | Path) -> tuple[dict[str, str], dict[str, Any] | None]:
    """Verdict on each of these clusters (``undecided`` where the interval leaves open whether it dissolves), by the
    cluster's number as text, and what repeats do with windows they left out (`placed_elsewhere`).

    Raises
    ------
    UserError
        when the folder holds no stability, one of other clusters, or a damaged or older one.
    """
    found = load_stability(stability)
    if not _is_of(found.manifest, clusters):
        raise UserError(f"{stability} judges other clusters than {clusters} holds: run dnabert stability {clusters}")
    try:
        rows, placed = found.summary["clusters"], found.summary["placed"]
        return {str(row["label"]): "undecided" if row.get("undecided") else str(row["verdict"]) for row in rows}, placed
    except (KeyError, TypeError):
        raise UserError(
            f"{stability} does not say what becomes of windows that a repeat left out, an older dnabert made it: run "
            f"dnabert stability {clusters} again"
        ) from None


def _is_of(manifest: dict[str, Any], clusters: str | Path) -> bool:
    """Whether a stage was made of these clusters."""
    recorded = (manifest.get("inputs") or {}).get("clusters") or {}
    return bool(recorded.get("sha256") == content_hash(clusters))


def shown_windows(table: pd.DataFrame) -> list[str]:
    """Place, repeat class and gene of each window of a clusters table; of a FASTA's records, the name.

    Examples
    --------
    >>> import pandas as pd
    >>> row = {"genome": "human", "chrom": "chr22", "start": 448, "end": 896, "repeat_class": "Alu", "gene": "EWSR1"}
    >>> shown_windows(pd.DataFrame([row]))
    ['human:chr22:448-896 Alu EWSR1']
    """
    if "start" not in table:
        return table["name"].astype(str).tolist()
    places = table["genome"].astype(str) + ":" + table["chrom"].astype(str)
    places += ":" + table["start"].astype(str) + "-" + table["end"].astype(str)
    for name in ("repeat_class", "gene"):
        if name in table:
            value = table[name].fillna("").astype(str)
            places += np.where(value.isin(("", "none", "unknown")), "", " " + value)
    return [str(place) for place in places]


def of_different_groups(windows: list[int], groups: np.ndarray) -> list[int]:
    """The first `EXEMPLARS` windows of different groups, filled up with the nearest others.

    Examples
    --------
    >>> of_different_groups([4, 3, 2, 1, 0], np.array([7, 8, 9, 9, 9]))
    [4, 1, 0]
    """
    first = {int(groups[window]): window for window in reversed(windows)}
    apart = [window for window in windows if first[int(groups[window])] == window]
    rest = [window for window in windows if window not in apart]
    chosen = set([*apart, *rest][:EXEMPLARS])
    return [window for window in windows if window in chosen]
