"""The clusters of shuffled windows, which only composition can make, beside the clusters of the windows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from dnabert.clusters.clustering import Clusters
from dnabert.clusters.matching import jaccard, overlap
from dnabert.encoders import encoder_record
from dnabert.encoders.encoder import kinds_of
from dnabert.errors import UserError
from dnabert.manifest import read_manifest
from dnabert.shares import percent

#: Jaccard index, corrected for chance, from which a cluster counts as found among the shuffled windows too:
#: Hennig's (2007) limit below which a cluster is dissolved.
FOUND = 0.5


def null_report(real: Clusters, null: Clusters) -> dict[str, Any]:
    """Compare a clustering with that of the same encoder's vectors of dinucleotide-shuffled windows.

    A shuffled window has no words, motifs or repeats left, only its composition; what clusters there is composition.

    Parameters
    ----------
    real, null : clusters made with the same settings, the seed aside.

    Returns
    -------
    dict with ``real`` and ``null`` (n, clusters, clustered_share, largest_share), ``ami`` (adjusted mutual information
    of both labellings, over the windows that both have), ``clusters`` (one dict per real cluster: label, n, ``jaccard``
    with its best counterpart in the null, corrected for chance, ``in_null``), ``composition_share`` (of the clustered
    windows that are in clusters which the null has too), ``passed`` (there are clusters, and the null has none) and
    ``verdict``, a sentence. ``ami``, ``clusters`` and ``composition_share`` are None where the null is of other
    windows.

    Raises
    ------
    UserError
        naming the setting in which the two clusterings differ, or when the second was not made of shuffled windows, of
        vectors of another encoder or of another input.
    """
    _check(real, null)
    labels = {name: found.table["label"].to_numpy() for name, found in (("real", real), ("null", null))}
    report: dict[str, Any] = {name: _describe(values) for name, values in labels.items()}
    report |= _matched(real, null)
    report["passed"] = report["real"]["clusters"] > 0 == report["null"]["clusters"]
    return report | {"verdict": _verdict(report)}


def _check(real: Clusters, null: Clusters) -> None:
    for name, value in real.manifest["config"].items():
        other = null.manifest["config"].get(name)
        if name != "seed" and other != value:
            raise UserError(
                f"{null.folder} was clustered with {name} {other}, "
                f"{real.folder} with {value}: cluster one of them again"
            )
    made, shuffled = (
        read_manifest(clusters.manifest["inputs"]["embeddings"]["path"], kind="embeddings") for clusters in (real, null)
    )
    if not shuffled["config"].get("shuffle"):
        raise UserError(
            f"{null.folder} is no null, its windows were not shuffled: embed with --shuffle and cluster that"
        )
    for name, (value, told) in _read_as(made).items():
        other, other_told = _read_as(shuffled).get(name, (None, None))
        if other != value:
            raise UserError(
                f"{null.folder} was embedded with {name} {other_told}, {real.folder} with {told}: embed as those were, "
                "with --shuffle, and cluster that"
            )


def _read_as(embeddings: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """What must be the same of vectors whose clusters are held against each other, and how it is told: the input, the
    encoder, how it reads."""
    source = embeddings["inputs"].get("input") or {}
    record = encoder_record(embeddings)
    parts = [
        (kinds_of(part["encoder"]), part["sha256"]) if part["sha256"] else part["encoder"]
        for part in record.get("parts") or [record]
    ]
    reading = {name: (value, value) for name, value in record["reading"].items() if name not in ("seed", "precision")}
    return {"input": (source.get("sha256"), source.get("path")), "encoder": (parts, record["encoder"]), **reading}


def _describe(labels: np.ndarray) -> dict[str, Any]:
    sizes = np.bincount(labels[labels >= 0])
    share = sizes / max(len(labels), 1)
    return {
        "n": len(labels),
        "clusters": len(sizes),
        "clustered_share": float(share.sum()),
        "largest_share": float(share.max(initial=0.0)),
    }


def _matched(real: Clusters, null: Clusters) -> dict[str, Any]:
    from sklearn.metrics import adjusted_mutual_info_score

    rows = (real.table["row"].to_numpy(), null.table["row"].to_numpy())
    _, left, right = np.intersect1d(*rows, assume_unique=True, return_indices=True)
    if len(left) < len(rows[0]):
        return {"ami": None, "clusters": None, "composition_share": None}
    labels = real.table["label"].to_numpy()[left]
    shuffled = null.table["label"].to_numpy()[right]
    corrected = np.nan_to_num(jaccard(overlap(labels, shuffled))[1])
    clusters = []
    for label, size in enumerate(np.bincount(labels[labels >= 0])):
        best = max(float(corrected[label].max(initial=0.0)), 0.0)
        clusters.append({"label": label, "n": int(size), "jaccard": best, "in_null": best >= FOUND})
    clustered = sum(row["n"] for row in clusters)
    shared = sum(row["n"] for row in clusters if row["in_null"])
    return {
        "ami": float(adjusted_mutual_info_score(labels, shuffled)),
        "clusters": clusters,
        "composition_share": shared / clustered if clustered else 0.0,
    }


def _verdict(report: dict[str, Any]) -> str:
    real, null = report["real"], report["null"]
    if not real["clusters"]:
        return "The windows form no cluster, so none is held against those of shuffled windows."
    if report["passed"]:
        subject = "1 cluster found is" if real["clusters"] == 1 else f"{real['clusters']} clusters found are"
        return f"Shuffled windows form no cluster: the {subject} not of composition alone."
    text = (
        f"Shuffled windows form {null['clusters']} {'cluster' if null['clusters'] == 1 else 'clusters'} with "
        f"{percent(null['clustered_share'])} of them, the windows {real['clusters']} with "
        f"{percent(real['clustered_share'])}: density alone is no sign of order"
    )
    if report["clusters"] is None:
        return f"{text}."
    found = [str(row["label"]) for row in report["clusters"] if row["in_null"]]
    if not found:
        return f"{text}, yet no cluster of the windows is found among them."
    named = f"clusters {', '.join(found)}" if len(found) > 1 else f"cluster {found[0]}"
    share = f"{percent(report['composition_share'])} of the clustered windows"
    return f"{text}; {named} ({share}) {'are' if len(found) > 1 else 'is'} found there too and can be composition."
