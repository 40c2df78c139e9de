"""The masked-LM objective with the vocabulary head, and what it alone asks the last layer for, at masked positions
only.

At k = 7 the head over all positions costs more than the body of a small model; 15 % of it is enough. What follows
attention in the last layer is two thirds of that layer, and where nobody wants the windows' vectors 15 % of it, too.

Shapes: B windows, T tokens, M masked positions per window, D width, V vocabulary.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from dnabert.models import fused
from dnabert.models.lean import is_lean, lean_states
from dnabert.tokenizer import NOT_ASKED

if TYPE_CHECKING:
    from transformers import PreTrainedModel


class MaskedObjective(nn.Module):
    """Wraps a masked language model; its forward gives losses at the masked positions.

    One module, so that DistributedDataParallel, FSDP and ``torch.compile`` see one forward.
    """

    def __init__(self, model: PreTrainedModel) -> None:
        super().__init__()
        self.model = model

    def forward(
        self, input_ids: Tensor, positions: Tensor, labels: Tensor, *, with_vectors: bool = False
    ) -> tuple[Tensor, Tensor | None, Tensor | None]:
        """Losses and hits at the masked positions, and if asked for the windows' vectors.

        Parameters
        ----------
        input_ids : int64 (B, T), no padding, [CLS] first and [SEP] last.
        positions : int64 (B, M), which tokens are asked for.
        labels : int64 (B, M), the true ids, or `NOT_ASKED`: there is neither loss nor gradient, and a CPU leaves the
            head out.
        with_vectors : they want the last states of all tokens.

        Returns
        -------
        nats : float32 (B, M), minus the log probability of the true word; 0 where none is asked for.
        hits : bool (B, M), whether the true word was the most probable; None in training, which does not ask.
        vectors : float32 (B, D), mean over the words of the last layer, as an encoder pools them; None where they are
            not wanted.
        """
        labels_N = labels.flatten()
        asked_N = labels_N != NOT_ASKED
        whole = _wants_static_shapes(labels.device) or bool(asked_N.all())
        chosen = slice(None) if whole else asked_N.nonzero().squeeze(1)
        places = places_of(positions, tokens=input_ids.shape[1])[chosen]
        if with_vectors:
            hidden_BTD = last_states(self.model.base_model, input_ids)
            states = hidden_BTD.flatten(0, 1).index_select(0, places)
            vectors = mean_of_words(hidden_BTD)
        else:
            states = last_states(self.model.base_model, input_ids, places=places)
            vectors = None
        logits = word_logits(self.model, states)
        nats = torch.zeros(labels_N.shape, device=labels.device)
        nats[chosen] = _cross_entropy(logits, labels_N[chosen].clamp(min=0))
        nats = torch.where(asked_N, nats, 0.0).view_as(labels)
        if self.training:
            return nats, None, vectors
        hits = torch.zeros_like(asked_N)
        hits[chosen] = logits.argmax(-1) == labels_N[chosen]
        return nats, hits.view_as(labels), vectors


def _wants_static_shapes(device: torch.device) -> bool:
    """Whether to compute what is not asked for rather than to count it: a GPU would be waited for, and compile each
    size."""
    return device.type != "cpu"


def _cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    if fused.is_ready(logits.dtype, logits.device) and not torch.compiler.is_compiling():
        return _CrossEntropy.apply(logits, labels)  # type: ignore[no-any-return]
    return functional.cross_entropy(logits.float(), labels, reduction="none")


class _CrossEntropy(torch.autograd.Function):
    """Minus the log probabilities of labels (N,), float32, by bf16 logits (N, V)."""

    @staticmethod
    def forward(ctx: Any, logits: Tensor, labels: Tensor) -> Tensor:  # type: ignore[override]
        """Sum exponentials."""
        logits, labels = logits.contiguous(), labels.contiguous()
        if len(labels) and (int(labels.min()) < 0 or int(labels.max()) >= logits.shape[1]):
            raise IndexError(f"labels from {int(labels.min())} to {int(labels.max())} for {logits.shape[1]} words")
        nats, sums = fused.cross_entropy(logits, labels)
        ctx.save_for_backward(logits, labels, sums)
        return nats

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:  # type: ignore[override]
        """Probabilities, less one for the label."""
        logits, labels, sums = ctx.saved_tensors
        return fused.cross_entropy_backward(grad, logits, labels=labels, sums=sums), None


def last_states(body: Any, input_ids: Tensor, *, places: Tensor | None = None) -> Tensor:
    """Last states (B, T, D) of windows without padding, or those (M, D) at `places` (int64 (M,)) among the B T tokens.

    By `lean_states` where the body allows it, else by its own forward.
    """
    device = input_ids.device.type
    if torch.compiler.is_compiling() or not is_lean(body):
        hidden_BTD: Tensor = body(input_ids=input_ids).last_hidden_state
        return hidden_BTD if places is None else hidden_BTD.flatten(0, 1).index_select(0, places)
    dtype = torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else body.dtype
    return lean_states(body, input_ids, dtype=dtype, places=places)


def mean_of_words(hidden_BTD: Tensor) -> Tensor:
    """One vector per window, float32 (B, D): the mean of its last states, [CLS] and [SEP] left out."""
    return hidden_BTD[:, 1:-1].float().mean(1)


def places_of(positions: Tensor, *, tokens: int) -> Tensor:
    """Where among the B T tokens of a batch its `positions` (int64 (B, M)) are: int64 (B M,)."""
    first = torch.arange(len(positions), device=positions.device).unsqueeze(1) * tokens
    return (first + positions).flatten()


def word_logits(model: Any, states: Tensor) -> Tensor:
    """Logits (N, V) from the body's last states (N, D)."""
    return model.cls(states) if hasattr(model, "cls") else model.decoder(model.head(states))
