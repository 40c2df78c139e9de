"""Bits per base on frozen masks of the validation split."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
import torch
from accelerate import Accelerator
from numpy.typing import NDArray

from dnabert.models.objective import MaskedObjective
from dnabert.models.precision import wide_float
from dnabert.pretraining.floors import UNIQUE_SEQUENCE
from dnabert.pretraining.intervals import drawn_together, ratio
from dnabert.pretraining.sampling import Sampler

_BATCH = 128


@dataclass(frozen=True)
class Evaluation:
    """What a model predicts of hidden words, with a 95 % interval by stretch of the genome (`drawn_together`)."""

    bits_per_base: float
    low: float
    high: float
    masked_accuracy: float
    words: int
    bits_per_base_unique: float | None
    """On windows that are mostly unique sequence; None where there are none."""
    nats: NDArray[np.float64] = field(repr=False)
    """Of the hidden words of windows that are drawn together, (groups,)."""
    bases: NDArray[np.float64] = field(repr=False)
    """That these windows hide, (groups,)."""

    def metrics(self) -> dict[str, float | int | None]:
        """The columns of ``metrics.jsonl``."""
        return {
            "validation_bits_per_base": self.bits_per_base,
            "low": self.low,
            "high": self.high,
            "masked_accuracy": self.masked_accuracy,
            "validation_words": self.words,
            "validation_bits_per_base_unique": self.bits_per_base_unique,
        }


def evaluate(objective: MaskedObjective, sampler: Sampler, *, accelerator: Accelerator) -> Evaluation:
    """Score every window of ``sampler.view`` once: forward strand, first frame, masks that never change.

    The processes share the windows; each gets the same result. The model's mode is given back.
    """
    return _summary(window_sums(objective, sampler, accelerator=accelerator), sampler)


@torch.no_grad()
def window_sums(objective: MaskedObjective, sampler: Sampler, *, accelerator: Accelerator) -> NDArray[np.float64]:
    """Of every window of ``sampler.view``: nats of its hidden words, how many of them were named, and how many they
    are, (3, n).

    The processes share the windows; each gets the same result. The model's mode is given back.
    """
    was_training = objective.training
    objective.eval()
    windows = len(sampler.view)
    sums = torch.zeros(3, windows, dtype=torch.float64)
    for first in range(0, windows, accelerator.num_processes * _BATCH):
        rows = np.arange(windows)[first:][accelerator.process_index * _BATCH :][:_BATCH]
        if len(rows):
            sums[:, rows] = _score(objective, sampler, rows, accelerator)
        else:  # where weights are sharded the others need this process's part of them
            _score(objective, sampler, np.zeros(1, dtype=np.int64), accelerator)
    own = sums.to(accelerator.device, dtype=wide_float(accelerator.device))
    total = accelerator.reduce(own, reduction="sum").double().cpu()
    objective.train(was_training)
    return np.asarray(total.numpy())


def _score(objective: MaskedObjective, sampler: Sampler, rows: np.ndarray, accelerator: Accelerator) -> torch.Tensor:
    batch = sampler.frozen(rows)
    tensors = (
        torch.from_numpy(array).to(accelerator.device) for array in (batch.input_ids, batch.positions, batch.labels)
    )
    with accelerator.autocast():
        nats, hits, _ = objective(*tensors)
    weights = torch.from_numpy(batch.weights)
    return torch.stack([(nats.cpu() * weights).sum(1), (hits.cpu() * weights).sum(1), weights.sum(1)]).double()


def _summary(sums: np.ndarray, sampler: Sampler) -> Evaluation:
    nats, hits, words = sums
    hidden = words * sampler.tokenizer.k
    bases = hidden * math.log(2)
    group = drawn_together(sampler.view, np.arange(len(words)))
    by_group = [np.bincount(group, weights=values).astype(np.float64) for values in (nats, bases, hidden)]
    found = ratio(by_group[0], by_group[1])
    unique = sampler.view.column("soft_masked") < UNIQUE_SEQUENCE
    return Evaluation(
        bits_per_base=found.value,
        low=found.interval[0],
        high=found.interval[1],
        masked_accuracy=float(hits.sum() / words.sum()),
        words=int(words.sum()),
        bits_per_base_unique=float(nats[unique].sum() / bases[unique].sum()) if bases[unique].sum() > 0 else None,
        nats=by_group[0],
        bases=by_group[2],
    )
