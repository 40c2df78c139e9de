"""What each cluster is made of: its size on the genomes, its composition beside the rest's, and its typical members."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dnabert.alphabet import codes
from dnabert.clusters.bootstrap import Score, of_drawn
from dnabert.corpus.view import evenly_spread
from dnabert.explain.cheap_features import cpg_ratio
from dnabert.explain.composition import describe_window
from dnabert.explain.correction import add_q
from dnabert.explain.differences import differences
from dnabert.explain.edit_distance import cliffs_delta
from dnabert.explain.loci import count_stretches, loci
from dnabert.explain.low_complexity import simple_letters
from dnabert.progress import watched

if TYPE_CHECKING:
    from dnabert.explain.windows import ClusteredWindows

#: Columns of `measure_composition`.
MEASURES = ("gc", "cpg_observed_expected", "entropy", "low_complexity")
_WORD = 3
_CHUNK = 8_192
#: Members whose simple stretches are read for the letters that they are of.
_READ = 1_000


def cluster_makeup(
    windows: ClusteredWindows, *, members: int = 4, resamples: int = 200, seed: int = 0
) -> list[dict[str, Any]]:
    """Say of each cluster what it is made of.

    Parameters
    ----------
    members : boundary members and random members that are shown of each cluster.
    resamples : of the bootstrap intervals.
    seed : of the bootstrap and of the random members.

    Returns
    -------
    One dict per cluster, 0 to C - 1, with ``label``, ``n``, ``share`` of all windows, ``loci`` (places that are not
    near-copies of one another, see `loci`), ``stretches`` (of 10 kb that these fill, see `count_stretches`), and, where
    the table has coordinates, ``genomes`` (windows of each) and ``footprint`` (bases of each genome that the windows
    cover, counted once) with its sum ``footprint_bp``.

    Each of `MEASURES` is a dict: ``value``, ``low``, ``high`` (mean over the windows with a 95 % bootstrap interval
    over loci, of fewer than five Student's, of one None), ``rest`` (mean over all other windows), ``effect`` (Cliff's
    delta of the means of the loci, cluster against rest), ``p`` (two-sided, from shifts of the labels along the genome,
    since composition runs on for megabases: see `differences`) and ``q`` (Benjamini-Hochberg over clusters and
    measures). ``low_complexity`` has ``simple``, too: the letters that its simple stretches mostly are of, from at most
    1,000 members, or None (see `simple_letters`).

    ``medoid`` is the member nearest to the cluster's centre in ``points`` (None without points), ``boundary`` the
    members to which the centre of another cluster is nearest, compared with their own (those of least ``probability``
    where there is no other cluster, or no points), ``random`` any members. Boundary and random members come from
    different loci while there are any. Each is a dict of place, annotation and ``sequence``.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from dnabert.explain import ClusteredWindows
    >>> bases = np.frombuffer(b"GCGCGC" b"ATATAT" b"GGCCGG", dtype=np.uint8).reshape(3, 6)
    >>> windows = ClusteredWindows(pd.DataFrame({"label": [0, -1, 0]}), lambda rows: bases[rows])
    >>> found = cluster_makeup(windows)[0]
    >>> found["n"], found["gc"]["value"], found["gc"]["rest"]
    (2, 1.0, 0.0)
    """
    locus = loci(windows.places)
    values = measure_composition(windows)
    centres = _centres(windows)
    rng = np.random.default_rng(seed)
    rows = []
    for label in watched(windows.clusters, "makeup"):
        inside = windows.labels == label
        row: dict[str, Any] = {"label": label, "n": int(inside.sum()), "share": float(inside.mean())}
        own = np.flatnonzero(inside)
        row |= {"loci": len(np.unique(locus[inside])), "stretches": count_stretches(own, windows.places, locus=locus)}
        row |= _extent(windows, own)
        for column, name in enumerate(MEASURES):
            most = np.inf if name == "cpg_observed_expected" else 1.0
            row[name] = _against_rest(values[:, column], inside, most=most, locus=locus, resamples=resamples, rng=rng)
        row["low_complexity"]["simple"] = simple_letters(windows.sequences(own[evenly_spread(len(own), most=_READ)]))
        rows.append(row | _members(windows, label, centres=centres, locus=locus, count=members, rng=rng))
    for tested in differences(windows, measures=dict(zip(MEASURES, values.T, strict=True))):
        rows[tested["label"]][tested["measure"]]["p"] = tested["p"]
    add_q([row[name] for row in rows for name in MEASURES])
    return rows


def measure_composition(windows: ClusteredWindows) -> NDArray[np.float64]:
    """Measure `MEASURES` of every window: float64 (n, 4), NaN where a measure has no value.

    Share of G and C among the known bases; CpG over C times G, times the length (Gardiner-Garden and Frommer 1987,
    doi:10.1016/0022-2836(87)90689-9); Shannon entropy of the overlapping triplets, over its maximum at the length;
    share of bases in simple stretches, see `low_complexity`.
    """
    parts = []
    for begin in range(0, len(windows), _CHUNK):
        bases = windows.sequences(np.arange(begin, min(begin + _CHUNK, len(windows))))
        code = codes(bases)
        parts.append(np.stack([_gc(code), cpg_ratio(bases), _entropy(code)], axis=1))
    measured = np.concatenate(parts) if parts else np.zeros((0, len(MEASURES) - 1))
    return np.column_stack([measured, windows.low_complexity])


def _gc(code: NDArray[np.uint8]) -> NDArray[np.float64]:
    with np.errstate(invalid="ignore"):
        return np.asarray(((code == 1) | (code == 2)).sum(axis=1) / (code < 4).sum(axis=1))


def _entropy(code: NDArray[np.uint8]) -> NDArray[np.float64]:
    n, length = code.shape
    places = length - _WORD + 1
    if places < 2:
        return np.full(n, np.nan)
    triplets = 16 * code[:, :-2].astype(np.int64) + 4 * code[:, 1:-1] + code[:, 2:]
    known = (code[:, :-2] < 4) & (code[:, 1:-1] < 4) & (code[:, 2:] < 4)
    columns = 65 * np.arange(n)[:, None] + np.where(known, triplets, 64)
    counts = np.bincount(columns.ravel(), minlength=65 * n).reshape(n, 65)[:, :64].astype(np.float64)
    total = counts.sum(axis=1)
    # the entropy of counts c of a sum N is log N less the mean of log c, weighted by c
    logs = np.log(counts, where=counts > 0, out=np.zeros_like(counts))
    with np.errstate(invalid="ignore", divide="ignore"):
        entropy = (np.log(total) - (counts * logs).sum(axis=1) / total) / np.log(min(4**_WORD, places))
    return np.where(total > 0, np.abs(entropy), np.nan)


def _extent(windows: ClusteredWindows, rows: NDArray[np.int64]) -> dict[str, Any]:
    """Windows and bases of each genome."""
    table = windows.table
    if "start" not in table:
        return {}
    genome = table["genome"].astype(str).to_numpy()[rows]
    start, end, sequence = (part[rows] for part in (windows.places.start, windows.places.end, windows.places.sequence))
    order = np.lexsort((start, sequence))
    genome, start, end, sequence = genome[order], start[order], end[order], sequence[order]
    # what lies left of the furthest end so far, on the same sequence, is covered already
    shift = sequence.astype(np.int64) * (int(windows.places.end.max()) + 1)
    furthest = np.maximum.accumulate(end + shift)
    before = np.concatenate([[np.iinfo(np.int64).min], furthest[:-1]])
    fresh = np.maximum(end + shift - np.maximum(start + shift, before), 0)
    names = sorted(set(genome.tolist()))
    footprint = {name: int(fresh[genome == name].sum()) for name in names}
    counts = {name: int((genome == name).sum()) for name in names}
    return {"genomes": counts, "footprint": footprint, "footprint_bp": sum(footprint.values())}


def _against_rest(
    values: NDArray[np.float64],
    inside: NDArray[np.bool_],
    *,
    most: float,
    locus: NDArray[np.int64],
    resamples: int,
    rng: np.random.Generator,
) -> dict[str, Any]:
    """A measure, which is 0 to `most`, of the windows inside and of the others."""
    known = ~np.isnan(values)
    (sums, counts), (other_sums, other_counts) = (
        _by_locus(values[known & side], locus[known & side]) for side in (inside, ~inside)
    )
    row: dict[str, Any] = dict.fromkeys(("value", "low", "high", "rest", "effect", "p"))
    if len(other_sums):
        row["rest"] = float(other_sums.sum() / other_counts.sum())
    if len(sums) == 0:  # as of CpG in windows without a C or a G
        return row
    found = _mean_over_loci(sums, counts, resamples=resamples, rng=rng)
    low, high = (max(found.low, 0.0), min(found.high, most)) if len(sums) > 1 else (None, None)
    row |= {"value": found.value, "low": low, "high": high}
    if len(other_sums):
        row["effect"], _ = cliffs_delta(sums / counts, other_sums / other_counts)
    return row


def _by_locus(values: NDArray[np.float64], locus: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    _, number = np.unique(locus, return_inverse=True)
    return np.bincount(number, weights=values).astype(np.float64), np.bincount(number)


def _mean_over_loci(
    sums: NDArray[np.float64], counts: NDArray[np.int64], *, resamples: int, rng: np.random.Generator
) -> Score:
    """Mean over windows; whole loci are resampled, because windows of one are near-copies, and fewer than five tell
    what `of_drawn` says."""
    drawn = (rng.integers(len(sums), size=len(sums)) for _ in range(resamples))
    value = float(sums.sum() / counts.sum())
    low, high = of_drawn(value, np.array([sums[rows].sum() / counts[rows].sum() for rows in drawn]), places=len(sums))
    return Score(value, low, high, len(sums))


def _members(
    windows: ClusteredWindows,
    label: int,
    *,
    centres: NDArray[np.float64] | None,
    locus: NDArray[np.int64],
    count: int,
    rng: np.random.Generator,
) -> dict[str, Any]:
    rows = windows.members(label)
    own, other, nearest = _distances(windows, label, centres=centres)
    sure = windows.table["probability"].to_numpy()[rows] if "probability" in windows.table else np.ones(len(rows))
    inwards = sure if nearest is None else other / np.maximum(own, 1e-12)
    order = np.argsort(inwards, kind="stable")
    boundary = _apart(order, locus[rows], count=count)
    chosen = _apart(rng.permutation(len(rows)), locus[rows], count=count)

    def described(member: int) -> dict[str, Any]:
        found = describe_window(windows.table.iloc[rows[member]], windows.sequences(rows[member : member + 1])[0])
        found["row"] = int(rows[member])
        if windows.points is not None:
            found["distance_to_centre"] = float(own[member])
        return found if nearest is None else found | {"nearest_cluster": int(nearest[member])}

    return {
        "medoid": described(int(own.argmin())) if windows.points is not None else None,
        "boundary": [described(member) for member in boundary],
        "random": [described(member) for member in chosen],
    }


def _centres(windows: ClusteredWindows) -> NDArray[np.float64] | None:
    """Mean point of each cluster, float64 (C, c)."""
    if windows.points is None or not len(windows.clusters):
        return None
    return np.stack(
        [windows.points[windows.members(label)].mean(axis=0, dtype=np.float64) for label in windows.clusters]
    )


def _distances(
    windows: ClusteredWindows, label: int, *, centres: NDArray[np.float64] | None
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64] | None]:
    """Distance of the members to their own centre and to the nearest other, and which that is."""
    from scipy.spatial.distance import cdist

    rows = windows.members(label)
    if windows.points is None or centres is None:
        return np.zeros(len(rows)), np.zeros(len(rows)), None
    distance = cdist(windows.points[rows], centres)
    own = distance[:, label].copy()
    if len(centres) < 2:
        return own, own, None
    distance[:, label] = np.inf
    return own, distance.min(axis=1), distance.argmin(axis=1)


def _apart(order: NDArray[np.int64], locus: NDArray[np.int64], *, count: int) -> list[int]:
    """The first of an order, one of each locus; more of the same ones where there are not enough."""
    _, first = np.unique(locus[order], return_index=True)
    leading = np.sort(first)
    rest = np.setdiff1d(np.arange(len(order)), leading)
    return [int(order[place]) for place in np.concatenate([leading, rest])[:count]]
