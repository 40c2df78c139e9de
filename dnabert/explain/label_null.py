"""Labels against features moved along the genome: how much two things agree that only lie near each other."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from dnabert.clusters.subsample import places_apart

if TYPE_CHECKING:
    import pandas as pd

#: A shift moves by at least this share of a chromosome, so that no window meets its near neighbours' feature.
_LEAST = 0.02
#: Windows of a chromosome that can be turned by itself: of fewer, that share is less than one.
_FEWEST = 50


def shuffled_rows(table: pd.DataFrame, *, within_places: bool, rng: np.random.Generator) -> np.ndarray:
    """Give, for each window, the row of the window whose feature it takes in one draw of the null: int (n,).

    All chromosomes are turned by the same share of their windows: what is alike in neighbours, and in orthologous windows
    of genomes in the same order, stays alike. Chromosomes of fewer than 50 windows, such as contigs, are turned as one, laid end to
    end. Without coordinates windows are permuted.

    Parameters
    ----------
    table : n windows.
    within_places : change windows within each place instead (see `dnabert.clusters.subsample.places_apart`), for a feature
        such as the genome in which chromosomes do not vary; where no place has two genomes, whole places change genomes.
    rng : source of the draw.

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame({"genome": "a", "chrom": "1", "start": [0, 448, 896]})
    >>> rows = shuffled_rows(table, within_places=False, rng=np.random.default_rng(0))
    >>> np.unique((rows - np.arange(3)) % 3).size
    1
    """
    n = len(table)
    if within_places:
        return _within(table, rng=rng)
    if "start" not in table:
        return rng.permutation(n)
    genome, name = (table[column].astype(str) for column in ("genome", "chrom"))
    chrom = (genome + "\t" + name).factorize(sort=True)[0]
    short = np.bincount(chrom)[chrom] < _FEWEST
    sequence = (genome + "\t" + name.mask(short, "")).factorize(sort=True)[0]
    order = np.lexsort((table["start"].to_numpy(), chrom, sequence))
    length = np.bincount(sequence)
    begin = (np.cumsum(length) - length)[sequence[order]]
    own = length[sequence[order]]
    shift = np.clip(np.round(rng.uniform(_LEAST, 1 - _LEAST) * own), np.minimum(1, own - 1), own - 1).astype(np.int64)
    rows = np.empty(n, dtype=np.int64)
    rows[order] = order[begin + (np.arange(n) - begin + shift) % own]
    return rows


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
    margins = _entropy(observed.sum(axis=1)), _entropy(observed.sum(axis=0))
    chance = float(expected_mutual_information(csr_matrix(observed), len(labels)))
    room = max(sum(margins) / 2 - chance, np.finfo(float).eps)

    def adjusted(counts: np.ndarray) -> float:
        return (sum(margins) - _entropy(counts.ravel()) - chance) / room

    return adjusted(observed), np.array([adjusted(table(codes[moved])) for moved in shuffles])


def _within(table: pd.DataFrame, *, rng: np.random.Generator) -> np.ndarray:
    places = places_apart(table)
    genomes = table["genome"].astype(str).factorize()[0].astype(np.int64)
    pairs = np.unique(places * (int(genomes.max()) + 1) + genomes)
    rows = np.empty(len(table), dtype=np.int64)
    first = np.unique(places, return_index=True)[1]
    if len(pairs) == len(first):  # each place in one genome
        return np.asarray(first[rng.permutation(len(first))][places], dtype=np.int64)
    rows[np.argsort(places, kind="stable")] = np.lexsort((rng.random(len(places)), places))
    return rows


def _entropy(counts: np.ndarray) -> float:
    share = counts[counts > 0] / counts.sum()
    return float(-(share * np.log(share)).sum())
