"""Everything that a fine-tuning is told; light, so that ``--help`` needs no torch."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from dnabert.errors import UserError


@dataclass
class FinetuneConfig:
    """A classifier of labelled sequences, from a pretrained run."""

    task: str | None = None
    """Folder with train, dev and test (CSV or TSV with the columns sequence and label, or FASTA), or one file to be split."""
    run: str = "default"
    """Run folder to start from, or `default`, the model that comes with the package."""
    out: str = "runs/finetune"
    """Folder to make."""
    fresh: bool = False
    """Forget the pretrained weights: the same architecture from random ones, as a baseline."""
    freeze: bool = False
    """Train the head alone."""

    epochs: int = 30
    """Most passes over the training sequences."""
    patience: int = 5
    """Passes without a better Matthews' correlation on dev after which training stops; the best state is kept."""
    batch_size: int = 32
    """Sequences per optimiser step."""
    learning_rate: float = 5e-4
    """Peak of the schedule, for the body; AdamW."""
    head_learning_rate: float = 2e-3
    """The same for the head, which begins at random."""
    weight_decay: float = 0.01
    """Decoupled weight decay of matrices."""
    warmup_steps: int = 50
    """Steps in which the learning rate rises from 0."""
    decay_share: float = 1.0
    """Last share of `epochs`, in which the learning rate falls to 0."""
    dropout: float = 0.1
    """Dropout in front of the head's last matrix (ModernBERT and BERT)."""
    random_phase: bool = True
    """In training, leave out 0 to stride-1 bases at the beginning, anew in each epoch."""
    random_strand: bool = False
    """In training, read on a random strand: for labels that do not depend on it."""

    seeds: list[int] = field(default_factory=lambda: [0, 1, 2])
    """One training each; the model of the best on dev is kept, and all are told."""
    resamples: int = 500
    """Bootstrap resamples behind each interval."""
    precision: Literal["auto", "bf16", "fp32"] = "auto"
    """`auto`: bf16 where the hardware multiplies it fast, else fp32."""
    threads: int | None = None
    """CPU threads; by default all cores where a launcher left one."""
    overwrite: bool = False
    """Replace a fine-tuning that stands at `out`."""

    def __post_init__(self) -> None:
        for name in ("epochs", "patience", "batch_size", "resamples"):
            if getattr(self, name) < 1:
                raise UserError(f"--{name.replace('_', '-')} is {getattr(self, name)}, allowed is 1 or more")
        for name in ("learning_rate", "head_learning_rate"):
            if getattr(self, name) <= 0:
                raise UserError(f"--{name.replace('_', '-')} is {getattr(self, name)}, allowed is more than 0")
        if not self.seeds:
            raise UserError("--seeds is empty, allowed is one or more numbers: pass --seeds 0")
        if not 0 <= self.dropout < 1:
            raise UserError(f"--dropout is {self.dropout}, allowed is 0 up to below 1: pass --dropout 0.1")
