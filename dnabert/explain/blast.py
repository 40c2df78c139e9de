"""NCBI BLAST+ as a function: sequences in, a table of hits out."""

from __future__ import annotations

import csv
import gzip
import io
import os
import shutil
import subprocess
import tempfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

import numpy as np
from numpy.typing import NDArray

from dnabert.corpus.reading import NUCLEOTIDES
from dnabert.errors import UserError
from dnabert.gzip_file import is_gzip
from dnabert.progress import watched

if TYPE_CHECKING:
    import pandas as pd

Bases = Sequence[NDArray[np.uint8]] | NDArray[np.uint8]

#: blastn for distant relatives (words of 11), dc-megablast for other species, megablast for near-copies (words of 28).
TASKS = ("blastn", "dc-megablast", "megablast")
#: What a table of hits has, in this order.
COLUMNS = (
    "query",
    "subject",
    "identity",
    "length",
    "query_start",
    "query_end",
    "subject_start",
    "subject_end",
    "subject_length",
    "strand",
    "e_value",
    "bit_score",
)
_FORMAT = "6 qseqid sseqid pident length qstart qend sstart send slen evalue bitscore"
#: Sequences that one run of ``blastn`` searches, so that a bar can tell how far it is: a hit depends on its own query
#: alone.
_QUERIES = 500
#: One of these stands beside a nucleotide database's prefix: an index, an alias, or the newer format's index.
_INDEXES = (".nin", ".nal", ".ndb")
_LETTERS = NUCLEOTIDES + NUCLEOTIDES.lower()


def blast(
    queries: Bases,
    database: str | Path | Bases,
    *,
    task: str = "blastn",
    e_value: float = 1e-5,
    most_subjects: int = 500,
    best_only: bool = False,
    database_bases: int | None = None,
    threads: int = 1,
) -> pd.DataFrame:
    """Search sequences in a database, on both strands, with ``blastn`` (Camacho et al. 2009).

    Simple sequence is masked for seeds, not for extension (BLAST's default, DUST). No shell is used, names of files
    and of sequences are never interpreted, and the usage report that BLAST+ would send home is switched off.

    Parameters
    ----------
    queries : uint8 ASCII (m, L), or m arrays of any lengths.
    database : a FASTA file, plain or gzip (a database is made of it in a temporary folder); or the prefix of an
        existing BLAST database; or sequences as `queries` are.
    task : ``blastn``, ``dc-megablast`` or ``megablast``.
    e_value : greatest expected number of such hits by chance, for one query in the whole database.
    most_subjects : per query, at least 5.
    best_only : of several hits of one query and one subject, keep the best.
    database_bases : take the database for one of so many bases in `e_value`; by default it is as large as it is.
    threads : of ``blastn``.

    Returns
    -------
    DataFrame, a row per hit, sorted by query, then the best first: ``query`` (its number), ``subject`` (its name up to
    the first blank; its number when `database` is sequences), ``identity`` (0 to 1, over columns of the alignment),
    ``length`` (columns), ``query_start``, ``query_end``, ``subject_start``, ``subject_end`` (0-based, half open, on the
    forward strand of each), ``subject_length``, ``strand`` (of the subject, for the query as given), ``e_value``,
    ``bit_score``.

    Raises
    ------
    UserError
        when BLAST+ is not installed, the database is neither, or BLAST+ refuses it.
    """
    if task not in TASKS:
        raise UserError(f"task is {task!r}, allowed is {', '.join(TASKS)}")
    if most_subjects < 5:
        raise UserError(f"most_subjects is {most_subjects}, allowed is 5 and above (BLAST finds less reliably below)")
    arguments = [
        "-task",
        task,
        "-evalue",
        str(e_value),
        "-max_target_seqs",
        str(most_subjects),
        "-num_threads",
        str(threads),
    ]
    if best_only:
        arguments += ["-max_hsps", "1"]
    if database_bases is not None:
        arguments += ["-dbsize", str(database_bases)]
    with _database(database) as found:
        arguments += ["-db", found.name, "-outfmt", _FORMAT]
        begins = watched(range(0, len(queries), _QUERIES), "BLAST", unit=f" times {_QUERIES} windows")
        some = (range(begin, min(begin + _QUERIES, len(queries))) for begin in begins)
        parts = [_run("blastn", arguments, folder=found.folder, stdin=_fasta(queries, numbers)) for numbers in some]
        return _table(b"".join(parts), names=found.names)


