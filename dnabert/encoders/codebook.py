"""A model's states as words: each state is one of two thousand codes, or between a few, and sequences are told apart by
the codes that they hold.

The mean over a sequence's states dilutes what only a part of it has, such as fifty bases of an old repeat in a window
of 448. Counts of codes do not. As with visual words (Sivic and Zisserman 2003, `Video Google
<https://doi.org/10.1109/ICCV.2003.1238663>`_) a code that few sequences have weighs more, and codes that keep company
are one direction.

Shapes: B tiles, T tokens, D width of a state, K codes.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from dnabert.corpus.view import evenly_spread
from dnabert.encoders.arrays import Bases, pieces
from dnabert.encoders.encoder import CODEBOOK_FILE
from dnabert.encoders.interface import not_fitted
from dnabert.encoders.latent import LatentAnalysis
from dnabert.encoders.transformer import Pooling, TransformerEncoder
from dnabert.errors import UserError

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

#: Codes, and directions that counts of them are reduced to: eval/experiments.md has what others do.
_CODES, DIMENSION = 2_048, 128
#: A state is shared by its nearest codes, by a softmax of cosines over this temperature.
_SHARED_BY, _TEMPERATURE = 4, 0.1
#: States that codes are learned from, drawn from so many sequences; sequences that rarity and directions are learned
#: from.
_STATES, _SEQUENCES, _COUNTED = 100_000, 1_000, 5_000
#: States per code at least, where sequences are few.
_STATES_PER_CODE = 16
_ITERATIONS = 10


@dataclass(frozen=True)
class Codes:
    """Where codes lie among states that are z-scored by column and of unit length.

    Attributes
    ----------
    centres : float32 (K, D), each of unit length.
    mean, spread : float32 (D,), of states.
    """

    centres: Tensor
    mean: Tensor
    spread: Tensor

    @classmethod
    def fitted(cls, states: NDArray[np.float32], *, seed: int) -> Codes:
        """Learn codes by k-means from states (m, D)."""
        from sklearn.cluster import KMeans
        from sklearn.exceptions import ConvergenceWarning

        mean, spread = states.mean(axis=0), states.std(axis=0) + 1e-6
        scaled = (torch.from_numpy(states) - torch.from_numpy(mean)) / torch.from_numpy(spread)
        unit = functional.normalize(scaled, dim=1).numpy()
        codes = max(2, min(_CODES, len(unit) // _STATES_PER_CODE))
        # fewer different states than codes: some codes are empty
        with warnings.catch_warnings(action="ignore", category=ConvergenceWarning):
            found = KMeans(codes, init="random", n_init=1, max_iter=_ITERATIONS, random_state=seed).fit(unit)
        centres = functional.normalize(torch.from_numpy(found.cluster_centers_.astype(np.float32)), dim=1)
        return cls(centres, torch.from_numpy(mean), torch.from_numpy(spread))

    def to(self, device: torch.device) -> Codes:
        """The same on a device."""
        return Codes(self.centres.to(device), self.mean.to(device), self.spread.to(device))

    def shares(self, hidden_BTD: Tensor, is_word_BT: Tensor) -> Tensor:
        """How much of each tile's words each code has: float32 (B, K), rows that add up to 1."""
        unit = functional.normalize((hidden_BTD - self.mean) / self.spread, dim=-1)
        cosines, codes = (unit @ self.centres.T).topk(min(_SHARED_BY, len(self.centres)))
        shared = torch.softmax(cosines / _TEMPERATURE, dim=-1) * is_word_BT.unsqueeze(-1)
        empty = torch.zeros(len(unit), len(self.centres), device=unit.device)
        return empty.scatter_add_(1, codes.flatten(1), shared.flatten(1)) / is_word_BT.sum(dim=1, keepdim=True)


