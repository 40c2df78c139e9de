"""A sequence logo as a piece of SVG, drawn from four letters of lines: nothing to load, nothing to install."""

from __future__ import annotations

import html

import numpy as np
from numpy.typing import NDArray

from dnabert.alphabet import ALPHABET
from dnabert.explain.motif_growth import information
from dnabert.report.colours import PALETTE

#: One colour per base, of Okabe & Ito's: green, blue, orange and vermilion, as logos have them, and told apart without red.
COLOURS = {"A": PALETTE[2], "C": PALETTE[0], "G": PALETTE[5], "T": PALETTE[1]}
#: Outlines in a box of 100 by 100, y downwards; holes by the even-odd rule.
_LETTERS = {
    "A": "M0 100L38 0H62L100 100H78L70 76H30L22 100ZM36 58H64L50 16Z",
    "C": "M100 66C96 88 78 100 53 100C20 100 0 80 0 50C0 20 20 0 53 0C78 0 96 12 100 34H77C74 24 66 18 53 18"
    "C34 18 23 30 23 50C23 70 34 82 53 82C66 82 74 76 77 66Z",
    "G": "M100 46V86C88 95 72 100 54 100C20 100 0 80 0 50C0 20 20 0 54 0C79 0 96 12 99 32H76C73 23 66 18 54 18"
    "C34 18 23 30 23 50C23 70 34 82 56 82C65 82 72 80 78 77V62H54V46Z",
    "T": "M0 0H100V19H61V100H39V19H0Z",
}
_COLUMN, _HEIGHT = 16.0, 80.0
_LEFT, _TOP, _BOTTOM = 34.0, 6.0, 18.0
#: Letters lower than this (bits) are not drawn: they would be lines.
_LOWEST = 0.01


def draw_logo(matrix: NDArray[np.floating], *, title: str, n_sites: int | NDArray[np.integer] = 0, first: int = 1) -> str:
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
    >>> svg[:4], svg.count("<path"), "A word: ACGT" in svg
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
    for column, (shares, information_bits) in enumerate(zip(matrix, bits, strict=True)):
        parts += _stack(shares * information_bits, x=_LEFT + _COLUMN * column)
    return "".join([*parts, "</svg>"])


def _stack(heights: NDArray[np.float64], *, x: float) -> list[str]:
    """One column, the highest letter on top."""
    parts, y = [], _TOP + _HEIGHT
    for base in np.argsort(heights, kind="stable"):
        if heights[base] < _LOWEST:
            continue
        tall = heights[base] / 2 * _HEIGHT
        y -= tall
        letter = ALPHABET[base]
        place = f"translate({x + 0.5:.4g} {y:.4g}) scale({(_COLUMN - 1) / 100:.4g} {tall / 100:.4g})"
        parts.append(f'<path fill="{COLOURS[letter]}" fill-rule="evenodd" transform="{place}" d="{_LETTERS[letter]}"/>')
    return parts


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
        f'<text x="{_LEFT + _COLUMN * (number - first + 0.5):g}" y="{bottom + 11:g}" text-anchor="middle">{number}</text>'
        for number in shown
    ]
    return [*parts, "</g>"]
