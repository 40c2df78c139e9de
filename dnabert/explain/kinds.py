"""Whether a cluster's windows are related by descent, alike in composition, or neither: edit distances against four
backgrounds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dnabert.explain.alignment_distance import FORMS, edit_distance_forms
from dnabert.explain.composition_auc import composition_auc, one_per_locus
from dnabert.explain.correction import add_q
from dnabert.explain.edit_distance import cliffs_delta
from dnabert.explain.loci import disjoint_pairs, equal_gc_pairs, loci
from dnabert.explain.near_pairs import NearPairs, near_pairs
from dnabert.explain.pair_effect import pair_effect
from dnabert.progress import watched

if TYPE_CHECKING:
    from dnabert.explain.windows import ClusteredWindows

#: What pairs within a cluster are compared with.
GROUPS = ("unclustered", "equal_gc", "shuffled", "equally_near")
KINDS = ("homologous", "compositional", "neither", "undecided")
#: Backgrounds that a homologous cluster is closer than, and by how much: Cliff's delta of 0.33 is "medium" by Romano et
#: al. 2006. On four apes' chromosome 22 nothing lies near it: the clusters fall below -0.44 or above -0.11 (shuffled).
_RELATED = ("equal_gc", "shuffled")
_MEDIUM = 0.33
#: … and edits within as a share of those with shuffled sequence, at most: distances of unrelated windows scatter by 2 %
#: only, so that a motif of ten bases in common is a large delta; copies that are 75 % identical over half a window save
#: a fifth.
_FEWER = 0.9
#: Benjamini-Hochberg's rate of false discoveries.
_RATE = 0.05
#: Area under the ROC curve from which composition predicts membership ("excellent", Hosmer and Lemeshow 2000), and what
#: its interval must exceed ("acceptable"); an interval that ends below says that composition is not the reason.
_AUC, _AUC_LOW = 0.8, 0.7
#: Rounds of disjoint pairs at most: 40 rounds of ten loci's five pairs meet nearly all of their 45 pairs.
_ROUNDS = 40
#: Pairs closer than this share of pairs with a shuffled sequence are closer than chance.
_CHANCE = 0.01
_ANCHORS = 600
#: Windows around a cluster with which its composition is compared: ten for each of its own while these are no more than
#: 5,000, which hold the thousand loci that are used; of larger clusters one for each, since ten for each of 22,000
#: windows are all windows there are.
_AROUND, _MOST_AROUND = 10, 5_000
_CHUNK = 8_192


@dataclass(frozen=True)
class _Background:
    """What is the same for all clusters."""

    locus: NDArray[np.int64]
    gc: NDArray[np.float64]
    unclustered: NDArray[np.float32]
    near: NearPairs | None
    apart: NDArray[np.floating]
    pairs: int
    seed: int


def cluster_kinds(windows: ClusteredWindows, *, pairs: int = 300, seed: int = 0) -> list[dict[str, Any]]:
    """Compare the edit distances within each cluster with four backgrounds, and name the cluster's kind.

    Pairs within a cluster are drawn by locus (see `loci`): near-copies are never paired, and a locus counts once
    however many windows it has. Each pair's distance is taken in three forms: ``plain`` (Levenshtein over length),
    ``strand`` (the lesser of both strands) and ``semi_global`` (half a window sought in the other, at any offset and
    on either strand; see `semi_global`). The backgrounds are pairs

    - ``unclustered``: of two windows in no cluster;
    - ``equal_gc``: of two windows outside the cluster with the GC of the pair's;
    - ``shuffled``: of the pair's first window with its second, shuffled so that all dinucleotides stay as they were:
      what composition alone gives;
    - ``equally_near``: of two windows that share no cluster and are as far apart in ``points`` as the pair (to 5 %).
      An effect below 0 says that the cluster's windows are closer in letters than their closeness in the embedding
      lets expect; left out without points.

    The kind is the first that holds:

    - ``homologous`` when the semi-global distances are lower than those of ``equal_gc`` and of ``shuffled``: Cliff's
      delta -0.33 or less and q 0.05 or less for both, and a tenth of the edits with ``shuffled`` or more are saved (a
      short motif in common is a large delta, since unrelated windows are all equally far apart). Repeats of two letters
      stay as near when they are shuffled, and are not called homologous;
    - ``undecided`` when neither of the two intervals excludes -0.33, or there are fewer than five loci: the distances
      may well be lower, and the loci are too few to tell;
    - ``compositional`` when they are as far apart as chance, and dinucleotide frequencies tell the cluster's windows
      from all others: area under the ROC curve 0.8 or more, its interval above 0.7 (see `composition_auc`). It need
      not set them apart from the cluster's surroundings, for which see ``composition_auc_nearby``;
    - ``neither`` when they are as far apart as chance in letters, closer in the embedding than random pairs of windows
      (Cliff's delta -0.33 or less), and composition does not say why: the area's interval ends below 0.7;
    - ``undecided`` where composition tells the cluster's windows in part, or where they are not close in the embedding.

    Members that are pieces of one long element at different places of it share no half window: such a cluster is not
    found homologous here, alignment with the element itself finds it.

    Parameters
    ----------
    pairs : of each cluster and background, at most.
    seed : of all draws.

    Returns
    -------
    One dict per cluster, 0 to C - 1: ``label``, ``n`` (windows), ``loci``, ``pairs``, ``kind``; ``within`` (mean
    distance of each form, over the distinct pairs of windows drawn) and ``within_median``; ``comparisons``, a list of
    ``form``, ``against``, ``n`` (pairs of the background), ``mean`` and ``median`` (of its distances), ``effect`` with
    ``low`` and ``high`` (Cliff's delta, 95 % interval, below 0 where the cluster is closer; see `pair_effect`), ``p``
    and ``q`` (Benjamini-Hochberg over clusters, forms and backgrounds); ``closer_than_chance`` (share of pairs closer,
    semi-globally, than 99 % of the shuffled ones); ``equal_gc_gap`` (mean difference in GC between the pairs' windows
    and those of ``equal_gc``: the clusters of extreme GC may have no match); ``embedding_distance`` (means of
    ``within``, ``equally_near`` and ``random`` pairs, and ``effect``, Cliff's delta of the pairs within against random
    ones, below 0 where the cluster is closer); ``composition_auc`` and ``composition_auc_nearby`` (``value``, ``low``,
    ``high``; against all other windows, and against those nearest to the cluster's centre: ten for each of its own, of
    more than 500 as many as 5,000 or itself has), None where there are fewer than five loci.
    """
    locus = loci(windows.places)
    noise = disjoint_pairs(np.flatnonzero(windows.labels < 0), locus, pairs=pairs, seed=seed).reshape(-1, 2)
    background = _Background(
        locus=locus,
        gc=_gc(windows),
        unclustered=_distances(windows, noise),
        near=None if windows.points is None else _near(windows, locus, seed=seed),
        apart=_apart(windows, disjoint_pairs(np.arange(len(windows)), locus, pairs=pairs, seed=seed).reshape(-1, 2)),
        pairs=pairs,
        seed=seed,
    )
    rows = [_of_cluster(windows, label, background=background) for label in watched(windows.clusters, "edit distances")]
    add_q([cell for row in rows for cell in row["comparisons"]])
    return [row | {"kind": _kind(row)} for row in rows]


def _near(windows: ClusteredWindows, locus: NDArray[np.int64], *, seed: int) -> NearPairs:
    assert windows.points is not None
    return near_pairs(windows.points, windows.labels, locus=locus, anchors=_ANCHORS, seed=seed)


def _apart(windows: ClusteredWindows, pairs: NDArray[np.int64]) -> NDArray[np.floating]:
    """Distance in the embedding of pairs of rows; empty where there are no points."""
    if windows.points is None:
        return np.zeros(0)
    apart: NDArray[np.floating] = np.linalg.norm(windows.points[pairs[:, 0]] - windows.points[pairs[:, 1]], axis=1)
    return apart


def _gc(windows: ClusteredWindows) -> NDArray[np.float64]:
    if "gc" in windows.table:
        return windows.table["gc"].to_numpy(dtype=np.float64)
    chunks = (np.arange(begin, min(begin + _CHUNK, len(windows))) for begin in range(0, len(windows), _CHUNK))
    letters = np.frombuffer(b"GCgc", dtype=np.uint8)
    return np.concatenate([np.isin(windows.sequences(rows), letters).mean(axis=1) for rows in chunks])


def _distances(windows: ClusteredWindows, rows: NDArray[np.int64]) -> NDArray[np.float32]:
    return edit_distance_forms(windows.sequences(rows[:, 0]), windows.sequences(rows[:, 1]))


def _of_cluster(windows: ClusteredWindows, label: int, *, background: _Background) -> dict[str, Any]:
    members = windows.members(label)
    locus = background.locus
    seed = background.seed
    row: dict[str, Any] = {"label": label, "n": len(members), "loci": len(np.unique(locus[members]))}
    rounds = disjoint_pairs(members, locus, pairs=background.pairs, rounds=_ROUNDS, seed=seed)
    pairs = rounds.reshape(-1, 2)
    _, distinct = np.unique(np.sort(pairs, axis=1), axis=0, return_index=True)
    row |= {"pairs": len(distinct), "within": dict.fromkeys(FORMS), "within_median": dict.fromkeys(FORMS)}
    row |= {"comparisons": [], "closer_than_chance": None}
    row |= {"equal_gc_gap": None, "embedding_distance": None} | _composition(windows, label, background=background)
    if len(pairs) == 0:
        return row
    within = _distances(windows, pairs)
    row["within"] = {form: float(within[distinct, column].mean()) for column, form in enumerate(FORMS)}
    row["within_median"] = {form: float(np.median(within[distinct, column])) for column, form in enumerate(FORMS)}
    groups, facts = _groups(windows, label, pairs=pairs, background=background)
    row |= facts
    row["closer_than_chance"] = float((within[:, -1] < np.quantile(groups["shuffled"][:, -1], _CHANCE)).mean())
    for column, form in enumerate(FORMS):
        values = within[:, column].reshape(rounds.shape[:2])
        for name in GROUPS:
            if len(groups.get(name, ())) > 1:
                found = pair_effect(values, groups[name][:, column], ends=locus[rounds])
                cell = {
                    "form": form,
                    "against": name,
                    "n": len(groups[name]),
                    "mean": float(groups[name][:, column].mean()),
                    "median": float(np.median(groups[name][:, column])),
                }
                cell |= {"effect": found.effect, "low": found.low, "high": found.high, "p": found.p}
                row["comparisons"].append(cell)
    return row


def _groups(
    windows: ClusteredWindows, label: int, *, pairs: NDArray[np.int64], background: _Background
) -> tuple[dict[str, NDArray[np.float32]], dict[str, Any]]:
    """Distances of each background, float32 (m, 3), and how well the backgrounds match."""
    from dnabert.corpus.shuffle import shuffle_dinucleotides

    seed, gc = background.seed, background.gc
    inside = windows.labels == label
    equal, kept = equal_gc_pairs(pairs, gc, outside=np.flatnonzero(~inside), locus=background.locus, seed=seed)
    # Case would be a letter of its own to the shuffle; without the bit 0x20 letters are upper case.
    second = shuffle_dinucleotides(
        windows.sequences(pairs[:, 1]) & np.uint8(0xDF), rows=np.arange(len(pairs)), seed=seed
    )
    groups = {
        "unclustered": background.unclustered,
        "equal_gc": _distances(windows, equal),
        "shuffled": edit_distance_forms(windows.sequences(pairs[:, 0]), second),
    }
    facts: dict[str, Any] = {}
    if len(equal):
        facts["equal_gc_gap"] = float(np.abs(gc[equal] - gc[pairs[kept]]).mean())
    if windows.points is not None and background.near is not None:
        apart = _apart(windows, pairs)
        chosen = background.near.matching(apart, without=inside, seed=seed)
        groups["equally_near"] = _distances(windows, background.near.rows[chosen])
        nearly = float(background.near.distance[chosen].mean()) if len(chosen) else None
        effect = cliffs_delta(apart, background.apart)[0]
        random = float(background.apart.mean())
        facts["embedding_distance"] = {
            "within": float(apart.mean()),
            "equally_near": nearly,
            "random": random,
            "effect": effect,
        }
    return groups, facts


def _composition(windows: ClusteredWindows, label: int, *, background: _Background) -> dict[str, Any]:
    rng = np.random.default_rng(background.seed)
    members = windows.members(label)
    rest = np.flatnonzero(windows.labels != label)
    sides = {"composition_auc": rest, "composition_auc_nearby": rest[:0]}
    if windows.points is not None and len(rest):
        away = np.linalg.norm(windows.points[rest] - windows.points[members].mean(axis=0), axis=1)
        count = min(max(min(_AROUND * len(members), _MOST_AROUND), len(members)), len(rest))
        sides["composition_auc_nearby"] = rest[np.argpartition(away, count - 1)[:count]]
    found = {}
    for name, outside in sides.items():
        rows = (one_per_locus(side, background.locus, rng=rng) for side in (members, outside))
        auc = composition_auc(windows.sequences, *rows, locus=background.locus, seed=background.seed)
        found[name] = None if auc is None else {"value": auc.auc, "low": auc.low, "high": auc.high}
    return found


def _kind(row: dict[str, Any]) -> str:
    cells = [cell for cell in row["comparisons"] if cell["form"] == "semi_global" and cell["against"] in _RELATED]
    chance = next((cell["mean"] for cell in cells if cell["against"] == "shuffled"), 0.0)
    closer = bool(cells) and all(cell["effect"] <= -_MEDIUM and cell["q"] <= _RATE for cell in cells)
    if closer and row["within"]["semi_global"] <= _FEWER * chance:
        return "homologous"
    auc = row["composition_auc"]
    far = any(cell["low"] > -_MEDIUM for cell in cells)
    if not far or auc is None:
        return "undecided"
    if auc["value"] >= _AUC and auc["low"] > _AUC_LOW:
        return "compositional"
    apart = row["embedding_distance"]
    close = apart is None or apart["effect"] <= -_MEDIUM
    return "neither" if close and auc["high"] < _AUC_LOW else "undecided"
