"""What is to be embedded: windows of a corpus or records of a FASTA or .2bit file, in chunks that fit in memory."""

from __future__ import annotations

import contextlib
import copy
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from dnabert.alphabet import reverse_complement
from dnabert.corpus.reading import Genome
from dnabert.corpus.summary import check_is_dna
from dnabert.disk import disk_in_one_line
from dnabert.encoders.arrays import Bases, check_length
from dnabert.encoders.config import EmbedConfig
from dnabert.errors import UserError
from dnabert.given import path_to_read

if TYPE_CHECKING:
    import pyarrow

    from dnabert.corpus import WindowView

_CHUNK_SEQUENCES = 512  # fine enough for the progress bar, many enough to find partners of like length
_CHUNK_BASES = 1 << 23  # long records come in fewer at a time


@dataclass(frozen=True)
class Chunk:
    """Sequences in input order and what is known of them."""

    bases: Bases
    columns: pyarrow.Table


class Source(Protocol):
    """The chosen sequences; their order is the input's."""

    more: str
    """What gives more sequences than were chosen: a sentence's end for whoever chose too few."""
    rows: NDArray[np.intp]
    """Number of each chosen sequence in the whole input, intp (n,), ascending."""

    def __len__(self) -> int: ...

    def lengths(self) -> NDArray[np.int64]:
        """Bases of each chosen sequence, int64 (n,)."""
        ...

    def check_lengths(self, minimum: int) -> None:
        """Raise `UserError` when a chosen sequence has fewer bases."""
        ...

    def chunks(self, start: int, stop: int) -> Iterator[Chunk]:
        """The chosen sequences from `start` to `stop`, in order."""
        ...

    def to_fit(self) -> Source:
        """What an encoder is to be fitted on, whatever sample is chosen: of a corpus the training windows, so that all
        others are new to it as to a model; of one without two of them, what splits and genomes leave; else all of the
        input."""
        ...


@contextlib.contextmanager
def open_source(path: str | os.PathLike[str], *, config: EmbedConfig) -> Iterator[Source]:
    """Open a corpus folder or a FASTA or .2bit file and choose what `config` asks for; a context manager.

    Raises
    ------
    UserError
        when it is neither, nothing is left, or the folder of temporary files has no room for what is decompressed.
    """
    path = path_to_read(
        path,
        allowed="a corpus folder, or a FASTA or .2bit file",
        instead="write one, or give the sequences to load_encoder(…).encode",
    )
    if os.path.isdir(path):
        yield CorpusSource(path, config=config)
        return
    if not os.path.exists(path):
        raise UserError(f"no such input: {path}: give a corpus folder, or a FASTA or .2bit file")
    if path.is_fifo():  # what <(zcat genome.fa.gz) of a shell is
        raise UserError(
            f"{path} is a pipe, and a genome is read from more than one place: write it into a file (which may be "
            "compressed by gzip)"
        )
    with tempfile.TemporaryDirectory(prefix="dnabert-") as scratch:
        with disk_in_one_line(scratch, mend="free space there, or set TMPDIR to a folder on another disk"):
            opened = Genome(path, scratch=scratch)
        with opened as genome:
            yield FastaSource(genome, config=config)


class CorpusSource:
    """Windows of a corpus. `row` counts all windows of the corpus: train, validation, test."""

    def __init__(self, folder: Path, *, config: EmbedConfig) -> None:
        from dnabert.corpus import load_corpus

        corpus = load_corpus(folder)
        self._view = corpus.view(None)
        self._table: Any = self._view.table.with_format("arrow")
        self._split, names = self._view.coded("split")
        self._splits = np.array(names, object)
        self._asked = _among(self._view, "split", config.splits, flag="--splits", where=folder)
        self._of_genomes = np.ones(len(self._split), dtype=bool)
        if config.genomes is not None:
            self._of_genomes = _among(self._view, "genome", config.genomes, flag="--genomes", where=folder)
            self._asked &= self._of_genomes
        self.rows = _sample(np.flatnonzero(self._asked), config=config)
        if not len(self.rows):
            raise UserError(
                f"--splits {config.splits} --genomes {config.genomes} leave no window of {folder}: ask for more"
            )
        self._reverse = reversed_rows(len(self._split), config=config)
        self._shown = f"each window of {folder}"
        self._length = int(corpus.window_length)
        self.more = f"ask for more windows of {folder} (--sample, --splits, --genomes)"

    def __len__(self) -> int:
        return len(self.rows)

    def lengths(self) -> NDArray[np.int64]:
        """See `Source.lengths`."""
        return np.full(len(self), self._length, dtype=np.int64)

    def check_lengths(self, minimum: int) -> None:
        """See `Source.check_lengths`."""
        check_length(self._length, minimum=minimum, name=self._shown)

    def chunks(self, start: int, stop: int) -> Iterator[Chunk]:
        """See `Source.chunks`."""
        for first in range(start, stop, _CHUNK_SEQUENCES):
            rows = self.rows[first : min(first + _CHUNK_SEQUENCES, stop)]
            reverse = self._reverse[rows]
            columns = _without(self._table[rows], ("split", "strand", "row"))
            columns = _append(columns, split=self._splits[self._split[rows]], strand=_signs(reverse), row=rows)
            yield Chunk(self._view.bases(rows, reverse=reverse), columns)

    def to_fit(self) -> CorpusSource:
        """See `Source.to_fit`; of the genomes that are asked for, or of all where these have fewer than two."""
        from dnabert.corpus.splits import SPLITS

        training = (self._splits == SPLITS[0])[self._split]
        to_fit = copy.copy(self)
        for kept in (training & self._of_genomes, training, self._asked):
            to_fit.rows = np.flatnonzero(kept)
            if len(to_fit) > 1:
                break
        return to_fit


