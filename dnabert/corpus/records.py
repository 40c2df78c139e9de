"""Named sequences from FASTA, GenBank, EMBL, FASTQ or CSV, plain or gzip, from a file or standard input, streamed."""

from __future__ import annotations

import codecs
import contextlib
import csv
import gzip
import io
import re
import sys
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from dnabert.corpus.annotated_sequences import FLAT_FILES, flat_sequences
from dnabert.corpus.reading import check_letters, check_lines_end
from dnabert.errors import UserError
from dnabert.given import path_to_read
from dnabert.gzip_file import GZIP_MAGIC

#: The name of standard input.
STDIN = "-"
#: A field of a CSV may hold a whole chromosome; the csv module stops at 128 KiB unless told otherwise.
_LONGEST_FIELD = 1 << 30
#: Bytes looked at to tell a format; a CSV's header is shorter.
_HEAD = 4096

#: Name, label, sequence and split of a record.
_Fields = tuple[str, str, bytes, str]


@dataclass(frozen=True)
class Record:
    """A named sequence.

    Attributes
    ----------
    name : first word of a FASTA or FASTQ header, a CSV's `name`; the record's number, from 1, where there is none.
    bases : uint8 ASCII (L,), case kept; L may be 0.
    label : last word of a FASTA or FASTQ header that has two or more, a CSV's `label`; empty where there is none.
    split : a CSV's `split`; empty where there is none.
    """

    name: str
    bases: NDArray[np.uint8]
    label: str = ""
    split: str = ""


def read_records(path: str | Path) -> Iterator[Record]:
    """Read the sequences of a file one after another; what the file is shows in its first bytes, not in its name.

    Parameters
    ----------
    path : FASTA, GenBank, EMBL, FASTQ (four lines a record), or CSV (commas or semicolons) or TSV with a header, a
        column `sequence` and perhaps `name`, `label` and `split`, in small letters or capitals; plain or gzip. ``-`` is
        standard input.

    Raises
    ------
    UserError
        when there is no such file, it is none of these, is cut off, holds no record, or a letter is no nucleotide's.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.NamedTemporaryFile(suffix=".fa") as file:
    ...     _ = file.write(b">a first\\nACG\\nTT\\n>b\\nNNA\\n"), file.flush()
    ...     [(record.name, record.bases.tobytes()) for record in read_records(file.name)]
    [('a', b'ACGTT'), ('b', b'NNA')]
    """
    if str(path) != STDIN:
        path = path_to_read(
            path,
            allowed="FASTA, GenBank, FASTQ, CSV or TSV",
            instead="write such a file (of a table: frame.to_csv(file), with a column named sequence)",
        )
    shown = "standard input" if str(path) == STDIN else str(path)
    count = 0
    try:
        with _opened(path, shown=shown) as file:
            for count, (name, label, text, split) in enumerate(_parsed(file, shown=shown), start=1):
                bases = _bases(text, name=name or str(count), shown=shown)
                yield Record(" ".join(name.split()) or str(count), bases, label, split)
    except csv.Error as error:
        raise UserError(
            f"{shown} is no CSV that can be read ({error}): quote its fields, end its lines alike, or give FASTA"
        ) from None
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise UserError(f"{shown} is a damaged gzip file ({error}): fetch it again") from None
    except OSError as error:
        raise UserError(f"cannot read {shown}: {error.strerror or error}: give FASTA, GenBank, FASTQ or CSV") from None
    if not count:
        raise UserError(f"{shown} holds no sequence: give a FASTA, GenBank, FASTQ or CSV file with some")


@contextlib.contextmanager
def _opened(path: str | Path, *, shown: str) -> Iterator[io.BufferedReader[Any]]:
    if str(path) == STDIN:
        if sys.stdin is None:
            raise UserError("standard input is closed: give a file, or pipe sequences in")
        yield _plain(sys.stdin.buffer)
    elif Path(path).is_dir():
        raise UserError(f"{shown} is a folder: give a FASTA, GenBank, FASTQ or CSV file")
    else:
        with open(path, "rb") as file:
            yield _plain(file)


def _plain(raw: IO[bytes]) -> io.BufferedReader[Any]:
    """A stream of decompressed bytes that can be looked into."""
    file = raw if isinstance(raw, io.BufferedReader) else io.BufferedReader(raw)  # type: ignore[type-var]
    if not file.peek(len(GZIP_MAGIC)).startswith(GZIP_MAGIC):
        return file
    return io.BufferedReader(gzip.GzipFile(fileobj=file))  # type: ignore[type-var]


