"""The masked-LM objective with the vocabulary head at masked positions only.

At k = 7 the head over all positions costs more than the body of a small model; 15 % of it is enough.

Shapes: B windows, T tokens, M masked positions per window, D width, V vocabulary.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn import functional

if TYPE_CHECKING:
    from transformers import PreTrainedModel


class MaskedObjective(nn.Module):
    """Wraps a masked language model; its forward gives losses at the masked positions.

    One module, so that DistributedDataParallel, FSDP and ``torch.compile`` see one forward.
    """

    def __init__(self, model: PreTrainedModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, input_ids: Tensor, positions: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Losses and hits at the masked positions.

        Parameters
        ----------
        input_ids : int64 (B, T), no padding.
        positions : int64 (B, M), which tokens are asked for.
        labels : int64 (B, M), the true ids; what stands in unused places is up to the caller's weights.

        Returns
        -------
        nats : float32 (B, M), minus the log probability of the true word.
        hits : bool (B, M), whether the true word was the most probable.
        """
        logits_BMV = masked_logits(self.model, input_ids, positions).float()
        nats = functional.cross_entropy(logits_BMV.flatten(0, 1), labels.flatten(), reduction="none").view_as(labels)
        return nats, logits_BMV.detach().argmax(-1) == labels


def masked_logits(model: Any, input_ids: Tensor, positions: Tensor) -> Tensor:
    """Logits (B, M, V) of `positions` (int64 (B, M)) for `input_ids` (int64 (B, T), no padding)."""
    hidden_BTD = model.base_model(input_ids=input_ids).last_hidden_state
    picked_BMD = torch.take_along_dim(hidden_BTD, positions.unsqueeze(-1), dim=1)
    return model.cls(picked_BMD) if hasattr(model, "cls") else model.decoder(model.head(picked_BMD))