class FastaSource:
    """Records of a FASTA file, each of them one sequence whatever its length."""

    def __init__(self, genome: Genome, *, config: EmbedConfig) -> None:
        path = genome.path
        if config.splits is not None or config.genomes is not None:
            raise UserError(
                f"--splits and --genomes choose windows of a corpus, {path} is a FASTA file: leave them out"
            )
        self._genome = genome
        self._names = list(genome.lengths)
        self.rows = _sample(np.arange(len(self._names)), config=config)
        self._reverse = reversed_rows(len(self._names), config=config)
        cut = f"dnabert prepare {path} --out corpus cuts a genome into windows, and dnabert embed reads that folder"
        self.more = f"each record of {path} is one; {cut}"

    def __len__(self) -> int:
        return len(self.rows)

    def lengths(self) -> NDArray[np.int64]:
        """See `Source.lengths`."""
        return np.array([self._genome.lengths[self._names[row]] for row in self.rows.tolist()], dtype=np.int64)

    def check_lengths(self, minimum: int) -> None:
        """See `Source.check_lengths`; the shortest record is named, and how many more are too short."""
        lengths = self.lengths()
        shortest = int(lengths.argmin())
        more = int((lengths < minimum).sum()) - 1
        name = f"record {self._names[self.rows[shortest]]} of {self._genome.path}"
        check_length(int(lengths[shortest]), minimum=minimum, name=name, more=max(more, 0))

    def chunks(self, start: int, stop: int) -> Iterator[Chunk]:
        """See `Source.chunks`; a file that turns out to hold no DNA at all is refused when it has been read through."""
        letters = np.zeros(256, dtype=np.int64)
        for rows in self._gathered(start, stop):
            chunk = self._chunk(rows)
            for bases in chunk.bases:
                letters += np.bincount(bases, minlength=256)
            yield chunk
        if stop - start == len(self._names):  # a part may hold N alone
            check_is_dna(self._genome.path, letters=letters)

    def to_fit(self) -> FastaSource:
        """See `Source.to_fit`."""
        to_fit = copy.copy(self)
        to_fit.rows = np.arange(len(self._names))
        return to_fit

    def _gathered(self, start: int, stop: int) -> Iterator[list[int]]:
        gathered: list[int] = []
        size = 0
        for row in self.rows[start:stop].tolist():
            gathered.append(row)
            size += self._genome.lengths[self._names[row]]
            if len(gathered) == _CHUNK_SEQUENCES or size > _CHUNK_BASES:
                yield gathered
                gathered, size = [], 0
        if gathered:
            yield gathered

    def _chunk(self, rows: list[int]) -> Chunk:
        import pyarrow

        names = [self._names[row] for row in rows]
        bases = [self._genome.fetch(name, 0, self._genome.lengths[name]) for name in names]
        reverse = self._reverse[rows]
        bases = [reverse_complement(b) if back else b for b, back in zip(bases, reverse, strict=True)]
        columns = _append(
            pyarrow.table({"name": pyarrow.array(names, pyarrow.string())}),
            length=np.array([len(b) for b in bases], dtype=np.int64),
            strand=_signs(reverse),
            row=np.array(rows),
        )
        return Chunk(bases, columns)


def reversed_rows(n: int, *, config: EmbedConfig) -> NDArray[np.bool_]:
    """Which of a whole input's `n` rows are read on the reverse strand: a function of the seed and the row alone."""
    if config.strand == "forward":
        return np.zeros(n, dtype=bool)
    # a stream of its own (1): the strand must not hang together with the sample
    return np.random.default_rng([config.seed, 1]).random(n) < 0.5


def _sample(rows: NDArray[np.intp], *, config: EmbedConfig) -> NDArray[np.intp]:
    if config.sample is None or config.sample >= len(rows):
        return rows
    return np.sort(np.random.default_rng(config.seed).choice(rows, config.sample, replace=False))


def _among(view: WindowView, column: str, wanted: list[str] | None, *, flag: str, where: Path) -> NDArray[np.bool_]:
    """Windows whose text in a column is one of those wanted: bool (n,)."""
    codes, names = view.coded(column)
    if wanted is None:
        return np.ones(len(codes), dtype=bool)
    present = sorted(
        name for name, n in zip(names, np.bincount(codes, minlength=len(names)).tolist(), strict=True) if n
    )
    for name in wanted:
        if name not in present:
            raise UserError(f"{flag} {name} is not in {where}, which has {', '.join(present)}")
    return np.isin(names, wanted)[codes]


def _signs(reverse: NDArray[np.bool_]) -> NDArray[Any]:
    return np.where(reverse, "-", "+")


def _without(table: pyarrow.Table, names: tuple[str, ...]) -> pyarrow.Table:
    return table.drop_columns([name for name in names if name in table.column_names])


def _append(table: pyarrow.Table, **columns: NDArray[Any]) -> pyarrow.Table:
    import pyarrow

    for name, values in columns.items():
        kind = pyarrow.string() if values.dtype.kind in "OU" else pyarrow.int64()
        table = table.append_column(name, pyarrow.array(values.tolist(), kind))
    return table
