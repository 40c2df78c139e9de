import statistics

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dnabert.encoders.nearest import Places
from dnabert.explain.edit_distance import cliffs_delta, edit_distances, levenshtein

DNA = st.text("ACGTacgt", min_size=1, max_size=12)


def brute(a: str, b: str) -> int:
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        above, row[0] = row[:], i
        for j, y in enumerate(b, 1):
            row[j] = min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (x != y))
    return row[-1]


@given(DNA, DNA)
def test_distance_equals_the_textbook_table(a: str, b: str) -> None:
    rows = [np.frombuffer(text.encode(), dtype=np.uint8)[None] for text in (a, b)]
    expected = brute(a.upper(), b.upper()) / max(len(a), len(b))
    assert levenshtein(*rows)[0] == pytest.approx(expected, abs=1e-6)


def test_effect_is_the_difference_of_shares() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.integers(0, 5, 40), rng.integers(1, 6, 30)
    by_hand = np.mean(np.sign(a[:, None].astype(int) - b[None]))
    assert cliffs_delta(a, b)[0] == pytest.approx(by_hand)


def corpus(seed: int = 0) -> tuple[np.ndarray, np.ndarray, Places]:
    """60 variants of one 200-mer (20 % changed), 300 random ones, two copies of each place in one block."""
    rng = np.random.default_rng(seed)
    bases = rng.choice(np.frombuffer(b"ACGT", dtype=np.uint8), (360, 200))
    bases[:60] = np.where(rng.random((60, 200)) < 0.2, bases[:60], bases[0])
    bases[1::2] = bases[::2]  # the second species: identical
    start = np.arange(360) // 2 * 200
    places = Places(np.arange(360) // 2, np.arange(360) % 2, start, start + 200)
    return bases, np.where(np.arange(360) < 60, 0, -1).astype(np.int32), places


def test_a_planted_family_is_closer_and_its_copies_do_not_count() -> None:
    bases, labels, places = corpus()
    gc = np.isin(bases, np.frombuffer(b"GC", dtype=np.uint8)).mean(axis=1)
    found = edit_distances(labels, lambda rows: bases[rows], gc=gc, places=places, pairs=500, tight_share=0.5)
    summary = found["summary"]
    assert 0.15 < summary["within"]["median"] < 0.35 < 0.48 < summary["unclustered"]["median"] < 0.58
    for name, values in found["pairs"].items():
        assert summary[name]["median"] == pytest.approx(statistics.median(values), abs=1e-4)
    assert 0.15 < found["per_cluster"][0]["median"] < 0.35
    assert min(found["pairs"]["within"]) > 0  # identical orthologs were left out
    assert found["tests"][0]["effect"] < -0.99 and found["tests"][0]["p"] < 1e-8
    assert found["clusters"] == {
        "labels": [0],
        "windows": 60,
        "tight": True,
        "tight_share": 0.5,
        "in_tight": 60,
        "clustered": 60,
    }
    assert found["tests"][0]["pairs"][0] <= 15 and found["tests"][0]["pairs"][1] <= 75  # 30 and 150 places
    assert found["per_cluster"][0]["label"] == 0
    assert found == edit_distances(labels, lambda rows: bases[rows], gc=gc, places=places, pairs=500, tight_share=0.5)


def test_a_cluster_dealt_at_random_is_seldom_told_from_the_rest() -> None:
    rng, found = np.random.default_rng(0), 0
    n = 300
    bases = rng.choice(np.frombuffer(b"ACGT", dtype=np.uint8), (n, 60))
    # some are alike, whatever their cluster
    bases[:, :20] = np.where(np.arange(n)[:, None] % 3 == 0, ord("A"), bases[:, :20])
    places = Places(np.full(n, -1), np.zeros(n), np.arange(n) * 100, np.arange(n) * 100 + 60)
    for seed in range(20):
        labels = np.where(rng.permutation(n) < 15, 0, -1).astype(np.int32)
        tests = edit_distances(
            labels, lambda rows: bases[rows], gc=np.full(n, 0.5), places=places, pairs=400, seed=seed
        )["tests"]
        found += sum(test["p"] < 0.05 for test in tests)
    assert found <= 3  # of 60; all pairs, as if they shared no window, gave 11


def test_pairs_are_distinct_and_a_tight_cluster_of_few_windows_does_not_stand_for_all() -> None:
    bases, labels, places = corpus()
    labels[60:66], labels[66:186] = 1, 2  # 6, 60 and 120 of 360 windows
    read: list[np.ndarray] = []

    def sequences(rows: np.ndarray) -> np.ndarray:
        read.append(rows)
        return bases[rows]

    found = edit_distances(labels, sequences, gc=np.full(360, 0.5), places=places, pairs=400)
    assert found["clusters"] == {
        "labels": [0, 1, 2],
        "windows": 186,
        "tight": False,
        "tight_share": 0.05,
        "in_tight": 6,
        "clustered": 186,
    }
    within = np.sort(np.stack(read[:2], axis=1), axis=1)
    assert len(np.unique(within, axis=0)) == len(within) == found["summary"]["within"]["n"] > 300
    assert (labels[within[:, 0]] == labels[within[:, 1]]).all()
    assert found["per_cluster"][1]["n_pairs"] == 12  # of 3 places with two windows each: all there are


def test_random_pairs_have_the_gc_of_the_pairs_that_they_are_held_against() -> None:
    rng = np.random.default_rng(0)
    gc = np.concatenate([np.full(50, 0.7), rng.uniform(0.2, 0.8, 2_000)])
    share = np.round(gc[:, None] * 100) > np.arange(100)
    bases = np.where(share, ord("G"), ord("A")).astype(np.uint8)
    gc = share.mean(axis=1)
    labels = np.where(np.arange(2_050) < 50, 0, -1).astype(np.int32)
    places = Places(np.full(2_050, -1), np.zeros(2_050), np.arange(2_050) * 100, np.arange(2_050) * 100 + 100)
    found = edit_distances(labels, lambda rows: bases[rows], gc=gc, places=places, pairs=300)
    # Sequences are G…GA…A: the distance is the difference in GC, so equal GC means distance 0.
    assert max(found["pairs"]["random_equal_gc"]) <= 0.011
    assert found["summary"]["unclustered"]["mean"] > 0.1
    same = {(test["a"], test["b"]): test for test in found["tests"]}["unclustered", "random_equal_gc_unclustered"]
    # the unclustered are random pairs, of another GC than those within
    assert same["p"] > 0.05 and abs(same["effect"]) < 0.1


def test_without_clusters_or_without_noise_the_rest_is_there() -> None:
    bases, _, places = corpus()
    gc = np.full(360, 0.5)
    nothing = edit_distances(np.full(360, -1), lambda rows: bases[rows], gc=gc, places=places, pairs=50)
    assert nothing["summary"]["within"] == {"n": 0, "median": None, "mean": None, "sd": None} and nothing["tests"] == []
    everything = edit_distances(np.zeros(360, dtype=int), lambda rows: bases[rows], gc=gc, places=places, pairs=50)
    assert everything["summary"]["unclustered"]["n"] == 0 and everything["summary"]["within"]["n"] == 50
