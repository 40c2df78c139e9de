"""Which family of sequences a hit speaks for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

#: Two hits of one window are the same sequence when this share of the worse one lies under better ones.
_SAME = 0.5


def family_of(name: str) -> str:
    """Family of a sequence by its name: ``AluY#SINE/Alu`` (RepeatMasker) and ``ALU:AluYb8`` (tldr), else the name
    itself.

    Examples
    --------
    >>> [family_of(name) for name in ("AluY#SINE/Alu", "ALU:AluYb8", "chr1:1000-1400", "MER4")]
    ['SINE/Alu', 'ALU', 'chr1:1000-1400', 'MER4']
    """
    before, sign, after = name.partition("#")
    if sign and after:
        return after
    before, sign, after = name.partition(":")
    return before if before and after and not after[0].isdigit() else name


def separate_hits(hits: pd.DataFrame) -> pd.DataFrame:
    """Of hits of one window that lie on top of one another keep the best, as repeat annotation does.

    A hit is left out when at least half of its bases of the query lie under better hits (by bit score) that were kept.
    """
    ordered = hits.sort_values(["query", "bit_score", "subject"], ascending=[True, False, True], kind="stable")
    kept = []
    query = -1
    covered = np.zeros(0, dtype=bool)
    size = int(hits.query_end.max()) if len(hits) else 0
    for number, start, end in zip(
        ordered["query"].tolist(), ordered.query_start.tolist(), ordered.query_end.tolist(), strict=True
    ):
        if number != query:
            query, covered = number, np.zeros(size, dtype=bool)
        kept.append(bool(covered[start:end].mean() < _SAME))
        if kept[-1]:
            covered[start:end] = True
    return ordered[np.array(kept, dtype=bool)].reset_index(drop=True)
