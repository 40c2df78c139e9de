"""Read what the earlier stages left: one object that the page, the figures and the tables share."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dnabert.errors import UserError
from dnabert.stage import read_manifest

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Evidence:
    """A comparison and, when there is one, the run behind it.

    Attributes
    ----------
    ladder : one record per rung, as in ``ladder.json``.
    edit_distance : as in ``edit_distance.json``, or None.
    clusters : one record per cluster, largest first; the unclustered windows (label -1), if told, come last.
    map : DataFrame with one row per window: ``label``, ``x``, ``y`` and the annotation columns.
    metrics : the run's ``metrics.jsonl``, in order; empty without a run.
    floors : the run's ``floors.json``, or None.
    manifests : name of a stage to its manifest.
    configs : name of a stage to its configuration as YAML text.
    """

    ladder: list[dict[str, Any]]
    edit_distance: dict[str, Any] | None
    clusters: list[dict[str, Any]]
    map: pd.DataFrame
    main_rung: str
    metrics: list[dict[str, Any]] = field(default_factory=list)
    floors: dict[str, Any] | None = None
    manifests: dict[str, dict[str, Any]] = field(default_factory=dict)
    configs: dict[str, str] = field(default_factory=dict)


def read_evidence(comparison: str | Path, *, run: str | Path | None = None) -> Evidence:
    """Read a comparison folder and a run folder.

    Raises
    ------
    UserError
        when a folder is not of its kind, or a file in it is missing or unreadable.
    """
    comparison = Path(comparison)
    manifests = {"comparison": read_manifest(comparison, kind="comparison")}
    main = _read_json(comparison / "comparison.json")
    if not isinstance(main, dict) or not isinstance(main.get("main"), str):
        raise UserError(f"{comparison / 'comparison.json'} has no key main: make the comparison again")
    configs = _texts(comparison, name="comparison")
    metrics: list[dict[str, Any]] = []
    floors = None
    if run is not None:
        run = Path(run)
        manifests["run"] = read_manifest(run, kind="run")
        metrics = _read_lines(run / "metrics.jsonl")
        floors = _read_json(run / "floors.json") if (run / "floors.json").exists() else None
        configs |= _texts(run, name="run")
    edit = comparison / "edit_distance.json"
    return Evidence(
        ladder=_read_json(comparison / "ladder.json"),
        edit_distance=_read_json(edit) if edit.exists() else None,
        clusters=sorted(
            _read_json(comparison / "clusters.json"), key=lambda record: (record["label"] < 0, -record["n"])
        ),
        map=_read_map(comparison / main["main"]),
        main_rung=str(main.get("main_rung", "")),
        metrics=metrics,
        floors=floors,
        manifests=manifests | _rungs(comparison),
        configs=configs,
    )


def _read_map(folder: Path) -> pd.DataFrame:
    import pandas as pd

    read_manifest(folder, kind="clusters")
    try:
        return pd.read_parquet(folder / "clusters.parquet")
    except (OSError, ValueError) as error:
        raise UserError(f"{folder / 'clusters.parquet'} cannot be read ({error}): make the comparison again") from error


def _rungs(comparison: Path) -> dict[str, dict[str, Any]]:
    found = {}
    for kind in ("embeddings", "clusters"):
        for path in sorted((comparison / kind).glob("*/manifest.json")):
            found[f"{kind}/{path.parent.name}"] = read_manifest(path.parent, kind=kind)
    return found


def _texts(folder: Path, *, name: str) -> dict[str, str]:
    path = folder / "config.yaml"
    return {name: path.read_text(encoding="utf-8")} if path.exists() else {}


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"{path} cannot be read ({error}): make the comparison or the run again") from error


def _read_lines(path: Path) -> list[dict[str, Any]]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
        return [json.loads(line) for line in lines if line.strip()]
    except (OSError, ValueError) as error:
        raise UserError(f"{path} cannot be read ({error}): make the run again") from error
