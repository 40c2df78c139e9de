"""Masked batches and nothing else, beside transformers' collator over a torch DataLoader."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from benchmarks.contest import Contender, Contest
from benchmarks.model import simulated_sampler
from dnabert.errors import UserError

if TYPE_CHECKING:
    from dnabert.pretraining.contrast import PairSampler
    from dnabert.pretraining.sampling import Sampler


@dataclass
class DataBenchmark:
    """Masked batches and nothing else: ours beside transformers' collator over a torch DataLoader."""

    k: int = 6
    """Bases of a word."""
    length: int = 448
    """Bases of a window."""
    batch_size: int = 512
    """Windows of a step."""
    steps: int = 40
    """Steps of one turn."""
    threads: int = field(default_factory=lambda: min(8, os.cpu_count() or 1))
    """Threads of ours, and worker processes of the peer, where there are several."""
    repeats: int = 5
    """Turns that count."""
    seed: int = 0
    """Of the data."""

    def __post_init__(self) -> None:
        if self.batch_size % 2:
            raise UserError(
                f"--batch-size is {self.batch_size}, which does not make two views of each place: pass an even one"
            )


def data(config: DataBenchmark, *, scratch: Path) -> list[Contest]:
    """Compare our batches, and our pairs of views, with the collator's on windows that are ids already."""
    from dnabert.pretraining.config import ContrastConfig
    from dnabert.pretraining.contrast import PairSampler

    sampler = simulated_sampler(
        k=config.k, length=config.length, batch_size=config.batch_size, seed=config.seed, scratch=scratch
    )
    pairs = PairSampler(sampler, ContrastConfig(weight=1.0))
    tokens = config.steps * config.batch_size * sampler.tokens_per_window / 1e6
    threads = sorted({1, config.threads})
    workers = [0] if config.threads == 1 else [config.threads, 0]
    contenders = [
        Contender(f"dnabert{name}, {n} thread{'s' * (n > 1)}", tokens, _our_batches(config, source, threads=n))
        for name, source in (("", sampler), (", two views", pairs))
        for n in threads
    ]
    contenders += [
        Contender(f"collator, num_workers={n}", tokens, _collated(config, sampler, workers=n)) for n in workers
    ]
    title = f"masked batches of {config.batch_size} x {sampler.tokens_per_window} tokens, k {config.k}"
    return [Contest(title, "M tokens", tuple(contenders))]


def _our_batches(config: DataBenchmark, source: Sampler | PairSampler, *, threads: int) -> Callable[[], None]:
    """The batches of the training loop as it takes them, from FASTA's bases on: in order, made by threads."""
    from dnabert.pretraining.prefetch import Prefetcher

    def run() -> None:
        with Prefetcher(source.batch, stop=config.steps, threads=threads) as batches:
            for _ in batches:
                pass

    return run


def _collated(config: DataBenchmark, sampler: Sampler, *, workers: int) -> Callable[[], None]:
    """`DataCollatorForLanguageModeling` over a shuffled DataLoader of ids: no frames, no strands, words drawn one by
    one."""
    import torch
    import transformers

    ids = sampler.view.input_ids(np.arange(len(sampler.view)), tokenizer=sampler.tokenizer)
    rows = [{"input_ids": row.tolist()} for row in ids]
    collator = transformers.DataCollatorForLanguageModeling(sampler.tokenizer, mlm_probability=0.15)
    drawn = torch.utils.data.RandomSampler(rows, replacement=True, num_samples=config.steps * config.batch_size)
    loader: torch.utils.data.DataLoader[Any] = torch.utils.data.DataLoader(
        cast("torch.utils.data.Dataset[Any]", rows),
        batch_size=config.batch_size,
        sampler=drawn,
        collate_fn=collator,
        num_workers=workers,
    )

    def run() -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 on: workers fork beside torch's threads
            for _ in loader:
                pass

    return run
