"""What is written out: windows, their clusters if they have any, and their vectors."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dnabert.errors import UserError
from dnabert.manifest import content_hash, kind_of

if TYPE_CHECKING:
    import pandas as pd

    from dnabert.clusters.reduce import Basis


@dataclass(frozen=True)
class Windows:
    """n windows or records with their vectors.

    Attributes
    ----------
    table : DataFrame of n rows, as in a clusters or an embeddings folder.
    vectors : float32 (n, d).
    basis : how vectors become the points that were clustered; None without clusters.
    manifests : by kind of stage, what made it.
    """

    table: pd.DataFrame
    vectors: NDArray[np.float32]
    basis: Basis | None
    manifests: dict[str, dict[str, Any]]

    @property
    def names(self) -> list[str]:
        """``genome:chrom:start-end`` (0-based, half open) of each window; of a FASTA's records, the name."""
        if "start" not in self.table:
            return self.table["name"].astype(str).tolist()
        columns = (self.table[name].tolist() for name in ("genome", "chrom", "start", "end"))
        return [f"{genome}:{chrom}:{start}-{end}" for genome, chrom, start, end in zip(*columns, strict=True)]


def load_windows(folder: str | Path, *, genome: str | None = None) -> Windows:
    """Read a folder of clusters, with the embeddings that they were made from, or one of embeddings.

    Parameters
    ----------
    folder : folder of kind ``clusters`` or ``embeddings``.
    genome : only windows of this genome; default all.

    Raises
    ------
    UserError
        when it is neither, the embeddings behind the clusters are gone or changed, or there is no such genome.
    """
    from dnabert.clusters import load_clusters
    from dnabert.encoders import load_embeddings

    kind = kind_of(folder)
    if Path(folder).is_dir() and kind not in ("clusters", "embeddings"):
        raise UserError(f"{folder} holds {kind or 'no stage of dnabert'}: give a folder of clusters or of embeddings")
    if kind == "embeddings":
        loaded = load_embeddings(folder)
        found = Windows(loaded.table, loaded.vectors, None, {"embeddings": loaded.manifest})
    else:
        clusters = load_clusters(folder)
        behind = clusters.manifest["inputs"]["embeddings"]
        _check_unchanged(behind, clusters=folder)
        loaded = load_embeddings(behind["path"])
        manifests = {"clusters": clusters.manifest, "embeddings": loaded.manifest}
        found = Windows(clusters.table, loaded.vectors, clusters.basis, manifests)
    return found if genome is None else _of_genome(found, genome, folder=folder)


def _check_unchanged(embeddings: dict[str, Any], *, clusters: str | Path) -> None:
    found = content_hash(embeddings["path"])
    if found is None:
        raise UserError(f"{clusters} was made from {embeddings['path']}, which is gone: embed and cluster again")
    if found != embeddings["sha256"]:
        raise UserError(
            f"{embeddings['path']} has changed since {clusters} was made from it: run dnabert cluster again"
        )


def _of_genome(windows: Windows, genome: str, *, folder: str | Path) -> Windows:
    if "genome" not in windows.table:
        raise UserError(
            f"--genome is {genome}, but {folder} is of a FASTA's records, not of a corpus: leave --genome out"
        )
    chosen = (windows.table["genome"] == genome).to_numpy()
    if not chosen.any():
        known = ", ".join(windows.table["genome"].unique())
        raise UserError(f"--genome is {genome}, {folder} has {known}: choose one of them")
    table = windows.table[chosen].reset_index(drop=True)
    return Windows(table, windows.vectors[chosen], windows.basis, windows.manifests)
