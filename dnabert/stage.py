"""A stage's folder: whole or absent, with a manifest that says what made it."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from dnabert.disk import system_error
from dnabert.errors import UserError, first_line
from dnabert.leftovers import lock_folder, remove_leftovers, temporary_sibling
from dnabert.manifest import describe, kind_of, read_manifest, save_manifest, told_kind

#: Tries to put a folder in place while other processes put theirs there.
_TURNS = 100


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
    kind : one of `dnabert.manifest.FORMATS`; later stages check it.
    config : dataclass or mapping, written into the manifest.
    inputs : name to file or stage folder; their SHA-256 (for a stage folder: of its manifest) are taken before the
        block, which therefore reads them: what changes meanwhile is another than the one recorded.
    overwrite : replace an existing stage of the same kind; without it an existing `out` is an error.

    Raises
    ------
    UserError
        when `out` exists and may not be replaced, or cannot be written.
    """
    if overwrite:
        check_not_read(out, (inputs or {}).values())
    with whole_folder(out, kind=kind, overwrite=overwrite) as folder:
        began = time.perf_counter()
        described = {name: describe(Path(path)) for name, path in (inputs or {}).items()}
        yield folder
        save_manifest(folder, kind=kind, config=config, inputs=described, seconds=time.perf_counter() - began)


@contextlib.contextmanager
def whole_folder(out: str | Path, *, kind: str, overwrite: bool = False) -> Iterator[Path]:
    """As `stage`, but whoever asks writes the manifest."""
    out = Path(out)
    check_free(out, kind=kind, overwrite=overwrite)
    with _writing(out, within=temporary_sibling(out)), _temporary_folder(out) as temporary:
        yield temporary
        _put(temporary, out, kind=kind, overwrite=overwrite)


@contextlib.contextmanager
def reading(folder: Path, *, kind: str) -> Iterator[dict[str, Any]]:
    """Give the manifest of a stage's folder to the block that reads its other files.

    Raises
    ------
    UserError
        when it is no such folder, was made by another version, or the block finds a file of it gone or damaged.
    """
    import pyarrow
    from safetensors import SafetensorError

    manifest = read_manifest(folder, kind=kind)
    try:
        yield manifest
    except (OSError, ValueError, pyarrow.ArrowException, SafetensorError) as error:
        raise UserError(f"cannot read what {folder} holds ({first_line(error)[:200]}): make it again") from None


@contextlib.contextmanager
def _temporary_folder(out: Path) -> Iterator[Path]:
    """Make a folder beside `out`, hold it while the block runs, and remove it; what killed processes left there is
    removed too."""
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
    share(temporary)
    replaced = temporary_sibling(out, role="-replaced")
    for turn in range(_TURNS):
        try:
            temporary.rename(out)
            return
        except OSError as error:
            # a folder that is not empty: made by another process since this one began, or to be replaced
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


def share(folder: Path) -> None:
    """Give every file in a folder the rights that the process's umask leaves: safetensors writes files that nobody else
    may read.

    A file that stands in another folder too (a hard link) is somebody's own, and keeps the rights they gave it.
    """
    mask = os.umask(0)
    os.umask(mask)
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink() and path.stat().st_nlink == 1:
            path.chmod((path.stat().st_mode | 0o666) & ~mask & 0o777)


@contextlib.contextmanager
def _writing(out: Path, *, within: Path) -> Iterator[None]:
    """Say in one line what keeps a folder from being written: a full disk, a right that is not given, a file
    elsewhere."""
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        found = system_error(error)
        if found is None:
            raise
        name = getattr(error, "filename", None)
        elsewhere = (
            name if isinstance(name, str) and not Path(name).is_relative_to(within) and Path(name) != out else None
        )
        # what is written is new: that one was to be read
        if elsewhere and isinstance(error, PermissionError) and os.path.isfile(elsewhere):
            raise UserError(f"cannot read {elsewhere}: {found}: ask its owner, or give another") from error
        place = f"{elsewhere}: " if elsewhere else ""
        raise UserError(f"cannot write {out}: {place}{found}: free space or choose another --out") from error


@contextlib.contextmanager
def whole_file(out: str | Path) -> Iterator[Path]:
    """Give a temporary place for the file `out`; rename it to `out` when the block ends well, remove it otherwise.

    Its parents are made. What a killed process left there is removed.

    Raises
    ------
    UserError
        when the file cannot be written, e.g. because `out` is a folder.
    """
    out = Path(out)
    if out.is_dir():
        raise UserError(f"{out} is a folder, and a file is to be written: choose another --out")
    try:
        with _temporary_folder(out) as temporary:
            yield temporary / out.name
            (temporary / out.name).replace(out)
    except OSError as error:
        raise UserError(f"cannot write {out}: {error.strerror or error}: free space or choose another --out") from error


def check_free(out: str | Path, *, kind: str, overwrite: bool) -> None:
    """Raise `UserError` unless a stage of this kind may be written at `out`.

    An existing folder that is no stage of the same kind is never replaced: ``--out .`` must not cost a home folder.
    Nor is the one that is stood in, empty or not: whoever called would stand in one that is gone.
    """
    out = Path(out)
    try:
        if not out.exists():
            return
        if out.is_dir() and not any(out.iterdir()):
            check_not_stood_in(out)
            return
    except OSError as error:
        raise UserError(f"cannot write {str(out)[:200]}: {error.strerror or error}: choose another --out") from None
    own = out.is_dir() and kind_of(out) == kind
    if not overwrite:
        mend = " or pass --overwrite" if own else f", for it is no {told_kind(kind)} of dnabert"
        raise UserError(f"{out} exists already: choose another --out{mend}")
    if not own:
        raise UserError(
            f"{out} exists and is no {told_kind(kind)} of dnabert, so --overwrite leaves it alone: choose another --out"
        )
    check_holds_no_stage(out)
    check_not_stood_in(out)


def check_holds_no_stage(out: Path) -> None:
    """Raise `UserError` when somebody keeps another stage in a folder that is about to be replaced, and would lose
    it."""
    for path in sorted(out.iterdir()) if out.is_dir() else ():
        if path.is_dir() and (kind := kind_of(path)) is not None:
            raise UserError(
                f"{out} would be replaced, and {path} ({told_kind(kind)}) with it: "
                "move that elsewhere, or choose another --out"
            )


def check_not_stood_in(out: Path) -> None:
    """Raise `UserError` when a folder that is about to be replaced is, or holds, the one that the process was started
    in."""
    if Path.cwd().is_relative_to(out.resolve()):
        raise UserError(
            f"--out {out} is the folder that you stand in, which would be replaced by another: "
            "go elsewhere, or choose another --out"
        )


def check_not_read(out: str | Path, inputs: Iterable[str | Path]) -> None:
    """Raise `UserError` when a folder that is about to be replaced is, or holds, what is read to make it anew."""
    place = Path(out).resolve()
    for path in inputs:
        if Path(path).exists() and Path(path).resolve().is_relative_to(place):
            raise UserError(f"{out} would be replaced, but {path} in it is read: choose another --out")
