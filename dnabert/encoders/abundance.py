"""How common the words of a sequence are in a corpus: what tells a repeat, however old, without a library of repeats.

Words so long that each occurs a few times by chance are counted in the corpus's training windows. Of a window of an old
repeat some are found far more often, which is how repeats are found in a new genome (`WindowMasker
<https://doi.org/10.1093/bioinformatics/bti774>`_, Morgulis et al. 2006; `RepeatScout
<https://doi.org/10.1093/bioinformatics/bti1018>`_, Price et al. 2005).
"""

from __future__ import annotations

import functools
import math
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dnabert.alphabet import codes
from dnabert.corpus.view import WindowView, evenly_spread
from dnabert.encoders.arrays import Bases, by_length, check_length
from dnabert.encoders.interface import not_fitted
from dnabert.errors import UserError

FILE = "abundance.safetensors"
#: What is added to the shortest length of word; words of the last length tell what copies are a sequence's own.
_LONGER = (0, 2, 4)
#: Bases of the corpus that are counted at most: words of the last length are then of 16 bases and fit in 32 bits.
_MOST_BASES = 4**13 - 1
_SHORTEST_WORD = 4
#: Counts along a sequence are averaged over so many places, and these quantiles taken: eval/experiments.md has what
#: others do.
_WIDTHS = np.array([8, 24, 64])
_QUANTILES = np.array([0.02, 0.1, 0.25, 0.5, 0.75, 0.9, 0.98])
_DESCRIBED = (len(_LONGER) - 1) * (2 + len(_WIDTHS) * len(_QUANTILES))
#: A sequence was counted itself if this share of its longest words was: those over the ends of windows were not.
_MOSTLY = 0.9
#: Sequences that axes are fitted on; least variance of an axis, in units of the largest one's, that is no rounding.
_FITTED, _LEAST = 10_000, 1e-6
#: Longer sequences are described stretch by stretch, and the mean is taken.
_STRETCH = 1 << 20
#: Leading bits of a word by which it is looked up.
_LEADING = 22


@dataclass(frozen=True)
class WordTable:
    """How often each word of one length was counted, a word and its reverse complement being one.

    Attributes
    ----------
    words : uint32 (m,), ascending: numbers of base 4, A=0, C=1, G=2, T=3, first base first, of whichever strand has the
        less.
    counts : uint32 (m,).
    begins : int64 (2**b + 1,), where the words of each b leading bits begin.
    """

    words: NDArray[np.uint32]
    counts: NDArray[np.uint32]
    begins: NDArray[np.int64]

    @classmethod
    def counted(
        cls,
        sequences: NDArray[np.uint8],
        *,
        length: int,
        overlap: NDArray[np.int64] | None = None,
        genome: NDArray[np.int32] | None = None,
    ) -> WordTable:
        """Count words.

        Parameters
        ----------
        sequences : codes uint8 (n, L), see `dnabert.alphabet.codes`; words of unknown bases are left out.
        length : bases per word, up to 16.
        overlap : int64 (n,), how many first bases of each stand in a sequence before it and are not counted again.
        genome : int32 (n,); where it is given, it is not a word's places that are counted but the genomes that have it.
        """
        from dnabert.encoders.abundance_kernel import count_runs, write_words

        overlap = np.zeros(len(sequences), dtype=np.int64) if overlap is None else overlap
        words = np.empty(sequences.shape[0] * max(0, sequences.shape[1] - length + 1), dtype=np.uint32)
        end = 0
        for rows in [slice(None)] if genome is None else [np.flatnonzero(genome == each) for each in np.unique(genome)]:
            written = words[end : end + write_words(sequences[rows], overlap[rows], length, words[end:])]
            written.sort()
            end += len(written) if genome is None else count_runs(written, np.empty(len(written), dtype=np.uint32))
        words = words[:end]
        if genome is not None:
            words.sort()
        counts = np.empty(len(words), dtype=np.uint32)
        different = count_runs(words, counts)
        words, counts = words[:different].copy(), counts[:different].copy()
        bits = min(_LEADING, 2 * length)
        leading = np.arange(1 << bits, dtype=np.uint32) << np.uint32(2 * length - bits)  # as words are: none is copied
        return cls(words, counts, np.append(np.searchsorted(words, leading), len(words)))