class CodebookEncoder:
    """A `FittedEncoder` of the specification ``codebook:MODEL``: latent semantic analysis of a model's codes.

    It is fitted without any label, by `dnabert.embed` on a corpus's training windows: `fit`, or `load` what `save`
    wrote.

    Parameters
    ----------
    encoder : the model, whose frames, strands and layer are read; its own pooling has no part in it.
    seed : of the states that are drawn, of k-means and of the directions.
    """

    def __init__(self, encoder: TransformerEncoder, *, seed: int = 0) -> None:
        self.encoder = encoder
        self.name = f"codebook of {encoder.name}"
        self.dimension = DIMENSION
        self.minimum_length = encoder.minimum_length
        self.fit_sequences = _COUNTED
        self.learns_directions = True
        self._seed = seed
        self._codes: Codes | None = None
        self._analysis: LatentAnalysis | None = None

    @property
    def pooling(self) -> Pooling:
        """The share of each code."""
        if self._codes is None:
            raise not_fitted(self)
        return Pooling(len(self._codes.centres), self._codes.to(self.encoder.device).shares)

    def fit(self, bases: Bases) -> None:
        """Learn codes, their rarity and the directions from sequences.

        Parameters
        ----------
        bases : uint8 ASCII (n, L), or n arrays of any lengths; n at least 2.
        """
        if len(bases) < 2:
            raise UserError(f"{self.name} needs two sequences or more to be fitted on: embed by the model alone")
        some = [bases[row] for row in evenly_spread(len(bases), most=_SEQUENCES)]
        states = self.encoder.drawn_states(some, most=_STATES, seed=self._seed)
        if not np.isfinite(states).all():
            raise UserError(
                f"{self.encoder.name} gives states that are no numbers: "
                "its weights are damaged, or it diverged: train it again"
            )
        self._codes = Codes.fitted(states, seed=self._seed)
        counted = [bases[row] for row in evenly_spread(len(bases), most=_COUNTED)]
        self._analysis = LatentAnalysis.fitted(self._shares(counted), dimension=self.dimension, seed=self._seed)

    def encode(self, bases: Bases) -> NDArray[np.float32]:
        """Encode sequences; see `Encoder.encode`."""
        return self.of_pooled(self._shares(bases))

    def of_pooled(self, pooled: NDArray[np.float32] | csr_matrix) -> NDArray[np.float32]:
        """Vectors float32 (n, 128) of what `pooling` gives, float32 (n, K)."""
        if self._analysis is None:
            raise not_fitted(self)
        from scipy.sparse import csr_matrix

        return self._analysis(csr_matrix(pooled))

    def save(self, folder: Path) -> None:
        """Write what was fitted into a folder."""
        from safetensors.numpy import save_file

        if self._codes is None or self._analysis is None:
            raise not_fitted(self)
        codes = {name: getattr(self._codes, name).numpy() for name in ("centres", "mean", "spread")}
        save_file({**codes, "matrix": self._analysis.matrix}, folder / CODEBOOK_FILE)

    def load(self, folder: str | Path) -> None:
        """Read what `save` wrote.

        Raises
        ------
        UserError
            when it is not there, damaged, or of another model.
        """
        from safetensors import SafetensorError
        from safetensors.numpy import load_file

        path, width = Path(folder) / CODEBOOK_FILE, self.encoder.dimension
        try:
            saved = load_file(path)
            codes = Codes(*(torch.from_numpy(saved[name]) for name in ("centres", "mean", "spread")))
            shapes = [tuple(saved[name].shape) for name in ("centres", "mean", "spread", "matrix")]
            number = len(codes.centres)
            if shapes != [(number, width), (width,), (width,), (1 + self.dimension, number)]:
                raise KeyError(f"its parts are {shapes}")
        except (OSError, KeyError, SafetensorError) as error:
            raise UserError(f"cannot read {path} ({error}): embed and cluster again") from None
        self._codes, self._analysis = codes, LatentAnalysis(saved["matrix"])

    def _shares(self, bases: Bases) -> csr_matrix:
        """Shares of codes, sparse (n, K); most are 0, and of many sequences at once a dense table would fill the
        memory."""
        from scipy.sparse import csr_matrix, vstack

        pooling = self.pooling
        found = [csr_matrix(self.encoder.read(bases[piece], [pooling])[0]) for piece in pieces(bases)]
        return vstack(found, format="csr") if found else csr_matrix((0, pooling.dimension), dtype=np.float32)
