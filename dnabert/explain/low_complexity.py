"""How much of a sequence is simple: runs, short tandem repeats, anything with few different triplets."""

from __future__ import annotations

import numpy as np

#: Window, in bases, and score above which it is simple: those of DUST (Morgulis et al. 2006, BLAST's `dustmasker`).
WINDOW = 64
THRESHOLD = 2.0
#: Distance between windows, in bases; dustmasker moves by one, a quarter of the window loses little.
STEP = 16
_ROWS = 4_096
_CODES = np.full(256, 64, dtype=np.int64)
for _number, _letters in enumerate(("Aa", "Cc", "Gg", "TtUu")):
    for _letter in _letters:
        _CODES[ord(_letter)] = _number


def low_complexity(bases: np.ndarray) -> np.ndarray:
    """Share of bases inside a simple 64-base window.

    A window's score is DUST's: the sum over triplets of c(c - 1)/2, for c occurrences of each, divided by the number
    of triplets less one; random DNA scores about 0.5, poly-A 31. Triplets with a base other than A, C, G, T are left
    out. Windows stand every 16 bases, and at the end; a sequence shorter than 64 is one window.

    Parameters
    ----------
    bases : uint8 ASCII (n, L), either case.

    Returns
    -------
    float32 (n,), 0 to 1.

    Examples
    --------
    >>> import numpy as np
    >>> low_complexity(np.frombuffer(b"A" * 128, dtype=np.uint8)[None]).tolist()
    [1.0]
    """
    bases = np.atleast_2d(bases)
    chunks = [_share(bases[begin : begin + _ROWS]) for begin in range(0, len(bases), _ROWS)]
    return np.concatenate(chunks) if chunks else np.zeros(0, dtype=np.float32)


def _share(bases: np.ndarray) -> np.ndarray:
    n, length = bases.shape
    if length < 4:
        return np.zeros(n, dtype=np.float32)
    codes = _CODES[bases]
    triplets = np.minimum(16 * codes[:, :-2] + 4 * codes[:, 1:-1] + codes[:, 2:], 64)
    width = min(WINDOW, length)
    simple = np.zeros((n, length), dtype=bool)
    for start in sorted({*range(0, length - width + 1, STEP), length - width}):
        simple[dust_score(triplets[:, start : start + width - 2]) > THRESHOLD, start : start + width] = True
    return simple.mean(axis=1, dtype=np.float32)


def dust_score(triplets: np.ndarray) -> np.ndarray:
    """DUST's score of each row: int (n, t) triplet numbers 0 to 63, 64 = not to be counted; float (n,)."""
    n, width = triplets.shape
    counts = np.bincount((np.arange(n)[:, None] * 65 + triplets).ravel(), minlength=65 * n).reshape(n, 65)[:, :64]
    return (counts * (counts - 1) / 2).sum(axis=1) / max(width - 1, 1)
