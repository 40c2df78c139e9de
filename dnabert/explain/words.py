"""Words that mark a cluster: k-mers and spaced pairs of short words, in more of its windows than elsewhere.

"Elsewhere" is asked twice: against the windows of all other clusters and of none, and against the cluster's own windows
with their dinucleotides shuffled. A word that passes only the first may be no more than the cluster's composition.
The clusters were drawn from the same sequences, so that the p-values say how sure a word's share is, not that clusters
exist.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from operator import itemgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnabert.alphabet import reverse_complement
from dnabert.corpus.shuffle import shuffle_dinucleotides
from dnabert.explain.correction import benjamini_hochberg
from dnabert.explain.design_effect import DesignEffect, along_genome
from dnabert.explain.in_threads import in_threads
from dnabert.explain.log_odds import PRIOR, TwoByTwo
from dnabert.explain.representatives import representatives
from dnabert.explain.vocabulary import Vocabulary, windows_with
from dnabert.explain.windows import ClusteredWindows
from dnabert.explain.word_counts import WordCounts
from dnabert.progress import watched

#: 1 = a base that counts, 0 = any base: words of 6 and of 8, and pairs of 3 that lie 1 to 10 apart, which is how van
#: Helden, Rios & Collado-Vides 2000 look for sites that two halves of a protein touch ("dyads").
PATTERNS = ("111111", "11111111", *("111" + "0" * gap + "111" for gap in range(1, 11)))
#: Shuffled windows per cluster: a sample of a large one, a small one several times.
SHUFFLED = 500
#: Truth values of words in windows that a thread holds at once (128 MB).
_CELLS = 1 << 27


def cluster_words(
    windows: ClusteredWindows,
    *,
    patterns: tuple[str, ...] = PATTERNS,
    top: int = 10,
    shuffled: int = SHUFFLED,
    prior: float = PRIOR,
    alpha: float = 0.05,
    threads: int = 1,
    seed: int = 0,
) -> list[dict[str, Any]]:
    """Words in more windows of a cluster than elsewhere, with effect, interval, p and q.

    Near-copies count once: see `representatives`. A window has a word or not, on either strand. p is Fisher's exact,
    one-sided (more); q is Benjamini-Hochberg's over all words of all patterns and clusters, separately for each of the
    two backgrounds. Copies of one window that are shuffled several times vary less than windows do, which makes the
    second p too large, if anything.

    Windows that lie near each other share words, and are no independent draws. Of each word that passes the test
    against the others, p is therefore that of as many windows as its design effect leaves, if larger, and the intervals
    are as much wider (`DesignEffect`; without coordinates every window counts): labels that are moved along the genome
    mark nothing.

    Parameters
    ----------
    patterns : of words, see `Vocabulary`.
    top : words of each kind (6-mers, 8-mers, pairs) that a cluster shows at most.
    shuffled : shuffled windows per cluster, about.
    prior : windows that the prior of the log-odds counts for.
    alpha : largest q against the others of words that are shown and counted.
    threads : that count; they change nothing.

    Returns
    -------
    list of dict, one per cluster: ``label``, ``n``, ``n_independent``, ``n_others``, ``n_shuffled``, ``n_tested``,
    ``n_marking`` (q < alpha against the others), ``n_beyond_composition`` (against both), and ``words``: those of q <
    alpha, kind after kind, of each the ones beyond composition first, then by class TF-IDF; each with ``word`` (the
    alphabetically smaller strand, n = any base), ``kind``, ``tf_idf``, ``design_effect`` (windows that count for one),
    ``versus_others`` and ``versus_shuffled`` (share, background_share, log_odds (natural), low, high, p, q).
    """
    rows = representatives(windows.labels, windows.places, seed=seed)
    labels, bases = windows.labels[rows], windows.sequences(rows)
    owners, shuffles = shuffled_windows(bases, labels, about=shuffled, seed=seed)
    count = partial(WordCounts.of, bases=bases, labels=labels, owners=owners, shuffles=shuffles)
    counting = in_threads(count, [Vocabulary(pattern) for pattern in patterns], threads=threads)
    counted = list(watched(counting, "words counted", unit=" patterns", total=len(patterns)))
    tables = [[each.tables(label) for label in windows.clusters] for each in counted]
    of_all = [[others.p_more() for others, _ in of_pattern] for of_pattern in tables]
    rank = along_genome(windows)
    if rank is not None and len(windows.clusters):
        order = np.argsort(rank[rows])
        design = DesignEffect(labels[order], clusters=len(windows.clusters))
        marking = [np.stack(of_pattern) < alpha for of_pattern in _corrected(of_all)]
        asked = partial(_effects, bases=bases[order], design=design)
        finding = in_threads(lambda i: asked(counted[i], marking=marking[i]), range(len(counted)), threads=threads)
        told = watched(finding, "windows that count for one", unit=" patterns", total=len(counted))
        for i, effects in enumerate(told):
            tables[i] = [
                (a.with_effects(d, d), b.with_effects(d)) for (a, b), d in zip(tables[i], effects, strict=True)
            ]
    p_others = [
        [others.p_more(of_all=p) for (others, _), p in zip(of_pattern, known, strict=True)]
        for of_pattern, known in zip(tables, of_all, strict=True)
    ]
    p_shuffled = [[shuffled.p_more() for _, shuffled in of_pattern] for of_pattern in tables]
    p = (p_others, p_shuffled)
    q = (_corrected(p_others), _corrected(p_shuffled))
    result = []
    for label in watched(windows.clusters, "words"):
        found = [
            _Found(counts, tables[i][label], (p[0][i][label], p[1][i][label]), (q[0][i][label], q[1][i][label]), label)
            for i, counts in enumerate(counted)
        ]
        sizes = {"n": len(windows.members(label)), "n_independent": int((labels == label).sum())}
        sizes |= {"n_others": int((labels != label).sum()), "n_shuffled": int((owners == label).sum())}
        sizes["n_tested"] = sum(words.vocabulary.size - int((~words.tested).sum()) for words in counted)
        sizes["n_marking"] = sum(int((each.q[0] < alpha).sum()) for each in found)
        sizes["n_beyond_composition"] = sum(int(each.beyond(alpha).sum()) for each in found)
        result.append({"label": label} | sizes | {"words": _words(found, top=top, alpha=alpha, prior=prior)})
    return result


def shuffled_windows(
    bases: NDArray[np.uint8], labels: NDArray[np.integer], *, about: int, seed: int = 0
) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
    """Windows of each cluster with their dinucleotides shuffled: all equally often, or a sample of a large cluster.

    Parameters
    ----------
    bases : uint8 ASCII (n, L).
    labels : int (n,), -1 = not to be shuffled.
    about : shuffled windows per cluster: at least this many, less than twice as many.

    Returns
    -------
    the cluster of each shuffled window, int64 (s,), and the windows, uint8 (s, L), in upper case.
    """
    rng = np.random.default_rng((seed, 3))
    chosen = [np.flatnonzero(labels == label) for label in range(int(labels.max(initial=-1)) + 1)]
    drawn = [rng.permutation(each)[: 2 * about] if len(each) > about else each for each in chosen]
    source = np.concatenate([np.tile(each, -(-about // max(1, len(each)))) for each in drawn] or [np.zeros(0, int)])
    upper = np.where(bases >= ord("a"), bases - 32, bases).astype(np.uint8)  # soft-masking is not a letter here
    return labels[source].astype(np.int64), shuffle_dinucleotides(upper[source], rows=np.arange(len(source)), seed=seed)


@dataclass(frozen=True)
class _Found:
    """A pattern's tested words in one cluster: tables, p and q, each versus other windows and versus shuffled ones."""

    counts: WordCounts
    tables: tuple[TwoByTwo, TwoByTwo]
    p: tuple[NDArray[np.float64], NDArray[np.float64]]
    q: tuple[NDArray[np.float64], NDArray[np.float64]]
    label: int

    def beyond(self, alpha: float) -> NDArray[np.bool_]:
        return (self.q[0] < alpha) & (self.q[1] < alpha)

    def place(self, index: int) -> int:
        """Index in the vocabulary of one of the tested words."""
        return int(self.counts.places[index])

    def text(self, index: int) -> str:
        return self.counts.vocabulary.text(self.place(index))


