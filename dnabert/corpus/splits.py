"""Which windows are for training, which for validation and which for the test."""

from __future__ import annotations

import hashlib
import itertools
import re
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from dnabert.corpus.blocks import Blocks
from dnabert.corpus.config import CorpusConfig, SplitConfig
from dnabert.errors import Caution, UserError

#: Order of the splits; the index is the label. -1 means: in none, discarded.
SPLITS = ("train", "validation", "test")

_REGION = re.compile(r"(?:(?P<genome>[^/]+)/)?(?P<chrom>.+):(?P<start>[\d,_]*)-(?P<end>[\d,_]*)")
_END = np.iinfo(np.int64).max
_RELATED = "if they are related, the same place by descent can stand in train in one and in test in another"


@dataclass(frozen=True)
class Region:
    """A stretch of a sequence, in one genome or (`genome` none) in all."""

    genome: str | None
    chrom: str
    start: int
    end: int


def parse_region(text: str) -> Region:
    """Read ``[GENOME/]CHROM:START-END``, 0-based, half open; an empty START is 0, an empty END the sequence's end.

    Examples
    --------
    >>> parse_region("human/chr22:42,000,000-45,000,000")
    Region(genome='human', chrom='chr22', start=42000000, end=45000000)
    """
    match = _REGION.fullmatch(text.strip())
    if match is None:
        raise UserError(f"{text!r} is no region: write [GENOME/]CHROM:START-END, for example chr22:45000000-")
    start, end = (re.sub("[,_]", "", match[name]) for name in ("start", "end"))
    region = Region(match["genome"], match["chrom"], int(start or 0), int(end) if end else _END)
    if region.start >= region.end:
        raise UserError(f"region {text!r} is empty: START must be below END")
    return region


