"""Variants of one recipe, each trained for the computing time that the first one takes; read `sweep` top to bottom."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import math
import multiprocessing
import os
import shlex
import sys
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dnabert.config import check_types, save_yaml
from dnabert.errors import UserError
from dnabert.flags import is_given, parse
from dnabert.pretraining.config import PretrainConfig
from dnabert.pretraining.recipe import is_made_by, settings_of
from dnabert.pretraining.speed import SPAWN, ended_together, relative_speeds, told_of, untracked
from dnabert.pretraining.stopping import end_with_parent

#: What all variants must have in common: differences are paired, by windows and what is hidden of them.
_EVALUATED = ("corpus", "evaluation_genome", "evaluation_windows", "evaluation_mask_share")
#: What a sweep sets itself, so that a variant's flag would do nothing.
_SET = {
    "--steps": "--tokens of the sweep",
    "--minutes": "--tokens of the sweep",
    "--tokens": "--tokens of the sweep",
    "--out": "--out of the sweep",
}


@dataclass
class Variant:
    """A recipe with something changed."""

    name: str
    """Short; names its folder too."""
    flags: str = ""
    """Of ``train/pretrain.py``, as on its command line."""


@dataclass
class SweepConfig:
    """Variants of a pretraining, compared at equal computing time."""

    recipe: str = "configs/pretrain/small.yaml"
    """What they have in common: a config of ``train/pretrain.py``."""
    flags: str = ""
    """Flags of all of them; on a command line joined to this one, `--flags="--seed 1"`."""
    variants: list[Variant] = field(default_factory=lambda: [Variant("recipe")])
    """The first is what the others are compared with."""
    tokens: int = 3_000_000
    """Budget of the first variant; each other gets what it reads in the same time."""
    corpus: str | None = None
    """Folder made by `dnabert prepare`; without it the embedded demo corpus is used."""
    out: str = "runs/sweep"
    """Folder of the runs and the table. Variants that are finished there are not trained again."""
    at_once: int = 1
    """Runs at a time; they share the cores."""
    turns: int = 12
    """Steps of each variant by which its speed is measured, each beside one of the first variant's."""

    def __post_init__(self) -> None:
        check_types(self)
        for name in ("tokens", "at_once", "turns"):
            if getattr(self, name) < 1:
                raise UserError(f"--{name.replace('_', '-')} is {getattr(self, name)}, allowed is 1 or more")
        names = [variant.name for variant in self.variants]
        if not names or len(set(names)) < len(names):
            raise UserError("variants: give each one a name of its own")
        unfit = [name for name in names if not name or name.startswith(".") or "/" in name]
        if unfit:
            raise UserError(f"variants: {unfit[0]!r} names no folder: leave out / and a leading full stop")


def sweep(config: SweepConfig) -> Path:
    """Train the variants and return the folder with the comparison.

    Seconds on a clock would favour whoever ran while the machine was quiet. So steps of each variant are timed first,
    in turns with the first one's; each then reads as many tokens as it would in the time in which the first reads
    `SweepConfig.tokens`.

    The folder holds ``table.md``, ``results.json`` (a record per variant), ``speed.json`` and a run folder for each.

    Raises
    ------
    UserError
        for a recipe, flags or corpus that cannot work, and for variants that would be evaluated on different windows;
        and, when the others are trained, for one that could not be.
    """
    out = Path(config.out)
    recipes = {variant.name: _recipe(config, variant, out / variant.name) for variant in config.variants}
    _check_evaluated_alike(recipes)
    out.mkdir(parents=True, exist_ok=True)
    save_yaml(config, out / "config.yaml")
    speeds = relative_speeds(recipes, out / "speed.json", turns=config.turns)
    first = next(iter(recipes))
    planned = {
        name: dataclasses.replace(recipe, tokens=round(config.tokens * speeds[name]), steps=None, minutes=None)
        for name, recipe in recipes.items()
    }
    scores, failed = _scores_of(planned, at_once=config.at_once)
    if failed:
        told = f", as {len(failed) - 1} more" if failed[1:] else ""
        raise UserError(
            f"there is no table, {failed[0]}{told}: mend or leave out and begin again, which goes on where each was"
        )
    records = [_record(variant, scores[variant.name], scores[first], speeds) for variant in config.variants]
    (out / "results.json").write_text(json.dumps(records, indent=1) + "\n")
    (out / "table.md").write_text(_table(records))
    return out


