"""The pretraining itself, from a prepared corpus to a run folder; read `pretrain` top to bottom."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.utils import broadcast, broadcast_object_list

from dnabert.corpus import Corpus
from dnabert.corpus.view import evenly_spread
from dnabert.json_file import read_json
from dnabert.models.loading import without_bar
from dnabert.models.precision import state_of_its_own
from dnabert.pretraining import run_folder, sharding
from dnabert.pretraining.bidirectional import measure_floors
from dnabert.pretraining.budget import spent, warmup_warning
from dnabert.pretraining.checkpoints import save_checkpoint
from dnabert.pretraining.config import PretrainConfig
from dnabert.pretraining.contrast import found_first
from dnabert.pretraining.divergence import check_finite
from dnabert.pretraining.evaluation import Evaluation, evaluate
from dnabert.pretraining.initial import with_words_and_sizes_of_initial
from dnabert.pretraining.masking import MaskedBatch
from dnabert.pretraining.prefetch import Prefetcher, prefetch_threads
from dnabert.pretraining.sentence_transformer import write_sentence_transformer
from dnabert.pretraining.setup import build_training, make_accelerator, make_model, make_samplers, read_corpus
from dnabert.pretraining.step import Training, batches_of, place, settle, take_step
from dnabert.pretraining.stopping import Stop, ended_with, launcher, others_in_one_line
from dnabert.pretraining.threads import processes_here, threads_kept
from dnabert.stage import whole_file


@run_folder.in_one_line
@others_in_one_line()
@state_of_its_own()
@threads_kept()
def pretrain(config: PretrainConfig) -> Path:
    """Pretrain a masked language model and return its run folder.

    The folder holds ``config.yaml`` as resolved, ``metrics.jsonl``, ``floors.json``, ``masking.json`` (the shares of an
    `Audit`), the model and tokenizer in the Hugging Face format and, last, ``manifest.json``. With ``resume="auto"``
    the same run, finished before, is given as it stands. Under ``accelerate launch`` or ``torchrun`` all processes
    share each batch; the result does not depend on their number but for rounding, and for what dropout draws.

    Parameters
    ----------
    config : a `PretrainConfig`, or a dict of its fields (those of ``model`` and ``contrast`` may be dicts again).

    Raises
    ------
    UserError
        for a config, corpus or folder that cannot work, and when the loss is no longer a number.
    """
    stop = Stop(launcher())  # at once: it may end at any time
    with ended_with(stop.launcher):  # so long as there is nothing to save signals, too, end it at once
        begun = run_folder.gone_on_with(config)
        config = with_words_and_sizes_of_initial(config, begun=begun)
        accelerator = make_accelerator(config)
        # the first process's answer: on another node the folder need not be
        if broadcast_object_list([run_folder.is_finished(config)])[0]:
            if accelerator.is_main_process:
                print(f"{config.out} is finished: nothing is left to do", file=sys.stderr)
            return Path(config.out)
        corpus = read_corpus(config, accelerator)
        samplers = make_samplers(config, corpus)
        model = make_model(config, samplers.train, window_length=corpus.window_length, goes_on=begun is not None)
        with _begun(config, accelerator) as checkpoint:  # what cannot work has been refused by now
            training = build_training(config, samplers, accelerator=accelerator, checkpoint=checkpoint, model=model)
        with _closed_where_it_fails(training):
            if accelerator.is_main_process:
                _say_hello(training)
                _keep_audit(training)
                _floors(training)
            accelerator.wait_for_everyone()  # while the first one counts
    with _closed_where_it_fails(training), stop.collected():
        _run(training, stop)
    weights = sharding.whole_weights(training.model, keep=accelerator.is_main_process)
    if accelerator.is_main_process:
        _finish(training, corpus, weights)
    accelerator.wait_for_everyone()
    accelerator.end_training()
    return Path(config.out)


@contextlib.contextmanager
def _begun(config: PretrainConfig, accelerator: Accelerator) -> Iterator[Path | None]:
    """The checkpoint to go on from, if any, on every process; the first one makes the folder ready."""
    with run_folder.begun(config) if accelerator.is_main_process else contextlib.nullcontext() as checkpoint:
        yield broadcast_object_list([checkpoint])[0]


@contextlib.contextmanager
def _closed_where_it_fails(training: Training) -> Iterator[None]:
    try:
        yield
    except BaseException:
        training.close(failed=True)
        raise


def _run(training: Training, stop: Stop) -> None:
    config, accelerator = training.config, training.accelerator
    # at the beginning, or of the checkpoint that is gone on from
    if training.progress.step % config.evaluate_every == 0:
        _evaluate(training)
    training.bar.unpause()  # what went before is done once, and no part of the time that is left
    with _prefetcher(training) as batches:
        while True:
            share = _agreed(accelerator, spent(config, training.progress))
            if share >= 1 or _anywhere(accelerator, stop):
                break
            began = time.perf_counter()  # whoever waits for batches trains too slowly, and is to see it
            take_step(training, next(batches), share, began=began)
            if training.progress.step % config.evaluate_every == 0:
                _evaluate(training)
            # what may have diverged must not push out what has not
            if training.progress.step % config.checkpoint_every == 0 and not training.progress.steps_above:
                _checkpoint(training)
    settle(training)
    training.bar.n = min(100.0, 100 * spent(config, training.progress))  # no line need have been due at the end
    if _anywhere(accelerator, stop):
        _checkpoint(training)
        _leave(training, stop.number)
    if training.evaluated_at != training.progress.step:
        _evaluate(training)


def _prefetcher(training: Training) -> Prefetcher[list[MaskedBatch]]:
    accelerator = training.accelerator
    threads = prefetch_threads(accelerator.device.type, processes=processes_here(accelerator.num_processes))
    return Prefetcher(partial(batches_of, training), first=training.progress.step, threads=threads)


def _evaluate(training: Training) -> None:
    # unwrapped: DDP's forward waits for the other processes, which may have a window fewer to score
    objective = training.accelerator.unwrap_model(training.objective)
    with torch.compiler.set_stance("force_eager"):  # other shapes than the training's would be compiled, each anew
        result: Evaluation = evaluate(objective, training.validation, accelerator=training.accelerator)
    training.evaluated_at = training.progress.step
    check_finite(result.bits_per_base, at=training.progress, config=training.config)
    metrics: dict[str, Any] = place(training) | result.metrics()
    told = (
        f"step {training.progress.step:,}: validation {result.bits_per_base:.4f} bits/base "
        f"[{result.low:.4f}, {result.high:.4f}], masked accuracy {result.masked_accuracy:.4f}"
    )
    if training.pairs:
        pairs = dataclasses.replace(training.pairs, sampler=training.validation)
        with torch.compiler.set_stance("force_eager"):
            metrics["validation_found_first"] = found_first(objective, pairs, accelerator=training.accelerator)
        told += f", {metrics['validation_found_first']:.1%} of views find their place"
    if training.accelerator.device.type == "cuda":
        metrics["memory_peak_bytes"] = torch.cuda.max_memory_allocated(training.accelerator.device)
    if training.tracker is not None:
        training.tracker.log(metrics)
        training.bar.write(told, file=sys.stderr)


def _keep_audit(training: Training) -> None:
    """What the masks hide and what can be read off, for whoever asks when the log is gone."""
    shares = dataclasses.asdict(training.audit)
    with whole_file(Path(training.config.out) / "masking.json") as partial:
        partial.write_text(json.dumps(shares, indent=2) + "\n")
    if training.tracker:
        training.tracker.summarise({f"masking_{name}": value for name, value in shares.items()})


def _floors(training: Training) -> None:
    """What counting scores on the same split, from the left and on the same hidden words from both sides, once per
    run."""
    path = Path(training.config.out) / "floors.json"
    floors = _known_floors(path)
    if floors is None:
        train, config = training.sampler.view, training.config
        counted = evenly_spread(len(train), most=config.floor_windows)
        told = f"counting Markov models of order 0 to {config.floor_order} on {len(counted):,} windows"
        training.bar.write(told, file=sys.stderr)  # a minute for 400 Mb, in which the bar stands still
        found = measure_floors(train.select(counted), training.validation, max_order=config.floor_order)
        found |= {"counted_windows": len(counted), "training_windows": len(train)}
        with whole_file(path) as partial:  # whoever goes on reads it again
            partial.write_text(json.dumps(found, indent=2) + "\n")
        floors = read_json(path)
    one = floors["best"]
    both = floors.get("bidirectional", {}).get("best")
    told = f"best Markov floor: {_named(one)} from the left" + (f", {_named(both)} from both sides" if both else "")
    training.bar.write(told, file=sys.stderr)
    if training.tracker:
        training.tracker.summarise({"floor_bits_per_base": one["bits_per_base"], "floor_order": one["order"]})
        if both:
            training.tracker.summarise({"bidirectional_floor_bits_per_base": both["bits_per_base"]})


def _known_floors(path: Path) -> dict[str, Any] | None:
    """The floors that an earlier part of the run counted; None where there are none, or they are damaged: they are
    counted again."""
    try:
        floors: dict[str, Any] = read_json(path)
        for best in (floors["best"], floors.get("bidirectional", floors)["best"]):
            _named(best)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return floors


def _named(best: dict[str, Any]) -> str:
    name = best["order"] if isinstance(best["order"], str) else f"order {best['order']}"
    return f"{name}, {best['bits_per_base']:.4f} bits/base"


def _checkpoint(training: Training) -> None:
    stopped_above = bool(training.progress.steps_above)  # the only checkpoint that is made there
    save_checkpoint(
        Path(training.config.out),
        model=training.model,
        optimizers=training.optimizers,
        progress=dataclasses.replace(training.progress, since_line=training.window),
        keep=sys.maxsize if stopped_above else training.config.keep_checkpoints,
        writes=training.accelerator.is_main_process,
    )
    if training.accelerator.is_main_process:
        run_folder.replaces(Path(training.config.out))
    training.accelerator.wait_for_everyone()


def _finish(training: Training, corpus: Corpus, weights: dict[str, torch.Tensor] | None) -> None:
    out = Path(training.config.out)
    with without_bar():
        training.model.save_pretrained(out, state_dict=weights)
    write_sentence_transformer(out)
    run_folder.finish(training.config, corpus=Path(corpus.folder), seconds=training.progress.seconds)
    if training.tracker:
        training.tracker.made(out)
    training.close()


def _say_hello(training: Training) -> None:
    config = training.config
    accelerator = training.accelerator
    sampler = training.sampler
    parameters = sum(p.numel() for p in training.model.parameters())
    plan, masked = sampler.plan, training.audit
    fewest = plan.least_spans * plan.words_per_span
    asked = str(plan.asked) if fewest == plan.asked else f"{fewest} to {plan.asked}"
    told = warmup_warning(config, tokens_per_step=config.batch_size * sampler.tokens_per_window)
    if told:
        training.bar.write(told, file=sys.stderr)
    if config.initial is not None and not training.progress.step:
        training.bar.write(
            f"begins with the weights of {config.initial}, its k ({config.k}) and its sizes", file=sys.stderr
        )
    training.bar.write(
        f"{config.model.architecture}: {parameters:,} parameters; {len(sampler.view):,} training and "
        f"{len(training.validation.view):,} validation windows of {plan.words} words of {plan.k} bases, {plan.stride} "
        f"apart; {accelerator.num_processes} process(es) on {accelerator.device.type}, "
        f"{accelerator.mixed_precision.replace('no', 'fp32')}; masking: {asked} words asked for, "
        f"{masked.hidden_bases:.1%} of the bases hidden, {masked.recoverable_words:.1%} of the asked words recoverable",
        file=sys.stderr,
    )


def _leave(training: Training, signum: int) -> None:
    if training.accelerator.is_main_process:
        with contextlib.suppress(OSError):  # a terminal that is closed hears nothing
            print(f"stopped at step {training.progress.step}; go on with --resume auto", file=sys.stderr, flush=True)
    sys.exit(128 + signum)


def _anywhere(accelerator: Accelerator, stop: Stop) -> bool:
    """Whether any process was told to stop: a cluster may take back one machine of several."""
    if accelerator.num_processes == 1:
        return stop.asked()
    told = torch.tensor([float(stop.asked())], device=accelerator.device)
    return float(accelerator.reduce(told, reduction="sum")[0]) > 0


def _agreed(accelerator: Accelerator, value: float) -> float:
    """The main process's value on every process: clocks differ between them."""
    if accelerator.num_processes == 1:
        return value
    return float(broadcast(torch.tensor([value], dtype=torch.float64, device=accelerator.device))[0])
