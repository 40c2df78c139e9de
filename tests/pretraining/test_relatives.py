"""Relatives: a planted family is found, and nothing else; words are counted as sets of texts are."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from dnabert.alphabet import reverse_complement
from dnabert.corpus import CorpusConfig, GenomeConfig, SplitConfig, load_corpus, prepare
from dnabert.corpus.mutation import mutate
from dnabert.corpus.view import WindowView
from dnabert.errors import Caution
from dnabert.pretraining.config import ContrastConfig
from dnabert.pretraining.contrast import PairSampler, contrastive_loss, places_width, views_loss
from dnabert.pretraining.kernels import count_shared
from dnabert.pretraining.masking import MaskedBatch
from dnabert.pretraining.relatives import Relatives, find_relatives, share_words
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
    copies = mutate(copies, substitutions=0.15, indels=0.01, draws=rng.integers(2**64, size=copies.shape, dtype=np.uint64))
    copies[::2] = reverse_complement(copies[::2])
    slots[members, 80:380] = copies
    (folder / "genome.fa").write_text(">chr1\n" + slots.tobytes().decode() + "\n")
    config = CorpusConfig(genomes=[GenomeConfig("sim", "genome.fa")], split=SplitConfig(validation_fraction=0.1, test_fraction=0.1))
    prepare(config, out=folder / "corpus", base=folder)
    view = load_corpus(folder / "corpus").view(None)
    assert len(view) == COUNT
    return view, np.isin(view.column("start") // WINDOW, members)


def test_a_planted_family_is_found_and_nothing_else(planted: tuple[WindowView, np.ndarray]) -> None:
    view, member = planted
    found = find_relatives(view)
    assert member[found.rows].all() and len(found.rows) > 0.9 * FAMILY
    others = found.others[found.others >= 0]
    assert member[others].all() and (found.others != found.rows[:, None]).all()
    assert (np.diff(found.rows) > 0).all() and (found.others >= 0).sum(axis=1).mean() > 4
    again = find_relatives(view)
    np.testing.assert_array_equal(again.others, found.others)


def test_the_same_place_in_another_genome_and_overlapping_windows_are_no_relatives(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    one = LETTERS[rng.integers(0, 4, (1, 40 * WINDOW))]
    other = mutate(one, substitutions=0.01, indels=0.0, draws=rng.integers(2**64, size=one.shape, dtype=np.uint64))
    for name, bases in (("a", one), ("b", other)):
        (tmp_path / f"{name}.fa").write_text(">chr1\n" + bases.tobytes().decode() + "\n")
    genomes = [GenomeConfig("a", "a.fa"), GenomeConfig("b", "b.fa")]
    with pytest.warns(Caution, match="if they are related"):
        prepare(CorpusConfig(genomes=genomes), out=tmp_path / "corpus", base=tmp_path)
    assert len(find_relatives(load_corpus(tmp_path / "corpus").view(None)).rows) == 0


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
    assert count_shared(numbers, np.array([[1, 2], [0, -1], [0, 1]], dtype=np.int32)).tolist() == [[2, 0], [2, 0], [0, 0]]


def test_what_has_no_relative_draws_itself() -> None:
    known = Relatives(np.array([2, 5]), np.array([[7, 8, -1], [9, -1, -1]]))
    rows = np.array([1, 2, 2, 5, 6])
    drawn = known.drawn(rows, np.arange(5, dtype=np.uint64))
    assert drawn.tolist() == [1, 8, 7, 9, 6]
    assert Relatives(np.zeros(0, dtype=np.int64), np.zeros((0, 6), dtype=np.int64)).drawn(rows, np.arange(5, dtype=np.uint64)) is rows


def test_views_of_families(planted: tuple[WindowView, np.ndarray]) -> None:
    view, member = planted
    config = ContrastConfig(weight=1.0, families=0.33, shift=0, substitutions=0.0, indels=0.0)
    sampler = Sampler(view, KmerTokenizer(k=4), batch_size=2 * COUNT, seed=3, mask_share=0.15)
    pairs = PairSampler(sampler, config, find_relatives(view))
    batch = pairs.batch(0)
    assert batch.itself is not None and batch.relatives is not None and batch.copies is not None
    assert batch.itself.sum() == COUNT // 2 and (batch.relatives | ~batch.copies).all()
    rows = sampler.view.bases(np.arange(COUNT))
    order = _rows(pairs, 0)
    np.testing.assert_array_equal(batch.relatives, (share_words(rows) | batch.copies)[np.ix_(order, order)] | batch.copies)
    parts = [pairs.batch(0, part=part, parts=2).input_ids.reshape(2, COUNT // 2, -1) for part in (0, 1)]
    np.testing.assert_array_equal(batch.input_ids.reshape(2, COUNT, -1), np.concatenate(parts, axis=1))
    # the second half's second views: a relative's bases where there is one, else the place's own, aged
    epochs = np.zeros(COUNT, dtype=np.int64)
    whole = KmerTokenizer(k=4).encode_bases(pairs.view_bases(order, epochs, second=True))
    same = (batch.input_ids[COUNT:] == whole).mean(axis=1)
    assert (same[batch.itself] == 1).all() and (same[~batch.itself] < 1).mean() > 0.9
    assert same[~batch.itself & member[order]].mean() < 0.1 < 0.2 < same[~batch.itself & ~member[order]].mean()


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
    nats, found = views_loss(vectors, batch, config=config)
    assert places_width(9, config=config) == 6 and found.shape == (8,)
    own = torch.cat([vectors[:4], vectors[8:12]])[:, :6]
    place, first = contrastive_loss(own, torch.zeros(4, 4, dtype=torch.bool), temperature=0.1)
    family, _ = contrastive_loss(vectors[:, 6:], torch.from_numpy(relatives), temperature=0.2)
    assert nats.item() == pytest.approx((place + family).item()) and torch.equal(found, first)
    nats.backward()
    assert vectors.grad is not None
    assert not vectors.grad[4:8, :6].any() and vectors.grad[4:8, 6:].any()  # an old copy teaches no place