def _scores_of(planned: dict[str, PretrainConfig], *, at_once: int) -> tuple[dict[str, dict[str, Any]], list[str]]:
    """Train all, so many at once: what `_trained` says of each, and what those that failed say."""
    scores: dict[str, dict[str, Any]] = {}
    failed: list[str] = []
    with ended_together(ThreadPoolExecutor(at_once)) as pool:
        names = {pool.submit(_trained_alone, recipe): name for name, recipe in planned.items()}
        for future in as_completed(names):
            name = names[future]
            try:
                scores[name] = future.result()
            except UserError as error:  # told now: the others may take hours
                failed.append(str(error))
                print(f"failed: {error}", file=sys.stderr)
                continue
            bits, tokens = scores[name]["bits_per_base"], _told(scores[name]["tokens"])
            print(f"{name}: {bits:.4f} bits/base, {tokens} tokens", file=sys.stderr)
    return scores, failed


def _trained_alone(recipe: PretrainConfig) -> dict[str, Any]:
    """As `_trained`, in a process of its own: one that is killed takes no other along, and it is known which."""
    with ProcessPoolExecutor(1, mp_context=SPAWN, initializer=end_with_parent) as pool:
        try:
            return pool.submit(_trained_by_worker, recipe).result()
        except BrokenProcessPool:
            raise UserError(
                f"variant {Path(recipe.out).name}: its training was ended from outside (was memory short? then pass a "
                "smaller --at-once)"
            ) from None


