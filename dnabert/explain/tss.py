"""How far windows lie from the nearest start of transcription, or of a gene where no annotation tells where it is read
from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dnabert.corpus.blocks import FARTHEST
from dnabert.corpus.gene_lines import first_base, places_of_pieces
from dnabert.corpus.genes import Genes, read_genes
from dnabert.explain.differences import differences
from dnabert.explain.enrichment import enrichment
from dnabert.explain.terms import Terms

if TYPE_CHECKING:
    from dnabert.explain.windows import ClusteredWindows

#: By sequence: position int64 (m,), ascending, 0-based, and strand object (m,).
Starts = dict[str, tuple[NDArray[np.int64], NDArray[np.object_]]]

#: Windows at most this many bases from a start of transcription are near it.
NEAR = 1_000


def tss_distances(windows: ClusteredWindows) -> tuple[NDArray[np.float64], NDArray[np.object_]]:
    """Distance of each window from the nearest start of transcription, and the strand of its gene.

    Genes come from the files of genes of ``windows.genomes``. Each of a gene's transcripts has a start, its first
    base, on the reverse strand its last; so has a gene without transcripts. Genes without a strand are left out.

    Returns
    -------
    distance : float64 (n,), in bases, signed as the gene reads: negative upstream, positive downstream, 0 when the
        start lies in the window; from the start to the nearest base of the window. NaN where the sequence has no gene.
    strand : object (n,), ``+``, ``-``, or ``.`` without a gene. Of starts equally near, the one with the smaller
        coordinate.
    """
    distance, strand, _ = _measured(windows)
    return distance, strand


def _measured(windows: ClusteredWindows) -> tuple[NDArray[np.float64], NDArray[np.object_], bool]:
    """What `tss_distances` gives, and whether most of the starts are known to be of transcription."""
    table = windows.table
    distance = np.full(len(table), np.nan)
    strand = np.full(len(table), ".", object)
    known, every = 0, 0
    for genome in windows.genomes:
        own = (table["genome"] == genome.name).to_numpy()
        if genome.genes is None or not own.any():
            continue
        genes = read_genes(genome.genes)
        starts = transcription_starts(genes)
        counts = known_starts(genes, starts)
        known, every = known + counts[0], every + counts[1]
        for chrom, (position, strands) in starts.items():
            if chrom in genes.circular:  # the nearest may lie on the other side of the origin
                position = np.concatenate([position + turn * genes.circular[chrom] for turn in (-1, 0, 1)])
                strands = np.tile(strands, 3)
            rows = np.flatnonzero(own & (table["chrom"] == chrom).to_numpy())
            begin, end = (table[name].to_numpy()[rows] for name in ("start", "end"))
            nearest, found = nearest_start(position, begin=begin, end=end)
            distance[rows] = np.where(strands[nearest] == "-", -found, found)
            strand[rows] = strands[nearest]
    return distance, strand, 2 * known > every


def transcription_starts(genes: Genes) -> Starts:
    """Starts of transcription by sequence.

    Of a gene whose transcripts are known every one's first base, as it is read, each once; of the others the gene's.
    Lines of one gene (`Genes.ids`) and strand that lie within 100 kb of each other are one; genes that share a name are
    not.
    """
    found = {}
    for chrom, spans in genes.spans.items():
        strands = genes.names[chrom][2]
        kept = np.flatnonzero(np.isin(strands, ("+", "-")))
        if not len(kept):
            continue
        starts: set[tuple[int, str]] = set()
        known = genes.starts.get(chrom, {})
        of_gene: dict[tuple[str, str], list[int]] = {}
        for row in kept.tolist():
            of_gene.setdefault((genes.ids[chrom][row], strands[row]), []).append(row)
        for gene, rows in of_gene.items():
            transcripts = known[gene].tolist() if gene in known else []
            for begin, end in _places_of(spans[rows]):
                own = first_base(begin, end, gene[1])
                within = [position for position in transcripts if begin <= position < end]
                starts.update((position, gene[1]) for position in within or [own])
        position, strand = (np.array(column) for column in zip(*sorted(starts), strict=True))
        if chrom in genes.circular:  # the first base of a gene that is read backwards over the origin lies behind it
            position %= genes.circular[chrom]
        order = np.argsort(position, kind="stable")
        found[chrom] = (position[order], strand[order].astype(object))
    return found


def known_starts(genes: Genes, starts: Starts) -> tuple[int, int]:
    """How many of the starts that `transcription_starts` gave are known to be of transcription, and how many there are.

    A gene's first base where no transcript is told (bacteria: an operon's inner genes have no start of their own), and
    a transcript's where that is the first base of coding sequence (yeast of Ensembl and SGD, Prokka, AUGUSTUS), is
    where a gene begins; where it is read from is not told.
    """
    known, every = 0, 0
    for chrom, (position, strands) in starts.items():
        length = genes.circular.get(chrom, FARTHEST)  # where a first base behind the origin is counted from it
        coding = {
            "+": [interval[:, 0] for interval in genes.coding[chrom][:3]],
            "-": [interval[:, 1] - 1 for interval in genes.coding[chrom][3:]],
        }
        for strand, begins in coding.items():
            own = position[strands == strand]
            told = [first % length for (_, of), first in genes.starts.get(chrom, {}).items() if of == strand]
            known += int((np.isin(own, np.concatenate([[], *told])) & ~np.isin(own, np.concatenate(begins))).sum())
        every += len(position)
    return known, every


def _places_of(lines: NDArray[np.int64]) -> list[tuple[int, int]]:
    """From where to where each place of a gene reaches that has these lines, int64 (n, 2)."""
    if len(lines) == 1:
        return [(int(lines[0, 0]), int(lines[0, 1]))]
    return [(int(pieces[:, 0].min()), int(pieces[:, 1].max())) for pieces in places_of_pieces(lines)]


def nearest_start(
    positions: NDArray[np.int64], *, begin: NDArray[np.int64], end: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Index of the nearest position to each window, and the signed way to it in coordinates of the sequence.

    Parameters
    ----------
    positions : int64 (m,), m > 0, ascending.
    begin, end : int64 (n,), 0-based, half open.

    Returns
    -------
    nearest : int64 (n,).
    way : int64 (n,): negative when the window lies before the position, positive behind it, 0 when it holds it.

    Examples
    --------
    >>> starts, windows = np.array([10, 30]), np.array([0, 8, 11, 19, 25])
    >>> nearest_start(starts, begin=windows, end=windows + 4)[1].tolist()
    [-7, 0, 1, -8, -2]
    """
    after = np.searchsorted(positions, begin)
    candidates = np.stack([np.clip(after - 1, 0, len(positions) - 1), np.clip(after, 0, len(positions) - 1)])
    at = positions[candidates]
    way = np.where(at < begin, begin - at, np.where(at >= end, end - 1 - at, 0))
    chosen = np.abs(way).argmin(axis=0)  # the first of equals is the smaller coordinate
    rows = np.arange(len(begin))
    return candidates[chosen, rows], way[chosen, rows]


