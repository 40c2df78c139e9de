"""A sequence logo as a piece of SVG, drawn from four letters of lines: nothing to load, nothing to install."""

from __future__ import annotations

import html
import re
from functools import cache

import numpy as np
from numpy.typing import NDArray

from dnabert.alphabet import ALPHABET
from dnabert.explain.motif_growth import information
from dnabert.report.colours import PALETTE

#: One colour per base, of Okabe & Ito's: green, blue, orange and vermilion, as logos have them, and told apart without
#: red.
COLOURS = {"A": PALETTE[2], "C": PALETTE[0], "G": PALETTE[5], "T": PALETTE[1]}
#: Outlines in a box of 100 by 100, y downwards, each step from where the last ended; holes by the even-odd rule.
_LETTERS = {
    "A": "m0 100l38 -100h24l38 100h-22l-8 -24h-40l-8 24zm36 -42h28l-14 -42z",
    "C": "m100 70a52 50 0 1 1 0 -40l-23 4a29 32 0 1 0 0 32z",
    "G": "m100 46v24a52 50 0 1 1 0 -40l-23 4a29 32 0 1 0 0 32v-4h-23v-16z",
    "T": "m0 0h100v19h-39v81h-22v-81h-39z",
}
_COLUMN, _HEIGHT = 16.0, 80.0
_LEFT, _TOP, _BOTTOM = 34.0, 6.0, 18.0
#: Letters lower than this (bits) are not drawn: they would be lines.
_LOWEST = 0.01


def draw_logo(
    matrix: NDArray[np.floating], *, title: str, n_sites: int | NDArray[np.integer] = 0, first: int = 1
) -> str:
    """Sequence logo (Schneider & Stephens 1990): letters as high as their share of the column's information.

    Parameters
    ----------
    matrix : float (l, 4), share of A, C, G, T at each column.
    title : what a reader who cannot see the picture is told, before its consensus.
    n_sites : behind the matrix, of all columns or of each (l,), for the small-sample correction; 0 = none.
    first : number of the first column on the axis.

    Returns
    -------
    an ``<svg>`` element for an HTML page, with a ``<title>``; the axis is in bits, 0 to 2.

    Examples
    --------
    >>> svg = draw_logo(np.eye(4), title="A word")
    >>> svg[:4], svg.count("<path"), "A word: ACGT" in svg  # a path for each base
    ('<svg', 4, True)
    """
    matrix = np.asarray(matrix, dtype=np.float64)
    bits = information(matrix, n_sites=n_sites)
    width, height = _LEFT + _COLUMN * len(matrix) + 4, _TOP + _HEIGHT + _BOTTOM
    letters = "".join(ALPHABET[i] for i in matrix.argmax(axis=1))
    label = html.escape(f"{title}: {letters}", quote=True)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="logo" role="img" aria-label="{label}" width="{width:g}" '
        f'height="{height:g}" viewBox="0 0 {width:g} {height:g}" font-family="sans-serif" font-size="9">',
        f"<title>{label}</title>",
        *_axes(len(matrix), first=first),
    ]
    # all of a base in one element: a page of 600 clusters has 200,000 letters
    drawn: dict[str, list[str]] = {base: [] for base in ALPHABET}
    for column, (shares, information_bits) in enumerate(zip(matrix, bits, strict=True)):
        for base, outline in _stack(shares * information_bits, x=_LEFT + _COLUMN * column):
            drawn[base].append(outline)
    parts += [
        f'<path fill="{COLOURS[base]}" fill-rule="evenodd" d="{"".join(outlines)}"/>'
        for base, outlines in drawn.items()
        if outlines
    ]
    return "".join([*parts, "</svg>"])


def _stack(heights: NDArray[np.float64], *, x: float) -> list[tuple[str, str]]:
    """One column, the highest letter on top: each base with its outline."""
    parts, y = [], _TOP + _HEIGHT
    for base in np.argsort(heights, kind="stable"):
        if heights[base] < _LOWEST:
            continue
        tall = float(heights[base]) / 2 * _HEIGHT
        y -= tall
        letter = ALPHABET[base]
        parts.append((letter, f"M{x + 0.5:g} {y:.2f}{_outline(letter, round(tall, 1))}"))
    return parts


@cache  # four letters of 800 heights
def _outline(letter: str, tall: float) -> str:
    """A letter's outline, `tall` and as wide as a column, from its upper left corner."""
    x, y = (_COLUMN - 1) / 100, tall / 100
    # an arc's third to fifth are an angle and flags
    factors = {"m": (x, y), "l": (x, y), "h": (x,), "v": (y,), "a": (x, y, 1, 1, 1, x, y)}

    def scaled(step: re.Match[str]) -> str:
        numbers = (float(number) * factor for number, factor in zip(step[2].split(), factors[step[1]], strict=True))
        return step[1] + " ".join(f"{round(number, 2):g}" for number in numbers)

    return re.sub("([a-y])([^a-z]*)", scaled, _LETTERS[letter])


def _axes(columns: int, *, first: int) -> list[str]:
    """Bits at the left; the number of every fifth column below."""
    bottom = _TOP + _HEIGHT
    parts = [
        f'<g stroke="#444" fill="none"><line x1="{_LEFT - 2:g}" y1="{_TOP:g}" x2="{_LEFT - 2:g}" y2="{bottom:g}"/>'
    ]
    heights = {tick: bottom - tick / 2 * _HEIGHT for tick in (0, 1, 2)}
    parts += [f'<line x1="{_LEFT - 5:g}" y1="{y:g}" x2="{_LEFT - 2:g}" y2="{y:g}"/>' for y in heights.values()]
    parts.append('</g><g fill="#444">')
    parts += [f'<text x="{_LEFT - 8:g}" y="{y + 3:g}" text-anchor="end">{tick}</text>' for tick, y in heights.items()]
    middle = _TOP + _HEIGHT / 2
    parts.append(f'<text transform="translate(9 {middle:g}) rotate(-90)" text-anchor="middle">bits</text>')
    shown = [number for number in range(first, first + columns) if number == first == 1 or number % 5 == 0]
    parts += [
        f'<text x="{_LEFT + _COLUMN * (number - first + 0.5):g}" y="{bottom + 11:g}" '
        f'text-anchor="middle">{number}</text>'
        for number in shown
    ]
    return [*parts, "</g>"]
