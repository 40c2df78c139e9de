"""The windows' bases for the browser: two bits a base, and beside them where they are soft-masked or unknown."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnabert.alphabet import UNKNOWN, codes

#: What the bases of a page may take, packed; as text they take a third more. With it the page of 200,000 windows still
#: passes by e-mail (25 MB); above 80,000 windows of 448 bp each shows its middle only, and the page says so.
MAXIMUM_BYTES = 9_000_000

_LONGEST = 65_532  # bounds of stretches have two bytes
_CHUNK = 20_000  # windows read at once: 9 MB of letters

Read = Callable[[NDArray[np.integer]], NDArray[np.uint8]]


def pack_sequences(read: Read, rows: NDArray[np.integer], *, maximum_bytes: int = MAXIMUM_BYTES) -> dict[str, Any]:
    """Pack windows' bases, as many of each as there is room for.

    Parameters
    ----------
    read : gives the bases of rows int (m,): uint8 ASCII (m, L), lower case = soft-masked.
    rows : int (n,), whose bases; n is 1 or more.
    maximum_bytes : for all of them at two bits a base; where L bases of each are more, the middle of each is taken.

    Returns
    -------
    JSON-able mapping: ``length`` (L), ``first`` (where what is shown begins, 0-based), ``shown`` (bases of each),
    ``data`` (base64; ``ceil(shown / 4)`` bytes a window, the first base in the lowest bits, A C G T = 0 1 2 3),
    ``lower`` and ``unknown``: stretches of soft-masked and of unknown bases, as ``counts`` (base64 of uint16 (n,)) and
    ``bounds`` (base64 of uint16 (2 × all stretches,), start and end of each within what is shown).

    Examples
    --------
    >>> packed = pack_sequences(lambda rows: np.frombuffer(b"ACGTacNN", np.uint8)[None], np.array([0]))
    >>> packed["shown"], base64.b64decode(packed["data"]).hex()
    (8, 'e404')
    >>> np.frombuffer(base64.b64decode(packed["lower"]["bounds"]), "<u2").tolist()
    [4, 6]
    """
    length = read(rows[:1]).shape[1]
    shown = min(length, 4 * (maximum_bytes // len(rows)), _LONGEST)
    first = (length - shown) // 2
    data = []
    lower = _Stretches()
    unknown = _Stretches()
    for start in range(0, len(rows), _CHUNK):
        letters = read(rows[start : start + _CHUNK])[:, first : first + shown]
        found = codes(letters)
        data.append(_two_bits(found))
        lower.add(letters >= ord("a"))
        unknown.add(found == UNKNOWN)
    return {
        "length": length,
        "first": first,
        "shown": shown,
        "data": _base64(np.concatenate(data)),
        "lower": lower.packed(),
        "unknown": unknown.packed(),
    }


def _two_bits(found: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Codes of bases, uint8 (n, l), to bytes (n, ceil(l / 4)); an unknown base counts as 0."""
    padded = np.pad(np.where(found == UNKNOWN, 0, found), ((0, 0), (0, -found.shape[1] % 4)))
    four = padded.reshape(len(found), -1, 4)
    return (four << np.array([0, 2, 4, 6], np.uint8)).sum(axis=2, dtype=np.uint8)


class _Stretches:
    """Where rows of truth values are true, as starts and ends."""

    def __init__(self) -> None:
        self._counts: list[NDArray[np.integer]] = []
        self._bounds: list[NDArray[np.integer]] = []

    def add(self, mask: NDArray[np.bool_]) -> None:
        edges = np.diff(np.pad(mask, ((0, 0), (1, 1))).astype(np.int8), axis=1) != 0
        row, bound = np.nonzero(edges)  # in order: start, end, start, end of each row
        self._counts.append(np.bincount(row, minlength=len(mask)) // 2)
        self._bounds.append(bound)

    def packed(self) -> dict[str, str]:
        return {
            name: _base64(np.concatenate(parts).astype("<u2"))
            for name, parts in (("counts", self._counts), ("bounds", self._bounds))
        }


def _base64(values: NDArray[Any]) -> str:
    return base64.b64encode(np.ascontiguousarray(values).tobytes()).decode("ascii")
