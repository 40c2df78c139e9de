"""The page's tables as TSV, one row per thing, for spreadsheets and scripts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from dnabert.report.numbers import percent, present

if TYPE_CHECKING:
    from dnabert.report.answer import Record
    from dnabert.report.evidence import Evidence


def write_tables(evidence: Evidence, folder: Path) -> None:
    """Write ladder, clusters, samples, edit distance, loss, kinds of sequence and floors, each where there is something
    to tell."""
    folder.mkdir()
    floors = (evidence.floors or {}).get("orders", {})
    tables: dict[str, list[Record]] = {
        "ladder": _ladder(evidence.ladder),
        "clusters": [_cluster(record) for record in evidence.clusters],
        "samples": [{"label": c["label"], **sample} for c in evidence.clusters for sample in c.get("samples", [])],
        "edit_distance": _distances(evidence.edit_distance or {}),
        "edit_distance_tests": [_test(row) for row in (evidence.edit_distance or {}).get("tests", [])],
        "loss": evidence.metrics,
        "kinds": evidence.scores.get("kinds", []),
        "floors": [{"order": order, "bits_per_base": record["bits_per_base"]} for order, record in floors.items()],
    }
    for name, rows in tables.items():
        if rows:
            _write(rows, folder / f"{name}.tsv")


def told_columns(clusters: list[Record]) -> set[str]:
    """Columns of which at least one cluster has a value that is not unknown.

    Examples
    --------
    >>> row = {"label": 0, "n": 3, "repeat": None, "region": {"unknown": 1.0}, "genomes": {"fly": 1.0}}
    >>> sorted(told_columns([row]))
    ['genomes', 'label', 'n']
    """
    told = (
        (key, {k: v for k, v in value.items() if k != "unknown"} if isinstance(value, dict) else present(value))
        for row in clusters
        for key, value in row.items()
    )
    return {key for key, value in told if value}


def composition(shares: Any, *, top: int = 3) -> str:
    r"""Shares in falling order, in words; of more than `top`, that there are more.

    Examples
    --------
    >>> composition({"human": 0.6, "gorilla": 0.398, "chimp": 0.002})
    'human 60\xa0%, gorilla 40\xa0%, chimp <\xa01\xa0%'
    >>> composition({"human": 0.6, "gorilla": 0.398, "chimp": 0.002}, top=2)
    'human 60\xa0%, gorilla 40\xa0%, …'
    """
    found = sorted(
        ((v, k) for k, v in (shares or {}).items() if present(v) and v > 0), key=lambda pair: (-pair[0], pair[1])
    )
    more = ["…"] if len(found) > top else []
    return ", ".join([*(f"{name} {percent(value)}" for value, name in found[:top]), *more]) or "–"


def _ladder(ladder: list[Record]) -> list[Record]:
    return [
        {"rung": rung["rung"], "encoder": rung.get("encoder"), "windows": rung.get("n"), "metric": key}
        | {part: value.get(part) for part in ("value", "low", "high", "n")}
        for rung in ladder
        for key, value in rung["metrics"].items()
        if value
    ]


def _cluster(record: Record) -> Record:
    told = {key: value for key, value in record.items() if key != "samples" and not isinstance(value, dict)}
    return told | {key: composition(value, top=5) for key, value in record.items() if isinstance(value, dict)}


def _distances(edit_distance: Record) -> list[Record]:
    rows = [{"pairs": name, "label": None, **values} for name, values in edit_distance.get("summary", {}).items()]
    for record in edit_distance.get("per_cluster", []):
        told = {name: record[name] for name in ("median", "mean") if name in record}  # earlier versions told means
        rows.append({"pairs": "within", "label": record["label"], "n": record["n_pairs"], **told})
    return rows


def _test(row: Record) -> Record:
    told = {name: value for name, value in row.items() if name != "pairs"}
    return told | dict(zip(("pairs_a", "pairs_b"), row.get("pairs", ()), strict=False))  # earlier versions told none


def _write(rows: list[Record], path: Path) -> None:
    import pandas as pd

    pd.DataFrame(rows).to_csv(path, sep="\t", index=False, float_format="%.6g", lineterminator="\n")
