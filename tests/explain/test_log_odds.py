import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import fisher_exact, hypergeom
from statsmodels.stats.multitest import multipletests

from dnabert.explain import log_odds
from dnabert.explain.correction import benjamini_hochberg
from dnabert.explain.log_odds import TwoByTwo, _upper_tails, score_more


def one(inside: int, n_inside: int, outside: int, n_outside: int) -> TwoByTwo:
    return TwoByTwo(np.array([inside]), n_inside, np.array([outside]), n_outside)


def test_log_odds_worked_by_hand() -> None:
    # 10 of 100 windows hold it; ten prior windows add 1 with and 9 without to either side: 6 / 14 against 6 / 94
    value, low, high = (each.item() for each in one(5, 10, 5, 90).log_odds(prior=10))
    assert value == pytest.approx(math.log(6 / 14) - math.log(6 / 94))
    width = 1.959964 * math.sqrt(1 / 6 + 1 / 14 + 1 / 6 + 1 / 94)
    assert (low, high) == (pytest.approx(value - width), pytest.approx(value + width))


def test_nothing_to_compare_has_no_effect() -> None:
    for table in (one(0, 5, 0, 9), one(5, 5, 9, 9)):
        assert [each.item() for each in table.log_odds()] == [0, 0, 0]
        assert table.p_more().item() == 1 and abs(score_more(table).item()) < 1e-9
    none = one(0, 0, 0, 0)  # no window of a plasmid in few stretches is held out
    assert [each.item() for each in none.log_odds()] == [0, 0, 0] and none.p_more().item() == 1


def test_where_no_other_window_is_nothing_is_more() -> None:
    assert score_more(one(3, 5, 0, 0)).tolist() == [0.0] and one(3, 5, 0, 0).p_more().item() == 1


@given(st.data())
@settings(max_examples=80)
def test_p_is_fishers(data: st.DataObject) -> None:
    n, m = data.draw(st.integers(1, 60)), data.draw(st.integers(1, 400))
    a, c = data.draw(st.integers(0, n)), data.draw(st.integers(0, m))
    expected = fisher_exact([[a, n - a], [c, m - c]], alternative="greater").pvalue
    assert one(a, n, c, m).p_more().item() == pytest.approx(expected, rel=1e-7, abs=0)


def test_p_of_many_tables_at_the_size_of_a_genome() -> None:
    rng = np.random.default_rng(0)
    n, m = 3_790, 13_524
    share = 0.9 * rng.random(40)
    a, c = rng.binomial(n, share), rng.binomial(m, share * rng.uniform(0.7, 1.1, 40))
    p = TwoByTwo(a, n, c, m).p_more()
    np.testing.assert_allclose(p, hypergeom.sf(a - 1, n + m, a + c, n), rtol=1e-6, atol=1e-13)


def test_equal_tables_among_many_of_other_sizes_have_their_own_p() -> None:
    rng = np.random.default_rng(3)
    n, m = rng.choice([20, 30, 1_000_000], 300), rng.choice([40, 2_000_000], 300)
    a, c = rng.integers(0, 3, 300), rng.integers(0, 4, 300)
    np.testing.assert_allclose(_upper_tails(a, n, c, m), hypergeom.sf(a - 1, n + m, a + c, n), rtol=1e-6, atol=1e-9)
    assert len(_upper_tails(a[:0], 5, c[:0], 9)) == 0


def test_windows_that_count_for_fewer_are_as_many_as_count() -> None:
    table = one(40, 100, 60, 900).with_effects(np.array([10.0]), np.array([10.0]))
    assert table.p_more().item() == pytest.approx(fisher_exact([[4, 6], [6, 84]], alternative="greater").pvalue)
    value, low, high = (each.item() for each in table.log_odds(prior=0))
    fewer = [each.item() for each in one(4, 10, 6, 90).log_odds(prior=0)]
    assert (value, low, high) == pytest.approx(tuple(fewer))
    inside = one(40, 100, 60, 900).with_effects(10.0)
    assert inside.p_more().item() == pytest.approx(fisher_exact([[4, 6], [60, 840]], alternative="greater").pvalue)
    assert (
        inside.describe(p=[0.1], q=[0.2], index=0)["low"]
        < one(40, 100, 60, 900).describe(p=[0.1], q=[0.2], index=0)["low"]
    )


def test_p_never_falls_where_windows_count_for_fewer() -> None:
    rng = np.random.default_rng(2)
    a, c, effect = rng.integers(0, 50, 500), rng.integers(0, 300, 500), rng.uniform(1, 80, 500)
    table = TwoByTwo(a, 50, c, 300)
    p = table.with_effects(effect, effect).p_more()
    assert (p >= table.p_more()).all() and (p[effect > 60] > 0.01).all()


def test_where_all_windows_count_nothing_is_tested_again(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(3)
    table = TwoByTwo(rng.integers(0, 50, 500), 50, rng.integers(0, 300, 500), 300)
    known, effect = table.p_more(), np.where(np.arange(500) % 100, 1.0, 5.0)
    sizes = []
    monkeypatch.setattr(log_odds, "_upper_tails", lambda *cells: sizes.append(len(cells[0])) or _upper_tails(*cells))
    p = table.with_effects(effect, effect).p_more(of_all=known)
    assert sizes == [5] and (p[effect == 1] == known[effect == 1]).all()
    for i in (0, 100, 200, 300, 400):
        fewer = [round(each / 5) for each in (table.inside[i], 50, table.outside[i], 300)]
        p_fewer = hypergeom.sf(fewer[0] - 1, fewer[1] + fewer[3], fewer[0] + fewer[2], fewer[1])
        assert p[i] == pytest.approx(max(known[i], p_fewer))


def test_q_is_statsmodels() -> None:
    p = np.random.default_rng(1).random((3, 4)) ** 3
    np.testing.assert_allclose(benjamini_hochberg(p).ravel(), multipletests(p.ravel(), method="fdr_bh")[1])
    assert benjamini_hochberg([]).shape == (0,)
