"""What is fitted without labels is fitted on these: so many sequences, and so many of their bases."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dnabert.corpus.shuffle import shuffle_dinucleotides
from dnabert.encoders.arrays import Bases
from dnabert.encoders.config import EmbedConfig
from dnabert.encoders.source import Chunk, Source

#: Sequences that vectors are whitened by: a direction's spread is known to a hundredth from this many.
WHITENED_SEQUENCES = 10_000
#: Bases of them all: their words in seven frames on both strands take half a gigabyte. Of 10,000 windows those of up to
#: 3,355 bases are read whole, of 40,000 those of up to 838.
FIT_BASES = 1 << 25
#: Stretches that sequences are taken from: of fifty the spreads of 3-mers are off by 6.5 %, of evenly spread windows by
#: 2.6 %.
_STRETCHES = 400
_PIECE = 1_000


def read(chunk: Chunk, config: EmbedConfig) -> Bases:
    """The sequences of a chunk as they are to be encoded, shuffled where `config` says so."""
    if not config.shuffle:
        return chunk.bases
    return shuffle_dinucleotides(chunk.bases, rows=chunk.columns["row"].to_numpy(), seed=config.seed)


@dataclass(frozen=True)
class Fitted:
    """Sequences to fit on.

    Attributes
    ----------
    bases : chunk by chunk.
    rows : intp (n,), their numbers in the whole input.
    whole : they are all of the source, and whole.
    """

    bases: list[Bases]
    rows: NDArray[np.intp]
    whole: bool


def sequences_to_fit(source: Source, config: EmbedConfig, *, most: int) -> Fitted:
    """Sequences of a source: all, or evenly spread stretches that together have no more than `most` of them; where they
    have too many bases together, stretches of the longest."""
    stretches = [(0, len(source))]
    if len(source) > most:
        size = max(1, most // _STRETCHES)
        starts = np.linspace(0, len(source) - size, most // size).astype(int).tolist()
        stretches = [(start, start + size) for start in starts]
    lengths = source.lengths()
    longest = longest_read(np.concatenate([lengths[start:stop] for start, stop in stretches]), most=FIT_BASES)
    bases = [shortened(read(chunk, config), longest=longest) for chunk in _chunks(source, stretches)]
    rows = np.concatenate([source.rows[start:stop] for start, stop in stretches])
    return Fitted(bases, rows, len(source) <= most and int(lengths.max(initial=0)) <= longest)


def longest_read(lengths: NDArray[np.int64], *, most: int) -> int:
    """The length to which longer sequences are to be reduced, so that they have `most` bases together.

    Parameters
    ----------
    lengths : int64 (n,), n at least 1.

    Examples
    --------
    >>> longest_read(np.array([3, 50, 70]), most=43), longest_read(np.array([3, 50, 70]), most=123)
    (20, 70)
    """
    ordered = np.sort(lengths)
    shorter = np.cumsum(ordered) - ordered  # bases of those that are shorter than each
    longer = np.arange(len(ordered), 0, -1)
    over = np.flatnonzero(shorter + ordered * longer > most)
    return int((most - shorter[over[0]]) // longer[over[0]]) if len(over) else int(ordered[-1])


def shortened(bases: Bases, *, longest: int) -> Bases:
    """Sequences, those of more than `longest` bases reduced to stretches of a thousand, evenly spread: the middle of a
    chromosome may be N alone."""
    if max(map(len, bases), default=0) <= longest:
        return bases
    return [sequence if len(sequence) <= longest else _stretches(sequence, longest=longest) for sequence in bases]


def _stretches(sequence: NDArray[np.uint8], *, longest: int) -> NDArray[np.uint8]:
    number = -(-longest // _PIECE)
    size = longest // number
    starts = np.linspace(0, len(sequence) - size, number).astype(int).tolist()
    return np.concatenate([sequence[start : start + size] for start in starts])


def _chunks(source: Source, stretches: list[tuple[int, int]]) -> Iterator[Chunk]:
    for start, stop in stretches:
        yield from source.chunks(start, stop)
