"""The stage: a folder of embeddings into a folder of clusters."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from dnabert.clusters.config import ClusterConfig
from dnabert.clusters.graph import Neighbors, nearest_neighbors
from dnabert.clusters.labels import centroids, graph_labels, kmeans_labels
from dnabert.clusters.map import map_coordinates
from dnabert.clusters.reduce import Basis, configured_basis
from dnabert.config import save_yaml
from dnabert.errors import UserError
from dnabert.given import InFolder, settings, stage_folder
from dnabert.json_file import read_json
from dnabert.progress import Parts
from dnabert.stage import reading, stage

if TYPE_CHECKING:
    import pandas as pd

    from dnabert.encoders.table import Embeddings

#: A cluster's radius holds this share of its members.
RADIUS_QUANTILE = 0.95
_FEWEST = 4
#: Parts of `cluster_vectors`.
_PARTS = 5


@dataclass(frozen=True)
class Clustering:
    """Clusters of n vectors.

    Attributes
    ----------
    labels : int32 (n,), HDBSCAN, -1 = noise, 0 the largest.
    probability : float32 (n,), strength of membership, 0 for noise.
    kmeans : int32 (n,), 0 the largest.
    coordinates : float32 (n, 2), the map.
    points : float32 (n, c), the space in which neighbours were counted.
    basis : how vectors become points.
    neighbors : the graph that was clustered.
    kmeans_centroids : float32 (number of k-means clusters, c).
    seconds : time of each part.
    """

    labels: np.ndarray
    probability: np.ndarray
    kmeans: np.ndarray
    coordinates: np.ndarray
    points: np.ndarray
    basis: Basis
    neighbors: Neighbors
    kmeans_centroids: np.ndarray
    seconds: dict[str, float]


@dataclass(frozen=True)
class Clusters(InFolder):
    """A clusters folder, read.

    Attributes
    ----------
    table : one row per window: the embeddings' columns, label, probability, kmeans, x, y.
    arrays : ``hdbscan_centroids``, ``hdbscan_radius``, ``kmeans_centroids``, ``pca_*``.
    summary : the content of ``clusters.json``.
    manifest, folder : where it stands and what made it.
    """

    table: pd.DataFrame
    arrays: dict[str, np.ndarray]
    summary: dict[str, Any]
    manifest: dict[str, Any]
    folder: Path

    def __repr__(self) -> str:
        """What it is and where it stands, in a line: the last value of a notebook's cell is shown."""
        return (
            f"Clusters({len(self.table):,} windows, {len(self.arrays['hdbscan_centroids'])} clusters, "
            f"folder={str(self.folder)!r})"
        )

    @property
    def basis(self) -> Basis:
        """How the embeddings' vectors become the points that were clustered."""
        names = ("mean", "scale", "center", "components", "explained")
        parts = {name: self.arrays[f"pca_{name}"] for name in names}
        return Basis(**parts, normalise=bool(self.manifest["config"]["normalise"]))


def cluster_vectors(vectors: ArrayLike, config: ClusterConfig | Mapping[str, Any] | None = None) -> Clustering:
    """Reduce float (n, d) vectors, build one neighbour graph, and take labels and map from it.

    Raises
    ------
    UserError
        for fewer than 4 vectors, or when one is not finite.
    ValueError
        for what is no table of numbers.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> blobs = np.repeat(np.eye(3), 40, axis=0) + 0.01 * rng.normal(size=(120, 3))
    >>> np.bincount(cluster_vectors(blobs, ClusterConfig(min_cluster_size=20, kmeans=3)).kmeans).tolist()
    [40, 40, 40]
    """
    config = settings(config, ClusterConfig)
    vectors = np.asarray(vectors)
    _check(vectors)
    with Parts("cluster", total=_PARTS) as parts:
        return _clustering(vectors, config, parts=parts)


def _clustering(vectors: np.ndarray, config: ClusterConfig, *, parts: Parts) -> Clustering:
    with parts.part("pca", told="principal axes"):
        basis = configured_basis(vectors, config)
        points = basis.transform(vectors)
    with parts.part("neighbors", told="nearest neighbours"):
        neighbors = nearest_neighbors(points, k=config.neighbors, exact_below=config.exact_below, seed=config.seed)
    with parts.part("hdbscan", told="HDBSCAN"):
        labels, probability = graph_labels(points, neighbors, config)
    with parts.part("kmeans", told="k-means"):
        kmeans, kmeans_centroids = kmeans_labels(points, clusters=config.kmeans, seed=config.seed)
    with parts.part("umap", told="map"):
        coordinates = map_coordinates(
            points,
            neighbors,
            n_neighbors=config.map_neighbors,
            min_dist=config.map_min_dist,
            sample=config.map_sample,
            seed=config.seed,
        )
    return Clustering(
        labels, probability, kmeans, coordinates, points, basis, neighbors, kmeans_centroids, parts.seconds
    )


