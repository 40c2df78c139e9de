import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import fisher_exact
from statsmodels.stats.contingency_tables import Table2x2
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint

from dnabert.explain.correction import add_q
from dnabert.explain.hit_share import share_against, wilson_interval


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_interval_equals_statsmodels(counts: tuple[int, int]) -> None:
    hit, n = counts
    assert wilson_interval(hit / n, n) == pytest.approx(proportion_confint(hit, n, method="wilson"), abs=1e-12)


def test_no_trials_leave_everything_open() -> None:
    assert wilson_interval(0.0, 0) == (0.0, 1.0)


def test_table_equals_scipy_and_statsmodels() -> None:
    inside, outside = np.arange(20) < 15, np.arange(100) < 10
    found = share_against(inside, outside, inside_locus=np.arange(20), outside_locus=np.arange(100, 200))
    assert (found["share"], found["background_share"], found["windows_hit"], found["loci_hit"]) == (0.75, 0.1, 15, 15)
    assert found["p"] == pytest.approx(fisher_exact([[15, 5], [10, 90]]).pvalue)
    halves = Table2x2(np.array([[15.5, 5.5], [10.5, 90.5]]))
    assert found["odds_ratio"] == pytest.approx(halves.oddsratio)
    assert (found["odds_low"], found["odds_high"]) == pytest.approx(halves.oddsratio_confint(), rel=1e-12)


def test_a_locus_counts_once_by_its_first_window() -> None:
    inside = np.array([True, False, True, True])
    found = share_against(inside, np.zeros(5, bool), inside_locus=np.array([7, 7, 7, 8]), outside_locus=np.full(5, 3))
    assert (found["windows"], found["windows_hit"], found["loci"], found["loci_hit"]) == (4, 3, 2, 2)
    assert found["background_loci"] == 1 and found["share"] == 0.75
    assert (found["low"], found["high"]) == wilson_interval(0.75, 2)


def test_no_background_is_no_evidence() -> None:
    nothing = np.zeros(0, dtype=int)
    found = share_against(np.ones(3, bool), np.zeros(0, bool), inside_locus=np.arange(3), outside_locus=nothing)
    assert found["p"] == 1.0 and found["background_share"] == 0.0


def test_correction_counts_tests_without_a_row() -> None:
    rows = [{"p": 0.01}, {"p": 0.002}]
    add_q(rows, tests=5)
    assert [row["q"] for row in rows] == pytest.approx(multipletests([0.01, 0.002, 1, 1, 1], method="fdr_bh")[1][:2])
    add_q([], tests=3)
