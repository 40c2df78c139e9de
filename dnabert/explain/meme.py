"""Motif files in the MEME format: https://meme-suite.org/meme/doc/meme-format.html (minimal, version 4 and later)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dnabert.errors import UserError

#: A row of letter probabilities may miss 1 by this much: files are rounded.
_TOLERANCE = 0.01


@dataclass(frozen=True)
class Motif:
    """A letter-probability matrix with its name.

    Attributes
    ----------
    name : without spaces.
    matrix : float64 (l, 4), share of A, C, G, T at each column; rows sum to 1.
    alternate : a second name, or "".
    n_sites : sites behind the matrix.
    """

    name: str
    matrix: NDArray[np.float64]
    alternate: str = ""
    n_sites: int = 20

    def __post_init__(self) -> None:
        """Refuse what is no matrix of shares."""
        shape = np.shape(self.matrix)
        if len(shape) != 2 or shape[1:] != (4,) or shape[0] == 0:
            raise UserError(f"motif {self.name}: its matrix has shape {shape}, allowed is (columns, 4): A, C, G, T")
        if not (np.min(self.matrix) >= 0 and np.max(self.matrix) <= 1 + _TOLERANCE):  # so that NaN is refused too
            raise UserError(
                f"motif {self.name}: its matrix holds more than shares of 0 to 1: give shares that sum to 1"
            )
        sums = np.sum(self.matrix, axis=1)
        if np.abs(sums - 1).max() > _TOLERANCE:
            worst = int(np.abs(sums - 1).argmax())
            raise UserError(
                f"motif {self.name}: column {worst + 1} sums to {sums[worst]:.3f}: give shares that sum to 1"
            )


def read_meme(path: str | Path) -> list[Motif]:
    """Read every motif of a MEME file; anything but names and letter-probability matrices is passed over.

    Raises
    ------
    UserError
        when the file cannot be read, holds no motif, is not of DNA, or a matrix is broken; the message names the line.
    """
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(
            f"motif file {path} cannot be read ({error.__class__.__name__}): give a text file in MEME format"
        ) from None
    motifs, names = [], ["", ""]
    for number, line in enumerate(lines):
        if line.startswith("ALPHABET=") and not line.split("=", 1)[1].strip().startswith("ACGT"):
            raise UserError(f"{path}, line {number + 1}: {line.strip()}, allowed is ALPHABET= ACGT: give motifs of DNA")
        if line.startswith("MOTIF"):
            names = [*line.split()[1:3], "", ""][:2]
        if line.lstrip().startswith("letter-probability matrix"):
            motifs.append(_matrix(path, lines, number=number, names=names))
    if not motifs:
        raise UserError(
            f"motif file {path} has no letter-probability matrix: give one in MEME format, such as JASPAR offers"
        )
    return motifs


def write_meme(motifs: Iterable[Motif], path: str | Path) -> None:
    """Write motifs as a MEME file (version 4) that the MEME suite, HOMER's and JASPAR's tools read."""
    parts = [
        "MEME version 4\n\nALPHABET= ACGT\n\nstrands: + -\n\nBackground letter frequencies\n"
        "A 0.25 C 0.25 G 0.25 T 0.25\n"
    ]
    for motif in motifs:
        if not motif.name or len(f"{motif.name} {motif.alternate}".split()) > 2:
            raise UserError(
                f"motif name {motif.name!r} {motif.alternate!r}: allowed are names without spaces: rename it"
            )
        parts.append(f"\nMOTIF {motif.name} {motif.alternate}".rstrip() + "\n")
        parts.append(f"letter-probability matrix: alength= 4 w= {len(motif.matrix)} nsites= {motif.n_sites} E= 0\n")
        parts += [" ".join(f"{share:.6f}" for share in column) + "\n" for column in motif.matrix]
    Path(path).write_text("".join(parts), encoding="utf-8")


def _matrix(path: str | Path, lines: list[str], *, number: int, names: list[str]) -> Motif:
    """Read the matrix under the line `number`; without ``w=`` it ends where no four numbers stand."""
    if not names[0]:
        raise UserError(f"{path}, line {number + 1}: a matrix before any MOTIF line: name each motif")
    words = lines[number].replace("=", " = ").split()
    stated = {name: words[i + 2] for i, name in enumerate(words[:-2]) if words[i + 1] == "="}
    rows: list[list[float]] = []
    for line in lines[number + 1 :]:
        row = _numbers(line)
        if row is None or str(len(rows)) == stated.get("w"):
            break
        rows.append(row)
    if not rows or any(len(row) != 4 for row in rows) or stated.get("w", str(len(rows))) != str(len(rows)):
        wanted = f"{stated['w']} lines" if "w" in stated else "lines"
        raise UserError(
            f"{path}, line {number + 1}: motif {names[0]} has {len(rows)} columns, allowed are {wanted} of 4 numbers"
        )
    sites = stated.get("nsites", "")
    return Motif(names[0], np.array(rows), names[1], _sites(sites))


def _sites(text: str) -> int:
    """The number after ``nsites=``; 20, as the MEME suite takes it, where none stands there."""
    sites = (_numbers(text) or [20.0])[0]
    return int(sites) if 0 <= sites < float("inf") else 20


def _numbers(line: str) -> list[float] | None:
    try:
        return [float(word) for word in line.split()] or None
    except ValueError:
        return None
