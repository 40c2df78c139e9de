"""The sequence that a cluster's windows share: where it is, how well they keep it, and whether there is one at all."""

from __future__ import annotations

import importlib.util
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnabert.alphabet import UNKNOWN, codes, reverse_complement
from dnabert.corpus.shuffle import shuffle_dinucleotides
from dnabert.errors import UserError
from dnabert.explain.correction import add_q
from dnabert.explain.hit_share import wilson_interval
from dnabert.explain.homology import SIGNIFICANT, percent_or_more
from dnabert.explain.local_alignment import GAP, MATCH, MISMATCH, local_alignments, local_scores
from dnabert.explain.loci import loci
from dnabert.explain.low_complexity import low_complexity
from dnabert.explain.windows import ClusteredWindows
from dnabert.progress import watched
from dnabert.shares import percent

#: Fewer sequences, of different places, have no consensus: two would give one of them.
FEWEST = 3
#: Share of the sequences that must align, and chance that so many do, for a consensus to be called the cluster's.
LEAST_SHARE = 0.25
MOST_P = 1e-3
#: Sequences from which, in turn, the common core is sought; those that share most words with the others.
_SEEDS = 3
#: Bases of a word; two unrelated windows of 448 bp share 0.2 of this length, two copies that are 70 % identical 8.
_WORD = 10


def consensuses(
    windows: ClusteredWindows, *, sample: int = 60, shuffles: int = 100, seed: int = 0
) -> list[dict[str, Any]]:
    """The consensus of each cluster, one dict per cluster in order: ``label``, the fields of `consensus` and ``q``.

    One window per locus is drawn (`loci`): near-copies would give a consensus of one place. ``q`` is `p` after
    Benjamini and Hochberg over all clusters (None of one with fewer than 3 places); where it is above 0.05 there is no
    consensus, whatever `p` is.

    Parameters
    ----------
    windows : the clustered windows.
    sample : loci per cluster at most, at random.
    shuffles, seed : of `consensus`; `seed` also of the sample.

    Raises
    ------
    UserError
        when pyspoa is not installed.
    """
    rng = np.random.default_rng(seed)
    locus = loci(windows.places)
    rows = []
    for label in watched(windows.clusters, "consensus"):
        members = rng.permutation(windows.members(label))
        first = np.sort(np.unique(locus[members], return_index=True)[1])[:sample]
        rows.append({"label": label} | consensus(windows.sequences(members[first]), shuffles=shuffles, seed=seed))
    tested = [row for row in rows if row["sequences"] >= FEWEST]
    add_q(tested)
    for row in rows:
        row.setdefault("q", None)  # fewer places are no test
        if row["found"] and row["q"] > SIGNIFICANT:
            row |= _as_likely_by_chance(row, clusters=len(tested))
    return rows


def _as_likely_by_chance(row: dict[str, Any], *, clusters: int) -> dict[str, Any]:
    """A consensus that one of so many clusters would have anyway."""
    why = (
        f"no consensus: {row['sharing']} of {row['sequences']} places share a sequence, which one of {clusters} "
        f"clusters may do by chance (q = {row['q']:.2f})"
    )
    return _none(row["sequences"], sharing=row["sharing"], p=row["p"], why=why)


