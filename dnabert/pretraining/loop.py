"""The pretraining itself, from a prepared corpus to a run folder; read `pretrain` top to bottom."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import math
import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import transformers
from accelerate import Accelerator, PartialState
from accelerate.utils import broadcast, broadcast_object_list, parse_flag_from_env
from tqdm import tqdm

from dnabert.corpus import Corpus, demo_config, load_corpus, prepare
from dnabert.corpus.loading import fingerprint
from dnabert.errors import UserError
from dnabert.models.build import build_model, compile_layers
from dnabert.models.memory import keep_freed_memory
from dnabert.models.objective import MaskedObjective
from dnabert.models.precision import use_bf16, wide_float
from dnabert.pretraining import run_folder, sharding
from dnabert.pretraining.audit import Audit, refuse_leaks
from dnabert.pretraining.bidirectional import measure_floors
from dnabert.pretraining.budget import spent
from dnabert.pretraining.checkpoints import Progress, load_checkpoint, load_initial, save_checkpoint
from dnabert.pretraining.config import PretrainConfig
from dnabert.pretraining.contrast import PairSampler, found_first, whole_batch_loss
from dnabert.pretraining.divergence import watched
from dnabert.pretraining.evaluation import Evaluation, evaluate
from dnabert.pretraining.masking import MaskedBatch
from dnabert.pretraining.optimizer import build_optimizers, learning_rate, set_learning_rate, update
from dnabert.pretraining.prefetch import Prefetcher, prefetch_threads
from dnabert.pretraining.sampling import Sampler
from dnabert.pretraining.sentence_transformer import write_sentence_transformer
from dnabert.pretraining.threads import processes_here, set_cpu_threads
from dnabert.pretraining.tracking import Tracker, keep_up_to
from dnabert.stage import whole_file
from dnabert.tokenizer import KmerTokenizer

if TYPE_CHECKING:
    from transformers import PreTrainedModel


@dataclass(frozen=True)
class _Samplers:
    """What is read, and what its masks hide."""

    train: Sampler
    validation: Sampler
    audit: Audit


@dataclass
class _Training:
    """What the loop carries from step to step."""

    config: PretrainConfig
    accelerator: Accelerator
    objective: Any  # the MaskedObjective as accelerate wrapped it
    optimizers: list[torch.optim.Optimizer]
    sampler: Sampler
    validation: Sampler
    audit: Audit
    tracker: Tracker | None
    bar: tqdm[Any]
    progress: Progress
    evaluated_at: int = -1
    window: list[dict[str, float]] = field(default_factory=list)  # what steps since the last line measured, and their seconds
    pending: list[tuple[torch.Tensor, float]] = field(default_factory=list)  # the same, still where it was computed; see `_settle`

    @property
    def pairs(self) -> PairSampler | None:
        """Where the batches come from when places are read twice."""
        return PairSampler(self.sampler, self.config.contrast) if self.config.contrast.weight else None

    @property
    def model(self) -> Any:
        return self.accelerator.unwrap_model(self.objective).model

    def close(self, *, failed: bool = False) -> None:
        """End the progress bar and the tracker."""
        self.bar.close()
        if self.tracker:
            self.tracker.close(failed=failed)


@run_folder.in_one_line
def pretrain(config: PretrainConfig) -> Path:
    """Pretrain a masked language model and return its run folder.

    The folder holds ``config.yaml`` as resolved, ``metrics.jsonl``, ``floors.json``, the model and tokenizer in the
    Hugging Face format and, last, ``manifest.json``. Under ``accelerate launch`` or ``torchrun`` all processes
    share each batch; the result does not depend on their number but for rounding.

    Raises
    ------
    UserError
        for a config, corpus or folder that cannot work, and when the loss is no longer a number.
    """
    accelerator = _accelerator(config)
    corpus = _corpus(config, accelerator)
    samplers = _samplers(config, corpus)
    model = _model(config, samplers.train, window_length=corpus.window_length)
    checkpoint = _begin(config, accelerator)  # what cannot work has been refused by now
    training = _build(config, samplers, accelerator, checkpoint, model=model)
    try:
        with _stop_signals() as stop:
            _run(training, stop)
    except BaseException:
        training.close(failed=True)
        raise
    weights = sharding.whole_weights(training.model, keep=accelerator.is_main_process)
    if accelerator.is_main_process:
        _finish(training, corpus, weights)
    accelerator.wait_for_everyone()
    accelerator.end_training()
    return Path(config.out)


def _accelerator(config: PretrainConfig) -> Accelerator:
    # as Accelerator itself reads it; without the flag two processes over gloo would each think themselves alone
    device = PartialState(cpu=parse_flag_from_env("ACCELERATE_USE_CPU")).device
    sharding.is_asked_for()  # refuses what it cannot do
    bf16 = use_bf16(config.precision, device=device)
    accelerator = Accelerator(mixed_precision="bf16" if bf16 else "no")
    if device.type == "cpu":
        set_cpu_threads(config.threads, processes=accelerator.num_processes)
        keep_freed_memory()
    parts = accelerator.num_processes * config.accumulation * (2 if config.contrast.weight else 1)
    if config.batch_size % parts:
        raise UserError(
            f"--batch-size {config.batch_size} is not a multiple of {accelerator.num_processes} processes times "
            f"--accumulation {config.accumulation}{' times two views' if config.contrast.weight else ''}: pass --batch-size {math.ceil(config.batch_size / parts) * parts}"
        )
    return accelerator


def _corpus(config: PretrainConfig, accelerator: Accelerator) -> Corpus:
    folder = Path(config.corpus) if config.corpus else Path(config.out).with_name("demo-corpus")
    if config.corpus is None and accelerator.is_main_process and not folder.exists():
        prepare(demo_config(), out=folder)
    accelerator.wait_for_everyone()
    corpus = load_corpus(folder)
    for split in ("train", "validation"):
        if split not in corpus:
            raise UserError(f"{folder} has no {split} windows: prepare it with a split that leaves some")
    return corpus


def _begin(config: PretrainConfig, accelerator: Accelerator) -> Path | None:
    checkpoint = None
    if accelerator.is_main_process:
        checkpoint = run_folder.begin(config)
        run_folder.record(config)
    return broadcast_object_list([checkpoint])[0]


def _samplers(config: PretrainConfig, corpus: Corpus) -> _Samplers:
    train = Sampler(
        corpus.view("train"),
        KmerTokenizer(k=config.k, stride=config.stride),
        batch_size=config.batch_size,
        seed=config.seed,
        mask_share=config.mask_share,
        words_per_span=config.words_per_span,
        hide=config.hide,
        random_phase=config.random_phase,
        random_strand=config.random_strand,
        soft_mask_weight=config.soft_mask_weight,
    )
    if train.tokens_per_window < 4:
        raise UserError(f"windows of {corpus.window_length} bp hold under 2 words of --k {config.k}: prepare longer windows")
    return _Samplers(train, dataclasses.replace(train, view=_validation(config, corpus)), refuse_leaks(train.plan))


def _model(config: PretrainConfig, sampler: Sampler, *, window_length: int) -> PreTrainedModel:
    tokenizer = sampler.tokenizer
    model = build_model(config.model, tokenizer=tokenizer, max_tokens=sampler.tokens_per_window, seed=config.seed)
    if config.initial is not None:
        load_initial(config.initial, model=model, tokenizer=tokenizer)
    model.config.window_length = window_length  # saved in config.json: how long a sequence this model reads
    return model


def _build(
    config: PretrainConfig, samplers: _Samplers, accelerator: Accelerator, checkpoint: Path | None, *, model: PreTrainedModel
) -> _Training:
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
    transformers.utils.logging.disable_progress_bar()  # a bar per saved file would tear ours
    if main:
        tokenizer.save_pretrained(config.out)
        keep_up_to(Path(config.out), step=progress.step or -1)  # a run that is at its beginning evaluates there again
    tracker = Tracker(Path(config.out), config, resume_id=progress.tracker_id, settings=dataclasses.asdict(config)) if main else None
    if tracker:
        tracker.read(corpus=train.view.folder, initial=config.initial)
    bar = tqdm(total=100.0, disable=not main, unit="%", bar_format="{percentage:5.1f}%|{bar}| {elapsed}<{remaining} {postfix}")
    window = list(progress.since_line)
    return _Training(
        config, accelerator, objective, optimizers, train, samplers.validation, samplers.audit, tracker, bar, progress, window=window
    )


def _validation(config: PretrainConfig, corpus: Corpus) -> Any:
    """The validation windows that are evaluated: evenly spread over the split, always the same."""
    view = corpus.view("validation")
    rows = np.arange(len(view))
    if config.evaluation_genome is not None:
        genomes = view.column("genome")
        rows = rows[genomes == config.evaluation_genome]
        if not len(rows):
            known = ", ".join(sorted(set(genomes.tolist())))
            raise UserError(f"--evaluation-genome {config.evaluation_genome} has no validation windows; there are: {known}")
    chosen = np.unique(np.linspace(0, len(rows) - 1, min(config.evaluation_windows, len(rows))).astype(int))
    return view.select(rows[chosen])


def _run(training: _Training, stop: list[int]) -> None:
    config, accelerator = training.config, training.accelerator
    if accelerator.is_main_process:
        _say_hello(training)
        _floors(training)
    if training.progress.step == 0:
        _evaluate(training)
    with _prefetcher(training) as batches:
        while True:
            share = _agreed(accelerator, spent(config, training.progress))
            if share >= 1 or _anywhere(accelerator, stop):
                break
            _step(training, next(batches), share)
            if training.progress.step % config.evaluate_every == 0:
                _evaluate(training)
            # what may have diverged must not push out what has not
            if training.progress.step % config.checkpoint_every == 0 and not training.progress.steps_above:
                _checkpoint(training)
    _settle(training)
    if _anywhere(accelerator, stop):
        _checkpoint(training)
        _leave(training, stop[0] if stop else signal.SIGTERM)
    if training.evaluated_at != training.progress.step:
        _evaluate(training)


def _prefetcher(training: _Training) -> Prefetcher[list[MaskedBatch]]:
    accelerator = training.accelerator
    threads = prefetch_threads(accelerator.device.type, processes=processes_here(accelerator.num_processes))
    return Prefetcher(partial(_batches, training), first=training.progress.step, threads=threads)


def _batches(training: _Training, step: int) -> list[MaskedBatch]:
    """This process's parts of a step's batch, made while the steps before compute."""
    accelerator, parts = training.accelerator, training.config.accumulation
    first = accelerator.process_index * parts
    source = training.pairs or training.sampler
    return [source.batch(step, part=first + i, parts=accelerator.num_processes * parts) for i in range(parts)]


def _step(training: _Training, batches: list[MaskedBatch], share: float) -> None:
    """One optimiser step; the loss is normalised by the whole batch, so how it is cut does not matter."""
    config, accelerator, progress = training.config, training.accelerator, training.progress
    began = time.perf_counter()
    _seed_dropout(training)
    rate = learning_rate(config, step=progress.step, progress=share)
    set_learning_rate(training.optimizers, rate)
    asked = config.batch_size * batches[0].positions.shape[1]
    parts = []
    for number, batch in enumerate(batches):
        last = number == len(batches) - 1
        with contextlib.nullcontext() if last else accelerator.no_sync(training.objective):
            parts.append(_backward(training, batch, asked))
    sums = accelerator.reduce(torch.stack(parts).sum(0), reduction="sum")
    update(training.objective, training.optimizers, clip_gradient=config.clip_gradient)
    _advance(training, sums, rate, time.perf_counter() - began)


def _backward(training: _Training, batch: MaskedBatch, asked: int) -> torch.Tensor:
    """Add a part's gradient. DDP averages over processes, hence the factor.

    Returns float64 (4,), on the device: nats of the part's hidden words, their number, contrastive nats, share of views that were found.
    """
    accelerator = training.accelerator
    ids, positions, labels, weights, hidden = (
        torch.from_numpy(x).to(accelerator.device, non_blocking=True)
        for x in (batch.input_ids, batch.positions, batch.labels, batch.weights, batch.hidden)
    )
    with accelerator.autocast():
        nats, _, vectors = training.objective(ids, positions, labels)
    loss = (nats * weights).sum() / asked
    precise = wide_float(accelerator.device)
    measured = torch.zeros(2, dtype=precise, device=accelerator.device)
    if batch.copies is not None:
        temperature = training.config.contrast.temperature
        contrast, found = whole_batch_loss(vectors, batch.copies, temperature=temperature, accelerator=accelerator)
        loss = loss + training.config.contrast.weight * contrast
        measured = torch.stack([contrast.detach(), found.float().mean()]).to(precise)
    accelerator.backward(loss * accelerator.num_processes)
    known = torch.where(hidden, nats.detach(), 0).to(precise).sum()
    return torch.cat([torch.stack([known, hidden.sum().to(precise)]), measured])


def _seed_dropout(training: _Training) -> None:
    if training.config.model.dropout:
        torch.manual_seed(training.config.seed * 1_000_003 + training.progress.step * 1009 + training.accelerator.process_index)


def _advance(training: _Training, sums: torch.Tensor, rate: float, seconds: float) -> None:
    """Count a step, and write a line when one is due."""
    config, sampler = training.config, training.sampler
    training.pending.append((sums, seconds))
    ended = training.progress.step + 1
    if sums.device.type == "cpu" or not all(ended % n for n in (config.log_every, config.evaluate_every, config.checkpoint_every)):
        _settle(training)
    training.progress = dataclasses.replace(
        training.progress,
        step=ended,
        tokens=training.progress.tokens + config.batch_size * sampler.tokens_per_window,
        seconds=training.progress.seconds + seconds,
        tracker_id=training.tracker.id if training.tracker else None,
    )
    if training.progress.step % config.log_every or training.tracker is None:
        return
    steps = len(training.window)
    mean = {name: sum(each[name] for each in training.window) / steps for name in training.window[0]}
    speed = config.batch_size * sampler.tokens_per_window / mean.pop("seconds")
    training.window.clear()
    training.tracker.log(_place(training) | mean | {"learning_rate": rate, "tokens_per_second": speed})
    told = f"train {mean['train_bits_per_base']:.4f} bits/base"
    if "train_found_first" in mean:
        told += f", {mean['train_found_first']:.1%} of views find their place"
    training.bar.n = min(100.0, 100 * spent(config, training.progress))
    training.bar.set_postfix_str(f"step {training.progress.step:,} · {told} · {speed:,.0f} tokens/s")


def _settle(training: _Training) -> None:
    """Fetch what steps measured: a GPU, which would have to wait each time, is asked only where a line, score or checkpoint is due."""
    if not training.pending:
        return
    began = time.perf_counter()
    sums = torch.stack([each for each, _ in training.pending]).tolist()
    waited = time.perf_counter() - began
    processes, config = training.accelerator.num_processes, training.config
    for (total, hidden, contrast, found), (_, seconds) in zip(sums, training.pending, strict=True):
        bits = total / max(hidden, 1.0) / (config.k * math.log(2))
        training.progress = watched(training.progress, bits, config=config)
        measured = {"train_bits_per_base": bits, "seconds": seconds + waited / len(sums)}
        if training.pairs:  # every process has the whole batch's
            measured |= {"train_contrast_nats": contrast / processes, "train_found_first": found / processes}
        training.window.append(measured)
    training.pending.clear()
    training.progress = dataclasses.replace(training.progress, seconds=training.progress.seconds + waited)


def _place(training: _Training) -> dict[str, Any]:
    progress = training.progress
    return {"step": progress.step, "tokens": progress.tokens, "seconds": round(progress.seconds, 3)}


def _evaluate(training: _Training) -> None:
    # unwrapped: DDP's forward waits for the other processes, which may have a window fewer to score
    objective = training.accelerator.unwrap_model(training.objective)
    with torch.compiler.set_stance("force_eager"):  # other shapes than the training's would be compiled, each anew
        result: Evaluation = evaluate(objective, training.validation, accelerator=training.accelerator)
    training.evaluated_at = training.progress.step
    metrics: dict[str, Any] = _place(training) | result.metrics()
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


def _floors(training: _Training) -> None:
    """What counting scores on the same split, from the left and on the same hidden words from both sides, once per run."""
    path = Path(training.config.out) / "floors.json"
    if not path.exists():
        train, config = training.sampler.view, training.config
        found = measure_floors(train, training.validation, max_order=config.floor_order, seed=config.seed)
        with whole_file(path) as partial:  # whoever goes on reads it again
            partial.write_text(json.dumps(found, indent=2) + "\n")
    floors = json.loads(path.read_text())
    one, both = floors["best"], floors.get("bidirectional", {}).get("best")
    told = f"best Markov floor: {_named(one)} from the left" + (f", {_named(both)} from both sides" if both else "")
    training.bar.write(told, file=sys.stderr)
    if training.tracker:
        training.tracker.summarise({f"masking_{name}": value for name, value in dataclasses.asdict(training.audit).items()})
        training.tracker.summarise({"floor_bits_per_base": one["bits_per_base"], "floor_order": one["order"]})
        if both:
            training.tracker.summarise({"bidirectional_floor_bits_per_base": both["bits_per_base"]})


def _named(best: dict[str, Any]) -> str:
    name = best["order"] if isinstance(best["order"], str) else f"order {best['order']}"
    return f"{name}, {best['bits_per_base']:.4f} bits/base"


def _checkpoint(training: _Training) -> None:
    save_checkpoint(
        Path(training.config.out),
        model=training.model,
        optimizers=training.optimizers,
        progress=dataclasses.replace(training.progress, since_line=training.window),
        keep=training.config.keep_checkpoints,
        writes=training.accelerator.is_main_process,
    )
    training.accelerator.wait_for_everyone()


def _finish(training: _Training, corpus: Corpus, weights: dict[str, torch.Tensor] | None) -> None:
    out = Path(training.config.out)
    training.model.save_pretrained(out, state_dict=weights)
    write_sentence_transformer(out)
    run_folder.finish(training.config, corpus=Path(corpus.folder), seconds=training.progress.seconds)
    if training.tracker:
        training.tracker.made(out)
    training.close()


def _say_hello(training: _Training) -> None:
    config, accelerator, sampler = training.config, training.accelerator, training.sampler
    parameters = sum(p.numel() for p in training.model.parameters())
    plan, masked = sampler.plan, training.audit
    training.bar.write(
        f"{config.model.architecture}: {parameters:,} parameters; {len(sampler.view):,} training and "
        f"{len(training.validation.view):,} validation windows of {plan.words} words of {plan.k} bases, {plan.stride} apart; "
        f"{accelerator.num_processes} process(es) on {accelerator.device.type}, {accelerator.mixed_precision.replace('no', 'fp32')}; "
        f"masking: {plan.asked} words asked for, {masked.hidden_bases:.1%} of the bases hidden, "
        f"{masked.recoverable_words:.1%} of the asked words recoverable",
        file=sys.stderr,
    )


def _leave(training: _Training, signum: int) -> None:
    if training.accelerator.is_main_process:
        print(f"stopped at step {training.progress.step}; go on with --resume auto", file=sys.stderr)
    sys.exit(128 + signum)


@contextlib.contextmanager
def _stop_signals() -> Iterator[list[int]]:
    """Collect SIGTERM and Ctrl-C, so that the loop can end between two steps."""
    received: list[int] = []
    wanted = (signal.SIGTERM, signal.SIGINT)
    try:
        before = {s: signal.signal(s, lambda signum, _: received.append(signum)) for s in wanted}
    except ValueError:  # not in the main thread (a notebook's executor): leave signals alone
        before = {}
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _anywhere(accelerator: Accelerator, stop: list[int]) -> bool:
    """Whether any process was told to stop: a cluster may take back one machine of several."""
    if accelerator.num_processes == 1:
        return bool(stop)
    told = torch.tensor([float(bool(stop))], device=accelerator.device)
    return float(accelerator.reduce(told, reduction="sum")[0]) > 0


def _agreed(accelerator: Accelerator, value: float) -> float:
    """The main process's value on every process: clocks differ between them."""
    if accelerator.num_processes == 1:
        return value
    return float(broadcast(torch.tensor([value], dtype=torch.float64, device=accelerator.device))[0])
