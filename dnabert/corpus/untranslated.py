"""The UTR of transcripts whose file names none."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field

import numpy as np

from dnabert.corpus.blocks import FARTHEST


@dataclass
class UntranslatedParts:
    """What tells the UTR of transcripts whose file does not: exons, 24 bytes each, and the ends of the coding
    sequence."""

    numbers: dict[str, int] = field(default_factory=dict)
    exons: array[int] = field(default_factory=lambda: array("q"))
    """Transcript, start and end of each."""
    first: array[int] = field(default_factory=lambda: array("q"))
    """Of each transcript the first coding base, beyond any sequence where there is none."""
    last: array[int] = field(default_factory=lambda: array("q"))
    """… and the one behind its last."""
    told: set[int] = field(default_factory=set)
    """Transcripts with a UTR of their own in the file."""

    def add(self, transcript: str, part: str, *, start: int, end: int) -> None:
        """Note an ``exon``, a ``CDS`` or a ``UTR`` of a transcript; coordinates 0-based, half open."""
        number = self.numbers.setdefault(transcript, len(self.numbers))
        if number == len(self.first):
            self.first.append(FARTHEST + 1)
            self.last.append(-1)
        if part == "exon":
            self.exons.extend((number, start, end))
        elif part == "UTR":
            self.told.add(number)
        else:
            self.first[number] = min(self.first[number], start)
            self.last[number] = max(self.last[number], end)

    def untranslated(self) -> np.ndarray:
        """Parts of exons before the first and after the last coding base of their transcript: int64 (n, 2)."""
        first, last = np.array(self.first, np.int64), np.array(self.last, np.int64)
        known = last >= 0
        known[list(self.told)] = False
        transcript, start, end = np.array(self.exons, np.int64).reshape(-1, 3).T
        transcript, start, end = (column[known[transcript]] for column in (transcript, start, end))
        before = np.stack([start, np.minimum(end, first[transcript])], axis=1)
        after = np.stack([np.maximum(start, last[transcript]), end], axis=1)
        found = np.concatenate([before, after])
        return found[found[:, 0] < found[:, 1]]
