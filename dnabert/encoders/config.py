"""How sequences become vectors; light, so that ``--help`` needs no torch."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from dnabert.config import check_types
from dnabert.errors import UserError

#: Kinds of device that torch knows by name; whether this machine has it is asked by those who compute there.
_DEVICE = re.compile(r"auto|(cpu|cuda|mps|xpu|hpu|npu|mlu|musa)(:\d+)?")


@dataclass
class EmbedConfig:
    """What is read, how, and what becomes of the model's states.

    `pooling`, `layer`, `phases` and `word_length` concern models; k-mer counts have no layers and read every frame.
    """

    pooling: Literal["mean", "cls", "max"] = "mean"
    """Mean or maximum over the words (never over [CLS], [SEP], [PAD]), or the state of [CLS]; a codebook counts states
    instead."""
    layer: int = -1
    """Hidden layer: 0 = embeddings, 1 = after the first layer, …; negative counts from the end."""
    phases: int = 1
    """Mean over this many frames of the words, spread evenly over the stride; 1 reads frame 0 alone, 3 meet every codon
    position (2, at a stride of 6 or 7, do not: they are three bases apart)."""
    both_strands: bool = False
    """Mean with the reverse complement."""
    whiten: float = 0.0
    """Power to which principal axes are divided by their standard deviation, fitted on a sample of what is embedded: 0
    leaves the vectors as they are, 1 makes all axes alike."""
    word_length: int = 7
    """Letters per word for bert and bert:…, which read words parted by spaces; runs and dna:… know their own."""
    batch_size: int = 64
    """Pieces in one forward pass, of python:… sequences at once; changes speed and memory, not the vectors."""
    precision: Literal["auto", "bf16", "fp32"] = "auto"
    """Of a model's arithmetic. `auto`: bf16 where the hardware multiplies it fast, which moves a vector by about a
    hundredth (a codebook's, some states of which are nearest to other codes then, by up to a tenth)."""
    strand: Literal["forward", "random"] = "forward"
    """`random`: read each sequence on a strand drawn from the seed and its row; recorded in the column `strand`."""
    shuffle: bool = False
    """Shuffle each sequence, keeping its dinucleotides: what is still found there is composition, not order."""
    splits: list[str] | None = None
    """Only windows of these splits of the corpus (train, validation, test); default all."""
    genomes: list[str] | None = None
    """Only windows of these genomes of the corpus; default all."""
    sample: int | None = None
    """Only this many sequences, drawn from the seed; default all."""
    seed: int = 0
    """Of the sample, of random strands and of random initialisation."""
    device: str = "auto"
    """`auto` (an accelerator where there is one), `cpu`, `cuda`, `cuda:1`, `mps`."""

    def __post_init__(self) -> None:
        check_types(self)
        if not _DEVICE.fullmatch(self.device):
            raise UserError(f"--device is {self.device}, which is no kind of device: pass --device auto")
        for name in ("phases", "batch_size", "word_length", "sample"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise UserError(f"--{name.replace('_', '-')} is {value}, allowed is 1 or more")
        if not 0 <= self.whiten <= 1:
            raise UserError(f"--whiten is {self.whiten}, allowed is 0 to 1: pass --whiten 0.75")