class Splitter:
    """Gives every window its split.

    Parameters
    ----------
    config : the corpus' configuration.
    blocks : its orthologous blocks, if any.
    lengths : of the sequences, by genome and chromosome.

    Raises
    ------
    UserError
        when the configuration names a chromosome or region that does not exist, one for two splits, or a region in
        which no block begins.

    Warns
    -----
    UserWarning
        when near-copies of training windows can stand in validation or test.
    """

    def __init__(
        self, config: CorpusConfig, *, blocks: Blocks | None, lengths: Mapping[str, Mapping[str, int]]
    ) -> None:
        self.config: SplitConfig = config.split
        self._window_length = config.window.length
        self._blocks = blocks
        self._regions = [(parse_region(text), label) for text, label in self._named()] if self._takes_regions() else []
        self._check_named(lengths)
        self._label_of = dict(self._named()) if config.split.by == "chromosome" else {}
        _warn_of_leaks(config, blocks=blocks, lengths=lengths)
        self._block_numbers = np.empty(0, np.int64)
        self._block_labels = np.empty(0, np.int8)
        if config.split.by == "block":
            self._block_numbers, self._block_labels = self._label_blocks(config)

    def edges(self, genome: str, chrom: str, *, length: int) -> np.ndarray:
        """Positions at which the split changes: a segment is cut there, so that no window lies in two splits."""
        if self.config.by == "tail":
            return np.array([cut for cut in self._tail(length) if cut < length], np.int64)
        if self.config.by == "region":
            return np.array(
                [edge for region, _ in self._of(genome, chrom) for edge in (region.start, region.end)], np.int64
            )
        return np.empty(0, np.int64)

    def labels(self, genome: str, chrom: str, *, length: int, starts: np.ndarray, block: np.ndarray) -> np.ndarray:
        """Index into `SPLITS` for each window of a sequence, -1 for none: int8 (n,).

        Parameters
        ----------
        length : bases of the sequence.
        starts : int64 (n,), first base of each window.
        block : int32 (n,), orthologous block of each window.
        """
        by: dict[str, Callable[[], np.ndarray]] = {
            "tail": lambda: np.searchsorted(self._tail(length), starts, side="right"),
            "region": lambda: _label_by_regions(starts, self._of(genome, chrom)),
            "chromosome": lambda: np.full(len(starts), self._label_of_chromosome(chrom)),
            "random": lambda: _label_at_random(genome, chrom, starts=starts, config=self.config),
            "block": lambda: self._label_by_block(block),
        }
        return by[self.config.by]().astype(np.int8)

    def _tail(self, length: int) -> list[int]:
        """Where validation and test begin; a part that would be shorter than a window is left to the one before it."""
        sizes = [int(length * share) for share in (self.config.validation_fraction, self.config.test_fraction)]
        validation, test = (size if size >= self._window_length else 0 for size in sizes)
        return [length - test - validation, length - test]

    def _takes_regions(self) -> bool:
        return self.config.by in ("region", "block")

    def _named(self) -> list[tuple[str, int]]:
        return [(text, 1) for text in self.config.validation] + [(text, 2) for text in self.config.test]

    def _of(self, genome: str, chrom: str) -> list[tuple[Region, int]]:
        return [(r, label) for r, label in self._regions if r.chrom == chrom and r.genome in (None, genome)]

    def _label_of_chromosome(self, chrom: str) -> int:
        if not self._label_of:  # those of one name, in several genomes, fall together as named ones do
            return int(_label_at_random("", chrom, starts=np.zeros(1, np.int64), config=self.config)[0])
        return self._label_of.get(chrom, 0)

    def _check_named(self, lengths: Mapping[str, Mapping[str, int]]) -> None:
        """Every named chromosome and region must exist, and be in one split: a typo would give an empty one."""
        chroms = {chrom for names in lengths.values() for chrom in names}
        wanted = [region.chrom for region, _ in self._regions]
        if self.config.by == "chromosome":
            wanted = [name for name, _ in self._named()]
        for name in wanted:
            if name not in chroms:
                shown = ", ".join(sorted(chroms)[:5])
                raise UserError(f"split names chromosome {name!r}, but the sequences are named {shown}: mend split")
        for region, _ in self._regions:
            if region.genome is not None and region.genome not in lengths:
                raise UserError(f"split names genome {region.genome!r}, but there are {', '.join(lengths)}: mend split")
            longest = max(own.get(region.chrom, 0) for name, own in lengths.items() if region.genome in (None, name))
            if region.start >= longest:
                raise UserError(
                    f"split names {region.chrom} from {region.start:,} on, but it has {longest:,} bases: mend split"
                )
        twice = sorted(set(self.config.validation) & set(self.config.test))
        for (one, first), (two, second) in itertools.combinations(self._regions, 2):
            start, end = max(one.start, two.start), min(one.end, two.end)
            together = one.chrom == two.chrom and (None in (one.genome, two.genome) or one.genome == two.genome)
            if first != second and together and start < end:
                twice.append(f"{one.chrom}:{start}-{end}")
        if twice:
            raise UserError(f"split names {twice[0]} for validation and for test: leave it in one of them")

    def _label_by_block(self, block: np.ndarray) -> np.ndarray:
        row = np.minimum(np.searchsorted(self._block_numbers, block), len(self._block_numbers) - 1)
        return np.where(self._block_numbers[row] == block, self._block_labels[row], -1)

    def _label_blocks(self, config: CorpusConfig) -> tuple[np.ndarray, np.ndarray]:
        """Numbers of the blocks that the reference genome has, int64 (n,), ascending, and the label of each, int8
        (n,)."""
        assert self._blocks is not None
        reference = config.split.reference or config.genomes[0].name
        placed = {chrom: rows for (genome, chrom), rows in self._blocks.places.items() if genome == reference}
        if not placed:
            found = ", ".join(sorted({genome for genome, _ in self._blocks.places})) or "none"
            raise UserError(
                f"{self._blocks.path} has no blocks of genome {reference!r} (it has: {found}): set split.reference"
            )
        self._check_regions_hold_blocks(placed, reference=reference)
        places = np.concatenate(list(placed.values()))
        if self._regions:
            labels = np.concatenate(
                [_label_by_regions(rows[:, 0], self._of(reference, chrom)) for chrom, rows in placed.items()]
            )
        else:
            sizes = places[:, 1] - places[:, 0]
            labels = np.searchsorted(self._tail(int(sizes.sum())), np.cumsum(sizes) - sizes, side="right").astype(
                np.int8
            )
        numbers, last = np.unique(places[::-1, 2], return_index=True)  # of a block at several places the last counts
        return numbers, labels[::-1][last]

    def _check_regions_hold_blocks(self, placed: Mapping[str, np.ndarray], *, reference: str) -> None:
        assert self._blocks is not None
        for region, label in self._regions:
            starts = placed.get(region.chrom, np.empty((0, 3), np.int64))[:, 0]
            own = (starts >= region.start) & (starts < region.end)
            if region.genome not in (None, reference) or not own.any():
                end = "" if region.end == _END else f"{region.end:,}"
                where = f"{region.genome or reference}/{region.chrom}:{region.start:,}-{end}"
                raise UserError(
                    f"split.{SPLITS[label]} names {where}, where no block of {self._blocks.path} begins that genome "
                    f"{reference!r} has: name another region of that genome, or set split.reference"
                )


