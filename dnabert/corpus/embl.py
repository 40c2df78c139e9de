"""EMBL flat files (ENA, Ensembl, Bakta) as lines of GenBank's: the same features under other headings."""

from __future__ import annotations

import codecs
import itertools
from collections.abc import Iterable, Iterator

#: How a record begins.
EMBL = "ID   "
_FEATURES = b"FEATURES             Location/Qualifiers\n"


def as_genbank(lines: Iterable[bytes]) -> Iterator[bytes]:
    """Lines of a GenBank flat file with the names, features and sequences of an EMBL one; lines of anything else as
    they are, without a byte order mark and blank lines before the first.

    Parameters
    ----------
    lines : of a file, each with its end.

    Examples
    --------
    >>> lines = [b"ID   X1; SV 2; circular; DNA; ; PRO; 12 BP.\\n", b"FT   gene            3..9\\n", b"SQ   12 BP;\\n"]
    >>> print(b"".join(as_genbank(lines)).decode())  # doctest: +NORMALIZE_WHITESPACE
    LOCUS       X1 12 bp circular
    VERSION     X1.2
    FEATURES             Location/Qualifiers
         gene            3..9
    ORIGIN
    """
    file = iter(lines)
    first = next((line for line in file if line.strip()), b"").removeprefix(codecs.BOM_UTF8)
    whole = itertools.chain([first], file)
    return _translated(whole) if first.startswith(EMBL.encode()) else whole


def _translated(lines: Iterable[bytes]) -> Iterator[bytes]:
    in_table = False
    for line in lines:
        heading = line[:2]
        if heading == b"ID":
            in_table = False
            yield from _locus(line[5:].decode("utf-8", "replace"))
        elif heading == b"SV":  # of before 2006, and Ensembl's
            yield b"VERSION     " + line[5:]
        elif heading == b"FT":
            if not in_table:
                yield _FEATURES
            in_table = True
            yield b"     " + line[5:]
        elif heading == b"SQ":
            yield b"ORIGIN\n"
        elif heading in (b"  ", b"//"):  # bases, with their number behind them
            yield line


def _locus(told: str) -> Iterator[bytes]:
    """The first lines of a record: its name, length and topology, and its version where the first line has it."""
    fields = [field.strip() for field in told.strip().rstrip(".").split(";")]
    name = next(iter(fields[0].split()), "unnamed")
    topology = " circular" if any("circular" in field.split() for field in fields) else ""
    yield f"LOCUS       {name} {fields[-1].lower()}{topology}\n".encode()
    version = [field.split()[1] for field in fields if field.startswith("SV ") and len(field.split()) == 2]
    if version:
        yield f"VERSION     {name}.{version[0]}\n".encode()
