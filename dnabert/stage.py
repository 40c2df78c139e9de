"""A stage's folder: whole or absent, with a manifest that says what made it."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import hashlib
import importlib.metadata
import json
import os
import shutil
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from dnabert.errors import UserError

#: Raised by one whenever what a stage leaves on disk can no longer be read by older code, or the reverse.
FORMATS = {"corpus": 1, "run": 1, "embeddings": 1, "clusters": 1, "comparison": 1, "report": 1, "probes": 1, "finetuning": 1}

_MANIFEST = "manifest.json"
_RECORDED = ("numpy", "torch", "transformers", "tokenizers", "datasets", "accelerate", "scikit-learn", "umap-learn")


@contextlib.contextmanager
def stage(
    out: str | Path,
    *,
    kind: str,
    config: Any = None,
    inputs: Mapping[str, str | Path] | None = None,
    overwrite: bool = False,
) -> Iterator[Path]:
    """Give a temporary sibling of `out`; rename it to `out` when the block ends well, remove it otherwise.

    Parameters
    ----------
    out : path of the folder to make; its parents are made too.
    kind : one of ``FORMATS``; later stages check it.
    config : dataclass or mapping, written into the manifest.
    inputs : name to file or stage folder; their SHA-256 (for a stage folder: of its manifest) are recorded.
    overwrite : replace an existing stage of the same kind; without it an existing `out` is an error.

    Raises
    ------
    UserError
        when `out` exists and may not be replaced, or cannot be written.
    """
    out = Path(out)
    check_free(out, kind=kind, overwrite=overwrite)
    temporary = out.with_name(f".{out.name}.{os.getpid()}.partial")
    began = time.time()
    try:
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir(parents=True)
        yield temporary
        write_manifest(temporary, kind=kind, config=config, inputs=inputs, seconds=time.time() - began)
        if out.exists():
            shutil.rmtree(out)
        temporary.rename(out)
    except OSError as error:
        if error.filename is None and error.errno is None:
            raise
        raise UserError(f"cannot write {out}: {error.strerror or error}: free space or choose another --out") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def check_free(out: str | Path, *, kind: str, overwrite: bool) -> None:
    """Raise `UserError` unless a stage of this kind may be written at `out`.

    An existing folder that is no stage of the same kind is never replaced: ``--out .`` must not cost a home folder.
    """
    out = Path(out)
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return
    if not overwrite:
        raise UserError(f"{out} exists already: choose another --out or pass --overwrite")
    if not out.is_dir() or _kind_of(out) != kind:
        raise UserError(f"{out} exists and is no {kind} of dnabert, so --overwrite leaves it alone: choose another --out")


def write_manifest(
    folder: Path,
    *,
    kind: str,
    config: Any = None,
    inputs: Mapping[str, str | Path] | None = None,
    seconds: float | None = None,
) -> None:
    """Write ``manifest.json``: kind and format, config, hashes of the inputs, versions, command, date."""
    manifest = {
        "kind": kind,
        "format": FORMATS[kind],
        "config": dataclasses.asdict(config) if dataclasses.is_dataclass(config) and not isinstance(config, type) else config,
        "inputs": {name: _describe(Path(path)) for name, path in (inputs or {}).items()},
        "versions": _versions(),
        "command": [os.path.basename(sys.argv[0]), *sys.argv[1:]],
        "created": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "seconds": None if seconds is None else round(seconds, 1),
    }
    (folder / _MANIFEST).write_text(json.dumps(manifest, indent=2, default=str) + "\n")


def read_manifest(folder: str | Path, *, kind: str) -> dict[str, Any]:
    """Read a stage's manifest and check that it is of this kind and of a format that this version reads.

    Raises
    ------
    UserError
        when there is no such folder, it is no stage, another kind of stage, or was made by another version.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise UserError(f"no such {kind} folder: {folder}")
    try:
        manifest = json.loads((folder / _MANIFEST).read_text())
    except (OSError, ValueError):
        raise UserError(f"{folder} is no {kind} of dnabert: it has no readable {_MANIFEST}: finish it, or give another folder") from None
    if not isinstance(manifest, dict) or manifest.get("kind") != kind:
        found = manifest.get("kind") if isinstance(manifest, dict) else None
        raise UserError(f"{folder} holds {found or 'something unknown'}, not a {kind}: give the folder of a {kind}")
    if manifest.get("format") != FORMATS[kind]:
        made_by = (manifest.get("versions") or {}).get("dnabert", "another version")
        raise UserError(
            f"{folder} was made by dnabert {made_by} ({kind} format {manifest.get('format')}; "
            f"this version reads format {FORMATS[kind]}): make it again"
        )
    return manifest


def sha256(path: str | Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _describe(path: Path) -> dict[str, Any]:
    hashed = path / _MANIFEST if path.is_dir() else path
    if not hashed.is_file():
        return {"path": str(path)}
    return {"path": str(path), "bytes": hashed.stat().st_size, "sha256": sha256(hashed)}


def _kind_of(folder: Path) -> str | None:
    try:
        manifest = json.loads((folder / _MANIFEST).read_text())
    except (OSError, ValueError):
        return None
    return manifest.get("kind") if isinstance(manifest, dict) else None


def _versions() -> dict[str, str]:
    versions = {"python": sys.version.split()[0]}
    for name in ("dnabert", *_RECORDED):
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            versions[name] = importlib.metadata.version(name)
    return versions
