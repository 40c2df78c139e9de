"""Counting words at its best, latent semantic analysis: what an untrained baseline can know of which words go together,
without their order."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dnabert.corpus.view import evenly_spread
from dnabert.encoders.arrays import Bases, by_length, check_length
from dnabert.encoders.interface import not_fitted
from dnabert.encoders.kmer_counts import LARGEST_K, KmerCounts
from dnabert.encoders.latent import LatentAnalysis
from dnabert.errors import UserError

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

FILE = "latent_kmers.safetensors"
#: Directions that are kept; on validation windows of apes_chr22 128 of 8-mers did best among 128, 256 and 512 of 7- to
#: 9-mers.
DIMENSION = 128
#: Sequences to be fitted on: from four times ten thousand words name repeat classes better (eval/experiments.md).
_FITTED = 40_000
_CHUNK = 2_048
#: Words that are looked up at a time, at some 60 bytes each.
_WORDS = 1 << 20


class LatentKmers:
    """Square roots of k-mer counts (strands collapsed), weighted by rarity, reduced to 128 directions.

    Parameters
    ----------
    k : length of the words, 1 to 8.
    dimension : directions at most.
    seed : of the truncated singular value decomposition and of the rotation after it.

    It is fitted without any label, by `dnabert.embed` on a corpus's training windows: `fit`, or `load` what `save`
    wrote.
    """

    def __init__(self, k: int, *, dimension: int = DIMENSION, seed: int = 0) -> None:
        self._counts = KmerCounts(k)
        self.fit_sequences = _FITTED
        self.learns_directions = True
        self.minimum_length = k
        self.name = f"latent semantic analysis of {k}-mers"
        self.dimension = min(dimension, self._counts.dimension)
        self._seed = seed
        self._analysis: LatentAnalysis | None = None

    @classmethod
    def from_spec(cls, spec: str, *, seed: int = 0) -> LatentKmers:
        """Make the encoder of ``lsa:K``."""
        k = spec.partition(":")[2]
        if not (k.isascii() and k.isdigit() and 1 <= int(k) <= LARGEST_K):
            raise UserError(f"encoder {spec}: allowed is lsa:K with K from 1 to {LARGEST_K}")
        return cls(int(k), seed=seed)

    def fit(self, bases: Bases) -> None:
        """Learn the words' rarity and the directions from sequences.

        Parameters
        ----------
        bases : uint8 ASCII (n, L), or n arrays of any lengths; n at least 2.
        """
        if len(bases) < 2:
            raise UserError(f"{self.name} needs two sequences or more to be fitted on: use kmer:{self.minimum_length}")
        some = [bases[row] for row in evenly_spread(len(bases), most=_FITTED)]
        self._analysis = LatentAnalysis.fitted(self._counted(some), dimension=self.dimension, seed=self._seed)

    def encode(self, bases: Bases) -> NDArray[np.float32]:
        """Encode sequences; see `Encoder.encode`. Sequences without a word get the zero vector."""
        if self._analysis is None:
            raise not_fitted(self)
        vectors = np.zeros((len(bases), self.dimension), dtype=np.float32)
        for begin in range(0, len(bases), _CHUNK):
            vectors[begin : begin + _CHUNK] = self._analysis(self._counted(bases[begin : begin + _CHUNK]))
        return vectors

    def save(self, folder: Path) -> None:
        """Write what was fitted into a folder."""
        from safetensors.numpy import save_file

        if self._analysis is None:
            raise not_fitted(self)
        save_file({"matrix": self._analysis.matrix}, folder / FILE)

    def load(self, folder: str | Path) -> None:
        """Read what `save` wrote.

        Raises
        ------
        UserError
            when it is not there, damaged, or of another k.
        """
        from safetensors import SafetensorError
        from safetensors.numpy import load_file

        path = Path(folder) / FILE
        try:
            matrix = load_file(path)["matrix"]
            if matrix.shape != (1 + self.dimension, self._counts.dimension):
                raise KeyError(f"it is {matrix.shape}")
        except (OSError, KeyError, SafetensorError) as error:
            raise UserError(f"cannot read {path} ({error}): embed and cluster again") from None
        self._analysis = LatentAnalysis(matrix)

    def _counted(self, bases: Bases) -> csr_matrix:
        """Counts, sparse (n, words)."""
        from scipy.sparse import csr_matrix

        row = [np.zeros(0, dtype=np.int64)]
        column = [np.zeros(0, dtype=np.int64)]
        count = [np.zeros(0, dtype=np.float32)]
        for rows, group in by_length(bases):
            check_length(group.shape[1], minimum=self.minimum_length)
            step = max(1, _WORDS // group.shape[1])
            for begin in range(0, len(rows), step):
                for start in range(0, group.shape[1] - self.minimum_length + 1, _WORDS):  # stretches that share no word
                    part = self._summed(group[begin : begin + step, start : start + _WORDS + self.minimum_length - 1])
                    row.append(rows[begin : begin + step].repeat(np.diff(part.indptr)))
                    column.append(part.indices)
                    count.append(part.data)
        where = np.concatenate(row), np.concatenate(column)
        counts = csr_matrix((np.concatenate(count), where), shape=(len(bases), self._counts.dimension))
        counts.sum_duplicates()
        return counts

    def _summed(self, bases: NDArray[np.uint8]) -> csr_matrix:
        """Counts of ASCII (n, L), sparse (n, words), each word once: of long sequences far fewer than there are
        places."""
        from scipy.sparse import csr_matrix

        found = self._counts.columns(bases)
        known = found < self._counts.dimension
        where = np.repeat(np.arange(len(bases)), known.sum(axis=1)), found[known]
        counts = csr_matrix(
            (np.ones(len(where[0]), dtype=np.float32), where), shape=(len(bases), self._counts.dimension)
        )
        counts.sum_duplicates()
        return counts
