import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from dnabert.corpus.intervals import coverage, merge, overlaps

intervals = st.lists(st.tuples(st.integers(0, 50), st.integers(0, 20)), max_size=12).map(
    lambda pairs: np.array([(a, a + size) for a, size in pairs], np.int64).reshape(-1, 2)
)


def mask(intervals: np.ndarray) -> np.ndarray:
    covered = np.zeros(80, bool)
    for a, b in intervals:
        covered[a:b] = True
    return covered


@given(intervals)
def test_merged_intervals_cover_the_same_and_are_disjoint(intervals: np.ndarray) -> None:
    merged = merge(intervals)
    assert np.array_equal(mask(merged), mask(intervals))
    assert (merged[1:, 0] > merged[:-1, 1]).all() and (merged[:, 1] > merged[:, 0]).all()


@given(intervals, st.integers(1, 9))
def test_coverage_and_overlaps_equal_a_mask(intervals: np.ndarray, length: int) -> None:
    starts = np.arange(0, 70, 3)
    ends = starts + length
    covered = mask(intervals)
    expected = [int(covered[a:b].sum()) for a, b in zip(starts, ends, strict=True)]
    assert coverage(merge(intervals), starts=starts, ends=ends).tolist() == expected
    found = set(zip(*(x.tolist() for x in overlaps(intervals, starts=starts, ends=ends)), strict=True))
    loop = {
        (w, i, min(e, b) - max(s, a))
        for w, (s, e) in enumerate(zip(starts.tolist(), ends.tolist(), strict=True))
        for i, (a, b) in enumerate(intervals.tolist())
        if min(e, b) > max(s, a)
    }
    assert found == loop
