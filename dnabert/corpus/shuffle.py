"""Sequences shuffled so that every pair of neighbouring bases stays as frequent as it was: the null of a finding.

What a model or a clustering still shows on these is composition, not order.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray


@overload
def shuffle_dinucleotides(
    bases: NDArray[np.uint8], *, rows: NDArray[np.integer], seed: int = 0
) -> NDArray[np.uint8]: ...


@overload
def shuffle_dinucleotides(
    bases: Sequence[NDArray[np.uint8]], *, rows: NDArray[np.integer], seed: int = 0
) -> list[NDArray[np.uint8]]: ...


def shuffle_dinucleotides(
    bases: NDArray[np.uint8] | Sequence[NDArray[np.uint8]], *, rows: NDArray[np.integer], seed: int = 0
) -> NDArray[np.uint8] | list[NDArray[np.uint8]]:
    """Shuffle each sequence with its exact dinucleotide counts (Altschul & Erickson 1985).

    Parameters
    ----------
    bases : uint8 (n, L), ASCII, or n such arrays of any lengths; upper and lower case are letters of their own, so that
        soft-masking keeps its share.
    rows : int (n,), a number per sequence: with `seed` it determines the shuffle, whatever else is in the batch.

    Returns
    -------
    uint8 (n, L), or a list: each row is a uniform draw among the orders with the same dinucleotides, first and last
    base.

    Examples
    --------
    >>> text = np.frombuffer(b"ACGTACGATTACA", dtype=np.uint8)[None]
    >>> shuffled = shuffle_dinucleotides(text, rows=np.array([0]))[0].tobytes()
    >>> pairs = lambda s: sorted(s[i : i + 2] for i in range(len(s) - 1))
    >>> shuffled != text.tobytes(), pairs(shuffled) == pairs(text.tobytes())
    (True, True)
    """
    result: Any = np.empty_like(bases) if isinstance(bases, np.ndarray) else list(bases)
    for index, (row, sequence) in enumerate(zip(np.asarray(rows).tolist(), bases, strict=True)):
        result[index] = _shuffled(sequence, np.random.default_rng((seed, row)))
    return result


def _shuffled(sequence: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    from dnabert.corpus.shuffle_kernel import successors, walk  # numba, for those alone who shuffle

    if len(sequence) < 3:
        return sequence
    following, ends, letters = successors(sequence)
    of_letter, begin = {}, 0
    for letter, end in zip(letters.tolist(), ends[letters].tolist(), strict=True):
        of_letter[letter], begin = following[begin:end], end  # views
    last = _last_edges(of_letter, end=int(sequence[-1]), rng=rng)
    for letter, own in of_letter.items():
        if letter in last:  # the edge that leads towards the end is taken last
            first = int((own == last[letter]).argmax())
            own[first:-1] = own[first + 1 :].copy()
            own[-1] = last[letter]
            own = own[:-1]
        rng.shuffle(own)
    return walk(following, ends, int(sequence[0]))


def _last_edges(successors: dict[int, NDArray[np.uint8]], *, end: int, rng: np.random.Generator) -> dict[int, int]:
    """A random spanning tree towards `end`: letter to the letter it is left for last (Wilson 1996, walks without
    loops)."""
    tree: dict[int, int] = {}
    inside = {end}
    for letter in successors:
        here, step = letter, {}
        while here not in inside:
            step[here] = int(successors[here][rng.integers(len(successors[here]))])
            here = step[here]
        here = letter
        while here not in inside:
            inside.add(here)
            tree[here] = step[here]
            here = step[here]
    return tree
