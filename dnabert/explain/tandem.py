"""Tandem repeats: windows that repeat themselves, and after how many bases, read from the sequence alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dnabert.alphabet import codes
from dnabert.explain.terms import Terms

if TYPE_CHECKING:
    from dnabert.explain.windows import ClusteredWindows

COLUMN = "tandem_period"
#: Any period.
TANDEM = "tandem repeat"
#: Windows that must have a period for it to be a term.
_LEAST = 20
_CHUNK = 8_192


def tandem_period(bases: NDArray[np.uint8]) -> NDArray[np.int16]:
    """Period of the tandem repeat that holds about half of a sequence or more.

    A sequence is laid beside itself moved by each number of bases up to half its length, and the stretch that agrees best is sought
    (a match counts 2, anything else −3). It is a tandem repeat when that scores as much as three quarters of matches over so many
    bases that, with those it is moved by, half of the sequence is covered and at least one whole period returns (perfect copies
    may cover less); and 60 or more, which chance does not give. Of all periods the one counts whose stretch scores most, or the shortest that scores nine tenths as
    much: multiples agree too.

    Parameters
    ----------
    bases : uint8 ASCII (n, L), either case.

    Returns
    -------
    int16 (n,), in bases; 0 where nothing is repeated that far.

    Examples
    --------
    >>> rows = [b"CA" * 30, b"ACGTTGCATGCCATTAGACC" * 3, np.random.default_rng(0).choice(list(b"ACGT"), 60).astype(np.uint8).tobytes()]
    >>> tandem_period(np.frombuffer(b"".join(rows), dtype=np.uint8).reshape(3, 60)).tolist()
    [2, 20, 0]
    """
    from dnabert.explain.tandem_kernel import periods  # numba, for those alone who ask for periods

    return periods(codes(np.ascontiguousarray(bases)))


def tandem_terms(windows: ClusteredWindows) -> list[Terms]:
    """Terms of the column ``tandem_period``: ``tandem repeat`` for any, and periods that 20 windows have, as ``171 bp``.

    Copies lose and gain bases, so a period stands for those within a fiftieth of it too, the commonest first.
    """
    rows = np.arange(len(windows))
    parts = [tandem_period(windows.sequences(rows[begin : begin + _CHUNK])) for begin in range(0, len(rows), _CHUNK)]
    period = np.concatenate(parts) if parts else np.zeros(0, dtype=np.int16)
    names, values = [TANDEM], [period > 0]
    left = period.astype(np.int64)
    while (count := np.bincount(left)[1:]).max(initial=0) > 0:
        commonest = 1 + int(count.argmax())
        near = np.abs(left - commonest) <= commonest // 50
        left[near] = 0
        if near.sum() >= _LEAST:
            names.append(f"{commonest} bp")
            values.append(near)
    return [Terms(COLUMN, tuple(names), np.column_stack(values), np.ones(len(period), dtype=bool))]
