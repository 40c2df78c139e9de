import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

from dnabert.explain.correction import benjamini_hochberg


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_it_is_statsmodels(p: list[float]) -> None:
    np.testing.assert_allclose(benjamini_hochberg(p), multipletests(p, method="fdr_bh")[1], atol=1e-12)


def test_no_test_no_correction() -> None:
    assert np.isnan(benjamini_hochberg([float("nan")])).all() and benjamini_hochberg([]).shape == (0,)
