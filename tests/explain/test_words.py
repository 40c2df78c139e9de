import json

import numpy as np
import pandas as pd
import pytest

from dnabert.explain import ClusteredWindows
from dnabert.explain.vocabulary import Vocabulary
from dnabert.explain.word_counts import WordCounts, class_tf_idf
from dnabert.explain.words import cluster_words, shuffled_windows

PATTERNS = ("11111111", "11100111")


def random_bases(n: int, *, gc: float = 0.5, length: int = 120, seed: int = 0) -> np.ndarray:
    share = [(1 - gc) / 2, gc / 2, gc / 2, (1 - gc) / 2]
    return np.random.default_rng(seed).choice(np.frombuffer(b"ACGT", dtype=np.uint8), (n, length), p=share)


def clustered(bases: np.ndarray, labels: np.ndarray, **columns: np.ndarray) -> ClusteredWindows:
    return ClusteredWindows(pd.DataFrame({"label": labels} | columns), lambda rows: bases[rows])


def planted(*, seed: int = 0) -> ClusteredWindows:
    """Cluster 0 holds GATTACAG on either strand in two windows of three, cluster 1 and the rest nothing."""
    bases = random_bases(400, seed=seed)
    rng = np.random.default_rng(seed + 1)
    for row in range(40):
        word = b"GATTACAG" if row % 2 else b"CTGTAATC"
        at = rng.integers(0, 112)
        bases[row, at : at + 8] = np.frombuffer(word if row % 3 else b"NNNNNNNN", dtype=np.uint8)
    return clustered(bases, np.repeat([0, 1, -1], [40, 60, 300]))


def test_class_tf_idf_is_bertopics_formula() -> None:
    counts = np.random.default_rng(0).integers(0, 9, (3, 5))
    average = counts.sum() / 3
    expected = [
        [counts[c, w] / counts[c].sum() * np.log(1 + average / counts[:, w].sum()) for w in range(5)] for c in range(3)
    ]
    np.testing.assert_allclose(class_tf_idf(counts), expected)


def test_a_planted_word_is_named_and_nothing_else() -> None:
    marked, plain = cluster_words(planted(), patterns=PATTERNS)
    best = marked["words"][0]
    assert best["word"] == "CTGTAATC" and best["kind"] == "8-mer"
    assert best["versus_others"]["share"] == pytest.approx(26 / 40, abs=0.03)
    for versus in (best["versus_others"], best["versus_shuffled"]):
        assert versus["q"] < 1e-6 and 0 < versus["low"] < versus["log_odds"] < versus["high"]
    pairs = [each["word"] for each in marked["words"] if each["kind"] == "pair"]
    assert pairs[0] == "CTGnnATC" and len(pairs) <= 3  # a neighbour's letter may make another, rarer one
    assert plain["words"] == [] and plain["n_marking"] == 0
    assert (marked["n"], marked["n_independent"], marked["n_others"]) == (40, 40, 360)
    json.dumps([marked, plain], allow_nan=False)


def test_threads_change_nothing() -> None:
    rows = np.random.default_rng(3).permutation(400)
    windows = along(planted().labels[rows], planted().sequences(rows))
    found = [cluster_words(windows, patterns=PATTERNS, threads=threads) for threads in (1, 2, 5)]
    assert found[0] == found[1] == found[2] and found[0][0]["words"]


def test_words_of_all_windows_are_summed_once() -> None:
    windows = planted()
    rows = np.arange(400)
    counts = WordCounts.of(
        Vocabulary("111111"),
        bases=windows.sequences(rows),
        labels=windows.labels,
        owners=rows[:0],
        shuffles=np.zeros((0, 120), np.uint8),
    )
    # per cluster and word it took minutes of hundreds of clusters
    assert counts.tested is counts.tested and counts.places is counts.places


def test_random_clusters_are_silent() -> None:
    bases = random_bases(500, seed=5)
    labels = np.random.default_rng(6).integers(-1, 4, 500)
    rows = cluster_words(clustered(bases, labels), patterns=PATTERNS)
    assert [row["n_marking"] for row in rows] == [0, 0, 0, 0]


def test_a_cluster_of_other_composition_has_no_words_beyond_it() -> None:
    bases = np.concatenate([random_bases(80, gc=0.2, seed=7), random_bases(320, gc=0.55, seed=8)])
    (row,) = cluster_words(clustered(bases, np.repeat([0, -1], [80, 320])), patterns=("111111", *PATTERNS))
    assert row["n_marking"] > 20 and row["n_beyond_composition"] == 0
    letters = "".join(each["word"] for each in row["words"])
    assert letters.count("A") + letters.count("T") > 5 * (letters.count("C") + letters.count("G"))
    assert min(each["versus_shuffled"]["q"] for each in row["words"]) > 0.05


