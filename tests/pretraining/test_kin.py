"""Relatives: a planted family is found, and nothing else; words are counted as sets of texts are."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from dnabert.alphabet import reverse_complement
from dnabert.corpus import CorpusConfig, GenomeConfig, SplitConfig, WindowConfig, load_corpus, prepare
from dnabert.corpus.mutation import mutate
from dnabert.corpus.view import WindowView
from dnabert.pretraining.config import ContrastConfig
from dnabert.pretraining.contrast import PairSampler, contrastive_loss, places_width, views_loss
from dnabert.pretraining.hashing import hashed
from dnabert.pretraining.kernels import count_shared
from dnabert.pretraining.kin import FILE, Kin, find_kin, share_words, still_kin
from dnabert.pretraining.masking import MaskedBatch
from dnabert.pretraining.sampling import Sampler
from dnabert.tokenizer import KmerTokenizer

LETTERS = np.frombuffer(b"ACGT", dtype=np.uint8)
WINDOW, COUNT, FAMILY = 448, 400, 60


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> tuple[WindowView, np.ndarray]:
    """A view of 400 windows, 60 of which hold a copy of one element, 15 % diverged, on either strand; and which."""
    folder = tmp_path_factory.mktemp("planted")
    rng = np.random.default_rng(0)
    slots = LETTERS[rng.integers(0, 4, (COUNT, WINDOW))]
    members = np.sort(rng.permutation(COUNT)[:FAMILY])
    copies = np.repeat(LETTERS[rng.integers(0, 4, 300)][None], FAMILY, axis=0)
    copies = mutate(
        copies, substitutions=0.15, indels=0.01, draws=rng.integers(2**64, size=copies.shape, dtype=np.uint64)
    )
    copies[::2] = reverse_complement(copies[::2])
    slots[members, 80:380] = copies
    (folder / "genome.fa").write_text(">chr1\n" + slots.tobytes().decode() + "\n")
    config = CorpusConfig(
        genomes=[GenomeConfig("sim", "genome.fa")], split=SplitConfig(validation_fraction=0.1, test_fraction=0.1)
    )
    prepare(config, out=folder / "corpus", base=folder)
    view = load_corpus(folder / "corpus").view(None)
    assert len(view) == COUNT
    return view, np.isin(view.column("start") // WINDOW, members)


def test_a_planted_family_is_found_and_nothing_else(planted: tuple[WindowView, np.ndarray]) -> None:
    view, member = planted
    found = find_kin(view)
    assert member[found.rows].all() and len(found.rows) > 0.9 * FAMILY
    others = found.others[found.others >= 0]
    assert member[others].all() and (found.others != found.rows[:, None]).all()
    assert (np.diff(found.rows) > 0).all() and (found.others >= 0).sum(axis=1).mean() > 4
    again = find_kin(view)
    np.testing.assert_array_equal(again.others, found.others)


def test_overlapping_windows_and_the_same_block_are_no_relatives(tmp_path: Path) -> None:
    """One element twice, in windows that overlap by half: relatives of a window are of the other place, however much
    its neighbours share."""
    rng = np.random.default_rng(1)
    bases = LETTERS[rng.integers(0, 4, 60 * WINDOW)]
    bases[40 * WINDOW : 42 * WINDOW] = bases[10 * WINDOW : 12 * WINDOW]
    (tmp_path / "a.fa").write_text(">chr1\n" + bases.tobytes().decode() + "\n")
    config = CorpusConfig(genomes=[GenomeConfig("a", "a.fa")], window=WindowConfig(length=WINDOW, step=WINDOW // 2))
    prepare(config, out=tmp_path / "corpus", base=tmp_path)
    view = load_corpus(tmp_path / "corpus").view(None)
    found, start = find_kin(view), view.column("start")
    first, second = (np.flatnonzero((start > at * WINDOW - WINDOW) & (start < (at + 2) * WINDOW)) for at in (10, 40))
    assert set(found.rows) <= {*first, *second} and len(found.rows) >= 6
    for row, others in zip(found.rows, found.others, strict=True):
        assert set(others[others >= 0]) <= set(second if row in first else first)
    same = np.zeros(len(view), dtype=int)  # as if all of it were one block
    assert len(find_kin(_InBlock(view, same)).rows) == 0


class _InBlock:
    """A view whose windows lie in the blocks that it is given."""

    def __init__(self, view: WindowView, block: np.ndarray) -> None:
        self._view, self._block = view, block

    def column(self, name: str) -> np.ndarray:
        return self._block if name == "block" else self._view.column(name)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._view, name)

    def __len__(self) -> int:
        return len(self._view)


def _words(row: np.ndarray) -> set[bytes]:
    texts = [bytes(row[i : i + 11]).upper() for i in range(len(row) - 10)]
    return {min(text, reverse_complement(text)) for text in texts if b"N" not in text}


def test_shared_words_are_those_of_sets(planted: tuple[WindowView, np.ndarray]) -> None:
    view, member = planted
    bases = view.bases(np.concatenate([np.flatnonzero(member)[:12], np.flatnonzero(~member)[:12]])).copy()
    bases[3, 200:] = ord("N")
    bases[5] = np.tile(LETTERS[[0, 1]], WINDOW // 2)  # two words, again and again
    bases[6] = bases[5]
    sets = [_words(row) for row in bases]
    expected = np.array([[len(a & b) >= 8 and a is not b for b in sets] for a in sets])
    assert expected.any() and not expected[5].any()
    np.testing.assert_array_equal(share_words(bases), expected)
    assert not share_words(bases[:, :10]).any()
    numbers = np.array([[1, 3, 5, 2**64 - 1], [3, 5, 9, 11], [2**64 - 1] * 4], dtype=np.uint64)
    assert count_shared(numbers, np.array([[1, 2], [0, -1], [0, 1]], dtype=np.int32)).tolist() == [
        [2, 0],
        [2, 0],
        [0, 0],
    ]


def test_what_has_no_relative_draws_itself() -> None:
    known = Kin(np.array([2, 5]), np.array([[7, 8, -1], [9, -1, -1]]))
    rows = np.array([1, 2, 2, 5, 6])
    drawn = known.drawn(rows, np.arange(5, dtype=np.uint64))
    assert drawn.tolist() == [1, 8, 7, 9, 6]
    assert (
        Kin(np.zeros(0, dtype=np.int64), np.zeros((0, 6), dtype=np.int64)).drawn(rows, np.arange(5, dtype=np.uint64))
        is rows
    )


def test_views_of_families(planted: tuple[WindowView, np.ndarray]) -> None:
    view, member = planted
    config = ContrastConfig(weight=1.0, families=0.33, shift=0, substitutions=0.0, indels=0.0)
    sampler = Sampler(view, KmerTokenizer(k=4), batch_size=2 * COUNT, seed=3, mask_share=0.15)
    pairs = PairSampler(sampler, config, find_kin(view))
    batch, order = pairs.batch(0), _rows(pairs, 0)
    assert (
        batch.itself is not None
        and batch.relatives is not None
        and batch.copies is not None
        and batch.itself.sum() == COUNT // 2
    )
    parts = [pairs.batch(0, part=part, parts=2).input_ids.reshape(2, COUNT // 2, -1) for part in (0, 1)]
    np.testing.assert_array_equal(batch.input_ids.reshape(2, COUNT, -1), np.concatenate(parts, axis=1))
    # the second half's second views: what shares words with the place's first view, or else an old copy of the place
    tokenizer, epochs = KmerTokenizer(k=4), np.zeros(COUNT, dtype=np.int64)
    first = pairs.view_bases(order, epochs, second=False)
    plain, aged = (
        tokenizer.encode_bases(pairs.view_bases(order, epochs, second=True, old=old)) for old in (False, True)
    )
    second = batch.input_ids[COUNT:]
    np.testing.assert_array_equal(second[batch.itself], plain[batch.itself])
    of_itself = (second == aged).all(axis=1)
    assert of_itself[~batch.itself & ~member[order]].all()
    kin = ~batch.itself & ~of_itself
    assert kin.sum() > 0.6 * (~batch.itself & member[order]).sum() > 10
    drawn = [view.bases(np.array([row])) for row in np.flatnonzero(member)]
    for at in np.flatnonzero(kin):  # a whole window of the family, on either strand
        texts = {bytes(x[0]).upper() for each in drawn for x in (each, reverse_complement(each))}
        (shown,) = (
            text
            for text in texts
            if (tokenizer.encode_bases(np.frombuffer(text, np.uint8)[None])[0] == second[at]).all()
        )
        assert still_kin(first[at : at + 1], np.frombuffer(shown, np.uint8)[None]).all()
    # relatives are no negatives, whichever of their windows were drawn
    assert pairs.kin is not None
    others = np.where(batch.itself, order, pairs.kin.drawn(order, hashed(3, 13, epochs, order)))
    share = share_words(view.bases(np.arange(COUNT))) | np.eye(COUNT, dtype=bool)
    either = [{order[at], others[at]} for at in range(COUNT)]
    for at in np.flatnonzero(member[order])[:20]:
        expected = [any(share[one, other] for one in either[at] for other in each) for each in either]
        expected[at] = False
        assert batch.relatives[at].tolist() == expected
    assert (
        not batch.relatives[np.ix_(member[order], ~member[order])].any()
        and (batch.relatives == batch.relatives.T).all()
    )


def test_kin_are_kept_for_whoever_goes_on(planted: tuple[WindowView, np.ndarray], tmp_path: Path) -> None:
    found = find_kin(planted[0])
    found.save(tmp_path)
    again = Kin.load(tmp_path)
    assert again is not None
    np.testing.assert_array_equal(again.rows, found.rows)
    np.testing.assert_array_equal(again.others, found.others)
    (tmp_path / FILE).write_bytes(b"half")
    assert Kin.load(tmp_path) is None and Kin.load(tmp_path / "none") is None


def _rows(pairs: PairSampler, step: int) -> np.ndarray:
    return dataclasses.replace(pairs.sampler, batch_size=pairs.sampler.batch_size // 2).windows(step)[0]


def test_places_and_families_are_learned_in_dimensions_of_their_own() -> None:
    generator = torch.Generator().manual_seed(0)
    vectors = torch.randn(16, 9, generator=generator, requires_grad=True)
    config = ContrastConfig(weight=1.0, families=0.33, temperature=0.1)
    relatives = np.zeros((8, 8), dtype=bool)
    relatives[0, 5] = relatives[5, 0] = True
    itself = np.arange(8) < 4
    nothing = np.zeros((16, 0))
    batch = MaskedBatch(nothing, nothing, nothing, nothing, nothing, np.zeros((8, 8), dtype=bool), relatives, itself)
    lost = views_loss(vectors, batch, config=config)
    assert places_width(9, config=config) == 6 and lost.found.shape == (8,)
    own = torch.cat([vectors[:4], vectors[8:12]])[:, :6]
    place, first = contrastive_loss(own, torch.zeros(4, 4, dtype=torch.bool), temperature=0.1)
    family, _ = contrastive_loss(vectors[:, 6:], torch.from_numpy(relatives), temperature=0.2)
    assert (
        lost.places.item() == pytest.approx(place.item())
        and lost.families.item() == pytest.approx(family.item())
        and torch.equal(lost.found, first)
    )
    (lost.places + lost.families).backward()
    assert vectors.grad is not None
    assert not vectors.grad[4:8, :6].any() and vectors.grad[4:8, 6:].any()  # an old copy teaches no place
