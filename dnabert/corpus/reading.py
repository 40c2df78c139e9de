"""FASTA and .2bit files as random-access sequences of bases, plain or compressed, with nothing written beside them."""

from __future__ import annotations

import codecs
import gzip
import itertools
import mmap
import shutil
import warnings
import zlib
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from dnabert.config import nearest
from dnabert.corpus.annotated_sequences import holds_annotation, sequences_within
from dnabert.corpus.soft_masking import small_letters_mask
from dnabert.corpus.twobit import TwoBit, is_twobit
from dnabert.errors import Caution, UserError
from dnabert.gzip_file import is_gzip

#: Letters of nucleotides (IUPAC) plus X, with which some maskers write N.
NUCLEOTIDES = b"ACGTUNRYKMSWBDHVX"
_AS_DNA = bytes.maketrans(b"Uu", b"Tt")
#: Of a letter's ASCII what a capital keeps.
_CAPITAL = np.uint8(0xDF)
_COMPRESSED = (".gz", ".bgz", ".bgzf")
_IS_NUCLEOTIDE = np.zeros(256, bool)
_IS_NUCLEOTIDE[np.frombuffer(NUCLEOTIDES + NUCLEOTIDES.lower(), np.uint8)] = True


class Genome:
    """Random access to the sequences of a FASTA file, through pyfaidx, or of a .2bit file, through a memory map; those
    of a GenBank or EMBL file, or of GFF3 that ends with them, are copied into `scratch` as FASTA.

    A compressed file (gzip and bgzip alike) is decompressed as a stream into `scratch`, and the index of a FASTA
    file is written there too: nothing appears beside the user's file. Use it as a context manager.

    Parameters
    ----------
    path : FASTA, .2bit, GenBank, EMBL or GFF3 file, told apart by their first bytes; plain, gzip or bgzip.
    scratch : existing folder for the decompressed copy and the index; the caller removes it.
    chroms : sequences to keep, in the file's order; none: all.

    Attributes
    ----------
    lengths : bases of the sequences kept, by name.
    names : names of all sequences of the file.

    Raises
    ------
    UserError
        when the file is missing, empty, no genome, holds a sequence twice or lacks one that `chroms` names.
    """

    def __init__(self, path: str | Path, *, scratch: str | Path, chroms: Sequence[str] | None = None) -> None:
        self.path = Path(path)
        plain = _plain_copy(self.path, Path(scratch))
        self._sequences: TwoBit | _Fasta
        if is_twobit(plain):
            self._sequences = TwoBit(plain, source=self.path)
        else:
            self._sequences = _Fasta(plain, scratch=Path(scratch), source=self.path)
        self._is_masked = self._sequences.small_letters_mask()
        if not self._is_masked:
            warnings.warn(f"{path} is in small letters throughout: they mask nothing, read as capitals", Caution, 2)
        self.names = list(self._sequences.lengths)
        self.lengths = choose_sequences(self._sequences.lengths, chroms, path=self.path)
        if not sum(self.lengths.values()):
            raise UserError(f"{self.path} holds no bases: give a FASTA file with sequences")

    def __enter__(self) -> Genome:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._sequences.close()

    def fetch(self, name: str, start: int, end: int) -> np.ndarray:
        """Bases ``start`` to ``end`` (0-based, half open) of a sequence: uint8 ASCII, U as T; case is kept where it
        masks (`small_letters_mask`).

        Raises
        ------
        UserError
            when a letter stands there that no nucleotide has (a protein, an alignment with gaps).
        """
        if end <= start:
            return np.empty(0, np.uint8)
        bases = self._sequences.fetch(name, start, end)
        return bases if self._is_masked else bases & _CAPITAL


