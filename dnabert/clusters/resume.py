"""Make a stage once: again only when its configuration or an input has changed."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from dnabert.errors import UserError
from dnabert.json_file import read_json
from dnabert.manifest import content_hash, read_manifest
from dnabert.stage import stage, whole_file


def is_current(folder: str | Path, *, kind: str, config: Any, inputs: Mapping[str, str | Path]) -> bool:
    """Whether a whole stage stands at `folder`, made with this configuration from these very inputs.

    Parameters
    ----------
    folder : the stage's folder.
    kind : its kind, as in `dnabert.stage.stage`.
    config : dataclass or mapping; keys that only the manifest has (a measured time) do not matter.
    inputs : name to file or stage folder; compared by the SHA-256 that the stage recorded.
    """
    try:
        manifest = read_manifest(folder, kind=kind)
    except UserError:
        return False
    is_dataclass = dataclasses.is_dataclass(config) and not isinstance(config, type)
    wanted = json.loads(json.dumps(dataclasses.asdict(config) if is_dataclass else config, default=str))
    recorded = manifest.get("config") or {}
    if any(key not in recorded or recorded[key] != value for key, value in wanted.items()):
        return False
    found = manifest.get("inputs") or {}
    return all(name in found and found[name].get("sha256") == content_hash(path) for name, path in inputs.items())


def once(
    folder: str | Path, measure: Callable[[], Any], *, config: Mapping[str, Any], inputs: Mapping[str, str | Path]
) -> Any:
    """Read the ``result.json`` of a part of a comparison that is current, or measure it and write it.

    Parameters
    ----------
    folder : the part's folder, a stage of kind ``comparison``.
    measure : gives the result, as plain as JSON.
    config, inputs : what the result depends on; it is measured again when one has changed.
    """
    folder = Path(folder)
    if not is_current(folder, kind="comparison", config=config, inputs=inputs):
        with stage(folder, kind="comparison", config=dict(config), inputs=inputs, overwrite=True) as made:
            write_json(made / "result.json", measure())
    return read_json(folder / "result.json")


def write_json(path: Path, value: Any) -> None:
    """Write JSON so that a reader never meets half of it."""
    with whole_file(path) as partial:
        partial.write_text(json.dumps(value, indent=1, allow_nan=False) + "\n", encoding="utf-8")
