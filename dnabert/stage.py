"""A stage's folder: whole or absent, with a manifest that says what made it."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import errno
import hashlib
import importlib.metadata
import json
import os
import shutil
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from dnabert.disk import system_error
from dnabert.errors import UserError
from dnabert.json_file import read_json
from dnabert.leftovers import lock_folder, remove_leftovers, temporary_sibling

#: Raised by one whenever what a stage leaves on disk can no longer be read by older code, or the reverse.
FORMATS = {
    "corpus": 1,
    "run": 1,
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
#: Tries to put a folder in place while other processes put theirs there.
_TURNS = 100
_RECORDED = ("numpy", "torch", "transformers", "tokenizers", "datasets", "accelerate", "scikit-learn", "umap-learn")
#: Takes over from scikit-learn and UMAP where `python -m cuml.accel` starts the program: a map made so says so.
_ACCELERATOR = "cuml"


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

    What a killed process has left beside `out` goes when the next one begins; what another one is writing stays.

    Parameters
    ----------
    out : path of the folder to make; its parents are made too.
    kind : one of ``FORMATS``; later stages check it.
    config : dataclass or mapping, written into the manifest.
    inputs : name to file or stage folder; their SHA-256 (for a stage folder: of its manifest) are taken before the block, which
        therefore reads them: what changes meanwhile is another than the one recorded.
    overwrite : replace an existing stage of the same kind; without it an existing `out` is an error.

    Raises
    ------
    UserError
        when `out` exists and may not be replaced, or cannot be written.
    """
    if overwrite:
        check_not_read(out, (inputs or {}).values())
    with whole_folder(out, kind=kind, overwrite=overwrite) as folder:
        began = time.time()
        described = {name: _describe(Path(path)) for name, path in (inputs or {}).items()}
        yield folder
        _save_manifest(folder, kind=kind, config=config, inputs=described, seconds=time.time() - began)


@contextlib.contextmanager
def whole_folder(out: str | Path, *, kind: str, overwrite: bool = False) -> Iterator[Path]:
    """As `stage`, but whoever asks writes the manifest."""
    out = Path(out)
    check_free(out, kind=kind, overwrite=overwrite)
    with _writing(out, within=temporary_sibling(out)), _temporary_folder(out) as temporary:
        yield temporary
        _put(temporary, out, kind=kind, overwrite=overwrite)


@contextlib.contextmanager
def _temporary_folder(out: Path) -> Iterator[Path]:
    """Make a folder beside `out`, hold it while the block runs, and remove it; what killed processes left there is removed too."""
    temporary = temporary_sibling(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    remove_leftovers(out)
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir()
    lock = lock_folder(temporary)
    try:
        yield temporary
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        if lock is not None:
            os.close(lock)


def _put(temporary: Path, out: Path, *, kind: str, overwrite: bool) -> None:
    """Rename the whole folder to `out`; what stands there is moved away first, never emptied in its place.

    A process killed while it empties a folder would leave the rest of it, manifest and all, to be taken for whole.
    """
    replaced = temporary_sibling(out, role="-replaced")
    for turn in range(_TURNS):
        try:
            temporary.rename(out)
            return
        except OSError as error:  # a folder that is not empty: made by another process since this one began, or to be replaced
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR):
                raise
        try:
            check_free(out, kind=kind, overwrite=overwrite)
            shutil.rmtree(replaced, ignore_errors=True)
            out.rename(replaced)
        except (UserError, FileNotFoundError):  # another process may just be moving it away
            if not overwrite or turn == _TURNS - 1:
                raise
            continue
        if replaced.is_symlink():
            replaced.unlink()
        shutil.rmtree(replaced, ignore_errors=True)
    raise UserError(f"{out} is being written by other processes: wait for them or choose another --out")


@contextlib.contextmanager
def _writing(out: Path, *, within: Path) -> Iterator[None]:
    """Say in one line what keeps a folder from being written: a full disk, a right that is not given, a file elsewhere."""
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        found = system_error(error)
        if found is None:
            raise
        name = getattr(error, "filename", None)
        place = f"{name}: " if isinstance(name, str) and not Path(name).is_relative_to(within) and Path(name) != out else ""
        raise UserError(f"cannot write {out}: {place}{found}: free space or choose another --out") from error


@contextlib.contextmanager
def whole_file(out: str | Path) -> Iterator[Path]:
    """Give a temporary place for the file `out`; rename it to `out` when the block ends well, remove it otherwise.

    Its parents are made. What a killed process left there is removed.

    Raises
    ------
    UserError
        when the file cannot be written.
    """
    out = Path(out)
    try:
        with _temporary_folder(out) as temporary:
            yield temporary / out.name
            (temporary / out.name).replace(out)
    except OSError as error:
        raise UserError(f"cannot write {out}: {error.strerror or error}: free space or choose another --out") from error


def check_free(out: str | Path, *, kind: str, overwrite: bool) -> None:
    """Raise `UserError` unless a stage of this kind may be written at `out`.

    An existing folder that is no stage of the same kind is never replaced: ``--out .`` must not cost a home folder.
    """
    out = Path(out)
    try:
        if not out.exists() or (out.is_dir() and not any(out.iterdir())):
            return
    except OSError as error:
        raise UserError(f"cannot write {str(out)[:200]}: {error.strerror or error}: choose another --out") from None
    if not overwrite:
        raise UserError(f"{out} exists already: choose another --out or pass --overwrite")
    if not out.is_dir() or kind_of(out) != kind:
        raise UserError(f"{out} exists and is no {kind} of dnabert, so --overwrite leaves it alone: choose another --out")


