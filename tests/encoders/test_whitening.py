"""Directions of little spread count for more, new sequences are whitened as the old ones were."""

import importlib
from pathlib import Path

import numpy as np
import pytest
from sklearn.decomposition import PCA

from dnabert.clusters import ClusterConfig, cluster
from dnabert.clusters.assign import AssignConfig, assign
from dnabert.corpus import Corpus
from dnabert.encoders import EmbedConfig, embed, encoder_record, load_embeddings, load_encoder, load_recorded
from dnabert.encoders.kmer_counts import KmerCounts
from dnabert.encoders.whitening import fit_whitening, load_whitening
from dnabert.errors import UserError


def test_the_whole_power_is_that_of_scikit_learn_and_a_part_lies_between() -> None:
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(2_000, 5)) @ rng.normal(size=(5, 5)) + 3
    whole = fit_whitening(vectors, power=1.0)(vectors)
    theirs = PCA(whiten=True).fit_transform(vectors)
    # ours is theirs turned back: the same distances
    np.testing.assert_allclose(whole[:50] @ whole[:50].T, theirs[:50] @ theirs[:50].T, atol=1e-3)
    spread = [np.linalg.eigvalsh(np.cov(fit_whitening(vectors, power=p)(vectors).T)) for p in (0.0, 0.5, 1.0)]
    np.testing.assert_allclose(spread[1], np.sqrt(spread[0]), rtol=1e-3)
    np.testing.assert_allclose(spread[2], 1, rtol=1e-3)


def test_of_fewer_vectors_than_dimensions_others_are_whitened_as_these_are() -> None:
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(1_000, 200)) * np.geomspace(10, 0.01, 200)
    for n in (60, 200, 1_000):
        whitened = fit_whitening(vectors[:n], power=0.75)(vectors)
        fitted, other = (
            np.linalg.norm(part, axis=1).mean() for part in (whitened[:n], whitened[n:] if n < 1_000 else whitened)
        )
        assert 0.5 < other / fitted < 2.5  # with the covariance as it is: 260 and more of 60
    near = vectors[:60] + rng.normal(size=(60, 200)) * np.geomspace(1, 0.001, 200)
    whitening = fit_whitening(vectors[:60], power=0.75)
    assert (whitening(near) @ whitening(vectors[:60]).T).argmax(axis=1).tolist() == list(range(60))


def test_a_direction_without_spread_is_no_trouble() -> None:
    vectors = np.random.default_rng(0).normal(size=(100, 3)) * [1, 1, 0]
    assert np.isfinite(fit_whitening(vectors, power=1.0)(vectors)).all()
    assert np.isfinite(fit_whitening(np.ones((3, 2)), power=1.0)(np.ones((3, 2)))).all()
    np.testing.assert_allclose(fit_whitening(vectors[:, :1], power=1.0)(vectors[:, :1]).std(ddof=1), 1, rtol=1e-5)


def test_a_direction_of_next_to_no_spread_stays_quiet() -> None:
    """It is divided by a ten-thousandth of the widest, not by its own spread: what is left of it is rounding."""
    vectors = np.random.default_rng(1).normal(size=(1_000, 3)) * [5, 1, 1e-6]
    spread = fit_whitening(vectors, power=1.0)(vectors).std(axis=0)
    np.testing.assert_allclose(spread, [1, 1, 1e-6 / (1e-4 * 5)], rtol=0.1)


def test_embeddings_are_whitened_and_say_so(tiny_corpus: Corpus, tmp_path: Path) -> None:
    made = embed("kmer:2", tiny_corpus.folder, out=tmp_path / "white", config=EmbedConfig(whiten=1.0))
    plain = load_encoder("kmer:2").encode(tiny_corpus.view(None).bases(np.arange(len(made.table))))
    np.testing.assert_allclose(made.vectors, load_whitening(tmp_path / "white")(plain), atol=1e-5)
    # frequencies sum to one: a direction has no spread, the others have all the same
    spread = np.linalg.eigvalsh(np.cov(made.vectors.T))
    np.testing.assert_allclose(spread[1:], 1, rtol=0.05)
    assert made.manifest["config"]["whiten"] == 1.0


def test_new_sequences_are_whitened_as_the_old_ones_were(tiny_corpus: Corpus, tmp_path: Path) -> None:
    made = embed("kmer:2", tiny_corpus.folder, out=tmp_path / "white", config=EmbedConfig(whiten=0.75))
    bases = tiny_corpus.view(None).bases(np.arange(5))
    record = encoder_record(load_embeddings(tmp_path / "white").manifest)
    again = load_recorded(record, folder=tmp_path / "white").encode(bases)
    np.testing.assert_allclose(again, made.vectors[:5], atol=1e-5)
    with pytest.raises(UserError, match="were whitened: give the folder"):
        load_recorded(record)


