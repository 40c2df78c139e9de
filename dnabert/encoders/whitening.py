"""Whitening: directions in which vectors hardly differ count for more, so that one loud direction does not decide who
is near.

After Su et al. (2021), `Whitening sentence representations for better semantics and faster retrieval
<https://arxiv.org/abs/2103.15316>`_, with a power between nothing and all of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dnabert.encoders.arrays import Bases
from dnabert.encoders.interface import Encoder
from dnabert.errors import UserError

FILE = "whitening.safetensors"
#: Least share of the largest spread that a direction is taken to have: what is less is rounding.
_LEAST = 1e-4
#: Widest vectors whose axes are found: of the 32,896 dimensions of kmer:8 each of several matrices would hold 8.7 GB.
_WIDEST = 10_000
#: Vectors per dimension from which their covariance is taken as it is; of fewer, the quietest axes are quiet by chance.
_ENOUGH = 10


@dataclass(frozen=True)
class Whitening:
    """A fitted whitening: subtract, then multiply.

    Attributes
    ----------
    mean : float32 (d,).
    matrix : float32 (d, d), symmetric, so that whitened dimensions stay as near to the old ones as they can.
    """

    mean: NDArray[np.float32]
    matrix: NDArray[np.float32]

    def __call__(self, vectors: NDArray[np.floating]) -> NDArray[np.float32]:
        """Whiten float (n, d) to float32 (n, d)."""
        return np.asarray((vectors - self.mean) @ self.matrix, dtype=np.float32)

    def save(self, folder: Path) -> None:
        """Write it into a folder."""
        from safetensors.numpy import save_file

        save_file({"mean": self.mean, "matrix": self.matrix}, folder / FILE)


def load_whitening(folder: str | Path) -> Whitening:
    """Read what `Whitening.save` wrote.

    Raises
    ------
    UserError
        when it is not there or damaged.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        return Whitening(**load_file(Path(folder) / FILE))
    except (OSError, TypeError, SafetensorError) as error:
        raise UserError(f"cannot read {Path(folder) / FILE} ({error}): embed and cluster again") from None


def check_width(encoder: Encoder) -> None:
    """Raise `UserError` where an encoder's vectors are too wide to be whitened."""
    if encoder.dimension > _WIDEST:
        raise UserError(
            f"--whiten: vectors of {encoder.name} have {encoder.dimension:,} dimensions, allowed is {_WIDEST:,}: leave "
            "it out, or take shorter words or lsa:8"
        )


def white_columns(encoder: Encoder) -> NDArray[np.bool_]:
    """Columns of an encoder's vectors that are principal axes of unit spread as they come, and are left so: bool
    (dimension,); what the encoder says in ``white``, else none."""
    return np.asarray(getattr(encoder, "white", np.zeros(encoder.dimension, dtype=bool)))


def fit_whitening(vectors: NDArray[np.floating], *, power: float, white: NDArray[np.bool_] | None = None) -> Whitening:
    """Fit a whitening.

    Of fewer than ten vectors per dimension the covariance is shrunk first, by as much as they call for (Ledoit and Wolf
    2004): an axis along which few vectors happen not to differ would otherwise be all that is left of others.

    Parameters
    ----------
    vectors : float (n, d), n at least 2.
    power : each principal axis is divided by its standard deviation to this power: 0 only centres, 1 makes all axes
        alike.
    white : columns that are only centred, bool (d,); see `white_columns`. Axes are those of the others.

    Examples
    --------
    >>> vectors = np.random.default_rng(0).normal(size=(5000, 2)) * [10.0, 0.1]
    >>> fit_whitening(vectors, power=1.0)(vectors).std(axis=0).round(2).tolist()
    [1.0, 1.0]
    """
    mean = vectors.mean(axis=0, dtype=np.float64)
    matrix = np.eye(vectors.shape[1])
    others = np.arange(vectors.shape[1]) if white is None else np.flatnonzero(~white)
    if len(others):
        variance, axes = np.linalg.eigh(_covariance((vectors - mean)[:, others]))
        spread = np.sqrt(np.maximum(variance, 0))
        spread = np.maximum(spread, max(_LEAST * spread[-1], np.finfo(np.float32).tiny))
        matrix[np.ix_(others, others)] = (axes * spread**-power) @ axes.T
    return Whitening(mean.astype(np.float32), matrix.astype(np.float32))


def _covariance(centred: NDArray[np.floating]) -> NDArray[np.float64]:
    n, dimension = centred.shape
    if n >= _ENOUGH * dimension:
        return np.asarray(centred.T @ centred / (n - 1))
    from sklearn.covariance import ledoit_wolf

    return np.asarray(ledoit_wolf(centred, assume_centered=True)[0])


class WhitenedEncoder:
    """An encoder whose vectors are whitened; see `Encoder`."""

    def __init__(self, encoder: Encoder, whitening: Whitening) -> None:
        self._encoder = encoder
        self._whitening = whitening
        self.name = f"{encoder.name}, whitened"
        self.dimension = encoder.dimension
        self.minimum_length = encoder.minimum_length

    def encode(self, bases: Bases) -> NDArray[np.float32]:
        """Encode and whiten."""
        return self._whitening(self._encoder.encode(bases))
