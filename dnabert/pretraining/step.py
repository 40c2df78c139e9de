"""One optimiser step, on however many processes, and what it measured."""

from __future__ import annotations

import contextlib
import dataclasses
import math
import statistics
import time
from dataclasses import dataclass, field
from typing import Any

import torch
from accelerate import Accelerator
from tqdm import tqdm

from dnabert.models.precision import wide_float
from dnabert.pretraining.audit import Audit
from dnabert.pretraining.budget import spent
from dnabert.pretraining.checkpoints import Progress
from dnabert.pretraining.config import PretrainConfig
from dnabert.pretraining.contrast import PairSampler, whole_batch_loss
from dnabert.pretraining.divergence import watched
from dnabert.pretraining.kin import Kin
from dnabert.pretraining.masking import MaskedBatch
from dnabert.pretraining.optimizer import learning_rate, set_learning_rate, update
from dnabert.pretraining.sampling import Sampler
from dnabert.pretraining.tracking import Tracker


@dataclass
class Training:
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
    kin: Kin | None = None
    evaluated_at: int = -1
    # what steps since the last line measured, and their seconds
    window: list[dict[str, float]] = field(default_factory=list)
    # the same, still where it was computed; see `settle`
    pending: list[tuple[torch.Tensor, float]] = field(default_factory=list)

    @property
    def pairs(self) -> PairSampler | None:
        """Where the batches come from when places are read twice."""
        return PairSampler(self.sampler, self.config.contrast, self.kin) if self.config.contrast.weight else None

    @property
    def model(self) -> Any:
        """The model alone, without what accelerate wrapped it in."""
        return self.accelerator.unwrap_model(self.objective).model

    def close(self, *, failed: bool = False) -> None:
        """End the progress bar and the tracker."""
        self.bar.close()
        if self.tracker:
            self.tracker.close(failed=failed)


def batches_of(training: Training, step: int) -> list[MaskedBatch]:
    """This process's parts of a step's batch, made while the steps before compute."""
    accelerator = training.accelerator
    parts = training.config.accumulation
    first = accelerator.process_index * parts
    source = training.pairs or training.sampler
    return [source.batch(step, part=first + i, parts=accelerator.num_processes * parts) for i in range(parts)]


def take_step(training: Training, batches: list[MaskedBatch], share: float, *, began: float) -> None:
    """One optimiser step, whose time counts from `began`; the loss is normalised by the whole batch, so how it is cut
    does not matter."""
    config = training.config
    accelerator = training.accelerator
    progress = training.progress
    _seed_dropout(training)
    rate = learning_rate(config, step=progress.step, progress=share)
    set_learning_rate(training.optimizers, rate)
    asked = config.batch_size * training.sampler.plan.mean_asked
    parts = []
    for number, batch in enumerate(batches):
        last = number == len(batches) - 1
        with contextlib.nullcontext() if last else accelerator.no_sync(training.objective):
            parts.append(_backward(training, batch, asked))
    sums = accelerator.reduce(torch.stack(parts).sum(0), reduction="sum")
    update(training.objective, training.optimizers, clip_gradient=config.clip_gradient)
    _advance(training, sums, rate, time.perf_counter() - began)


def _backward(training: Training, batch: MaskedBatch, asked: float) -> torch.Tensor:
    """Add a part's gradient. DDP averages over processes, hence the factor.

    Returns float64 (5,), on the device: nats of the part's hidden words, their number, contrastive nats of places and
    of families, share of views that were found.
    """
    accelerator = training.accelerator
    ids, positions, labels, weights, hidden = (
        torch.from_numpy(x).to(accelerator.device, non_blocking=True)
        for x in (batch.input_ids, batch.positions, batch.labels, batch.weights, batch.hidden)
    )
    with accelerator.autocast():
        nats, _, vectors = training.objective(ids, positions, labels, with_vectors=batch.copies is not None)
    loss = (nats * weights).sum() / asked
    precise = wide_float(accelerator.device)
    measured = torch.zeros(3, dtype=precise, device=accelerator.device)
    if batch.copies is not None:
        lost = whole_batch_loss(vectors, batch, config=training.config.contrast, accelerator=accelerator)
        loss = loss + training.config.contrast.weight * (lost.places + lost.families)
        measured = torch.stack([lost.places.detach(), lost.families.detach(), lost.found.float().mean()]).to(precise)
    accelerator.backward(loss * accelerator.num_processes)
    known = torch.where(hidden, nats.detach(), 0).to(precise).sum()
    return torch.cat([torch.stack([known, hidden.sum().to(precise)]), measured])


