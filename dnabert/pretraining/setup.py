"""What a pretraining is built of: processes, corpus, samplers, model, optimisers, and what an earlier part of the run
left."""

from __future__ import annotations

import dataclasses
import math
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from accelerate import Accelerator
from accelerate.utils import broadcast_object_list
from tqdm import tqdm

from dnabert.alphabet import codes
from dnabert.corpus import Corpus, demo_config, load_corpus, prepare
from dnabert.corpus.loading import fingerprint
from dnabert.corpus.view import spread_windows
from dnabert.encoders.processes import process_state
from dnabert.errors import UserError
from dnabert.manifest import kind_of
from dnabert.models.build import build_model, compile_layers
from dnabert.models.memory import keep_freed_memory
from dnabert.models.objective import MaskedObjective
from dnabert.models.precision import accelerator_in
from dnabert.pretraining import sharding
from dnabert.pretraining.audit import Audit, refuse_leaks
from dnabert.pretraining.budget import spent
from dnabert.pretraining.checkpoints import Progress, load_checkpoint
from dnabert.pretraining.config import PretrainConfig
from dnabert.pretraining.counting import ending_words
from dnabert.pretraining.initial import load_initial
from dnabert.pretraining.kin import Kin, find_kin
from dnabert.pretraining.optimizer import build_optimizers
from dnabert.pretraining.sampling import Sampler
from dnabert.pretraining.threads import set_cpu_threads
from dnabert.pretraining.tracking import Tracker, keep_up_to
from dnabert.progress import bars_are_hidden
from dnabert.tokenizer import KmerTokenizer

if TYPE_CHECKING:
    from transformers import PreTrainedModel
from dnabert.pretraining.step import Training

#: Windows that are looked at together.
_BATCH = 128


@dataclass(frozen=True)
class Samplers:
    """What is read, and what its masks hide."""

    train: Sampler
    validation: Sampler
    audit: Audit


def make_accelerator(config: PretrainConfig) -> Accelerator:
    """This process among the others: device, precision, CPU threads. Raises `UserError` for a batch that cannot be
    shared, or no compiler."""
    sharding.refuse_others()
    device = process_state().device
    sharding.is_asked_for()  # refuses what it cannot do
    accelerator = accelerator_in(config.precision, device=device)
    if device.type == "cpu":
        set_cpu_threads(config.threads, processes=accelerator.num_processes)
        keep_freed_memory()
    if config.compile and device.type == "cpu":
        _refuse_no_compiler()
    parts = accelerator.num_processes * config.accumulation * (2 if config.contrast.weight else 1)
    if config.batch_size % parts:
        raise UserError(
            f"--batch-size {config.batch_size} is not a multiple of {accelerator.num_processes} processes times "
            f"--accumulation {config.accumulation}{' times two views' if config.contrast.weight else ''}: pass "
            f"--batch-size {math.ceil(config.batch_size / parts) * parts}"
        )
    return accelerator


def _refuse_no_compiler() -> None:
    """torch itself looks for one at the first step, when the run has begun."""
    from torch._inductor.cpp_builder import get_cpp_compiler

    try:
        get_cpp_compiler()
    except RuntimeError as error:
        raise UserError(
            "--compile needs a C++ compiler, of which none is found: install g++, set CXX, or pass --no-compile"
        ) from error


def read_corpus(config: PretrainConfig, accelerator: Accelerator) -> Corpus:
    """The corpus that is named, or the embedded demo corpus, prepared beside ``out``. Raises `UserError` where a split
    lacks."""
    folder = Path(config.corpus) if config.corpus else Path(os.path.abspath(config.out)).with_name("demo-corpus")
    if config.corpus is None and accelerator.is_main_process and not folder.exists():
        prepare(demo_config(), out=folder)
    accelerator.wait_for_everyone()
    corpus = load_corpus(folder)
    for split in ("train", "validation"):
        if split not in corpus:
            raise UserError(
                f"{folder} has no {split} windows: prepare it with another split, such as --split.by chromosome (whole "
                "sequences, at random) or random"
            )
    return corpus


def make_samplers(config: PretrainConfig, corpus: Corpus) -> Samplers:
    """What turns windows into masked batches. Raises `UserError` for windows too short, for words or floors, or full of
    N, masks that leak, or weights of 0."""
    train = Sampler(
        corpus.view("train"),
        KmerTokenizer(k=config.k, stride=config.stride),
        batch_size=config.batch_size,
        seed=config.seed,
        mask_share=config.mask_share,
        least_mask_share=config.least_mask_share,
        words_per_span=config.words_per_span,
        hide=config.hide,
        random_phase=config.random_phase,
        random_strand=config.random_strand,
        soft_mask_weight=config.soft_mask_weight,
    )
    if train.tokens_per_window < 4:
        raise UserError(
            f"windows of {corpus.window_length} bp hold under 2 words of --k {config.k}: prepare longer windows"
        )
    if not config.soft_mask_weight and (train.view.column("soft_masked") >= 1).all():
        raise UserError(
            "--soft-mask-weight 0 leaves nothing to learn, since all training windows are lower case: leave it out, or "
            "give the genome in upper case"
        )
    if corpus.window_length <= config.floor_order:
        raise UserError(
            f"--floor-order {config.floor_order} needs windows of more than {config.floor_order} bp: pass "
            f"--floor-order {corpus.window_length - 1}"
        )
    # the same questions to every recipe and seed, so that their scores can be compared
    validation = dataclasses.replace(
        train,
        view=_validation(config, corpus),
        mask_share=config.evaluation_mask_share,
        least_mask_share=None,
        words_per_span=1,
        seed=0,
    )
    refuse_leaks(validation.plan)
    _check_known(validation, floor_order=config.floor_order)
    return Samplers(train, validation, refuse_leaks(train.plan))


