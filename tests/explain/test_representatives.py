import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from dnabert.encoders.nearest import Places
from dnabert.explain.representatives import halves, representatives


def places(block: list[int], start: list[int], *, length: int = 10) -> Places:
    begin = np.array(start)
    return Places(np.array(block), np.zeros(len(block), int), begin, begin + length)


def test_one_window_of_a_block_in_each_cluster_and_none_that_overlap() -> None:
    where = places([4, 4, 4, 5, -1, -1, -1], [0, 10, 20, 30, 100, 105, 110])
    rows = representatives(np.array([0, 0, 1, 0, 0, 0, 0]), where)
    assert sum(row in (0, 1) for row in rows) == 1
    assert {2, 3, 4, 6} <= set(rows.tolist()) and 5 not in rows


@given(st.lists(st.tuples(st.integers(-1, 2), st.integers(-1, 5), st.integers(0, 40)), max_size=40), st.integers(0, 3))
@settings(max_examples=80)
def test_no_two_of_a_cluster_are_near_copies(windows: list[tuple[int, int, int]], seed: int) -> None:
    labels = np.array([label for label, _, _ in windows], dtype=int)
    where = places([block for _, block, _ in windows], [start for _, _, start in windows])
    rows = representatives(labels, where, seed=seed)
    keys = [(labels[row], where.block[row]) for row in rows if where.block[row] >= 0]
    assert len(keys) == len(set(keys))
    assert set(keys) == {(label, block) for label, block, _ in windows if block >= 0}
    for label in set(labels.tolist()):
        starts = np.sort([where.start[row] for row in rows if where.block[row] < 0 and labels[row] == label])
        assert (np.diff(starts) >= 10).all()


def test_halves_keep_a_block_together() -> None:
    rng = np.random.default_rng(0)
    block = rng.integers(-1, 40, 300)
    where = places(block.tolist(), list(range(0, 6_000_000, 20_000)))
    held_out = halves(np.arange(300), where, seed=2)
    assert all(len(set(held_out[block == value].tolist())) == 1 for value in set(block.tolist()) - {-1})
    assert 0.3 < held_out.mean() < 0.7
    assert (halves(np.arange(300), where, seed=2) == held_out).all()


def test_halves_keep_neighbours_together() -> None:
    start = np.arange(0, 1_000_000, 500)
    sequence = (start >= 505_000).astype(int)
    where = Places(np.full(2_000, -1), sequence, start, start + 448)
    held_out = halves(np.arange(2_000), where)
    stretch = start // 10_000 + 1_000 * sequence
    assert all(len(set(held_out[stretch == each].tolist())) == 1 for each in set(stretch.tolist()))
    assert len(set(held_out[(start >= 500_000) & (start < 510_000)].tolist())) == 2  # of two sequences
    assert 0.45 < held_out.mean() < 0.55
