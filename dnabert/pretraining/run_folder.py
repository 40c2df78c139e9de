"""A run's folder: begun, gone on with, or refused; and finished when its manifest stands in it."""

from __future__ import annotations

import dataclasses
import functools
import os
import shutil
from collections.abc import Callable
from pathlib import Path

from dnabert.config import load_yaml, save_yaml
from dnabert.disk import disk_in_one_line
from dnabert.errors import UserError
from dnabert.leftovers import is_locked, lock_folder, remove_leftovers, temporary_sibling
from dnabert.manifest import write_manifest
from dnabert.pretraining.checkpoints import checkpoints, newest_readable
from dnabert.pretraining.config import PretrainConfig
from dnabert.pretraining.curve import METRICS
from dnabert.stage import check_free, check_not_read

_CONFIG = "config.yaml"
#: What a run keeps for all its steps; budgets, rates and how often something is done may change when it is gone on with.
_SETTLED = (
    "k", "stride", "model", "batch_size", "optimizer", "mask_share", "least_mask_share", "words_per_span", "hide", "random_phase",
    "random_strand", "soft_mask_weight", "contrast", "evaluation_windows", "evaluation_genome", "evaluation_mask_share", "floor_order",
    "floor_windows", "seed",
)  # fmt: skip
#: Locks that this process holds, by folder: the system takes them back when it ends, in whatever way.
_HELD: dict[Path, int] = {}


def in_one_line(train: Callable[[PretrainConfig], Path]) -> Callable[[PretrainConfig], Path]:
    """Wrap a training: a disk that takes nothing any more becomes a `UserError`, and the folder is given free at the end."""

    @functools.wraps(train)
    def wrapped(config: PretrainConfig) -> Path:
        try:
            with disk_in_one_line(config.out, mend="mend that, then go on with --resume auto"):
                return train(config)
        finally:
            _release(Path(config.out).absolute())

    return wrapped


def begin(config: PretrainConfig) -> Path | None:
    """Make `config.out` ready, hold it for this process, and return the checkpoint to go on from, if any.

    Raises
    ------
    UserError
        when `out` holds a finished run, a stopped one, or something that is no run, and nothing allows to go on; or another
        process trains there.
    """
    out = Path(config.out)
    _hold(out)
    found = checkpoints(out) if out.is_dir() else []
    stopped = (out / METRICS).is_file() and not (out / "manifest.json").is_file()
    if config.resume == "auto" and (stopped or not out.exists()):
        newest = newest_readable(out)
        if newest is not None:
            _check_same(config)
            return newest
    elif stopped and not config.overwrite:
        raise UserError(
            f"{out} holds a run that was stopped ({found[-1].name if found else 'before its first checkpoint'}): "
            "pass --resume auto to go on, or --overwrite to begin again"
        )
    elif not stopped:
        check_free(out, kind="run", overwrite=config.overwrite)
    check_not_read(out, [path for path in (config.initial, config.corpus) if path])
    _fresh(out)
    return None


def _check_same(config: PretrainConfig) -> None:
    """Refuse to go on with what would make another run of it: half of one curve, under the name of the other."""
    try:
        begun = _settled(load_yaml(PretrainConfig, Path(config.out) / _CONFIG))
    except UserError:  # damaged: nothing to compare with
        return
    for name, wanted in _settled(config).items():
        if begun[name] != wanted:
            flag = f"--{name.replace('_', '-')}"
            raise UserError(
                f"{config.out} was begun with {flag} {begun[name]}, now it is {wanted}: pass {begun[name]}, or choose another --out"
            )


def _settled(config: PretrainConfig) -> dict[str, object]:
    """The values of `_SETTLED`, by flag; a part of the config gives each of its own."""
    values: dict[str, object] = {}
    for name in _SETTLED:
        value = getattr(config, name)
        values |= {f"{name}.{key}": own for key, own in vars(value).items()} if dataclasses.is_dataclass(value) else {name: value}
    return values | {"stride": config.stride or config.k}


def record(config: PretrainConfig) -> None:
    """Write the resolved config: ``--config RUN/config.yaml`` does the same again."""
    save_yaml(config, Path(config.out) / _CONFIG)


def finish(config: PretrainConfig, *, corpus: Path, seconds: float) -> None:
    """Write the manifest, last: from now on the folder is a run."""
    inputs = {"corpus": corpus} | ({"initial": Path(config.initial)} if config.initial else {})
    write_manifest(Path(config.out), kind="run", config=config, inputs=inputs, seconds=seconds)


def _fresh(out: Path) -> None:
    """An empty folder; what stood there is moved away as a whole first, so that no half of it is taken for a run."""
    replaced = temporary_sibling(out, role="-replaced")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        remove_leftovers(out)
        if out.is_dir() and any(out.iterdir()):
            out.rename(replaced)
            if replaced.is_symlink():  # what it points to is somebody's own
                replaced.unlink()
            shutil.rmtree(replaced, ignore_errors=True)
        out.mkdir(exist_ok=True)
        (out / METRICS).touch()  # first, so that a run that was killed at any moment is known as one
    except OSError as error:
        raise UserError(f"cannot make --out {out}: {error.strerror}: choose another folder") from error
    _hold(out)


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
