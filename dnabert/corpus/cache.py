"""Fetched files on disk: each whole, with the checksum it had when it came first."""

from __future__ import annotations

import gzip
import json
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

from dnabert.corpus.download import NotThereError, Server
from dnabert.corpus.registry import Assembly
from dnabert.corpus.twobit import TwoBit, is_twobit
from dnabert.errors import UserError
from dnabert.json_file import read_json
from dnabert.manifest import sha256
from dnabert.stage import whole_file

_LOCK = "checksums.json"
#: Python's names of temporary files, of which a killed pooch leaves one.
_LEFT_BY_POOCH = re.compile(r"tmp[a-z0-9_]{8}")
_MD5_LINE = re.compile(r"([0-9a-f]{32})[ \t]+\*?(?:\./)?(\S+)")


class Cache:
    """A folder per assembly with its files and ``checksums.json``, which says what has been fetched and checked.

    Parameters
    ----------
    folder : made where it is missing.
    server : what downloads.
    base_url : what paths are below.
    sha256 : checksums known beforehand, by path.
    """

    def __init__(self, folder: Path, *, server: Server, base_url: str, sha256: dict[str, str]) -> None:
        import pooch

        self.folder = folder
        self._server, self._base_url, self._known = server, base_url, sha256
        self._md5: dict[str, dict[str, str]] = {}
        pooch.get_logger().setLevel("WARNING")  # it tells of every file, in the middle of our progress bars

    def get(self, assembly: Assembly, part: str) -> Path | None:
        """The file of a part, fetched where it is not there yet or not what it was; none if the server has none.

        Raises
        ------
        UserError
            when the server has no sequence of that assembly, or fetching fails.
        """
        folder = self.folder / assembly.id
        noted = _read_lock(folder)
        for path in assembly.files[part]:
            place = folder / PurePosixPath(path).name
            known = _noted(noted, path)
            if known and place.is_file() and known["sha256"] == sha256(place):
                return place
        tried = [f"{self._base_url}/{path}" for path in assembly.files[part]]
        if noted["absent"].get(part) == tried:
            return None
        with _alone(folder):
            for path in assembly.files[part]:
                try:
                    return self._fetch(path, folder=folder)
                except NotThereError:
                    continue
            if part == "fasta":
                raise UserError(
                    f"no assembly {assembly.id} there: {', '.join(tried)} does not exist: check name and --base-url"
                )
            with _writing(folder):
                _note(folder, absent={part: tried})
        return None

    def _fetch(self, path: str, *, folder: Path) -> Path:
        """Fetch one file and note its checksum; a second time, from its beginning, if what came is not right."""
        import pooch

        url, name = f"{self._base_url}/{path}", PurePosixPath(path).name
        known, origin = self._checksum(path, folder=folder)
        noted = _read_lock(folder)
        fault = ""
        for _ in range(2):
            try:
                with _writing(folder):
                    # what came from another place is another file
                    if name in noted["files"] and _noted(noted, path) is None:
                        (folder / name).unlink(missing_ok=True)
                    pooch.retrieve(
                        url, known_hash=known, fname=name, path=folder, downloader=partial(_download, self._server)
                    )
                    _check_content(folder / name)
                    _note(folder, file=folder / name, url=url, origin=origin)
                return folder / name
            except _WrongContentError as error:
                (folder / name).unlink()
                fault = str(error)
            except ValueError:  # how pooch says that a checksum differs
                fault = f"its checksum is not that of {origin}"
        mend = "" if origin != str(folder / _LOCK) else f", or delete {origin} to take what the server has now"
        raise UserError(
            f"{url} comes damaged or has changed ({fault}): try again later, or name a mirror with --base-url{mend}"
        )

    def _checksum(self, path: str, *, folder: Path) -> tuple[str | None, str | None]:
        """What pooch is to check, and where it stands: noted when it came first, in the registry, on the server."""
        name = PurePosixPath(path).name
        noted = _noted(_read_lock(folder), path)
        if noted:
            return f"sha256:{noted['sha256']}", str(folder / _LOCK)
        if path in self._known:
            return f"sha256:{self._known[path]}", "the registry"
        url = f"{self._base_url}/{PurePosixPath(path).parent}/md5sum.txt"
        if url not in self._md5:
            try:
                self._md5[url] = {name: md5 for md5, name in _MD5_LINE.findall(self._server.text(url))}
            except NotThereError:
                self._md5[url] = {}
        md5 = self._md5[url].get(name)
        return (f"md5:{md5}", url) if md5 else (None, None)


class _WrongContentError(Exception):
    """A file is not what its name says."""


def _download(server: Server, url: str, output_file: str, pooch: Any) -> None:
    """What pooch calls: download beside the place it names, so that a broken-off part outlives it, then move there."""
    place = Path(output_file)
    part = place.with_name(f".{PurePosixPath(url).name}.part")
    server.save(url, part)
    part.replace(place)


def _check_content(path: Path) -> None:
    """Refuse what is no whole file of its kind: an error page, a proxy's login, a cut-off archive."""
    try:
        if path.suffix == ".2bit":
            if not is_twobit(path):
                raise _WrongContentError("it is no .2bit file")
            TwoBit(path).close()
        elif path.suffix == ".gz":
            with gzip.open(path, "rb") as file:
                while file.read(1 << 20):
                    pass
    except (UserError, EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise _WrongContentError(str(error)) from None


def _read_lock(folder: Path) -> dict[str, Any]:
    try:
        noted = read_json(folder / _LOCK)
        files = {
            name: {**file, "url": str(file["url"]), "sha256": str(file["sha256"])}
            for name, file in noted["files"].items()
        }
        return {"files": files, "absent": dict(noted["absent"])}
    except (FileNotFoundError, NotADirectoryError):
        return {"files": {}, "absent": {}}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise UserError(f"{folder / _LOCK} cannot be read: delete it, and the files are checked anew") from None


def _noted(lock: dict[str, Any], path: str) -> dict[str, Any] | None:
    """What is noted of the file that has come from a path, below whatever mirror; None where it came from another, or
    never."""
    found = lock["files"].get(PurePosixPath(path).name)
    return found if found and found["url"].endswith(f"/{path}") else None


def _note(
    folder: Path,
    *,
    file: Path | None = None,
    url: str = "",
    origin: str | None = None,
    absent: dict[str, list[str]] | None = None,
) -> None:
    """Write down that a file has come and been checked, or which part the server has at none of some URLs."""
    noted = _read_lock(folder)
    if file is not None:
        noted["files"][file.name] = {
            "url": url,
            "bytes": file.stat().st_size,
            "sha256": sha256(file),
            "checked_by": origin,
        }
    noted["absent"].update(absent or {})
    with whole_file(folder / _LOCK) as temporary:
        temporary.write_text(json.dumps(noted, indent=2) + "\n", encoding="utf-8")


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold the folder: of two that append to one part neither would get a whole file."""
    import filelock

    with _writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        lock = filelock.FileLock(folder / ".lock")
    try:
        with _writing(folder):
            lock.acquire(timeout=0)
    except filelock.Timeout:
        raise UserError(
            f"another dnabert fetch is at work in {folder}: wait for it or choose another --cache"
        ) from None
    try:
        for path in folder.iterdir():
            if _LEFT_BY_POOCH.fullmatch(path.name):
                path.unlink()
        yield
    finally:
        lock.release()


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    """Say a full disk or a folder that cannot be written in one line."""
    import filelock

    try:
        yield
    except filelock.Timeout:
        raise
    except OSError as error:
        raise UserError(
            f"cannot write {folder}: {error.strerror or error}: free space or choose another --cache"
        ) from None
