import tracemalloc

import numpy as np
import pytest
import torch

from dnabert.alphabet import reverse_complement
from dnabert.encoders.transformer import evenly_placed
from dnabert.errors import UserError
from dnabert.finetuning.reading import LabelledReader, Tiles
from dnabert.probes import Part
from dnabert.tokenizer import KmerTokenizer


def part_of(lengths, *, seed=0):
    rng = np.random.default_rng(seed)
    letters = np.frombuffer(b"ACGTacgtN", dtype=np.uint8)
    return Part([rng.choice(letters, length) for length in lengths], np.arange(len(lengths)))


@pytest.mark.parametrize(("k", "stride"), [(3, 3), (6, 6), (4, 1)])
@pytest.mark.parametrize("shift", [0, 2])
def test_equals_one_sequence_after_another(k, stride, shift):
    part = part_of([k, 7, 80, 31, 80, 200])
    tokenizer, most = KmerTokenizer(k=k, stride=stride), 10
    rows, reverse = np.array([5, 0, 2, 3, 1]), np.array([True, False, True, False, True])
    found = LabelledReader(part, tokenizer, most_words=most).batch(rows, shift=shift, reverse=reverse)
    expected, owner, share = [], [], []
    for number, row in enumerate(rows):
        bases = reverse_complement(part.sequences[row]) if reverse[number] else part.sequences[row]
        bases = bases[shift:] if len(bases) - shift >= k else bases
        words = tokenizer.encode_bases(bases, special_tokens=False)
        words[words == tokenizer.unk_token_id] = tokenizer.mask_token_id  # as the encoders read them
        tiles = evenly_placed(words, size=most)
        expected += [[tokenizer.cls_token_id, *tile.tolist(), tokenizer.sep_token_id] for tile in tiles]
        owner += [number] * len(tiles)
        share += [1 / len(tiles)] * len(tiles)
    ids = [row[mask.bool()].tolist() for row, mask in zip(found.input_ids, found.attention_mask, strict=True)]
    assert ids == expected and found.owner.tolist() == owner
    assert found.share.tolist() == pytest.approx(share)
    assert (found.input_ids[found.attention_mask == 0] == tokenizer.pad_token_id).all()
    assert found.labels.tolist() == rows.tolist()


def test_like_lengths_need_no_mask_and_short_ones_no_owner():
    reader = LabelledReader(part_of([60] * 4), KmerTokenizer(k=6), most_words=10)
    for shift in (0, 5):
        tiles = reader.batch(np.arange(4), shift=shift)
        assert tiles.attention_mask is None and tiles.owner is None
    assert reader.batch(np.arange(4)).input_ids.shape == (4, 12)


def test_a_long_sequence_does_not_make_the_short_ones_of_its_batch_as_long():
    part = part_of([1_000_000, *[60] * 63])
    tracemalloc.start()
    reader = LabelledReader(part, KmerTokenizer(k=6), most_words=64)
    assert tracemalloc.get_traced_memory()[0] < 2.1e6  # both strands, and no more behind them than a tile may reach
    tiles = reader.batch(np.arange(64), shift=1, reverse=np.arange(64) % 2 == 0)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(tiles.input_ids) == 2605 + 63
    assert peak < 20e6  # of 64 rows of a million bases each a place alone took 512 MB


def test_tiles_are_joined_by_their_shares():
    tiles = Tiles(
        torch.zeros(3, 4), None, torch.tensor([0, 0, 1]), torch.tensor([0.75, 0.25, 1.0]), torch.tensor([0, 1])
    )
    assert tiles.join(torch.tensor([[4.0, 0.0], [0.0, 8.0], [1.0, 2.0]])).tolist() == [[3.0, 2.0], [1.0, 2.0]]


def test_a_sequence_shorter_than_a_word_is_refused():
    with pytest.raises(UserError, match="a sequence has 2 bases, fewer than a word of 3"):
        LabelledReader(part_of([9, 2]), KmerTokenizer(k=3), most_words=10)
