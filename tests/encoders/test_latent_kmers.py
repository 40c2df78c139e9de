from pathlib import Path

import numpy as np
import pytest

from dnabert.alphabet import reverse_complement
from dnabert.encoders import EmbedConfig, embed, encoder_record, latent_kmers, load_encoder, load_recorded
from dnabert.encoders.latent_kmers import FILE, LatentKmers
from dnabert.errors import UserError

LETTERS = np.frombuffer(b"ACGT", dtype=np.uint8)


def windows(n: int = 60, length: int = 200, *, seed: int = 0) -> np.ndarray:
    return LETTERS[np.random.default_rng(seed).integers(0, 4, (n, length))]


def test_angles_are_those_of_scikit_learns_tf_idf_and_svd() -> None:
    from sklearn.decomposition import TruncatedSVD
    from sklearn.feature_extraction.text import TfidfTransformer

    bases = windows()
    counts = np.round(load_encoder("kmer:4").encode(bases) * 197)
    weighted = TfidfTransformer().fit_transform(np.sqrt(counts))
    expected = TruncatedSVD(20, algorithm="arpack", random_state=0).fit_transform(weighted)
    encoder = LatentKmers(4, dimension=20)
    encoder.fit(bases)
    found = encoder.encode(bases)
    assert found.shape == (60, 20) and found.dtype == np.float32
    np.testing.assert_allclose(found @ found.T, expected @ expected.T, atol=0.02)
    spread = found.std(axis=0)
    # rotated: no column stands out
    assert spread.max() / spread.min() < 4 < expected.std(axis=0)[1:].max() / expected.std(axis=0).min() * 4


def test_long_sequences_are_counted_in_stretches(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    bases = [np.frombuffer(b"ACGTN", dtype=np.uint8)[rng.integers(0, 5, n)] for n in (50, 3_000, 70, 2_048, 70, 1_028)]
    monkeypatch.setattr(latent_kmers, "_WORDS", 1_024)
    counts = LatentKmers(4)._counted(bases).toarray()
    frequencies = load_encoder("kmer:4").encode(bases)
    np.testing.assert_allclose(counts / counts.sum(axis=1, keepdims=True), frequencies, rtol=1e-5)
    ends = [np.frombuffer(b"ACGT", dtype=np.uint8)[rng.integers(0, 4, n)] for n in (1_027, 1_028, 2_052)]
    assert LatentKmers(4)._counted(ends).sum(axis=1).ravel().tolist() == [[1_024, 1_025, 2_049]]  # n - 3 words each


def test_words_that_keep_company_are_near_though_they_share_no_word() -> None:
    """Two halves of one element: windows with only the one or only the other are near, since others hold both."""
    rng = np.random.default_rng(0)
    element = LETTERS[rng.integers(0, 4, (2, 100))]
    noise = windows(400, 300, seed=1)
    for i in range(200):
        noise[i, :200] = element.ravel()
    left, right = windows(2, 300, seed=2)
    left[:100], right[:100] = element
    other = windows(1, 300, seed=3)[0]
    encoder = load_encoder("lsa:8")
    assert isinstance(encoder, LatentKmers)
    encoder.fit(noise)
    vectors = encoder.encode(np.stack([left, right, other]))
    counts = load_encoder("kmer:8").encode(np.stack([left, right, other]))
    unit = [x / np.linalg.norm(x, axis=1, keepdims=True) for x in (vectors, counts)]
    near = [x @ x.T for x in unit]
    assert near[0][0, 1] > 0.8 and near[1][0, 1] < 0.1 and near[0][0, 1] > near[0][0, 2] + 0.3


def test_strands_case_and_lengths() -> None:
    encoder = LatentKmers(5)
    encoder.fit(windows())
    bases = windows(3, seed=4)
    forward = encoder.encode(bases)
    np.testing.assert_allclose(encoder.encode(reverse_complement(bases)), forward, atol=1e-5)
    np.testing.assert_allclose(encoder.encode(bases | 0x20), forward, atol=1e-6)
    rows = [bases[0], bases[1][:50], np.full(30, ord("N"), dtype=np.uint8)]
    ragged = encoder.encode(rows)
    np.testing.assert_allclose(ragged[0], forward[0], atol=1e-6)
    assert not ragged[2].any() and np.isfinite(ragged).all()
    with pytest.raises(
        UserError, match=r"a sequence has \d+ bases, fewer than a word of the encoder \(5\): leave it out"
    ):
        encoder.encode([bases[0][:4]])


def test_what_was_fitted_is_kept_beside_the_vectors_and_read_again(tmp_path: Path) -> None:
    bases = windows(40, 100)
    fasta = tmp_path / "x.fa"
    fasta.write_text("".join(f">s{i}\n{row.tobytes().decode()}\n" for i, row in enumerate(bases)))
    found = embed("lsa:4", fasta, out=tmp_path / "vectors", config=EmbedConfig())
    again = load_recorded(encoder_record(found.manifest), folder=tmp_path / "vectors")
    np.testing.assert_allclose(again.encode(bases), found.vectors, atol=1e-6)
    with pytest.raises(UserError, match="were fitted: give the folder"):
        load_recorded(encoder_record(found.manifest))
    (tmp_path / "vectors" / FILE).write_bytes(b"no")
    with pytest.raises(UserError, match="cannot read"):
        load_recorded(encoder_record(found.manifest), folder=tmp_path / "vectors")


def test_whitened_vectors_and_clusters_keep_it_too(tmp_path: Path) -> None:
    from dnabert.clusters import ClusterConfig, cluster

    bases = windows(60, 100)
    fasta = tmp_path / "x.fa"
    fasta.write_text("".join(f">s{i}\n{row.tobytes().decode()}\n" for i, row in enumerate(bases)))
    found = embed("lsa:4", fasta, out=tmp_path / "vectors", config=EmbedConfig(whiten=0.5))
    cluster(tmp_path / "vectors", out=tmp_path / "clusters", config=ClusterConfig(components=5, neighbors=20))
    again = load_recorded(encoder_record(found.manifest), folder=tmp_path / "clusters")
    np.testing.assert_allclose(again.encode(bases), found.vectors, atol=1e-4)


@pytest.mark.parametrize("spec", ["lsa:x", "lsa:9", "lsa:0"])
def test_a_word_length_that_cannot_be_is_refused(spec: str) -> None:
    with pytest.raises(UserError, match="1 to 8"):
        load_encoder(spec)


def test_one_sequence_is_too_few_to_be_fitted_on() -> None:
    with pytest.raises(UserError, match="two sequences or more"):
        load_encoder("lsa:4").fit(windows(1))  # type: ignore[attr-defined]
    for spec in ("lsa:1", "lsa:1+kmer:2"):
        two = load_encoder(spec)
        two.fit(windows(2))  # type: ignore[attr-defined]
        assert np.isfinite(two.encode(windows(2))).all()


@pytest.mark.parametrize("spec", ["lsa:9", "lsa:0", "lsa:x"])
def test_a_word_length_that_cannot_be_is_refused_in_its_own_words(spec):
    with pytest.raises(UserError, match=rf"^encoder {spec}: allowed is lsa:K with K from 1 to 8$"):
        load_encoder(spec)