def _label_by_regions(positions: np.ndarray, regions: list[tuple[Region, int]]) -> np.ndarray:
    labels = np.zeros(len(positions), np.int8)
    for region, label in regions:
        labels[(positions >= region.start) & (positions < region.end)] = label
    return labels


def _label_at_random(genome: str, chrom: str, *, starts: np.ndarray, config: SplitConfig) -> np.ndarray:
    """A window's draw depends on the seed and its place alone, not on the other windows."""
    key = int.from_bytes(hashlib.blake2b(f"{genome}/{chrom}".encode(), digest_size=8).digest(), "little")
    x = starts.astype(np.uint64) + np.uint64((key + config.seed * 0x9E3779B97F4A7C15) % (1 << 64))
    for multiplier, shift in ((0xBF58476D1CE4E5B9, 30), (0x94D049BB133111EB, 27)):  # splitmix64 (Steele et al. 2014)
        x = (x ^ (x >> np.uint64(shift))) * np.uint64(multiplier)
    draw = (x ^ (x >> np.uint64(31))) / 2.0**64
    train = 1 - config.validation_fraction - config.test_fraction
    return np.searchsorted([train, train + config.validation_fraction], draw, side="right")


def _warn_of_leaks(config: CorpusConfig, *, blocks: Blocks | None, lengths: Mapping[str, Mapping[str, int]]) -> None:
    split = config.split
    if split.by in ("random", "tail") and split.validation_fraction == split.test_fraction == 0:
        return  # all is train
    mend = "set split.by to block" if blocks is not None else "give orthologous_blocks and set split.by to block"
    if split.by == "random":
        shared = config.window.step is not None and config.window.step < config.window.length
        warnings.warn(
            "split.by is random: near-copies (repeats, duplications, related genomes) of training windows stand in "
            f"validation and test{', and bases of theirs too, since windows overlap' if shared else ''}, whose figures "
            "will be too good; split.by tail, chromosome or block avoids it",
            Caution,
            stacklevel=4,
        )
    elif split.by in ("tail", "region") and len(config.genomes) > 1:
        warnings.warn(
            f"split.by is {split.by} with {len(config.genomes)} genomes: {_RELATED}; {mend}", Caution, stacklevel=4
        )
    elif split.by == "chromosome":
        asked = {*split.validation, *split.test} or {name for own in lengths.values() for name in own}
        lacking = next(
            ((genome, name) for name in sorted(asked) for genome, own in lengths.items() if name not in own), None
        )
        if lacking is not None:
            warnings.warn(
                f"split.by is chromosome, and genome {lacking[0]} has no {lacking[1]!r}, which another one has: "
                f"{_RELATED}; name what it is called there too under split, or {mend}",
                Caution,
                stacklevel=4,
            )