def test_assign_needs_the_clusters_alone(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    draws = [
        rng.choice(list("ACGT"), 300, p=p) for p in ((0.4, 0.1, 0.1, 0.4), (0.1, 0.4, 0.4, 0.1)) for _ in range(100)
    ]
    (tmp_path / "a.fa").write_text("".join(f">{i}\n{''.join(draw)}\n" for i, draw in enumerate(draws)))
    made = embed("kmer:2", tmp_path / "a.fa", out=tmp_path / "white", config=EmbedConfig(whiten=0.5))
    cluster(
        tmp_path / "white", out=tmp_path / "clusters", config=ClusterConfig(kmeans=2, neighbors=15, min_cluster_size=20)
    )
    made.folder.rename(tmp_path / "elsewhere")
    table = assign(tmp_path / "clusters", tmp_path / "a.fa", out=tmp_path / "new.tsv", config=AssignConfig())
    labels = table.table["cluster"].to_numpy()
    first, second = labels[:100], labels[100:]
    assert np.mean(first == first[0]) > 0.8 and np.mean(second == second[-1]) > 0.8


@pytest.mark.parametrize("power", [-0.1, 1.5])
def test_a_power_beyond_its_range(power: float) -> None:
    with pytest.raises(UserError, match=r"--whiten is .*, allowed is 0 to 1"):
        EmbedConfig(whiten=power)


def test_columns_that_are_white_stay_as_they_are() -> None:
    rng = np.random.default_rng(0)
    loud = rng.normal(size=(400, 3)) @ np.array([[9.0, 4, 0], [0, 1, 0], [0, 0, 0.1]])
    white = np.array([False, True, False, False, True])
    vectors = np.empty((400, 5))
    vectors[:, ~white] = loud
    vectors[:, white] = 5 + rng.normal(size=(400, 2)) + loud[:, :1] / 9  # what they share stays shared
    found = fit_whitening(vectors, power=0.5, white=white)(vectors)
    np.testing.assert_allclose(found[:, white], vectors[:, white] - vectors[:, white].mean(axis=0), atol=1e-4)
    np.testing.assert_allclose(found[:, ~white], fit_whitening(loud, power=0.5)(loud), atol=1e-4)
    all_white = fit_whitening(vectors, power=0.5, white=np.ones(5, dtype=bool))(vectors)
    np.testing.assert_allclose(all_white, vectors - vectors.mean(axis=0), atol=1e-4)


def test_one_sequence_has_no_spread_and_two_have_one(tmp_path: Path) -> None:
    (tmp_path / "a.fa").write_text(">a\nACGTACGTAA\n")
    with pytest.raises(
        UserError, match=r"--whiten needs two .*a\.fa is one; dnabert prepare .*a\.fa --out corpus cuts"
    ):
        embed("kmer:2", tmp_path / "a.fa", out=tmp_path / "e", config=EmbedConfig(whiten=1.0))
    assert not (tmp_path / "e").exists()
    (tmp_path / "a.fa").write_text(">a\nACGTACGTAA\n>b\nGGGTACGTAA\n")
    first, second = embed("kmer:2", tmp_path / "a.fa", out=tmp_path / "e", config=EmbedConfig(whiten=1.0)).vectors
    np.testing.assert_allclose(first, -second, atol=1e-3)  # about their mean
    assert np.abs(first).max() > 0.1


def test_what_a_whitening_is_fitted_on_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bases = np.frombuffer(b"ACGT", dtype=np.uint8)[np.random.default_rng(0).integers(0, 4, (1_300, 40))]
    (tmp_path / "a.fa").write_text("".join(f">{i}\n{row.tobytes().decode()}\n" for i, row in enumerate(bases)))
    read: list[int] = []
    encode = KmerCounts.encode
    monkeypatch.setattr(KmerCounts, "encode", lambda self, rows: read.append(len(rows)) or encode(self, rows))
    made = embed("kmer:2", tmp_path / "a.fa", out=tmp_path / "e", config=EmbedConfig(whiten=0.5))
    assert sum(read) == len(bases)
    plain = encode(KmerCounts(2), bases)
    np.testing.assert_allclose(made.vectors, fit_whitening(plain, power=0.5)(plain), atol=1e-4)
    monkeypatch.setattr(
        importlib.import_module("dnabert.encoders.embed"), "WHITENED_SEQUENCES", 600
    )  # of more sequences stretches are read for it
    few = embed("kmer:2", tmp_path / "a.fa", out=tmp_path / "few", config=EmbedConfig(whiten=0.5))
    assert sum(read) == 2 * len(bases) + 600
    np.testing.assert_allclose(few.vectors, load_whitening(tmp_path / "few")(plain), atol=1e-4)


def test_vectors_too_wide_to_be_whitened_are_refused_before_anything_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.fa").write_text(">a\nACGTACGTAA\n>b\nACGTACGTAA\n")
    with pytest.raises(
        UserError,
        match=r"--whiten: vectors of 8-mer frequencies, .* have 32,896 dimensions, allowed is 10,000: leave it out",
    ):
        embed("kmer:8", tmp_path / "a.fa", out=tmp_path / "e", config=EmbedConfig(whiten=0.5))
    assert not (tmp_path / "e").exists()
