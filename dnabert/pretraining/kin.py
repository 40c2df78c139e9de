"""Which windows lie elsewhere and share words all the same: copies of one repeat, told without labels, a library or an
alignment."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from dnabert.corpus.view import WindowView, evenly_spread
from dnabert.encoders.latent_kmers import LatentKmers
from dnabert.encoders.nearest import Places, nearest_other
from dnabert.pretraining.near_copies import sharing_hashes, sketch

FILE = "kin.safetensors"
#: Bases of a word, and how many different ones relatives have in common, on whichever strands. Of windows of apes_chr22
#: and others with much the same words (`_candidates`), 95 % of the pairs that Smith and Waterman's alignment scores 60
#: or more (+2, -3, gaps 5 and 2) share so many, and 1 % of those that it scores less than 45.
_WORD, _SHARED = 11, 8
#: Windows with the most similar vectors that are looked at, and relatives among them that are kept.
_LOOKED_AT, _KEPT = 12, 6
#: Windows of a genome that are compared, evenly spread, and windows that the vectors are fitted on: the time grows with
#: the square.
_MOST = 30_000


@dataclass(frozen=True)
class Kin:
    """Relatives of windows.

    Attributes
    ----------
    rows : int64 (m,), ascending, windows that have some, as rows of a view.
    others : int64 (m, 6), their relatives, the most similar first, -1 where there are fewer.
    """

    rows: NDArray[np.int64]
    others: NDArray[np.int64]

    def save(self, folder: Path) -> None:
        """Write them into a run's folder."""
        save_file({"rows": self.rows, "others": self.others}, folder / FILE)

    @classmethod
    def load(cls, folder: Path) -> Kin | None:
        """Read what `save` wrote; None where it is not there, or damaged."""
        try:
            saved = load_file(folder / FILE)
            return cls(saved["rows"], saved["others"])
        except (OSError, KeyError, SafetensorError):
            return None

    def drawn(self, rows: NDArray[np.int64], draws: NDArray[np.uint64]) -> NDArray[np.int64]:
        """A relative of each of `rows` (B,), by random numbers (B,); the window itself where it has none."""
        if not len(self.rows):
            return rows
        at = np.minimum(np.searchsorted(self.rows, rows), len(self.rows) - 1)
        number = np.maximum((self.others[at] >= 0).sum(axis=1), 1)
        chosen = self.others[at, (draws % number.astype(np.uint64)).astype(np.int64)]
        return np.where(self.rows[at] == rows, chosen, rows)


def find_kin(view: WindowView, *, seed: int = 0) -> Kin:
    """Find relatives of each window in its own genome.

    Candidates have much the same words by latent semantic analysis of 8-mers; a relative is one that shares eight
    different 11-mers, on whichever strands. Windows of the same orthologous block and overlapping ones are none: they
    are the same place. Of each genome at most 30,000 windows, evenly spread, are compared; the others have none.

    Parameters
    ----------
    view : n windows.
    seed : of the analysis.
    """
    from dnabert.pretraining.kernels import count_shared  # numba, for those alone who ask for relatives

    genome, names = view.coded("genome")
    blocks, starts, ends = (view.column(name) for name in ("block", "start", "end"))
    chromosomes, _ = view.coded("chrom")
    found = [(np.zeros(0, dtype=np.int64), np.zeros((0, _KEPT), dtype=np.int64))]
    for number in range(len(names)):
        rows = np.flatnonzero(genome == number)
        rows = rows[evenly_spread(len(rows), most=_MOST)]
        if len(rows) < 2:
            continue
        bases = view.bases(rows)
        candidates = _candidates(
            bases, Places(*(column[rows] for column in (blocks, chromosomes, starts, ends))), seed=seed
        )
        related = count_shared(_words(bases), candidates) >= _SHARED
        order = np.argsort(~related, axis=1, kind="stable")[:, :_KEPT]  # the most similar first
        kept = np.where(np.take_along_axis(related, order, 1), rows[np.take_along_axis(candidates, order, 1)], -1)
        some = related.any(axis=1)
        found.append((rows[some], kept[some]))
    rows, others = (np.concatenate(each) for each in zip(*found, strict=True))
    order = np.argsort(rows)
    return Kin(rows[order], others[order])


def share_words(bases: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Which windows of a batch are relatives of each other, or copies: bool (n, n), false on the diagonal.

    Parameters
    ----------
    bases : uint8 ASCII (n, L).
    """
    words, sizes = sketch(bases, word=_WORD, most=bases.shape[1])
    return sharing_hashes(words, sizes, needed=np.full(len(bases), _SHARED, dtype=np.int64))


def still_kin(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Whether views, moved and mutated as they are, share enough words: row i of uint8 ASCII (n, L) with row i, bool
    (n,)."""
    from dnabert.pretraining.kernels import count_shared

    partner = np.arange(len(first), 2 * len(first), dtype=np.int32)[:, None]
    return count_shared(_words(np.concatenate([first, second])), partner)[:, 0] >= _SHARED


def _words(bases: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """Hashes of each window's words, each once, ascending, the rest filled with the largest number: uint64 (n, L)."""
    words, sizes = sketch(bases, word=_WORD, most=bases.shape[1])
    return np.where(np.arange(words.shape[1]) < sizes[:, None], words, np.uint64(2**64 - 1))


def _candidates(bases: NDArray[np.uint8], places: Places, *, seed: int) -> NDArray[np.int32]:
    """The windows of other places with the most similar words: int32 (n, up to 12), -1 where there are fewer."""
    counting = LatentKmers(8, seed=seed)
    counting.fit(bases)
    return nearest_other(counting.encode(bases), places, k=_LOOKED_AT)