def choose_sequences(lengths: dict[str, int], chroms: Sequence[str] | None, *, path: str | Path) -> dict[str, int]:
    """Those of the sequences that `chroms` names, in the file's order; all where it is none.

    Raises
    ------
    UserError
        when a name is not among the sequences, with the nearest one that is.

    Examples
    --------
    >>> choose_sequences({"chr1": 9, "chr2": 7, "chrUn": 1}, ["chr2", "chr1"], path="x.2bit")
    {'chr1': 9, 'chr2': 7}
    """
    if chroms is None:
        return dict(lengths)
    for name in chroms:
        if name not in lengths:
            shown = nearest(name, lengths) or f" (it has {', '.join(list(lengths)[:5])})"
            raise UserError(f"{path} has no sequence {name!r}{shown}: mend chroms")
    chosen = set(chroms)
    return {name: length for name, length in lengths.items() if name in chosen}


class _Fasta:
    """The sequences of a plain FASTA file."""

    def __init__(self, plain: Path, *, scratch: Path, source: Path) -> None:
        _check_is_fasta(plain, source=source)
        self._plain, self._source = plain, source
        self._fasta = _index(plain, scratch=scratch, source=source)
        self.lengths: dict[str, int] = {name: entry.rlen for name, entry in self._fasta.faidx.index.items()}

    def small_letters_mask(self) -> bool:
        return small_letters_mask(self._plain)

    def close(self) -> None:
        self._fasta.close()

    def fetch(self, name: str, start: int, end: int) -> np.ndarray:
        try:
            text = self._fasta.faidx.fetch(name, start + 1, end).seq
        except UnicodeDecodeError:
            raise UserError(
                f"{self._source}: sequence {name} has bytes that are no letters: give a FASTA file of DNA"
            ) from None
        letters = text.encode("latin-1", "replace")
        if b"U" in letters or b"u" in letters:  # nothing behind this compares a U of one strand with the T of the other
            letters = letters.translate(_AS_DNA)
        bases = np.frombuffer(letters, np.uint8)
        if len(bases) != end - start:
            raise UserError(
                f"{self._source}: sequence {name} has lines that end in more than one way: "
                "repair it, for example with dos2unix"
            )
        check_letters(bases, shown=self._source, name=name, start=start, give="a FASTA file of DNA")
        return bases


def check_letters(bases: np.ndarray, *, shown: object, name: str, start: int = 0, give: str) -> None:
    """UserError where a letter of `bases`, uint8 ASCII (L,), is no nucleotide's: which one, where (from `start` on),
    and what to `give`."""
    legal = _IS_NUCLEOTIDE[bases]
    if not legal.all():
        place = int(np.argmin(legal))
        letter = chr(bases[place])
        raise UserError(
            f"{shown}: sequence {name} has {letter!r} at position {start + place + 1}, which is no nucleotide letter "
            f"({NUCLEOTIDES.decode()}): {_guess_at(letter)} Give {give}"
        )


def _guess_at(letter: str) -> str:
    """What may have gone wrong where `letter` stands among bases."""
    if letter in "-.":
        return "remove the gaps of the alignment."
    if letter == ";":
        return "take away the lines of comments, as with grep -v '^;'."
    if letter.isspace():
        return (
            "remove the blanks, or of words that overlap, as DNABERT's files have them, join the first and the last "
            "letter of each other one."
        )
    return "is it a protein?" if letter.isalpha() or letter == "*" else "is it damaged?"


def check_lines_end(head: bytes, *, shown: object) -> None:
    """UserError where lines end in carriage returns alone, as old Macs wrote them: all would be one line."""
    if b"\r" in head[:-1] and b"\n" not in head:
        raise UserError(f"{shown} ends its lines with carriage returns alone: convert it, as with tr '\\r' '\\n'")


def _plain_copy(path: Path, scratch: Path) -> Path:
    """The file itself if it is plain, else a copy in `scratch`: decompressed, and without the byte order mark of some
    editors."""
    try:
        compressed = is_gzip(path)
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror or error}: give an existing FASTA file") from None
    plain = scratch / f"{path.name}.plain"
    try:
        if holds_annotation(path):
            with open(plain, "wb") as target:
                target.writelines(sequences_within(path))
            return plain
        with gzip.open(path, "rb") if compressed else open(path, "rb") as source:
            marked = source.read(len(codecs.BOM_UTF8)) == codecs.BOM_UTF8
            if compressed or marked:
                source.seek(len(codecs.BOM_UTF8) if marked else 0)
                with open(plain, "wb") as target:
                    shutil.copyfileobj(source, target, length=1 << 20)
                return plain
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise UserError(f"{path} is a damaged gzip file ({error}): fetch it again") from None
    if path.suffix.lower() in _COMPRESSED:
        plain.symlink_to(path.absolute())  # pyfaidx goes by the name
        return plain
    return path


