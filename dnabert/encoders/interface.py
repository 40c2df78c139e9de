"""What every encoder can do, and what some can do besides."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from dnabert.encoders.arrays import Bases

if TYPE_CHECKING:
    from dnabert.encoders.transformer import Pooling, TransformerEncoder


class Encoder(Protocol):
    """What turns sequences into vectors."""

    name: str
    """Says what it is, versions included where they matter."""
    dimension: int
    """Length of a vector."""
    minimum_length: int
    """Fewest bases of a sequence that can be read."""

    def encode(self, bases: Bases) -> NDArray[np.float32]:
        """Encode sequences.

        Parameters
        ----------
        bases : uint8 ASCII (n, L), or a list of n arrays (L_i,).

        Returns
        -------
        float32 (n, dimension), in the order of the input; a vector depends on its own sequence alone (to rounding).

        Raises
        ------
        UserError
            when a sequence is shorter than `minimum_length`.
        ValueError
            for text, or arrays of another kind.
        """
        ...


@runtime_checkable
class FittedEncoder(Encoder, Protocol):
    """An encoder that is fitted, without labels, on sequences like those that it is to encode, before it can."""

    fit_sequences: int
    """Most sequences that `fit` takes: of more some are left out."""
    learns_directions: bool
    """It has directions that bend to what it is fitted on, so that other sequences lie farther off."""

    def fit(self, bases: Bases) -> None:
        """Fit on sequences."""
        ...

    def save(self, folder: Path) -> None:
        """Write what was fitted into a folder."""
        ...

    def load(self, folder: str | Path) -> None:
        """Read what `save` wrote."""
        ...


class ModelReader(Encoder, Protocol):
    """An encoder whose vectors come from a model's states: `TransformerEncoder` and what is made of one."""

    encoder: TransformerEncoder
    """The model."""

    @property
    def pooling(self) -> Pooling:
        """What is to be made of a sequence's states."""
        ...

    def of_pooled(self, pooled: NDArray[np.float32]) -> NDArray[np.float32]:
        """Vectors float32 (n, dimension) of that."""
        ...


def fitted_on(encoder: Encoder, bases: Bases) -> Encoder:
    """The encoder, fitted if it is one that has to be."""
    if isinstance(encoder, FittedEncoder):
        encoder.fit(bases)
    return encoder


def not_fitted(encoder: Encoder) -> ValueError:
    """What to raise where an encoder is to encode, or be saved, and was not fitted."""
    return ValueError(
        f"{encoder.name} was not fitted: call fit(bases) with many sequences like those that it is to encode, as "
        "dnabert.embed does"
    )
