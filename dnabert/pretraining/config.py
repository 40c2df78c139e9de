"""Everything that a pretraining is told; light, so that ``--help`` needs no torch."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Literal

from dnabert.config import check_types
from dnabert.errors import UserError
from dnabert.models.config import ModelConfig

#: Settings of `PretrainConfig` that count something there has to be.
_AT_LEAST_ONE = (
    "batch_size",
    "accumulation",
    "words_per_span",
    "evaluate_every",
    "evaluation_windows",
    "floor_windows",
    "checkpoint_every",
    "log_every",
    "keep_checkpoints",
)
#: Those that may be nothing.
_AT_LEAST_NOTHING = ("warmup_steps", "floor_order", "weight_decay", "clip_gradient", "soft_mask_weight")


@dataclass
class ContrastConfig:
    """Two views of each place find each other, beside (or after) the masked language model."""

    weight: float = 0.0
    """Weight of the contrastive loss (in nats) beside the masked language model's, which counts half then: its sum is
    divided by all the words that the batch would be asked for, and of the second views none is asked. 0: every window
    is read once."""
    temperature: float = 0.05
    """The smaller, the more the most similar other places count."""
    shift: int | None = None
    """Most bases between the starts of the two views; default half a window."""
    substitutions: float = 0.05
    """Most substitutions per base of the second view, each place's rate drawn from 0 on; great apes differ by 0.01 to
    0.04."""
    indels: float = 0.005
    """The same for insertions and deletions."""
    families: float = 0.0
    """Share of a vector's dimensions that learn families instead of places (a third: 0.33). There the other half of a
    place may be a relative (a window elsewhere in its genome that shares words of 11 bases with it) or, where it has
    none, an old copy of itself, and relatives are no negatives. Half of the places are read so; the other dimensions
    learn from the rest. At most 30,000 windows of a genome are compared, so of whole genomes few have relatives that
    are known. 0: all learn places."""

    def __post_init__(self) -> None:
        check_types(self)
        if self.weight < 0:
            raise UserError(f"--contrast.weight is {self.weight}, allowed is 0 or more")
        if self.temperature <= 0:
            raise UserError(
                f"--contrast.temperature is {self.temperature}, "
                "allowed is more than 0: pass --contrast.temperature 0.05"
            )
        if self.shift is not None and self.shift < 0:
            raise UserError(f"--contrast.shift is {self.shift}, allowed is 0 or more")
        if not 0 <= self.families <= 0.9:
            raise UserError(
                f"--contrast.families is {self.families}, allowed is 0 to 0.9: pass --contrast.families 0.33"
            )
        if self.families and not self.weight:
            raise UserError(
                f"--contrast.families is {self.families}, which does nothing without --contrast.weight: pass "
                "--contrast.weight 1, or leave it out"
            )
        for name in ("substitutions", "indels"):
            if not 0 <= getattr(self, name) <= 0.5:
                raise UserError(f"--contrast.{name} is {getattr(self, name)}, allowed is 0 to 0.5")


@dataclass
class PretrainConfig:
    """A masked-LM pretraining, from a prepared corpus to a run folder."""

    corpus: str | None = None
    """Folder made by `dnabert prepare`; without it the embedded demo corpus is prepared and used."""
    out: str = "runs/pretrain"
    """The run folder to make."""
    k: int = 7
    """Bases per word, 1 to 8."""
    stride: int | None = None
    """Bases from one word to the next, 1 (overlapping) to k (side by side); by default k."""
    model: ModelConfig = field(default_factory=ModelConfig)
    """The model."""
    initial: str | None = None
    """A run whose weights are the start, or `default`, the packaged model; k, stride and the model's sizes are then its
    own where they are left at their defaults. By default fresh weights."""

    batch_size: int = 64
    """Windows per optimiser step, over all processes and accumulated parts together."""
    accumulation: int = 1
    """Parts that each process cuts its share of a batch into, to save memory."""
    steps: int | None = None
    """Budget in optimiser steps."""
    tokens: int | None = None
    """Budget in tokens read."""
    minutes: float | None = None
    """Budget in minutes of training, evaluation not counted. The first budget to be spent ends the run."""

    optimizer: Literal["muon", "adamw"] = "muon"
    """`muon`: Muon for the matrices inside the layers and AdamW for the rest; `adamw`: AdamW for all."""
    learning_rate: float = 4e-3
    """Peak of the schedule, for the matrices inside the layers."""
    embedding_learning_rate: float = 4e-4
    """The same for the rest (word vectors, head, norms), with AdamW: at the layers' rate a word's vector, which one
    batch sees once, would be mostly noise."""
    weight_decay: float = 0.01
    """Decoupled weight decay of matrices; norms and biases have none."""
    warmup_steps: int = 100
    """Steps in which the learning rate rises from 0."""
    decay_share: float = 0.4
    """Last share of the budget, in which the learning rate falls to 0."""
    clip_gradient: float = 1.0
    """Largest norm of the gradient; 0 leaves it alone."""

    mask_share: float = 0.15
    """Share of the bases of a window that is hidden and asked for: the same number of words in every window."""
    least_mask_share: float | None = None
    """Each window hides a share of its own instead, drawn evenly from this (0: nothing) to `mask_share`."""
    words_per_span: int = 1
    """Words side by side that are hidden together: a span is this times k bases long."""
    hide: Literal["touching", "asked"] = "touching"
    """`touching`: mask every word that touches a hidden base; `asked`: only the words asked for, as the usual collators
    do, which is refused where words overlap, since their neighbours spell them out."""
    random_phase: bool = True
    """Shift each window by 0 to stride-1 bases, anew in each epoch, so that no frame is preferred."""
    random_strand: bool = True
    """Read each window on a random strand, anew in each epoch."""
    soft_mask_weight: float = 1.0
    """Weight of lower-case (repeat) bases in the training loss; evaluation always counts all bases alike."""

    contrast: ContrastConfig = field(default_factory=ContrastConfig)
    """Contrastive training of the vectors, for neighbours; takes two views of half as many windows per step."""

    evaluate_every: int = 200
    """Optimiser steps between evaluations."""
    evaluation_windows: int = 1000
    """Windows of the validation split, evenly spread, that are evaluated; always the same, with the same masks."""
    evaluation_genome: str | None = None
    """Evaluate on this genome's windows only, e.g. human; all genomes by default."""
    evaluation_mask_share: float = 0.15
    """The same as `mask_share` in evaluation, in spans of one word: what recipes are compared by does not change with
    them."""
    floor_order: int = 12
    """Highest order, 0 to 16, of the Markov models on the same split, whose bits per base stand beside the curve. To 12
    they are also read from both sides, as the model reads."""
    floor_windows: int = 1_000_000
    """Most training windows, evenly spread, that these models count: 4 to 6 Mb a second, so that five whole genomes
    would take an hour."""

    checkpoint_every: int = 500
    """Optimiser steps between checkpoints."""
    keep_checkpoints: int = 2
    """Newest checkpoints that stay."""
    resume: Literal["never", "auto"] = "never"
    """`auto`: go on from the newest whole checkpoint of `out`, or start where there is none; of the same run finished
    there is nothing left to do."""
    overwrite: bool = False
    """Replace an existing run at `out`. It stays beside it until the new one has a checkpoint, and comes back where
    that ends before."""

    precision: Literal["auto", "bf16", "fp32"] = "auto"
    """`auto`: bf16 where the hardware multiplies it fast (CUDA, CPUs with AMX or AVX512-BF16), else fp32."""
    threads: int | None = None
    """CPU threads of each process; by default the machine's cores shared among its processes (`accelerate launch` would
    give one)."""
    compile: bool = False
    """Have torch.compile fuse each layer (on a CPU it needs a C++ compiler); layers of one kind are compiled once, in
    seconds."""
    seed: int = 0
    """Determines weights, order, masks, phases and strands."""
    tracker: Literal["wandb", "none"] = "wandb"
    """Weights & Biases (offline without a login) or nothing; metrics.jsonl is written either way."""
    project: str = "dnabert"
    """Project in Weights & Biases."""
    log_every: int = 10
    """Optimiser steps between lines of metrics.jsonl."""

    def __post_init__(self) -> None:
        check_types(self)
        for name in _AT_LEAST_ONE:
            self._check_at_least(name, 1)
        for name in _AT_LEAST_NOTHING:
            self._check_at_least(name, 0)
        check_threads(self.threads)
        self._settle_budget()
        self._check_words()
        self._check_masking()
        self._check_schedule()
        if self.contrast.weight:
            self._check_two_views()
        if self.floor_order > 16:
            raise UserError(f"--floor-order is {self.floor_order}, allowed is 0 to 16: pass --floor-order 12")

    def _settle_budget(self) -> None:
        for name in ("steps", "tokens", "minutes"):
            if getattr(self, name) is not None and getattr(self, name) <= 0:
                raise UserError(f"--{name} is {getattr(self, name)}, allowed is more than 0")
        if self.steps is None and self.tokens is None and self.minutes is None:
            self.minutes = 5.0

    def _check_words(self) -> None:
        if not 1 <= self.k <= 8:
            raise UserError(f"--k is {self.k}, allowed is 1 to 8: pass --k 7")
        largest_stride = self.k if self.initial is None else 8  # the k of an initial run is not yet known
        if self.stride is not None and not 1 <= self.stride <= largest_stride:
            raise UserError(
                f"--stride is {self.stride}, allowed is 1 to {self.k}, the word length --k: pass --stride {self.k}"
            )

    def _check_masking(self) -> None:
        for name in ("mask_share", "evaluation_mask_share"):
            if not 0 < getattr(self, name) < 1:
                flag = _flag(name)
                raise UserError(f"{flag} is {getattr(self, name)}, allowed is between 0 and 1: pass {flag} 0.15")
        if self.least_mask_share is not None and not 0 <= self.least_mask_share <= self.mask_share:
            raise UserError(
                f"--least-mask-share is {self.least_mask_share}, allowed is 0 to --mask-share, which is "
                f"{self.mask_share}: pass 0"
            )

    def _check_schedule(self) -> None:
        if not 0 <= self.decay_share <= 1:
            raise UserError(f"--decay-share is {self.decay_share}, allowed is 0 to 1: pass --decay-share 0.4")
        for name, usual in (("learning_rate", "4e-3"), ("embedding_learning_rate", "4e-4")):
            if getattr(self, name) <= 0:
                flag = _flag(name)
                raise UserError(f"{flag} is {getattr(self, name)}, allowed is more than 0: pass {flag} {usual}")

    def _check_two_views(self) -> None:
        if self.batch_size % 2 or self.batch_size < 4:
            raise UserError(
                f"--batch-size is {self.batch_size}, which does not make two views of several places: pass an even one"
            )
        if self.accumulation > 1:
            raise UserError(
                "--contrast.weight compares all windows of a batch with each other, --accumulation parts them: pass 1"
            )
        if not self.random_phase:
            raise UserError(
                "--no-random-phase has no meaning beside --contrast.weight, "
                "whose views are moved: leave it out, see --contrast.shift"
            )

    def _check_at_least(self, name: str, least: int) -> None:
        value = getattr(self, name)
        if value < least:
            raise UserError(f"{_flag(name)} is {value}, allowed is {least} or more")


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def check_threads(threads: int | None) -> None:
    """Raise `UserError` for a number of CPU threads that no machine like this one computes with; None is the usual
    number."""
    most = 4 * (os.cpu_count() or 1)
    if threads is not None and threads < 1:
        raise UserError(f"--threads is {threads}, allowed is 1 or more")
    if threads is not None and threads > most:
        raise UserError(f"--threads is {threads}, allowed is at most {most}, four for each core: leave it out")
