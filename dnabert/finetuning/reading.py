"""Labelled sequences of any length as batches of tokens, at array speed.

Of a sequence with more words than a window as few tiles as cover it are read, each as long as a window and evenly
placed, as an encoder does. Shapes: B sequences, R tiles, T tokens, C classes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dnabert.alphabet import reverse_complement
from dnabert.errors import UserError
from dnabert.probes import Part
from dnabert.tokenizer import CLS_ID, SEP_ID, KmerTokenizer


@dataclass(frozen=True)
class Tiles:
    """The tiles of a batch of sequences.

    Attributes
    ----------
    input_ids : int64 (R, T), [CLS] first, [SEP] after the last word, then padding.
    attention_mask : int64 (R, T), 0 at padding, or None where there is none (which attention computes faster).
    owner : int64 (R,), the sequence of each tile, or None where each has one.
    share : float32 (R,), the tile's part of its sequence: each counts alike.
    labels : int64 (B,), classes.
    """

    input_ids: Tensor
    attention_mask: Tensor | None
    owner: Tensor | None
    share: Tensor
    labels: Tensor

    def to(self, device: torch.device) -> Tiles:
        """The same on a device; a copy to a GPU is under way when this returns."""
        return self._mapped(lambda tensor: tensor.to(device, non_blocking=True))

    def pinned(self) -> Tiles:
        """The same in memory that a GPU copies from without a stop."""
        return self._mapped(lambda tensor: tensor.pin_memory())

    def _mapped(self, change: Callable[[Tensor], Tensor]) -> Tiles:
        mask, owner = (None if tensor is None else change(tensor) for tensor in (self.attention_mask, self.owner))
        return Tiles(change(self.input_ids), mask, owner, change(self.share), change(self.labels))

    def join(self, logits_RC: Tensor) -> Tensor:
        """Logits float32 (B, C) of the sequences: the mean of their tiles'."""
        logits_RC = logits_RC.float()
        if self.owner is None:
            return logits_RC
        joined = logits_RC.new_zeros(len(self.labels), logits_RC.shape[1])
        return joined.index_add(0, self.owner, logits_RC * self.share.unsqueeze(1))


class LabelledReader:
    """Reads the sequences of a part, any of them, in any frame, on either strand.

    Parameters
    ----------
    part : sequences and labels.
    tokenizer : words.
    most_words : of a tile.

    Raises
    ------
    UserError
        when a sequence is shorter than a word.
    """

    def __init__(self, part: Part, tokenizer: KmerTokenizer, *, most_words: int) -> None:
        self.labels = part.labels
        self._tokenizer, self._most = tokenizer, most_words
        self._lengths = np.array([len(sequence) for sequence in part.sequences], dtype=np.int64)
        if self._lengths.min() < tokenizer.k:
            raise UserError(
                f"a sequence has {self._lengths.min()} bases, fewer than a word of {tokenizer.k}: remove it"
            )
        self._starts = np.cumsum(self._lengths) - self._lengths
        forward = np.concatenate(part.sequences)
        # so that a tile may reach past the last sequence
        beyond = np.full(most_words * tokenizer.stride + tokenizer.k, ord("N"), dtype=np.uint8)
        self._strands = [np.concatenate([strand, beyond]) for strand in (forward, reverse_complement(forward))]

    def __len__(self) -> int:
        """How many sequences there are."""
        return len(self.labels)

    @property
    def stride(self) -> int:
        """How many frames there are."""
        return self._tokenizer.stride

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Bases of each sequence (n,)."""
        return self._lengths

    def batch(self, rows: NDArray[np.integer], *, shift: int = 0, reverse: NDArray[np.bool_] | None = None) -> Tiles:
        """Read some sequences.

        Parameters
        ----------
        rows : int (B,), which.
        shift : bases left out at the beginning, where a word remains without them.
        reverse : bool (B,), which are read on the other strand; none by default.
        """
        lengths, k = self._lengths[rows], self._tokenizer.k
        shifts = np.where(lengths - shift >= k, shift, 0)
        counts = (lengths - shifts - k) // self.stride + 1
        pieces = -(-counts // self._most)
        owner = np.repeat(np.arange(len(rows)), pieces)
        place = np.arange(len(owner)) - np.repeat(np.cumsum(pieces) - pieces, pieces)
        size = np.minimum(counts, self._most)[owner]
        begin = np.round(place * (counts[owner] - size) / np.maximum(pieces[owner] - 1, 1)).astype(np.int64)
        backward = np.zeros(len(rows), dtype=bool) if reverse is None else reverse
        starts = np.where(backward, self._lengths.sum() - self._starts[rows] - lengths, self._starts[rows]) + shifts
        words = self._words(starts[owner] + begin * self.stride, backward[owner], most=size.max())
        ids = np.full((len(owner), size.max() + 2), self._tokenizer.pad_token_id, dtype=np.int64)
        ids[:, 0] = CLS_ID
        ids[:, 1:-1] = np.where(np.arange(size.max()) < size[:, None], words, self._tokenizer.pad_token_id)
        ids[np.arange(len(owner)), size + 1] = SEP_ID
        mask = np.arange(ids.shape[1]) < size[:, None] + 2
        return Tiles(
            torch.from_numpy(ids),
            None if mask.all() else torch.from_numpy(mask.astype(np.int64)),
            None if len(owner) == len(rows) else torch.from_numpy(owner),
            torch.from_numpy((1 / pieces[owner]).astype(np.float32)),
            torch.from_numpy(self.labels[rows]),
        )

    def _words(self, starts: NDArray[np.int64], backward: NDArray[np.bool_], *, most: int) -> NDArray[np.int32]:
        """Ids (R, most) without special tokens of tiles that start there, read by themselves: in rows a long sequence
        would pad all others."""
        span = (most - 1) * self.stride + self._tokenizer.k
        forward_view, backward_view = (
            np.lib.stride_tricks.sliding_window_view(strand, span) for strand in self._strands
        )
        bases = forward_view[starts]
        if backward.any():
            bases[backward] = backward_view[starts[backward]]
        return self._tokenizer.encode_as_hidden(bases)
