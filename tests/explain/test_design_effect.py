import tracemalloc

import numpy as np
import pandas as pd
import pytest

from dnabert.explain import ClusteredWindows, design_effect
from dnabert.explain.design_effect import DesignEffect, along_genome


def test_the_variance_is_that_of_all_rotations_but_none() -> None:
    rng = np.random.default_rng(0)
    for n in (2, 3, 60, 61):
        labels = np.repeat(rng.integers(-1, 3, n // 5 + 1), 5)[:n]
        holds = np.repeat(rng.random((4, n // 3 + 1)) < 0.3, 3, axis=1)[:, :n]
        effect = DesignEffect(labels, clusters=3).of(holds)
        for label in range(3):
            inside = labels == label
            counts = np.array([(holds & np.roll(inside, shift)).sum(axis=1) for shift in range(1, n)])
            share = holds.mean(axis=1)
            variance = np.square(counts - inside.sum() * share).mean(axis=0)
            independent = inside.sum() * share * (1 - share) * (n - inside.sum()) / (n - 1)
            expected = np.maximum(1, variance / np.where(independent > 0, independent, np.inf))
            np.testing.assert_allclose(effect[label], expected, rtol=1e-5)


def test_a_prime_number_of_windows_is_transformed_at_a_length_without_large_primes() -> None:
    """At the number of windows itself transforms took five times as long: 85 s for the words of 64 clusters."""
    left = DesignEffect(np.zeros(99_991, np.int64), clusters=1).length
    assert 2 * 99_991 - 1 <= left <= 2.1 * 99_991
    for factor in (2, 3, 5):
        while left % factor == 0:
            left //= factor
    assert left == 1


def test_clusters_of_many_windows_are_not_held_as_tables_of_truth_values(monkeypatch: pytest.MonkeyPatch) -> None:
    """600 clusters of a million windows took 9 GB, and as long as copying 2.4 of them for every four words."""
    rng = np.random.default_rng(2)
    labels, holds = rng.integers(-1, 300, 50_000), rng.random((8, 50_000)) < 0.1
    expected = DesignEffect(labels, clusters=300).of(holds)
    monkeypatch.setattr(design_effect, "_CELLS", 100_000)
    tracemalloc.start()
    found = DesignEffect(labels, clusters=300).of(holds)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    assert peak < 300 * 25_001 * 8 + 20_000_000


def test_what_marks_a_scattered_cluster_is_no_effect() -> None:
    inside = np.random.default_rng(1).permutation(1_000) < 30
    assert DesignEffect(np.where(inside, 0, -1), clusters=1).of(inside[None]).item() < 1.5


def test_what_all_windows_or_none_have_has_no_effect() -> None:
    holds = np.array([[True] * 6, [False] * 6])
    assert DesignEffect(np.array([0, 0, 0, -1, -1, -1]), clusters=2).of(holds).tolist() == [[1, 1], [1, 1]]


def table(**columns: list) -> ClusteredWindows:
    return ClusteredWindows(pd.DataFrame(columns), lambda rows: np.zeros((len(rows), 4), np.uint8))


def test_windows_stand_in_the_order_of_the_genome_and_orthologs_together() -> None:
    start, genome, block = [20, 0, 10, 5, 25], list("aaabb"), [8, 7, -1, 7, 8]
    windows = table(
        label=[0] * 5, genome=genome, chrom=["1"] * 5, start=start, end=[each + 4 for each in start], block=block
    )
    rank = along_genome(windows)
    assert rank is not None and rank.tolist() == [3, 0, 2, 1, 4]
    assert along_genome(table(label=[0, 0])) is None


def test_sequences_stay_whole_and_stand_in_random_order() -> None:
    chrom = np.repeat(np.arange(40), 2)
    start = np.tile([9, 0], 40)
    windows = table(
        label=[0] * 80,
        genome=["g"] * 80,
        chrom=chrom.astype(str).tolist(),
        start=start.tolist(),
        end=(start + 4).tolist(),
    )
    rank = along_genome(windows)
    assert rank is not None and sorted(rank.tolist()) == list(range(80))
    order = np.argsort(rank)
    assert (chrom[order[::2]] == chrom[order[1::2]]).all() and (start[order[::2]] == 0).all()
    assert not (chrom[order[::2]] == np.arange(40)).all()