def cluster(
    embeddings: str | os.PathLike[str],
    *,
    out: str | Path,
    config: ClusterConfig | Mapping[str, Any] | None = None,
    overwrite: bool = False,
) -> Clusters:
    """Cluster an embeddings folder.

    Writes ``clusters.parquet`` (every column of the embeddings but the vector, then label, probability, kmeans, x, y),
    ``centroids.safetensors`` (with the PCA basis), ``clusters.json``, and what `assign` needs for placing new
    sequences.

    Parameters
    ----------
    embeddings : what `embed` gave, or its folder.
    out : folder to make.
    config : a `ClusterConfig`, or a dict of its fields.
    overwrite : replace an existing clusters folder.
    """
    from safetensors.numpy import save_file

    from dnabert.clusters.prepared import prepare_for_new
    from dnabert.encoders import load_embeddings
    from dnabert.encoders.recorded import copy_fitted

    config, embeddings = settings(config, ClusterConfig), stage_folder(embeddings, kind="embeddings")
    with (
        stage(out, kind="clusters", config=config, inputs={"embeddings": embeddings}, overwrite=overwrite) as folder,
        Parts("cluster", total=_PARTS + 1) as parts,
    ):
        loaded = load_embeddings(embeddings)
        _check(loaded.vectors)
        found = _clustering(loaded.vectors, config, parts=parts)
        table = loaded.table.assign(
            label=found.labels,
            probability=found.probability,
            kmeans=found.kmeans,
            x=found.coordinates[:, 0],
            y=found.coordinates[:, 1],
        )
        with parts.part("assign", told="what assign needs"):
            prepared = prepare_for_new(found.points, table, found.neighbors, config=config, embeddings=loaded.manifest)
        save_yaml(config, folder / "config.yaml")
        table.to_parquet(folder / "clusters.parquet", index=False)
        arrays = _arrays(found)
        save_file(arrays, folder / "centroids.safetensors")
        prepared.save(folder)
        copy_fitted(loaded.folder, folder)
        (folder / "clusters.json").write_text(json.dumps(_summary(found, arrays, config), indent=2) + "\n")
    return load_clusters(out)


def load_clusters(folder: str | Path) -> Clusters:
    """Read a clusters folder.

    Raises
    ------
    UserError
        when it is none, was made by another version, or a file of it is damaged.
    """
    import pandas as pd
    from safetensors.numpy import load_file

    folder = stage_folder(folder, kind="clusters")
    with reading(folder, kind="clusters") as manifest:
        return Clusters(
            table=pd.read_parquet(folder / "clusters.parquet"),
            arrays=load_file(folder / "centroids.safetensors"),
            summary=read_json(folder / "clusters.json"),
            manifest=manifest,
            folder=folder,
        )


def embeddings_of(clusters: Clusters) -> Embeddings:
    """Read the vectors that were clustered, known by their number and their mean: so a folder that was moved passes.

    Raises
    ------
    UserError
        when they are gone, or others stand there now.
    """
    from dnabert.encoders import load_embeddings

    embeddings = load_embeddings(clusters.manifest["inputs"]["embeddings"]["path"])
    vectors, mean = embeddings.vectors, clusters.arrays["pca_mean"]
    same = vectors.shape == (len(clusters.table), len(mean))
    if not same or not np.allclose(vectors.mean(axis=0, dtype=np.float64), mean, rtol=1e-4, atol=1e-5):
        raise UserError(
            f"{clusters.folder} was made from other embeddings than now stand in {embeddings.folder}: cluster again"
        )
    return embeddings


def _check(vectors: np.ndarray) -> None:
    if vectors.ndim != 2:
        raise ValueError(f"vectors are of shape {vectors.shape}, allowed is (n, d), a row for each")
    if len(vectors) < _FEWEST:
        raise UserError(
            f"{len(vectors)} of the {_FEWEST} vectors that clustering needs are there: embed more windows "
            "(dnabert prepare cuts a genome into them)"
        )
    finite = np.isfinite(vectors).all(axis=1)
    if not finite.all():
        raise UserError(f"vector {int(np.flatnonzero(~finite)[0])} holds a NaN or an infinity: embed again")


def _arrays(found: Clustering) -> dict[str, np.ndarray]:
    middle = centroids(found.points, found.labels)
    basis = found.basis
    arrays = {
        "hdbscan_centroids": middle,
        "hdbscan_radius": _radius(found.points, found.labels, middle),
        "kmeans_centroids": found.kmeans_centroids,
        "pca_mean": basis.mean,
        "pca_scale": basis.scale,
        "pca_center": basis.center,
        "pca_components": basis.components,
        "pca_explained": basis.explained,
    }
    return {name: np.ascontiguousarray(array, dtype=np.float32) for name, array in arrays.items()}


def _radius(points: np.ndarray, labels: np.ndarray, middle: np.ndarray) -> np.ndarray:
    radius = np.zeros(len(middle), dtype=np.float32)
    for label in range(len(middle)):
        distance = np.linalg.norm(points[labels == label] - middle[label], axis=1)
        radius[label] = np.quantile(distance, RADIUS_QUANTILE)
    return radius


def _summary(found: Clustering, arrays: dict[str, np.ndarray], config: ClusterConfig) -> dict[str, Any]:
    n = len(found.labels)
    fitted = min(n, config.map_sample)
    sizes = np.bincount(found.labels[found.labels >= 0])
    return {
        "n": n,
        "noise": int((found.labels < 0).sum()),
        "clusters": [
            {"label": label, "size": int(size), "share": size / n, "radius": float(arrays["hdbscan_radius"][label])}
            for label, size in enumerate(sizes)
        ],
        "kmeans": np.bincount(found.kmeans).tolist(),
        "map": {"fitted": fitted, "placed": n - fitted},
        "explained": float(found.basis.explained.sum()),
        "radius_quantile": RADIUS_QUANTILE,
        "seconds": found.seconds,
    }