class AbundanceEncoder:
    """A `FittedEncoder` of the specification ``abundance:CORPUS``: how common a sequence's words are in a corpus.

    Along a sequence stand the logarithms, log2(1 + count), of how often its words are found in the corpus's training
    windows, on either strand, for words of k and of k + 2 bases, 4**k being at most the bases that were counted (12 of
    16.8 to 67 Mb). Their mean, their spread and quantiles of their moving means over 8, 24 and 64 places are 46
    numbers, whose principal axes, each of unit spread, are the vector. Axes are fitted without any label, by
    `dnabert.embed` on a corpus's training windows.

    A training window was counted itself, and so were its orthologs in the corpus's other genomes; a held-out window was
    not. So that the two are not told apart by this, a sequence nine tenths of whose words of k + 4 bases were counted
    has its own copies taken off: at each place, one for each genome that has a word of k + 4 bases over it. Of
    sequences that differ from those counted by more than about 0.6 % nothing is taken off: the orthologs of a relative
    whose genome is not in the corpus count.

    Parameters
    ----------
    corpus : its folder; at most 67 Mb of its training windows, evenly spread, are counted, where they overlap once.
        That takes half a minute, once in a process, and for the 54 Mb of four apes 1.1 GB.

    Raises
    ------
    UserError
        when it is no corpus, or has no training windows.
    """

    def __init__(self, corpus: str | Path) -> None:
        from dnabert.corpus.loading import fingerprint

        self._corpus = Path(os.path.abspath(corpus))  # as manifests record it, so that it is counted once
        shortest = max(_SHORTEST_WORD, int(math.log(_bases(*_counted_windows(self._corpus)), 4)))
        self._fingerprint = fingerprint(corpus)
        self._lengths = [shortest + more for more in _LONGER]
        self.name = f"abundance of words of {self._lengths[0]} and {self._lengths[1]} bases in {self._corpus.name}"
        self.dimension = _DESCRIBED
        self.minimum_length = self._lengths[-1]
        self.fit_sequences = _FITTED
        self.learns_directions = False  # axes of 46 numbers are known from so many
        self.white = np.ones(_DESCRIBED, dtype=bool)
        self._axes: tuple[NDArray[np.float32], NDArray[np.float32]] | None = None

    def fit(self, bases: Bases) -> None:
        """Learn the axes from sequences.

        Parameters
        ----------
        bases : uint8 ASCII (n, L), or n arrays of any lengths; n at least 2.
        """
        from dnabert.encoders.nearest import column_statistics

        described = self._described([bases[row] for row in evenly_spread(len(bases), most=_FITTED)])
        described = described[np.isfinite(described).all(axis=1)]
        if len(described) < 2:
            raise UserError(
                f"{self.name} needs two sequences or more with {self.minimum_length} known bases in a row "
                "to be fitted on: use another encoder"
            )
        mean, scale = column_statistics(described)
        variance, axes = np.linalg.eigh(np.cov((described - mean) / scale, rowvar=False))
        largest = np.take_along_axis(axes, np.abs(axes).argmax(axis=0)[None], axis=0)
        axes *= np.where(largest < 0, -1.0, 1.0)
        kept = variance > _LEAST * variance[-1]
        spread = np.sqrt(np.where(kept, variance, 1.0))
        matrix = kept * axes / spread / scale[:, None]
        self._axes = mean, np.ascontiguousarray(matrix[:, ::-1], dtype=np.float32)

    def encode(self, bases: Bases) -> NDArray[np.float32]:
        """Encode sequences; see `Encoder.encode`. Sequences without a word of k + 4 bases get the zero vector."""
        if self._axes is None:
            raise not_fitted(self)
        mean, matrix = self._axes
        described = self._described(bases)
        known = np.isfinite(described).all(axis=1, keepdims=True)
        return known * ((np.where(known, described, 0) - mean) @ matrix)

    def save(self, folder: Path) -> None:
        """Write what was fitted into a folder."""
        from safetensors.numpy import save_file

        if self._axes is None:
            raise not_fitted(self)
        mean, axes = self._axes
        corpus = np.frombuffer(self._fingerprint.encode(), dtype=np.uint8)
        save_file({"mean": mean, "axes": axes, "lengths": np.array(self._lengths), "corpus": corpus}, folder / FILE)

    def load(self, folder: str | Path) -> None:
        """Read what `save` wrote.

        Raises
        ------
        UserError
            when it is not there, damaged, of words of other lengths, or of a corpus that held something else.
        """
        from safetensors import SafetensorError
        from safetensors.numpy import load_file

        path = Path(folder) / FILE
        try:
            saved = load_file(path)
            mean, axes, lengths = saved["mean"], saved["axes"], saved["lengths"].tolist()
            corpus = saved["corpus"].tobytes()
            if (mean.shape, axes.shape, lengths) != ((_DESCRIBED,), (_DESCRIBED, _DESCRIBED), self._lengths):
                raise KeyError(f"its words are of {lengths} bases, its axes {axes.shape}")
        except (OSError, KeyError, SafetensorError) as error:
            raise UserError(f"cannot read {path} ({error}): embed and cluster again") from None
        if corpus != self._fingerprint.encode():
            raise UserError(f"{self._corpus} is no longer the corpus that made the vectors: embed and cluster again")
        self._axes = mean, axes

    @functools.cached_property
    def _tables(self) -> list[WordTable]:
        return _counted(self._corpus, self._fingerprint, tuple(self._lengths))

    def _described(self, bases: Bases) -> NDArray[np.float32]:
        """What is known of each sequence, float32 (n, 46), NaN where nothing is."""
        described = np.full((len(bases), _DESCRIBED), np.nan, dtype=np.float32)
        for rows, group in by_length(bases):
            check_length(group.shape[1], minimum=self.minimum_length)
            stretches = -(-group.shape[1] // _STRETCH)
            parts = [self._of_stretch(part) for part in np.array_split(group, stretches, axis=1)]
            described[rows] = parts[0] if stretches == 1 else _mean_of_known(parts)
        return described

    def _of_stretch(self, bases: NDArray[np.uint8]) -> NDArray[np.float32]:
        from dnabert.encoders.abundance_kernel import describe_all

        described = np.full((len(bases), _DESCRIBED), np.nan, dtype=np.float32)
        describe_all(
            codes(bases),
            np.array(self._lengths),
            tuple(table.words for table in self._tables),
            tuple(table.counts for table in self._tables),
            tuple(table.begins for table in self._tables),
            _MOSTLY,
            _WIDTHS,
            _QUANTILES,
            described,
        )
        return described


def _bases(windows: WindowView, overlap: NDArray[np.int64]) -> int:
    return len(windows) * windows.window_length - int(overlap.sum())


def _counted_windows(corpus: Path) -> tuple[WindowView, NDArray[np.int64]]:
    """Training windows of a corpus by place, evenly spread if they are too many, and how many bases of each are the
    window's before it, int64 (n,)."""
    from dnabert.corpus import load_corpus

    windows = load_corpus(corpus).view("train")
    windows = windows.select(
        np.lexsort((windows.column("start"), windows.coded("chrom")[0], windows.coded("genome")[0]))
    )
    overlap = _overlap(windows)
    if _bases(windows, overlap) <= _MOST_BASES:
        return windows, overlap
    windows = windows.select(evenly_spread(len(windows), most=_MOST_BASES // windows.window_length))
    return windows, _overlap(windows)


def _overlap(windows: WindowView) -> NDArray[np.int64]:
    genome, chrom, start = windows.coded("genome")[0], windows.coded("chrom")[0], windows.column("start")
    beyond = (np.diff(genome) != 0) | (np.diff(chrom) != 0)
    overlap = np.where(beyond, 0, np.maximum(0, windows.window_length - np.diff(start)))
    return np.append(0, overlap).astype(np.int64)


@functools.lru_cache(maxsize=1)
def _counted(corpus: Path, fingerprint: str, lengths: tuple[int, ...]) -> list[WordTable]:
    """Words of a corpus by length, of the last length the genomes that have each; `fingerprint` is what the corpus
    holds."""
    windows, overlap = _counted_windows(corpus)
    sequences = codes(windows.bases(np.arange(len(windows))))
    genomes = [None] * (len(lengths) - 1) + [windows.coded("genome")[0]]
    return [
        WordTable.counted(sequences, length=length, overlap=overlap, genome=genome)
        for length, genome in zip(lengths, genomes, strict=True)
    ]


def _mean_of_known(parts: list[NDArray[np.float32]]) -> NDArray[np.float32]:
    """Mean float32 (n, d) of those of several (n, d) that are not NaN; NaN where all are."""
    known = np.isfinite(parts)
    total = np.where(known, parts, 0).sum(axis=0, dtype=np.float64)
    with np.errstate(invalid="ignore"):
        return (total / known.sum(axis=0)).astype(np.float32)