def consensus(sequences: NDArray[np.uint8], *, shuffles: int = 100, seed: int = 0) -> dict[str, Any]:
    """Find what most sequences share, wherever and on whichever strand it lies in each, and write its consensus.

    The sequences that share most words with the others are tried as seeds: all others are aligned with the seed on
    both strands (Smith-Waterman). One *shares* the core when its score is above those of all shuffled sequences,
    which keep their dinucleotides. Those that share it, put on the seed's strand, are aligned as a partial-order
    graph (Lee et al. 2002, by spoa; Vaser et al. 2017); of its consensus the flanks are cut off on which fewer agree
    than half as many as at best. Then all sequences are aligned with the consensus, and what stands opposite each of
    its bases is counted.

    There is a consensus when at least 3 sequences, a quarter of all, share the core, and the chance that so many
    sequences stand above all shuffled ones is at most 0.001 (times the seeds tried). Sequences with nothing in common
    have none.

    Parameters
    ----------
    sequences : uint8 ASCII (n, L), each of another place; either case, as their forward strand reads.
    shuffles : shuffled sequences that every score is held against.
    seed : of the shuffles.

    Returns
    -------
    dict with ``found`` (bool), ``sequences`` (n), ``sharing`` (how many align with it), ``share`` with ``low`` and
    ``high`` (Wilson), ``p``, and ``sentence``; where found also ``consensus`` (str), ``coverage`` (per base, how many
    sequences have a base opposite), ``frequencies`` (per base, shares of A, C, G, T opposite, length x 4), ``identity``
    (mean over the sequences that align, over columns with gaps), ``aligned`` (mean bases of the consensus that a
    sequence reaches), ``forward`` (share of the sequences on the consensus's strand), ``low_complexity`` (share of
    the consensus) and ``beyond_window`` (bool: it is longer than the sequences, which are pieces of it; those that
    overlap the seed in no base do not share the core, so that its length and ``share`` are lower bounds). Where not
    found these are None.

    Raises
    ------
    UserError
        when pyspoa is not installed.
    """
    poa = _spoa()
    sequences = np.where(sequences >= ord("a"), sequences - 32, sequences).astype(np.uint8)
    n = len(sequences)
    if n < FEWEST:
        return _none(
            n, sharing=0, p=1.0, why=f"no consensus: {n} {'place' if n == 1 else 'places'}, fewer than {FEWEST}"
        )
    null = shuffle_dinucleotides(sequences[np.arange(shuffles) % n], rows=np.arange(shuffles), seed=seed)
    tried = [_shared(sequences, null, core=sequences[candidate]) for candidate in _central(sequences)]
    scores, forward, shared = max(tried, key=_support)
    # the seed is one of its own sharers and says nothing about the others
    p = min(1.0, _SEEDS * _chance(int(shared.sum()) - 1, real=n - 1, null=shuffles))
    if not _enough(int(shared.sum()), n=n) or p > MOST_P:
        return _none(n, sharing=int(shared.sum()), p=p, why=_nothing(int(shared.sum()), n=n))
    order = np.flatnonzero(shared)[np.argsort(-scores[shared], kind="stable")]
    graph = [_on_strand(sequences[i], plus=bool(forward[i])).tobytes().decode("ascii") for i in order]
    raw, _ = poa(graph, algorithm=0, genmsa=False, m=MATCH, n=MISMATCH, g=GAP, e=GAP, q=GAP, c=GAP)
    return _described(_trimmed(raw, sequences, null=null), sequences, null=null, p=p)


def missing_package() -> str | None:
    """What to install when a consensus cannot be made; None when it can."""
    found = importlib.util.find_spec("spoa")
    return None if found else "a consensus needs pyspoa, which is not installed: pip install 'dnabert[explain]'"


def _spoa() -> Any:
    missing = missing_package()
    if missing:
        raise UserError(missing)
    from spoa import poa

    return poa


def _central(sequences: NDArray[np.uint8]) -> list[int]:
    """The sequences that share most words with the others, whichever strand each is read on."""
    words = _words(sequences)
    common = (words @ words.T).toarray()
    np.fill_diagonal(common, 0)
    return np.argsort(-common.sum(axis=1), kind="stable")[:_SEEDS].tolist()


def _words(sequences: NDArray[np.uint8]) -> Any:
    """Which words each sequence has, read on either strand: sparse int32 (n, 4^word)."""
    from scipy.sparse import csr_matrix

    base = codes(sequences).astype(np.int64)
    width = base.shape[1] - _WORD + 1
    if width < 1:
        return csr_matrix((len(base), 1), dtype=np.int32)
    forward = sum(base[:, i : i + width] * 4 ** (_WORD - 1 - i) for i in range(_WORD))
    reverse = sum((3 - base[:, i : i + width]) * 4**i for i in range(_WORD))
    known = np.ones(forward.shape, dtype=bool)
    for i in range(_WORD):
        known &= base[:, i : i + width] != UNKNOWN
    row, column = np.nonzero(known)
    pairs = np.unique(np.stack([row, np.minimum(forward, reverse)[row, column]]), axis=1)
    return csr_matrix((np.ones(pairs.shape[1], dtype=np.int32), pairs), shape=(len(base), 4**_WORD))


def _shared(
    sequences: NDArray[np.uint8], null: NDArray[np.uint8], *, core: NDArray[np.uint8]
) -> tuple[NDArray[np.int64], NDArray[np.bool_], NDArray[np.bool_]]:
    """Score of each sequence on its better strand, whether that is the forward one, and whether it beats all
    shuffled."""
    both = np.concatenate([sequences, null])
    plus, minus = local_scores(both, core), local_scores(both, reverse_complement(core))
    best = np.maximum(plus, minus)
    n = len(sequences)
    return best[:n], (plus >= minus)[:n], best[:n] > best[n:].max()


def _support(shared: tuple[NDArray[np.int64], NDArray[np.bool_], NDArray[np.bool_]]) -> tuple[int, int]:
    """By which the core of `_shared` is chosen: how many sequences share it, and the sum of their scores."""
    scores, _, sharing = shared
    return int(sharing.sum()), int(scores[sharing].sum())


def _chance(above: int, *, real: int, null: int) -> float:
    """Chance that the `above` highest of real + null exchangeable scores are all real ones."""
    if above <= 0:
        return 1.0
    i = np.arange(min(above, real))
    return float(np.exp(np.log((real - i) / (real + null - i)).sum()))


