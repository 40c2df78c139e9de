"""Two views of one place: the contrastive loss that makes a window's neighbours its copies.

A masked language model reads one frame of one strand, and these dominate its vectors. So the same place is read twice,
moved by any number of bases, on a random strand (unless told otherwise), and mutated; among all views of the batch each must find its other half
(InfoNCE, van den Oord et al. 2018). No labels and no table of orthologs are used. The first view is masked and trains the
masked language model as well, the second is read whole, as an encoder will read it: one pass through the model serves both losses.

Shapes: P places, 2P views (row i and row P + i are the two of place i), D width.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from dnabert.corpus.mutation import mutate
from dnabert.pretraining.config import ContrastConfig
from dnabert.pretraining.hashing import hashed, uniform
from dnabert.pretraining.masking import MaskedBatch
from dnabert.pretraining.near_copies import near_copies
from dnabert.pretraining.sampling import FROZEN_EPOCH, Sampler
from dnabert.tokenizer import NOT_ASKED

_EVALUATED, _BATCH = 500, 128


@dataclass(frozen=True)
class PairSampler:
    """Turns a step's number into a masked batch of two views of each place; holds no state."""

    sampler: Sampler
    config: ContrastConfig

    def batch(self, step: int, *, part: int = 0, parts: int = 1) -> MaskedBatch:
        """The `part`-th of `parts` equal pieces of a step's batch: all first views of its places, then all second ones.

        Its `copies` are of the whole batch, whose places are no fair negatives where they are near-copies of each other.
        """
        rows, epochs = replace(self.sampler, batch_size=self.sampler.batch_size // 2).windows(step)
        size = len(rows) // parts
        own = slice(part * size, (part + 1) * size)
        joined = _joined([self._view(rows[own], epochs[own], second=second) for second in (False, True)])
        return replace(joined, copies=near_copies(self.sampler.view.bases(rows)))

    def view_bases(self, rows: NDArray[np.int64], epochs: NDArray[np.int64], *, second: bool) -> NDArray[np.uint8]:
        """Bases uint8 ASCII (B, L) of a view of windows `rows` (B,): moved, turned, and the second one mutated."""
        from dnabert.pretraining.kernels import hashed_places  # numba, for those alone who draw pairs

        sampler, config = self.sampler, self.config
        length = sampler.view.window_length
        reach = length // 2 if config.shift is None else config.shift
        # the first view anywhere within half a window, the second at most `reach` from it
        shift = (hashed(sampler.seed, 8, epochs, rows) % np.uint64(length)).astype(np.int64) - length // 2
        if second:
            shift += (hashed(sampler.seed, 9, epochs, rows) % np.uint64(2 * reach + 1)).astype(np.int64) - reach
        reverse = (hashed(sampler.seed, 10, epochs, rows, int(second)) >> np.uint64(63)).astype(bool) & sampler.random_strand
        bases = sampler.view.bases(rows, shift=shift, reverse=reverse)
        if not second:
            return bases
        rate = uniform(sampler.seed, 11, epochs, rows)[:, None]  # from none to the most that is asked for
        draws = hashed_places(hashed(sampler.seed, 12, epochs, rows), length)
        return mutate(bases, substitutions=rate * config.substitutions, indels=rate * config.indels, draws=draws)

    def _view(self, rows: NDArray[np.int64], epochs: NDArray[np.int64], *, second: bool) -> MaskedBatch:
        bases = self.view_bases(rows, epochs, second=second)
        if not second:
            return self.sampler.masked(bases, windows=rows, epochs=epochs)
        whole = self.sampler.tokenizer.encode_bases(bases).astype(np.int64)  # nothing hidden, so nothing asked for
        unasked = np.zeros((len(rows), self.sampler.plan.asked), dtype=np.int64)
        return MaskedBatch(whole, unasked, unasked + NOT_ASKED, unasked.astype(np.float32), unasked.astype(bool))


def _joined(parts: list[MaskedBatch]) -> MaskedBatch:
    names = ("input_ids", "positions", "labels", "weights", "hidden")
    return MaskedBatch(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


def contrastive_loss(vectors: Tensor, copies: Tensor, *, temperature: float) -> tuple[Tensor, Tensor]:
    """InfoNCE over all views of a batch: each looks for its other half among all others.

    Every dimension is z-scored over the batch first, as vectors are wherever neighbours are counted here; near-copies of a
    view's place are no negatives.

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


def whole_batch_loss(
    vectors: Tensor, copies: NDArray[np.bool_], *, temperature: float, accelerator: Accelerator
) -> tuple[Tensor, Tensor]:
    """The contrastive loss of a step's whole batch, of which this process has a part.

    The gradient reaches this process's vectors alone; the other processes compute the same loss and add theirs.

    Parameters
    ----------
    vectors : float (B, D) of this process's part, all first views, then all second ones.
    copies : bool (P, P), of all places of the whole batch.
    temperature : as in `contrastive_loss`, and what is returned too.
    """
    own = vectors.float().reshape(2, -1, vectors.shape[1]).transpose(0, 1)  # place, view, width
    everywhere = accelerator.gather(own.detach().contiguous())
    first = accelerator.process_index * len(own)
    whole = torch.cat([everywhere[:first], own, everywhere[first + len(own) :]]).transpose(0, 1).flatten(0, 1)
    return contrastive_loss(whole, torch.from_numpy(copies).to(whole.device), temperature=temperature)


@torch.no_grad()
def found_first(objective: Any, pairs: PairSampler, *, accelerator: Accelerator) -> float:
    """Share of views whose other half is the most similar of all, among up to 500 places of ``pairs.sampler.view``, nothing hidden.

    The views are the same every time; each process computes the whole, with the vectors that a `MaskedObjective` returns, whose
    mode is given back.
    """
    was_training = objective.training
    objective.eval()
    rows = np.arange(min(_EVALUATED, len(pairs.sampler.view)))
    epochs = np.full(len(rows), FROZEN_EPOCH)
    vectors = []
    for second in (False, True):
        ids = torch.from_numpy(pairs.sampler.tokenizer.encode_bases(pairs.view_bases(rows, epochs, second=second)).astype(np.int64))
        for part in ids.split(_BATCH):
            ids = part.to(accelerator.device)
            unasked = torch.zeros_like(ids[:, :1])  # a place per window, of which nothing is asked
            with accelerator.autocast():
                vectors.append(objective(ids, unasked, unasked + NOT_ASKED)[2])
    objective.train(was_training)
    copies = torch.from_numpy(near_copies(pairs.sampler.view.bases(rows))).to(accelerator.device)
    _, found = contrastive_loss(torch.cat(vectors), copies, temperature=pairs.config.temperature)
    return float(found.float().mean())