def best_hits(hits: pd.DataFrame, *, per: Sequence[str] = ("query",)) -> pd.DataFrame:
    """The best hit of each query (or query and family, …): the highest score, of equals the first subject by name.

    Examples
    --------
    >>> import pandas as pd
    >>> hits = pd.DataFrame({"query": [0, 0, 3], "subject": ["L1", "Alu", "L1"], "bit_score": [50.0, 90.0, 70.0]})
    >>> best_hits(hits).subject.tolist()
    ['Alu', 'L1']
    """
    ordered = hits.sort_values(["query", "bit_score", "subject"], ascending=[True, False, True], kind="stable")
    return ordered.drop_duplicates(list(per)).reset_index(drop=True)


@dataclass(frozen=True)
class _Database:
    folder: Path
    name: str
    #: of the sequences, by their numbers; None where the database has names of its own
    names: Sequence[str] | range | None


def check_database(source: str | Path) -> None:
    """Raise `UserError` where there is neither a FASTA file nor a nucleotide BLAST database of this name."""
    if not Path(source).is_file():
        _existing(Path(source))


@contextmanager
def _database(source: str | Path | Bases) -> Iterator[_Database]:
    if isinstance(source, str | Path) and not Path(source).is_file():
        yield _existing(Path(source))
        return
    with tempfile.TemporaryDirectory(prefix="dnabert-blast-") as temporary:
        folder = Path(temporary)
        if isinstance(source, str | Path):
            names: Sequence[str] | range = _numbered_copy(Path(source), folder / "sequences.fa")
        else:
            names = range(len(source))
            (folder / "sequences.fa").write_bytes(_fasta(source, range(len(source))))
        _run("makeblastdb", ["-in", "sequences.fa", "-dbtype", "nucl", "-out", "database"], folder=folder)
        yield _Database(folder, "database", names)


def _existing(prefix: Path) -> _Database:
    """BLAST+ splits the name of a database at blanks, so it is run in the database's folder, whatever that is
    called."""
    if not any(Path(f"{prefix}{ending}").is_file() for ending in _INDEXES):
        raise UserError(
            f"no such database: {prefix} is no FASTA file, and no nucleotide BLAST database has this prefix "
            f"({', '.join(prefix.name + ending for ending in _INDEXES)}): give the path of one"
        )
    if '"' in prefix.name or prefix.name.split() != [prefix.name]:
        raise UserError(
            f"database {prefix} has a blank or a quotation mark in its name, "
            "which BLAST+ cannot read: make it under another"
        )
    return _Database(prefix.absolute().parent, f"./{prefix.name}", None)


def _fasta(sequences: Bases, numbers: range) -> bytes:
    """Some of the sequences named by number; the letter keeps BLAST+ from reading a number as a GenBank identifier."""
    return b"".join(b">s%d\n%s\n" % (number, sequences[number].tobytes()) for number in numbers)


