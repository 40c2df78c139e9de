"""What is left of a vector space when cheap explanations are taken out of it.

An explanation is a set of numbers per window: its composition, its repeats, its place in a gene, its likeness to known
sequences. What a ridge regression predicts from them is subtracted from the vectors, and the rest is asked again: who
is next to whom, and are there clusters? Predictions are made for windows that the regression has not seen (five parts,
cut by place: orthologous block, else 10 kb), so that nothing is taken out that merely fits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dnabert.clusters.bootstrap import bootstrap_mean
from dnabert.clusters.halves import agreement_again, clustered_halves
from dnabert.clusters.ladder import hit_places, neighbor_hits, voted
from dnabert.clusters.scores import hits_as_text
from dnabert.corpus.places import FEWEST_PLACES, places_apart
from dnabert.encoders.nearest import standardised
from dnabert.explain.windows import ClusteredWindows, Sequences

if TYPE_CHECKING:
    import pandas as pd

    from dnabert.clusters import ClusterConfig
    from dnabert.clusters.repeats import Run
    from dnabert.explain.relatives import Relatives

_PARTS = 5
#: Ridge penalty per window, for covariates of unit spread: small beside 1, so that hardly anything explicable is left.
#: One chosen by cross-validation predicts better where windows are few, and leaves a part of what it should take out.
_PENALTY = 1e-3
_ROWS = 8_192
#: What neighbours answer for, and the explanation that holds the answer itself: without it, little can be left.
OWN = {"repeat_class": "repeats", "region": "gene position", "relatives": "homology", "rare_relatives": "homology"}


def cheap_explanations(
    table: pd.DataFrame, sequences: Sequences, *, homology: NDArray[np.floating] | None = None
) -> dict[str, NDArray[np.float64]]:
    """Numbers that explain windows without a model: name to float64 (n, p), each column of mean 0 and spread 1.

    ``composition``: GC to the third power, CpG observed over expected, low-complexity share, 4-mer frequencies (strands
    collapsed). ``repeats``: share of repeat, of soft-masked bases, and the repeat class. ``gene position``: share of
    CDS, UTR, exon, intron, and the gene's type. ``homology``: `homology`, as given. What the table does not have is
    left out. ``all but repeats``, ``all but gene position`` and ``all but homology`` join the others, for asking what
    is still known of repeats, of genes and of relatives when all that does not hold the answer is gone; ``all`` joins
    them all.

    Parameters
    ----------
    table : n windows.
    sequences : gives uint8 ASCII (m, L) for rows of the table.
    homology : float (n, p), from `homology_features`; left out by default.
    """
    found = {"composition": _composition(table, sequences)}
    repeats = [_numbers(table, ("repeat", "soft_masked")), _dummies(table, "repeat_class")]
    genes = [_numbers(table, ("cds", "utr", "exon", "intron")), _dummies(table, "gene_type")]
    found["repeats"] = np.hstack(repeats)
    found["gene position"] = np.hstack(genes)
    if homology is not None:
        found["homology"] = np.asarray(homology, dtype=np.float64).reshape(len(table), -1)
    found = {name: _unit_spread(values) for name, values in found.items()}
    found = {name: values for name, values in found.items() if values.shape[1]}
    if len(found) < 2:
        return found
    joined = {}
    for own in dict.fromkeys(OWN.values()):
        others = [values for name, values in found.items() if name != own]
        if own in found and len(others) > 1:
            joined[f"all but {own}"] = np.hstack(others)
    return found | joined | {"all": np.hstack(list(found.values()))}


def take_out(
    vectors: NDArray[np.floating], covariates: NDArray[np.floating], *, groups: NDArray[np.integer], seed: int = 0
) -> tuple[NDArray[np.float32], float]:
    """Subtract from standardised vectors what covariates predict of them.

    Parameters
    ----------
    vectors : float (n, d), z-scored and divided by their length first, as for all neighbours here.
    covariates : float (n, p).
    groups : int (n,); windows of a group are predicted from other groups alone.
    seed : of the division of the groups into five parts.

    Returns
    -------
    rest : float32 (n, d).
    explained : share of the vectors' variance that was predicted; below 0 when the prediction is worse than the mean.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> cause = rng.normal(size=(500, 1))
    >>> vectors = np.hstack([cause, rng.normal(size=(500, 1))])
    >>> rest, explained = take_out(vectors, cause, groups=np.arange(500))
    >>> round(explained, 1)
    0.4
    """
    wanted = standardised(vectors).astype(np.float64)
    part = _parts(groups, seed=seed)
    rest = np.empty(wanted.shape, dtype=np.float32)
    spread = 0.0
    for number in range(_PARTS):
        own = part == number
        known, asked = covariates[~own], wanted[~own]
        mean_x, mean_y = known.mean(0), asked.mean(0)
        centred = known - mean_x
        gram = centred.T @ centred + _PENALTY * len(centred) * np.eye(centred.shape[1])
        weights = np.linalg.solve(gram, centred.T @ (asked - mean_y))
        rest[own] = wanted[own] - mean_y - (covariates[own] - mean_x) @ weights
        spread += float(((wanted[own] - mean_y) ** 2).sum())
    return rest, 1.0 - float((rest.astype(np.float64) ** 2).sum()) / spread


def explained_away(
    vectors: NDArray[np.floating],
    windows: ClusteredWindows,
    explanations: Mapping[str, NDArray[np.floating]],
    *,
    kin: Relatives | None = None,
    config: ClusterConfig | None = None,
    resamples: int = 200,
    seed: int = 0,
) -> list[dict[str, Any]]:
    """What survives in a space when each explanation is taken out of it, and when all are.

    Parameters
    ----------
    vectors : float (n, d), one encoder's.
    windows : the n windows.
    explanations : name to float (n, p), from `cheap_explanations`.
    kin : from `relatives`, to ask for them too.
    config : how the rest is clustered.
    resamples, seed : of the bootstrap, of the parts and of the clustering.

    Returns
    -------
    list of dict, empty where the windows lie in too few places to predict one from others: ``without`` (nothing, then
    each explanation), ``explained`` (share of variance taken out), ``clusters`` of the rest by HDBSCAN,
    ``clusters_of_halves`` (low, high and n: how many there are in random halves of the places), ``stable_clusters``
    (how many come back in these, as `cluster_stability` counts), and with intervals (value, low, high, n):
    ``clustered_share``, per column ``ami_…``, the adjusted mutual information of these clusters with it, and
    ``knn10_…``, how often ten neighbours in the rest name the window's own class, and `Relatives.hits` where `kin` is
    given. For paired differences of encoders ``hits``, the latter as text of 0 and 1 per window, and ``draws``, the
    ``ami_…`` of halves that are clustered again.
    """
    from dnabert.clusters import ClusterConfig
    from dnabert.clusters.repeats import cluster_once

    config = config or ClusterConfig()
    groups = places_apart(windows.table)
    if groups.max(initial=-1) + 1 < FEWEST_PLACES:
        return []
    voting = hit_places(windows.table)
    rows = []
    for name in ("nothing", *explanations):
        rest, explained = (
            (vectors, 0.0) if name == "nothing" else take_out(vectors, explanations[name], groups=groups, seed=seed)
        )
        again = cluster_once(rest, config)
        labels = again.labels
        clustered = bootstrap_mean(labels >= 0, groups=groups, resamples=resamples, seed=seed)
        row: dict[str, Any] = {"without": name, "explained": explained, "clusters": int(labels.max(initial=-1)) + 1}
        halves = clustered_halves(rest, windows.table, config=config, seed=seed, pool=again.neighbors)
        row |= _in_halves(labels, halves)
        row |= {"clustered_share": clustered.as_dict(), "hits": {}}
        row |= _agreements(labels, windows.table, halves)
        for measure, right in neighbor_hits(rest, windows.table).items():
            row[measure] = bootstrap_mean(right, groups=voting[measure], resamples=resamples, seed=seed).as_dict()
            row["hits"][measure] = hits_as_text(right)
        if kin is not None:
            for measure, right in kin.hits(rest).items():
                related = kin.groups_of(measure)
                row[measure] = bootstrap_mean(right, groups=related, resamples=resamples, seed=seed).as_dict()
                row["hits"][measure] = hits_as_text(right)
        rows.append(row)
    return rows


def _in_halves(labels: NDArray[np.integer], halves: Sequence[Run]) -> dict[str, Any]:
    """The number of clusters in halves of the places, and of all windows' clusters that come back there."""
    from dnabert.clusters.config import StabilityConfig
    from dnabert.clusters.recurrence import cluster_stability

    found = [int(half.labels.max(initial=-1)) + 1 for half in halves]
    stable = [
        row["verdict"] == "stable"
        for row in cluster_stability(labels, halves, config=StabilityConfig(subsamples=len(halves), fraction=0.5))
    ]
    return {
        "clusters_of_halves": {"low": min(found), "high": max(found), "n": len(found)},
        "stable_clusters": sum(stable),
    }


