"""One training of a classifier: its batches, its steps, its best state on dev."""

from __future__ import annotations

import copy
import math
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator
from numpy.typing import NDArray
from torch import Tensor
from tqdm import tqdm

from dnabert.encoders.processes import process_state
from dnabert.errors import UserError
from dnabert.finetuning.classifier import Start, build_classifier
from dnabert.finetuning.config import PredictConfig, TrainingConfig
from dnabert.finetuning.probabilities import logits_of, probabilities, ready
from dnabert.finetuning.reading import LabelledReader, Tiles
from dnabert.models.precision import accelerator_in
from dnabert.pretraining.hashing import hashed
from dnabert.pretraining.optimizer import build_adamw, decay_groups, learning_rate, set_learning_rate, update
from dnabert.pretraining.prefetch import Prefetcher
from dnabert.pretraining.threads import set_cpu_threads
from dnabert.probes import Task, score
from dnabert.probes.scores import log_loss
from dnabert.progress import on_a_terminal

#: Tokens in a forward pass of training, a dozen times those of 32 windows: of the packaged model their activations take
#: 4 GB.
_AT_ONCE = 1 << 15


@dataclass
class Trained:
    """One seed's training.

    Attributes
    ----------
    seed, epoch : the seed, and the epoch (from 1) that was best on dev.
    dev_mcc, dev_loss : Matthews' correlation there, and the loss (nats, each sequence alike), by which equal ones are
        told apart.
    state : weights of that epoch.
    curve : ``seed``, ``epoch``, ``loss``, ``dev_mcc`` and ``dev_loss`` of every epoch.
    test : float (n, classes), probabilities of the test sequences.
    """

    seed: int
    epoch: int
    dev_mcc: float
    dev_loss: float
    state: dict[str, Tensor]
    curve: list[dict[str, float]]
    test: NDArray[np.float64]


@dataclass(frozen=True)
class _Training:
    """What the steps of one training share."""

    model: Any
    config: TrainingConfig
    accelerator: Accelerator
    optimizers: list[torch.optim.Optimizer]
    class_weights: Tensor | None
    seed: int
    name: str


def build_accelerator(config: TrainingConfig | PredictConfig) -> Accelerator:
    """This one process, with the precision and threads that are asked for.

    Raises
    ------
    UserError
        when several processes were launched: labelled sets are small.
    """
    state = process_state()
    if state.num_processes > 1:
        raise UserError("fine-tuning runs in one process: launch it with --num_processes 1")
    if state.device.type == "cpu":
        set_cpu_threads(config.threads, processes=1)
    return accelerator_in(config.precision, device=state.device)


def train(
    task: Task, start: Start, *, config: TrainingConfig, accelerator: Accelerator, name: str = ""
) -> Iterator[Trained]:
    """Train a classifier with each of the config's seeds, with early stopping on dev, and let it predict test.

    Parameters
    ----------
    task : labelled sequences.
    start : weights or architecture to begin with.
    config : how.
    accelerator : of `build_accelerator`.
    name : put in front of the lines that are told.

    Raises
    ------
    UserError
        when a sequence is shorter than a word, or the loss is no longer a number.
    """
    for part in ("train", "dev", "test"):
        shortest = min(len(sequence) for sequence in getattr(task, part).sequences)
        if shortest < start.tokenizer.k:
            raise UserError(
                f"{task.name}: {part} has a sequence of {shortest} bases, "
                f"shorter than a word of {start.tokenizer.k}: remove it"
            )
    read = {
        part: LabelledReader(getattr(task, part), start.tokenizer, most_words=start.most_words)
        for part in ("train", "dev", "test")
    }
    for seed in config.seeds:
        model = build_classifier(start, task.classes, dropout=config.dropout, seed=seed).to(accelerator.device)
        optimizers = [_optimizer(model, config)]
        weights = _class_weights(task, config, device=accelerator.device)
        training = _Training(model, config, accelerator, optimizers, weights, seed, name)
        with torch.random.fork_rng():
            torch.manual_seed(seed)  # dropout
            trained = _fit(training, read)
        model.load_state_dict(trained.state)
        trained.test = _probabilities(training, read["test"])
        yield trained


def _probabilities(training: _Training, reader: LabelledReader) -> NDArray[np.float64]:
    return probabilities(
        training.model,
        reader,
        batch_size=4 * training.config.batch_size,
        both_strands=training.config.random_strand,
        accelerator=training.accelerator,
    )


