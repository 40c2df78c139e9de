"""How many tokens recipes of a sweep read in the time in which the first reads one."""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import statistics
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dnabert.errors import UserError
from dnabert.json_file import read_json
from dnabert.pretraining.config import PretrainConfig
from dnabert.pretraining.recipe import corpus_hash, settings_of, tight
from dnabert.pretraining.stopping import end_with_parent

if TYPE_CHECKING:
    from dnabert.pretraining.step import Training

#: Each run sets its own threads and precision.
SPAWN = multiprocessing.get_context("spawn")


@contextlib.contextmanager
def ended_together(pool: Executor) -> Iterator[Executor]:
    """A pool, of processes or of threads that have one each, whose workers are ended where its block is left by an
    error, Ctrl-C or SIGTERM.

    By itself it would first do all that was submitted, for hours. Of what waits nothing is begun; a training saves
    where it is. Each worker is told once: what it does after it has saved is not cut off.
    """
    told = set(multiprocessing.active_children())
    with pool:
        try:
            yield pool
        except BaseException:
            ending = threading.Thread(target=_end, args=(pool, told))  # which another Ctrl-C does not interrupt
            ending.start()
            ending.join()
            raise


def _end(pool: Executor, told: set[BaseProcess]) -> None:
    leaving = threading.Thread(target=partial(pool.shutdown, cancel_futures=True))
    leaving.start()
    while leaving.is_alive():  # a worker that is being started is among the children a moment later
        for worker in set(multiprocessing.active_children()) - told:
            worker.terminate()
            told.add(worker)
        leaving.join(0.1)


def relative_speeds(recipes: dict[str, PretrainConfig], path: Path, *, turns: int) -> dict[str, float]:
    """Tokens of each recipe in the time of one of the first's; measured once for a recipe beside the first, on one
    corpus.

    Parameters
    ----------
    recipes : by the names of their variants.
    path : JSON of what was measured before, of which what still holds is taken; written again.
    turns : steps of each recipe, each beside one of the first's.
    """
    from tqdm.auto import tqdm

    first, *others = recipes
    asked = {name: {"recipe": settings_of(recipe), "corpus": corpus_hash(recipe)} for name, recipe in recipes.items()}
    known, before = _measured(path, turns=turns)
    if next(iter(before), None) != first or before[first] != asked[first]:
        before = {}
    speeds = {first: 1.0} | {name: known[name] for name in others if name in known and before.get(name) == asked[name]}
    unknown = [name for name in others if name not in speeds]
    if unknown:
        alone = ProcessPoolExecutor(1, mp_context=SPAWN, initializer=end_with_parent)
        with ended_together(alone) as pool, tqdm(unknown, desc="speed", unit=" variants") as bar:
            for name in bar:
                try:
                    speeds[name] = pool.submit(relative_speed, recipes[first], recipes[name], turns).result()
                except BrokenProcessPool:
                    raise UserError(
                        f"variant {name}: the process that measured its speed was ended from outside (was memory "
                        "short?): begin again"
                    ) from None
    told = {
        key: {name: each[part] for name, each in asked.items()}
        for key, part in (("recipes", "recipe"), ("corpora", "corpus"))
    }
    path.write_text(
        json.dumps(told | {"turns": turns, "speeds": {name: speeds[name] for name in recipes}}, indent=1) + "\n"
    )
    return speeds


def _measured(path: Path, *, turns: int) -> tuple[dict[str, float], dict[str, Any]]:
    """Speeds of before, and of what recipe and corpus each is; none where they are of other turns, or the file is
    damaged."""
    import yaml

    try:
        known = read_json(path)
        # YAML of before
        recipes = {
            name: each if isinstance(each, dict) else yaml.safe_load(each) for name, each in known["recipes"].items()
        }
        before = {name: {"recipe": tight(each), "corpus": known["corpora"][name]} for name, each in recipes.items()}
        speeds = {name: float(known["speeds"][name]) for name in before}
    except (OSError, ValueError, TypeError, KeyError, AttributeError, yaml.YAMLError):
        return {}, {}
    return (speeds, before) if known.get("turns") == turns else ({}, {})


def relative_speed(first: PretrainConfig, other: PretrainConfig, turns: int) -> float:
    """Tokens of another recipe in the time of one of the first's: the median over steps that follow each other in
    turns.

    Neighbours in time share the machine's quick and slow moments, which may last longer than all steps of a recipe.
    """
    trainings = untracked(first), untracked(other)
    ratios = []
    for _ in range(turns + 2):
        before, after = (_tokens_per_second(training) for training in trainings)
        ratios.append(after / before)
    return statistics.median(ratios[2:])  # the first steps warm up


def _tokens_per_second(training: Training) -> float:
    from dnabert.pretraining.step import batches_of, take_step

    batches = batches_of(training, training.progress.step)
    began = time.perf_counter()
    with told_of(training.config):
        take_step(training, batches, 0.5, began=began)
    return training.config.batch_size * training.sampler.tokens_per_window / (time.perf_counter() - began)


def untracked(recipe: PretrainConfig) -> Training:
    """A training that leaves nothing on disk."""
    from tqdm.auto import tqdm

    from dnabert.models.objective import MaskedObjective
    from dnabert.pretraining import setup
    from dnabert.pretraining.checkpoints import Progress
    from dnabert.pretraining.optimizer import build_optimizers
    from dnabert.pretraining.step import Training

    accelerator = setup.make_accelerator(recipe)
    corpus = setup.read_corpus(recipe, accelerator)
    samplers = setup.make_samplers(recipe, corpus)
    model = setup.make_model(recipe, samplers.train, window_length=corpus.window_length)
    optimizers = build_optimizers(model, recipe, bf16=accelerator.mixed_precision == "bf16")
    objective = MaskedObjective(model).to(accelerator.device)
    bar = tqdm(disable=True)
    kin = setup.kin_of_training(recipe, samplers.train, accelerator)
    return Training(
        recipe,
        accelerator,
        objective,
        optimizers,
        samplers.train,
        samplers.validation,
        samplers.audit,
        None,
        bar,
        Progress(),
        kin,
    )


@contextlib.contextmanager
def told_of(recipe: PretrainConfig) -> Iterator[None]:
    """Which of the variants a mistake is of, such as a rate at which it diverges."""
    try:
        yield
    except UserError as error:
        raise UserError(f"variant {Path(recipe.out).name}: {error}") from error
