"""Annotation of one genome as columns of its windows: genes, repeats, CpG islands."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dnabert.corpus.config import GenomeConfig
from dnabert.corpus.frames import window_frames
from dnabert.corpus.genes import GENE_PARTS, Genes, read_genes
from dnabert.corpus.intervals import among, coverage, merge, overlaps, wrap
from dnabert.corpus.tracks import Track, read_track
from dnabert.errors import Caution, UserError

#: Classes of gene region in order of priority: a base counts for the first one that covers it.
REGIONS = ("CDS", "UTR", "exon", "intron", "intergenic")

#: Below this share of repeat a window has no class of repeat.
LEAST_REPEAT = 0.1

#: From this share of the bases on it is told that they are on sequences without a line, where the file names others:
#: scaffolds without a gene are many and small.
_MANY_UNNAMED = 0.05

_UNKNOWN = "unknown"


@dataclass(frozen=True)
class Annotation:
    """What is known of a genome; each part may be none."""

    genes: Genes | None = None
    repeats: Track | None = None
    cpg_islands: Track | None = None

    def counts(self, lengths: Mapping[str, int]) -> dict[str, int]:
        """What of it lies on some sequences: ``genes``, ``bases_in_cds`` and ``repeats``, each where it is known.

        Parameters
        ----------
        lengths : bases of the sequences, by name.
        """
        counts = {}
        if self.genes is not None:
            genes = self.genes
            kept = [chrom for chrom in lengths if chrom in self.genes.spans]
            coding = (merge(np.minimum(genes.parts[chrom]["CDS"], lengths[chrom])) for chrom in kept)
            counts["genes"] = sum(len(genes.spans[chrom]) for chrom in kept)
            counts["bases_in_cds"] = sum(int((places[:, 1] - places[:, 0]).sum()) for places in coding)
        if self.repeats is not None:
            counts["repeats"] = sum(len(self.repeats.intervals.get(chrom, ())) for chrom in lengths)
        return counts

    def columns(self, chrom: str, *, starts: np.ndarray, length: int) -> dict[str, np.ndarray]:
        """Columns of the windows of one sequence.

        The columns are the same whatever is known, so that genomes with and without annotation fit into one
        table: an unknown share is NaN, an unknown class is ``"unknown"``.

        Parameters
        ----------
        chrom : name of the sequence.
        starts : int64 (n,), ascending, 0-based.
        length : bases per window.

        Returns
        -------
        ``cds``, ``utr``, ``exon``, ``intron``, ``intergenic`` (float32 shares, sum 1), ``region`` (the largest of
        them), ``gene``, ``gene_type``, ``gene_strand`` (the gene with the largest overlap; of equals the shortest;
        ``""``, ``"intergenic"`` and ``"."`` without one), ``codon_frame`` (the reading frame in which at least half of
        the bases are coding, on the forward strand; ``""`` without one; see `dnabert.corpus.frames`), ``repeat``
        (float32 share), ``repeat_class`` (the class with the largest share; ``"none"`` below 10 % repeat),
        ``repeat_name`` (of this class the name with the largest share; ``""`` without a class, ``"unknown"`` where the
        file names classes alone), ``cpg_island`` (float32 share).
        """
        ends = starts + length
        return {
            **_regions(self.genes, chrom, starts=starts, ends=ends),
            **_genes(self.genes, chrom, starts=starts, ends=ends),
            "codon_frame": _frames(self.genes, chrom, starts=starts, ends=ends),
            **_repeats(self.repeats, chrom, starts=starts, ends=ends),
            "cpg_island": _share(self.cpg_islands, chrom, starts=starts, ends=ends),
        }


def read_annotation(genome: GenomeConfig, *, chroms: Sequence[str], lengths: Mapping[str, int]) -> Annotation:
    """Read the annotation files of a genome and check that they speak of its sequences.

    Where they speak of some alone, and of others that the FASTA file lacks, a warning asks whether a name is spelt in
    two ways: windows of a sequence without a line are intergenic, or without repeats. Another tells of a file that
    names no gene, and one of intervals that end beyond their sequence, which are cut there: only in GFF3 that says
    ``Is_circular=true`` they go on at its start. Another tells of GFF3 that says that a sequence has other than its
    bases (``##sequence-region``).

    Parameters
    ----------
    genome : with absolute paths.
    chroms : names of the sequences of its FASTA file, those that are not cut among them.
    lengths : bases of the sequences that are cut, by name.

    Raises
    ------
    UserError
        when a file cannot be read, shares no sequence name with the FASTA file, or has an interval that begins beyond
        the end of its sequence.
    """
    genes = None if genome.genes is None else read_genes(genome.genes)
    repeats = None if genome.repeats is None else read_track(genome.repeats)
    islands = None if genome.cpg_islands is None else read_track(genome.cpg_islands)
    for path, part in ((genome.genes, genes), (genome.repeats, repeats), (genome.cpg_islands, islands)):
        if path is not None and part is not None:
            _check_names(Path(path), part.chroms, fasta=genome.fasta, known=chroms)
            _warn_of_two_spellings(Path(path), part.chroms, genome=genome, known=chroms, lengths=lengths)
            places = part.places() if isinstance(part, Genes) else part.intervals
            if isinstance(part, Genes):
                _warn_of_another_assembly(Path(path), part.told_lengths, fasta=genome.fasta, lengths=lengths)
            _check_places(Path(path), places, fasta=genome.fasta, lengths=lengths)
            if not any(map(len, places.values())):
                warnings.warn(
                    f"{path} names no gene: windows are in none, and introns are intergenic; give a file with lines of "
                    "genes, or with a gene_id or transcript_id",
                    Caution,
                    stacklevel=3,
                )
    return Annotation(genes=genes, repeats=repeats, cpg_islands=islands)


def _check_names(path: Path, chroms: list[str], *, fasta: str, known: Sequence[str]) -> None:
    if not chroms:
        raise UserError(f"{path} holds no intervals: give another file or leave it out")
    if not set(chroms) & set(known):
        raise UserError(
            f"{path} names its sequences {chroms[0]!r}, {fasta} names them {known[0]!r}: "
            "no name is in both; rename one of them"
        )


def _warn_of_another_assembly(path: Path, told: Mapping[str, int], *, fasta: str, lengths: Mapping[str, int]) -> None:
    other = [chrom for chrom in told if chrom in lengths and told[chrom] != lengths[chrom]]
    if other:
        more = f", and {len(other) - 1:,} more differ" if len(other) > 1 else ""
        warnings.warn(
            f"{path} says that {other[0]} has {told[other[0]]:,} bases, in {fasta} it has {lengths[other[0]]:,}{more}: "
            "genes of another assembly lie elsewhere; give those of this one",
            Caution,
            stacklevel=4,
        )


def _warn_of_two_spellings(
    path: Path, chroms: list[str], *, genome: GenomeConfig, known: Collection[str], lengths: Mapping[str, int]
) -> None:
    named, known = set(chroms), set(known)
    strangers = [chrom for chrom in chroms if chrom not in known]
    unnamed = sorted((chrom for chrom in lengths if chrom not in named), key=lambda chrom: -lengths[chrom])
    share = sum(lengths[chrom] for chrom in unnamed) / sum(lengths.values())
    if strangers and share >= _MANY_UNNAMED:
        warnings.warn(
            f"{path} has no line for {_and_more(unnamed)} ({100 * share:.0f} % of the bases), but has "
            f"{_and_more(strangers)}, which {genome.fasta} lacks: are names spelt in two ways?",
            Caution,
            stacklevel=4,
        )


def _and_more(names: Sequence[str]) -> str:
    return names[0] + (f" and {len(names) - 1:,} more" if len(names) > 1 else "")


def _check_places(path: Path, places: Mapping[str, np.ndarray], *, fasta: str, lengths: Mapping[str, int]) -> None:
    beyond: dict[str, int] = {}  # how many intervals of a sequence end beyond it
    for chrom, length in lengths.items():
        starts, ends = places.get(chrom, np.empty((0, 2), np.int64)).T
        last = int(starts.max(initial=-1))
        if last >= length:
            raise UserError(
                f"{path} has an interval at {chrom}:{last + 1:,}, but {fasta} ends {chrom} at {length:,}: "
                "is it of another assembly? Give the annotation of this one"
            )
        if cut := int((ends > length).sum()):
            beyond[chrom] = cut
    if beyond:
        chrom, count = next(iter(beyond)), sum(beyond.values())
        warnings.warn(
            f"{path} has {count:,} {'interval that ends' if count == 1 else 'intervals that end'} beyond "
            f"{'its sequence' if count == 1 else 'their sequences'} ({fasta} ends {chrom} at {lengths[chrom]:,}): what "
            f"lies beyond is left out; where {chrom} is circular, give GFF3 with Is_circular=true in its line, and it "
            "goes on at the start",
            Caution,
            stacklevel=4,
        )


def _regions(genes: Genes | None, chrom: str, *, starts: np.ndarray, ends: np.ndarray) -> dict[str, np.ndarray]:
    names = [name.lower() for name in REGIONS]
    if genes is None:
        nothing = np.full(len(starts), np.nan, np.float32)
        return {**dict.fromkeys(names, nothing), "region": np.full(len(starts), _UNKNOWN, object)}
    length = ends - starts
    parts = {
        part: places[among(places, starts=starts, ends=ends)] for part, places in genes.parts.get(chrom, {}).items()
    }
    so_far = np.empty((0, 2), np.int64)
    before = np.zeros(len(starts), np.int64)
    bases = []
    for part in GENE_PARTS:  # what a part adds to the union of those before it is what counts for it
        so_far = merge(np.concatenate([so_far, parts.get(part, np.empty((0, 2), np.int64))]))
        union = coverage(so_far, starts=starts, ends=ends)
        bases.append(union - before)
        before = union
    bases.append(length - before)
    shares = np.stack(bases) / length
    region = np.array(REGIONS, object)[shares.argmax(axis=0)]
    return {**dict(zip(names, shares.astype(np.float32), strict=True)), "region": region}


def _genes(genes: Genes | None, chrom: str, *, starts: np.ndarray, ends: np.ndarray) -> dict[str, np.ndarray]:
    columns = {
        "gene": np.full(len(starts), "", object),
        "gene_type": np.full(len(starts), _UNKNOWN if genes is None else "intergenic", object),
        "gene_strand": np.full(len(starts), ".", object),
    }
    if genes is None or chrom not in genes.spans:
        return columns
    spans = pieces = genes.spans[chrom]
    owner = np.arange(len(spans))
    if chrom in genes.circular:
        pieces, owner = wrap(spans, length=genes.circular[chrom])
    near = np.flatnonzero(among(pieces, starts=starts, ends=ends))
    window, gene, shared = overlaps(pieces[near], starts=starts, ends=ends)
    gene = owner[near[gene]]
    size = (spans[:, 1] - spans[:, 0])[gene]
    window, gene = _first_of_each(window, gene, order=np.lexsort((size, -shared, window)))
    for name, values in zip(columns, genes.names[chrom], strict=True):
        columns[name][window] = values[gene]
    return columns


def _frames(genes: Genes | None, chrom: str, *, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
    if genes is None:
        return np.full(len(starts), _UNKNOWN, object)
    if chrom not in genes.coding:
        return np.full(len(starts), "", object)
    return window_frames(genes.coding[chrom], starts=starts, ends=ends)


def _repeats(track: Track | None, chrom: str, *, starts: np.ndarray, ends: np.ndarray) -> dict[str, np.ndarray]:
    share = _share(track, chrom, starts=starts, ends=ends)
    classes, names = (np.full(len(starts), _UNKNOWN, object) for _ in range(2))
    if track is not None:
        classes[:] = "none"
        names[:] = "" if track.names else _UNKNOWN
    if track is not None and chrom in track.intervals:
        near = among(track.intervals[chrom], starts=starts, ends=ends)
        window, interval, shared = overlaps(track.intervals[chrom][near], starts=starts, ends=ends)
        label = track.labels[chrom][near][interval]
        largest = _largest(window, label, shared=shared, count=len(starts))
        held = (largest >= 0) & (share >= LEAST_REPEAT)
        classes[held] = np.array(track.classes, object)[largest[held]]
        if track.names:
            own = label == largest[window]
            name = _largest(window[own], track.named[chrom][near][interval[own]], shared=shared[own], count=len(starts))
            names[held] = np.array(track.names, object)[name[held]]
    return {"repeat": share, "repeat_class": classes, "repeat_name": names}


def _largest(window: np.ndarray, value: np.ndarray, *, shared: np.ndarray, count: int) -> np.ndarray:
    """For each of `count` windows the value that shares the most bases with it, of equals the smallest: int64 (count,),
    -1 without one."""
    found = np.full(count, -1, np.int64)
    span = int(value.max(initial=0)) + 1
    pair, each = np.unique(window * span + value, return_inverse=True)
    bases = np.bincount(each, weights=shared, minlength=len(pair))
    window, value = np.divmod(pair, span)
    window, value = _first_of_each(window, value, order=np.lexsort((value, -bases, window)))
    found[window] = value
    return found


def _share(track: Track | None, chrom: str, *, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
    if track is None:
        return np.full(len(starts), np.nan, np.float32)
    intervals = track.intervals.get(chrom, np.empty((0, 2), np.int64))
    merged = merge(intervals[among(intervals, starts=starts, ends=ends)])
    return (coverage(merged, starts=starts, ends=ends) / (ends - starts)).astype(np.float32)


def _first_of_each(group: np.ndarray, value: np.ndarray, *, order: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of each group its first value in the given order, which sorts by group first."""
    group, value = group[order], value[order]
    first = np.ones(len(group), bool)
    first[1:] = group[1:] != group[:-1]
    return group[first], value[first]
