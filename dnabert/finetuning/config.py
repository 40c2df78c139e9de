"""Everything that a fine-tuning is told; light, so that ``--help`` needs no torch."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from dnabert.config import check_types
from dnabert.errors import UserError
from dnabert.pretraining.config import check_threads


@dataclass
class TrainingConfig:
    """How a classifier is trained and scored."""

    epochs: int = 30
    """Most passes over the training sequences."""
    patience: int = 5
    """Passes without a better Matthews' correlation on dev after which training stops; the best state is kept, of equal
    ones that with the smaller loss on dev."""
    batch_size: int = 32
    """Sequences per optimiser step; one that is longer than a window counts once, however many tiles it has."""
    learning_rate: float = 5e-4
    """Peak of the schedule, for the body; AdamW."""
    head_learning_rate: float = 2e-3
    """The same for the head, which begins at random; of ModernBERT's only the last matrix does, the rest comes from
    pretraining."""
    weight_decay: float = 0.01
    """Decoupled weight decay of matrices."""
    clip_gradient: float = 1.0
    """Largest norm of the gradient; 0 leaves it alone."""
    warmup_steps: int = 50
    """Steps in which the learning rate rises from 0."""
    decay_share: float = 1.0
    """Last share of `epochs`, in which the learning rate falls to 0."""
    dropout: float = 0.1
    """Dropout in front of the head's last matrix."""
    freeze: bool = False
    """Train the head alone."""
    class_weights: Literal["none", "balanced"] = "none"
    """`balanced`: each class weighs alike in the loss, however rare; for labels of which some are. Probabilities are
    then those of classes equally frequent."""
    random_phase: bool = True
    """In training, leave out 0 to stride-1 bases at the beginning, the same number within a batch, anew in each."""
    random_strand: bool = False
    """In training, read on a random strand, and score the mean of both: for labels that do not depend on it."""

    seeds: list[int] = field(default_factory=lambda: [0, 1, 2])
    """One training each; all are told."""
    resamples: int = 500
    """Bootstrap resamples behind each interval."""
    precision: Literal["auto", "bf16", "fp32"] = "auto"
    """Of the steps; `auto`: bf16 where the hardware multiplies it fast, else fp32. Dev and test are scored in fp32."""
    threads: int | None = None
    """CPU threads; by default all cores where a launcher left one."""

    def __post_init__(self) -> None:
        check_types(self)
        for name in ("epochs", "patience", "batch_size", "resamples"):
            if getattr(self, name) < 1:
                raise UserError(f"--{name.replace('_', '-')} is {getattr(self, name)}, allowed is 1 or more")
        for name in ("learning_rate", "head_learning_rate"):
            if getattr(self, name) <= 0:
                raise UserError(f"--{name.replace('_', '-')} is {getattr(self, name)}, allowed is more than 0")
        for name in ("weight_decay", "clip_gradient", "warmup_steps"):
            if getattr(self, name) < 0:
                raise UserError(f"--{name.replace('_', '-')} is {getattr(self, name)}, allowed is 0 or more")
        if not 0 <= self.decay_share <= 1:
            raise UserError(f"--decay-share is {self.decay_share}, allowed is 0 to 1: pass --decay-share 1")
        check_threads(self.threads)
        if not self.seeds or len(set(self.seeds)) < len(self.seeds) or min(self.seeds) < 0:
            told = " ".join(map(str, self.seeds)) or "empty"
            raise UserError(f"--seeds is {told}, allowed is one or more different numbers from 0: pass --seeds 0")
        if not 0 <= self.dropout < 1:
            raise UserError(f"--dropout is {self.dropout}, allowed is 0 up to below 1: pass --dropout 0.1")


@dataclass
class FinetuneConfig(TrainingConfig):
    """A classifier of labelled sequences, from a pretrained run."""

    task: str | None = None
    """Folder with train, dev and test (CSV or TSV with the columns sequence and label, or FASTA), or one file to be
    split."""
    run: str = "default"
    """Run folder to start from, or `default`, the model that comes with the package."""
    out: str = "runs/finetune"
    """Folder to make; the model of the seed that is best on dev is kept there."""
    fresh: bool = False
    """Forget what was learned: the weights with which the run's pretraining began, drawn anew, as a baseline."""
    architecture: Literal["run", "modernbert", "bert", "convolution", "lstm"] = "run"
    """With `fresh`: another architecture of the run's words, width and number of layers."""
    overwrite: bool = False
    """Replace a fine-tuning that stands at `out`."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.architecture != "run" and not self.fresh:
            raise UserError(
                f"--architecture {self.architecture} has no pretrained weights here: "
                "add --fresh, or name a run of it by --run"
            )


@dataclass
class PredictConfig:
    """How new sequences are classified."""

    tile: bool = False
    """Cut each sequence into pieces of about a window's length and classify each; without, a sequence gets one answer,
    the mean over its pieces."""
    batch_size: int = 128
    """Pieces in one forward pass; changes speed and memory, not the answers."""
    precision: Literal["auto", "bf16", "fp32"] = "fp32"
    """fp32 gives the same on every machine, as transformers does; bf16 is faster where the hardware multiplies it fast
    (there `auto` takes it), and moves a probability by up to 0.1."""
    threads: int | None = None
    """CPU threads; by default all cores where a launcher left one."""

    def __post_init__(self) -> None:
        check_types(self)
        if self.batch_size < 1:
            raise UserError(f"--batch-size is {self.batch_size}, allowed is 1 or more")
        check_threads(self.threads)


@dataclass
class ClassifyConfig(TrainingConfig):
    """What fine-tuning brings on labelled tasks, beside what is cheaper."""

    tasks: list[str] = field(default_factory=list)
    """Folders or files of labelled sequences."""
    run: str = "default"
    """Run folder to fine-tune, or `default`, the model that comes with the package."""
    more_runs: list[str] = field(default_factory=list)
    """Further runs to fine-tune, such as a pretrained convolution."""
    architectures: list[Literal["modernbert", "bert", "convolution", "lstm"]] = field(
        default_factory=lambda: ["convolution"]
    )
    """Architectures of the run's words, width and number of layers that are trained from nothing, as `run`'s own is."""
    frozen: list[str] = field(default_factory=lambda: ["kmer:6"])
    """Encoders, as for `dnabert embed`, whose vectors a logistic regression reads."""
    out: str = "classifiers"
    """Folder to make: table.md, scores.tsv, differences.tsv, results.json."""
    overwrite: bool = False
    """Replace what stands at `out`."""
