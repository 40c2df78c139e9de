from pathlib import Path

import numpy as np
import pytest

from dnabert.clusters import ClusterConfig, cluster
from dnabert.corpus import Corpus
from dnabert.encoders import embed
from dnabert.errors import UserError
from dnabert.explain import load_clustered_windows


@pytest.fixture(scope="module")
def clusters(tiny_corpus: Corpus, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("windows")
    embed("kmer:3", tiny_corpus.folder, out=folder / "embeddings")
    cluster(folder / "embeddings", out=folder / "clusters", config=ClusterConfig(neighbors=15, kmeans=3))
    return folder / "clusters"


def test_clusters_know_the_bases_places_and_files_of_their_windows(
    clusters: Path, tiny_corpus: Corpus, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)  # paths in manifests hold wherever one stands
    found = load_clustered_windows(clusters)
    view = tiny_corpus.view(None)
    assert len(found) == len(view) == len(found.labels) == len(found.places.start)
    assert np.array_equal(found.sequences(np.array([5, 2])), view.bases(np.array([5, 2])))
    assert found.word_length == 3
    assert sum(len(found.members(label)) for label in [-1, *found.clusters]) == len(found)
    assert found.points is not None and len(found.points) == len(found)
    assert [(genome.name, Path(genome.genes or "").name) for genome in found.genomes] == [("tiny", "tiny.gtf")]


def test_another_corpus_than_the_one_that_was_embedded_is_refused(
    clusters: Path, demo_corpus: Corpus, tiny_corpus: Corpus
) -> None:
    with pytest.raises(UserError, match="is another corpus than the one that .* was made from: give that one"):
        load_clustered_windows(clusters, corpus=demo_corpus.folder)
    assert len(load_clustered_windows(clusters, corpus=tiny_corpus.folder))


def test_clusters_of_a_fasta_have_no_corpus(tmp_path: Path) -> None:
    letters = np.array(list("ACGT"))[np.random.default_rng(0).integers(0, 4, (40, 60))]
    (tmp_path / "a.fa").write_text("".join(f">r{i}\n{''.join(row)}\n" for i, row in enumerate(letters)))
    embed("kmer:2", tmp_path / "a.fa", out=tmp_path / "e")
    cluster(tmp_path / "e", out=tmp_path / "c", config=ClusterConfig(neighbors=15, kmeans=3))
    with pytest.raises(UserError, match="prepare one"):
        load_clustered_windows(tmp_path / "c")
