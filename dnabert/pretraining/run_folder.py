"""A run's folder: begun, gone on with, or refused; and finished when its manifest stands in it."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from dnabert.config import load_yaml, save_yaml
from dnabert.disk import disk_in_one_line
from dnabert.errors import UserError
from dnabert.given import settings
from dnabert.leftovers import is_locked, lock_folder, remove_leftovers, temporary_sibling
from dnabert.manifest import kind_of, read_manifest, write_manifest
from dnabert.pretraining.checkpoints import checkpoints, newest_readable
from dnabert.pretraining.config import PretrainConfig
from dnabert.pretraining.curve import METRICS
from dnabert.pretraining.recipe import check_same_run, is_made_by
from dnabert.stage import check_free, check_holds_no_stage, check_not_read, check_not_stood_in, share, whole_file
from dnabert.yaml_file import read_mapping

_CONFIG = "config.yaml"
#: What tells a run's config from an empty one and from other programs', whose few keys may all be ours as well.
_OWN_KEYS = {"corpus", "k", "stride"}
#: Locks that this process holds, by folder: the system takes them back when it ends, in whatever way.
_HELD: dict[Path, int] = {}


def in_one_line(train: Callable[[PretrainConfig], Path]) -> Callable[[PretrainConfig | Mapping[str, Any]], Path]:
    """Wrap a training: a disk that takes nothing any more becomes a `UserError`; at the end the folder is given free.

    A run that ends before its first checkpoint gives back what `overwrite` was to replace.
    """

    @functools.wraps(train)
    def wrapped(config: PretrainConfig | Mapping[str, Any]) -> Path:
        config = settings(config, PretrainConfig)
        out = Path(config.out).absolute()
        try:
            with disk_in_one_line(config.out, mend="mend that, then go on with --resume auto"):
                return train(config)
        except BaseException:
            with contextlib.suppress(OSError):  # a disk that takes nothing: whoever begins next does it
                if out in _HELD:  # by this process, and not by the one for which it was refused
                    _give_up_or_back(Path(config.out))
            raise
        finally:
            _release(out)

    return wrapped


@contextlib.contextmanager
def begun(config: PretrainConfig) -> Iterator[Path | None]:
    """Make `config.out` ready, hold it for this process, and give the checkpoint to go on from, if any.

    After the block the resolved config stands there: ``--config RUN/config.yaml`` does the same again, but for
    `overwrite`. When the block fails, what stood there before stands there again. What is to be replaced is kept beside
    `out` until `replaces` or `finish`; where an earlier process was killed before that, it is put back first.

    Raises
    ------
    UserError
        when `out` holds a finished run, a stopped one, or something that is no run, and nothing allows to go on; or
        another process trains there.
    """
    out = Path(config.out)
    _hold(out)
    _give_up_or_back(out)
    _hold(out)  # what came back is another folder
    newest = _to_go_on_from(config)
    if newest is not None:
        yield newest
        _record(config)
        return
    if out.exists():
        check_not_stood_in(out)
        check_holds_no_stage(out)
    check_not_read(out, [path for path in (config.initial, config.corpus) if path])
    with _fresh(config):
        yield None


def gone_on_with(config: PretrainConfig) -> PretrainConfig | None:
    """The config of the stopped run whose checkpoints `config` goes on from; None where it begins anew."""
    out = Path(config.out)
    if config.resume != "auto" or config.overwrite or not _is_stopped(out) or not checkpoints(out):
        return None
    return load_yaml(PretrainConfig, out / _CONFIG)


def is_finished(config: PretrainConfig) -> bool:
    """Whether, with ``resume="auto"``, this very run stands finished at `out`: a job that is queued again after its end
    has nothing left to do."""
    out = Path(config.out)
    if config.resume != "auto" or config.overwrite or kind_of(out) != "run" or not (out / METRICS).is_file():
        return False
    return is_made_by(read_manifest(out, kind="run"), config)


def _to_go_on_from(config: PretrainConfig) -> Path | None:
    """The checkpoint of a stopped run that is gone on with; None where a new one may begin."""
    out = Path(config.out)
    auto = config.resume == "auto"
    if not _is_stopped(out):
        if auto and not config.overwrite:
            _refuse_unknown(out)
        check_free(out, kind="run", overwrite=config.overwrite)
        return None
    saved = checkpoints(out)
    if auto and saved:
        check_same_run(load_yaml(PretrainConfig, out / _CONFIG), config)
        newest = newest_readable(out)
        if newest is None and not config.overwrite:
            raise UserError(
                f"{out} has checkpoints, but none that can be read: use the dnabert that wrote them, or pass "
                "--overwrite to begin again"
            )
        return newest
    if not auto and not config.overwrite:
        last = saved[-1].name if saved else "before its first checkpoint"
        raise UserError(
            f"{out} holds a run that was stopped ({last}): pass --resume auto to go on, or --overwrite to begin again"
        )
    return None


def _is_stopped(out: Path) -> bool:
    """Whether a run of ours was begun in a folder and has not ended: other programs write a ``metrics.jsonl``, too."""
    if not (out / METRICS).is_file() or (out / "manifest.json").is_file():
        return False
    try:
        load_yaml(PretrainConfig, out / _CONFIG)
        return read_mapping(out / _CONFIG).keys() >= _OWN_KEYS
    except UserError:  # killed before there was a config: nothing to lose
        left = {path.name for path in out.iterdir() if not path.name.startswith(f".{_CONFIG}.")}
        return left == {METRICS} and not (out / METRICS).stat().st_size


def _refuse_unknown(out: Path) -> None:
    """Say what is wrong with the config of what may be a stopped run: whether this one would be another is not
    known."""
    if not (out / METRICS).is_file() or not (out / _CONFIG).is_file() or (out / "manifest.json").is_file():
        return
    try:
        load_yaml(PretrainConfig, out / _CONFIG)
    except UserError as error:
        raise UserError(
            f"{out} cannot be gone on with, its config is none of this version ({error}): "
            "mend it, or choose another --out"
        ) from None


def _record(config: PretrainConfig) -> None:
    """Write the resolved config, whole or not at all: half of one may be a config too, of another run.

    That a run may be replaced was said once: whoever passes the file later would replace the run that stands there now.
    """
    with whole_file(Path(config.out) / _CONFIG) as partial:
        save_yaml(dataclasses.replace(config, overwrite=False), partial)


def finish(config: PretrainConfig, *, corpus: Path, seconds: float) -> None:
    """Write the manifest, last: from now on the folder is a run."""
    share(Path(config.out))
    inputs = {"corpus": corpus} | ({"initial": Path(config.initial)} if config.initial else {})
    write_manifest(Path(config.out), kind="run", config=config, inputs=inputs, seconds=seconds)
    replaces(Path(config.out))


def replaces(out: Path) -> None:
    """Remove what was to be replaced at `out`: the new run has a checkpoint, or is whole."""
    kept = _kept(out)
    if kept.is_symlink():  # what it points to is somebody's own
        kept.unlink()
    else:
        shutil.rmtree(kept, ignore_errors=True)


def _kept(out: Path) -> Path:
    """Where that is until then; no leftover, which the next process would remove."""
    place = Path(os.path.abspath(out))
    return place.with_name(f".{place.name}.replaced")


def _give_up_or_back(out: Path) -> None:
    """What was to be replaced at `out` goes where the new run can be gone on with, and comes back where that ended
    before its first checkpoint."""
    kept = _kept(out)
    if not os.path.lexists(kept):
        return
    if kind_of(out) == "run" or (_is_stopped(out) and checkpoints(out)):
        replaces(out)
    elif not out.exists() or _is_stopped(out) or (out.is_dir() and not any(out.iterdir())):
        _give_back(out, kept, stood=True)
        print(
            f"{out} is what it was before --overwrite: "
            "the run that was to replace it ended before its first checkpoint",
            file=sys.stderr,
        )


@contextlib.contextmanager
def _fresh(config: PretrainConfig) -> Iterator[None]:
    """An empty run. What stood there is moved away as a whole, so that no half of it is taken for a run, and comes back
    when the block fails."""
    out = Path(config.out)
    stood, replaced = out.is_dir(), _moved_away(out)
    try:
        _make_empty(config)
        yield
    except BaseException:
        _give_back(out, replaced, stood=stood)
        raise


def _moved_away(out: Path) -> Path | None:
    """Where what stands at `out` is now; None where that is nothing."""
    replaced = _kept(out)
    with _making(out):
        out.parent.mkdir(parents=True, exist_ok=True)
        remove_leftovers(out)
        if not out.is_dir() or not any(out.iterdir()):
            return None
        out.rename(replaced)
    return replaced


def _make_empty(config: PretrainConfig) -> None:
    out = Path(config.out)
    with _making(out):
        out.mkdir(exist_ok=True)
        # first, and then the config, so that a run that was killed at any moment is known as one
        (out / METRICS).touch()
    _record(config)
    _hold(out)


def _give_back(out: Path, replaced: Path | None, *, stood: bool) -> None:
    """Remove what was begun at `out`, as far as that can be, and put back what stood there."""
    half = temporary_sibling(out, role="-begun")
    if out.is_dir() and (replaced is not None or not stood):
        out.rename(half)  # at once: the rest of it would be taken for something else
    for path in out.iterdir() if out.is_dir() else ():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink()
    if replaced is not None:
        replaced.rename(out)
    shutil.rmtree(half, ignore_errors=True)


@contextlib.contextmanager
def _making(out: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UserError(f"cannot make --out {out}: {error.strerror}: choose another folder") from error


def _hold(out: Path) -> None:
    """Lock the folder for this process; two that write one curve and one row of checkpoints would spoil both."""
    _release(out.absolute())
    if not out.is_dir():
        return
    if is_locked(out):
        raise UserError(f"another process trains in {out}: wait for it, or choose another --out")
    lock = lock_folder(out)  # none on a disk without locks
    if lock is not None:
        _HELD[out.absolute()] = lock


def _release(out: Path) -> None:
    if out in _HELD:
        os.close(_HELD.pop(out))