def _numbered_copy(source: Path, target: Path) -> list[str]:
    """Copy a FASTA with its sequences named by number, and give their names: whatever they are, BLAST+ never sees
    them."""
    names: list[str] = []
    try:
        with _opened(source) as lines, open(target, "wb") as out:
            for line in lines:
                line = line.strip()
                if line.startswith(b">"):
                    name = line[1:].split(maxsplit=1)
                    names.append(name[0].decode("utf-8", "replace") if name else f"sequence_{len(names) + 1}")
                    out.write(b">s%d\n" % (len(names) - 1))
                elif line:
                    _check_letters(line, begun=bool(names), source=source)
                    out.write(line + b"\n")
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise UserError(f"{source} is a damaged gzip file ({error}): fetch it again") from None
    if not names:
        raise UserError(f"{source} is empty: give a FASTA file with sequences")
    return names


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    try:
        file = gzip.open(path, "rb") if is_gzip(path) else open(path, "rb")  # noqa: SIM115 - closed below, after what reads through it
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror or error}: give an existing FASTA file") from None
    with file:
        yield cast(BinaryIO, file)


def _check_letters(line: bytes, *, begun: bool, source: Path) -> None:
    if not begun:
        shown = line[:20].decode("ascii", "replace")
        raise UserError(
            f"{source} is no FASTA file: it begins with {shown!r} instead of '>': "
            "give a FASTA file or a database's prefix"
        )
    strange = line.translate(None, _LETTERS)
    if strange:
        raise UserError(
            f"{source} has {chr(strange[0])!r} in a sequence, which is no nucleotide letter ({NUCLEOTIDES.decode()}): "
            "give a FASTA file of DNA"
        )


def missing_program(program: str = "blastn") -> str | None:
    """What to install when a program of BLAST+ is not there; None when it is."""
    if shutil.which(program) is not None:
        return None
    return (
        f"{program} is not installed: apt-get install ncbi-blast+ "
        "(Debian, Ubuntu) or conda install -c bioconda blast (elsewhere)"
    )


def _run(program: str, arguments: list[str], *, folder: Path, stdin: bytes = b"") -> bytes:
    path = shutil.which(program)
    if path is None:
        raise UserError(missing_program(program))
    # BLAST+ 2.9 and later otherwise tells NCBI of each run
    environment = {**os.environ, "BLAST_USAGE_REPORT": "false"}
    done = subprocess.run(
        [path, *arguments], input=stdin, capture_output=True, cwd=folder, env=environment, check=False
    )
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").split("\n")
        reason = next((line for line in said if "error" in line.lower()), said[0])
        raise UserError(
            f"{program} stopped with status {done.returncode}: {reason.strip()}: check the database and the memory"
        )
    return done.stdout


def _table(text: bytes, *, names: Sequence[str] | range | None) -> pd.DataFrame:
    import pandas as pd

    raw = pd.read_csv(
        io.BytesIO(text),
        sep="\t",
        names=_FORMAT.split()[1:],
        dtype={"qseqid": str, "sseqid": str, "evalue": float, "bitscore": float, "pident": float},
        keep_default_na=False,  # a sequence may be called NA
        quoting=csv.QUOTE_NONE,
    )
    hits = pd.DataFrame({"query": raw.qseqid.str[1:].astype("int64")})
    if names is None:
        hits["subject"] = raw.sseqid
    else:
        numbers = raw.sseqid.str[1:].astype("int64")
        hits["subject"] = numbers if isinstance(names, range) else np.array(names, dtype=object)[numbers.to_numpy()]
    hits["identity"] = raw.pident / 100
    hits["length"] = raw.length.astype("int64")
    hits["query_start"] = raw.qstart.astype("int64") - 1
    hits["query_end"] = raw.qend.astype("int64")
    low = np.minimum(raw.sstart, raw.send)
    high = np.maximum(raw.sstart, raw.send)
    hits["subject_start"] = low.astype("int64") - 1
    hits["subject_end"] = high.astype("int64")
    hits["subject_length"] = raw.slen.astype("int64")
    hits["strand"] = np.where(raw.sstart <= raw.send, "+", "-")
    hits["e_value"], hits["bit_score"] = raw.evalue, raw.bitscore
    order = ["query", "bit_score", "subject", "query_start"]
    return (
        hits[list(COLUMNS)]
        .sort_values(order, ascending=[True, False, True, True], kind="stable")
        .reset_index(drop=True)
    )
