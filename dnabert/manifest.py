"""A stage's manifest: what made the folder, of what, and whether that still stands."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import hashlib
import importlib.metadata
import json
import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dnabert.errors import UserError
from dnabert.json_file import read_json

#: An absolute path, alone or after what may stand before one; no address of the web.
_ABSOLUTE = re.compile(r"(^|[=:+])(/(?!/)[^:+]*)")
#: Raised by one whenever what a stage leaves on disk can no longer be read by older code, or the reverse.
FORMATS = {
    "corpus": 1,
    "run": 1,
    "scores": 1,
    "embeddings": 1,
    "clusters": 1,
    "stability": 1,
    "explanation": 1,
    "comparison": 1,
    "report": 1,
    "probes": 1,
    "finetuning": 1,
    "classifiers": 1,
}

_MANIFEST = "manifest.json"
_CONFIG_OF_MODEL = "config.json"  # what transformers saves with every model
_OF_MODEL = (".json", ".safetensors", ".txt", ".model")  # its config, weights and tokenizer
_RECORDED = ("numpy", "torch", "transformers", "tokenizers", "datasets", "accelerate", "scikit-learn", "umap-learn")
#: Takes over from scikit-learn and UMAP where `python -m cuml.accel` starts the program: a map made so says so.
_ACCELERATOR = "cuml"


def write_manifest(
    folder: Path,
    *,
    kind: str,
    config: Any = None,
    inputs: Mapping[str, str | Path] | None = None,
    seconds: float | None = None,
) -> None:
    """Write ``manifest.json``: kind and format, config, hashes of the inputs, versions, command, date."""
    described = {name: describe(Path(path)) for name, path in (inputs or {}).items()}
    save_manifest(folder, kind=kind, config=config, inputs=described, seconds=seconds)


def save_manifest(folder: Path, *, kind: str, config: Any, inputs: dict[str, Any], seconds: float | None) -> None:
    """As `write_manifest`, of inputs that `describe` described."""
    if dataclasses.is_dataclass(config) and not isinstance(config, type):
        config = dataclasses.asdict(config)
    manifest = {
        "kind": kind,
        "format": FORMATS[kind],
        "config": config,
        "inputs": inputs,
        "versions": versions(),
        "command": [_program(sys.argv[0]), *sys.argv[1:]],
        "created": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "seconds": None if seconds is None else round(seconds, 1),
    }
    (folder / _MANIFEST).write_text(json.dumps(manifest, indent=2, default=str) + "\n")


def _program(path: str) -> str:
    """Name of the program; of one that is started as a module, ``python -m dnabert``, the module's."""
    name = os.path.basename(path)
    return os.path.basename(os.path.dirname(path)) if name == "__main__.py" else name


def told_kind(kind: str) -> str:
    """What users call a kind of stage."""
    return {"finetuning": "classifier", "classifiers": "comparison of classifiers"}.get(kind, kind)


def _one(kind: str) -> str:
    """A kind with its article: a run, an explanation, embeddings."""
    kind = told_kind(kind)
    if kind.endswith("s") and kind != "corpus":
        return kind
    return f"an {kind}" if kind[0] in "aeiou" else f"a {kind}"


def read_manifest(folder: str | Path, *, kind: str) -> dict[str, Any]:
    """Read a stage's manifest and check that it is of this kind and of a format that this version reads.

    Raises
    ------
    UserError
        when there is no such folder, it is no stage, another kind of stage, or was made by another version.
    """
    folder = Path(folder)
    if not os.path.isdir(folder):  # of a name too long for a file, too
        raise UserError(f"no such {told_kind(kind)} folder: {folder}: make it first, or give the path of another")
    try:
        manifest = read_json(folder / _MANIFEST)
    except (OSError, ValueError):
        raise UserError(
            f"{folder} is no {told_kind(kind)} of dnabert: "
            f"it has no readable {_MANIFEST}: finish it, or give another folder"
        ) from None
    if not isinstance(manifest, dict) or manifest.get("kind") != kind:
        found = manifest.get("kind") if isinstance(manifest, dict) else None
        raise UserError(
            f"{folder} holds {told_kind(str(found)) if found else 'something unknown'}, not {_one(kind)}: give the "
            f"folder of {_one(kind)}"
        )
    if manifest.get("format") != FORMATS[kind]:
        versions = manifest.get("versions")
        made_by = versions.get("dnabert", "another version") if isinstance(versions, dict) else "another version"
        raise UserError(
            f"{folder} was made by dnabert {made_by} ({kind} format {manifest.get('format')}; "
            f"this version reads format {FORMATS[kind]}): make it again"
        )
    if damaged := _damaged(manifest):
        raise UserError(
            f"{folder / _MANIFEST} is damaged: {damaged} is not what dnabert wrote there: make {folder} again"
        )
    return manifest


