"""All scores of one rung of the ladder: one encoder's vectors and clusters against what is known of the windows."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from dnabert.clusters.agreement import agreement
from dnabert.clusters.bootstrap import Score, bootstrap_mean
from dnabert.clusters.halves import OfHalves, agreement_again, clustered_halves, kmeans_again
from dnabert.clusters.scores import majority, neighbor_vote, silhouette
from dnabert.corpus.frames import codon_frames_read
from dnabert.corpus.places import gene_places, places_apart, sequence_numbers
from dnabert.encoders.nearest import Places, nearest_other

if TYPE_CHECKING:
    import pandas as pd

    from dnabert.clusters.config import ClusterConfig

#: What clusters are held against; ``phase`` (start mod k), ``strand`` and ``codon_frame`` (of the coding windows)
#: should agree with nothing.
COLUMNS = ("repeat_class", "region", "gene_type", "genome", "strand", "phase", "codon_frame")
#: What neighbours answer for.
_VOTED = ("repeat_class", "region")
#: What clusters had better agree with.
_JUDGED = ("repeat_class", "region", "gene_type")
#: What holds for whole genes.
_OF_GENES = ("region", "gene_type")
_NEIGHBORS = 10
_VOTE = f"knn{_NEIGHBORS}_"


def score_rung(
    vectors: np.ndarray,
    table: pd.DataFrame,
    *,
    points: np.ndarray,
    hits: dict[str, np.ndarray] | None = None,
    again: dict[str, OfHalves] | None = None,
    k: int = 7,
    resamples: int = 200,
    seed: int = 0,
) -> dict[str, Score]:
    """Score one encoder on n windows. Intervals resample whole places, see `drawn_together`; those of AMI with what is
    known (`agreements`) come from clustering again.

    Parameters
    ----------
    vectors : float (n, d), the encoder's own, in which neighbours vote.
    table : n windows with ``label`` (clusters, -1 = noise) and the corpus's columns; scores of absent ones are left
        out.
    points : float (n, c), the reduced space in which the clusters were made, for the silhouette.
    hits : from `neighbor_hits`, where it is known already.
    again : from `agreements`; without it, intervals of agreement are of these clusters, as if any windows made the
        same.
    k : word length, for start mod k.
    resamples, seed : of all bootstrap intervals and of the silhouette's sample.

    Returns
    -------
    Metric to score: ``clusters``, ``noise_share``, ``silhouette``; ``ami_`` and ``ari_`` of each of `COLUMNS`,
    ``ami_clustered_`` of repeat class, region and gene type among the windows that are in a cluster (where there are
    two clusters), and ``kmeans_ami_repeat_class`` of the table's ``kmeans`` labels; ``knn10_`` and ``majority_`` of
    repeat class and region. Columns with one class are left out, as is NaN.
    """
    labels = table["label"].to_numpy()
    n = len(labels)
    count = float(labels.max(initial=-1) + 1)
    together = drawn_together(table)
    groups = together["genome"]
    scores = {
        "clusters": Score(count, count, count, n),
        "noise_share": bootstrap_mean(labels < 0, groups=groups, resamples=resamples, seed=seed),
        "silhouette": silhouette(points, labels, groups=groups, resamples=resamples, seed=seed),
    }
    columns, known = _columns(table, k=k), voted(table)
    scores |= _agreed(table, columns, together=together, resamples=resamples, seed=seed)
    scores |= {name: found.score(scores[name].n) for name, found in (again or {}).items() if name in scores}
    hits = neighbor_hits(vectors, table) if hits is None else hits
    for name, asked in known.items():
        groups = together[name]
        scores[f"{_VOTE}{name}"] = bootstrap_mean(
            hits[f"{_VOTE}{name}"], groups=groups[asked], resamples=resamples, seed=seed
        )
        scores[f"majority_{name}"] = majority(
            columns[name][asked], groups=groups[asked], resamples=resamples, seed=seed
        )
    return {name: score for name, score in scores.items() if not math.isnan(score.value)}


def _agreed(
    table: pd.DataFrame, columns: dict[str, np.ndarray], *, together: dict[str, np.ndarray], resamples: int, seed: int
) -> dict[str, Score]:
    """The part of `score_rung` that holds clusters against columns."""

    def found(labels: np.ndarray, name: str, asked: np.ndarray) -> dict[str, Score]:
        return agreement(
            labels[asked], columns[name][asked], groups=together[name][asked], resamples=resamples, seed=seed
        )

    labels, scores = table["label"].to_numpy(), dict[str, Score]()
    for name, column in columns.items():
        asked = _asked(name, column)
        scores |= {f"{measure}_{name}": score for measure, score in found(labels, name, asked).items()}
        # with noise as a class, who leaves only repeats (or none) unclustered agrees by that alone
        asked = asked & (labels >= 0)
        if name in _JUDGED and min(len(np.unique(of[asked])) for of in (labels, column)) > 1:
            scores[f"ami_clustered_{name}"] = found(labels, name, asked)["ami"]
    if "kmeans" in table and "repeat_class" in columns:
        # k-means asks for no density and has no noise: a check on what HDBSCAN's settings do to each encoder
        asked = _asked("repeat_class", columns["repeat_class"])
        scores["kmeans_ami_repeat_class"] = found(table["kmeans"].to_numpy(), "repeat_class", asked)["ami"]
    return scores


def neighbor_hits(vectors: np.ndarray, table: pd.DataFrame, *, as_they_are: bool = False) -> dict[str, np.ndarray]:
    """Whether ten neighbours from elsewhere name each window's own class: ``knn10_COLUMN`` to bool (m,), of the windows
    whose class is known.

    Windows of a genome without annotation neither vote nor are asked: that all of them are *unknown* would say which
    genome they are of.

    Parameters
    ----------
    vectors : float (n, d).
    table : n windows; columns that are absent or have one class are left out.
    as_they_are : as of `nearest_other`.
    """
    places, nearest = places_of(table), {}
    found = {}
    for name, known in voted(table).items():
        key = known.tobytes()
        if key not in nearest:
            nearest[key] = nearest_other(
                np.asarray(vectors)[known], places.of(known), k=_NEIGHBORS, as_they_are=as_they_are
            )
        found[f"{_VOTE}{name}"] = neighbor_vote(nearest[key], table[name].to_numpy()[known])
    return found


def hit_places(table: pd.DataFrame) -> dict[str, np.ndarray]:
    """The place of each window that `neighbor_hits` asks, by its metrics: int (m,), what intervals draw whole."""
    together = drawn_together(table)
    return {f"{_VOTE}{name}": together[name][known] for name, known in voted(table).items()}


def drawn_together(table: pd.DataFrame) -> dict[str, np.ndarray]:
    """What an interval draws whole for each of `COLUMNS`, int (n,): stretches of genes where genes are asked for, else
    the places of windows.

    Orthologous windows are copies of each other, overlapping ones in part (`places_apart`); windows of one gene lie in
    many of these (`gene_places`), and whether they are told right hangs together: a share's standard error is 2.4 times
    as large on chromosome 22.
    """
    places, genes = places_apart(table), gene_places(table)
    return {name: genes if name in _OF_GENES else places for name in COLUMNS}


def voted(table: pd.DataFrame) -> dict[str, np.ndarray]:
    """The columns that neighbours answer for, and the windows whose class is known, bool (n,)."""
    return _known(table, _VOTED)


def agreements(
    vectors: np.ndarray, table: pd.DataFrame, *, config: ClusterConfig, seed: int = 0
) -> dict[str, OfHalves]:
    """AMI of the clusters with what is known, and what it is when halves of the windows are clustered again.

    Parameters
    ----------
    vectors : float (n, d), from which the table's ``label`` and ``kmeans`` were made as `config` says.
    table : n windows as for `score_rung`.
    config : of the clustering.
    seed : of the halves: two encoders of the same windows have the same.

    Returns
    -------
    ``ami_`` and ``ami_clustered_`` of repeat class, region and gene type, and ``kmeans_ami_repeat_class``; nothing of
    columns with one class, and where the windows lie in fewer than five places.
    """
    halves = clustered_halves(vectors, table, config=config, seed=seed)
    known, found = _known(table, _JUDGED) if halves else {}, {}
    for name, asked in known.items():
        labels, column = table["label"].to_numpy(), table[name].to_numpy()
        found[f"ami_{name}"] = agreement_again(labels, halves, column, asked=asked)
        found[f"ami_clustered_{name}"] = agreement_again(labels, halves, column, asked=asked, clustered=True)
    if "kmeans" in table and "repeat_class" in known:
        labels = table["kmeans"].to_numpy()
        column = table["repeat_class"].to_numpy()
        again = kmeans_again(vectors, halves, config=config)
        found["kmeans_ami_repeat_class"] = agreement_again(labels, again, column, asked=known["repeat_class"])
    return found


def places_of(table: pd.DataFrame) -> Places:
    """Where the windows of a table lie; without coordinates every window lies apart."""
    n = len(table)
    apart = np.arange(n)
    if "start" not in table:
        return Places(np.full(n, -1), apart, np.zeros(n, int), np.ones(n, int))
    block = table["block"].to_numpy() if "block" in table else np.full(n, -1)
    return Places(block, sequence_numbers(table), table["start"].to_numpy(), table["end"].to_numpy())


def _columns(table: pd.DataFrame, *, k: int) -> dict[str, np.ndarray]:
    found: dict[str, Any] = {name: table[name].to_numpy() for name in COLUMNS if name in table}
    if "start" in table:
        found["phase"] = table["start"].to_numpy() % k
    frames = codon_frames_read(table)
    if frames is not None:
        found["codon_frame"] = frames
    return {
        name: found[name]
        for name in COLUMNS
        if name in found and len(set(found[name][_asked(name, found[name])].tolist())) > 1
    }


def _known(table: pd.DataFrame, names: tuple[str, ...]) -> dict[str, np.ndarray]:
    """Windows whose class is known, bool (n,), of those columns that have two classes or more."""
    known = {name: _asked(name, table[name].to_numpy()) for name in names if name in table}
    return {name: rows for name, rows in known.items() if table[name][rows].nunique() > 1}


def _asked(name: str, column: np.ndarray) -> np.ndarray:
    """Windows that a column concerns, bool (n,): what is not known of a window is no class, and those without a codon
    frame are not in one more."""
    return (
        np.asarray((column != "") & (column != "unknown")) if name == "codon_frame" else np.asarray(column != "unknown")
    )