def _fit(training: _Training, read: dict[str, LabelledReader]) -> Trained:
    """Train with early stopping on dev; the best state comes back, the model is left at its last."""
    config = training.config
    per_epoch = -(-len(read["train"]) // config.batch_size)
    if training.seed == config.seeds[0] and (total := per_epoch * config.epochs) <= config.warmup_steps:
        print(
            f"--warmup-steps {config.warmup_steps} of {total} steps in all: the learning rate never reaches what was "
            f"asked for; pass --warmup-steps {total // 4}",
            file=sys.stderr,
        )
    best = Trained(training.seed, epoch=0, dev_mcc=-2.0, dev_loss=math.inf, state={}, curve=[], test=np.empty(0))
    last_better = 0
    for epoch in range(1, config.epochs + 1):
        loss = _epoch(training, read["train"], epoch=epoch, steps=per_epoch)
        predicted = _probabilities(training, read["dev"])
        dev = score(read["dev"].labels, predicted, resamples=0)["mcc"].value
        dev_loss = log_loss(read["dev"].labels, predicted)
        best.curve.append({"seed": training.seed, "epoch": epoch, "loss": loss, "dev_mcc": dev, "dev_loss": dev_loss})
        told = f"{training.name}seed {training.seed}, epoch {epoch} of {config.epochs}"
        print(f"{told}: loss {loss:.4f}, dev MCC {dev:.3f}", file=sys.stderr)
        if dev > best.dev_mcc:
            last_better = epoch
        if (dev, -dev_loss) > (best.dev_mcc, -best.dev_loss):
            best.epoch = epoch
            best.dev_mcc = dev
            best.dev_loss = dev_loss
            best.state = copy.deepcopy(training.model.state_dict())
        if epoch - last_better >= config.patience:
            break
    return best


def _epoch(training: _Training, reader: LabelledReader, *, epoch: int, steps: int) -> float:
    """One pass; its mean loss, which only now is waited for: a step that asked for it would stop a GPU."""
    training.model.train()
    losses = []
    with Prefetcher(_batches(reader, training, epoch=epoch), stop=steps) as batches:
        for number, tiles in enumerate(tqdm(batches, total=steps, unit=" batches", leave=False, **on_a_terminal())):
            step = (epoch - 1) * steps + number
            rate = learning_rate(training.config, step=step, progress=step / (steps * training.config.epochs))
            set_learning_rate(training.optimizers, rate)
            losses.append(_step(training, tiles))
    mean = torch.stack(losses).mean().item()
    if not math.isfinite(mean):
        raise UserError(
            f"the loss is {mean}: begin again with a lower --learning-rate (now {training.config.learning_rate})"
        )
    return mean


def _step(training: _Training, tiles: Tiles) -> Tensor:
    tiles = tiles.to(training.accelerator.device)
    logits = logits_of(training.model, tiles, training.accelerator, most=max(1, _AT_ONCE // tiles.input_ids.shape[1]))
    loss = _loss(training, logits, tiles.labels)
    training.accelerator.backward(loss)
    update(training.model, training.optimizers, clip_gradient=training.config.clip_gradient)
    return loss.detach()


def _loss(training: _Training, logits: Tensor, labels: Tensor) -> Tensor:
    """The plain mean of the weighted losses: divided by a batch's own weights, as torch does it, a rare class would
    count less."""
    return torch.nn.functional.cross_entropy(logits, labels, weight=training.class_weights, reduction="none").mean()


def _batches(reader: LabelledReader, training: _Training, *, epoch: int) -> Callable[[int], Tiles]:
    """From a batch's number to its tokens, a function of (seed, epoch)."""
    config, seed = training.config, training.seed
    order = np.random.default_rng((seed, epoch)).permutation(len(reader))

    def batch(number: int) -> Tiles:
        rows = order[number * config.batch_size : (number + 1) * config.batch_size]
        # one frame for all: sequences of one length then need no padding, whose mask costs time
        shift = int(hashed(seed, 7, epoch, number)) % reader.stride if config.random_phase else 0
        reverse = (hashed(seed, 8, epoch, rows) >> np.uint64(63)).astype(bool) & config.random_strand
        return ready(reader.batch(rows, shift=shift, reverse=reverse), training.accelerator)

    return batch


def _optimizer(model: Any, config: TrainingConfig) -> torch.optim.Optimizer:
    """AdamW over body and head; BERT's pooler, which no masked language model has trained, is of the head."""
    body = {id(parameter) for name, parameter in model.base_model.named_parameters() if not name.startswith("pooler.")}
    of_body = [parameter for parameter in model.parameters() if id(parameter) in body]
    of_head = [parameter for parameter in model.parameters() if id(parameter) not in body]
    groups = decay_groups(
        of_head, weight_decay=config.weight_decay, scale=config.head_learning_rate / config.learning_rate
    )
    if config.freeze:
        for parameter in of_body:
            parameter.requires_grad_(False)
    else:
        groups += decay_groups(of_body, weight_decay=config.weight_decay)
    return build_adamw(groups, learning_rate=config.learning_rate)


def _class_weights(task: Task, config: TrainingConfig, *, device: torch.device) -> Tensor | None:
    """Weights (classes,) that give every class of train the same part in the loss, with mean 1 over the sequences."""
    if config.class_weights == "none":
        return None
    counts = np.bincount(task.train.labels, minlength=len(task.classes))
    weights = len(task.train.labels) / (np.count_nonzero(counts) * np.maximum(counts, 1))
    return torch.tensor(weights, dtype=torch.float32, device=device)
