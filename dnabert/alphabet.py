"""Bases as ASCII bytes: their codes, their complement, and the lower case that marks a repeat."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
import numpy.typing as npt

Bases = npt.NDArray[np.uint8]
Sequence = TypeVar("Sequence", str, bytes, Bases)

#: The four bases in the order of their codes: a code is the base's place in this string.
ALPHABET = "ACGT"

#: What `codes` gives for anything that is not one of the four bases.
UNKNOWN = 4

# IUPAC nucleotide codes, NC-IUB 1984 (doi:10.1093/nar/13.9.3021); S, W and N are their own complement.
_COMPLEMENT = bytes.maketrans(b"ACGTURYKMBVDHacgturykmbvdh", b"TGCAAYRMKVBHDtgcaayrmkvbhd")
_COMPLEMENT_TABLE = np.frombuffer(_COMPLEMENT, dtype=np.uint8)


def _code_table() -> Bases:
    table = np.full(256, UNKNOWN, dtype=np.uint8)
    for letter, code in zip("ACGTU", (0, 1, 2, 3, 3), strict=True):
        table[[ord(letter), ord(letter.lower())]] = code
    return table


#: The code of each byte, uint8 (256,): what `codes` looks up.
CODE_OF = _code_table()


def codes(bases: Bases) -> Bases:
    """Code each base: A, C, G, T are 0 to 3 in either case, U counts as T, all else is 4.

    Parameters
    ----------
    bases : uint8 array of ASCII letters, any shape.

    Returns
    -------
    uint8 array of the same shape.

    Examples
    --------
    >>> codes(np.frombuffer(b"ACGTUacgtN", dtype=np.uint8)).tolist()
    [0, 1, 2, 3, 3, 0, 1, 2, 3, 4]
    """
    return CODE_OF[bases]


def reverse_complement(bases: Sequence) -> Sequence:
    """Read the other strand: complement every base and reverse the last axis.

    Case is kept and IUPAC letters are complemented (R becomes Y), so that doing it twice gives the input back,
    except that U comes back as T. What is no nucleotide letter stays as it is.

    Parameters
    ----------
    bases : str, bytes, or uint8 array (..., L) of ASCII letters.

    Returns
    -------
    the same type and shape; an array is a copy.

    Examples
    --------
    >>> reverse_complement("AACgtnR")
    'YnacGTT'
    """
    if isinstance(bases, str):
        return bases[::-1].translate(_COMPLEMENT_OF_LETTER)
    if isinstance(bases, bytes):
        return bases[::-1].translate(_COMPLEMENT)
    return _COMPLEMENT_TABLE[bases[..., ::-1]]


# A str may hold letters beyond one byte: only the nucleotide letters are mapped.
_COMPLEMENT_OF_LETTER = {code: chr(other) for code, other in enumerate(_COMPLEMENT) if code != other}
