"""Words into vectors through a transformer: frames, strands, tiles, batches of like length, pooling.

A *reading* is one sequence in one frame on one strand; a reading with more words than the model takes is cut into
tiles of (nearly) equal length, and the reading's vector is that of all its words. Shapes: B tiles, T tokens, D width.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dnabert.alphabet import reverse_complement
from dnabert.encoders.config import EmbedConfig
from dnabert.encoders.encoder import Bases, by_length, check_length
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
        self._device = choose_device(config.device)
        self.bf16 = use_bf16(config.precision, device=self._device)
        if self._device.type == "cpu":
            keep_freed_memory()
        # whole in bf16 rather than under autocast, which casts every state to and fro: 1.4 times as fast on a CPU
        self._model = model.eval().to(self._device, dtype=torch.bfloat16 if self.bf16 else None)

    def encode(self, bases: Bases) -> NDArray[np.float32]:
        """Encode sequences; see `Encoder.encode`."""
        owner: list[int] = []
        tiles: list[NDArray[np.int64]] = []
        reading: list[int] = []
        for row, words in self._readings(bases):
            pieces = np.array_split(words, -(-len(words) // self._reader.most_words))
            tiles += pieces
            reading += [len(owner)] * len(pieces)
            owner.append(row)
        if not tiles:
            return np.zeros((len(bases), self.dimension), dtype=np.float32)
        vectors = self._join_tiles(tiles, reading=np.array(reading), n=len(owner))
        return _group_mean(vectors, group=np.array(owner), weight=np.ones(len(owner)), n=len(bases)).astype(np.float32)

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

    def _join_tiles(self, tiles: list[NDArray[np.int64]], *, reading: NDArray[np.intp], n: int) -> NDArray[np.float64]:
        lengths = np.array([len(tile) for tile in tiles])
        pooled = np.empty((len(tiles), self.dimension), dtype=np.float32)
        order = np.argsort(lengths, kind="stable")  # like lengths together: hardly any padding
        for start in range(0, len(order), self._config.batch_size):
            batch = order[start : start + self._config.batch_size]
            pooled[batch] = self._forward([tiles[i] for i in batch])
        if self._config.pooling == "max":
            largest = np.full((n, self.dimension), -np.inf)
            np.maximum.at(largest, reading, pooled)
            return largest
        return _group_mean(pooled, group=reading, weight=lengths, n=n)

    @torch.inference_mode()
    def _forward(self, tiles: list[NDArray[np.int64]]) -> NDArray[np.float32]:
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
        hidden_BTD = self._hidden({name: value.to(self._device) for name, value in inputs.items()})
        return pool(hidden_BTD, is_word.to(self._device), how=self._config.pooling).cpu().numpy()

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


def _group_mean(
    vectors: NDArray[np.floating], *, group: NDArray[np.intp], weight: NDArray[np.floating | np.integer], n: int
) -> NDArray[np.float64]:
    sums = np.zeros((n, vectors.shape[1]))
    np.add.at(sums, group, vectors * weight[:, None].astype(np.float64))
    return sums / np.bincount(group, weights=weight, minlength=n)[:, None]
