"""How like each window is, by BLAST, to known sequences and to other windows: numbers that explain a window without a
model."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dnabert.explain.blast import blast
from dnabert.explain.loci import loci
from dnabert.explain.windows import ClusteredWindows

if TYPE_CHECKING:
    import pandas as pd

#: Windows of the corpus that all windows are searched in: what is repeated a hundred times in a genome is met three
#: times.
ANCHORS = 400
#: Sequences of a database that have a column of their own, those that most windows hit; the best hit in others shares
#: one.
_SUBJECTS = 64
#: Columns that the scores against the anchors are reduced to.
_COMPONENTS = 24


def homology_features(
    windows: ClusteredWindows,
    *,
    databases: Sequence[str | Path] = (),
    anchors: int = ANCHORS,
    task: str = "blastn",
    e_value: float = 1e-5,
    threads: int = 1,
    seed: int = 0,
) -> NDArray[np.float64]:
    """Bit scores of each window against known sequences and against a sample of the windows themselves.

    The sample makes it an explanation for genomes without any known element too: families that no database has make
    hits among windows. Hits of windows of one locus (itself, orthologs, overlapping ones; see `loci`) do not count.

    Parameters
    ----------
    windows : n windows.
    databases : FASTA files or prefixes of BLAST databases, as for `blast`; may be empty.
    anchors : windows, one per locus, drawn at random; 0 leaves the corpus itself out.
    task, e_value, threads : of `blast`.
    seed : of the anchors and of the reduction.

    Returns
    -------
    float64 (n, p): of each database whether, and the logarithm of the best bit score with which, each of its 64 most
    often hit sequences is hit, and any other; of the corpus whether any anchor is hit, the logarithms of their number
    and of the best bit score, and the logarithms of the scores against all anchors reduced to at most 24 columns
    (truncated singular values). The logarithms make a copy of 300 bases and one of 100 alike, and whether there is a
    hit is a column of its own, so that a linear regression can take out that a window is of a family at all. p may be
    0, when nothing is hit.

    Raises
    ------
    UserError
        when BLAST+ is not installed or a database cannot be read.
    """
    bases = windows.sequences(np.arange(len(windows)))
    parts = [np.zeros((len(windows), 0))]
    for database in databases:
        hits = blast(bases, database, task=task, e_value=e_value, best_only=True, threads=threads)
        parts.append(_against_database(hits, n=len(windows)))
    locus = loci(windows.places)
    chosen = _one_per_locus(locus, most=anchors, seed=seed)
    if len(chosen) > 1:
        hits = blast(
            bases,
            bases[chosen],
            task=task,
            e_value=e_value,
            most_subjects=max(5, len(chosen)),
            best_only=True,
            threads=threads,
        )
        parts.append(_against_anchors(hits, chosen, locus=locus, seed=seed))
    return np.hstack(parts)


def _one_per_locus(locus: NDArray[np.integer], *, most: int, seed: int) -> NDArray[np.int64]:
    rows = np.random.default_rng((seed, 5)).permutation(len(locus))
    first = np.sort(np.unique(locus[rows], return_index=True)[1])[:most]
    return np.sort(rows[first]).astype(np.int64)


def _against_database(hits: pd.DataFrame, *, n: int) -> NDArray[np.float64]:
    """Logarithms of the best scores against each of the commonest subjects and the rest, then whether there is one:
    float64 (n, 2 s)."""
    common = hits["subject"].value_counts(sort=True).index[:_SUBJECTS]
    number = {name: i for i, name in enumerate(sorted(common))}
    scores = np.zeros((n, len(number) + 1))
    columns = hits["subject"].map(number).fillna(len(number)).to_numpy(dtype=np.int64)
    np.maximum.at(scores, (hits["query"].to_numpy(), columns), np.log1p(hits["bit_score"].to_numpy()))
    scores = scores[:, scores.any(axis=0)]
    return np.hstack([scores, scores > 0])


def _against_anchors(
    hits: pd.DataFrame, chosen: NDArray[np.int64], *, locus: NDArray[np.integer], seed: int
) -> NDArray[np.float64]:
    from scipy.sparse import csr_matrix
    from sklearn.decomposition import TruncatedSVD

    query, anchor = hits["query"].to_numpy(), hits["subject"].to_numpy()
    apart = locus[query] != locus[chosen[anchor]]
    query = query[apart]
    anchor = anchor[apart]
    score = np.log1p(hits["bit_score"].to_numpy()[apart])
    if not len(query):
        return np.zeros((len(locus), 0))
    matrix = csr_matrix((score, (query, anchor)), shape=(len(locus), len(chosen)))
    best = np.asarray(matrix.max(axis=1).todense()).ravel()
    columns = [np.log1p(np.bincount(query, minlength=len(locus))), best, best > 0]
    components = min(_COMPONENTS, len(chosen) - 1, len(locus) - 1)
    reduced = TruncatedSVD(components, random_state=seed).fit_transform(matrix)
    return np.column_stack([*columns, reduced])
