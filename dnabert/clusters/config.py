"""What a clustering is made of: plain values, light to import."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from dnabert.config import check_types
from dnabert.errors import UserError


@dataclass
class ClusterConfig:
    """PCA, one neighbour graph, and from it the map (UMAP) and the labels (HDBSCAN); k-means beside them."""

    scaling: Literal["center", "zscore"] = "zscore"
    """center: subtract each dimension's mean; zscore: divide by its standard deviation too."""
    normalise: bool = True
    """Divide every scaled vector by its length, so that Euclidean neighbours are cosine neighbours."""
    components: int = 10
    """Dimensions kept by PCA (fewer where vectors or windows are fewer): beyond some ten, distances between windows of
    448 bp concentrate and density finds hardly anything."""
    neighbors: int = 30
    """Neighbours of each window in the graph that UMAP and HDBSCAN share."""
    exact_below: int = 20_000
    """Up to this many windows the graph is exact; beyond it comes from nearest-neighbour descent."""
    min_cluster_size: int = 25
    """Fewest windows that HDBSCAN calls a cluster."""
    min_samples: int = 3
    """HDBSCAN's smoothing, the window itself counted; larger calls more windows noise. At most `neighbors`."""
    selection: Literal["eom", "leaf"] = "eom"
    """How HDBSCAN picks clusters from its tree: eom (the most persistent, large or small) or leaf (the tightest)."""
    largest_share: float = 0.75
    """A cluster of more than this share of the windows is not taken but its parts (of leaves: none): by a change of the
    seed alone most windows of a genome can fuse into one."""
    kmeans: int = 20
    """Number of k-means clusters."""
    map_neighbors: int = 15
    """Neighbours that UMAP looks at, at most `neighbors`."""
    map_min_dist: float = 0.1
    """UMAP's min_dist: smaller packs the map's clusters more tightly."""
    map_sample: int = 500_000
    """Windows that UMAP is fitted on; of a larger set so many are drawn at random, and the rest is placed among
    them."""
    seed: int = 0

    def __post_init__(self) -> None:
        check_types(self)
        for name, least in (
            ("components", 2),
            ("neighbors", 2),
            ("min_cluster_size", 2),
            ("kmeans", 1),
            ("map_sample", 100),
        ):
            if getattr(self, name) < least:
                raise UserError(
                    f"{_flag(name)} is {getattr(self, name)}, allowed is {least} or more: raise {_flag(name)}"
                )
        if not 0 <= self.map_min_dist <= 1:
            raise UserError(f"--map-min-dist is {self.map_min_dist}, allowed is 0 to 1: pass --map-min-dist 0.1")
        if not 0 < self.largest_share <= 1:
            raise UserError(
                f"--largest-share is {self.largest_share}, allowed is above 0 to 1: pass --largest-share 0.75"
            )
        for name in ("min_samples", "map_neighbors"):
            value = getattr(self, name)
            if not 2 <= value <= self.neighbors:
                mend = f"raise {_flag(name)}" if value < 2 else f"lower {_flag(name)} or raise --neighbors"
                raise UserError(
                    f"{_flag(name)} is {value}, allowed is 2 to {self.neighbors}, which --neighbors is: {mend}"
                )


@dataclass
class StabilityConfig:
    """How often a clustering is repeated, on what, and from when on a cluster counts as stable."""

    seeds: int = 2
    """Repeats on all windows with another seed (of PCA's solver and of the neighbour search)."""
    subsamples: int = 20
    """Repeats on a part of the windows; the stability of clusters and windows is counted over these."""
    fraction: float = 0.5
    """Share of the places (or windows) that a subsample keeps: half, as in Hennig's `clusterboot`, whose thresholds
    stand below. Where four fifths are kept, one in twenty clusters of a uniform cloud passes for stable, of halves none
    did."""
    unit: Literal["place", "window"] = "place"
    """What a subsample drops: whole places (orthologous blocks, else stretches of 10 kb), so that near-copies of what
    is dropped do not stand in for it, or single windows."""
    stable: float = 0.75
    """A cluster whose mean Jaccard index is at least this is called stable (Hennig 2007), where the interval of the
    mean is too."""
    pattern: float = 0.6
    """From here to `stable` a cluster is called a pattern, below it dissolved (Hennig 2007)."""
    seed: int = 0
    """Of the subsamples; the repeats on all windows take the seeds that follow the clustering's own."""

    def __post_init__(self) -> None:
        check_types(self)
        for name, least in (("seeds", 1), ("subsamples", 2)):
            if getattr(self, name) < least:
                raise UserError(
                    f"{_flag(name)} is {getattr(self, name)}, allowed is {least} or more: raise {_flag(name)}"
                )
        if not 0.5 <= self.fraction < 1:
            raise UserError(f"--fraction is {self.fraction}, allowed is 0.5 to below 1: pass --fraction 0.5")
        if not 0 < self.pattern <= self.stable <= 1:
            raise UserError(
                f"--pattern is {self.pattern} and --stable is {self.stable}, allowed is 0 < pattern <= stable <= 1: "
                "pass --pattern 0.6 --stable 0.75"
            )


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"


@dataclass
class AssignConfig:
    """How new sequences are placed among clusters."""

    error: float = 0.05
    """Of the held-out windows that are accepted, at most this share is wrong; what is less sure goes to `none`."""
    tile: bool = False
    """Cut each sequence into pieces of about a window's length and place each; without, a sequence is placed as a
    whole."""
    batch_size: int = 64
    """Pieces in one forward pass; changes speed and memory, not the vectors."""
    device: str = "auto"
    """`auto` (an accelerator where there is one), `cpu`, `cuda`, `cuda:1`, `mps`."""
    trust_code: bool = False
    """Run the module that the clusters name, where an encoder python:… made their vectors; else they are refused."""

    def __post_init__(self) -> None:
        check_types(self)
        if not 0 < self.error < 1:
            raise UserError(f"--error is {self.error}, allowed is more than 0 and less than 1: pass --error 0.05")
        if self.batch_size < 1:
            raise UserError(f"--batch-size is {self.batch_size}, allowed is 1 or more")