def _parsed(file: io.BufferedReader, *, shown: str) -> Iterator[_Fields]:
    """Names, labels, sequences and splits as they stand in the file."""
    if file.peek(len(codecs.BOM_UTF8)).startswith(codecs.BOM_UTF8):  # with which spreadsheets begin a CSV
        file.read(len(codecs.BOM_UTF8))
    head = file.peek(_HEAD)[:_HEAD]
    first = head.lstrip()[:1]
    if not first:
        if head:  # blank lines alone: nothing to parse
            return iter(())
        raise UserError(f"{shown} is empty: give a FASTA, GenBank, FASTQ or CSV file with sequences")
    if b"\0" in head or (first not in b">@" and not first.isascii()):
        raise UserError(f"{shown} is no text: give a FASTA, GenBank, FASTQ or CSV file, plain or gzip")
    check_lines_end(head, shown=shown)
    # comments before the first header, too
    if first == b">" or (first == b";" and re.search(rb"^>", head, re.MULTILINE)):
        return _fasta(file)
    if head.lstrip().startswith(FLAT_FILES):
        return _fasta(flat_sequences(file, path=shown))
    return _fastq(file, shown=shown) if first == b"@" else _table(file, shown=shown)


def _fasta(file: Iterable[bytes]) -> Iterator[_Fields]:
    header: bytes | None = None
    lines: list[bytes] = []
    for line in file:
        line = line.strip()
        if line.startswith(b">"):
            if header is not None:
                yield *_name_and_label(header), b"".join(lines), ""
            header, lines = line, []
        elif not line.startswith(b";"):  # a comment in Pearson's original format
            lines.append(line.replace(b" ", b""))
    if header is not None:
        yield *_name_and_label(header), b"".join(lines), ""


def _fastq(file: io.BufferedReader, *, shown: str) -> Iterator[_Fields]:
    lines = (line.strip() for line in file)
    for number, header in enumerate(lines, start=1):
        if not header:
            continue
        sequence, plus, quality = (next(lines, None) for _ in range(3))
        if sequence is None or plus is None or quality is None:
            raise UserError(f"{shown} ends within FASTQ record {number}: fetch it again")
        if not header.startswith(b"@") or not plus.startswith(b"+") or len(sequence) != len(quality):
            raise UserError(
                f"{shown}: FASTQ record {number} is not four lines (@name, "
                "bases, +, as many qualities): mend it or give FASTA"
            )
        yield *_name_and_label(header), sequence, ""


def _table(file: io.BufferedReader, *, shown: str) -> Iterator[_Fields]:
    # latin-1 reads any byte and gives it back; a letter that is no nucleotide's is named when the bases are checked
    text = io.TextIOWrapper(file, encoding="latin-1", newline="")
    try:
        header = text.readline().strip("\r\n")
        # a semicolon: spreadsheets where the comma is decimal
        separator = next((letter for letter in "\t;" if letter in header), ",")
        names = [name.strip().lower() for name in next(csv.reader([header], delimiter=separator), [])]
        if "sequence" not in names:
            known = _as_utf8(header)[:80]
            raise UserError(
                f"{shown} begins with {known!r}: it is neither FASTA ('>') nor FASTQ ('@'), and as CSV it has no "
                "column 'sequence': give one of them"
            )
        csv.field_size_limit(_LONGEST_FIELD)
        sequence = names.index("sequence")
        name, label, split = (names.index(column) if column in names else None for column in ("name", "label", "split"))
        for line, row in enumerate(csv.reader(text, delimiter=separator), start=2):
            if len(row) != len(names) and row:
                raise UserError(f"{shown}: line {line} has {len(row)} fields, the header {len(names)}: mend it")
            if row:
                bases = row[sequence].strip().encode("latin-1")
                yield _cell(row, name), _cell(row, label), bases, _cell(row, split)
    finally:
        text.detach()  # the file is its opener's to close; standard input nobody's


def _cell(row: list[str], place: int | None) -> str:
    """A field, or nothing where there is no such column."""
    return "" if place is None else _as_utf8(row[place]).strip()


def _as_utf8(text: str) -> str:
    """What was read as latin-1."""
    return text.encode("latin-1").decode("utf-8", "replace")


def _name_and_label(header: bytes) -> tuple[str, str]:
    """The first word of a header, and the last where there are more."""
    words = [word.decode("utf-8", "replace") for word in header[1:].split()]
    return words[0] if words else "", words[-1] if len(words) > 1 else ""


def _bases(text: bytes, *, name: str, shown: str) -> NDArray[np.uint8]:
    bases = np.frombuffer(text, dtype=np.uint8)
    check_letters(bases, shown=shown, name=name, give="DNA or RNA")
    return bases
