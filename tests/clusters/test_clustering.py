import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.metrics import adjusted_rand_score

from dnabert.clusters import ClusterConfig, cluster, cluster_vectors, load_clusters
from dnabert.encoders import EmbedConfig, embed, load_embeddings
from dnabert.errors import UserError

CONFIG = ClusterConfig(min_cluster_size=15, neighbors=15, kmeans=3)


def fasta(path: Path) -> np.ndarray:
    """40 records each of two families of variants (5 % changed), 40 random ones; their classes."""
    rng = np.random.default_rng(0)
    letters = np.array(list("ACGT"))
    family = rng.integers(0, 4, (2, 300))
    records = np.concatenate([np.repeat(family, 40, axis=0), rng.integers(0, 4, (40, 300))])
    changed = rng.random(records.shape) < 0.05
    records[changed] = rng.integers(0, 4, changed.sum())
    path.write_text("".join(f">r{i}\n{''.join(letters[row])}\n" for i, row in enumerate(records)))
    return np.repeat([0, 1, -1], 40)


@pytest.fixture(scope="module")
def embeddings(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, np.ndarray]:
    folder = tmp_path_factory.mktemp("clustering")
    truth = fasta(folder / "families.fa")
    embed("kmer:4", folder / "families.fa", out=folder / "embeddings", config=EmbedConfig())
    return folder / "embeddings", truth


def test_planted_families_are_the_clusters(embeddings: tuple[Path, np.ndarray], tmp_path: Path) -> None:
    folder, truth = embeddings
    made = cluster(folder, out=tmp_path / "clusters", config=CONFIG)
    labels = made.table["label"].to_numpy()
    assert adjusted_rand_score(truth[:80], labels[:80]) == 1.0 and labels[:80].min() >= 0
    assert np.isin(labels[80:], labels[:80]).mean() < 0.1
    assert made.table["name"].tolist() == [f"r{i}" for i in range(120)]
    assert {name: str(made.table[name].dtype) for name in ("label", "probability", "kmeans", "x")} == {
        "label": "int32",
        "probability": "float32",
        "kmeans": "int32",
        "x": "float32",
    }
    assert "vector" not in made.table
    assert [c["size"] for c in made.summary["clusters"]] == np.bincount(made.table["label"][lambda x: x >= 0]).tolist()


def test_what_was_written_places_the_vectors_again(embeddings: tuple[Path, np.ndarray], tmp_path: Path) -> None:
    folder, truth = embeddings
    cluster(folder, out=tmp_path / "clusters", config=CONFIG)
    found = load_clusters(tmp_path / "clusters")
    vectors = load_embeddings(folder).vectors
    again = cluster_vectors(vectors, CONFIG)
    points = found.basis.transform(vectors)
    np.testing.assert_allclose(points, again.points, atol=1e-5)
    np.testing.assert_array_equal(found.table["label"], again.labels)
    np.testing.assert_array_equal(found.table["x"], again.coordinates[:, 0])
    distance = np.linalg.norm(points[:, None] - found.arrays["hdbscan_centroids"][None], axis=2)
    member = truth >= 0
    assert (distance.argmin(axis=1)[member] == again.labels[member]).all()
    inside = distance.min(axis=1) <= found.arrays["hdbscan_radius"][again.labels] + 1e-5
    assert inside[again.labels >= 0].mean() >= 0.9


@pytest.mark.slow
def test_a_map_of_a_sample_is_told(embeddings: tuple[Path, np.ndarray], tmp_path: Path) -> None:
    folder, _ = embeddings
    config = dataclasses.replace(CONFIG, map_sample=100)
    made = cluster(folder, out=tmp_path / "clusters", config=config)
    assert made.summary["map"] == {"fitted": 100, "placed": 20}
    whole = cluster_vectors(load_embeddings(folder).vectors, CONFIG)
    np.testing.assert_array_equal(made.table["label"], whole.labels)  # only the map is of a sample
    assert np.isfinite(made.table[["x", "y"]].to_numpy()).all()
    with pytest.raises(UserError, match="--map-sample is 99, allowed is 100 or more"):
        ClusterConfig(map_sample=99)


def test_nothing_is_written_over_or_half(embeddings: tuple[Path, np.ndarray], tmp_path: Path) -> None:
    cluster(embeddings[0], out=tmp_path / "clusters", config=CONFIG)
    with pytest.raises(UserError, match="exists already"):
        cluster(embeddings[0], out=tmp_path / "clusters", config=CONFIG)
    with pytest.raises(UserError, match="no such embeddings folder"):
        cluster(tmp_path / "nowhere", out=tmp_path / "other")
    assert [path.name for path in tmp_path.iterdir()] == ["clusters"]


def test_tensors_tables_and_lists_are_vectors() -> None:
    vectors = np.random.default_rng(0).normal(size=(40, 5))
    config = ClusterConfig(min_cluster_size=5, kmeans=3, neighbors=10, map_neighbors=5)
    expected = cluster_vectors(vectors, config).kmeans
    for same in (torch.tensor(vectors), pd.DataFrame(vectors), vectors.tolist()):
        assert (cluster_vectors(same, config).kmeans == expected).all()
    with pytest.raises(ValueError, match=r"of shape \(40,\), allowed is \(n, d\)"):
        cluster_vectors(vectors[:, 0])


def test_vectors_that_cannot_be_clustered_are_refused() -> None:
    with pytest.raises(UserError, match="3 of the 4 vectors"):
        cluster_vectors(np.zeros((3, 5)))
    with pytest.raises(UserError, match="vector 2 holds a NaN"):
        cluster_vectors(np.array([[0.0], [1.0], [np.nan], [2.0]]))
    assert len(cluster_vectors(np.eye(5)).labels) == 5
