"""Whether a sequence is like those of the corpus: its composition, its letters, its length."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnabert.alphabet import UNKNOWN, codes, reverse_complement
from dnabert.clusters.membership import USUAL
from dnabert.json_file import read_json

ARRAYS = "familiarity.safetensors"
SUMMARY = "familiarity.json"
#: Windows of the corpus that the composition is counted in; half of them set the threshold.
SAMPLE = 20_000
#: Longest context. Of 500 random sequences of 448 bp at 40, 50 and 65 % GC each, all cost more than 99 % of four apes'
#: windows of chromosome 22 do; by order 2, 97 % of those at 40 % GC; by Mahalanobis distance of 4-mer counts, 31 %.
_LONGEST_ORDER = 5
#: Each k-mer should be seen some hundred times, or the Markov model learns the sample by heart.
_COUNTS_PER_KMER = 100
#: Share of letters beyond A, C, G, T from which a sequence says too little.
_UNKNOWN_SHARE = 0.1
#: Lengths beyond this factor of the corpus's own.
_LENGTH_FACTOR = 2.0
#: Bases whose words are looked up at once, at some 35 bytes each.
_AT_ONCE = 1 << 21
#: Bits per base by which sums in another order may differ.
_ROUNDING = 1e-6


@dataclass(frozen=True)
class Familiarity:
    """What sequences of the corpus are like.

    Attributes
    ----------
    bits : float32 (4 ** (order + 1),), cost in bits of a base after its `order` predecessors, both strands counted.
    order : of the Markov model.
    middle, usual : median bits per base of corpus windows that it was not fitted on, and what all but 1 % stay within.
    shortest, longest : lengths in bases that all but 1 % of the corpus's windows lie between.
    """

    bits: np.ndarray
    order: int
    middle: float
    usual: float
    shortest: float
    longest: float

    def reasons(self, sequences: Sequence[NDArray[np.uint8]]) -> list[list[str]]:
        """Why each of n sequences is unlike the corpus: ``composition``, ``unknown bases``, ``length``; mostly
        nothing."""
        lengths = np.array([len(sequence) for sequence in sequences])
        unknown = np.array([np.count_nonzero(codes(sequence) == UNKNOWN) for sequence in sequences])
        # the mean over fewer bases varies more
        room = (self.usual - self.middle) * np.sqrt(np.maximum(self.longest / np.maximum(lengths, 1), 1.0))
        strange = bits_per_base(sequences, bits=self.bits, order=self.order) > self.middle + room + _ROUNDING
        many = unknown > _UNKNOWN_SHARE * lengths
        off = (lengths * _LENGTH_FACTOR < self.shortest) | (lengths > self.longest * _LENGTH_FACTOR)
        named = (("composition", strange), ("unknown bases", many), ("length", off))
        return [[name for name, found in named if found[row]] for row in range(len(sequences))]

    def save(self, folder: Path) -> None:
        """Write ``familiarity.safetensors`` and ``familiarity.json``."""
        from safetensors.numpy import save_file

        save_file({"bits": self.bits}, folder / ARRAYS)
        numbers = {name: getattr(self, name) for name in ("order", "middle", "usual", "shortest", "longest")}
        (folder / SUMMARY).write_text(json.dumps(numbers, indent=1, allow_nan=False) + "\n")


def load_familiarity(folder: Path) -> Familiarity | None:
    """Read what `Familiarity.save` wrote; None where it was not (the corpus was gone when the clusters were made)."""
    from safetensors.numpy import load_file

    if not (folder / SUMMARY).is_file():
        return None
    return Familiarity(load_file(folder / ARRAYS)["bits"], **read_json(folder / SUMMARY))


def fit_familiarity(sequences: Sequence[NDArray[np.uint8]]) -> Familiarity:
    """Count what sequences of the corpus are made of.

    Parameters
    ----------
    sequences : uint8 ASCII, at least 2. Every other one is counted; the rest say how much windows vary.
    """
    counted, rest = sequences[::2], sequences[1::2]
    order = _order(sum(len(sequence) for sequence in counted))
    bits = _markov(counted, order=order)
    cost = bits_per_base(rest, bits=bits, order=order)
    cost = cost[np.isfinite(cost)]
    middle, usual = (float(np.median(cost)), _limit(cost)) if len(cost) else (2.0, np.inf)
    lengths = np.array([len(sequence) for sequence in sequences])
    shortest, longest = np.quantile(lengths, [1 - USUAL, USUAL])
    return Familiarity(bits, order, middle, min(usual, 1e3), float(shortest), float(longest))


def _limit(cost: np.ndarray) -> float:
    """What all but 1 % of further windows stay within: the quantile, and of fewer than can show it at least Student's
    prediction limit.

    Examples
    --------
    >>> round(_limit(np.linspace(1.8, 2.0, 101)), 3)
    1.998
    >>> round(_limit(np.array([1.8, 1.9, 2.0])), 3)  # 1.9 + 6.965 * 0.1 * sqrt(4 / 3)
    2.704
    """
    from scipy.stats import t

    quantile, n = float(np.quantile(cost, USUAL)), len(cost)
    if n >= 1 / (1 - USUAL):
        return quantile
    if n == 1:
        return np.inf
    return max(quantile, float(cost.mean() + t.ppf(USUAL, n - 1) * cost.std(ddof=1) * np.sqrt(1 + 1 / n)))


def corpus_sequences(manifest: Mapping[str, Any], *, sample: int = SAMPLE) -> list[NDArray[np.uint8]]:
    """Up to `sample` of the sequences that were embedded, forward strand; none where they are gone or have changed.

    Parameters
    ----------
    manifest : of the embeddings.
    """
    import dataclasses

    from dnabert.encoders import EmbedConfig
    from dnabert.encoders.source import open_source
    from dnabert.errors import UserError
    from dnabert.manifest import content_hash

    origin = manifest["inputs"]["input"]
    path = Path(origin["path"])
    if content_hash(path) != origin.get("sha256", ""):
        return []
    known = {field.name for field in dataclasses.fields(EmbedConfig)}
    config = EmbedConfig(**{name: value for name, value in manifest["config"].items() if name in known})
    config = dataclasses.replace(config, strand="forward", sample=min(config.sample or sample, sample))
    try:
        with open_source(path, config=config) as source:
            return [bases for chunk in source.chunks(0, len(source)) for bases in chunk.bases]
    except UserError:  # what was embedded cannot be read any more; the clusters can do without it
        return []


def bits_per_base(sequences: Sequence[NDArray[np.uint8]], *, bits: np.ndarray, order: int) -> np.ndarray:
    """Mean cost of a base, mean of both strands: float64 (n,), NaN where no `order` + 1 known bases stand together."""
    forward, reverse = (
        _sums(strand, bits=bits, order=order) for strand in (sequences, [reverse_complement(s) for s in sequences])
    )
    with np.errstate(invalid="ignore"):
        return (forward[0] + reverse[0]) / (forward[1] + reverse[1])


def _sums(
    sequences: Sequence[NDArray[np.uint8]], *, bits: np.ndarray, order: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Summed cost and number of k-mers of each sequence, a few million bases at a time."""
    cost, count = np.zeros(len(sequences)), np.zeros(len(sequences))
    for owners, parts in _pieces(sequences, overlap=order):
        number, kmer = _kmers(parts, order=order)
        np.add.at(cost, owners, np.bincount(number, weights=bits[kmer], minlength=len(parts)))
        np.add.at(count, owners, np.bincount(number, minlength=len(parts)))
    return cost, count


