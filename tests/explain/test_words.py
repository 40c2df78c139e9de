import json

import numpy as np
import pandas as pd
import pytest

from dnabert.explain import ClusteredWindows
from dnabert.explain.words import class_tf_idf, cluster_words, shuffled_windows

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


def test_no_cluster_no_rows() -> None:
    assert cluster_words(clustered(random_bases(9), np.full(9, -1)), patterns=PATTERNS) == []


def test_shuffled_windows_are_about_as_many_for_each_cluster() -> None:
    labels = np.repeat([0, 1, -1], [3, 40, 5])
    owners, bases = shuffled_windows(random_bases(48), labels, about=10)
    assert np.bincount(owners).tolist() == [12, 20] and bases.shape == (32, 120)
