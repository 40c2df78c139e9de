"""What a cluster's windows are relatives of: their hits in databases of known sequences, against those of other
windows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dnabert.explain.blast import best_hits, blast
from dnabert.explain.correction import add_q
from dnabert.explain.families import family_of, separate_hits
from dnabert.explain.hit_share import share_against
from dnabert.explain.loci import independent_places, loci
from dnabert.explain.windows import ClusteredWindows
from dnabert.shares import percent

if TYPE_CHECKING:
    import pandas as pd

#: q below which a share is called different from the background's.
SIGNIFICANT = 0.05
#: Families named in a sentence at most, and the share of members from which on a further one is named.
_NAMED = 3
_WORTH_NAMING = 0.1
#: Share of the hits that may begin before the stretch that is told, and that may end behind it.
_TAIL = 0.1


def homology(
    windows: ClusteredWindows,
    *,
    databases: Sequence[str | Path],
    sample: int = 200,
    background: int = 2_000,
    task: str = "blastn",
    e_value: float = 1e-5,
    threads: int = 1,
    seed: int = 0,
) -> list[dict[str, Any]]:
    """What share of each cluster's windows hits each sequence and family of each database, against other windows.

    A *subject* is one sequence of a database, and hit by all windows that align with it. A *family* is the part of a
    name that says what the sequence is (`family_of`); where hits of a window overlap, only the best one's family
    counts, so that an Alu is no SVA although SVAs contain one. The background is a random sample of all windows outside
    the cluster. Windows of one locus (`loci`) are near-copies, and neighbours are parts of one array or island: a place
    (`independent_places`) counts once in the interval, the odds ratio and the test.

    Parameters
    ----------
    windows : the clustered windows.
    databases : FASTA files (plain or gzip) or prefixes of BLAST databases.
    sample : windows per cluster that are searched, at random; smaller clusters whole.
    background : windows drawn at random from all, of which those outside the cluster are its background.
    task, e_value, threads : of `blast`.
    seed : of both samples.

    Returns
    -------
    list of dict, one per cluster in order: ``label``, ``windows`` (of the cluster), ``sampled``, ``loci`` (of the
    sampled) and ``databases``, for each of which:

    - ``database`` : its file's name.
    - ``any`` : `share_against`, of windows that hit anything, with ``q``; its ``loci`` are such places.
    - ``families``, ``subjects`` : a row for each that a sampled member hits, the largest share first: ``name``, the
      fields of `share_against`, ``q``, ``family``, ``subject`` (the one that members hit most often), ``identity`` and
      ``length`` (columns; medians over hits, the best of each window), ``query_start``, ``query_end`` (medians, in the
      window), ``subject_start``, ``subject_end``, ``subject_length`` (medians, in ``subject``), ``subject_within`` (the
      stretch of it that nine tenths of the hits do not begin before, nor end behind), ``forward`` (share of
      hits on the subject's forward strand), ``best`` (share of windows whose best hit this is).
    - ``sentence`` : the same for a reader.

    ``q`` is `p` after Benjamini and Hochberg over all clusters, families and subjects of all databases; those that no
    member hits count with p = 1. Coordinates are 0-based and half open.

    Raises
    ------
    UserError
        when BLAST+ is not installed or a database cannot be read.
    """
    drawn = draw(windows, sample=sample, background=background, seed=seed)
    bases = windows.sequences(drawn.rows)
    result = [_counts(windows, label, drawn) for label in windows.clusters]
    tested: list[dict[str, Any]] = []
    tests = 0
    for database in databases:
        hits = blast(bases, database, task=task, e_value=e_value, best_only=True, threads=threads)
        levels = _levels(hits)
        tests += len(result) * (1 + sum(level["name"].nunique() for level in levels.values()))
        for label, row in zip(windows.clusters, result, strict=True):
            found = _in_database(levels, *drawn.groups(label), place=drawn.place)
            tested += [found["any"], *found["families"], *found["subjects"]]
            row["databases"].append({"database": Path(database).name, **found})
    add_q(tested, tests=tests)
    for row in result:
        for found in row["databases"]:
            found["sentence"] = _sentence(found)
    return result


@dataclass(frozen=True)
class Drawn:
    """The windows that are searched: a sample of each cluster, and one of all windows.

    Attributes
    ----------
    rows : int64 (m,), rows of the table, ascending.
    labels, locus, place : int64 (m,), cluster, locus and independent place of each.
    members : per cluster, places in `rows` of its sample, in random order.
    background : places in `rows` of the sample of all windows, in random order.
    """

    rows: NDArray[np.int64]
    labels: NDArray[np.int64]
    locus: NDArray[np.int64]
    place: NDArray[np.int64]
    members: list[NDArray[np.int64]]
    background: NDArray[np.int64]

    def groups(self, label: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Places in `rows` of a cluster's sample, and of the background outside the cluster."""
        return self.members[label], self.background[self.labels[self.background] != label]


def draw(windows: ClusteredWindows, *, sample: int, background: int, seed: int = 0) -> Drawn:
    """Draw at most `sample` windows of each cluster, and `background` of all."""
    rng = np.random.default_rng(seed)
    members = [rng.permutation(windows.members(label))[:sample] for label in windows.clusters]
    others = rng.permutation(len(windows))[:background]
    rows = np.unique(np.concatenate([*members, others]))
    locus = loci(windows.places)
    return Drawn(
        rows=rows,
        labels=windows.labels[rows],
        locus=locus[rows],
        place=independent_places(windows.table, locus)[rows],
        members=[np.searchsorted(rows, of_cluster) for of_cluster in members],
        background=np.searchsorted(rows, others),
    )


def _counts(windows: ClusteredWindows, label: int, drawn: Drawn) -> dict[str, Any]:
    members = drawn.members[label]
    places = len(np.unique(drawn.locus[members]))
    return {
        "label": label,
        "windows": len(windows.members(label)),
        "sampled": len(members),
        "loci": places,
        "databases": [],
    }


def _levels(hits: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Hits by family and by subject, with at most one per window and ``name``."""
    hits = hits.assign(family=hits.subject.map(family_of))
    families = best_hits(separate_hits(hits), per=("query", "family"))
    return {"families": families.assign(name=families.family), "subjects": hits.assign(name=hits.subject)}


def _in_database(
    levels: dict[str, pd.DataFrame], members: NDArray[np.int64], outside: NDArray[np.int64], *, place: NDArray[np.int64]
) -> dict[str, Any]:
    def compared(queries: pd.Series) -> dict[str, Any]:
        hit = np.zeros(len(place), dtype=bool)
        hit[queries.to_numpy()] = True
        return share_against(hit[members], hit[outside], inside_locus=place[members], outside_locus=place[outside])

    found: dict[str, Any] = {"any": compared(levels["subjects"]["query"])}
    for level, hits in levels.items():
        queries = dict(list(hits.groupby("name")["query"]))
        inside = hits[hits["query"].isin(members)]
        best = best_hits(inside)["name"].value_counts()
        rows = [
            {"name": name, **compared(queries[name]), **_medians(part), "best": int(best.get(name, 0)) / len(members)}
            for name, part in inside.groupby("name")
        ]
        found[level] = sorted(rows, key=lambda row: (-row["share"], -row["best"], row["name"]))
    return found


def _medians(hits: pd.DataFrame) -> dict[str, Any]:
    subject = str(hits.subject.value_counts().sort_index().idxmax())
    there = hits[hits.subject == subject]
    return {
        "family": str(hits.family.iloc[0]),
        "subject": subject,
        "identity": float(hits.identity.median()),
        "length": float(hits.length.median()),
        "query_start": float(hits.query_start.median()),
        "query_end": float(hits.query_end.median()),
        "subject_start": float(there.subject_start.median()),
        "subject_end": float(there.subject_end.median()),
        "subject_length": int(there.subject_length.iloc[0]),
        "subject_within": [float(there.subject_start.quantile(_TAIL)), float(there.subject_end.quantile(1 - _TAIL))],
        "forward": float((hits.strand == "+").mean()),
    }


def _sentence(found: dict[str, Any]) -> str:
    """What a reader is told: the families that stand out, else the most frequent and that it does not."""
    if not found["any"]["windows_hit"]:
        return f"no member hits {found['database']}"
    more = [row for row in found["families"] if row["q"] < SIGNIFICANT and row["odds_ratio"] > 1]
    more = [row for row in more[:_NAMED] if row["share"] >= _WORTH_NAMING or row is more[0]]
    if more:
        return "; ".join(describe_hits(row) for row in more)
    row = found["families"][0]
    return f"{describe_hits(row)}: {'significantly fewer' if row['q'] < SIGNIFICANT else 'no significant difference'}"


def describe_hits(row: dict[str, Any]) -> str:
    """One row of `homology` as a sentence.

    Examples
    --------
    >>> row = {"name": "SINE/Alu", "subject": "AluY#SINE/Alu", "identity": 0.881, "length": 290.0}
    >>> describe_hits(row | {"share": 0.83, "background_share": 0.104})
    '83 % of the members searched hit SINE/Alu (most often AluY#SINE/Alu) at 88 % identity over 290 bp; 10 % of other
    windows do'
    """
    often = "" if row["subject"] == row["name"] else f" (most often {row['subject']})"
    return (
        f"{percent(row['share'])} of the members searched hit {row['name']}{often} at {percent(row['identity'])} "
        f"identity over {row['length']:.0f} bp; {percent(row['background_share'])} of other windows do"
    )


def percent_or_more(share: float) -> str:
    """A share that more may have; of nearly all there is no more.

    Examples
    --------
    >>> [percent_or_more(share) for share in (0.834, 0.996, 1.0)]
    ['at least 83 %', '> 99 %', '100 %']
    """
    return percent(share) if share >= 0.995 else f"at least {percent(share)}"
