"""What every statistic of a cluster's card is computed from: windows, their bases, and the cluster of each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dnabert.errors import UserError
from dnabert.explain.composition import low_complexity_of

if TYPE_CHECKING:
    import pandas as pd

    from dnabert.corpus.config import GenomeConfig
    from dnabert.corpus.gene_names import GeneNames
    from dnabert.encoders.nearest import Places
    from dnabert.encoders.off_the_shelf import WordPieces

Sequences = Callable[[NDArray[np.integer]], NDArray[np.uint8]]


@dataclass(frozen=True)
class ClusteredWindows:
    """n windows and the cluster of each.

    Attributes
    ----------
    table : DataFrame of n rows: ``label`` (int, -1 = in no cluster, 0 the largest), ``probability``, and whatever of
        the corpus's columns there is (genome, chrom, start, end (0-based, half open), block, gc, repeat_class, …).
    sequences : gives the bases of rows int (m,) of the table, on the forward strand: uint8 ASCII (m, L), lower case =
        soft-masked.
    points : float (n, c), the space in which the windows were clustered, or None.
    genomes : the corpus's genomes with their annotation files; empty when nothing is known of them.
    word_length : the encoder's k, for start mod k; None where its model is gone.
    gene_names : what else the corpus's genes are called; None when that is not known.
    pieces : the pieces of words in which an off-the-shelf encoder read the windows, on the strand ``strand`` of the
        table; None of other encoders.
    """

    table: pd.DataFrame
    sequences: Sequences
    points: NDArray[np.floating] | None = None
    genomes: tuple[GenomeConfig, ...] = ()
    word_length: int | None = 7
    gene_names: GeneNames | None = None
    pieces: WordPieces | None = None

    def __repr__(self) -> str:
        """What it is, in a line: the last value of a notebook's cell is shown."""
        return f"ClusteredWindows({len(self):,} windows, {len(self.clusters)} clusters)"

    def __len__(self) -> int:
        return len(self.table)

    @cached_property
    def labels(self) -> NDArray[np.int64]:
        """Cluster of each window, int64 (n,); -1 = none."""
        return self.table["label"].to_numpy().astype(np.int64)

    @property
    def clusters(self) -> range:
        """The clusters' labels, 0 to C - 1."""
        return range(int(self.labels.max(initial=-1)) + 1)

    def check_clustered(self) -> None:
        """Raise `UserError` where no window is in a cluster."""
        if not len(self.clusters):
            raise UserError(
                f"none of {len(self):,} windows is in a cluster, so that there is none to explain: cluster them again "
                "with a lower min_cluster_size, or more windows"
            )

    def members(self, label: int) -> NDArray[np.int64]:
        """Rows of a cluster's windows, int64 (m,), ascending."""
        return np.flatnonzero(self.labels == label)

    @cached_property
    def low_complexity(self) -> NDArray[np.float32]:
        """Share of each window's bases in simple stretches, float32 (n,); see `dnabert.explain.low_complexity`."""
        return low_complexity_of(self.sequences, len(self))

    @cached_property
    def places(self) -> Places:
        """Where the windows lie; without coordinates every window lies apart."""
        from dnabert.clusters.ladder import places_of

        return places_of(self.table)


def load_clustered_windows(clusters: str | Path, *, corpus: str | Path | None = None) -> ClusteredWindows:
    """Read a clusters folder together with the vectors and the corpus behind it.

    Parameters
    ----------
    clusters : folder of kind ``clusters``.
    corpus : the corpus that was embedded; by default the one that the embeddings name.

    Raises
    ------
    UserError
        when the clusters are not of a corpus's windows, or a folder behind them is gone or was made again since.
    """
    from dnabert.clusters import load_clusters
    from dnabert.clusters.clustering import embeddings_of
    from dnabert.corpus import load_corpus
    from dnabert.corpus.config import GenomeConfig
    from dnabert.encoders.recorded import recorded_pieces, recorded_word_length
    from dnabert.manifest import check_unchanged, content_hash

    found = load_clusters(clusters)
    embeddings = embeddings_of(found)
    folder = Path(corpus) if corpus else check_unchanged(embeddings.folder, embeddings.manifest, name="input")
    recorded = embeddings.manifest["inputs"].get("input", {}).get("sha256")
    if corpus and recorded and content_hash(folder) not in (None, recorded):
        raise UserError(
            f"{folder} is another corpus than the one that {embeddings.folder} was made from: give that one, or embed "
            "and cluster this one"
        )
    if not folder.is_dir():
        raise UserError(
            f"{clusters} is of {folder}, which is no corpus folder here: prepare one, embed it, and cluster that"
        )
    whole = load_corpus(folder)
    view = whole.view(None)
    rows = found.table["row"].to_numpy()
    return ClusteredWindows(
        table=found.table,
        sequences=lambda chosen: view.bases(rows[chosen]),
        points=found.basis.transform(embeddings.vectors),
        genomes=tuple(GenomeConfig(**each) for each in whole.manifest["config"]["genomes"]),
        word_length=recorded_word_length(embeddings.manifest),
        gene_names=whole.gene_names,
        pieces=recorded_pieces(embeddings.manifest),
    )
