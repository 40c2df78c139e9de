import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dnabert.report import numbers


@given(
    st.one_of(
        st.none(),
        st.floats(-1e12, 1e12),
        st.sampled_from([float("nan"), float("inf"), -float("inf")]),
        st.integers(-(10**12), 10**12),
        st.text(max_size=3),
        st.booleans(),
    )
)
def test_any_json_value_has_words(value: object) -> None:
    for words in (numbers.count, numbers.number, numbers.percent, numbers.duration, numbers.p_value):
        text = words(value)
        assert text and "nan" not in text and "inf" not in text


@given(st.floats(0, 1))
def test_percent_never_says_zero_of_something(share: float) -> None:
    assert (numbers.percent(share) == "0\xa0%") == (share == 0)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0.0 s"),
        (59.6, "59.6 s"),
        (59.96, "1 min 0 s"),
        (60, "1 min 0 s"),
        (3599.7, "1 h 0 min"),
        (86_400, "24 h 0 min"),
    ],
)
def test_duration(seconds: float, text: str) -> None:
    assert numbers.duration(seconds) == text


def test_interval_without_bounds_is_the_value() -> None:
    assert numbers.interval({"value": 0.5, "low": None, "high": math.nan}) == "0.500"
    assert numbers.interval(None) == "–"


@pytest.mark.parametrize(
    ("said", "text"),
    [
        (numbers.p_value(0.001), "p = 0.001"),
        (numbers.p_value(0.000999), "p < 0.001"),
        (numbers.p_value(0.004), "p = 0.004"),
        (numbers.small(1e-10), "1e-10"),
        (numbers.small(9e-11), "< 1e-10"),
        (numbers.number(100), "100"),
        (numbers.number(100.4), "100"),
        (numbers.number(-99.5), "−99.500"),
        (numbers.percent(0.0004, digits=1), "<\xa00.1\xa0%"),
        (numbers.percent(0.0006, digits=1), "0.1\xa0%"),
        (numbers.percent(0.004, digits=0), "<\xa01\xa0%"),
        (numbers.odds(0.001), "0.001"),
        (numbers.odds(1000.0), "1,000"),
        (numbers.odds(0.05), "0.050"),
        (numbers.odds(0.1), "0.1"),
    ],
)
def test_numbers_at_their_edges(said: str, text: str) -> None:
    assert said == text


def test_bounds_that_were_not_measured_are_the_value_and_half_an_interval_is_none() -> None:
    assert numbers.bounds({"value": 2, "low": 1, "high": 4}) == (1, 4)
    assert numbers.bounds({"value": 2, "low": math.nan, "high": None}) == (2, 2)
    assert numbers.interval({"value": 0.5, "low": 0.4}) == numbers.interval({"value": 0.5, "high": 0.6}) == "0.500"
