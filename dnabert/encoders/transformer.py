"""Words into vectors through a transformer: frames, strands, tiles, batches of like length, pooling.

A *reading* is one sequence in one frame on one strand. Of a reading with more words than the model takes, as few tiles
as cover it are read, each of as many words as the model takes and evenly placed, and its vector is the mean of theirs.
So a sequence that is a little longer than a window has nearly a window's vector; cut in two, it would be read with half
of the context. Shapes: B tiles, T tokens, D width.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dnabert.alphabet import reverse_complement
from dnabert.encoders.arrays import Bases, by_length, check_length
from dnabert.encoders.config import EmbedConfig
from dnabert.encoders.processes import process_state
from dnabert.errors import UserError
from dnabert.models.memory import keep_freed_memory
from dnabert.models.objective import last_states
from dnabert.models.precision import use_bf16


class Reader(Protocol):
    """What a transformer encoder must know of its tokenizer."""

    word_length: int
    """Bases of the shortest sequence that gives a word."""
    stride: int
    """Bases from one word to the next: the number of different frames."""
    most_words: int
    """Most words (special tokens not counted) that the model takes at once."""
    prefix: list[int]
    """Special tokens before the words."""
    suffix: list[int]
    """Special tokens after the words."""
    padding: int
    """Token that fills up a batch."""

    def words(self, bases: NDArray[np.uint8]) -> list[NDArray[np.int64]]:
        """Token ids of each row of ASCII (n, L), without special tokens."""
        ...


@dataclass(frozen=True)
class Pooling:
    """What becomes of the states of a tile."""

    dimension: int
    """Of what is made of them."""
    of_tile: Callable[[Tensor, Tensor], Tensor]
    """From float32 (B, T, D) and which tokens are words, bool (B, T), to float32 (B, dimension)."""
    largest: bool = False
    """Whether a reading's tiles are joined by their maximum, not by their mean."""


