"""What an encoder adds to counting: its vectors side by side with those of the best counts, against cheaper company."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dnabert.clusters.bootstrap import bootstrap_mean
from dnabert.clusters.ladder import neighbor_hits
from dnabert.clusters.scores import hits_as_text
from dnabert.comparison.differences import differences
from dnabert.encoders import load_embeddings
from dnabert.encoders.nearest import standardised
from dnabert.report.rung_kind import is_count, is_trained

if TYPE_CHECKING:
    from dnabert.explain.relatives import Relatives

Record = dict[str, Any]


def added_to_counts(
    records: list[Record], embeddings: Path, *, kin: Callable[[], Relatives | None] = lambda: None, seed: int = 0
) -> list[Record]:
    """Differences of each trained rung beside the best counts to these counts alone, and beside every cheaper rung.

    To be no better than counting is one thing, to know the same another. So what neighbours answer is asked again of
    two encoders together: their vectors side by side, each of unit length, so that the cosine of two windows is the
    mean of both encoders'. In each measure the counts are those that do best alone. Any second encoder may help: the
    trained rung has to help more than the counts of other words, random weights or the off-the-shelf BERT do.

    Parameters
    ----------
    records : of the rungs, with ``encoder``, ``metrics``, ``hits`` and ``groups``.
    embeddings : folder with the embeddings of each rung, of the same windows, under its name.
    kin : gives the `relatives` of these windows, if they are needed.
    seed : of the bootstrap.

    Returns
    -------
    Rows of `differences`, of trained rungs alone, and in each ``beside`` (the counts), ``score`` and ``baseline_score``
    (of the two together and of what they are held against; ``baseline`` is ``beside`` where that is the counts alone).
    """
    real = [record for record in records if not record["shuffled"]]
    counts = [record for record in real if is_count(record)]
    if not counts or not any(is_trained(record) for record in real):
        return []
    asked = [name for name in counts[0]["hits"] if name.startswith("knn")]
    best = {name: _best(counts, name)["rung"] for name in asked}
    table = load_embeddings(embeddings / real[0]["rung"]).table
    vectors = {record["rung"]: standardised(load_embeddings(embeddings / record["rung"]).vectors) for record in real}
    together, related = [], kin()
    for record in real:
        hits = {name: record["hits"][name] for name in asked if best[name] == record["rung"]}
        for base in sorted(set(best.values()) - {record["rung"]}):
            found = _hits(np.hstack([vectors[base], vectors[record["rung"]]]), table, kin=related)
            hits |= {name: right for name, right in found.items() if best.get(name) == base}
        groups = {name: record["groups"][name] for name in asked}
        told = {name: record.get(name) for name in ("rung", "encoder", "parts")}
        together.append(told | {"hits": hits, "groups": groups, "metrics": _scores(hits, groups, seed=seed)})
    shares = {
        (record["rung"], name): score["value"] for record in together for name, score in record["metrics"].items()
    }
    return [
        row
        | {
            "beside": best[row["metric"]],
            "score": shares[row["rung"], row["metric"]],
            "baseline_score": shares[row["baseline"], row["metric"]],
        }
        for row in differences(together, seed=seed)
        if is_trained(next(record for record in real if record["rung"] == row["rung"]))
    ]


def _best(records: list[Record], metric: str) -> Record:
    return max(records, key=lambda record: float(record["metrics"][metric]["value"]))


def _scores(hits: dict[str, str], groups: dict[str, list[int]], *, seed: int) -> Record:
    """Of each measure the share of hits with its interval: a lead is no larger than what it leaves to 1."""
    return {
        name: bootstrap_mean(
            np.array([each == "1" for each in right]), groups=np.array(groups[name]), seed=seed
        ).as_dict()
        for name, right in hits.items()
    }


def _hits(vectors: NDArray[np.float32], table: Any, *, kin: Relatives | None) -> dict[str, str]:
    found = neighbor_hits(vectors, table, as_they_are=True)
    if kin is not None:
        found |= kin.hits(vectors, as_they_are=True)
    return {name: hits_as_text(right) for name, right in found.items()}
