"""How well composition alone tells the windows of a cluster from the rest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dnabert.explain.normal_quantile import Z_95

if TYPE_CHECKING:
    from dnabert.explain.windows import Sequences

#: Members, and windows of the rest, at most: ten frequencies need no more.
_MOST = 1_000
_FOLDS = 5


@dataclass(frozen=True)
class CompositionAuc:
    """Area under the ROC curve with its 95 % interval; 0.5 = composition says nothing, 1 = it says all."""

    auc: float
    low: float
    high: float


def composition_auc(
    sequences: Sequences,
    inside: NDArray[np.integer],
    outside: NDArray[np.integer],
    *,
    locus: NDArray[np.integer],
    seed: int = 0,
) -> CompositionAuc | None:
    """Tell the windows inside a cluster from others by dinucleotide frequencies, strands counted as one.

    A logistic regression (L2, C = 1) on the ten frequencies, their squares and products is trained and scored in 5
    folds; no locus is on both sides, and both classes weigh the same. Dinucleotides are what `shuffle_dinucleotides`
    keeps, and hold GC and CpG. The squares let a cluster of middling GC be told from both its sides.

    Parameters
    ----------
    sequences : gives uint8 ASCII (m, L) for rows int (m,).
    inside, outside : rows, each at a locus of its own, see `one_per_locus`; the first 1,000 of each are used.
    locus : int (n,), of all windows, from `loci`.
    seed : of the folds.

    Returns
    -------
    CompositionAuc, its interval by Hanley and McNeil (1982, doi:10.1148/radiology.143.1.7063747), or None for fewer
    than five windows inside or outside.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import cross_val_predict
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import PolynomialFeatures, StandardScaler

    from dnabert.encoders.kmer_counts import KmerCounts

    inside, outside = inside[:_MOST], outside[:_MOST]
    if min(len(inside), len(outside)) < _FOLDS:
        return None
    rows = np.concatenate([inside, outside])
    member = np.arange(len(rows)) < len(inside)
    frequencies = KmerCounts(2).encode(sequences(rows))
    model = make_pipeline(
        StandardScaler(),
        PolynomialFeatures(2, include_bias=False),
        StandardScaler(),
        LogisticRegression(class_weight="balanced", max_iter=1_000),
    )
    fold = _folds(member, locus[rows], seed=seed)
    folds = [(np.flatnonzero(fold != number), np.flatnonzero(fold == number)) for number in range(_FOLDS)]
    score = cross_val_predict(model, frequencies, member, cv=folds, method="decision_function")
    return _with_interval(float(roc_auc_score(member, score)), len(inside), len(outside))


def _folds(member: NDArray[np.bool_], locus: NDArray[np.integer], *, seed: int) -> NDArray[np.int64]:
    """Fold of each row, int64 (n,): loci are dealt out, those outside alone first and those inside alone last, so that
    folds are alike on either side.

    scikit-learn's StratifiedGroupKFold weighs each group against all folds, which took half of the time of all
    distances.
    """
    _, group = np.unique(locus, return_inverse=True)
    inside, outside = (np.bincount(group, weights=side) for side in (member, ~member))
    dealt = np.lexsort((np.random.default_rng(seed).permutation(len(inside)), inside - outside))
    fold = np.empty(len(inside), dtype=np.int64)
    fold[dealt] = np.arange(len(inside)) % _FOLDS
    return fold[group]


def one_per_locus(
    rows: NDArray[np.integer], locus: NDArray[np.integer], *, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Draw one of the rows of each locus, in random order: int64 (loci,)."""
    shuffled = rng.permutation(rows)
    _, first = np.unique(locus[shuffled], return_index=True)
    return shuffled[np.sort(first)].astype(np.int64)


def _with_interval(auc: float, members: int, rest: int) -> CompositionAuc:
    """Hanley and McNeil's standard error; at 0 and 1, where that is 0, what as many trials without an error leave open
    (Clopper, Pearson)."""
    squares = (members - 1) * (auc / (2 - auc) - auc**2) + (rest - 1) * (2 * auc**2 / (1 + auc) - auc**2)
    error = ((auc * (1 - auc) + squares) / (members * rest)) ** 0.5
    clean = 0.025 ** (1 / min(members, rest))
    return CompositionAuc(auc, min(max(auc - Z_95 * error, 0.0), clean), max(min(auc + Z_95 * error, 1.0), 1 - clean))