class TransformerEncoder:
    """A model of `transformers` as an `Encoder`.

    Parameters
    ----------
    model : body without a head; is put into evaluation mode, on the device and into its precision.
    reader : its tokenizer.
    name : what is written beside the vectors.
    config : pooling, layer, frames, strands, batch size, device.
    """

    def __init__(self, model: Any, *, reader: Reader, name: str, config: EmbedConfig) -> None:
        layers = model.config.num_hidden_layers
        if not -layers - 1 <= config.layer <= layers:
            raise UserError(f"--layer is {config.layer}, allowed is {-layers - 1} to {layers} for {name}")
        if config.phases > reader.stride:
            raise UserError(f"--phases is {config.phases}, allowed is 1 to {reader.stride}, the stride of {name}")
        if config.pooling == "cls" and not reader.prefix:
            raise UserError(f"--pooling cls: {name} has no [CLS]: pass --pooling mean")
        self.name = name
        self.dimension: int = model.config.hidden_size
        self.minimum_length = reader.word_length
        self._reader = reader
        self._config = config
        self.device = choose_device(config.device)
        self.bf16 = use_bf16(config.precision, device=self.device)
        if self.device.type == "cpu":
            keep_freed_memory()
        # whole in bf16 rather than under autocast, which casts every state to and fro: 1.4 times as fast on a CPU
        self._model = model.eval().to(self.device, dtype=torch.bfloat16 if self.bf16 else None)

    @property
    def encoder(self) -> TransformerEncoder:
        """Itself, as a `ModelReader`: several may be made of one model's states."""
        return self

    @property
    def pooling(self) -> Pooling:
        """That of the config."""
        how = self._config.pooling
        return Pooling(self.dimension, partial(pool, how=how), largest=how == "max")

    def of_pooled(self, pooled: NDArray[np.float32]) -> NDArray[np.float32]:
        """What `pooling` gives is the vector."""
        return pooled

    def encode(self, bases: Bases) -> NDArray[np.float32]:
        """Encode sequences; see `Encoder.encode`."""
        return self.read(bases, [self.pooling])[0]

    def read(self, bases: Bases, poolings: Sequence[Pooling]) -> list[NDArray[np.float32]]:
        """What each of `poolings` makes of sequences, read once: float32 (n, its dimension) each, means over frames and
        strands."""
        tiles, reading, owner = self._tiles(bases)
        # a sequence's readings count alike, and a reading's tiles
        weight = 1 / np.bincount(reading)[reading] / np.bincount(owner)[owner[reading]]
        found = [
            np.full((len(owner), p.dimension), -np.inf) if p.largest else np.zeros((len(bases), p.dimension))
            for p in poolings
        ]
        for batch, hidden_BTD, is_word_BT in self._states(tiles):
            for total, pooling in zip(found, poolings, strict=True):
                pooled = pooling.of_tile(hidden_BTD, is_word_BT).cpu().numpy()
                if pooling.largest:
                    np.maximum.at(total, reading[batch], pooled)
                else:
                    np.add.at(total, owner[reading[batch]], pooled * weight[batch, None])
        means = (
            _group_mean(total, group=owner, n=len(bases)) if p.largest else total
            for total, p in zip(found, poolings, strict=True)
        )
        vectors = [mean.astype(np.float32) for mean in means]
        if not all(np.isfinite(states).all() for states in vectors):
            raise UserError(
                f"{self.name} gives vectors that are no numbers: "
                "its weights are damaged, or it diverged: train it again"
            )
        return vectors

    def drawn_states(self, bases: Bases, *, most: int, seed: int = 0) -> NDArray[np.float32]:
        """States of words of sequences, float32 (m, D), drawn at random: nearly `most` of them, or all where there are
        fewer."""
        tiles, _, _ = self._tiles(bases)
        words = np.array([len(tile) for tile in tiles], dtype=np.int64)
        total, ends = int(words.sum()), np.cumsum(words)
        # drawn before anything is read, so that how tiles are batched has no part in it, and what is not drawn from is
        # not read
        drawn = np.arange(total) if total <= most else np.unique(np.random.default_rng(seed).integers(total, size=most))
        tile = np.searchsorted(ends, drawn, side="right")
        place = drawn - (ends - words)[tile] + len(self._reader.prefix)
        read, begins = np.unique(tile, return_index=True)
        ranges = np.append(begins, len(drawn))
        states = np.empty((len(drawn), self.dimension), dtype=np.float32)
        for batch, hidden_BTD, _ in self._states([tiles[number] for number in read]):
            hidden = hidden_BTD.cpu().numpy()
            for line, number in enumerate(batch.tolist()):
                rows = slice(ranges[number], ranges[number + 1])
                states[rows] = hidden[line, place[rows]]
        return states

    def _tiles(self, bases: Bases) -> tuple[list[NDArray[np.int64]], NDArray[np.intp], NDArray[np.intp]]:
        """Tiles, the reading that each belongs to, and the sequence that each reading is of."""
        owner: list[int] = []
        tiles: list[NDArray[np.int64]] = []
        reading: list[int] = []
        for row, words in self._readings(bases):
            pieces = evenly_placed(words, size=self._reader.most_words)
            tiles += pieces
            reading += [len(owner)] * len(pieces)
            owner.append(row)
        return tiles, np.array(reading, dtype=np.intp), np.array(owner, dtype=np.intp)

    def _readings(self, bases: Bases) -> Iterator[tuple[int, NDArray[np.int64]]]:
        reader, phases = self._reader, self._config.phases
        for rows, group in by_length(bases):
            length = group.shape[1]
            check_length(length, minimum=reader.word_length)
            strands = [group, reverse_complement(group)] if self._config.both_strands else [group]
            for strand in strands:
                for frame in range(0, reader.stride * phases, reader.stride):
                    shift = frame // phases
                    if length - shift >= reader.word_length:  # a sequence of one word has one frame
                        yield from zip(rows.tolist(), reader.words(strand[:, shift:]), strict=True)

    def _states(self, tiles: list[NDArray[np.int64]]) -> Iterator[tuple[NDArray[np.intp], Tensor, Tensor]]:
        """States of the tiles, a batch at a time: which tiles, float32 (B, T, D), and which tokens are words, bool (B,
        T)."""
        lengths = np.array([len(tile) for tile in tiles])
        order = np.argsort(lengths, kind="stable")  # like lengths together: hardly any padding
        for start in range(0, len(order), self._config.batch_size):
            batch = order[start : start + self._config.batch_size]
            yield batch, *self._forward([tiles[i] for i in batch])

    @torch.inference_mode()
    def _forward(self, tiles: list[NDArray[np.int64]]) -> tuple[Tensor, Tensor]:
        reader = self._reader
        before, after = len(reader.prefix), len(reader.suffix)
        lengths = np.array([len(tile) for tile in tiles])
        ids = np.full((len(tiles), before + int(lengths.max()) + after), reader.padding, dtype=np.int64)
        for line, tile in zip(ids, tiles, strict=True):
            line[: before + len(tile) + after] = [*reader.prefix, *tile, *reader.suffix]
        place = np.arange(ids.shape[1])
        inputs = {"input_ids": torch.from_numpy(ids)}
        if lengths.min() < lengths.max():  # attention without a mask is faster
            inputs["attention_mask"] = torch.from_numpy((place < before + lengths[:, None] + after).astype(np.int64))
        is_word = torch.from_numpy((place >= before) & (place < before + lengths[:, None]))
        return self._hidden({name: value.to(self.device) for name, value in inputs.items()}), is_word.to(self.device)

    def _hidden(self, inputs: dict[str, Tensor]) -> Tensor:
        layer = self._config.layer
        if layer == -1 and list(inputs) == ["input_ids"]:  # nothing is padded
            return last_states(self._model, inputs["input_ids"]).float()
        output = self._model(**inputs, output_hidden_states=layer != -1)
        return (output.last_hidden_state if layer == -1 else output.hidden_states[layer]).float()


