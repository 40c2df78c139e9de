"""What a model is made of; light, so that ``--help`` needs no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from dnabert.errors import UserError


@dataclass
class ModelConfig:
    """Size and kind of the body."""

    architecture: Literal["modernbert", "bert"] = "modernbert"
    """`modernbert`: pre-norm, rotary positions, no biases; `bert`: the original post-norm BERT."""
    hidden_size: int = 256
    """Width of the residual stream."""
    layers: int = 4
    """Number of transformer layers."""
    heads: int = 4
    """Attention heads; must divide the width."""
    intermediate_size: int = 512
    """Width inside the feed-forward part (ModernBERT's is gated and holds this width twice)."""
    dropout: float = 0.0
    """Dropout everywhere; 0 suits a single pass over a genome."""
    zero_output_projections: bool = True
    """Start each residual branch at zero, so that the model begins as a bag of words and learns context from there."""

    def __post_init__(self) -> None:
        if self.hidden_size % self.heads or (self.hidden_size // self.heads) % 2:
            raise UserError(
                f"--model.hidden-size {self.hidden_size} must be an even multiple of --model.heads {self.heads}: "
                f"pass --model.hidden-size {64 * self.heads}"
            )
        for name in ("hidden_size", "layers", "heads", "intermediate_size"):
            if getattr(self, name) < 1:
                raise UserError(f"--model.{name.replace('_', '-')} is {getattr(self, name)}, allowed is 1 or more")
        if not 0 <= self.dropout < 1:
            raise UserError(f"--model.dropout is {self.dropout}, allowed is 0 up to below 1")