def check_not_read(out: str | Path, inputs: Iterable[str | Path]) -> None:
    """Raise `UserError` when a folder that is about to be replaced is, or holds, what is read to make it anew."""
    place = Path(out).resolve()
    for path in inputs:
        if Path(path).exists() and Path(path).resolve().is_relative_to(place):
            raise UserError(f"{out} would be replaced, but {path} in it is read: choose another --out")


def write_manifest(
    folder: Path,
    *,
    kind: str,
    config: Any = None,
    inputs: Mapping[str, str | Path] | None = None,
    seconds: float | None = None,
) -> None:
    """Write ``manifest.json``: kind and format, config, hashes of the inputs, versions, command, date."""
    described = {name: _describe(Path(path)) for name, path in (inputs or {}).items()}
    _save_manifest(folder, kind=kind, config=config, inputs=described, seconds=seconds)


def _save_manifest(folder: Path, *, kind: str, config: Any, inputs: dict[str, Any], seconds: float | None) -> None:
    manifest = {
        "kind": kind,
        "format": FORMATS[kind],
        "config": dataclasses.asdict(config) if dataclasses.is_dataclass(config) and not isinstance(config, type) else config,
        "inputs": inputs,
        "versions": _versions(),
        "command": [_program(sys.argv[0]), *sys.argv[1:]],
        "created": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "seconds": None if seconds is None else round(seconds, 1),
    }
    (folder / _MANIFEST).write_text(json.dumps(manifest, indent=2, default=str) + "\n")


def _program(path: str) -> str:
    """Name of the program; of one that is started as a module, ``python -m dnabert``, the module's."""
    name = os.path.basename(path)
    return os.path.basename(os.path.dirname(path)) if name == "__main__.py" else name


def _one(kind: str) -> str:
    """A kind with its article: a run, an explanation, embeddings."""
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
    if not folder.is_dir():
        raise UserError(f"no such {kind} folder: {folder}")
    try:
        manifest = read_json(folder / _MANIFEST)
    except (OSError, ValueError):
        raise UserError(f"{folder} is no {kind} of dnabert: it has no readable {_MANIFEST}: finish it, or give another folder") from None
    if not isinstance(manifest, dict) or manifest.get("kind") != kind:
        found = manifest.get("kind") if isinstance(manifest, dict) else None
        raise UserError(f"{folder} holds {found or 'something unknown'}, not {_one(kind)}: give the folder of {_one(kind)}")
    if manifest.get("format") != FORMATS[kind]:
        versions = manifest.get("versions")
        made_by = versions.get("dnabert", "another version") if isinstance(versions, dict) else "another version"
        raise UserError(
            f"{folder} was made by dnabert {made_by} ({kind} format {manifest.get('format')}; "
            f"this version reads format {FORMATS[kind]}): make it again"
        )
    if damaged := _damaged(manifest):
        raise UserError(f"{folder / _MANIFEST} is damaged: {damaged} is not what dnabert wrote there: make {folder} again")
    return manifest


def _damaged(manifest: Mapping[str, Any]) -> str:
    """The first key that does not hold what `write_manifest` writes, or nothing."""
    kinds: dict[str, type | tuple[type, ...]] = {"config": (dict, type(None)), "inputs": dict, "versions": dict, "command": list}
    wrong = [key for key, kind in kinds.items() if key not in manifest or not isinstance(manifest[key], kind)]
    if not wrong:
        wrong = [f"inputs.{name}" for name, each in manifest["inputs"].items() if not (isinstance(each, dict) and isinstance(each.get("path"), str))]
    return wrong[0] if wrong else ""


def kind_of(folder: str | Path) -> str | None:
    """Kind of the stage in `folder`, of whatever format; None where there is none."""
    try:
        manifest = read_json(Path(folder) / _MANIFEST)
    except (OSError, ValueError):
        return None
    return manifest.get("kind") if isinstance(manifest, dict) else None


def without_places(value: Any) -> Any:
    """Cut absolute paths down to their last part, in strings, ``--key=value`` words, lists and mappings.

    Where a folder stood on one machine tells others nothing, and perhaps who worked there.

    Examples
    --------
    >>> without_places(["pretrain.py", "--out=/home/ann/runs/a", {"path": "/data/b.fa", "k": 6}, "configs/c.yaml"])
    ['pretrain.py', '--out=a', {'path': 'b.fa', 'k': 6}, 'configs/c.yaml']
    """
    if isinstance(value, dict):
        return {key: without_places(each) for key, each in value.items()}
    if isinstance(value, list):
        return [without_places(each) for each in value]
    if not isinstance(value, str):
        return value
    flag, equals, rest = value.rpartition("=")
    return f"{flag}{equals}{os.path.basename(rest.rstrip('/'))}" if os.path.isabs(rest) else value


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
    hashed = path / _MANIFEST if path.is_dir() else path
    if "sha256" in recorded and hashed.is_file() and sha256(hashed) != recorded["sha256"]:
        raise UserError(f"{folder} was made from another {name} than now stands at {path}: make {folder} again")
    return path


def sha256(path: str | Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _describe(path: Path) -> dict[str, Any]:
    hashed = path / _MANIFEST if path.is_dir() else path
    if not hashed.is_file():
        return {"path": os.path.abspath(path)}
    return {"path": os.path.abspath(path), "bytes": hashed.stat().st_size, "sha256": sha256(hashed)}


def _versions() -> dict[str, str]:
    versions = {"python": sys.version.split()[0]}
    for name in ("dnabert", *_RECORDED):
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            versions[name] = importlib.metadata.version(name)
    if _ACCELERATOR in sys.modules:
        versions[_ACCELERATOR] = str(getattr(sys.modules[_ACCELERATOR], "__version__", "unknown"))
    return versions
