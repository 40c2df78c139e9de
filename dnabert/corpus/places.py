"""Places of a genome: which windows are no independent observations, and are drawn, dropped or kept as one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

    from dnabert.corpus.view import WindowView

#: Bases of a place where no orthologous block says what belongs together: longer than a whole L1 (6 kb).
STRETCH = 10_000
#: Bases of a place where what is asked is which part of a gene a window is in: genes run over hundreds of kilobases,
#: and over many orthologous blocks. On chromosome 22 the standard error of a share no longer grows much beyond it, nor
#: does that of bits per base, which is twice as large as by block.
GENE_STRETCH = 400_000
#: Places of genes are halved until there are so many.
_ENOUGH_PLACES = 30
#: Fewer places than this cannot be resampled to any purpose.
FEWEST_PLACES = 5


def places_apart(table: pd.DataFrame) -> np.ndarray:
    """Number the places that windows lie in; windows of different places are no copies or neighbours of each other.

    A place is an orthologous block; outside of blocks a stretch of 10 kb of a chromosome; without coordinates each
    window is its own.

    Parameters
    ----------
    table : n windows, with ``block`` (-1 = none), ``genome``, ``chrom`` and ``start`` (0-based) where they are known.

    Returns
    -------
    int64 (n,), 0 to the number of places - 1.

    Examples
    --------
    >>> import pandas as pd
    >>> windows = {"genome": ["a", "b", "a"], "chrom": "1", "start": [0, 9, 448], "block": [7, 7, -1]}
    >>> places_apart(pd.DataFrame(windows)).tolist()
    [1, 1, 0]
    """
    n = len(table)
    if "start" in table:
        stretch = table["start"].to_numpy().astype(np.int64) // STRETCH
        place = sequence_numbers(table) * (int(stretch.max(initial=0)) + 1) + stretch
    else:
        place = np.arange(n, dtype=np.int64)
    if "block" in table:
        block = table["block"].to_numpy().astype(np.int64)
        place = np.where(block >= 0, block + int(place.max(initial=0)) + 1, place)
    return np.asarray(np.unique(place, return_inverse=True)[1], dtype=np.int64)


def places_of_view(view: WindowView) -> np.ndarray:
    """`places_apart` of the windows of a corpus."""
    return places_apart(_table(view))


def gene_places_of_view(view: WindowView) -> np.ndarray:
    """`gene_places` of the windows of a corpus."""
    return gene_places(_table(view))


def _table(view: WindowView) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame({name: view.column(name) for name in ("genome", "chrom", "start", "block")})


def sequence_numbers(table: pd.DataFrame) -> np.ndarray:
    """The sequence of each window, genome and chromosome as one number from 0 in the order of the table: int64 (n,)."""
    return np.asarray((table["genome"].astype(str) + "\t" + table["chrom"].astype(str)).factorize()[0], dtype=np.int64)


def gene_places(table: pd.DataFrame) -> np.ndarray:
    """Number the stretches of a genome in which windows share genes, and cost a language model alike: what intervals of
    these draw whole.

    A stretch has 400 kb, or where that leaves fewer than 30, half of it, a quarter, … down to 10 kb; where that leaves
    fewer than five, it is a place of `places_apart`. These stay whole: an orthologous block lies where the first genome
    of the table has it, so that a gene is in one stretch in all genomes.

    Parameters
    ----------
    table : n windows as for `places_apart`.

    Returns
    -------
    int64 (n,), 0 to the number of stretches - 1.

    Examples
    --------
    >>> import pandas as pd
    >>> near = pd.DataFrame({"genome": list("aab"), "chrom": "1", "start": [0, 150_000, 7], "block": [3, 4, 4]})
    >>> far = pd.DataFrame({"genome": "a", "chrom": "1", "start": 200_000 * np.arange(1, 30), "block": -1})
    >>> near = pd.concat([near, far])
    >>> gene_places(near).tolist()[:5]
    [0, 0, 0, 1, 2]
    """
    places = places_apart(table)
    if "start" not in table:
        return places
    chromosome, start = sequence_numbers(table), table["start"].to_numpy().astype(np.int64)
    order = np.lexsort((start, chromosome))
    first = order[np.unique(places[order], return_index=True)[1]]  # of each place the window that comes first
    length = GENE_STRETCH
    while True:
        stretch = chromosome[first] * (int(start.max(initial=0)) // length + 1) + start[first] // length
        found, number = np.unique(stretch, return_inverse=True)
        length //= 2
        if len(found) >= _ENOUGH_PLACES or length < STRETCH:
            return places if len(found) < FEWEST_PLACES else np.asarray(number[places], dtype=np.int64)
