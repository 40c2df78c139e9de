"""Latent semantic analysis of counts: rare words weigh more, and words that keep company are one direction.

Deerwester et al. (1990), `Indexing by latent semantic analysis
<https://doi.org/10.1002/(SICI)1097-4571(199009)41:6%3C391::AID-ASI1%3E3.0.CO;2-9>`_.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix


class LatentAnalysis:
    """Square roots of counts, weighted by rarity, reduced to a few directions.

    The directions are rotated at random, which changes no angle: each column then has about the same spread, and
    z-scoring columns, as is done to every encoder here, does not make the least direction as loud as the first.

    Parameters
    ----------
    matrix : float32 (1 + d, words), the words' rarity, then the directions: what is saved, and all that reading needs.
    """

    def __init__(self, matrix: NDArray[np.float32]) -> None:
        self.matrix = matrix

    @classmethod
    def fitted(cls, counts: csr_matrix, *, dimension: int, seed: int) -> LatentAnalysis:
        """Learn the words' rarity and the directions.

        Parameters
        ----------
        counts : of n sequences, sparse (n, words), 2 or more of each.
        dimension : directions; where counts have fewer, the last ones are empty until they are rotated.
        seed : of the truncated singular value decomposition and of the rotation after it.
        """
        from sklearn.decomposition import TruncatedSVD

        found_in = np.bincount(counts.indices, minlength=counts.shape[1])
        rarity = (np.log((1 + counts.shape[0]) / (1 + found_in)) + 1).astype(np.float32)
        components = min(dimension, *counts.shape)
        # where all rows are one, the share of variance that is not asked for is 0 / 0
        with np.errstate(divide="ignore", invalid="ignore"):
            decomposition = TruncatedSVD(components, n_iter=3, random_state=seed).fit(_weighted(counts, rarity))
        rotation = np.linalg.qr(np.random.default_rng(seed).normal(size=(dimension, dimension)))[0][:components]
        # rarity is kept apart, since rows are divided by their length between it and the directions
        matrix = np.vstack([rarity[None], rotation.T @ decomposition.components_])
        return cls(np.ascontiguousarray(matrix, dtype=np.float32))  # safetensors writes the bytes as they lie

    def __call__(self, counts: csr_matrix) -> NDArray[np.float32]:
        """Vectors float32 (n, d) of counts, sparse (n, words); a row without any is the zero vector."""
        if not counts.shape[0]:
            return np.zeros((0, len(self.matrix) - 1), dtype=np.float32)
        return np.asarray(_weighted(counts, self.matrix[0]) @ self.matrix[1:].T, dtype=np.float32)


def _weighted(counts: csr_matrix, rarity: NDArray[np.float32]) -> csr_matrix:
    from sklearn.preprocessing import normalize

    return normalize(counts.sqrt().multiply(rarity).tocsr(), copy=False)