def test_copies_of_one_place_count_once() -> None:
    bases = random_bases(300, seed=9)
    bases[:30] = bases[0]
    labels = np.repeat([0, -1], [30, 270])
    where = {"genome": np.full(300, "g"), "chrom": np.full(300, "c"), "start": np.arange(300) * 120}
    where |= {"end": where["start"] + 120, "block": np.where(labels == 0, 7, np.arange(300) + 10)}
    (row,) = cluster_words(clustered(bases, labels, **where), patterns=PATTERNS)
    assert row["n_independent"] == 1 and row["words"] == []
    (alone,) = cluster_words(clustered(bases, labels), patterns=PATTERNS)
    assert alone["n_marking"] > 100


def along(labels: np.ndarray, bases: np.ndarray) -> ClusteredWindows:
    start = np.arange(len(labels)) * bases.shape[1]
    return clustered(
        bases,
        labels,
        genome=np.full(len(labels), "g"),
        chrom=np.full(len(labels), "c"),
        start=start,
        end=start + bases.shape[1],
    )


def test_labels_that_only_run_along_a_genome_of_many_compositions_mark_nothing() -> None:
    # without the design effect words mark a cluster in seven of these twenty genomes, up to 94 of them
    rng, marked = np.random.default_rng(0), 0
    for _ in range(20):
        gc = rng.uniform(0.35, 0.65, 20)
        bases = np.concatenate([random_bases(60, gc=each, length=100, seed=int(rng.integers(1 << 30))) for each in gc])
        labels = np.roll(np.repeat(rng.integers(-1, 3, 20), 60), rng.integers(1_200))
        rows = cluster_words(along(labels, bases), patterns=("111111",), shuffled=50)
        marked += any(row["n_marking"] for row in rows)
    assert marked <= 1


def test_labels_at_random_mark_no_satellite() -> None:
    # without the design effect words mark a cluster in four of these ten genomes
    rng, marked = np.random.default_rng(1), 0
    for _ in range(10):
        bases = random_bases(2_000, length=60, seed=int(rng.integers(1 << 30)))
        labels = np.full(2_000, -1)
        for at in rng.integers(0, 1_970, 5):
            bases[at : at + 30] = np.tile(rng.choice(bases[0], 20), 3)
        for at in rng.integers(0, 1_970, 10):
            labels[at : at + 30] = rng.integers(3)
        marked += any(
            row["n_marking"] for row in cluster_words(along(labels, bases), patterns=("11111111",), shuffled=50)
        )
    assert marked == 0


def test_a_word_of_one_place_marks_nothing_and_a_scattered_one_does() -> None:
    bases = random_bases(1_000, seed=1)
    bases[100:130, 20:44] = random_bases(1, length=24, seed=2)
    labels = np.full(1_000, -1)
    labels[100:130] = 0
    (row,) = cluster_words(along(labels, bases), patterns=("11111111",))
    assert row["n_marking"] == 0
    scattered = np.random.default_rng(3).permutation(1_000)
    (row,) = cluster_words(along(labels[scattered], bases[scattered]), patterns=("11111111",))
    assert row["n_beyond_composition"] >= 17 and row["words"][0]["versus_others"]["share"] == 1
    assert max(each["design_effect"] for each in row["words"]) < 1.5


def test_records_of_a_file_that_is_sorted_by_family_are_no_neighbours() -> None:
    bases = planted()
    rows = np.arange(400)
    where = {"genome": np.full(400, "g"), "chrom": rows.astype(str), "start": 0 * rows, "end": 0 * rows + 120}
    marked, plain = cluster_words(clustered(bases.sequences(rows), bases.labels, **where), patterns=PATTERNS)
    assert marked["words"][0]["word"] == "CTGTAATC" and plain["n_marking"] == 0


def test_no_cluster_no_rows() -> None:
    assert cluster_words(clustered(random_bases(9), np.full(9, -1)), patterns=PATTERNS) == []


def test_shuffled_windows_are_about_as_many_for_each_cluster() -> None:
    labels = np.repeat([0, 1, -1], [3, 40, 5])
    owners, bases = shuffled_windows(random_bases(48), labels, about=10)
    assert np.bincount(owners).tolist() == [12, 20] and bases.shape == (32, 120)
