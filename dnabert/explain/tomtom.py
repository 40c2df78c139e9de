"""Which known motif does a motif look like? Tomtom (Gupta et al. 2007) as memelite computes it."""

from __future__ import annotations

import importlib.util
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from dnabert.compilation import import_compiled
from dnabert.errors import UserError
from dnabert.explain.correction import benjamini_hochberg
from dnabert.explain.meme import Motif


def compare_motifs(
    motifs: Sequence[Motif], known: Sequence[Motif], *, most: int = 3, alpha: float = 0.05
) -> list[dict[str, Any]]:
    """Matches of each motif among known ones, such as a JASPAR file, on either strand.

    Tomtom's background is made of the columns of `known`: with few of them (memelite warns below 25, MEME's tomtom
    below 50) its p-values are rough, which ``n_known`` lets a reader judge. The first use after an installation takes a
    minute of compiling, later ones milliseconds.

    Parameters
    ----------
    motifs, known : as `read_meme` gives them.
    most : matches per motif at most, the best first.
    alpha : largest q of a match; q is Benjamini-Hochberg's over all pairs of a motif and a known one.

    Returns
    -------
    list of dict: ``motif``, ``known``, ``alternate``, ``p``, ``q``, ``strand`` (``-``: the known motif is read from its
    other strand), ``offset`` (0-based column of the known motif, so read, under the motif's first; negative when the
    motif begins before it), ``overlap`` (columns) and ``n_known``.

    Raises
    ------
    UserError
        when memelite is not installed.
    """
    if missing := missing_tomtom():
        raise UserError(missing)
    if not motifs or not known:
        return []
    tomtom = import_compiled("memelite").tomtom
    with warnings.catch_warnings():  # the caller gets n_known
        warnings.filterwarnings("ignore", message=".*target motifs.*")
        p, _, offsets, overlaps, strands = tomtom(
            [each.matrix.T for each in motifs], [each.matrix.T for each in known], n_jobs=1
        )
    p = np.clip(np.asarray(p, dtype=np.float64), 0, 1)
    q = benjamini_hochberg(p)
    rows = []
    for i, motif in enumerate(motifs):
        for j in [j for j in np.argsort(p[i], kind="stable").tolist() if q[i, j] <= alpha][:most]:
            row = {"motif": motif.name, "known": known[j].name, "alternate": known[j].alternate}
            row |= {"p": float(p[i, j]), "q": float(q[i, j]), "offset": int(offsets[i, j])}
            rows.append(
                row | {"overlap": int(overlaps[i, j]), "strand": "+-"[int(strands[i, j])], "n_known": len(known)}
            )
    return rows


def missing_tomtom() -> str | None:
    """Why motifs cannot be compared, with the mend; None when they can."""
    if importlib.util.find_spec("memelite") is not None:
        return None
    return "comparing motifs with a motif file needs memelite, which is not installed: pip install 'dnabert[explain]'"
