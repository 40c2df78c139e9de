"""What a classifier says of sequences: its logits and probabilities."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator
from accelerate.utils import AutocastKwargs
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from dnabert.errors import UserError
from dnabert.finetuning.reading import LabelledReader, Tiles
from dnabert.pretraining.prefetch import Prefetcher

#: Bases of a batch without labels, padding included: what is made of them takes a dozen bytes each.
_PADDED = 1 << 22


def probabilities(
    model: Any,
    reader: LabelledReader,
    *,
    batch_size: int,
    both_strands: bool,
    accelerator: Accelerator,
    rounded: bool = False,
) -> NDArray[np.float64]:
    """Probabilities (n, classes), in the reader's order: first frame, forward strand, or the mean of both strands.

    Parameters
    ----------
    model : classifier, on the accelerator's device.
    reader : n sequences.
    batch_size : tiles in one forward pass; changes speed and memory, the probabilities to rounding.
    both_strands : as training with `TrainingConfig.random_strand` asks for.
    accelerator : device, and with `rounded` the precision.
    rounded : compute in bf16 where the accelerator does; else in float32, as transformers reads the saved weights: bf16
        moves a probability by up to 0.1.

    Raises
    ------
    UserError
        when they are no numbers.
    """
    model.eval()
    batches = _alike(reader.lengths, most=batch_size)
    strands = (False, True) if both_strands else (False,)

    def batch(number: int) -> list[Tiles]:
        rows = batches[number]
        return [ready(reader.batch(rows, reverse=np.full(len(rows), strand)), accelerator) for strand in strands]

    of_batches = []
    with torch.inference_mode(), Prefetcher(batch, stop=len(batches)) as read:
        for on_strands in read:
            logits = [logits_of(model, tiles, accelerator, most=batch_size, rounded=rounded) for tiles in on_strands]
            of_batches.append(torch.stack([of_strand.softmax(1) for of_strand in logits]).mean(0))
        ordered = torch.cat(of_batches).cpu().double().numpy()
    if not np.isfinite(ordered).all():
        raise UserError(
            "the classifier gives probabilities that are no numbers: its weights are damaged, or it diverged: train it "
            "with a lower --learning-rate"
        )
    predicted = np.empty_like(ordered)
    predicted[np.concatenate(batches)] = ordered
    return predicted / predicted.sum(1, keepdims=True)


def _alike(lengths: NDArray[np.int64], *, most: int) -> list[NDArray[np.int64]]:
    """Rows in batches of like lengths, so that there is hardly any padding, and of so few that padded they stay
    small."""
    order = np.argsort(lengths, kind="stable")
    batches, begin = [], 0
    for end in range(1, len(order) + 1):
        full = end - begin == most or end == len(order)
        if full or (end - begin + 1) * lengths[order[end]] > _PADDED:
            batches.append(order[begin:end])
            begin = end
    return batches


def logits_of(model: Any, tiles: Tiles, accelerator: Accelerator, *, most: int, rounded: bool = True) -> Tensor:
    """Logits (B, C) with at most so many tiles in a forward pass: a chromosome has half a million.

    Of more tiles a training keeps no part's activations; the backward computes them again, a part at a time, with the
    same dropout.
    """
    tiles = tiles.to(accelerator.device)

    def forward(ids: Tensor, mask: Tensor | None) -> Tensor:
        logits: Tensor = model(ids, attention_mask=mask).logits
        return logits

    ids = tiles.input_ids.split(most)
    masks = [None] * len(ids) if tiles.attention_mask is None else tiles.attention_mask.split(most)
    again = len(ids) > 1 and torch.is_grad_enabled()
    part = functools.partial(checkpoint, forward, use_reentrant=False) if again else forward
    with accelerator.autocast(AutocastKwargs(enabled=rounded)):
        logits = [part(own, mask) for own, mask in zip(ids, masks, strict=True)]
    return tiles.join(torch.cat(logits))


def ready(tiles: Tiles, accelerator: Accelerator) -> Tiles:
    """A batch that a GPU can fetch while it computes."""
    return tiles.pinned() if accelerator.device.type == "cuda" else tiles