def _agreements(labels: NDArray[np.integer], table: pd.DataFrame, halves: Sequence[Run]) -> dict[str, Any]:
    """Adjusted mutual information of labels with each column, and what it is when halves are clustered again."""
    found: dict[str, Any] = {"draws": {}}
    for name, known in voted(table).items():
        again = agreement_again(labels, halves, table[name].to_numpy(), asked=known)
        found[f"ami_{name}"] = again.score(int(known.sum())).as_dict()
        found["draws"][f"ami_{name}"] = again.halves.round(6).tolist()
    return found


def _composition(table: pd.DataFrame, sequences: Sequences) -> NDArray[np.float64]:
    from dnabert.encoders import load_encoder
    from dnabert.explain.low_complexity import low_complexity

    counts, columns = load_encoder("kmer:4"), []
    for begin in range(0, len(table), _ROWS):
        bases = sequences(np.arange(begin, min(begin + _ROWS, len(table))))
        columns.append(np.column_stack([_gc_and_cpg(bases), low_complexity(bases), counts.encode(bases)]))
    return np.vstack(columns)


def _gc_and_cpg(bases: NDArray[np.uint8]) -> NDArray[np.float64]:
    """GC, its square and cube, and CpG observed over expected (Gardiner-Garden and Frommer 1987): float64 (n, 4).

    What is expected is at least 0.001 per base: a window with next to no C or G would be an outlier in a regression.
    """
    upper = bases & 0xDF
    is_c, is_g = upper == ord("C"), upper == ord("G")
    known = np.maximum((is_c | is_g | (upper == ord("A")) | (upper == ord("T"))).sum(1), 1)
    c, g = is_c.sum(1) / known, is_g.sum(1) / known
    cpg = (is_c[:, :-1] & is_g[:, 1:]).sum(1) / known
    gc = c + g
    return np.column_stack([gc, gc**2, gc**3, cpg / np.maximum(c * g, 1e-3)])


def _numbers(table: pd.DataFrame, names: tuple[str, ...]) -> NDArray[np.float64]:
    known = [name for name in names if name in table and table[name].notna().all()]
    return table[known].to_numpy(dtype=np.float64)


def _dummies(table: pd.DataFrame, name: str) -> NDArray[np.float64]:
    if name not in table:
        return np.zeros((len(table), 0))
    values = table[name].astype(str).to_numpy()
    return np.stack([values == value for value in np.unique(values)], axis=1).astype(np.float64)


def _unit_spread(values: NDArray[np.float64]) -> NDArray[np.float64]:
    spread = values.std(0)
    kept = spread > 1e-9
    return (values[:, kept] - values[:, kept].mean(0)) / spread[kept]


def _parts(groups: NDArray[np.integer], *, seed: int) -> NDArray[np.integer]:
    found, number = np.unique(groups, return_inverse=True)
    return np.random.default_rng(seed).permutation(np.arange(len(found)) % _PARTS)[number]
