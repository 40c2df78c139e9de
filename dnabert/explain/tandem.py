"""Tandem repeats: windows that repeat themselves, and after how many bases, read from the sequence alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dnabert.alphabet import codes
from dnabert.explain.terms import Terms
from dnabert.progress import watched

if TYPE_CHECKING:
    from dnabert.explain.windows import ClusteredWindows

COLUMN = "tandem_period"
#: Any period.
TANDEM = "tandem repeat"
#: Longest period, in bases; windows that must have one for it to be a term; periods that are terms.
_LONGEST, _LEAST, _MOST = 500, 20, 50
_CHUNK = 8_192


def tandem_period(bases: NDArray[np.uint8]) -> NDArray[np.int16]:
    """Period of the tandem repeat that holds at least half of a sequence.

    A sequence is laid beside itself moved by each number of bases, up to half its length and 500, and the stretch that
    agrees best is sought (a match counts 2, anything else −3). It is a tandem repeat where three quarters of the
    stretch agree, the stretch and the bases it is moved by are half of the sequence, and at least one whole period
    returns. Of all periods the one counts whose stretch scores most, or the shortest that scores nine tenths as much:
    multiples agree too. Where all agree about as well, one base is nearly all there is, and the period 1 or none.

    Where no stretch is long enough and one is half as clear as it must be, a base may be lost or gained in it at a cost
    of 7: copies of a satellite do so every hundred bases or two. Copies that differ in more than a quarter of their
    bases are not seen.

    Parameters
    ----------
    bases : uint8 ASCII (n, L), either case.

    Returns
    -------
    int16 (n,), in bases; 0 where nothing is repeated that far.

    Examples
    --------
    >>> random = np.random.default_rng(0).choice(list(b"ACGT"), 60).astype(np.uint8)
    >>> rows = [b"CA" * 30, b"ACGTTGCATGCCATTAGACC" * 3, random.tobytes()]
    >>> tandem_period(np.frombuffer(b"".join(rows), dtype=np.uint8).reshape(3, 60)).tolist()
    [2, 20, 0]
    """
    from dnabert.explain.tandem_kernel import periods  # numba, for those alone who ask for periods

    return periods(codes(np.ascontiguousarray(bases)), _LONGEST)


def tandem_terms(windows: ClusteredWindows) -> list[Terms]:
    """Terms of the column ``tandem_period``: ``tandem repeat`` for any, and periods that 20 windows have, as ``171
    bp``.

    Copies lose and gain bases, so a period of 10 or more stands for those within a fiftieth of it too, or one base, the
    commonest first; at most 50 are terms.
    """
    rows = np.arange(len(windows))
    begins = watched(range(0, len(rows), _CHUNK), "tandem repeats", unit=f" times {_CHUNK:,} windows")
    parts = [tandem_period(windows.sequences(rows[begin : begin + _CHUNK])) for begin in begins]
    period = np.concatenate(parts) if parts else np.zeros(0, dtype=np.int16)
    names, values = [TANDEM], [period > 0]
    left = period.astype(np.int64)
    while (count := np.bincount(left)[1:]).max(initial=0) > 0:
        commonest = 1 + int(count.argmax())
        near = np.abs(left - commonest) <= (max(1, commonest // 50) if commonest >= 10 else 0)
        left[near] = 0
        if near.sum() >= _LEAST and len(names) <= _MOST:
            names.append(f"{commonest} bp")
            values.append(near)
    return [Terms(COLUMN, tuple(names), np.column_stack(values), np.ones(len(period), dtype=bool))]
