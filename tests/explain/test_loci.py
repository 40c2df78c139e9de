import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare

from dnabert.encoders.nearest import Places
from dnabert.explain.loci import count_stretches, disjoint_pairs, equal_gc_pairs, independent_places, loci

PLACE = st.tuples(st.integers(-1, 4), st.integers(0, 2), st.integers(0, 60))


def places(block: list[int], sequence: list[int], start: list[int], *, length: int = 10) -> Places:
    begin = np.array(start, dtype=np.int64)
    return Places(np.array(block), np.array(sequence), begin, begin + length)


@given(st.lists(PLACE, min_size=1, max_size=25))
@settings(max_examples=40)
def test_a_locus_is_what_blocks_and_overlaps_join(windows: list[tuple[int, int, int]]) -> None:
    found = places(*(list(column) for column in zip(*windows, strict=True)))
    near = found.same(np.arange(len(windows))).astype(int)
    joined = closure(near)
    number = loci(found)
    assert np.array_equal(number[:, None] == number[None], joined)
    assert set(number.tolist()) == set(range(number.max() + 1))


def closure(near: np.ndarray) -> np.ndarray:
    for _ in range(6):
        near = ((near @ near) > 0).astype(int)
    return near > 0


def test_touching_windows_do_not_overlap() -> None:
    assert loci(places([-1, -1, -1], [0, 0, 0], [0, 10, 19])).tolist() == [0, 1, 1]
    assert loci(places([], [], [])).tolist() == []


def test_neighbours_within_10_kb_are_one_stretch() -> None:
    # two prophages, over borders of 10 kb, and one more
    start = [*range(95_000, 117_000, 1_100), *range(500_000, 523_000, 2_300), 900_000]
    found = places([-1] * len(start), [0] * len(start), start, length=448)
    assert count_stretches(np.arange(len(start)), found, locus=loci(found)) == 5
    # orthologs count once, and on the sequence that comes first
    tied = places([1, 2, 1, 2], [0, 0, 1, 1], [0, 50_000, 0, 5_000])
    assert count_stretches(np.arange(4), tied, locus=loci(tied)) == 2
    assert count_stretches(np.array([2, 3]), tied, locus=loci(tied)) == 1
    assert count_stretches(np.arange(0), tied, locus=loci(tied)) == 0


def test_rounds_use_each_locus_once_and_windows_of_one_locus_are_never_paired() -> None:
    locus = np.repeat(np.arange(7), [1, 9, 2, 2, 2, 1, 3])
    rows = np.arange(20)[::-1]
    found = disjoint_pairs(rows, locus, pairs=50, rounds=40)
    assert found.shape == (17, 3, 2)  # three pairs of seven loci in a round, 17 rounds for 50
    for pairs in found:
        assert len(set(locus[pairs].ravel().tolist())) == 6
    used = np.bincount(locus[found].ravel(), minlength=7)
    assert used.max() - used.min() < 10  # a locus of nine windows counts as much as one of one
    assert len(set(found.ravel().tolist())) > 14
    assert np.array_equal(found, disjoint_pairs(rows, locus, pairs=50, rounds=40))
    assert disjoint_pairs(rows, locus, pairs=2).shape == (1, 2, 2)
    assert disjoint_pairs(rows[:3], locus, pairs=2, rounds=3).size == 0


def test_background_has_the_gc_of_the_pairs_and_comes_from_outside() -> None:
    rng = np.random.default_rng(0)
    gc = rng.uniform(0.2, 0.8, 3_000)
    locus = np.arange(3_000) // 2
    pairs = rng.integers(0, 100, (200, 2))
    found, kept = equal_gc_pairs(pairs, gc, outside=np.arange(100, 3_000), locus=locus)
    assert len(found) > 190 and found.min() >= 100 and (locus[found[:, 0]] != locus[found[:, 1]]).all()
    assert np.abs(gc[found] - gc[pairs[kept]]).max() < 0.01
    few, _ = equal_gc_pairs(
        np.array([[0, 1]]), np.array([0.9, 0.9, 0.1, 0.2]), outside=np.array([2, 3]), locus=np.arange(4), seed=2
    )
    assert set(few.ravel().tolist()) <= {2, 3}
    assert len(equal_gc_pairs(pairs, gc, outside=np.arange(1), locus=locus)[0]) == 0


def test_background_is_drawn_evenly_from_all_that_have_the_gc() -> None:
    gc = np.full(60, 0.5)
    found, _ = equal_gc_pairs(np.zeros((20_000, 2), dtype=np.int64), gc, outside=np.arange(20, 60), locus=np.arange(60))
    counts = np.bincount(found.ravel(), minlength=60)[20:]
    assert chisquare(counts).pvalue > 0.001


def test_places_are_whole_loci_of_a_stretch_or_a_block() -> None:
    table = pd.DataFrame(
        {"genome": list("aaaab"), "chrom": "1", "start": [0, 9_000, 9_800, 10_100, 500], "block": [-1, -1, -1, -1, 4]}
    )
    locus = np.array([0, 1, 2, 2, 3])  # the third and the fourth overlap across a border
    place = independent_places(table, locus)
    assert place[0] == place[1] == place[2] == place[3] != place[4]
    assert len(set(independent_places(table[["genome"]], locus).tolist())) == 4  # without coordinates each locus
