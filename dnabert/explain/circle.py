"""Windows laid out along the genome as a circle, orthologous ones beside each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

#: Seed of the order in which a genome's sequences follow each other.
_ORDER = 1


@dataclass(frozen=True)
class Circle:
    """Windows on a circle: the genome's sequences one behind the other, orthologous windows on the same slot.

    Attributes
    ----------
    slot : int64 (n,), 0 to length - 1.
    track : int64 (n,): windows of one slot have different tracks (one for each of the tied genomes).
    length : slots of the circle; a few at the end may be empty.
    """

    slot: NDArray[np.int64]
    track: NDArray[np.int64]
    length: int

    @property
    def tracks(self) -> int:
        """Number of tracks: 1 where no genome is tied to another."""
        return int(self.track.max(initial=0)) + 1


def circle_of(table: pd.DataFrame) -> Circle:
    """Lay windows out along the genome.

    Windows follow each other by genome (in the table's order), chromosome and start; chromosomes at random, the same
    way each time: that records stand beside each other in a file, perhaps sorted by what they are, does not make them
    neighbours. Genomes that share orthologous blocks (column ``block``, -1 = none) are tied: the i-th window of a block
    takes the same slot in each of them, in the order of the first genome, and so all of them move by one and the same
    shift. Without coordinates the table's own order stands for the genome's.

    Examples
    --------
    >>> import pandas as pd
    >>> two = {"genome": list("aaabb"), "chrom": "1", "start": [0, 10, 20, 5, 15], "block": [7, 7, 8, 8, 7]}
    >>> circle = circle_of(pd.DataFrame(two))
    >>> circle.slot.tolist(), circle.track.tolist()
    ([0, 1, 2, 2, 0], [0, 0, 0, 1, 1])
    """
    from scipy.fft import next_fast_len

    n = len(table)
    if "start" not in table or n == 0:
        return Circle(np.arange(n), np.zeros(n, np.int64), max(n, 1))
    genome = table["genome"].astype(str).factorize()[0].astype(np.int64)
    chrom, names = table["chrom"].astype(str).factorize()
    chrom = np.random.default_rng(_ORDER).permutation(len(names))[chrom]
    block = table["block"].to_numpy().astype(np.int64) if "block" in table else np.full(n, -1, np.int64)
    order = np.lexsort((table["start"].to_numpy(), chrom, genome))
    genome, block = genome[order], block[order]
    group = _groups(genome, block)
    _, first, group = np.unique(group, return_index=True, return_inverse=True)
    place = first[group].astype(np.int64) * n + _rank(group * (genome.max() + 1) + genome)
    slot, track = np.empty((2, n), np.int64)
    slot[order] = np.unique(place, return_inverse=True)[1]
    track[order] = _tracks(genome, block)[genome]
    return Circle(slot, track, int(next_fast_len(int(slot.max()) + 1, real=True)))


def _groups(genome: NDArray[np.int64], block: NDArray[np.int64]) -> NDArray[np.int64]:
    """Block of each window; a run outside of all blocks is a group of its own."""
    new = np.ones(len(block), bool)
    new[1:] = (block[1:] != block[:-1]) | (genome[1:] != genome[:-1])
    return np.where(block >= 0, block, block.max(initial=0) + np.cumsum(new))


def _rank(group: NDArray[np.int64]) -> NDArray[np.int64]:
    """Number of earlier rows of the same group."""
    order = np.argsort(group, kind="stable")
    begins = np.append(True, group[order][1:] != group[order][:-1])
    count = np.arange(len(group))
    rank = np.empty(len(group), np.int64)
    rank[order] = count - np.maximum.accumulate(np.where(begins, count, 0))
    return rank


def _tracks(genome: NDArray[np.int64], block: NDArray[np.int64]) -> NDArray[np.int64]:
    """For each genome the first track that no genome with a block in common has."""
    blocks = [np.unique(block[(genome == g) & (block >= 0)]) for g in range(int(genome.max()) + 1)]
    tracks: list[int] = []
    for g, own in enumerate(blocks):
        taken = {tracks[other] for other in range(g) if len(np.intersect1d(own, blocks[other]))}
        tracks.append(min(set(range(g + 1)) - taken))
    return np.array(tracks)
