"""What a model is made of; light, so that ``--help`` needs no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from dnabert.config import check_types
from dnabert.errors import UserError


@dataclass
class ModelConfig:
    """Size and kind of the body."""

    architecture: Literal["modernbert", "bert", "convolution", "lstm"] = "modernbert"
    """`modernbert`: pre-norm, rotary positions, no biases; `bert`: the original post-norm BERT; `convolution`: dilated
    and residual, as GPN's; `lstm`: bidirectional, in residual layers."""
    hidden_size: int = 256
    """Width of the residual stream."""
    layers: int = 4
    """Number of transformer layers."""
    heads: int = 4
    """Attention heads; must divide the width. Transformers only."""
    intermediate_size: int = 512
    """Width inside the feed-forward part (ModernBERT's is gated and holds this width twice)."""
    kernel_size: int = 5
    """Words that one layer of the convolution reads, an odd number; 5 gives it about as many weights as ModernBERT's
    layer."""
    dropout: float = 0.0
    """Dropout everywhere; 0 suits a single pass over a genome."""
    zero_output_projections: bool = True
    """Start each residual branch at zero, so that the model begins as a bag of words and learns context from there."""
    composed_words: float = 0.9
    """Share of a word's first vector (its variance) that it has in common with words of the same bases at the same
    places; 0 draws every word alone, as BERT does, and leaves the model to find out that AACGTA and AACGTG differ in
    one base."""

    def __post_init__(self) -> None:
        check_types(self)
        for name in ("hidden_size", "layers", "heads", "intermediate_size", "kernel_size"):
            if getattr(self, name) < 1:
                raise UserError(f"--model.{name.replace('_', '-')} is {getattr(self, name)}, allowed is 1 or more")
        attends = self.architecture in ("modernbert", "bert")
        if attends and (self.hidden_size % self.heads or (self.hidden_size // self.heads) % 2):
            raise UserError(
                f"--model.hidden-size {self.hidden_size} must be an even multiple of --model.heads {self.heads}: "
                f"pass --model.hidden-size {64 * self.heads}"
            )
        if self.kernel_size % 2 == 0:
            raise UserError(
                f"--model.kernel-size is {self.kernel_size}, allowed is an odd number: pass --model.kernel-size 5"
            )
        if not 0 <= self.composed_words <= 1:
            raise UserError(
                f"--model.composed-words is {self.composed_words}, allowed is 0 to 1: pass --model.composed-words 0.9"
            )
        if not 0 <= self.dropout < 1:
            raise UserError(f"--model.dropout is {self.dropout}, allowed is 0 up to below 1")
