"""Files that hold sequences and their annotation at once: GenBank and EMBL flat files, and GFF3 that ends with its
sequences (Prokka, Bakta)."""

from __future__ import annotations

import codecs
import contextlib
import gzip
import itertools
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, cast

from dnabert.corpus.blocks import open_text
from dnabert.corpus.embl import EMBL, as_genbank
from dnabert.corpus.genbank import GENBANK, genbank_features, genbank_sequences
from dnabert.errors import UserError
from dnabert.gzip_file import is_gzip

_GFF3 = b"##gff-version"
#: How flat files begin.
FLAT_FILES = (GENBANK.encode(), EMBL.encode())
#: Bytes in which a file shows what it is.
_HEAD = 64


def holds_annotation(path: str | Path) -> bool:
    """Whether a file of sequences is one that annotates them too; what cannot be read does not."""
    with contextlib.suppress(OSError, EOFError, zlib.error), _opened(path) as file:
        return file.read(_HEAD).removeprefix(codecs.BOM_UTF8).startswith((*FLAT_FILES, _GFF3))
    return False


def sequences_within(path: str | Path) -> Iterator[bytes]:
    """Lines of FASTA with the sequences of a GenBank or EMBL flat file (in capitals: its small letters mask
    nothing), or those behind the features of GFF3; gzip or not.

    Raises
    ------
    UserError
        when a record, or GFF3, holds no sequence.
    """
    with _opened(path) as file:
        if file.read(_HEAD).removeprefix(codecs.BOM_UTF8).startswith(FLAT_FILES):
            file.seek(0)
            yield from flat_sequences(file, path=path)
            return
        behind = itertools.dropwhile(lambda line: not line.startswith(b">"), file)
        first = next(behind, None)
        if first is None:
            raise UserError(
                f"{path} is GFF3 without sequences: give the FASTA file, and this one under genes in --config FILE"
            )
        yield first
        yield from behind


def flat_sequences(file: Iterable[bytes], *, path: str | Path) -> Iterator[bytes]:
    """Lines of FASTA with the sequences of a GenBank or EMBL flat file's lines; `genbank_sequences` says how."""
    lines = genbank_sequences(as_genbank(file), path=path)
    first = next(lines, None)
    if first is None:
        raise UserError(f"{path} ends before its first sequence: fetch it again")
    yield first
    yield from lines


@contextlib.contextmanager
def open_annotation(path: str | Path) -> Iterator[Iterable[str]]:
    """Lines of a file of annotation; those of a GenBank or EMBL flat file are GFF3, in which a piece of a joined
    location is a line, and parts name their gene where it has a feature of its own.

    Raises
    ------
    UserError
        when it cannot be read (`open_text`), or a feature's location is none.
    """
    with open_text(path) as file:
        first = file.readline()
        lines = itertools.chain([first], file)
        if not first.encode().startswith(FLAT_FILES):
            yield lines
            return
        flat = as_genbank(line.encode() for line in lines)
        yield genbank_features((line.decode() for line in flat), path=path)


def _opened(path: str | Path) -> IO[bytes]:
    return cast(IO[bytes], gzip.open(path, "rb")) if is_gzip(path) else open(path, "rb")