def _seed_dropout(training: Training) -> None:
    if training.config.model.dropout:
        torch.manual_seed(
            training.config.seed * 1_000_003 + training.progress.step * 1009 + training.accelerator.process_index
        )


def _advance(training: Training, sums: torch.Tensor, rate: float, seconds: float) -> None:
    """Count a step, and write a line when one is due."""
    config, sampler = training.config, training.sampler
    training.pending.append((sums, seconds))
    ended = training.progress.step + 1
    if sums.device.type == "cpu" or not all(
        ended % n for n in (config.log_every, config.evaluate_every, config.checkpoint_every)
    ):
        settle(training)
    training.progress = dataclasses.replace(
        training.progress,
        step=ended,
        tokens=training.progress.tokens + config.batch_size * sampler.tokens_per_window,
        seconds=training.progress.seconds + seconds,
        # without a tracker the id of an earlier one stays, for whoever goes on
        tracker_id=(training.tracker.id if training.tracker else None) or training.progress.tracker_id,
    )
    if training.progress.step % config.log_every:
        return
    window = list(training.window)
    training.window.clear()  # also where nothing is written: it would grow for days
    if training.tracker is None:
        return
    names = dict.fromkeys(name for each in window for name in each)
    mean = {name: statistics.fmean(each[name] for each in window if name in each) for name in names}
    speed = config.batch_size * sampler.tokens_per_window / mean.pop("seconds")
    training.tracker.log(place(training) | mean | {"learning_rate": rate, "tokens_per_second": speed})
    told = f"train {mean['train_bits_per_base']:.4f} bits/base" if "train_bits_per_base" in mean else "nothing hidden"
    if "train_found_first" in mean:
        told += f", {mean['train_found_first']:.1%} of views find their place"
    training.bar.n = min(100.0, 100 * spent(config, training.progress))
    training.bar.set_postfix_str(f"step {training.progress.step:,} · {told} · {speed:,.0f} tokens/s")


def settle(training: Training) -> None:
    """Fetch what steps measured: a GPU, which would have to wait each time, is asked only where a line, score or
    checkpoint is due."""
    if not training.pending:
        return
    began = time.perf_counter()
    sums = torch.stack([each for each, _ in training.pending]).tolist()
    waited = time.perf_counter() - began
    processes, config = training.accelerator.num_processes, training.config
    for (total, hidden, places, families, found), (_, seconds) in zip(sums, training.pending, strict=True):
        measured = {"seconds": seconds + waited / len(sums)}
        if hidden:  # a small batch of windows that draw their own shares may hide nothing, and loses nothing then
            measured["train_bits_per_base"] = total / hidden / (config.k * math.log(2))
            training.progress = watched(training.progress, measured["train_bits_per_base"], config=config)
        if training.pairs:  # every process has the whole batch's
            measured |= {"train_contrast_nats": places / processes, "train_found_first": found / processes}
        if training.kin:
            measured["train_family_nats"] = families / processes
        training.window.append(measured)
    training.pending.clear()
    training.progress = dataclasses.replace(training.progress, seconds=training.progress.seconds + waited)


def place(training: Training) -> dict[str, Any]:
    """Where in the run a line of metrics stands."""
    progress = training.progress
    return {"step": progress.step, "tokens": progress.tokens, "seconds": round(progress.seconds, 3)}
