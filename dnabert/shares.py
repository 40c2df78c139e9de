"""Shares as a reader meets them in sentences."""

from __future__ import annotations


def percent(share: float) -> str:
    """A share for a reader, where all and none are said of all and none only.

    Examples
    --------
    >>> [percent(share) for share in (0.834, 0.996, 1.0, 0.002, 0.0)]
    ['83 %', '> 99 %', '100 %', '< 1 %', '0 %']
    """
    if 0.995 <= share < 1:
        return "> 99 %"
    return "< 1 %" if 0 < share < 0.005 else f"{100 * share:.0f} %"
