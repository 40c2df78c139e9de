"""What a clustering is made of: plain values, light to import."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from dnabert.errors import UserError

_SCALINGS = ("center", "zscore")
_SELECTIONS = ("eom", "leaf")


@dataclass
class ClusterConfig:
    """PCA, one neighbour graph, and from it the map (UMAP) and the labels (HDBSCAN); k-means beside them."""

    scaling: Literal["center", "zscore"] = "zscore"
    """center: subtract each dimension's mean; zscore: divide by its standard deviation too."""
    normalise: bool = True
    """Divide every scaled vector by its length, so that Euclidean neighbours are cosine neighbours."""
    components: int = 10
    """Dimensions kept by PCA (fewer where vectors or windows are fewer): beyond some ten, distances between windows of 448 bp
    concentrate and density finds hardly anything."""
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
    kmeans: int = 20
    """Number of k-means clusters."""
    map_neighbors: int = 15
    """Neighbours that UMAP looks at, at most `neighbors`."""
    map_min_dist: float = 0.1
    """UMAP's min_dist: smaller packs the map's clusters more tightly."""
    seed: int = 0

    def __post_init__(self) -> None:
        _one_of("scaling", self.scaling, _SCALINGS)
        _one_of("selection", self.selection, _SELECTIONS)
        for name, least in (("components", 2), ("neighbors", 2), ("min_cluster_size", 2), ("kmeans", 1)):
            if getattr(self, name) < least:
                raise UserError(f"{name} is {getattr(self, name)}, allowed is {least} or more: raise {name}")
        for name in ("min_samples", "map_neighbors"):
            if not 2 <= getattr(self, name) <= self.neighbors:
                raise UserError(
                    f"{name} is {getattr(self, name)}, allowed is 2 to neighbors = {self.neighbors}: "
                    f"lower {name} or raise neighbors"
                )


def _one_of(name: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise UserError(f"{name} is {value!r}, allowed is {' or '.join(allowed)}: choose one of them")
