"""Transcripts from UCSC's genePred tables (ncbiRefSeq, refGene, ensGene, knownGene, refFlat), BED of 12 columns, and
bigGenePred (BED12 and 8)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from dnabert.corpus.blocks import FARTHEST
from dnabert.corpus.frames import UNTOLD
from dnabert.corpus.tracks import STRANDS, is_whole

#: Columns of a plain genePred, from the sequence's name on, that say where the transcript lies.
_PLACES = 6
#: Columns of genePredExt: the ten of genePred, then score, name2, cdsStartStat, cdsEndStat, exonFrames.
_EXTENDED = 15
_BED12 = 12
#: Columns of bigGenePred: those of BED, then name2, cdsStartStat, cdsEndStat, exonFrames, type, geneName, geneName2,
#: geneType.
_BIG = 20
#: Whether a coding sequence has its start, or its end.
_STATES = ("none", "unk", "incmpl", "cmpl")
#: How bigGenePred writes that it does not know.
_NONE = ("", "none", "unk", "(null)")


@dataclass(frozen=True)
class Transcript:
    """One transcript; coordinates 0-based, half open."""

    gene: str
    chrom: str
    strand: str
    start: int
    end: int
    exons: np.ndarray
    """int64 (n, 2)."""
    coding: tuple[int, int]
    """From the first to the last base of its coding sequence, introns included; empty where nothing is coded."""
    frames: list[int] | None = None
    """Place within its codon of the first coding base of each exon, as it is read, -1 = none; None: the table has
    none."""
    gene_type: str = ""
    """Of its gene, where the table tells it."""

    @property
    def is_coding(self) -> bool:
        """Whether it holds a coding sequence."""
        return self.coding[0] < self.coding[1]

    def parts(self) -> dict[str, np.ndarray]:
        """Its ``CDS``, ``UTR`` and ``exon`` intervals, int64 (n, 2) each; without a coding sequence exons alone.

        Examples
        --------
        >>> exons = np.array([[0, 10], [20, 30]])
        >>> parts = Transcript("g", "chr1", "+", 0, 30, exons, coding=(4, 25)).parts()
        >>> {name: intervals.tolist() for name, intervals in parts.items()}
        {'exon': [[0, 10], [20, 30]], 'CDS': [[4, 10], [20, 25]], 'UTR': [[0, 4], [25, 30]]}
        """
        if not self.is_coding:
            return {"exon": self.exons}
        first, last = self.coding
        before, after = np.minimum(self.exons, first), np.maximum(self.exons, last)
        untranslated = np.concatenate([before, after])
        return {
            "exon": self.exons,
            "CDS": _not_empty(np.clip(self.exons, first, last)),
            "UTR": _not_empty(untranslated),
        }

    def coding_pieces(self) -> list[tuple[int, int, int]]:
        """Start, end and phase (bases before the first whole codon, as it is read; `UNTOLD`) of each piece of coding
        sequence.

        Examples
        --------
        >>> exons = np.array([[0, 10], [20, 30]])
        >>> Transcript("g", "chr1", "+", 0, 30, exons, coding=(4, 26), frames=[0, 0]).coding_pieces()
        [(4, 10, 0), (20, 26, 0)]
        """
        if not self.is_coding:
            return []
        first, last = self.coding
        frames = [-1] * len(self.exons) if self.frames is None else self.frames
        rows = (
            (max(start, first), min(end, last), frame)
            for (start, end), frame in zip(self.exons.tolist(), frames, strict=True)
        )
        return [(start, end, -frame % 3 if frame in (0, 1, 2) else UNTOLD) for start, end, frame in rows if start < end]


def transcript_parser(fields: Sequence[str]) -> Callable[[Sequence[str]], Transcript] | None:
    """Find what reads a table's lines, judged by one of them; none where it is no table of transcripts.

    The table may begin with UCSC's ``bin`` column (genePred, genePredExt) or with the gene's name (refFlat). The
    gene is ``name2`` of genePredExt, the first column of refFlat, ``geneName`` of bigGenePred (``name2`` where that is
    the transcript's, as genePredToBigGenePred writes it), else the transcript's own name.

    Parameters
    ----------
    fields : one line, cut at its tabs.

    Examples
    --------
    >>> line = "585\\tNR_1\\tchr1\\t-\\t9\\t20\\t20\\t20\\t2\\t9,15,\\t12,20,\\t0\\tWASH7P\\tunk\\tunk\\t-1,-1,"
    >>> parse = transcript_parser(line.split("\\t"))
    >>> parse(line.split("\\t")).gene
    'WASH7P'
    """
    if _is_gene_pred(fields):
        return _parse_gene_pred
    if len(fields) > _PLACES + 4 and _is_gene_pred(fields[1:]):
        return (lambda fields: _parse_gene_pred(fields[1:])) if is_whole(fields[0]) else _parse_ref_flat
    if len(fields) >= _BED12 and all(map(is_whole, (*fields[1:3], *fields[6:8], fields[9]))):
        return _parse_bed12
    return None


def _is_gene_pred(fields: Sequence[str]) -> bool:
    return len(fields) >= 10 and fields[2] in ("+", "-") and all(map(is_whole, fields[3:8])) and "," in fields[8]


def _parse_gene_pred(fields: Sequence[str], *, gene: str | None = None) -> Transcript:
    name, chrom, strand, start, end, coding_start, coding_end, count, starts, ends = fields[:10]
    if strand not in STRANDS:
        raise ValueError
    extended = len(fields) >= _EXTENDED and is_whole(fields[10])
    exons = np.stack([_numbers(starts), _numbers(ends)], axis=1)
    _check_exons(exons, start=int(start), end=int(end), count=int(count))
    coding = _within_reach(coding_start, coding_end)
    frames = _frames(fields[14], exons=exons) if extended else None
    return Transcript(
        gene=gene or (fields[11] if extended else "") or name,
        chrom=chrom,
        strand=strand,
        start=int(start),
        end=int(end),
        exons=exons,
        coding=coding,
        frames=frames,
    )


def _parse_ref_flat(fields: Sequence[str]) -> Transcript:
    return _parse_gene_pred(fields[1:], gene=fields[0])


def _parse_bed12(fields: Sequence[str]) -> Transcript:
    chrom, start, end, name, _, strand, thick_start, thick_end, _, count, sizes, starts = fields[:_BED12]
    if strand not in STRANDS:
        raise ValueError
    begins = _numbers(starts) + int(start)
    exons = np.stack([begins, begins + _numbers(sizes)], axis=1)
    _check_exons(exons, start=int(start), end=int(end), count=int(count))
    big = len(fields) >= _BIG and fields[13] in _STATES
    gene_names = [fields[i] for i in (17, 12) if fields[i] not in (*_NONE, name)] if big else []
    return Transcript(
        gene=next(iter(gene_names), name),
        chrom=chrom,
        strand=strand,
        start=int(start),
        end=int(end),
        exons=exons,
        coding=_within_reach(thick_start, thick_end),
        frames=_frames(fields[15], exons=exons) if big else None,
        gene_type=fields[19] if big and fields[19] not in _NONE else "",
    )


def _frames(text: str, *, exons: np.ndarray) -> list[int]:
    frames = [int(frame) for frame in text.rstrip(",").split(",")]
    if len(frames) != len(exons) or not {-1, 0, 1, 2}.issuperset(frames):
        raise ValueError
    return frames


def _check_exons(exons: np.ndarray, *, start: int, end: int, count: int) -> None:
    within = len(exons) == count > 0 and 0 <= start <= end <= FARTHEST and exons.min() >= start and exons.max() <= end
    if not within or (exons[:, 0] > exons[:, 1]).any():
        raise ValueError


def _within_reach(start: str, end: str) -> tuple[int, int]:
    coding = int(start), int(end)
    if min(coding) < 0 or max(coding) > FARTHEST:
        raise ValueError
    return coding


def _numbers(text: str) -> np.ndarray:
    """``"9,15,"`` as int64 (2,)."""
    return np.array(text.rstrip(",").split(","), np.int64)


def _not_empty(intervals: np.ndarray) -> np.ndarray:
    return intervals[intervals[:, 0] < intervals[:, 1]]
