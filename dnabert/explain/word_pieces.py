"""Pieces of words that a cluster has more often than other windows: what an off-the-shelf model reads in place of DNA.

A tokenizer of English cuts a word of DNA into pieces of its vocabulary, and some of these are words: ``tag``, ``cat``,
``gaga``. A window has a piece where the letters stand in the frame in which it was cut, so that windows of one piece
have little else in common.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dnabert.alphabet import reverse_complement
from dnabert.corpus.shuffle import shuffle_dinucleotides
from dnabert.explain.correction import benjamini_hochberg
from dnabert.explain.loci import loci
from dnabert.explain.many_terms import LEAST, many_terms_enrichment

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

    from dnabert.explain.windows import ClusteredWindows

COLUMN = "word_piece"
#: Windows of a cluster at most that are shuffled, each of another place; of fewer each is shuffled several times, to
#: about as many.
_SHUFFLED = 1_000
_ALPHA = 0.05
_CHUNK = 4_096


def word_piece_enrichment(windows: ClusteredWindows, *, seed: int = 0) -> list[dict[str, Any]]:
    """Pieces of words against the rest of the windows, and against the cluster's own windows shuffled; see
    `many_terms_enrichment`.

    A piece of A and T stands in any AT-rich window. So up to 1,000 of a cluster's windows, one of each place, are
    shuffled with their dinucleotides kept and cut into pieces anew, few windows several times: what composition alone
    gives.

    Parameters
    ----------
    windows : with ``pieces``; of other encoders there are no rows.

    Returns
    -------
    Rows as of `enrichment`, with the column ``word_piece``, and of each that says more than elsewhere (q at most 0.05)
    ``share_shuffled``, ``p_shuffled`` (Fisher's exact, one-sided: more in the windows) and ``q_shuffled`` (over these
    rows); of others they are None.
    """
    if windows.pieces is None or not len(windows.clusters):
        return []
    holds = _in_chunks(windows, np.arange(len(windows)))
    frequent = np.asarray(holds.sum(axis=0)).ravel()
    varied = np.flatnonzero((frequent >= LEAST) & (frequent <= len(windows) - LEAST))
    names = [windows.pieces.names[piece] for piece in varied]
    rows = many_terms_enrichment(
        windows, holds[:, varied], column=COLUMN, names=names, known=np.ones(len(windows), bool)
    )
    locus = loci(windows.places)
    place = dict(zip(names, varied.tolist(), strict=True))
    rows = [row | {"share_shuffled": None, "p_shuffled": None, "q_shuffled": None} for row in rows]
    more = [row for row in rows if row["q"] is not None and row["q"] <= _ALPHA and row["share"] > row["share_rest"]]
    for label in sorted({row["label"] for row in more}):
        own = [row for row in more if row["label"] == label]
        _add_shuffled(
            own, windows, _one_of_each(windows.members(label), locus, seed=seed), holds=holds, place=place, seed=seed
        )
    for row, q in zip(more, benjamini_hochberg([row["p_shuffled"] for row in more]).tolist(), strict=True):
        row["q_shuffled"] = q
    return rows


def _add_shuffled(
    rows: list[dict[str, Any]],
    windows: ClusteredWindows,
    chosen: NDArray[np.int64],
    *,
    holds: csr_matrix,
    place: dict[str, int],
    seed: int,
) -> None:
    from scipy.stats import hypergeom

    n, times = len(chosen), -(-_SHUFFLED // len(chosen))
    real = np.asarray(holds[chosen].sum(axis=0)).ravel()
    rounds = [_in_chunks(windows, chosen, seed=seed + time).sum(axis=0) for time in range(times)]
    shuffled = np.sum(rounds, axis=0).ravel()
    for row in rows:
        piece = place[row["term"]]
        row["share_shuffled"] = float(shuffled[piece] / (n * times))
        row["p_shuffled"] = float(hypergeom.sf(real[piece] - 1, n * (1 + times), int(real[piece] + shuffled[piece]), n))


def _one_of_each(members: NDArray[np.int64], locus: NDArray[np.int64], *, seed: int) -> NDArray[np.int64]:
    """Windows of different places, at most `_SHUFFLED`, ascending."""
    first = members[np.unique(locus[members], return_index=True)[1]]
    if len(first) > _SHUFFLED:
        first = np.random.default_rng(seed).choice(first, _SHUFFLED, replace=False)
    return np.sort(first)


def _in_chunks(windows: ClusteredWindows, rows: NDArray[np.int64], *, seed: int | None = None) -> csr_matrix:
    """Pieces in windows, sparse bool (m, pieces), as their encoder read them; with a `seed` shuffled."""
    from scipy.sparse import vstack

    assert windows.pieces is not None
    parts = []
    for begin in range(0, len(rows), _CHUNK):
        own = rows[begin : begin + _CHUNK]
        bases = windows.sequences(own)
        if seed is not None:
            bases = np.asarray(shuffle_dinucleotides(bases, rows=own, seed=seed))
        if "strand" in windows.table:
            reverse = (windows.table["strand"].to_numpy()[own] == "-")[:, None]
            bases = np.where(reverse, reverse_complement(bases), bases)
        parts.append(windows.pieces.held(bases))
    return vstack(parts, format="csr")
