"""Numbers as people read them: thousands separated, intervals in brackets, units beside the value."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

#: Keeps a number and its unit on one line.
_SPACE = "\N{NO-BREAK SPACE}"
#: Odds ratios below this, or above its inverse, are told as bounds.
_LEAST_ODDS = 0.001


def present(value: Any) -> bool:
    """Whether a value is a finite number (JSON's null and NaN both mean "not measured")."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def count(value: Any) -> str:
    """A whole number with thousands separators, a dash when there is none.

    Examples
    --------
    >>> count(173000), count(-1200), count(None)
    ('173,000', '−1,200', '–')
    """
    return f"{round(value):,}".replace("-", "−") if present(value) else "–"


def number(value: Any, *, digits: int = 3) -> str:
    """A number with a fixed count of decimals; a whole number above 100 loses them.

    Examples
    --------
    >>> number(0.81234), number(1234.0), number(float("nan")), number(-0.00001)
    ('0.812', '1,234', '–', '0.000')
    """
    if not present(value):
        return "–"
    if abs(value) >= 100:
        return count(value)
    text = f"{value:.{digits}f}"
    return text.lstrip("-") if float(text) == 0 else text.replace("-", "−")


def percent(share: Any, *, digits: int = 0) -> str:
    r"""A share between 0 and 1 as a percentage.

    Examples
    --------
    >>> percent(0.123), percent(0.004), percent(0), percent(-0.02), percent(-1.36), percent(None)
    ('12\xa0%', '<\xa01\xa0%', '0\xa0%', '−2\xa0%', '−136\xa0%', '–')
    """
    if not present(share):
        return "–"
    if share > 0 and float(f"{100 * share:.{digits}f}") == 0:
        return f"<{_SPACE}{10**-digits:.{digits}f}{_SPACE}%"
    return f"{number(100 * share, digits=digits)}{_SPACE}%"


def interval(metric: Mapping[str, Any] | None, *, digits: int = 3) -> str:
    """A value with its interval, which is left out where none was measured.

    Examples
    --------
    >>> interval({"value": 0.5, "low": 0.48, "high": 0.52}), interval({"value": 12}, digits=0)
    ('0.500 [0.480, 0.520]', '12')
    """
    if metric is None or not present(metric.get("value")):
        return "–"
    low, high = metric.get("low"), metric.get("high")
    value = number(metric["value"], digits=digits)
    if not (present(low) and present(high)) or low == high:  # a count has no interval
        return value
    return f"{value} [{number(low, digits=digits)}, {number(high, digits=digits)}]"


def p_value(p: Any) -> str:
    """A p value; very small ones as a bound, since ranks of thousands of pairs make any difference "significant".

    Examples
    --------
    >>> p_value(0.0312), p_value(1e-300)
    ('p = 0.031', 'p < 0.001')
    """
    if not present(p):
        return "p unknown"
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}"


def small(value: Any) -> str:
    """A p or q in two digits; what is too small to be meant as a number becomes a bound.

    Examples
    --------
    >>> small(0.0312), small(2.8e-98), small(1.9e-5), small(None)
    ('0.031', '< 1e-10', '1.9e-05', '–')
    """
    if not present(value):
        return "–"
    return "< 1e-10" if value < 1e-10 else f"{value:.2g}"


def odds(ratio: Any, *, digits: int = 1) -> str:
    """An odds ratio; beyond a thousand, where a cell of the table is all but empty, only the bound is meant.

    Examples
    --------
    >>> odds(26.94), odds(303_878.0), odds(0.0042), odds(0.0002), odds(None)
    ('26.9', '> 1,000', '0.004', '< 0.001', '–')
    """
    if present(ratio) and not _LEAST_ODDS <= ratio <= 1 / _LEAST_ODDS:
        return f"> {1 / _LEAST_ODDS:,.0f}" if ratio > 1 else f"< {_LEAST_ODDS}"
    rounds_to_none = present(ratio) and ratio < 10**-digits  # beside a bound, 0.00 would be less than < 0.001
    return number(ratio, digits=max(digits, 3) if rounds_to_none else digits)


def duration(seconds: Any) -> str:
    """Seconds in the unit people would say.

    Examples
    --------
    >>> duration(3.21), duration(363), duration(7260)
    ('3.2 s', '6 min 3 s', '2 h 1 min')
    """
    if not present(seconds):
        return "–"
    if round(seconds, 1) < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def listed(names: list[str]) -> str:
    """Names in a sentence.

    Examples
    --------
    >>> listed(["a"]), listed(["a", "b", "c"])
    ('a', 'a, b and c')
    """
    if not names:
        return "none"
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def bounds(value: dict[str, Any]) -> tuple[float, float]:
    """Lower and upper bound of a value, itself where it has none."""
    low, high = value.get("low"), value.get("high")
    middle = float(value["value"])
    return (
        float(low) if low is not None and present(low) else middle,
        float(high) if high is not None and present(high) else middle,
    )