def _check_is_fasta(plain: Path, *, source: Path) -> None:
    with open(plain, "rb") as file:
        head = file.read(4096).lstrip()
    if not head:
        raise UserError(f"{source} is empty: give a FASTA file with sequences")
    if head.startswith((b"BZh", b"\xfd7zXZ", b"PK\x03\x04", b"\x28\xb5\x2f\xfd")):
        raise UserError(f"{source} is compressed, and not by gzip: decompress it first")
    if head.startswith(b"@"):
        raise UserError(f"{source} is FASTQ (it begins with '@'), not FASTA: convert it, for example with seqtk seq -a")
    if not head.startswith(b">"):
        shown = head[:20].decode("ascii", "replace").split("\n")[0]
        mend = (
            "take away its lines of comments, as with grep -v '^;'"
            if shown.startswith(";")
            else "give FASTA or GenBank"
        )
        raise UserError(f"{source} is no FASTA file: it begins with {shown!r} instead of '>': {mend}")
    check_lines_end(head, shown=source)


def _index(plain: Path, *, scratch: Path, source: Path) -> Any:
    """pyfaidx's view of the file; lines of uneven length are laid out anew in `scratch` first."""
    import pyfaidx

    index = scratch / f"{source.name}.fai"
    try:
        fasta = pyfaidx.Fasta(str(plain), indexname=str(index), as_raw=False)
        if _ends_where_it_says(plain, list(fasta.faidx.index.values())):
            return fasta
        fasta.close()
    except (pyfaidx.FastaIndexingError, RuntimeError):  # lines of uneven length; an empty line after a short one
        pass
    except UnicodeDecodeError:
        raise UserError(f"{source} is no UTF-8 text: convert it, as with iconv -f latin1 -t utf-8") from None
    except ValueError as error:
        raise UserError(f"{source}: {' '.join(str(error).split())}: give every sequence its own name") from None
    index.unlink(missing_ok=True)
    even = _even_lines(plain, scratch / f"{source.name}.even.fa", shown=source)
    try:
        return pyfaidx.Fasta(str(even), indexname=str(index), as_raw=False)
    except (pyfaidx.FastaIndexingError, RuntimeError, ValueError) as error:
        raise UserError(f"{source} cannot be indexed ({' '.join(str(error).split())}): repair it") from None


def _ends_where_it_says(plain: Path, records: Sequence[Any]) -> bool:
    """Whether each of pyfaidx's records ends where its lines put its last base: it takes a last line that is longer
    than the others for even."""
    with open(plain, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        for record, after in itertools.zip_longest(records, records[1:]):
            # where the next header begins
            end = len(mapped) if after is None else mapped.rfind(b"\n", 0, after.offset - 1) + 1
            if record.rlen:
                lines, rest = divmod(record.rlen - 1, record.lenc) if record.lenc else (0, end)
                last = record.offset + lines * record.lenb + rest
                if last >= end or mapped[last : last + 1].isspace() or mapped[last + 1 : end].strip():
                    return False
    return True


def _even_lines(plain: Path, target: Path, *, shown: Path) -> Path:
    """Copy with each sequence on one line, which pyfaidx can index whatever the lines were; a header without a name it
    cannot."""
    with open(plain, "rb") as source, open(target, "wb") as out:
        begun = False
        for number, line in enumerate(source, start=1):
            line = line.strip()
            if line.startswith(b">"):
                if not line[1:].split():
                    raise UserError(f"{shown}, line {number}: a sequence has no name behind its '>': give it one")
                out.write((b"\n" if begun else b"") + line + b"\n")
                begun = True
            else:
                out.write(line)
        out.write(b"\n")
    return target
