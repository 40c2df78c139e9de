"""What changes a vector that should not: the other strand, another frame, unknown bases, mutations."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dnabert.alphabet import reverse_complement
from dnabert.clusters.bootstrap import bootstrap_mean
from dnabert.corpus.mutation import mutate
from dnabert.corpus.places import places_of_view
from dnabert.encoders.nearest import column_statistics, unit_length

if TYPE_CHECKING:
    from dnabert.corpus import WindowView
    from dnabert.encoders import Encoder

#: Shares of bases that are made unknown, and that are substituted: apes differ by 1 to 4 %, copies of Alu by 10 %.
UNKNOWN = (0.01, 0.05)
MUTATED = (0.01, 0.02, 0.05, 0.10)


def symmetry(
    encoder: Encoder, view: WindowView, *, n: int = 250, most_shift: int = 7, resamples: int = 200, seed: int = 0
) -> list[dict[str, Any]]:
    """How near a window's vector stays when the window is read otherwise, for each way of reading it otherwise.

    Ways: the other strand; moved by 1 to `most_shift` bases in either direction; 1 and 5 % of the bases unknown (N);
    1, 2, 5 and 10 % substituted. Vectors are z-scored by the unchanged windows' mean and spread, as neighbours are.

    Parameters
    ----------
    encoder : what is asked.
    view : windows; those with `most_shift` bases of their segment on either side are drawn from.
    n : windows at most.
    most_shift : bases; k, so that every frame of a word is met.
    resamples, seed : of the bootstrap, which draws whole places (orthologous blocks, else 10 kb), and of the draws.

    Returns
    -------
    list of dict, empty where fewer than two windows have that much room, with ``change`` (strand, shift, unknown,
    mutated), ``amount`` (bases or share), ``cosine`` (mean cosine of a window before and after: value, low, high, n)
    and ``found_first`` (share of changed windows whose nearest unchanged window is their own).
    """
    room = np.minimum(view.column("before"), view.column("after")) >= most_shift
    rows = np.flatnonzero(room)
    if len(rows) < 2:
        return []
    rng = np.random.default_rng(seed)
    rows = np.sort(rng.choice(rows, min(n, len(rows)), replace=False))
    places = places_of_view(view.select(rows))
    bases = view.bases(rows)
    vectors = encoder.encode(bases)
    mean, scale = column_statistics(vectors, scaling="zscore")
    own = unit_length((vectors - mean) / scale)
    report = []
    for change, amount, changed in _changes(view, rows, bases, most_shift=most_shift, rng=rng):
        similarity = unit_length((encoder.encode(changed) - mean) / scale) @ own.T
        kept = np.diagonal(similarity).copy()
        np.fill_diagonal(similarity, -np.inf)
        scores = {"cosine": kept, "found_first": similarity.max(axis=1) < kept}
        told = {
            name: asdict(bootstrap_mean(values, groups=places, resamples=resamples, seed=seed))
            for name, values in scores.items()
        }
        report.append({"change": change, "amount": amount, **told})
    return report


def _changes(
    view: WindowView, rows: NDArray[np.integer], bases: NDArray[np.uint8], *, most_shift: int, rng: np.random.Generator
) -> Iterator[tuple[str, float, NDArray[np.uint8]]]:
    yield "strand", 1, reverse_complement(bases)
    for shift in range(1, most_shift + 1):
        for direction in (-shift, shift):
            yield "shift", direction, view.bases(rows, shift=direction)
    for share in UNKNOWN:
        yield "unknown", share, np.where(rng.random(bases.shape) < share, np.uint8(ord("N")), bases)
    for share in MUTATED:
        yield (
            "mutated",
            share,
            mutate(bases, substitutions=share, draws=rng.integers(2**64, size=bases.shape, dtype=np.uint64)),
        )
