"""Labelled rows into train, dev and test: drawn, or as a column of the file has them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dnabert.alphabet import reverse_complement
from dnabert.corpus.records import Record
from dnabert.errors import UserError

PARTS = ("train", "dev", "test")
#: What a part is called, by a file or in a table's column `split`: the first, or as others write it.
CALLED = {"train": ("train",), "dev": ("dev", "validation", "valid", "val"), "test": ("test",)}

#: Sequences, uint8 ASCII, with their labels.
Rows = list[tuple[NDArray[np.uint8], str]]


def parts_of(records: Sequence[Record], *, path: Path, seed: int) -> dict[str, Rows]:
    """The parts of one file: those that its column `split` names, else drawn, 8 : 1 : 1.

    Raises
    ------
    UserError
        when the column has another word, or lacks train or test, or there is too little to draw from.
    """
    if not any(record.split for record in records):
        return _drawn([(record.bases, record.label) for record in records], path=path, seed=seed)
    of = {name: part for part, names in CALLED.items() for name in names}
    rows: dict[str, Rows] = {}
    for record in records:
        part = of.get(record.split.lower())
        if part is None:
            raise UserError(
                f"{path}: sequence {record.name} has the split {record.split!r}, allowed are {', '.join(of)}: mend it, "
                "or take the column out, and parts are drawn"
            )
        rows.setdefault(part, []).append((record.bases, record.label))
    for part in ("train", "test"):
        if part not in rows:
            raise UserError(
                f"{path}: its column split has no {part!r}: mark some sequences so, or take the column out, and parts "
                "are drawn"
            )
    return {part: rows[part] for part in PARTS if part in rows}


def _drawn(rows: Rows, *, path: Path, seed: int) -> dict[str, Rows]:
    """Draw the sequences, not the rows: a copy, or the other strand of one, on the other side would be remembered, not
    predicted."""
    from sklearn.model_selection import train_test_split

    number, labels = _different(rows)
    try:
        train, rest = train_test_split(np.arange(len(labels)), test_size=0.2, stratify=labels, random_state=seed)
        dev, test = train_test_split(rest, test_size=0.5, stratify=[labels[i] for i in rest], random_state=seed)
    except ValueError as error:
        raise UserError(
            f"{path} cannot be split into train, dev and test ({error}): give it a column split, or three files in a "
            "folder"
        ) from error
    return {name: _chosen(rows, number, chosen) for name, chosen in zip(PARTS, (train, dev, test), strict=True)}


def dev_of(rows: Rows, *, path: Path, seed: int) -> tuple[Rows, Rows]:
    """What stays in train, and a tenth of its sequences, drawn alike, as dev."""
    from sklearn.model_selection import train_test_split

    number, labels = _different(rows)
    try:
        train, dev = train_test_split(np.arange(len(labels)), test_size=0.1, stratify=labels, random_state=seed)
    except ValueError as error:
        raise UserError(
            f"{path} has no {'dev.csv, .tsv, .fa or .fasta' if path.is_dir() else 'dev'}, and it cannot be drawn from "
            f"train ({error}): add it"
        ) from error
    return _chosen(rows, number, train), _chosen(rows, number, dev)


def _chosen(rows: Rows, number: NDArray[np.int64], chosen: NDArray[np.int64]) -> Rows:
    return [rows[row] for row in np.flatnonzero(np.isin(number, chosen))]


def _different(rows: Rows) -> tuple[NDArray[np.int64], list[str]]:
    """Which of the different sequences each row is (n,), and the label with which each of these stands first."""
    written = [spelled(sequence) for sequence, _ in rows]
    either = [either_strand(text) for text in written]
    first: dict[bytes, int] = {}
    for row, text in enumerate(either):
        first.setdefault(text, row)
    # sorted as each is first written; an array of bytes would make all as long as the longest
    place = {text: index for index, text in enumerate(sorted(first, key=lambda text: written[first[text]]))}
    number = np.array([place[text] for text in either])
    return number, [rows[first[text]][1] for text in place]


def either_strand(text: bytes) -> bytes:
    """The same of a spelled sequence and of its reverse complement."""
    return min(text, reverse_complement(text))


def spelled(sequence: NDArray[np.uint8]) -> bytes:
    """As DNA in capitals: RNA is the same sequence, and its other strand in letters of RNA is no complement that
    anybody writes."""
    return sequence.tobytes().upper().replace(b"U", b"T")
