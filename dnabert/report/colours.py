"""Colours that colour-blind readers tell apart, and which categories get one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

#: Okabe & Ito 2008 without black and yellow (too faint on white), two of Paul Tol's "muted" (SRON/EPS/TN/09-002), and
#: two that were searched for their distance to these: any two are 16 or more apart (CIE Lab), also as seen in
#: protanopia, deuteranopia and tritanopia.
PALETTE = (
    "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#332288", "#882255", "#88BB66", "#554400",
)  # fmt: skip
BACKGROUND = "#D8D8D8"
OTHER = "#8A8A8A"

#: The same on the dark ground (#15181D): the counterparts were searched for a contrast of at least 4 to the ground and
#: a distance of at least 20 (CIE Lab) between any two, also as seen in protanopia, deuteranopia and tritanopia.
DARK = {
    "#0072B2": "#5188FF", "#D55E00": "#E8702A", "#009E73": "#0ECD8C", "#CC79A7": "#F58EC2", "#56B4E9": "#A9DFFF",
    "#E69F00": "#EDCE2F", "#332288": "#A07ACA", "#882255": "#C05086", "#88BB66": "#60824F", "#554400": "#C4D16F",
    BACKGROUND: "#3A4048", OTHER: "#8F959C",
}  # fmt: skip

#: Beyond ten categories the marker changes too, so that colour and shape together stay unique: (page, matplotlib).
SYMBOLS = (("circle", "o"), ("diamond", "D"), ("triangle-up", "^"))

#: Values that mean "nothing here"; they are drawn first, in light grey.
NOTHING = ("noise", "none", "unknown", "", "intergenic", "nan")


@dataclass(frozen=True)
class Category:
    """One value of a categorical column with its look."""

    value: str
    n: int
    colour: str
    symbol: str
    marker: str
    background: bool


def categories(values: Any, *, limit: int = 20) -> list[Category]:
    """Give each value a look: backgrounds first, then by falling n; values beyond `limit` share the grey of "other".

    Parameters
    ----------
    values : sequence of str, shape (n,).
    limit : how many values get a look of their own; 30 at most (ten colours in three shapes).

    Examples
    --------
    >>> [(c.value, c.n, c.background) for c in categories(["Alu", "none", "Alu", "L1"])]
    [('none', 1, True), ('Alu', 2, False), ('L1', 1, False)]
    """
    import numpy as np

    found, counts = np.unique(np.asarray(values, dtype=str), return_counts=True)
    names = [str(name) for name in found]
    order = sorted(range(len(names)), key=lambda i: (names[i].lower() not in NOTHING, -counts[i], names[i]))
    result: list[Category] = []
    looks = 0
    for i in order:
        background = names[i].lower() in NOTHING
        colour, (symbol, marker) = BACKGROUND, SYMBOLS[0]
        if not background:
            colour = PALETTE[looks % len(PALETTE)] if looks < limit else OTHER
            symbol, marker = SYMBOLS[looks // len(PALETTE) if looks < limit else 0]
            looks += 1
        result.append(Category(names[i], int(counts[i]), colour, symbol, marker, background))
    return result