def pool(hidden_BTD: Tensor, is_word_BT: Tensor, *, how: str) -> Tensor:
    """One vector per tile, float32 (B, D): the mean or maximum over its words, or the state of its first token.

    Examples
    --------
    >>> hidden = torch.tensor([[[9.0], [1.0], [3.0], [9.0]]])
    >>> pool(hidden, torch.tensor([[False, True, True, False]]), how="mean").tolist()
    [[2.0]]
    """
    if how == "cls":
        return hidden_BTD[:, 0]
    mask = is_word_BT.unsqueeze(-1)
    if how == "max":
        return hidden_BTD.masked_fill(~mask, -torch.inf).amax(dim=1)
    return hidden_BTD.masked_fill(~mask, 0).sum(dim=1) / mask.sum(dim=1)


def evenly_placed(words: NDArray[np.int64], *, size: int) -> list[NDArray[np.int64]]:
    """As few stretches of `size` words as cover all of `words`, (n,), from its first to its last; of no more words one
    of them all.

    Examples
    --------
    >>> [tile.tolist() for tile in evenly_placed(np.arange(5), size=4)]
    [[0, 1, 2, 3], [1, 2, 3, 4]]
    """
    starts = np.linspace(0, max(0, len(words) - size), -(-len(words) // size)).round().astype(int)
    return [words[start : start + size] for start in starts.tolist()]


def choose_device(name: str) -> torch.device:
    """The device of this process: ``auto`` asks accelerate, which knows the process's own GPU.

    Raises
    ------
    UserError
        when there is no such device.
    """
    if name == "auto":
        return process_state().device
    try:
        device = torch.device(name)
        if device.type == "meta":
            raise RuntimeError("it holds no numbers")
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError, NotImplementedError):
        raise UserError(f"--device is {name}, which this machine does not have: pass --device auto") from None
    return device


def _group_mean(vectors: NDArray[np.floating], *, group: NDArray[np.intp], n: int) -> NDArray[np.float64]:
    sums = np.zeros((n, vectors.shape[1]))
    np.add.at(sums, group, vectors)
    return sums / np.bincount(group, minlength=n)[:, None]
