"""A motif grown from a word: sites with one mismatch, columns added while they carry information, a few rounds of
refining.

As in HOMER (Heinz et al. 2010) and STREME (Bailey 2021): the best enriched word is the seed, the score threshold is the
one that separates the cluster from its background best, the sites are masked, and the search begins again. Within a
round each window gives its best site at most, as in MEME's ZOOPS model (Bailey & Elkan 1995), by the winner instead of
by weights.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dnabert.alphabet import UNKNOWN
from dnabert.explain.log_odds import TwoByTwo, score_more
from dnabert.explain.scan import all_sites, best_sites

#: A flank is taken in while its columns carry more than this on the average: half a bit is a base at 73 %.
COLUMN_BITS = 0.5
#: Columns looked at beyond either end in one round.
_FLANK = 10
_ROUNDS = 4
#: Windows with the word that a seed needs.
MINIMUM_WINDOWS = 3
#: Columns in the heart of a motif, from which a round extends it: the length of the seeds.
_CORE = 8


@dataclass(frozen=True)
class Grown:
    """A motif and the score above which a place is a site.

    Attributes
    ----------
    matrix : float64 (l, 4), share of A, C, G, T at each column.
    weights : float64 (l, 4), log2 odds against the background's letters.
    threshold : smallest score of a site, in bits.
    n_sites : windows whose best site made the matrix.
    enrichment : log-likelihood ratio (G, see `score_more`) of windows with a site over the nearer background.
    """

    matrix: NDArray[np.float64]
    weights: NDArray[np.float64]
    threshold: float
    n_sites: int
    enrichment: float


def grow(
    seed: NDArray[np.integer],
    *,
    inside: NDArray[np.uint8],
    backgrounds: tuple[NDArray[np.uint8], ...],
    longest: int = 60,
) -> Grown | None:
    """Grow a word into a motif, the best of four rounds; None when too few windows hold it.

    Parameters
    ----------
    seed : int (k,), the word's letters as codes 0 to 3.
    inside, backgrounds : uint8 (n, L), the cluster's windows and those that it is held against, as codes (4 = unknown).
        The threshold is chosen so that the weaker of the enrichments over the backgrounds is the strongest.
    longest : columns at most.
    """
    longest = min(longest, inside.shape[1])
    letters = np.bincount(np.concatenate([inside, *backgrounds]).ravel(), minlength=5)[:4] + 1.0
    letters = (letters + letters[::-1]) / letters.sum() / 2  # both strands
    weights, threshold = np.eye(4)[seed], len(seed) - 1.0
    core, best = slice(0, len(seed)), None
    for _ in range(_ROUNDS):
        rows, aligned = _aligned(inside, weights, threshold=threshold)
        if len(rows) < MINIMUM_WINDOWS:
            break
        begin, end = _extent(aligned, core=core, longest=longest)
        aligned = aligned[:, begin:end]
        counts = _counts(aligned)
        weights = _weights(counts, letters)
        own = best_sites(inside, weights).score
        own[rows] = np.minimum(own[rows], _without_itself(aligned, counts, letters))
        chosen = _threshold(own, [best_sites(group, weights).score for group in backgrounds])
        if chosen is None:
            break
        matrix = counts / counts.sum(axis=1, keepdims=True)
        threshold, enrichment = chosen
        core = _core(matrix)
        if best is None or enrichment > best.enrichment:
            best = Grown(matrix, weights, threshold, len(rows), enrichment)
    return best


def mask(code: NDArray[np.uint8], weights: NDArray[np.floating], *, threshold: float) -> NDArray[np.uint8]:
    """A copy in which the sites that score `threshold` or more are unknown letters: uint8 (n, L)."""
    masked = code.copy()
    sites = all_sites(code, weights, threshold=threshold)
    columns = sites[:, 1, None] + np.arange(len(weights))
    masked[sites[:, 0, None], columns] = UNKNOWN
    return masked


def information(matrix: NDArray[np.floating], *, n_sites: int | NDArray[np.integer] = 0) -> NDArray[np.float64]:
    """Bits of each column against equal letters, less what a column of n random sites would show (Schneider et al.
    1986).

    Parameters
    ----------
    matrix : float (l, 4), shares.
    n_sites : behind the shares, of all columns or of each (l,); 0 = exact.

    Examples
    --------
    >>> information(np.array([[1, 0, 0, 0], [0.5, 0, 0.5, 0], [0.25] * 4])).tolist()
    [2.0, 1.0, 0.0]
    """
    matrix = np.asarray(matrix, dtype=np.float64)
    entropy = -(matrix * np.log2(np.where(matrix > 0, matrix, 1))).sum(axis=1)
    sites = np.asarray(n_sites)
    excess = np.where(sites > 0, 3 / (2 * np.log(2) * np.maximum(sites, 1)), 0.0)
    return np.maximum(2 - entropy - excess, 0)


def _aligned(
    code: NDArray[np.uint8], weights: NDArray[np.float64], *, threshold: float
) -> tuple[NDArray[np.intp], NDArray[np.uint8]]:
    """Windows with a site, and their best sites with flanks on the motif's strand: uint8 (s, l + 2 * flank), 4 beyond
    an end."""
    sites = best_sites(code, weights)
    rows = np.flatnonzero(sites.score >= np.float32(threshold))
    padded = np.pad(code, ((0, 0), (_FLANK, _FLANK)), constant_values=UNKNOWN)
    columns = sites.start[rows, None] + np.arange(len(weights) + 2 * _FLANK)
    found = padded[rows[:, None], columns]
    other = np.array([3, 2, 1, 0, UNKNOWN], dtype=np.uint8)[found[:, ::-1]]
    return rows, np.where(sites.reverse[rows, None], other, found)


def _counts(aligned: NDArray[np.uint8]) -> NDArray[np.float64]:
    return np.stack([(aligned == base).sum(axis=0) for base in range(4)], axis=1).astype(np.float64)


def _weights(counts: NDArray[np.float64], letters: NDArray[np.float64]) -> NDArray[np.float64]:
    """Log2 odds, with as many pseudo-sites as the root of the number of sites (Lawrence et al. 1993)."""
    n = counts.sum(axis=1, keepdims=True)
    extra = np.sqrt(np.maximum(n, 1))
    weights: NDArray[np.float64] = np.log2((counts + extra * letters) / (n + extra) / letters)
    return weights


def _without_itself(
    aligned: NDArray[np.uint8], counts: NDArray[np.float64], letters: NDArray[np.float64]
) -> NDArray[np.float64]:
    """What each site would score if it had not made the motif: of few sites, each fits the columns that it made too
    well."""
    n = counts.sum(axis=1)
    extra = np.sqrt(np.maximum(n, 1))
    left = np.maximum(counts - 1, 0) + extra[:, None] * letters
    scores = np.log2(left / np.maximum(n - 1 + extra, 1)[:, None] / letters)
    scores = np.concatenate([scores, np.zeros((len(scores), 1))], axis=1)  # an unknown letter made no column
    total: NDArray[np.float64] = scores[np.arange(len(scores)), aligned].sum(axis=1)
    return total


def _extent(aligned: NDArray[np.uint8], *, core: slice, longest: int) -> tuple[int, int]:
    """The columns to keep: from the core to either side as far as the sum of bits beyond `COLUMN_BITS` grows."""
    counts = _counts(aligned)
    n = counts.sum(axis=1)
    bits = information(counts / np.maximum(n, 1)[:, None], n_sites=len(aligned))
    bits[n < len(aligned) / 2] = 0  # mostly beyond the windows' ends
    gain = bits - COLUMN_BITS
    left, right = _FLANK + core.start, _FLANK + core.stop
    begin = left - _best_length(gain[:left][::-1])
    end = right + _best_length(gain[right:])
    while end - begin > longest:
        begin, end = (begin + 1, end) if bits[begin] < bits[end - 1] else (begin, end - 1)
    return begin, end


def _best_length(gain: NDArray[np.float64]) -> int:
    """Length of the beginning whose sum is largest, 0 when none is above 0."""
    sums = np.concatenate([[0.0], np.cumsum(gain)])
    return int(sums.argmax())


def _core(matrix: NDArray[np.float64]) -> slice:
    """The neighbouring columns with the most information."""
    width = min(_CORE, len(matrix))
    sums = np.convolve(information(matrix), np.ones(width), mode="valid")
    best = int(sums.argmax())
    return slice(best, best + width)


def _threshold(inside: NDArray[np.floating], backgrounds: list[NDArray[np.floating]]) -> tuple[float, float] | None:
    """The score that separates best and the weaker of the enrichments there; None when none goes in the right
    direction."""
    own = np.sort(inside[inside > 0])[::-1]
    if len(own) < MINIMUM_WINDOWS:
        return None
    found = np.arange(1, len(own) + 1)
    weakest = np.full(len(own), np.inf)
    for background in backgrounds:
        above = len(background) - np.searchsorted(np.sort(background), own, side="left")
        weakest = np.minimum(weakest, score_more(TwoByTwo(found, len(inside), above, len(background))))
    weakest[: MINIMUM_WINDOWS - 1] = -np.inf
    best = int(weakest.argmax())
    return (float(own[best]), float(weakest[best])) if weakest[best] > 0 else None