#: A word that marks a cluster: its rank (the smaller, the better), where it was found, its index there.
_Candidate = tuple[tuple[bool, float], _Found, int]


def _corrected(p: list[list[NDArray[np.float64]]]) -> list[list[NDArray[np.float64]]]:
    """q over all patterns and clusters together, in the shape of p."""
    every = [of_cluster for of_pattern in p for of_cluster in of_pattern]
    q = benjamini_hochberg(np.concatenate(every)) if every else np.zeros(0)
    ends = np.cumsum([len(of_cluster) for of_cluster in every])[:-1]
    parts = iter(np.split(q, ends))
    return [[next(parts) for _ in of_pattern] for of_pattern in p]


def _effects(
    counts: WordCounts, *, bases: NDArray[np.uint8], design: DesignEffect, marking: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Design effects of a pattern's tested words in each cluster that they may mark, else 1: float64 (C, t)."""
    effects = np.ones(marking.shape)
    chosen, words = np.flatnonzero(marking.any(axis=0)), counts.places
    step = max(1, _CELLS // len(bases))
    for begin in range(0, len(chosen), step):
        own = chosen[begin : begin + step]
        effects[:, own] = design.of(windows_with(bases, counts.vocabulary, words[own]))
    return np.where(marking, effects, 1.0)


def _words(found: list[_Found], *, top: int, alpha: float, prior: float) -> list[dict[str, Any]]:
    """The best words of each kind as rows."""
    candidates: dict[str, list[_Candidate]] = {}
    for of_pattern in found:
        beyond = of_pattern.beyond(alpha)
        weight = of_pattern.counts.tf_idf[of_pattern.label][of_pattern.counts.tested]
        for index in np.flatnonzero(of_pattern.q[0] < alpha).tolist():
            rank = (not beyond[index], -float(weight[index]))
            candidates.setdefault(of_pattern.counts.vocabulary.kind, []).append((rank, of_pattern, index))
    chosen = (_apart(sorted(of_kind, key=itemgetter(0)), top=top) for of_kind in candidates.values())
    return [_row(of_pattern, index, prior=prior) for of_kind in chosen for _, of_pattern, index in of_kind]


def _apart(ranked: list[_Candidate], *, top: int) -> list[_Candidate]:
    """The best, without words that are a better one moved by one or two bases, or a better pair at another distance."""
    kept: list[_Candidate] = []
    seen: set[str] = set()
    for candidate in ranked:
        _, found, index = candidate
        parts = _parts(found.text(index))
        if not parts & seen:
            kept.append(candidate)
            seen |= parts
        if len(kept) == top:
            break
    return kept


def _parts(word: str) -> set[str]:
    """What two words may not share: their letters but two in a row, a pair's letters; on either strand."""
    letters = word.replace("n", "")
    width = len(letters) if "n" in word else max(1, len(letters) - 2)
    both = (letters, reverse_complement(letters))
    return {strand[i : i + width] for strand in both for i in range(len(letters) - width + 1)}


def _row(found: _Found, index: int, *, prior: float) -> dict[str, Any]:
    others, shuffled = (
        table.describe(p=p, q=q, index=index, prior=prior)
        for table, p, q in zip(found.tables, found.p, found.q, strict=True)
    )
    return {
        "word": found.text(index),
        "kind": found.counts.vocabulary.kind,
        "tf_idf": float(found.counts.tf_idf[found.label][found.place(index)]),
        "design_effect": float(np.broadcast_to(found.tables[0].effect_inside, found.p[0].shape)[index]),
        "versus_others": others,
        "versus_shuffled": shuffled,
    }
