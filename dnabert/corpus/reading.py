"""FASTA files as random-access sequences of bases, plain or compressed, with nothing written beside them."""

from __future__ import annotations

import gzip
import shutil
import zlib
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from dnabert.errors import UserError

#: Letters of nucleotides (IUPAC) plus X, with which some maskers write N.
NUCLEOTIDES = b"ACGTUNRYKMSWBDHVX"
_GZIP_MAGIC = b"\x1f\x8b"
_IS_NUCLEOTIDE = np.zeros(256, bool)
_IS_NUCLEOTIDE[np.frombuffer(NUCLEOTIDES + NUCLEOTIDES.lower(), np.uint8)] = True


class Genome:
    """Random access to the sequences of a FASTA file, through pyfaidx.

    A compressed file (gzip and bgzip alike) is decompressed as a stream into `scratch`, and the index is
    written there too: nothing appears beside the user's file. Use it as a context manager.

    Parameters
    ----------
    path : FASTA file; plain, gzip or bgzip.
    scratch : existing folder for the decompressed copy and the index; the caller removes it.

    Raises
    ------
    UserError
        when the file is missing, empty, no FASTA, or holds a sequence twice.
    """

    def __init__(self, path: str | Path, *, scratch: str | Path) -> None:
        self.path = Path(path)
        self._scratch = Path(scratch)
        self._fasta = _index(_plain_copy(self.path, self._scratch), scratch=self._scratch, source=self.path)
        self.lengths: dict[str, int] = {name: entry.rlen for name, entry in self._fasta.faidx.index.items()}
        if not sum(self.lengths.values()):
            raise UserError(f"{self.path} holds no bases: give a FASTA file with sequences")

    def __enter__(self) -> Genome:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._fasta.close()

    def fetch(self, name: str, start: int, end: int) -> np.ndarray:
        """Bases ``start`` to ``end`` (0-based, half open) of a sequence: uint8 ASCII, case kept.

        Raises
        ------
        UserError
            when a letter stands there that no nucleotide has (a protein, an alignment with gaps).
        """
        if end <= start:
            return np.empty(0, np.uint8)
        text = self._fasta.faidx.fetch(name, start + 1, end).seq
        bases = np.frombuffer(text.encode("latin-1", "replace"), np.uint8)
        legal = _IS_NUCLEOTIDE[bases]
        if not legal.all():
            _refuse(self.path, name, position=start + int(np.argmin(legal)), letter=chr(bases[np.argmin(legal)]))
        return bases


def _refuse(path: Path, name: str, *, position: int, letter: str) -> None:
    guess = "gaps of an alignment must be removed first" if letter in "-." else "is it a protein?"
    raise UserError(
        f"{path}: sequence {name} has {letter!r} at position {position + 1}, which is no nucleotide letter "
        f"({NUCLEOTIDES.decode()}): {guess} Give a FASTA file of DNA"
    )


def _plain_copy(path: Path, scratch: Path) -> Path:
    """The file itself if it is plain FASTA, else a decompressed copy in `scratch`."""
    try:
        with open(path, "rb") as file:
            compressed = file.read(2) == _GZIP_MAGIC
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror or error}: give an existing FASTA file") from None
    plain = path
    if compressed:
        plain = scratch / f"{path.name}.fa"
        try:
            with gzip.open(path, "rb") as source, open(plain, "wb") as target:
                shutil.copyfileobj(source, target, length=1 << 20)
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise UserError(f"{path} is a damaged gzip file ({error}): fetch it again") from None
    _check_is_fasta(plain, source=path)
    return plain


def _check_is_fasta(plain: Path, *, source: Path) -> None:
    with open(plain, "rb") as file:
        head = file.read(4096).lstrip()
    if not head:
        raise UserError(f"{source} is empty: give a FASTA file with sequences")
    if head.startswith(b"@"):
        raise UserError(f"{source} is FASTQ (it begins with '@'), not FASTA: convert it, for example with seqtk seq -a")
    if not head.startswith(b">"):
        shown = head[:20].decode("ascii", "replace").split("\n")[0]
        raise UserError(f"{source} is no FASTA file: it begins with {shown!r} instead of '>': give a FASTA file")


def _index(plain: Path, *, scratch: Path, source: Path) -> Any:
    """pyfaidx's view of the file; lines of uneven length are laid out anew in `scratch` first."""
    import pyfaidx

    index = scratch / f"{source.name}.fai"
    try:
        return pyfaidx.Fasta(str(plain), indexname=str(index), as_raw=False)
    except pyfaidx.FastaIndexingError:
        index.unlink(missing_ok=True)
        even = _even_lines(plain, scratch / f"{source.name}.even.fa")
    except ValueError as error:
        raise UserError(f"{source}: {' '.join(str(error).split())}: give every sequence its own name") from None
    try:
        return pyfaidx.Fasta(str(even), indexname=str(index), as_raw=False)
    except (pyfaidx.FastaIndexingError, ValueError) as error:
        raise UserError(f"{source} cannot be indexed ({' '.join(str(error).split())}): repair it") from None


def _even_lines(plain: Path, target: Path) -> Path:
    """Copy with each sequence on one line, which pyfaidx can index whatever the lines were."""
    with open(plain, "rb") as source, open(target, "wb") as out:
        begun = False
        for line in source:
            line = line.strip()
            if line.startswith(b">"):
                out.write((b"\n" if begun else b"") + line + b"\n")
                begun = True
            else:
                out.write(line)
        out.write(b"\n")
    return target
