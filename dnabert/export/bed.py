"""Clusters as BED: nine columns that genome browsers draw in the cluster's colour."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from dnabert.errors import UserError
from dnabert.export.source import Windows
from dnabert.report.colours import PALETTE

if TYPE_CHECKING:
    import pandas as pd

#: The columns of BED9 (https://samtools.github.io/hts-specs/BEDv1.pdf).
COLUMNS = ("chrom", "chromStart", "chromEnd", "name", "score", "strand", "thickStart", "thickEnd", "itemRgb")


def cluster_colour(label: int) -> str:
    """Colour of a cluster as ``#RRGGBB``; after ten clusters the colours begin again.

    Examples
    --------
    >>> cluster_colour(0), cluster_colour(10)
    ('#0072B2', '#0072B2')
    """
    return PALETTE[label % len(PALETTE)]


def bed_table(windows: Windows) -> pd.DataFrame:
    """The windows that are in a cluster as BED9, sorted by chromosome (by its bytes) and start.

    ``name`` is ``cluster_N``, ``score`` the probability of membership times 1000, ``itemRgb`` the cluster's colour.
    ``strand`` is ``.``: a window is a piece of both strands.

    Raises
    ------
    UserError
        when the windows have no clusters or no coordinates, are of several genomes, or none is in a cluster.
    """
    import pandas as pd

    table = windows.table
    if "label" not in table:
        raise UserError("a BED holds clusters, and these are embeddings: run dnabert cluster first, or choose .parquet")
    if "start" not in table:
        raise UserError("a BED holds places, and these are a FASTA's records: choose .parquet, or embed a corpus")
    genomes = table["genome"].unique()
    if len(genomes) > 1:
        raise UserError(
            f"a BED holds one genome, and these are windows of {', '.join(genomes)}: pass --genome {genomes[0]}"
        )
    clustered = table[table["label"] >= 0].sort_values(["chrom", "start", "end", "label"], kind="stable")
    if not len(clustered):
        raise UserError(
            f"no window of {genomes[0]} is in a cluster: a smaller --min-cluster-size of dnabert cluster may find some"
        )
    labels = clustered["label"].to_numpy()
    colours = {label: _decimal(cluster_colour(int(label))) for label in np.unique(labels)}
    columns = {
        "chrom": clustered["chrom"],
        "chromStart": clustered["start"],
        "chromEnd": clustered["end"],
        "name": [f"cluster_{label}" for label in labels],
        "score": np.rint(clustered["probability"].to_numpy() * 1000).astype(int),
        "strand": ".",
        "thickStart": clustered["start"],
        "thickEnd": clustered["end"],
        "itemRgb": [colours[label] for label in labels],
    }
    return pd.DataFrame(columns)[list(COLUMNS)]


def write_bed(windows: Windows, path: Path, *, track: str | None = None) -> None:
    """Write `bed_table` as text, after a track line of this name if there is one."""
    # a BED knows no quotes: those in a sequence's name are part of it
    lines = bed_table(windows).to_csv(sep="\t", header=False, index=False, lineterminator="\n", quoting=csv.QUOTE_NONE)
    head = "" if track is None else f'track name="{_quoted(track)}" itemRgb="On"\n'
    path.write_text(head + lines, encoding="utf-8")


def _quoted(name: str) -> str:
    if '"' in name or not name.isprintable():
        raise UserError(f"--track is {name!r}, allowed is a name on one line without quotation marks")
    return name


def _decimal(colour: str) -> str:
    return ",".join(str(int(colour[place : place + 2], 16)) for place in (1, 3, 5))