def _check_known(validation: Sampler, *, floor_order: int) -> None:
    """Raise `UserError` where N breaks all validation windows into pieces in which nothing can be asked for, or scored
    by counting."""
    view = validation.view
    asked = False
    scored = False
    for rows in np.array_split(np.arange(len(view)), -(-len(view) // _BATCH)):  # the first will nearly always do
        asked = asked or bool(validation.frozen(rows).weights.any())
        scored = scored or bool((ending_words(codes(view.bases(rows)), size=floor_order + 1)[1] > floor_order).any())
        if asked and scored:
            return
    if not asked:
        raise UserError(
            f"no validation window holds a word of --k {validation.tokenizer.k} without N: "
            "pass a smaller --k, or prepare others"
        )
    raise UserError(
        f"no validation window holds {floor_order + 1} bases without N for --floor-order {floor_order}: pass a smaller "
        "one, or prepare others"
    )


def make_model(
    config: PretrainConfig, sampler: Sampler, *, window_length: int, goes_on: bool = False
) -> PreTrainedModel:
    """Make a model with fresh weights, or those of ``initial`` unless it `goes_on` with a checkpoint's; it is told how
    many bases a window has."""
    tokenizer = sampler.tokenizer
    model = build_model(config.model, tokenizer=tokenizer, max_tokens=sampler.tokens_per_window, seed=config.seed)
    if config.initial is not None and not goes_on:
        load_initial(config.initial, model=model)
    model.config.window_length = window_length  # saved in config.json: how long a sequence this model reads
    return model


def build_training(
    config: PretrainConfig,
    samplers: Samplers,
    *,
    accelerator: Accelerator,
    checkpoint: Path | None,
    model: PreTrainedModel,
) -> Training:
    """Put the parts together; with a checkpoint, as they were when it was written."""
    train, tokenizer = samplers.train, samplers.train.tokenizer
    sharded = sharding.is_asked_for()
    objective: Any = MaskedObjective(model)
    if config.compile:
        compile_layers(model)
    if sharded:
        sharding.shard(objective, device=accelerator.device)
    else:
        model.to(accelerator.device)
    optimizers = build_optimizers(model, config, bf16=accelerator.mixed_precision == "bf16")
    progress = Progress(corpus=fingerprint(train.view.folder))
    if checkpoint is not None:
        progress = load_checkpoint(checkpoint, model=model, optimizers=optimizers, corpus=progress.corpus)
    if not sharded:
        objective = accelerator.prepare(objective)
    main = accelerator.is_main_process
    if main:
        tokenizer.model_max_length = train.tokens_per_window  # what truncation=True of transformers cuts to
        tokenizer.save_pretrained(config.out)
        scored_again = progress.step % config.evaluate_every == 0 or spent(config, progress) >= 1
        # at its beginning all is done again
        keep_up_to(Path(config.out), step=progress.step or -1, scored_again=scored_again)
    tracker = None
    if main:
        settings = dataclasses.asdict(config)
        tracker = Tracker(Path(config.out), config, resume_id=progress.tracker_id, settings=settings)
        gone = config.initial is not None and kind_of(config.initial) is None  # since the run began
        tracker.read(corpus=train.view.folder, initial=None if gone else config.initial)
    done = min(100.0, 100 * spent(config, progress))  # by an earlier part of the run: it took none of this one's time
    bar = tqdm(
        total=100.0,
        initial=done,
        unit="%",
        bar_format="{percentage:5.1f}%|{bar}| {elapsed}<{remaining} {postfix}",
        disable=not main or bars_are_hidden(),
    )
    window = list(progress.since_line)
    kin = kin_of_training(config, train, accelerator, folder=Path(config.out))
    return Training(
        config,
        accelerator,
        objective,
        optimizers,
        train,
        samplers.validation,
        samplers.audit,
        tracker,
        bar,
        progress,
        kin,
        window=window,
    )


def kin_of_training(
    config: PretrainConfig, train: Sampler, accelerator: Accelerator, *, folder: Path | None = None
) -> Kin | None:
    """Relatives of the training windows, where families are learned: found by the first process, given to the others.

    With a `folder` they are kept there: sums that are rounded otherwise may find others, and a run is to go on with the
    same.
    """
    if not (config.contrast.weight and config.contrast.families):
        return None
    found = None
    if accelerator.is_main_process:
        found = Kin.load(folder) if folder else None
        if found is None:
            began = time.perf_counter()
            found = find_kin(train.view, seed=config.seed)
            told = (
                f"{len(found.rows):,} of {len(train.view):,} training windows have relatives elsewhere in their genome"
            )
            print(f"{told} ({time.perf_counter() - began:.0f} s)", file=sys.stderr)
            if folder:
                found.save(folder)
    return broadcast_object_list([found])[0]


def _validation(config: PretrainConfig, corpus: Corpus) -> Any:
    """The validation windows that are evaluated: evenly spread over the split, always the same."""
    view = corpus.view("validation")
    return spread_windows(
        view,
        most=config.evaluation_windows,
        genome=config.evaluation_genome,
        flag="--evaluation-genome",
        split="validation",
    )