def tss_rows(windows: ClusteredWindows, *, near: int = NEAR) -> list[dict[str, Any]]:
    """Each cluster's distance from starts of transcription.

    Returns
    -------
    One dict per cluster: ``label``, ``n``, ``median`` and ``median_rest`` of the absolute distance in bases,
    ``cliffs_delta`` (negative: nearer than the rest) with ``low``, ``high``, ``p``, ``p_mann_whitney``, ``q`` as
    `differences` gives them; ``near`` with ``share`` within `near` bases, ``share_rest``, ``odds_ratio``, ``low``,
    ``high``, ``p``, ``p_fisher``, ``q`` as `enrichment` does; ``downstream``, the same for windows behind the start
    against those before it. Both q are over the clusters. ``start_of`` is ``transcription`` where that is what most of
    the starts are known to be, else ``a gene`` (`known_starts`). Empty when no genome has genes.
    """
    distance, _, of_transcription = _measured(windows)
    known = ~np.isnan(distance)
    if not known.any():
        return []
    away = known & (distance != 0)
    close = Terms("tss", (f"within {near}",), (np.abs(np.nan_to_num(distance)) <= near)[:, None], known)
    behind = Terms("tss", ("downstream",), (np.nan_to_num(distance) > 0)[:, None], away)
    rows = differences(windows, measures={"tss_distance": np.abs(distance)})
    for name, terms in (("near", close), ("downstream", behind)):
        found = {row["label"]: row for row in enrichment(windows, terms=[terms])}
        rows = [row | {name: _short(found.get(row["label"]))} for row in rows]
    start_of = "transcription" if of_transcription else "a gene"
    return [row | {"start_of": start_of} for row in rows]


def _short(row: dict[str, Any] | None) -> dict[str, Any] | None:
    return row and {key: value for key, value in row.items() if key not in ("label", "column", "term")}
