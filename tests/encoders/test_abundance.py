from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.decomposition import PCA

from dnabert.alphabet import codes, reverse_complement
from dnabert.clusters import assign, cluster
from dnabert.clusters.prepared import load_prepared
from dnabert.corpus import Corpus, CorpusConfig, GenomeConfig, SplitConfig, WindowConfig, prepare
from dnabert.encoders import abundance, embed, encoder_record, load_encoder, load_recorded
from dnabert.encoders.abundance import FILE, AbundanceEncoder, WordTable
from dnabert.encoders.abundance_kernel import count_at, describe, take_own_off
from dnabert.encoders.nearest import standardised, unit_length
from dnabert.encoders.whitening import load_whitening
from dnabert.errors import Caution, UserError

LETTERS = np.frombuffer(b"ACGT", dtype=np.uint8)
LENGTH, COPIES = 200, 60


def drawn(n: int, length: int, *, seed: int = 0) -> np.ndarray:
    return LETTERS[np.random.default_rng(seed).integers(0, 4, (n, length))]


def mutated(bases: np.ndarray, rate: float, rng: np.random.Generator) -> np.ndarray:
    changed = rng.random(bases.shape) < rate
    return np.where(changed, LETTERS[rng.integers(0, 4, bases.shape)], bases)


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    """Two genomes, one the other at 2 % of changes, of 600 kb of chance with a copy of an old repeat every 10 kb, each
    a sixth changed, on either strand; the last fifth is held out."""
    folder: Path = tmp_path_factory.mktemp("planted")
    rng = np.random.default_rng(5)
    repeat, genome = drawn(1, 600, seed=6)[0], drawn(1, 600_000, seed=7)[0]
    for place in range(4_000, len(genome), 10_000):
        copy = mutated(repeat, 0.17, rng)
        genome[place : place + 600] = copy if rng.random() < 0.5 else reverse_complement(copy)
    for name, bases in (("one", genome), ("two", mutated(genome, 0.02, rng))):
        (folder / f"{name}.fa").write_bytes(b">chr1\n" + bases.tobytes() + b"\n")
    config = CorpusConfig(
        genomes=[GenomeConfig(name, f"{name}.fa") for name in ("one", "two")],
        window=WindowConfig(length=LENGTH),
        split=SplitConfig(validation_fraction=0.0, test_fraction=0.2),
    )
    with pytest.warns(Caution, match="the same place by descent"):  # it stands at the same place in both
        return prepare(config, out=folder / "corpus", base=folder)


def in_repeat(start: np.ndarray) -> np.ndarray:
    place = (start - 4_000) % 10_000
    return place <= 600 - LENGTH


def canonical(word: bytes) -> bytes:
    return min(word, reverse_complement(word))


def test_words_are_counted_as_a_dictionary_counts_them() -> None:
    sequences = np.frombuffer(b"ACGTN", dtype=np.uint8)[np.random.default_rng(0).integers(0, 5, (40, 60))]
    sequences[3] = sequences[2]
    for length in (1, 4, 5, 12, 16):
        expected = Counter(
            canonical(row[i : i + length].tobytes())
            for row in sequences
            for i in range(60 - length + 1)
            if b"N" not in row[i : i + length].tobytes()
        )
        table = WordTable.counted(codes(sequences), length=length)
        assert (np.diff(table.words.astype(np.int64)) > 0).all()
        assert table.counts.sum() == expected.total() and len(table.words) == len(expected)
        found = np.empty(60 - length + 1, dtype=np.int64)
        for row in (*sequences[:5], drawn(1, 60, seed=1)[0]):
            count_at(codes(row), length, table.words, table.counts, table.begins, found)
            words = [row[i : i + length].tobytes() for i in range(60 - length + 1)]
            assert found.tolist() == [-1 if b"N" in word else expected[canonical(word)] for word in words]