def _damaged(manifest: Mapping[str, Any]) -> str:
    """The first key that does not hold what `write_manifest` writes, or nothing."""
    kinds: dict[str, type | tuple[type, ...]] = {
        "config": (dict, type(None)),
        "inputs": dict,
        "versions": dict,
        "command": list,
    }
    wrong = [key for key, kind in kinds.items() if key not in manifest or not isinstance(manifest[key], kind)]
    if not wrong:
        wrong = [
            f"inputs.{name}"
            for name, each in manifest["inputs"].items()
            if not (isinstance(each, dict) and isinstance(each.get("path"), str))
        ]
    return wrong[0] if wrong else ""


def kind_of(folder: str | Path) -> str | None:
    """Kind of the stage in `folder`, of whatever format; None where there is none."""
    try:
        manifest = read_json(Path(folder) / _MANIFEST)
    except (OSError, ValueError):
        return None
    return manifest.get("kind") if isinstance(manifest, dict) else None


def without_places(value: Any) -> Any:
    """Cut absolute paths down to their last part, in strings, ``--key=value`` words, encoders' specifications, lists
    and mappings.

    Where a folder stood on one machine tells others nothing, and perhaps who worked there.

    Examples
    --------
    >>> without_places(["pretrain.py", "--out=/home/ann/runs/a", {"path": "/data/b.fa", "k": 6}, "configs/c.yaml"])
    ['pretrain.py', '--out=a', {'path': 'b.fa', 'k': 6}, 'configs/c.yaml']
    >>> without_places("codebook:/home/ann/runs/a+abundance:/data/apes")
    'codebook:a+abundance:apes'
    """
    if isinstance(value, dict):
        return {key: without_places(each) for key, each in value.items()}
    if isinstance(value, list):
        return [without_places(each) for each in value]
    if not isinstance(value, str):
        return value
    return _ABSOLUTE.sub(lambda found: found[1] + os.path.basename(found[2].rstrip("/")), value)


def check_unchanged(folder: str | Path, manifest: Mapping[str, Any], *, name: str) -> Path:
    """Path of an input of a stage, which must be the one that the stage was made from.

    Parameters
    ----------
    folder : of the stage, for the message.
    manifest : the stage's.
    name : of the input.

    Raises
    ------
    UserError
        when the input has been made again or changed since.
    """
    recorded = (manifest.get("inputs") or {}).get(name) or {}
    if "path" not in recorded:
        raise UserError(f"{folder} does not say what its {name} was: make it again")
    path = Path(recorded["path"])
    if "sha256" in recorded and content_hash(path) not in (None, recorded["sha256"]):
        raise UserError(f"{folder} was made from another {name} than now stands at {path}: make {folder} again")
    return path


def sha256(path: str | Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def content_hash(path: str | Path) -> str | None:
    """SHA-256 of a file, of a stage folder's manifest, or of the names and bytes of a model's files that others saved;
    None where none is."""
    hashed = _hashed(Path(path))
    if len(hashed) == 1:
        return sha256(hashed[0])
    lines = [f"{sha256(file)}  {file.name}\n" for file in hashed]
    return hashlib.sha256("".join(lines).encode()).hexdigest() if lines else None


def describe(path: Path) -> dict[str, Any]:
    """Place, size and hash of what `content_hash` reads, as a manifest records an input."""
    found = content_hash(path)
    if found is None:
        return {"path": os.path.abspath(path)}
    return {"path": os.path.abspath(path), "bytes": sum(file.stat().st_size for file in _hashed(path)), "sha256": found}


def _hashed(path: Path) -> list[Path]:
    """The files whose bytes stand for a path."""
    if not path.is_dir():
        return [path] if path.is_file() else []
    if (path / _MANIFEST).is_file():
        return [path / _MANIFEST]
    if not (path / _CONFIG_OF_MODEL).is_file():
        return []
    return sorted(file for file in path.iterdir() if file.suffix in _OF_MODEL and file.is_file())


def versions() -> dict[str, str]:
    """Versions of Python, of this package and of the libraries that results depend on, by name."""
    versions = {"python": sys.version.split()[0]}
    for name in ("dnabert", *_RECORDED):
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            versions[name] = importlib.metadata.version(name)
    if _ACCELERATOR in sys.modules:
        versions[_ACCELERATOR] = str(getattr(sys.modules[_ACCELERATOR], "__version__", "unknown"))
    return versions
