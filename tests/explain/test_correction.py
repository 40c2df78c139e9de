import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

from dnabert.explain.correction import add_q, benjamini_hochberg


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_it_is_statsmodels(p: list[float]) -> None:
    np.testing.assert_allclose(benjamini_hochberg(p), multipletests(p, method="fdr_bh")[1], atol=1e-12)


def test_no_test_no_correction() -> None:
    assert np.isnan(benjamini_hochberg([float("nan")])).all() and benjamini_hochberg([]).shape == (0,)


def test_tests_without_a_row_count_with_p_1() -> None:
    rows = [{"p": 0.01}, {"p": None}, {"p": 0.04}]
    add_q(rows, tests=20)
    expected = multipletests([0.01, 0.04] + [1.0] * 18, method="fdr_bh")[1]
    assert (
        rows[0]["q"] == pytest.approx(expected[0])
        and rows[1]["q"] is None
        and rows[2]["q"] == pytest.approx(expected[1])
    )
