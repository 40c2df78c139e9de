from types import SimpleNamespace

import numpy as np
import pytest
from scipy.stats import t, ttest_rel

from dnabert.corpus.places import GENE_STRETCH
from dnabert.pretraining.intervals import drawn_together, ratio, ratio_difference


def view_of(start: np.ndarray, *, block: np.ndarray | None = None) -> SimpleNamespace:
    """Windows of one chromosome, as far as places ask."""
    n = len(start)
    columns = {
        "genome": np.full(n, "a"),
        "chrom": np.full(n, "1"),
        "start": start,
        "block": np.arange(n) if block is None else block,
    }
    return SimpleNamespace(column=columns.__getitem__)


def test_with_places_of_one_size_it_is_the_interval_of_a_mean():
    sums = np.random.default_rng(0).normal(10, 2, 12)
    found = ratio(sums, np.full(12, 5.0))
    low, high = t.interval(0.95, 11, loc=sums.mean() / 5, scale=sums.std(ddof=1) / 12**0.5 / 5)
    assert found.interval == pytest.approx((low, high)) and found.value == pytest.approx(sums.mean() / 5)


def test_a_paired_difference_leaves_out_what_places_share():
    rng = np.random.default_rng(0)
    hard = rng.uniform(50, 150, 40)  # places differ far more than recipes
    for more in (1.2, -0.1):
        ours = hard + rng.normal(more, 0.5, 40)
        found, expected = ratio_difference((ours, np.full(40, 60.0)), (hard, np.full(40, 60.0))), ttest_rel(ours, hard)
        assert found.p == pytest.approx(expected.pvalue, rel=1e-6, abs=0)
        assert found.interval == pytest.approx(tuple(np.array(expected.confidence_interval()) / 60))


def test_models_of_unlike_words_hide_unlike_numbers_of_bases():
    sizes = np.array([60.0, 66.0, 54.0, 60.0])
    found = ratio_difference((1.8 * sizes, sizes), (1.7 * (sizes + 3), sizes + 3))
    assert found.interval == pytest.approx((0.1, 0.1))


def test_places_that_hide_nothing_are_none():
    full = ratio([10.0, 12.0, 11.0], [5.0, 6.0, 5.0])
    assert ratio([10.0, 0.0, 12.0, 11.0], [5.0, 0.0, 6.0, 5.0]) == full
    two, both = ([10.0, 12.0], [5.0, 6.0]), ([9.0, 12.5], [5.0, 6.0])
    for first, second in (((4.0, 2.0), (0.0, 0.0)), ((0.0, 0.0), (4.0, 2.0))):  # nor are those that one of them hides
        more, other = (
            ([*sums, value], [*sizes, size]) for (sums, sizes), (value, size) in ((two, first), (both, second))
        )
        assert ratio_difference(more, other) == ratio_difference(two, both)


def test_models_that_nowhere_differ_and_those_that_do_alike_everywhere_have_no_error():
    sums, sizes = np.array([8.0, 12.0, 10.0]), np.array([4.0, 4.0, 4.0])
    assert ratio_difference((sums, sizes), (sums, sizes)) == (0.0, 0.0, 0.0, 1.0)
    assert ratio_difference((sums + 2, sizes), (sums, sizes)) == (0.5, 0.5, 0.5, 0.0)


def test_two_places_give_a_wide_interval_and_no_unit_matters():
    found = ratio([1.0, 3.0], [1.0, 1.0])  # 2 -+ t of one degree of freedom, times sqrt(2) / sqrt(2)
    assert found.interval == pytest.approx((2 - t.ppf(0.975, 1), 2 + t.ppf(0.975, 1)))
    assert ratio([1e-3, 3e-3], [1e-3, 1e-3]) == pytest.approx(found)


def test_one_place_says_nothing_of_others():
    found = ratio([10.0], [5.0])
    assert found == (2.0, None, None, None) and found.interval == (2.0, 2.0)


def test_stretches_of_the_genome_are_drawn_whole():
    start = 2_000 * np.arange(10_000)
    rows = np.array([3, 3, 7, 9_999, 500])
    assert drawn_together(view_of(start), rows).tolist() == [0, 0, 0, 2, 1]
    assert (drawn_together(view_of(start), np.arange(10_000)) == start // GENE_STRETCH).all()


def test_windows_of_one_place_are_each_alone():
    view = view_of(np.arange(4) * 100, block=np.full(4, 8))
    assert drawn_together(view, np.array([0, 0, 1, 3])).tolist() == [0, 0, 1, 3]


def test_intervals_cover_what_they_say_where_windows_hundreds_of_kilobases_apart_cost_alike():
    rng, covered, by_block = np.random.default_rng(0), 0, 0
    view = view_of(2_000 * np.arange(10_000))
    group, sizes = drawn_together(view, np.arange(10_000)), np.full(10_000, 60.0)
    for _ in range(200):
        region = np.cumsum(rng.random(10_000) < 1 / 50)  # 100 kb on average
        bits = sizes * (1.8 + rng.normal(0, 0.1, region[-1] + 1)[region] + rng.normal(0, 0.1, 10_000))
        found = ratio(np.bincount(group, weights=bits), np.bincount(group, weights=sizes))
        alone = ratio(bits, sizes)
        covered += found.low <= 1.8 <= found.high
        by_block += alone.low <= 1.8 <= alone.high
    assert covered >= 180 and by_block < 120
