"""Labelled tasks from files: train, dev and test."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dnabert.corpus.reading import check_letters
from dnabert.corpus.records import Record, read_records
from dnabert.errors import UserError
from dnabert.gzip_file import is_gzip
from dnabert.probes.parts import CALLED, PARTS, dev_of, either_strand, parts_of, spelled
from dnabert.probes.seen_in_training import STRETCH, seen_in_training

_SUFFIXES = (".csv", ".tsv", ".fa", ".fasta", ".fna", ".data")


@dataclass(frozen=True)
class Part:
    """Sequences and their labels.

    Attributes
    ----------
    sequences : n arrays of ASCII, uint8 (L_i,).
    labels : int (n,), numbers of the task's ``classes``.
    """

    sequences: list[NDArray[np.uint8]]
    labels: NDArray[np.int64]

    def __repr__(self) -> str:
        """How many, not all of them: a notebook shows a task where it is a cell's last value."""
        return f"Part({len(self.labels):,} sequences)"


@dataclass(frozen=True)
class Task:
    """A labelled task.

    Attributes
    ----------
    name : of its folder or file.
    classes : names of the labels, sorted.
    train, dev, test : its parts.
    drawn : whether dev was drawn from train, since there was none.
    """

    name: str
    classes: list[str]
    train: Part
    dev: Part
    test: Part
    drawn: bool = False

    def summary(self) -> str:
        """One line: sizes, lengths, classes, what naming the commonest always reaches, and what train has in common
        with dev and test.

        Test sequences that share 30 bases with train may be remembered, not predicted; dev sequences that do let
        training go on too long.
        """
        parts = (self.train, self.dev, self.test)
        lengths = [len(sequence) for part in parts for sequence in part.sequences]
        span = told_span(min(lengths), max(lengths))
        counts = np.bincount(np.concatenate([part.labels for part in parts]), minlength=len(self.classes))
        classes = ", ".join(f"{name} {count:,}" for name, count in zip(self.classes, counts.tolist(), strict=True))
        sizes = " / ".join(f"{len(part.labels):,}" for part in parts)
        drawn = ", a tenth of train" if self.drawn else ""
        told = f"{self.name}: {sizes} sequences (train / dev{drawn} / test) of {span} bases; {classes}"
        commonest = int(np.bincount(self.train.labels).argmax())
        told += (
            f"; naming {self.classes[commonest]} always has an accuracy of "
            f"{(self.test.labels == commonest).mean():.3f} on test"
        )
        if twofold := self._twofold():
            told += f"; {twofold:,} different sequences have several labels"
        for name, (near, copied) in self._known_to_train.items():
            if near.any() or copied.any():
                told += (
                    f"; {name}: {near.sum():,} of {len(near):,} share {STRETCH} bases with train, "
                    f"{copied.sum():,} are copies"
                )
        return told

    @property
    def unseen(self) -> NDArray[np.bool_]:
        """Which test sequences (n,) are no copy of a training sequence and share no 30 bases with one, on either
        strand."""
        near, copied = self._known_to_train["test"]
        return ~(near | copied)

    @cached_property
    def _known_to_train(self) -> dict[str, tuple[NDArray[np.bool_], NDArray[np.bool_]]]:
        """Which sequences of dev and test share a stretch with train, and which are copies, on either strand; found
        once, whoever asks for it."""
        known, found = {either_strand(spelled(sequence)) for sequence in self.train.sequences}, {}
        for name, part in (("dev", self.dev), ("test", self.test)):
            copied = np.array([either_strand(spelled(sequence)) in known for sequence in part.sequences], dtype=bool)
            found[name] = seen_in_training(part.sequences, train=self.train.sequences), copied
        return found

    def _twofold(self) -> int:
        """How many different sequences stand there with more than one label."""
        labels: dict[bytes, set[int]] = {}
        for part in (self.train, self.dev, self.test):
            for sequence, label in zip(part.sequences, part.labels.tolist(), strict=True):
                labels.setdefault(spelled(sequence), set()).add(label)
        return sum(len(each) > 1 for each in labels.values())


def told_span(shortest: int, longest: int) -> str:
    """Lengths in words.

    Examples
    --------
    >>> told_span(300, 300), told_span(30, 1200)
    ('300', '30 to 1,200')
    """
    return f"{shortest:,}" if shortest == longest else f"{shortest:,} to {longest:,}"


