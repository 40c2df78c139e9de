"""Which known sequence a consensus, or a window of a card, is: its best hits in the databases."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dnabert.explain.blast import blast
from dnabert.explain.families import family_of, separate_hits
from dnabert.shares import percent


def name_consensuses(
    consensuses: Sequence[dict[str, Any]],
    *,
    databases: Sequence[str | Path],
    task: str = "blastn",
    e_value: float = 1e-5,
    threads: int = 1,
) -> list[dict[str, Any]]:
    """What the consensus of each cluster hits in each database.

    Parameters
    ----------
    consensuses : dicts with ``consensus``, str or None, from `consensuses`.
    databases, task, e_value, threads : as in `homology`.

    Returns
    -------
    list of dict, one per consensus in order: ``hits`` (the best first, of hits on top of one another only the best:
    ``database``, ``family`` and the columns of `blast`; of the consensus ``query_start`` and ``query_end``) and
    ``sentence``; no hits and None where there is no consensus.
    """
    texts = {number: row["consensus"] for number, row in enumerate(consensuses) if row["consensus"]}
    hits = _hits(list(texts.values()), databases=databases, task=task, e_value=e_value, threads=threads)
    found: list[dict[str, Any]] = [{"hits": [], "sentence": None} for _ in consensuses]
    for (number, text), own in zip(texts.items(), hits, strict=True):
        found[number] = {"hits": own, "sentence": _of_consensus(own, length=len(text), databases=databases)}
    return found


def name_members(
    makeups: Sequence[Mapping[str, Any]],
    *,
    databases: Sequence[str | Path],
    task: str = "blastn",
    e_value: float = 1e-5,
    threads: int = 1,
) -> dict[int, dict[str, Any]]:
    """What each cluster's medoid, and its other windows that are shown, hit in each database.

    Parameters
    ----------
    makeups : of `cluster_makeup`.
    databases, task, e_value, threads : as in `homology`.

    Returns
    -------
    by ``row``, the window's in the table: ``hits`` and ``sentence``, as of `name_consensuses`.
    """
    windows = {window["row"]: window["sequence"] for makeup in makeups for window in members_shown(makeup)}
    hits = _hits(list(windows.values()), databases=databases, task=task, e_value=e_value, threads=threads)
    return {
        row: {"hits": found, "sentence": _of_window(found, databases=databases)}
        for row, found in zip(windows, hits, strict=True)
    }


def members_shown(makeup: Mapping[str, Any]) -> Iterable[dict[str, Any]]:
    """The windows that a cluster's makeup describes one by one: its medoid, those at its boundary, random ones."""
    medoid = makeup.get("medoid")
    return [*([medoid] if medoid else []), *makeup.get("boundary", []), *makeup.get("random", [])]


def _hits(
    texts: Sequence[str], *, databases: Sequence[str | Path], task: str, e_value: float, threads: int
) -> list[list[dict[str, Any]]]:
    """Hits of each sequence in all databases, the best first, of those on top of one another only the best."""
    bases = [np.frombuffer(text.encode("ascii"), dtype=np.uint8) for text in texts]
    found: list[list[dict[str, Any]]] = [[] for _ in texts]
    for database in databases:
        hits = separate_hits(blast(bases, database, task=task, e_value=e_value, best_only=True, threads=threads))
        for hit in hits.to_dict("records"):
            number = hit.pop("query")
            found[number].append({"database": Path(database).name, "family": family_of(hit["subject"]), **hit})
    return [sorted(rows, key=lambda hit: -hit["bit_score"]) for rows in found]


def _of_consensus(hits: Sequence[Mapping[str, Any]], *, length: int, databases: Sequence[str | Path]) -> str:
    if not hits:
        return f"the consensus hits nothing in {_names(databases)}"
    best = hits[0]
    covered = best["query_end"] - best["query_start"]
    return (
        f"{covered} of {length} bp of the consensus align best with {best['subject']}, at {percent(best['identity'])} "
        "identity"
    )


def _of_window(hits: Sequence[Mapping[str, Any]], *, databases: Sequence[str | Path]) -> str:
    if not hits:
        return f"hits nothing in {_names(databases)}"
    best = hits[0]
    covered = best["query_end"] - best["query_start"]
    return f"hits {best['subject']} at {percent(best['identity'])} identity over {covered} bp"


def _names(databases: Sequence[str | Path]) -> str:
    return " or ".join(Path(database).name for database in databases)
