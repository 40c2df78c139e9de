"""Vectors into the few dimensions in which neighbours are counted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dnabert.clusters.config import ClusterConfig
from dnabert.encoders.nearest import column_statistics, unit_length

#: Rows from which the principal axes are fitted; the axes of 50,000 random rows and of all agree closely.
FIT_ROWS = 50_000
_CHUNK = 16_384


@dataclass(frozen=True)
class Basis:
    """A fitted reduction: scale, optionally divide by the length, project.

    Attributes
    ----------
    mean, scale : float32 (d,), subtracted from and divided into each dimension.
    center : float32 (d,), mean of the scaled (and normalised) vectors.
    components : float32 (c, d), orthonormal rows.
    explained : float32 (c,), share of variance of each component.
    normalise : whether scaled vectors are divided by their length.
    """

    mean: np.ndarray
    scale: np.ndarray
    center: np.ndarray
    components: np.ndarray
    explained: np.ndarray
    normalise: bool

    def transform(self, vectors: np.ndarray) -> np.ndarray:
        """Project float (n, d) to float32 (n, c), in chunks so that memory stays flat."""
        reduced = np.empty((len(vectors), len(self.components)), dtype=np.float32)
        for begin in range(0, len(vectors), _CHUNK):
            chunk = self._prepared(np.asarray(vectors[begin : begin + _CHUNK]))
            reduced[begin : begin + _CHUNK] = (chunk - self.center) @ self.components.T
        return reduced

    def _prepared(self, vectors: np.ndarray) -> np.ndarray:
        scaled = (vectors.astype(np.float32) - self.mean) / self.scale
        return unit_length(scaled) if self.normalise else scaled


def fit_basis(
    vectors: np.ndarray, *, components: int = 50, scaling: str = "zscore", normalise: bool = True, seed: int = 0
) -> Basis:
    """Fit scaling and randomised PCA (Halko et al. 2011, as in scikit-learn) on at most `FIT_ROWS` rows.

    Parameters
    ----------
    vectors : float (n, d), n at least 2.
    components : number of axes, cut to min(n, d).
    scaling : ``center`` or ``zscore``; a constant dimension is left at its scale.
    normalise : divide scaled vectors by their length first.
    seed : of the row sample and of the randomised solver.

    Examples
    --------
    >>> import numpy as np
    >>> basis = fit_basis(np.random.default_rng(0).normal(size=(100, 8)), components=3)
    >>> basis.transform(np.zeros((2, 8))).shape
    (2, 3)
    """
    from sklearn.decomposition import PCA

    mean, scale = column_statistics(vectors, scaling=scaling)
    rows = np.arange(len(vectors))
    if len(rows) > FIT_ROWS:
        rows = np.sort(np.random.default_rng(seed).choice(len(rows), FIT_ROWS, replace=False))
    chosen = np.asarray(vectors[rows], dtype=np.float32)
    prepared = (chosen - mean) / scale
    prepared = unit_length(prepared) if normalise else prepared
    count = min(components, *prepared.shape)
    with np.errstate(invalid="ignore"):  # all vectors equal: the share of no variance is 0/0
        pca = PCA(count, svd_solver="randomized", random_state=seed).fit(prepared)
    explained = np.nan_to_num(pca.explained_variance_ratio_)
    center, axes = pca.mean_.astype(np.float32), pca.components_.astype(np.float32)
    return Basis(mean, scale, center, axes, explained.astype(np.float32), normalise)


def configured_basis(vectors: np.ndarray, config: ClusterConfig) -> Basis:
    """Fit the reduction that a clustering's configuration asks for; see `fit_basis`."""
    return fit_basis(
        vectors, components=config.components, scaling=config.scaling, normalise=config.normalise, seed=config.seed
    )