def read_task(path: str | Path, *, seed: int = 0) -> Task:
    """Read a task.

    Parameters
    ----------
    path : a folder with ``train``, ``dev`` and ``test`` as CSV, TSV (columns ``sequence`` and ``label``) or FASTA (the
        label is the last word of the header), plain or gzip, which the content tells; or one such file. A table's
        column ``split`` says then what is train, dev and test; without it the file is split 8 : 1 : 1, stratified by
        label, with the copies of a sequence, of its other strand too, on one side. Where there is no ``dev`` (nor
        ``validation``, ``valid`` or ``val``) a tenth of ``train`` is drawn alike. A file may also be in the UCI
        repository's form: it ends in ``.data``, has no header, and its lines are ``label, name, sequence``.
    seed : of these splits.

    Raises
    ------
    UserError
        when a file or column is missing, a sequence is none, a part has a single class, or a class is too rare to be
        split.
    """
    path = Path(path)
    files = _files(path)
    rows = (
        {part: [(each.bases, each.label) for each in _read_file(file)] for part, file in files.items()}
        if path.is_dir()
        else parts_of(_read_file(path), path=path, seed=seed)
    )
    drawn = "dev" not in rows
    if drawn:
        rows["train"], rows["dev"] = dev_of(rows["train"], path=path, seed=seed)
    classes = sorted({label for part in rows.values() for _, label in part})
    if len(classes) < 2:
        raise UserError(f"{path} has one label, {classes[0]!r}: a task needs two or more")
    for part, own in rows.items():
        unknown = sorted({label for _, label in own} - {label for _, label in rows["train"]})
        if unknown:
            raise UserError(
                f"{path}: {part} has the label {unknown[0]!r}, which train lacks: "
                "add sequences of it there, or take it out"
            )
        if len({label for _, label in own}) < 2:
            raise UserError(
                f"{path}: {part} has one label, {own[0][1]!r}, and so tells nothing of what tells it apart: add "
                "sequences of another"
            )
    number = {label: index for index, label in enumerate(classes)}
    parts = {
        name: Part([sequence for sequence, _ in part], np.array([number[label] for _, label in part], dtype=np.int64))
        for name, part in rows.items()
    }
    return Task(path.name if path.is_dir() else path.name.split(".")[0], classes, **parts, drawn=drawn)


def read_tasks(paths: Sequence[str | Path], *, seed: int = 0) -> list[Task]:
    """Read several tasks, whose names tell their rows of a table apart; see `read_task`.

    Raises
    ------
    UserError
        when none is named, two have the same name, or one cannot be read.
    """
    if not paths:
        raise UserError("no task is named: pass --tasks FOLDER with train.csv, dev.csv and test.csv, or one file")
    tasks = [read_task(path, seed=seed) for path in paths]
    names = [task.name for task in tasks]
    if len(set(names)) < len(names):
        raise UserError(f"two of --tasks have the same name ({', '.join(names)}): rename a folder or file")
    return tasks


def tasks_inputs(paths: Sequence[str | Path]) -> dict[str, Path]:
    """`task_inputs` of several tasks, told apart by their numbers."""
    return {
        name: file
        for number, path in enumerate(paths)
        for name, file in task_inputs(path, name=f"task {number}").items()
    }


def task_inputs(path: str | Path, *, name: str = "task") -> dict[str, Path]:
    """The files that a task is read from, by what a manifest calls them, which hashes files and no folder.

    Raises
    ------
    UserError
        when one is missing.
    """
    return {f"{name} {part}".rstrip(): file for part, file in _files(Path(path)).items()}


def _files(path: Path) -> dict[str, Path]:
    """By part; of one that is to be split, under no name, and without dev where there is none."""
    if path.is_dir():
        found = {part: _find(path, part) for part in PARTS}
        return {part: file for part, file in found.items() if file is not None}
    if path.is_file():
        return {"": path}
    raise UserError(f"no such task: {path}: give a folder with train.csv, dev.csv and test.csv, or one file")


def _find(folder: Path, part: str) -> Path | None:
    for called in CALLED[part]:
        for suffix in _SUFFIXES:
            for path in (folder / f"{called}{suffix}", folder / f"{called}{suffix}.gz"):
                if path.is_file():
                    return path
    if part == "dev":
        return None
    raise UserError(f"{folder} has no {part}.csv, .tsv, .fa or .fasta (or one of them with .gz): add it")


def _read_file(path: Path) -> list[Record]:
    records = []
    for record in _uci_records(path) if path.name.removesuffix(".gz").endswith(".data") else read_records(path):
        if not record.label:
            raise UserError(
                f"{path}: sequence {record.name} has no label: write it as its header's last word ('>name label'), or "
                "in a table's column 'label'"
            )
        if not len(record.bases):
            raise UserError(f"{path}: sequence {record.name} has no bases: remove it")
        records.append(record)
    if not records:
        raise UserError(f"{path} holds no sequence: add some")
    return records


def _uci_records(path: Path) -> Iterator[Record]:
    for line, text in enumerate(_text(path).splitlines(), start=1):
        fields = [field.strip() for field in text.split(",")]
        if fields == [""]:
            continue
        if len(fields) != 3:
            raise UserError(
                f"{path}, line {line}: {len(fields)} fields between commas, allowed are label, name, sequence: mend it"
            )
        label, name, sequence = fields
        bases = np.frombuffer(sequence.encode("ascii", "replace"), dtype=np.uint8)
        check_letters(bases, shown=path, name=name or str(line), give="DNA or RNA")
        yield Record(name or str(line), bases, label)


def _text(path: Path) -> str:
    try:
        with gzip.open(path, "rt", encoding="utf-8-sig") if is_gzip(path) else path.open(encoding="utf-8-sig") as file:
            return file.read()
    except (OSError, EOFError, UnicodeDecodeError, zlib.error) as error:
        raise UserError(f"{path} cannot be read: {error}") from error
