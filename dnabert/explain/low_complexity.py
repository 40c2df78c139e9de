"""How much of a sequence is simple: runs, short tandem repeats, anything with few different triplets."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

#: Window, in bases, and score above which it is simple: those of DUST (Morgulis et al. 2006, BLAST's `dustmasker`).
WINDOW = 64
THRESHOLD = 2.0
#: Distance between windows, in bases; dustmasker moves by one, a quarter of the window loses little.
STEP = 16
_ROWS = 4_096
#: Letters that simple stretches are mostly of, as read on either strand; how much of them, and how much more than of
#: any others.
_LETTERS = {"A": b"A", "C": b"C", "A and C": b"AC", "A and G": b"AG", "A and T": b"AT", "C and G": b"CG"}
_MOSTLY, _AHEAD = 0.7, 0.1
_COMPLEMENT = bytes.maketrans(b"ACGT", b"TGCA")
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


def simple_letters(bases: np.ndarray) -> dict[str, str | float] | None:
    """The letter, or the two letters, that simple stretches mostly are of, as poly-A, microsatellites, polypurine and
    AT-rich stretches are.

    Each simple 64-base window is read on the strand that has more of them. The mean over these windows is at least 0.7
    of one letter, or 0.7 of two and 0.1 more than of any other two (of random sequence two letters are 0.5 to 0.6).

    Parameters
    ----------
    bases : uint8 ASCII (n, L), either case.

    Returns
    -------
    ``letters`` (as ``A and C``, which is G and T on the other strand) and ``share``; None where none are most of them.

    Examples
    --------
    >>> import numpy as np
    >>> found = simple_letters(np.frombuffer(b"GTGTGTGTAT" * 20, dtype=np.uint8)[None])
    >>> found["letters"], round(found["share"], 1)
    ('A and C', 0.9)
    """
    bases = np.atleast_2d(bases) & 0xDF  # upper case
    total, windows = dict.fromkeys(_LETTERS, 0.0), 0
    for begin, end, simple in _simple_windows(bases):
        letters = bases[simple, begin:end]
        windows += len(letters)
        for name, of in _LETTERS.items():
            strands = [np.isin(letters, list(each)).mean(axis=1) for each in (of, of.translate(_COMPLEMENT))]
            total[name] += float(np.maximum(*strands).sum())
    share = {name: count / max(windows, 1) for name, count in total.items()}
    for count in (1, 2):
        second, first = sorted((name for name, of in _LETTERS.items() if len(of) == count), key=share.__getitem__)[-2:]
        if share[first] >= max(_MOSTLY, share[second] + _AHEAD):
            return {"letters": first, "share": share[first]}
    return None


def _share(bases: np.ndarray) -> np.ndarray:
    inside = np.zeros(bases.shape, dtype=bool)
    for begin, end, simple in _simple_windows(bases):
        inside[simple, begin:end] = True
    return inside.mean(axis=1, dtype=np.float32) if bases.shape[1] else np.zeros(len(bases), dtype=np.float32)


def _simple_windows(bases: np.ndarray) -> Iterator[tuple[int, int, np.ndarray]]:
    """Windows: from which base to which, and the rows in which they are simple, bool (n,)."""
    length = bases.shape[1]
    if length < 4:
        return
    codes = _CODES[bases]
    triplets = np.minimum(16 * codes[:, :-2] + 4 * codes[:, 1:-1] + codes[:, 2:], 64)
    width = min(WINDOW, length)
    for start in sorted({*range(0, length - width + 1, STEP), length - width}):
        yield start, start + width, dust_score(triplets[:, start : start + width - 2]) > THRESHOLD


def dust_score(triplets: np.ndarray) -> np.ndarray:
    """DUST's score of each row: int (n, t) triplet numbers 0 to 63, 64 = not to be counted; float (n,)."""
    n, width = triplets.shape
    counts = np.bincount((np.arange(n)[:, None] * 65 + triplets).ravel(), minlength=65 * n).reshape(n, 65)[:, :64]
    return (counts * (counts - 1) / 2).sum(axis=1) / max(width - 1, 1)