def test_counts_are_described_as_numpy_describes_them() -> None:
    values = np.random.default_rng(0).gamma(1.0, 2.0, 90)
    widths, quantiles = np.array([1, 8, 200]), np.array([0.0, 0.02, 0.5, 0.93, 1.0])
    described = np.empty(2 + 3 * 5, dtype=np.float32)
    describe(values, widths, quantiles, described)
    moving = [np.convolve(values, np.ones(width) / width, "valid") for width in (1, 8, 90)]
    expected = [values.mean(), values.std(), *(x for each in moving for x in np.quantile(each, quantiles))]
    np.testing.assert_allclose(described, expected, rtol=1e-5)


def test_own_copies_are_the_genomes_that_have_the_longest_words_over_a_place() -> None:
    found = np.array([9, 7, -1, 3, 20, 2, 1])
    take_own_off(found, np.array([3, 0, -1, 2, 2]))
    # over places 0, 1 and 2 lies the longest word 0, which 3 genomes have, over 3 to 6 lie words 1 to 4
    assert found.tolist() == [6, 4, -1, 1, 18, 0, 0]


def test_of_the_longest_words_the_genomes_are_counted() -> None:
    sequences = np.frombuffer(b"ACGTN", dtype=np.uint8)[np.random.default_rng(0).integers(0, 5, (40, 60))]
    sequences[1] = reverse_complement(sequences[0])
    genome = np.arange(40, dtype=np.int32) % 3
    for length in (1, 3, 8, 16):
        having = Counter(
            word
            for each in range(3)
            for word in {
                canonical(row[i : i + length].tobytes())
                for row in sequences[genome == each]
                for i in range(60 - length + 1)
                if b"N" not in row[i : i + length].tobytes()
            }
        )
        table = WordTable.counted(codes(sequences), length=length, genome=genome)
        assert sorted(having.values()) == sorted(table.counts.tolist())
        found = np.empty(60 - length + 1, dtype=np.int64)
        count_at(codes(sequences[0]), length, table.words, table.counts, table.begins, found)
        words = [sequences[0, i : i + length].tobytes() for i in range(60 - length + 1)]
        assert found.tolist() == [-1 if b"N" in word else having[canonical(word)] for word in words]


def test_a_repeat_of_few_copies_is_seen_in_a_corpus_of_many_genomes(tmp_path: Path) -> None:
    shared, element = drawn(1, 4_000, seed=1)[0], drawn(1, 1_000, seed=2)[0]
    genomes = [
        np.concatenate([mutated(shared, 0.002, np.random.default_rng(each)), drawn(1, 3_000, seed=each)[0]])
        for each in range(10, 20)
    ]
    for place in (500, 2_500):  # two genomes have it, twice each; the corpus has ten
        for each in (0, 1):
            genomes[each][4_000 + place - 500 : 4_000 + place + 500] = element
    for number, bases in enumerate(genomes):
        (tmp_path / f"{number}.fa").write_bytes(b">chr\n" + bases.tobytes() + b"\n")
    config = CorpusConfig(
        genomes=[GenomeConfig(str(number), f"{number}.fa") for number in range(10)],
        window=WindowConfig(length=LENGTH),
        split=SplitConfig(validation_fraction=0.0, test_fraction=0.0),
    )
    corpus = prepare(config, out=tmp_path / "corpus", base=tmp_path)  # all is train: nothing is said of leaks
    encoder = AbundanceEncoder(corpus.folder)
    median = encoder._described([element[400:600], shared[400:600], drawn(1, LENGTH, seed=99)[0]])[:, 28]
    # of the moving means of words of k + 2 bases over 8 places: two copies in each of two genomes, less their own
    assert median.tolist() == pytest.approx([np.log2(3), 0, 0], abs=0.2)


def test_old_repeats_are_told_from_chance_and_the_split_is_not_seen(planted: Corpus) -> None:
    encoder = AbundanceEncoder(planted.folder)
    assert encoder.minimum_length == 13  # 960 kb are counted: words of 9 and 11 bases
    view = planted.view(None)
    bases = view.bases(np.arange(len(view)))
    encoder.fit(bases)
    vectors = standardised(encoder.encode(bases))
    start, held_out = view.column("start"), view.column("split") == "test"
    similar = vectors @ vectors.T
    similar[np.abs(start[:, None] - start) < LENGTH] = -1  # itself and its ortholog
    nearest = np.argsort(-similar, axis=1)[:, :5]
    repeat = in_repeat(start)
    for split in (held_out, ~held_out):
        assert repeat[nearest[repeat & split]].mean() > 0.75 > 10 * repeat.mean()
    found = held_out[nearest[held_out & ~repeat]].mean()
    assert abs(found - held_out[~repeat].mean()) < 0.05, found


