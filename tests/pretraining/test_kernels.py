"""The compiled loops give what plain numpy and plain Python give."""

from __future__ import annotations

import dataclasses
import subprocess
import sys

import numpy as np
import pytest

from dnabert.alphabet import codes, reverse_complement
from dnabert.compilation import compiled
from dnabert.corpus.mutation import mutate
from dnabert.errors import UserError
from dnabert.pretraining.hashing import hashed, uniform
from dnabert.pretraining.kernels import hashed_places
from dnabert.pretraining.masking import SpanPlan, mask
from dnabert.pretraining.near_copies import near_copies
from dnabert.tokenizer import FIRST_KMER_ID, NOT_ASKED, KmerTokenizer

MASK = 4
LETTERS = np.frombuffer(b"ACGT", dtype=np.uint8)
WRITTEN = np.frombuffer(b"ACGTacgtACGTacgtACGTacgtNnUuR-", dtype=np.uint8)


def written(windows: int, length: int, *, seed: int = 0) -> np.ndarray:
    bases = WRITTEN[np.random.default_rng(seed).integers(0, len(WRITTEN), (windows, length))]
    bases[::5] = LETTERS[codes(bases[::5]) % 4]  # every fifth row knows all of its bases
    return bases


def masked_by_numpy(bases, tokenizer, plan, *, windows, seed, epochs):
    """All windows and words at once: draw spans, write random bases, encode again, cover."""
    tokens = tokenizer.encode_bases(bases).astype(np.int64)
    rows, epochs = windows[:, None], epochs[:, None]
    offset = (hashed(seed, 5, epochs, rows) % np.uint64(plan.cell)).astype(np.int64)
    candidates = offset + np.arange(plan.cells) * plan.cell
    asked = np.take_along_axis(tokens, 1 + plan.asked_words(candidates).reshape(len(tokens), -1), axis=1)
    unknown = (asked.reshape(*candidates.shape, -1) < FIRST_KMER_ID).mean(axis=2)
    order = uniform(seed, 1, epochs, rows, candidates) + 2.0 * unknown
    first = np.sort(np.take_along_axis(candidates, np.argsort(order, axis=1)[:, : plan.spans], axis=1), axis=1)
    fate = uniform(seed, 2, epochs, rows, first)
    rank = np.take_along_axis(np.argsort(np.argsort(order, axis=1), axis=1), (first - offset) // plan.cell, axis=1)
    number = plan.least_spans + (uniform(seed, 6, epochs, rows) * (plan.spans - plan.least_spans + 1)).astype(int)
    fate = np.where(rank < number, fate, 2.0)  # the others are left as they are

    place = (first * plan.stride)[..., None] + np.arange(plan.span_bases)
    random = np.broadcast_to(((fate >= 0.8) & (fate < 0.9))[..., None], place.shape).reshape(len(bases), -1)
    place = place.reshape(len(bases), -1)
    before = np.take_along_axis(bases, place, axis=1)
    drawn = LETTERS[(hashed(seed, 3, epochs, rows, place) % np.uint64(4)).astype(int)]
    changed = bases.copy()
    np.put_along_axis(changed, place, np.where(random & (codes(before) < 4), drawn, before), axis=1)
    shown = tokenizer.encode_bases(changed).astype(np.int64)
    for row, span in zip(*np.nonzero(fate < 0.8), strict=True):
        words = plan.masked_words(first[row, span])
        shown[row, 1 + words[(words >= 0) & (words < plan.words)]] = MASK
    return np.where(tokens < FIRST_KMER_ID, tokens, shown), 1 + plan.asked_words(first).reshape(len(tokens), -1), fate


@pytest.mark.parametrize(
    ("k", "stride", "words_per_span"), [(6, 6, 1), (6, 1, 2), (5, 2, 1), (8, 3, 2), (1, 1, 3), (3, 3, 4)]
)
@pytest.mark.parametrize(("share", "least"), [(0.15, None), (0.6, None), (0.6, 0.0), (0.4, 0.2)])
def test_masks_are_those_of_whole_arrays(k, stride, words_per_span, share, least):
    bases, windows = written(200, 120), np.arange(200) * 7
    epochs = windows % 3
    tokenizer = KmerTokenizer(k=k, stride=stride)
    words = tokenizer.number_of_words(120)
    plan = SpanPlan(k=k, stride=stride, words=words, share=share, words_per_span=words_per_span, least_share=least)
    batch = mask(bases, tokenizer=tokenizer, plan=plan, windows=windows, seed=11, epoch=epochs)
    shown, positions, fate = masked_by_numpy(bases, tokenizer, plan, windows=windows, seed=11, epochs=epochs)
    np.testing.assert_array_equal(batch.positions, positions)
    labels = np.take_along_axis(tokenizer.encode_bases(bases), positions, axis=1)
    fate = np.repeat(fate, words_per_span, axis=1)
    counts = (labels >= FIRST_KMER_ID) & (fate < 1)
    np.testing.assert_array_equal(batch.labels, np.where(counts, labels, NOT_ASKED))
    np.testing.assert_array_equal(batch.input_ids, shown)
    np.testing.assert_array_equal(batch.hidden, counts & (fate < 0.9))
    np.testing.assert_array_equal(batch.weights, counts.astype(np.float32))


@pytest.mark.parametrize(
    ("substitutions", "indels"), [(0.0, 0.0), (0.2, 0.0), (0.0, 0.3), (0.3, 0.3), (1.0, 0.0), (0.0, 1.0)]
)
def test_mutations_are_those_of_a_loop_over_bases(substitutions, indels):
    bases = written(20, 60)
    draws = np.random.default_rng(1).integers(2**64, size=bases.shape, dtype=np.uint64)
    expected = []
    for row, its in zip(bases.tolist(), draws.tolist(), strict=True):
        moved, new = 0, []
        for place, draw in enumerate(its):
            chance, few = (draw >> 11) / 2**53, draw & 2047
            moved += substitutions <= chance < substitutions + indels / 2
            inserted = substitutions + indels / 2 <= chance < substitutions + indels
            moved -= inserted
            if inserted or not 0 <= place + moved < len(row):
                new.append(b"ACGT"[few % 4])
                continue
            base = row[place + moved]
            code = int(codes(np.array([base], dtype=np.uint8))[0])
            new.append(b"ACGT"[(code + 1 + few % 3) % 4] if chance < substitutions and code < 4 else base)
        expected.append(new)
    changed = mutate(bases, substitutions=substitutions, indels=indels, draws=draws)
    np.testing.assert_array_equal(changed, np.array(expected, dtype=np.uint8))


def test_near_copies_are_those_of_sets_of_words():
    rng = np.random.default_rng(2)
    bases = LETTERS[rng.integers(0, 4, (12, 150))]
    for copy, changed in zip(range(6, 12), (0, 1, 2, 4, 8, 16), strict=True):  # of six windows, ever less alike
        bases[copy] = bases[copy - 6]
        bases[copy, rng.integers(0, 150, changed)] = ord("N")
    bases[7] = reverse_complement(bases[7])
    bases[0, 20:] = ord("N")  # a sketch of five words
    bases[4] = LETTERS[rng.integers(0, 4, 10)].repeat(15)  # the same few words again and again
    sketches = []
    for row in bases:
        texts = [bytes(row[i : i + 16]) for i in range(150 - 15)]
        pairs = [min(text, reverse_complement(text)) for text in texts if b"N" not in text]
        numbers = [sum("ACGT".index(chr(c)) * 4 ** (15 - i) for i, c in enumerate(text)) for text in pairs]
        sketches.append(set(sorted({int(hashed(0, number)) for number in numbers})[:64]))
    least = [[min(len(a), len(b)) for b in sketches] for a in sketches]
    expected = np.array(
        [
            [len(a & b) > max(0.3 * n, 1) for b, n in zip(sketches, ns, strict=True)]
            for a, ns in zip(sketches, least, strict=True)
        ]
    )
    np.fill_diagonal(expected, False)
    assert 2 < expected.sum() < 12 and expected[1, 7]
    np.testing.assert_array_equal(near_copies(bases), expected)


def test_places_hashed_row_by_row_are_those_of_one_hash():
    states = hashed(5, np.arange(4))
    np.testing.assert_array_equal(hashed_places(states, 9), hashed(5, np.arange(4)[:, None], np.arange(9)))


def test_hashes_of_plain_and_of_numpy_integers_agree():
    for keys in [(1, -2), (2**63, 3), (-1, 2**64 - 1)]:
        arrays = [np.array([key % 2**64], dtype=np.uint64) for key in keys]
        assert hashed(*keys) == hashed(*arrays)[0] == hashed(keys[0], arrays[1])[0] == hashed(arrays[0], keys[1])[0]
    assert hashed(1, 2).dtype == hashed(1, np.arange(2)).dtype == np.uint64 and hashed(1, 2).shape == ()


def test_what_would_reach_beyond_an_array_is_refused():
    tokenizer, bases = KmerTokenizer(k=3), written(2, 30)
    plan = SpanPlan(k=3, stride=3, words=10, share=0.2)
    options = {"tokenizer": tokenizer, "seed": 0, "epoch": 0}
    with pytest.raises(ValueError, match="2 rows of 10 words, but 2 windows and a plan of 11"):
        mask(bases, plan=dataclasses.replace(plan, words=11), windows=np.arange(2), **options)
    with pytest.raises(ValueError, match="2 rows of 10 words, but 3 windows"):
        mask(bases, plan=plan, windows=np.arange(3), **options)
    with pytest.raises(UserError, match="no room for a span"):
        mask(bases, plan=dataclasses.replace(plan, words_per_span=8), windows=np.arange(2), **options)
    with pytest.raises(ValueError, match="one draw per base"):
        mutate(bases, draws=np.zeros((1, 30), dtype=np.uint64))


def test_a_function_without_a_place_for_its_cache_is_compiled_all_the_same():
    space: dict[str, object] = {}
    exec("def doubled(x):\n    return 2 * x", space)  # no file, so nowhere beside it
    assert compiled(space["doubled"])(21) == 42


def test_who_does_not_mask_does_not_wait_for_numba():
    code = "import sys, dnabert.pretraining.masking, dnabert.corpus.mutation; sys.exit('numba' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
