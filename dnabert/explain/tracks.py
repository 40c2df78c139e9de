"""Annotation that the user brings: BED, GTF, GFF3 or RepeatMasker files as terms of the windows."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dnabert.corpus.feature_lines import read_features
from dnabert.corpus.intervals import overlaps
from dnabert.corpus.tracks import Track, read_track
from dnabert.errors import UserError
from dnabert.explain.tandem import COLUMN as TANDEM
from dnabert.explain.terms import Terms

if TYPE_CHECKING:
    from dnabert.explain.windows import ClusteredWindows

#: Terms of one track at most: those that the most windows have. A track of peaks with a name each would be thousands.
MOST = 50
#: A named term must be in as many windows: fewer cannot tell clusters apart.
LEAST = 20
#: The term of a track that holds wherever any of its intervals does.
ANY = "any"
#: Columns of annotation that are no track of the user's, whose names a track may not have.
OWN_COLUMNS = (
    "region",
    "main_region",
    "gene_type",
    "gene_strand",
    "repeat_class",
    "repeat_name",
    "word_piece",
    "cpg_island",
    "soft_masked",
    "genome",
    "split",
    TANDEM,
)
_SPEC = re.compile(r"(?P<name>[^=:]+)(?::(?P<genome>[^=:]+))?=(?P<path>.+)")
_COMPRESSED = re.compile(r"\.(gz|bgz|bgzf)$", re.IGNORECASE)


@dataclass(frozen=True)
class TrackFile:
    """A file of annotation: its name among the columns, its genome (none: the only one), and where it is."""

    name: str
    genome: str | None
    path: str


def parse_track(text: str) -> TrackFile:
    """Read ``name=path`` or ``name:genome=path``.

    Examples
    --------
    >>> parse_track("enhancers:human=data/enhancers.bed.gz")
    TrackFile(name='enhancers', genome='human', path='data/enhancers.bed.gz')

    Raises
    ------
    UserError
        when the text is neither, or the name is that of a column of dnabert's own.
    """
    match = _SPEC.fullmatch(text)
    if match is None:
        raise UserError(
            f"track {text!r} is neither name=path nor name:genome=path: write for example enhancers=enhancers.bed"
        )
    if match["name"] in OWN_COLUMNS:
        raise UserError(
            f"track {text!r}: {match['name']} is what dnabert itself calls a column: give the track another name"
        )
    return TrackFile(match["name"], match["genome"], match["path"])


def read_user_track(path: str | Path, *, name: str = "interval") -> Track:
    """Read intervals: GTF and GFF3 by the ending of the file's name (``.gz`` aside), all else as
    `dnabert.corpus.tracks.read_track`.

    Parameters
    ----------
    path : file; the class is GTF's third column, BED's fourth, RepeatMasker's class and family.
    name : class of BED intervals without a fourth column.

    Raises
    ------
    UserError
        when the file cannot be read, or it has no interval.
    """
    ending = _COMPRESSED.sub("", Path(path).name).lower()
    track = read_features(path) if ending.endswith((".gtf", ".gff", ".gff3")) else read_track(path, unnamed=name)
    if not track.chroms:
        raise UserError(f"{path} holds no intervals: give another file or leave it out")
    return track


def track_terms(
    windows: ClusteredWindows, files: Sequence[TrackFile], *, most: int = MOST, least: int = LEAST
) -> list[Terms]:
    """Terms of the user's files: which windows share at least one base with intervals of each name.

    Every track has the term ``any``; beside it its names: those in at least `least` windows and not in all that ``any``
    has, and of them the `most` that the most windows have (of equals the first by name). Files of one track, one for
    each genome, are one column; windows of other genomes are unknown.

    Parameters
    ----------
    windows : with genome, chrom, start and end.
    files : as `parse_track` gives them.

    Raises
    ------
    UserError
        when the windows have no coordinates, a file names no genome or an unknown one, or shares no sequence with it.
    """
    table = windows.table
    if files and not {"genome", "chrom", "start", "end"} <= set(table):
        raise UserError(f"track {files[0].name!r} needs windows with coordinates: cluster the windows of a corpus")
    genomes = [str(name) for name in table["genome"].unique()] if files else []
    named: dict[str, list[TrackFile]] = {}
    for file in files:
        named.setdefault(file.name, []).append(file)
    found = []
    for name, own in named.items():
        known = np.zeros(len(table), bool)
        rows: dict[str, NDArray[np.int64]] = {}
        for file in own:
            here = (table["genome"] == _genome_of(file, genomes)).to_numpy()
            known |= here
            for term, touched in _touched(windows, file, rows=np.flatnonzero(here)).items():
                rows[term] = np.concatenate([rows.get(term, np.empty(0, np.int64)), touched])
        found.append(_terms(name, rows, known=known, most=most, least=least))
    return found


def _genome_of(file: TrackFile, genomes: list[str]) -> str:
    if file.genome is None and len(genomes) == 1:
        return genomes[0]
    if file.genome is None:
        shown = ", ".join(genomes)
        raise UserError(
            f"track {file.name!r} names no genome, but there are {shown}: write {file.name}:{genomes[0]}={file.path}"
        )
    if file.genome not in genomes:
        raise UserError(
            f"track {file.name!r} is of genome {file.genome!r}, "
            f"but the windows are of {', '.join(genomes)}: name one of them"
        )
    return file.genome


def _touched(windows: ClusteredWindows, file: TrackFile, *, rows: NDArray[np.int64]) -> dict[str, NDArray[np.int64]]:
    """Rows (of the table) that share a base with each class of a file's intervals."""
    track = read_user_track(file.path, name=file.name)
    table = windows.table.iloc[rows]
    chroms = table["chrom"].astype(str).to_numpy()
    shared = set(track.chroms) & set(chroms.tolist())
    if not shared:
        raise UserError(
            f"{file.path} names its sequences {track.chroms[0]!r}, the windows theirs {str(chroms[0])!r}: no name is "
            "in both; rename one of them"
        )
    starts, ends = table["start"].to_numpy(), table["end"].to_numpy()
    pairs: list[NDArray[np.int64]] = []  # class and row in one number
    for chrom in sorted(shared):
        here = np.flatnonzero(chroms == chrom)
        here = here[np.argsort(starts[here], kind="stable")]
        window, interval, _ = overlaps(track.intervals[chrom], starts=starts[here], ends=ends[here])
        pairs.append(track.labels[chrom][interval] * len(windows) + rows[here[window]])
    label, row = np.divmod(np.unique(np.concatenate(pairs)), len(windows))
    bounds = np.searchsorted(label, np.arange(len(track.classes) + 1))
    return {name: row[bounds[i] : bounds[i + 1]] for i, name in enumerate(track.classes)}


def _terms(
    column: str, rows: Mapping[str, NDArray[np.int64]], *, known: NDArray[np.bool_], most: int, least: int
) -> Terms:
    every = np.unique(np.concatenate([*rows.values(), np.empty(0, np.int64)]))
    named = (name for name in rows if least <= len(rows[name]) < len(every))
    often = sorted(named, key=lambda name: (-len(rows[name]), name))[:most]
    values = np.zeros((len(known), 1 + len(often)), bool)
    values[every, 0] = True
    for i, name in enumerate(often, start=1):
        values[rows[name], i] = True
    return Terms(column, (ANY, *often), values, known)
