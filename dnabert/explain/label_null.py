"""Labels against features moved along the genome: how much two things agree that only lie near each other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import numpy as np

from dnabert.clusters.agreement import entropy
from dnabert.corpus.places import places_apart
from dnabert.explain.circle import circle_of

if TYPE_CHECKING:
    import pandas as pd

#: A shift moves by at least this share of a chromosome, so that no window meets its near neighbours' feature.
_LEAST = 0.02
#: Windows of a chromosome that can be turned by itself: of fewer, that share is less than one.
_FEWEST = 50


def shuffled_rows(
    table: pd.DataFrame, *, within_places: bool, draws: int = 1, rng: np.random.Generator
) -> Iterator[np.ndarray]:
    """Yield, for each draw of the null, the row of the window whose feature each window takes: int (n,).

    All chromosomes are turned by the same share of their windows: what is alike in neighbours stays alike. Genomes that
    share orthologous blocks are turned together, slot by slot (`circle_of`), since four near-copies of a genome turned
    one by one would be four genomes, which agree less by chance; where a genome has no window on a slot it takes the
    next one's. Chromosomes of fewer than 50 windows, such as contigs, are turned as one, laid end to end. Without
    coordinates windows are permuted.

    Parameters
    ----------
    table : n windows.
    within_places : change windows within each place instead (see `dnabert.corpus.places.places_apart`), for a feature
        such as the genome in which chromosomes do not vary; where no place has two genomes, whole places change
        genomes.
    draws : how many.
    rng : their source.

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame({"genome": "a", "chrom": "1", "start": [0, 448, 896]})
    >>> rows = next(shuffled_rows(table, within_places=False, rng=np.random.default_rng(0)))
    >>> np.unique((rows - np.arange(3)) % 3).size
    1
    """
    if within_places:
        yield from _within(table, draws=draws, rng=rng)
    elif "start" in table:
        yield from _turned(table, draws=draws, rng=rng)
    else:
        yield from (rng.permutation(len(table)) for _ in range(draws))


def _turned(table: pd.DataFrame, *, draws: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
    genome = table["genome"].astype(str).factorize()[0].astype(np.int64)
    slot = circle_of(table).slot
    leader = np.lexsort((genome, slot))  # of the windows on a slot the one of the first genome
    slots, first = np.unique(slot[leader], return_index=True)
    begin, length, place = _laid_out(slots, _sequences(table)[leader[first]])
    at = place[np.searchsorted(slots, slot)]
    order = np.lexsort((at, genome))
    placed = (genome * len(slots) + at)[order]
    windows = np.bincount(genome)
    last = np.cumsum(windows)
    for _ in range(draws):
        drawn = np.round(rng.uniform(_LEAST, 1 - _LEAST) * length)
        shift = np.clip(drawn, np.minimum(1, length - 1), length - 1).astype(np.int64)
        target = begin + (np.arange(len(slots)) - begin + shift) % length
        found = np.searchsorted(placed, genome * len(slots) + target[at])
        yield order[np.where(found < last[genome], found, (last - windows)[genome])]


def _sequences(table: pd.DataFrame) -> np.ndarray:
    """Number of each window's chromosome, int (n,); the short ones of a genome are one."""
    genome, name = (table[column].astype(str) for column in ("genome", "chrom"))
    chrom = (genome + "\t" + name).factorize()[0]
    return np.asarray((genome + "\t" + name.mask(np.bincount(chrom)[chrom] < _FEWEST, "")).factorize(sort=True)[0])


def _laid_out(slots: np.ndarray, sequence: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Slots one sequence after the other: where each one's sequence begins and how long it is, in that order, and the
    place of each slot."""
    order = np.lexsort((slots, sequence))
    place = np.empty(len(slots), dtype=np.int64)
    place[order] = np.arange(len(slots))
    length = np.bincount(sequence)
    return (np.cumsum(length) - length)[sequence[order]], length[sequence[order]], place


def informations(labels: np.ndarray, codes: np.ndarray, shuffles: Iterable[np.ndarray]) -> tuple[float, np.ndarray]:
    """Adjusted mutual information (Vinh et al. 2010) of labels and classes, and of labels and shuffled classes.

    Parameters
    ----------
    labels : int (n,), -1 = unclustered, one more class.
    codes : int (n,), classes.
    shuffles : rows int (n,) whose class each window takes.

    Returns
    -------
    The value observed, and float (number of shuffles,) those of the null.
    """
    from scipy.sparse import csr_matrix
    from sklearn.metrics.cluster import expected_mutual_information

    rows, codes = (np.unique(values, return_inverse=True)[1] for values in (labels, codes))
    shape = (int(rows.max()) + 1, int(codes.max()) + 1)

    def table(classes: np.ndarray) -> np.ndarray:
        return np.bincount(rows * shape[1] + classes, minlength=shape[0] * shape[1]).reshape(shape)

    observed = table(codes)
    chance = float(expected_mutual_information(csr_matrix(observed), len(labels)))

    def adjusted(counts: np.ndarray) -> float:
        # those of classes that were moved may be a little different
        margins = entropy(counts.sum(axis=1)) + entropy(counts.sum(axis=0))
        return (margins - entropy(counts.ravel()) - chance) / max(margins / 2 - chance, np.finfo(float).eps)

    return adjusted(observed), np.array([adjusted(table(codes[moved])) for moved in shuffles])


def _within(table: pd.DataFrame, *, draws: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
    places = places_apart(table)
    genomes = table["genome"].astype(str).factorize()[0].astype(np.int64)
    pairs = np.unique(places * (int(genomes.max()) + 1) + genomes)
    first = np.unique(places, return_index=True)[1]
    order = np.argsort(places, kind="stable")
    for _ in range(draws):
        if len(pairs) == len(first):  # each place in one genome
            yield np.asarray(first[rng.permutation(len(first))][places], dtype=np.int64)
            continue
        rows = np.empty(len(table), dtype=np.int64)
        rows[order] = np.lexsort((rng.random(len(places)), places))
        yield rows