def _enough(sharing: int, *, n: int) -> bool:
    return sharing >= max(FEWEST, LEAST_SHARE * n)


def _on_strand(bases: NDArray[np.uint8], *, plus: bool) -> NDArray[np.uint8]:
    return bases if plus else reverse_complement(bases)


def _trimmed(raw: str, sequences: NDArray[np.uint8], *, null: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The graph's consensus without the flanks that one sequence or a few lend it."""
    whole = np.frombuffer(raw.encode("ascii"), dtype=np.uint8)
    _, _, opposite, bases = _aligned(sequences, whole, null=null)
    # alignments run on into a flank by chance: what is counted is bases that agree
    agreeing = np.bincount(opposite[(opposite >= 0) & (whole[opposite] == bases)], minlength=len(whole))
    reached = np.flatnonzero(agreeing >= agreeing.max() / 2)
    return whole[reached[0] : reached[-1] + 1]


def _aligned(
    sequences: NDArray[np.uint8], core: NDArray[np.uint8], *, null: NDArray[np.uint8]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.int64], NDArray[np.uint8]]:
    """Which sequences share the core, their strands, and of those that do their bases on its strand and what is
    opposite."""
    _, forward, shared = _shared(sequences, null, core=core)
    turned = np.where(forward[:, None], sequences, reverse_complement(sequences))[shared]
    return shared, forward[shared], local_alignments(turned, core)[1], turned


def _described(
    core: NDArray[np.uint8], sequences: NDArray[np.uint8], *, null: NDArray[np.uint8], p: float
) -> dict[str, Any]:
    shared, forward, opposite, bases = _aligned(sequences, core, null=null)
    n, sharing = len(sequences), int(shared.sum())
    if not _enough(sharing, n=n):
        return _none(n, sharing=sharing, p=p, why=_nothing(sharing, n=n))
    counts = np.zeros((len(core), UNKNOWN + 1), dtype=np.int64)
    paired = opposite >= 0
    np.add.at(counts, (opposite[paired], codes(bases)[paired]), 1)
    coverage = counts[:, :UNKNOWN].sum(axis=1)
    identities, spans = zip(*(_identity(*each, core=core) for each in zip(bases, opposite, strict=True)), strict=True)
    low, high = wilson_interval(sharing / n, n)
    found = {
        "found": True,
        "sequences": n,
        "sharing": sharing,
        "share": sharing / n,
        "low": low,
        "high": high,
        "p": p,
        "consensus": core.tobytes().decode("ascii"),
        "coverage": coverage.tolist(),
        "frequencies": (counts[:, :UNKNOWN] / np.maximum(coverage, 1)[:, None]).tolist(),
        "identity": float(np.mean(identities)),
        "aligned": float(np.mean(spans)),
        "forward": float(forward.mean()),
        "low_complexity": float(low_complexity(core[None])[0]),
        "beyond_window": len(core) > sequences.shape[1],
    }
    simple = "; most of it is simple sequence" if found["low_complexity"] > 0.5 else ""
    least = "at least " if found["beyond_window"] else ""
    share = percent_or_more(sharing / n) if least else percent(sharing / n)
    sentence = (
        f"{share} of {n} places share a consensus of {least}{len(core)} bp at {percent(found['identity'])} identity"
    )
    return found | {"sentence": f"{sentence}, {found['aligned']:.0f} bp of it on average{simple}"}


def _identity(bases: NDArray[np.uint8], opposite: NDArray[np.int64], *, core: NDArray[np.uint8]) -> tuple[float, int]:
    """Share of columns, gaps counted, with equal bases; and bases of the core from the first to the last column."""
    place = np.flatnonzero(opposite >= 0)
    span = int(opposite[place[-1]] - opposite[place[0]]) + 1
    columns = span + int(place[-1] - place[0]) + 1 - len(place)
    return float((bases[place] == core[opposite[place]]).sum() / columns), span


def _nothing(sharing: int, *, n: int) -> str:
    if sharing < FEWEST:
        return f"no consensus: no {FEWEST} of {n} places share a sequence that shuffled ones would not"
    return f"no consensus: {sharing} of {n} places share a sequence, too few to be the cluster's"


def _none(n: int, *, sharing: int, p: float, why: str) -> dict[str, Any]:
    low, high = wilson_interval(sharing / max(n, 1), n)
    empty = dict.fromkeys(
        ("consensus", "coverage", "frequencies", "identity", "aligned", "forward", "low_complexity", "beyond_window")
    )
    found = {
        "found": False,
        "sequences": n,
        "sharing": sharing,
        "share": sharing / max(n, 1),
        "low": low,
        "high": high,
        "p": p,
    }
    return {**found, **empty, "sentence": why}
