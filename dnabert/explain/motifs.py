"""Motifs of a cluster: words of its windows grown on one half of the places, and tested on the other half."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnabert.alphabet import ALPHABET, codes, reverse_complement
from dnabert.clusters.bootstrap import bootstrap_mean
from dnabert.corpus.places import places_apart
from dnabert.explain.correction import benjamini_hochberg
from dnabert.explain.design_effect import DesignEffect, along_genome
from dnabert.explain.log_odds import PRIOR, TwoByTwo, score_more
from dnabert.explain.meme import Motif
from dnabert.explain.motif_growth import MINIMUM_WINDOWS, Grown, grow, information, mask
from dnabert.explain.representatives import halves, representatives
from dnabert.explain.scan import all_sites, best_sites
from dnabert.explain.vocabulary import Vocabulary, count_windows
from dnabert.explain.windows import ClusteredWindows
from dnabert.explain.words import shuffled_windows
from dnabert.progress import watched

#: The words from which motifs grow.
_SEEDS = Vocabulary("1" * 8)
#: Windows that a motif is grown on at most: of the cluster, and of each background.
GROWING = 1_000
#: Windows that it is tested on at most: of the cluster, and of each background.
HELD_OUT = 4_000
#: Shuffled windows of each cluster, on either half.
SHUFFLED = 300
#: Equal parts of a window in which sites are counted.
BINS = 10
#: Score that a seed needs (G, chi-squared with one degree of freedom): of 32,896 words, one passes by chance.
_SEED_SCORE = 16.3
#: Letters of ambiguity (NC-IUB 1984) for the bases that have at least a quarter of a column.
_AMBIGUOUS = dict(zip(range(1, 16), "ACMGRSVTWYHKDBN", strict=True))


@dataclass(frozen=True)
class _Halves:
    """Codes uint8 (n, L) of one cluster's windows, the others and the shuffled own: one half to grow on, one to test.

    `order` is that of the windows of both, the others last, along the genome; None where it is not known. `places` are
    those of the cluster's, int64 (n,).
    """

    inside: NDArray[np.uint8]
    others: NDArray[np.uint8]
    shuffled: NDArray[np.uint8]
    order: NDArray[np.int64] | None
    places: NDArray[np.int64]


def cluster_motifs(
    windows: ClusteredWindows, *, motifs: int = 4, longest: int = 60, prior: float = PRIOR, seed: int = 0
) -> list[dict[str, Any]]:
    """Motifs in more of a cluster's windows than in others and than in its own windows, shuffled.

    Of near-copies one window counts (`representatives`), and all windows of a place are in one half (`halves`): motifs
    are grown on the one (at most 1,000 windows of the cluster and of each background) and counted on the other (at most
    4,000), which keeps the p-values honest. A window has a site or not; p is Fisher's exact, one-sided, of as many
    windows as the motif's design effect among those counted leaves, if larger (`DesignEffect`; the intervals are as
    much wider); q is Benjamini-Hochberg's over clusters and motifs.

    Parameters
    ----------
    motifs : per cluster at most.
    longest : columns at most.
    prior : windows that the prior of the log-odds counts for.

    Returns
    -------
    list of dict, one per cluster: ``label``, ``n_growing``, ``n_held_out``, ``n_others``, ``n_shuffled`` (held out) and
    ``motifs``, in the order found, each with ``name``, ``consensus`` (IUPAC), ``letters`` (the most frequent ones),
    ``seed``, ``matrix`` (l rows of shares of A, C, G, T), ``length``, ``information_bits``, ``n_growing_sites``,
    ``threshold_bits``, ``n_sites`` and ``n_windows`` (held out), ``forward_share`` of the sites with its 95 % interval
    ``forward_low`` to ``forward_high``, which draws places (None for a palindrome), ``versus_others`` and
    ``versus_shuffled`` (share, background_share, log_odds, low, high, p, q), and ``position`` of the windows' best
    sites: ``histogram`` over ten parts of the window, ``distance``, p and q of Kolmogorov and Smirnov's test against
    uniform (None with fewer than 5 sites).
    """
    rows = representatives(windows.labels, windows.places, seed=seed)
    labels = windows.labels[rows]
    held_out = halves(rows, windows.places, seed=seed)
    rank = along_genome(windows)
    result, tests = [], []
    for label in watched(windows.clusters, "motifs"):
        growing, testing = (
            _half(
                windows, rows[held_out == side], labels[held_out == side], label=label, most=most, rank=rank, seed=seed
            )
            for side, most in ((False, GROWING), (True, HELD_OUT))
        )
        row: dict[str, Any] = {"label": label, "n_growing": len(growing.inside), "n_held_out": len(testing.inside)}
        row |= {"n_others": len(testing.others), "n_shuffled": len(testing.shuffled), "motifs": []}
        for word, grown in _search(growing, motifs=motifs, longest=longest):
            row["motifs"].append(
                _describe(grown) | {"name": f"cluster_{label}_motif_{len(row['motifs']) + 1}", "seed": word}
            )
            tests.append((row["motifs"][-1], _count(grown, testing)))
        result.append(row)
    _add_tests(tests, prior=prior)
    return result


def as_motifs(rows: list[dict[str, Any]], *, alpha: float = 1.0) -> list[Motif]:
    """The motifs of `cluster_motifs` as objects for `write_meme` and `compare_motifs`.

    Parameters
    ----------
    alpha : largest q against the others; 1 = all.
    """
    return [
        Motif(
            name=each["name"],
            matrix=np.array(each["matrix"]),
            alternate=each["consensus"],
            n_sites=each["n_growing_sites"],
        )
        for row in rows
        for each in row["motifs"]
        if each["versus_others"]["q"] <= alpha
    ]


def consensus(matrix: NDArray[np.floating]) -> str:
    """Letter of each column: the bases with at least a quarter of it, as IUPAC codes.

    Examples
    --------
    >>> consensus(np.array([[0.9, 0.1, 0, 0], [0.5, 0, 0.5, 0], [0.25, 0.25, 0.25, 0.25]]))
    'ARN'
    """
    kept = (np.asarray(matrix) >= 0.25) | (matrix == np.max(matrix, axis=1, keepdims=True))
    return "".join(_AMBIGUOUS[int(number)] for number in kept @ np.array([1, 2, 4, 8]))


def _half(
    windows: ClusteredWindows,
    rows: NDArray[np.int64],
    labels: NDArray[np.int64],
    *,
    label: int,
    most: int,
    rank: NDArray[np.int64] | None,
    seed: int,
) -> _Halves:
    rng = np.random.default_rng((seed, 2, label))
    own, other = (_sample(rows[chosen], most, rng=rng) for chosen in (labels == label, labels != label))
    inside = windows.sequences(own)
    shuffled = shuffled_windows(inside, np.zeros(len(own), dtype=np.int64), about=SHUFFLED, seed=seed)[1]
    order = None if rank is None else np.argsort(rank[np.concatenate([own, other])])
    others = codes(windows.sequences(other))
    return _Halves(codes(inside), others, codes(shuffled), order, _places(windows, own))


def _places(windows: ClusteredWindows, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    return places_apart(windows.table.iloc[rows])


def _sample(rows: NDArray[np.int64], most: int, *, rng: np.random.Generator) -> NDArray[np.int64]:
    return np.sort(rng.choice(rows, most, replace=False)) if len(rows) > most else rows


def _search(half: _Halves, *, motifs: int, longest: int) -> list[tuple[str, Grown]]:
    """Seed, grow, mask, and again: first what is beyond composition too, then what only the other windows lack."""
    found: list[tuple[str, Grown]] = []
    groups, tries = [half.inside, half.others, half.shuffled], 2 * motifs
    for used in (2, 1) if len(half.inside) >= MINIMUM_WINDOWS else ():
        while len(found) < motifs and tries:
            tries -= 1
            inside, *backgrounds = groups[: used + 1]
            word = _seed(inside, backgrounds)
            if word is None:
                break
            letters = np.array([ALPHABET.index(letter) for letter in word])
            grown = grow(letters, inside=inside, backgrounds=tuple(backgrounds), longest=longest)
            weights, threshold = np.eye(4)[letters], float(len(letters))
            if grown is not None and grown.enrichment > _SEED_SCORE:
                found.append((word, grown))
                weights, threshold = grown.weights, grown.threshold
            groups = [mask(group, weights, threshold=threshold) for group in groups]
    return found


def _seed(inside: NDArray[np.uint8], backgrounds: list[NDArray[np.uint8]]) -> str | None:
    """The word whose weakest enrichment over a background is the strongest, if it is more than chance gives."""
    letters = np.frombuffer(b"ACGTN", dtype=np.uint8)
    own, *others = (
        count_windows(letters[each], np.zeros(len(each), dtype=np.int64), _SEEDS, n_groups=1)[0]
        for each in (inside, *backgrounds)
    )
    tables = [TwoByTwo(own, len(inside), count, len(each)) for count, each in zip(others, backgrounds, strict=True)]
    score = np.min([score_more(table) for table in tables], axis=0)
    score[own < MINIMUM_WINDOWS] = -np.inf
    best = int(score.argmax())
    return _SEEDS.text(best) if score[best] > _SEED_SCORE else None


def _describe(grown: Grown) -> dict[str, Any]:
    bits = information(grown.matrix, n_sites=grown.n_sites)
    return {
        "consensus": consensus(grown.matrix),
        "letters": "".join(ALPHABET[base] for base in grown.matrix.argmax(axis=1)),
        "matrix": np.round(grown.matrix, 4).tolist(),
        "length": len(grown.matrix),
        "information_bits": float(bits.sum()),
        "n_growing_sites": grown.n_sites,
        "threshold_bits": grown.threshold,
    }


@dataclass(frozen=True)
class _Counted:
    """What a motif has on the held-out half."""

    sites: NDArray[np.int64]
    places: NDArray[np.int64]
    """Of the window of each site."""
    starts: NDArray[np.int64]
    last: int
    tables: tuple[TwoByTwo, ...]


def _count(grown: Grown, half: _Halves) -> _Counted:
    threshold = np.float32(grown.threshold)
    best = best_sites(half.inside, grown.weights)
    holds = best.score >= threshold
    others, shuffled = (best_sites(group, grown.weights).score >= threshold for group in (half.others, half.shuffled))
    effect = _effect(holds, others, order=half.order)
    sites = all_sites(half.inside, grown.weights, threshold=grown.threshold)
    return _Counted(
        sites,
        half.places[sites[:, 0]],
        best.start[holds],
        half.inside.shape[1] - len(grown.matrix),
        tuple(
            TwoByTwo(np.array([holds.sum()]), len(holds), np.array([each.sum()]), len(each), effect, outside)
            for each, outside in ((others, effect), (shuffled, 1.0))
        ),
    )


def _effect(inside: NDArray[np.bool_], others: NDArray[np.bool_], *, order: NDArray[np.int64] | None) -> float:
    """How many windows count for one, when one asks which have a motif."""
    if order is None:
        return 1.0
    label = np.where(np.arange(len(order)) < len(inside), 0, -1)
    return float(DesignEffect(label[order], clusters=1).of(np.concatenate([inside, others])[None, order])[0, 0])


def _add_tests(tests: list[tuple[dict[str, Any], _Counted]], *, prior: float) -> None:
    """Complete the motifs' rows: a q needs all of them."""
    positions = [_position(counted) for _, counted in tests]
    tested = [each for each in positions if each["p"] is not None]
    for each, q in zip(tested, benjamini_hochberg([each["p"] for each in tested]).tolist(), strict=True):
        each["q"] = q
    for (row, counted), position in zip(tests, positions, strict=True):
        row["n_sites"] = len(counted.sites)
        row["n_windows"] = len(counted.starts)
        row |= _forward_share(counted, row["letters"])
        row["position"] = position
    for i, name in enumerate(("versus_others", "versus_shuffled")):
        tables = [counted.tables[i] for _, counted in tests]
        p = np.array([table.p_more()[0] for table in tables])
        q = benjamini_hochberg(p)
        for (row, _), table, one_p, one_q in zip(tests, tables, p, q, strict=True):
            row[name] = table.describe(p=[one_p], q=[one_q], index=0, prior=prior)


def _forward_share(counted: _Counted, letters: str) -> dict[str, float | None]:
    """None without sites, and for a palindrome, whose strand nothing tells. Sites of a window, or of windows side by
    side, are often of one copy, which has one strand."""
    names = ("forward_share", "forward_low", "forward_high")
    if len(counted.sites) == 0 or letters == reverse_complement(letters):
        return dict.fromkeys(names)
    found = bootstrap_mean(counted.sites[:, 2] == 0, groups=counted.places, resamples=1_000)
    return dict(zip(names, (found.value, found.low, found.high), strict=True))


def _position(counted: _Counted) -> dict[str, Any]:
    from scipy.stats import kstest

    share = (counted.starts + 0.5) / (counted.last + 1)
    histogram = np.histogram(share, bins=BINS, range=(0, 1))[0].tolist()
    if len(share) < 5:
        return {"histogram": histogram, "distance": None, "p": None, "q": None}
    test = kstest(share, "uniform")
    return {"histogram": histogram, "distance": float(test.statistic), "p": float(test.pvalue), "q": None}
