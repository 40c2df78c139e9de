"""Parts of a stage that were done before it was stopped: kept beside it until it stands."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dnabert
from dnabert.json_file import read_json
from dnabert.leftovers import is_locked, lock_folder
from dnabert.manifest import versions
from dnabert.stage import whole_file


class KeptParts:
    """A folder of parts, each whole or absent, and of what they are.

    Parameters
    ----------
    folder : where they are; None: nothing is kept.
    made_of : all that a part depends on, as plain as JSON; a part of anything else is made again.

    Attributes
    ----------
    key : hash of what the parts are made of, of the versions and of the sources; every part holds it.
    seconds : time that each part took when it was made.
    found : names of the parts that were there.
    """

    def __init__(self, folder: Path | None, *, made_of: Any) -> None:
        told = json.dumps([made_of, versions(), _code()], sort_keys=True, default=str)
        self.seconds: dict[str, float] = {}
        self.found: list[str] = []
        self._folder = folder
        self.key = hashlib.sha256(told.encode()).hexdigest()

    def once(self, name: str, make: Callable[[], Any]) -> Any:
        """Read a part or make it, and give it as JSON has it: what goes on from it never differs."""
        kept = self._read(name)
        if kept is None:
            began = time.perf_counter()
            value = make()
            kept = {
                "key": self.key,
                "seconds": round(time.perf_counter() - began, 2),
                "value": json.loads(json.dumps(value, allow_nan=False)),
            }
            if (path := self.path(f"{name}.json")) is not None:
                with whole_file(path) as partial:
                    partial.write_text(json.dumps(kept))
        else:
            self.tell(name)
        self.seconds[name] = kept["seconds"]
        return kept["value"]

    def holds(self, name: str) -> bool:
        """Whether `once` would read a part."""
        return self._read(name) is not None

    def path(self, file: str) -> Path | None:
        """Where a file of a part stands; None where nothing is kept."""
        return None if self._folder is None else self._folder / file

    def tell(self, name: str) -> None:
        """Note that a part was there; of the first it is told."""
        if not self.found:
            print(f"goes on with what is kept in {self._folder}", file=sys.stderr)
        self.found.append(name)

    def _read(self, name: str) -> dict[str, Any] | None:
        """What is kept of a part; None where that is nothing, damaged, or made of something else."""
        path = self.path(f"{name}.json")
        if path is None:
            return None
        try:
            kept = read_json(path)
        except (OSError, ValueError):
            return None
        is_part = isinstance(kept, dict) and kept.keys() == {"key", "seconds", "value"}
        return kept if is_part and kept["key"] == self.key else None


@contextlib.contextmanager
def kept_parts(out: str | Path, *, made_of: Any) -> Iterator[KeptParts]:
    """Keep the parts of the block beside `out`, where it is stopped; when it ends well they go.

    What another process keeps there at the same time is left to it.

    Parameters
    ----------
    out : the folder that is being made.
    made_of : see `KeptParts`.
    """
    place = Path(os.path.abspath(out))
    folder = place.with_name(f".{place.name}.parts")
    if is_locked(folder):
        yield KeptParts(None, made_of=made_of)
        return
    folder.mkdir(exist_ok=True)
    lock = lock_folder(folder)  # none on a disk without locks
    try:
        yield KeptParts(folder, made_of=made_of)
        shutil.rmtree(folder, ignore_errors=True)
    finally:
        with contextlib.suppress(OSError):
            folder.rmdir()  # nothing was done
        if folder.is_dir():
            print(f"what is done is kept in {folder}: the same command goes on with it", file=sys.stderr)
        if lock is not None:
            os.close(lock)


@functools.cache
def _code() -> str:
    """Hash of the package's sources: a version is worked on, too."""
    root = Path(dnabert.__file__).parent
    hashed = hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        hashed.update(f"{path.relative_to(root)}\n".encode() + path.read_bytes())
    return hashed.hexdigest()
