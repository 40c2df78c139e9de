"""Parts drawn from labelled sequences, with the copies of a sequence on one side."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dnabert.alphabet import reverse_complement
from dnabert.errors import UserError

#: Sequences, ASCII uint8 (L,), with their labels.
Rows = list[tuple[NDArray[np.uint8], str]]


def split(rows: Rows, *, path: Path, seed: int) -> dict[str, Rows]:
    """Draw train, dev and test, 8 : 1 : 1, each with every label.

    Sequences are drawn, not rows: a copy, or the other strand of one, on the other side would be remembered, not
    predicted.

    Parameters
    ----------
    rows : of the file.
    path : of the file, for the error.
    seed : of the draw.

    Raises
    ------
    UserError
        when a label has too few sequences.
    """
    from sklearn.model_selection import train_test_split

    number, labels = _different(rows)
    try:
        train, rest = train_test_split(np.arange(len(labels)), test_size=0.2, stratify=labels, random_state=seed)
        dev, test = train_test_split(rest, test_size=0.5, stratify=[labels[i] for i in rest], random_state=seed)
    except ValueError as error:
        raise UserError(
            f"{path} cannot be split into train, dev and test ({error}): give three files in a folder"
        ) from error
    drawn = {"train": train, "dev": dev, "test": test}
    return {name: _chosen(rows, number, chosen) for name, chosen in drawn.items()}


def draw_dev(rows: Rows, *, path: Path, seed: int) -> tuple[Rows, Rows]:
    """What stays in train, and a tenth of its sequences as dev, drawn as by `split`, whose errors it raises."""
    from sklearn.model_selection import train_test_split

    number, labels = _different(rows)
    try:
        train, dev = train_test_split(np.arange(len(labels)), test_size=0.1, stratify=labels, random_state=seed)
    except ValueError as error:
        raise UserError(
            f"{path} has no dev.csv, .tsv, .fa or .fasta, and it cannot be drawn from train ({error}): add it"
        ) from error
    return _chosen(rows, number, train), _chosen(rows, number, dev)


def _chosen(rows: Rows, number: NDArray[np.int64], chosen: NDArray[np.int64]) -> Rows:
    return [rows[row] for row in np.flatnonzero(np.isin(number, chosen))]


def _different(rows: Rows) -> tuple[NDArray[np.int64], list[str]]:
    """Which of the different sequences each row is (n,), and the label with which each of these stands first."""
    spelled = [as_dna(sequence) for sequence, _ in rows]
    either = [either_strand(text) for text in spelled]
    first: dict[bytes, int] = {}
    for row, text in enumerate(either):
        first.setdefault(text, row)
    # sorted as each is first written; an array of bytes would make all as long as the longest
    place = {text: index for index, text in enumerate(sorted(first, key=lambda text: spelled[first[text]]))}
    number = np.array([place[text] for text in either])
    return number, [rows[first[text]][1] for text in place]


def either_strand(text: bytes) -> bytes:
    """The same of a spelled sequence and of its reverse complement."""
    return min(text, reverse_complement(text))


def as_dna(sequence: NDArray[np.uint8]) -> bytes:
    """As DNA in capitals: RNA is the same sequence, and its other strand in letters of RNA is no complement that
    anybody writes."""
    return sequence.tobytes().upper().replace(b"U", b"T")