def _pieces(
    sequences: Sequence[NDArray[np.uint8]], *, overlap: int
) -> Iterator[tuple[list[int], list[NDArray[np.uint8]]]]:
    """Stretches of sequences and the numbers of these, some million bases together; stretches of one overlap, so that
    no word is lost or met twice."""
    owners: list[int] = []
    parts: list[NDArray[np.uint8]] = []
    size = 0
    for owner, sequence in enumerate(sequences):
        for begin in range(0, max(len(sequence), 1), _AT_ONCE):
            parts.append(sequence[begin : begin + _AT_ONCE + overlap])
            owners.append(owner)
            size += len(parts[-1])
            if size >= _AT_ONCE:
                yield owners, parts
                owners = []
                parts = []
                size = 0
    if parts:
        yield owners, parts


def _kmers(sequences: Sequence[NDArray[np.uint8]], *, order: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Sequence number and code of every word of `order` + 1 known bases."""
    lengths = [len(sequence) for sequence in sequences]
    # an unknown base after each sequence: no word spans two
    gap = np.full(1, ord("N"), dtype=np.uint8)
    code = codes(np.concatenate([part for sequence in sequences for part in (sequence, gap)]))
    number = np.repeat(np.arange(len(sequences)), np.array(lengths) + 1)
    count = max(len(code) - order, 0)
    word = np.zeros(count, dtype=np.int64)
    legal = np.ones(count, dtype=bool)
    for offset in range(order + 1):
        shifted = code[offset : offset + count]
        word = word * 4 + np.minimum(shifted, 3)
        legal &= shifted < UNKNOWN
    return number[:count][legal], word[legal]


def _markov(sequences: Sequence[NDArray[np.uint8]], *, order: int) -> np.ndarray:
    counts = np.full(4 ** (order + 1), 0.5)  # Krichevsky and Trofimov 1981
    for _, part in _pieces(sequences, overlap=order):
        for strand in (part, [reverse_complement(sequence) for sequence in part]):
            counts += np.bincount(_kmers(strand, order=order)[1], minlength=len(counts))
    share = counts.reshape(-1, 4) / counts.reshape(-1, 4).sum(axis=1, keepdims=True)
    return (-np.log2(share)).ravel().astype(np.float32)


def _order(bases: int) -> int:
    """Longest context whose k-mers, both strands counted, are seen often enough."""
    order = 0
    while order < _LONGEST_ORDER and 4 ** (order + 2) * _COUNTS_PER_KMER <= 2 * bases:
        order += 1
    return order
