"""Whether the small letters of a FASTA file mark repeats."""

from __future__ import annotations

import re
from pathlib import Path

_CAPITAL = re.compile(rb"[ACGTU]")
_SMALL = re.compile(rb"[acgtu]")


def small_letters_mask(fasta: Path) -> bool:
    """Whether small letters mark repeats, as RepeatMasker and UCSC write them: where no base is a capital they are a
    way to write.

    Parameters
    ----------
    fasta : plain; read up to its first capital.

    Raises
    ------
    OSError
        when it cannot be read.
    """
    begins, is_name, is_small = True, False, False
    with open(fasta, "rb") as file:
        for piece in iter(lambda: file.readline(1 << 16), b""):  # a line may be a whole chromosome
            is_name = piece.startswith(b">") if begins else is_name
            begins = piece.endswith(b"\n")
            if not is_name and _CAPITAL.search(piece):
                return True
            is_small = is_small or (not is_name and _SMALL.search(piece) is not None)
    return not is_small
