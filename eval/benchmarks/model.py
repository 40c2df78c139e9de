"""What the benchmarks of a model share."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from dnabert.models.config import ModelConfig

if TYPE_CHECKING:
    from dnabert.pretraining.sampling import Sampler


def _training_bert() -> ModelConfig:
    return ModelConfig(architecture="bert", intermediate_size=1024)


@dataclass
class ModelBenchmark:
    """What the benchmarks of a model share."""

    k: int = 6
    """Bases of a word."""
    model: ModelConfig = field(default_factory=_training_bert)
    """The model, with fresh weights; the peer has the same."""
    length: int = 448
    """Bases of a window."""
    repeats: int = 5
    """Turns that count."""
    seed: int = 0
    """Of data and weights."""


def simulated_sampler(*, k: int, length: int, batch_size: int, seed: int, scratch: Path) -> Sampler:
    """Masked batches of windows of a simulated sequence of 4 Mb."""
    from dnabert.corpus import config_from_fasta, prepare
    from dnabert.corpus.simulate import simulate_fasta
    from dnabert.pretraining.sampling import Sampler
    from dnabert.tokenizer import KmerTokenizer

    fasta = simulate_fasta(scratch / "simulated.fa", length=4_000_000, seed=seed)
    settings = config_from_fasta(fasta)
    settings.window.length = length
    view = prepare(settings, out=scratch / "corpus").view("train")
    return Sampler(view, KmerTokenizer(k=k), batch_size=batch_size, seed=seed, mask_share=0.15)