def test_without_taking_own_copies_off_the_split_is_all_that_is_seen(
    planted: Corpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(abundance, "_MOSTLY", 2.0)
    encoder = AbundanceEncoder(planted.folder)
    view = planted.view(None)
    bases = view.bases(np.arange(len(view)))
    encoder.fit(bases)
    vectors = standardised(encoder.encode(bases))
    similar = vectors @ vectors.T
    similar[np.abs(view.column("start")[:, None] - view.column("start")) < LENGTH] = -1
    held_out = view.column("split") == "test"
    assert held_out[similar.argmax(axis=1)[held_out]].mean() > 0.8


def test_strands_are_one_and_axes_are_alike_loud(planted: Corpus) -> None:
    encoder = AbundanceEncoder(planted.folder)
    bases = planted.view("train").bases(np.arange(0, 4_000))
    encoder.fit(bases)
    vectors = encoder.encode(bases)
    assert vectors.shape == (len(bases), encoder.dimension) and vectors.dtype == np.float32
    np.testing.assert_array_equal(encoder.encode(reverse_complement(bases[:50])), vectors[:50])
    np.testing.assert_allclose(np.cov(vectors, rowvar=False), np.eye(encoder.dimension), atol=0.01)
    described = encoder._described(bases)
    expected = PCA(whiten=True).fit_transform((described - described.mean(axis=0)) / described.std(axis=0))
    loud = 10  # of the quieter ones two may be as loud, and change places
    signs = np.sign((expected * vectors).sum(axis=0))
    np.testing.assert_allclose(vectors[:, :loud], (expected * signs)[:, :loud], atol=0.05)
    encoder.fit(bases[:20])
    assert encoder.encode(bases[:20]).any(axis=0).tolist() == [True] * 19 + [False] * (46 - 19)
    encoder.fit(bases[:2])
    assert encoder.encode(bases[:2])[:, 0].tolist() == pytest.approx([0.5**0.5, -(0.5**0.5)], abs=1e-5)


def test_any_length_is_read_and_what_is_unknown_is_nothing(planted: Corpus, monkeypatch: pytest.MonkeyPatch) -> None:
    encoder = AbundanceEncoder(planted.folder)
    encoder.fit(planted.view("train").bases(np.arange(500)))
    long = drawn(1, 5_000, seed=3)[0]
    unknown = np.full(300, ord("N"), dtype=np.uint8)
    spaced = drawn(1, 300, seed=4)[0]
    spaced[::12] = ord("N")  # words of 9 and 11 bases, none of 13
    vectors = encoder.encode([long[:13], long, unknown, spaced])
    assert vectors[:2].any(axis=1).all() and not vectors[2:].any()
    with pytest.raises(UserError, match="a sequence has 12 bases, fewer than a word of the encoder"):
        encoder.encode([long[:12]])
    monkeypatch.setattr(abundance, "_STRETCH", 2_500)
    halves = encoder.encode([long[:2_500], long[2_500:], np.concatenate([long[:2_500], np.repeat(unknown, 9)[:2_500]])])
    np.testing.assert_allclose(encoder.encode([long])[0], halves[:2].mean(axis=0), rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(halves[2], halves[0], rtol=1e-5)
    assert encoder.encode([]).shape == (0, encoder.dimension)


def test_where_windows_overlap_words_are_counted_once(
    planted: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = CorpusConfig(
        genomes=[GenomeConfig("one", str(planted.folder.parent / "one.fa"))],
        window=WindowConfig(length=LENGTH, step=60),
        split=SplitConfig(validation_fraction=0.0, test_fraction=0.0),
    )
    overlapping = prepare(config, out=tmp_path / "corpus")
    windows, overlap = abundance._counted_windows(overlapping.folder)
    start = windows.column("start")
    assert (np.diff(start) == 60).all() and overlap[0] == 0 and (overlap[1:] == LENGTH - 60).all()
    genome = (planted.folder.parent / "one.fa").read_bytes().split()[1][: start[-1] + LENGTH]
    expected = Counter(canonical(genome[i : i + 9]) for i in range(len(genome) - 8))
    encoder = AbundanceEncoder(overlapping.folder)
    assert sorted(encoder._tables[0].counts) == sorted(expected.values())
    unique = encoder._described(overlapping.view("train").bases(np.flatnonzero(start < 4_000 - LENGTH)))
    assert unique[:, 23].max() < 0.5  # words of 11 bases: each window was counted itself, and it alone has its words
    with monkeypatch.context() as fewer:
        fewer.setattr(abundance, "_MOST_BASES", 100 * LENGTH)
        windows, overlap = abundance._counted_windows(overlapping.folder)
        assert len(windows) == 100 and not overlap.any()


def test_windows_of_another_sequence_or_genome_overlap_nothing(tmp_path: Path) -> None:
    for number, name in enumerate(("one", "two")):
        records = [b">chr%d\n%s\n" % (i, drawn(1, 2_000, seed=10 * number + i)[0].tobytes()) for i in range(2)]
        (tmp_path / f"{name}.fa").write_bytes(b"".join(records))
    config = CorpusConfig(
        genomes=[GenomeConfig(name, f"{name}.fa") for name in ("one", "two")],
        window=WindowConfig(length=LENGTH, step=60),
        split=SplitConfig(validation_fraction=0.0, test_fraction=0.0),
    )
    corpus = prepare(config, out=tmp_path / "corpus", base=tmp_path)  # all is train: nothing is said of leaks
    windows, overlap = abundance._counted_windows(corpus.folder)
    first = windows.column("start") == 0
    assert first.sum() == 4 and overlap.tolist() == np.where(first, 0, LENGTH - 60).tolist()
    assert abundance._bases(windows, overlap) == 4 * (LENGTH + 30 * 60)


def test_two_corpora_are_counted_once_each(planted: Corpus, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    other = prepare(
        CorpusConfig(
            genomes=[GenomeConfig("two", str(planted.folder.parent / "two.fa"))], window=WindowConfig(length=LENGTH)
        ),
        out=tmp_path / "corpus",
    )
    counted = []
    count = WordTable.counted.__func__  # type: ignore[attr-defined]
    monkeypatch.setattr(
        WordTable, "counted", classmethod(lambda cls, *args, **more: counted.append(1) or count(cls, *args, **more))
    )
    abundance._counted.cache_clear()
    both = load_encoder(f"abundance:{planted.folder}+abundance:{other.folder}")
    bases = planted.view("train").bases(np.arange(50))
    both.fit(bases)  # type: ignore[attr-defined]
    both.encode(bases)
    assert len(counted) == 2 * 3  # three lengths of word each
    monkeypatch.chdir(other.folder.parent)
    assert AbundanceEncoder("corpus")._tables and len(counted) == 2 * 3  # the last, named from where we are


def test_new_sequences_are_read_and_assigned_as_those_before(planted: Corpus, tmp_path: Path) -> None:
    spec = f"abundance:{planted.folder}"
    folder = tmp_path / "vectors"
    found = embed(f"{spec}+kmer:4", planted.folder, out=folder, config={"whiten": 0.5})
    again = load_recorded(encoder_record(found.manifest), folder=folder)
    view = planted.view(None)
    np.testing.assert_allclose(again.encode(view.bases(np.arange(50))), found.vectors[:50], rtol=1e-4, atol=1e-4)
    # of the parts 4-mers are whitened; axes of unit spread are so already
    np.testing.assert_array_equal(load_whitening(folder).matrix[:46], np.eye(46 + 136)[:46])
    assert not np.array_equal(load_whitening(folder).matrix[46:, 46:], np.eye(136))
    alone = embed(spec, planted.folder, out=tmp_path / "alone")
    assert (tmp_path / "alone" / FILE).is_file() and alone.manifest["inputs"]["encoder"]["sha256"]
    cluster(tmp_path / "alone", out=tmp_path / "clusters", config={"min_cluster_size": 15})
    assert (tmp_path / "clusters" / FILE).is_file()
    assert load_prepared(tmp_path / "clusters").window == LENGTH
    repeat = np.flatnonzero(in_repeat(view.column("start")) & (view.column("split") == "test"))
    fasta = tmp_path / "new.fa"
    fasta.write_bytes(b"".join(b">%d\n%s\n" % (row, view.bases(row)[0].tobytes()) for row in repeat))
    assign(tmp_path / "clusters", fasta, out=tmp_path / "assigned.tsv")
    table = pd.read_csv(tmp_path / "assigned.tsv", sep="\t", comment="#")
    assert len(table) == len(repeat)


def test_what_is_no_corpus_or_another_is_refused(planted: Corpus, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="abundance:CORPUS"):
        load_encoder("abundance")
    with pytest.raises(UserError, match="nowhere"):
        load_encoder(f"abundance:{tmp_path / 'nowhere'}")
    with pytest.raises(UserError, match="a codebook is of a model's states"):
        load_encoder(f"codebook:abundance:{planted.folder}")
    encoder = AbundanceEncoder(planted.folder)
    with pytest.raises(ValueError, match="was not fitted"):
        encoder.encode(drawn(2, 100))
    with pytest.raises(UserError, match="needs two sequences or more"):
        encoder.fit(np.full((5, 100), ord("N"), dtype=np.uint8))
    with pytest.raises(UserError, match="embed and cluster again"):
        encoder.load(tmp_path)
    encoder.fit(planted.view("train").bases(np.arange(100)))
    encoder.save(tmp_path)
    encoder._lengths = [8, 10, 12]
    with pytest.raises(UserError, match=r"its words are of \[9, 11, 13\] bases"):
        encoder.load(tmp_path)


def test_beside_others_it_is_as_loud_as_it_has_dimensions(planted: Corpus) -> None:
    both = load_encoder(f"kmer:4+abundance:{planted.folder}")
    bases = planted.view("train").bases(np.arange(300))
    both.fit(bases)  # type: ignore[attr-defined]
    vectors = both.encode(bases)
    np.testing.assert_allclose(np.linalg.norm(vectors[:, -46:], axis=1), 46**0.5, rtol=1e-4)
    assert unit_length(vectors).shape == (300, 136 + 46)


def test_a_corpus_that_is_prepared_again_is_read_if_it_holds_the_same(tmp_path: Path) -> None:
    def prepared(bases: np.ndarray) -> Path:
        (tmp_path / "one.fa").write_bytes(b">chr1\n" + bases.tobytes() + b"\n")
        config = CorpusConfig(
            genomes=[GenomeConfig("one", str(tmp_path / "one.fa"))], window=WindowConfig(length=LENGTH)
        )
        return prepare(config, out=tmp_path / "corpus", overwrite=True).folder

    genome = drawn(1, 20_000)[0]
    folder = prepared(genome)
    vectors = tmp_path / "vectors"
    found = embed(f"abundance:{folder}", folder, out=vectors)
    manifest = (folder / "manifest.json").read_bytes()
    prepared(genome)
    (folder / "manifest.json").write_bytes((folder / "manifest.json").read_bytes() + b"\n")
    assert (folder / "manifest.json").read_bytes() != manifest
    again = load_recorded(encoder_record(found.manifest), folder=vectors)
    np.testing.assert_allclose(again.encode([genome[:LENGTH]])[0], found.vectors[0], rtol=1e-4, atol=1e-4)
    prepared(np.concatenate([genome[:10_000], drawn(1, 10_000, seed=9)[0]]))
    with pytest.raises(UserError, match="is no longer the corpus that made the vectors: embed and cluster again"):
        load_recorded(encoder_record(found.manifest), folder=vectors)