def _recipe(config: SweepConfig, variant: Variant, out: Path) -> PretrainConfig:
    if not Path(config.recipe).is_file():
        raise UserError(
            f"no such file: {config.recipe}: --recipe takes a config of train/pretrain.py, such as "
            "configs/pretrain/small.yaml"
        )
    from dnabert.pretraining.initial import with_words_and_sizes_of_initial  # after --help, which needs no torch
    from dnabert.pretraining.threads import cores

    threads = max(1, cores() // config.at_once)
    words = ["--config", config.recipe, "--threads", str(threads), "--tracker", "none"]
    # the same recipe, wherever one stands
    words += ["--corpus", os.path.abspath(config.corpus)] if config.corpus else []
    words += [*_words(config.flags, of="--flags"), *_words(variant.flags, of=f"flags of variant {variant.name}")]
    words += ["--out", str(out), "--resume", "auto"]
    return with_words_and_sizes_of_initial(parse(PretrainConfig, words, prog=f"variant {variant.name}"))


def _check_evaluated_alike(recipes: dict[str, PretrainConfig]) -> None:
    first = next(iter(recipes))
    for name, recipe in recipes.items():
        for setting in _EVALUATED:
            its, other = getattr(recipe, setting), getattr(recipes[first], setting)
            if its != other:
                flag = f"--{setting.replace('_', '-')}"
                raise UserError(
                    f"variant {name} has {flag} {its}, {first} {other}, so their scores cannot be paired: pass {flag} "
                    "in flags, for all"
                )


def _words(flags: str, *, of: str) -> list[str]:
    try:
        words = shlex.split(flags)
    except ValueError as error:
        raise UserError(f"{of}: {flags!r} cannot be taken apart ({error}): close the quotation") from None
    for flag, instead in _SET.items():
        if is_given(flag, words):
            raise UserError(
                f"{of}: {flag} would do nothing, since a sweep sets it for each variant: take it out, see {instead}"
            )
    return words


def _trained_by_worker(recipe: PretrainConfig) -> dict[str, Any]:
    """As `_trained`; a training that was told to stop ends its process as a kill does, and so does one whose sweep is
    gone, which it was told too late to stop."""
    try:
        return _trained(recipe)
    except SystemExit as stopped:
        os._exit(int(stopped.code or 0))
    finally:  # where it failed, too: nobody is there to be told
        parent = multiprocessing.parent_process()
        if parent is not None and not parent.is_alive():
            os._exit(0)


def _trained(recipe: PretrainConfig) -> dict[str, Any]:
    """Train, or read what was trained, and score each validation window."""
    from dnabert.manifest import read_manifest
    from dnabert.pretraining.curve import last_evaluation
    from dnabert.pretraining.loop import pretrain
    from dnabert.pretraining.run_folder import gone_on_with

    out = Path(recipe.out)
    finished = (out / "manifest.json").is_file()
    if not (finished and is_made_by(read_manifest(out, kind="run"), recipe)):
        # half of it may be of a rate that has been changed since, of which --resume auto thinks nothing
        begun = gone_on_with(recipe)
        other = finished or (begun is not None and settings_of(begun) != settings_of(recipe))
        # several bars would tear each other
        with open(out.with_name(f"{out.name}.log"), "a") as log, contextlib.redirect_stderr(log), told_of(recipe):
            pretrain(dataclasses.replace(recipe, overwrite=other, resume="never" if other else "auto"))
    last = last_evaluation(out)
    bits, bases, parameters = _scores(recipe)
    return {
        "bits_per_base": last["validation_bits_per_base"],
        "unique": last["validation_bits_per_base_unique"],
        "low": last["low"],
        "high": last["high"],
        "tokens": last["tokens"],
        "minutes": last["seconds"] / 60,
        "parameters": parameters,
        "bits": bits,
        "bases": bases,
    }


def _scores(recipe: PretrainConfig) -> tuple[list[float], list[float], int]:
    """Bits and hidden bases of each validation window, and the model's parameters."""
    from dnabert.pretraining.evaluation import evaluate

    # of the language model, for which no relatives are sought
    alone = dataclasses.replace(recipe.contrast, families=0.0)
    training = untracked(dataclasses.replace(recipe, initial=recipe.out, contrast=alone))
    found = evaluate(training.objective, training.validation, accelerator=training.accelerator)
    return (
        (found.nats / math.log(2)).tolist(),
        found.bases.tolist(),
        sum(p.numel() for p in training.model.parameters()),
    )


def _record(
    variant: Variant, scores: dict[str, Any], first: dict[str, Any], speeds: dict[str, float]
) -> dict[str, Any]:
    from dnabert.pretraining.intervals import ratio_difference

    own = {name: value for name, value in scores.items() if name not in ("bits", "bases")}
    difference = ratio_difference((scores["bits"], scores["bases"]), (first["bits"], first["bases"]))
    return {
        "name": variant.name,
        "flags": variant.flags,
        "speed": speeds[variant.name],
        **own,
        "difference": [difference.value, *difference.interval],
    }


def _table(records: list[dict[str, Any]]) -> str:
    lines = [
        "| variant | flags | parameters | speed | tokens | bits per base | unique | difference to the first |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for number, row in enumerate(records):
        difference = "" if number == 0 else "{:+.4f} [{:+.4f}, {:+.4f}]".format(*row["difference"])
        unique = "" if row["unique"] is None or math.isnan(row["unique"]) else f"{row['unique']:.3f}"
        flags = f"`{row['flags']}`" if row["flags"] else ""
        lines.append(
            f"| {row['name']} | {flags} | {_told(row['parameters'])} | {row['speed']:.2f} | {_told(row['tokens'])} "
            f"| {row['bits_per_base']:.4f} [{row['low']:.3f}, {row['high']:.3f}] | {unique} | {difference} |"
        )
    return "\n".join(lines) + "\n"


def _told(count: int) -> str:
    """In millions where there are any: of a short run or a small model these were 0.0.

    Examples
    --------
    >>> _told(2_501_632), _told(97_280)
    ('2.50 M', '97,280')
    """
    return f"{count / 1e6:.2f} M" if count >= 1e6 else f"{count:,}"
