"""Two views of one place: the contrastive loss that makes a window's neighbours its copies.

A masked language model reads one frame of one strand, and these dominate its vectors. So the same place is read twice,
moved by any number of bases, on a random strand (unless told otherwise), and mutated; among all views of the batch each
must find its other half (InfoNCE, van den Oord et al. 2018). Some dimensions may learn families instead: there the
other half may be a relative, a window elsewhere that shares words with it. No labels and no table of orthologs are
used. The first view is masked and trains the masked language model as well, the second is read whole, as an encoder
will read it: one pass through the model serves both losses.

Shapes: P places, 2P views (row i and row P + i are the two of place i), D width.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import torch
from accelerate import Accelerator
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from dnabert.corpus.mutation import mutate
from dnabert.corpus.view import evenly_spread
from dnabert.pretraining.config import ContrastConfig
from dnabert.pretraining.hashing import hashed, uniform
from dnabert.pretraining.kin import Kin, share_words, still_kin
from dnabert.pretraining.masking import MaskedBatch
from dnabert.pretraining.near_copies import near_copies
from dnabert.pretraining.sampling import FROZEN_EPOCH, Sampler
from dnabert.tokenizer import NOT_ASKED

_EVALUATED, _BATCH = 500, 128
#: Most substitutions, insertions and deletions per base of an old copy, as of the repeats that a genome is full of.
_OLD_SUBSTITUTIONS, _OLD_INDELS = 0.3, 0.03
#: Families are told apart less sharply than places: the temperature, times this.
_FAMILY_TEMPERATURE = 2.0


@dataclass(frozen=True)
class PairSampler:
    """Turns a step's number into a masked batch of two views of each place; holds no state."""

    sampler: Sampler
    config: ContrastConfig
    kin: Kin | None = None
    """Relatives of the windows, where `config.families` is not 0."""

    def batch(self, step: int, *, part: int = 0, parts: int = 1) -> MaskedBatch:
        """The `part`-th of `parts` equal pieces of a step's batch: all first views of its places, then all second ones.

        Its `copies` (and `relatives`, `itself`) are of the whole batch, whose places are no fair negatives where they
        are near-copies.
        """
        rows, epochs = replace(self.sampler, batch_size=self.sampler.batch_size // 2).windows(step)
        size = len(rows) // parts
        own = slice(part * size, (part + 1) * size)
        bases = self.sampler.view.bases(rows)
        copies = near_copies(bases)
        first = self.view_bases(rows[own], epochs[own], second=False)
        masked = self.sampler.masked(first, windows=rows[own], epochs=epochs[own])
        if self.kin is None:
            second = self.view_bases(rows[own], epochs[own], second=True)
            return replace(_joined([masked, self._whole(second)]), copies=copies)
        itself = np.arange(len(rows)) < len(rows) // 2
        others = np.where(itself, rows, self.kin.drawn(rows, hashed(self.sampler.seed, 13, epochs, rows)))
        second = self._second_of_families(first, rows[own], others[own], epochs[own], itself=itself[own])
        relatives = copies | self._related(bases, rows, others)
        return replace(_joined([masked, self._whole(second)]), copies=copies, relatives=relatives, itself=itself)

    def _second_of_families(
        self,
        first: NDArray[np.uint8],
        rows: NDArray[np.int64],
        others: NDArray[np.int64],
        epochs: NDArray[np.int64],
        *,
        itself: NDArray[np.bool_],
    ) -> NDArray[np.uint8]:
        """Second views: of the place, as young as apes, where it is `itself`; else of its relative, or where it has
        none an old copy."""
        kin, second = others != rows, np.empty_like(first)
        young = itself | kin
        second[young] = self.view_bases(others[young], epochs[young], second=True, still=kin[young])
        # views that hold other ends of two windows have nothing in common any more
        kin[kin] = still_kin(first[kin], second[kin])
        old = ~itself & ~kin
        second[old] = self.view_bases(rows[old], epochs[old], second=True, old=True)
        return second

    def _related(
        self, bases: NDArray[np.uint8], rows: NDArray[np.int64], others: NDArray[np.int64]
    ) -> NDArray[np.bool_]:
        """Places (P, P) whose windows, or windows of second views, are relatives of each other's, or the same; none
        with itself."""
        both = share_words(np.concatenate([bases, self.sampler.view.bases(others)]))
        drawn = np.concatenate([rows, others])
        both |= drawn[:, None] == drawn
        places = len(rows)
        related = both[:places, :places] | both[:places, places:] | both[places:, :places] | both[places:, places:]
        np.fill_diagonal(related, False)
        return related

    def view_bases(
        self,
        rows: NDArray[np.int64],
        epochs: NDArray[np.int64],
        *,
        second: bool,
        old: bool = False,
        still: NDArray[np.bool_] | None = None,
    ) -> NDArray[np.uint8]:
        """Bases uint8 ASCII (B, L) of a view of windows `rows` (B,): moved, but where it is `still` (B,), turned, the
        second one mutated, more if `old`."""
        from dnabert.pretraining.kernels import hashed_places  # numba, for those alone who draw pairs

        sampler, config = self.sampler, self.config
        length = sampler.view.window_length
        reach = length // 2 if config.shift is None else config.shift
        # the first view anywhere within half a window, the second at most `reach` from it
        shift = (hashed(sampler.seed, 8, epochs, rows) % np.uint64(length)).astype(np.int64) - length // 2
        if second:
            shift += (hashed(sampler.seed, 9, epochs, rows) % np.uint64(2 * reach + 1)).astype(np.int64) - reach
        if still is not None:
            shift[still] = 0
        reverse = (hashed(sampler.seed, 10, epochs, rows, int(second)) >> np.uint64(63)).astype(
            bool
        ) & sampler.random_strand
        bases = sampler.view.bases(rows, shift=shift, reverse=reverse)
        if not second:
            return bases
        rate = uniform(sampler.seed, 11, epochs, rows)[:, None]  # from none to the most that is asked for
        draws = hashed_places(hashed(sampler.seed, 12, epochs, rows), length)
        substitutions, indels = config.substitutions, config.indels
        if old:
            substitutions = max(_OLD_SUBSTITUTIONS, substitutions)
            indels = max(_OLD_INDELS, indels)
        return mutate(bases, substitutions=rate * substitutions, indels=rate * indels, draws=draws)

    def _whole(self, bases: NDArray[np.uint8]) -> MaskedBatch:
        """Views in which nothing is hidden, so nothing asked for."""
        ids = self.sampler.tokenizer.encode_bases(bases).astype(np.int64)
        unasked = np.zeros((len(bases), self.sampler.plan.asked), dtype=np.int64)
        return MaskedBatch(ids, unasked, unasked + NOT_ASKED, unasked.astype(np.float32), unasked.astype(bool))


def _joined(parts: list[MaskedBatch]) -> MaskedBatch:
    names = ("input_ids", "positions", "labels", "weights", "hidden")
    return MaskedBatch(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


def contrastive_loss(vectors: Tensor, copies: Tensor, *, temperature: float) -> tuple[Tensor, Tensor]:
    """InfoNCE over all views of a batch: each looks for its other half among all others.

    Every dimension is z-scored over the batch first, as vectors are wherever neighbours are counted here; near-copies
    of a view's place are no negatives.

    Parameters
    ----------
    vectors : float (2P, D), row i and row P + i of one place.
    copies : bool (P, P), see `near_copies`.
    temperature : the smaller, the more the hardest negatives count.

    Returns
    -------
    nats : float32, mean over the 2P views.
    found : bool (2P,), whether a view's other half was the most similar.

    Examples
    --------
    >>> vectors = torch.eye(8).repeat(2, 1)
    >>> nats, found = contrastive_loss(vectors, torch.zeros(8, 8, dtype=torch.bool), temperature=0.05)
    >>> bool(nats < 1e-4), bool(found.all())
    (True, True)
    """
    vectors = vectors.float()
    spread = vectors.std(0, unbiased=False) + 1e-4
    unit = functional.normalize((vectors - vectors.mean(0)) / spread, dim=1)
    places = len(unit) // 2
    similarity = unit @ unit.T / temperature
    left_out = copies.repeat(2, 2) | torch.eye(2 * places, dtype=torch.bool, device=unit.device)
    similarity = similarity.masked_fill(left_out, -torch.inf)
    other = (torch.arange(2 * places, device=unit.device) + places) % (2 * places)
    return functional.cross_entropy(similarity, other), similarity.detach().argmax(1) == other


class ViewsLoss(NamedTuple):
    """What a batch's views lose."""

    places: Tensor
    """Nats, float32: in the dimensions of places, of all views or, where families are learned, of those of
    `batch.itself`."""
    families: Tensor
    """Nats, float32, in the dimensions of families; 0 where all learn places. Both are to be added."""
    found: Tensor
    """Bool, of the same views as `places`: whether their other half was the most similar."""


def views_loss(vectors: Tensor, batch: MaskedBatch, *, config: ContrastConfig) -> ViewsLoss:
    """The contrastive loss of a batch's views, in places alone or in places and families, each over dimensions of its
    own.

    Parameters
    ----------
    vectors : float (2P, D) of the whole batch, row i and row P + i of one place.
    batch : with what it knows of the whole batch's places.
    """
    copies, relatives, itself = (
        None if x is None else torch.from_numpy(x).to(vectors.device)
        for x in (batch.copies, batch.relatives, batch.itself)
    )
    assert copies is not None  # the places of the batch are read twice
    if relatives is None or itself is None:
        nats, found = contrastive_loss(vectors, copies, temperature=config.temperature)
        return ViewsLoss(nats, torch.zeros_like(nats), found)
    width = places_width(vectors.shape[1], config=config)
    place, found = contrastive_loss(
        vectors[itself.repeat(2), :width], copies[itself][:, itself], temperature=config.temperature
    )
    family, _ = contrastive_loss(vectors[:, width:], relatives, temperature=_FAMILY_TEMPERATURE * config.temperature)
    return ViewsLoss(place, family, found)


def places_width(width: int, *, config: ContrastConfig) -> int:
    """Dimensions of a vector of `width` that learn places; the others, the last ones, learn families."""
    return min(width - 1, max(1, width - round(config.families * width))) if config.families else width


def whole_batch_loss(
    vectors: Tensor, batch: MaskedBatch, *, config: ContrastConfig, accelerator: Accelerator
) -> ViewsLoss:
    """`views_loss` of a step's whole batch, of which this process has a part.

    The gradient reaches this process's vectors alone; the other processes compute the same loss and add theirs.

    Parameters
    ----------
    vectors : float (B, D) of this process's part, all first views, then all second ones.
    batch : this process's part, which knows how all places of the whole batch are related.
    config : as in `views_loss`, and what is returned too.
    """
    own = vectors.float().reshape(2, -1, vectors.shape[1]).transpose(0, 1)  # place, view, width
    everywhere = accelerator.gather(own.detach().contiguous())
    first = accelerator.process_index * len(own)
    whole = torch.cat([everywhere[:first], own, everywhere[first + len(own) :]]).transpose(0, 1).flatten(0, 1)
    return views_loss(whole, batch, config=config)


@torch.no_grad()
def found_first(objective: Any, pairs: PairSampler, *, accelerator: Accelerator) -> float:
    """Share of views whose other half is the most similar of all, among up to 500 places evenly spread over
    ``pairs.sampler.view``, nothing hidden.

    Where families are learned the dimensions of places alone are asked, as in training. The views are the same every
    time; each process computes the whole, with the vectors that a `MaskedObjective` returns, whose mode is given back.
    """
    was_training = objective.training
    objective.eval()
    rows = evenly_spread(len(pairs.sampler.view), most=_EVALUATED)
    epochs = np.full(len(rows), FROZEN_EPOCH)
    vectors = []
    for second in (False, True):
        ids = torch.from_numpy(
            pairs.sampler.tokenizer.encode_bases(pairs.view_bases(rows, epochs, second=second)).astype(np.int64)
        )
        for part in ids.split(_BATCH):
            ids = part.to(accelerator.device)
            unasked = torch.zeros_like(ids[:, :1])  # a place per window, of which nothing is asked
            with accelerator.autocast():
                vectors.append(objective(ids, unasked, unasked + NOT_ASKED, with_vectors=True)[2])
    objective.train(was_training)
    copies = torch.from_numpy(near_copies(pairs.sampler.view.bases(rows))).to(accelerator.device)
    whole = torch.cat(vectors)
    places = whole[:, : places_width(whole.shape[1], config=pairs.config)]
    _, found = contrastive_loss(places, copies, temperature=pairs.config.temperature)
    return float(found.float().mean())
