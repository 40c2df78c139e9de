"""Which windows a batch holds, where they are cut and on which strand, read back from its words."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dnabert.corpus import WindowView, config_from_fasta, prepare
from dnabert.pretraining.masking import MaskedBatch
from dnabert.pretraining.sampling import Sampler
from dnabert.tokenizer import KmerTokenizer

LENGTH = 40


@pytest.fixture(scope="module")
def view(tmp_path_factory: pytest.TempPathFactory) -> WindowView:
    """Windows of random sequence, every other stretch of seven bases in small letters; none at an end, where no other
    frame is to be had."""
    folder: Path = tmp_path_factory.mktemp("sampling")
    letters = np.random.default_rng(0).choice(list("ACGT"), 40_000)
    small = np.arange(len(letters)) // 7 % 2 == 1
    letters[small] = np.char.lower(letters[small])
    (folder / "genome.fa").write_text(f">chr1\n{''.join(letters)}\n")
    config = config_from_fasta([folder / "genome.fa"])
    config.window.length = LENGTH
    view = prepare(config, out=folder / "corpus").view("train")
    return view.select(np.arange(1, len(view) - 1))


def sampler_of(view: WindowView, *, k: int = 4, stride: int | None = None, **options: Any) -> Sampler:
    return Sampler(
        view, KmerTokenizer(k=k, stride=stride), **{"batch_size": 64, "seed": 3, "mask_share": 0.3} | options
    )


def words_of(batch: MaskedBatch) -> np.ndarray:
    """What a batch of words side by side hides and shows, as it was."""
    ids = batch.input_ids.copy()
    np.put_along_axis(ids, batch.positions, batch.labels, axis=1)
    return ids


def cuts(sampler: Sampler, steps: int) -> list[tuple[int, bool]]:
    """In which frame and on which strand each window of the first steps stands."""
    stride, found = sampler.tokenizer.stride, []
    for step in range(steps):
        for row, words in zip(sampler.windows(step)[0], words_of(sampler.batch(step)), strict=True):
            (cut,) = [
                (shift, reverse)
                for shift in range(-stride, 2 * stride)
                for reverse in (False, True)
                if (
                    sampler.tokenizer.encode_bases(sampler.view.bases(np.array([row]), shift=shift, reverse=reverse))
                    == words
                ).all()
            ]
            found.append(cut)
    return found


def test_tokens_of_a_window(view: WindowView) -> None:
    assert sampler_of(view).tokens_per_window == 12  # ten words of 40 bases, [CLS] and [SEP]
    assert sampler_of(view, stride=2).tokens_per_window == 21
    assert sampler_of(view, stride=2).plan.words == 19


def test_a_batch_larger_than_the_corpus_reads_epoch_after_epoch(view: WindowView) -> None:
    sampler = sampler_of(view.select(np.arange(5)), batch_size=13)
    rows, epochs = (np.concatenate(each) for each in zip(*map(sampler.windows, range(5)), strict=True))
    assert epochs.tolist() == [number // 5 for number in range(65)]
    orders = rows.reshape(13, 5).tolist()
    assert all(sorted(order) == list(range(5)) for order in orders) and len({tuple(order) for order in orders}) > 6
    assert (sampler_of(sampler.view, batch_size=65, seed=4).windows(0)[0] != rows).any()


def test_windows_are_cut_in_every_frame_and_on_both_strands_alike(view: WindowView) -> None:
    found = Counter(cuts(sampler_of(view), steps=10))
    assert set(found) == {(shift, reverse) for shift in range(4) for reverse in (False, True)}
    assert all(50 < count < 110 for count in found.values())  # 80 are expected, with an error of 8


@pytest.mark.parametrize(
    ("options", "cut"),
    [
        ({"random_phase": False}, {(0, False), (0, True)}),
        ({"random_strand": False}, {(shift, False) for shift in range(4)}),
        ({"random_phase": False, "random_strand": False}, {(0, False)}),
    ],
)
def test_a_frame_or_strand_that_is_not_random(view: WindowView, options: dict[str, bool], cut: set) -> None:
    assert set(cuts(sampler_of(view, **options), steps=1)) == cut


def test_what_is_evaluated_is_each_window_as_it_stands_and_hidden_alike_for_every_seed(view: WindowView) -> None:
    sampler, rows = sampler_of(view), np.arange(3, 40)
    batch, other = sampler.frozen(rows), sampler_of(view, seed=8, batch_size=1).frozen(rows[5:])
    np.testing.assert_array_equal(words_of(batch), sampler.tokenizer.encode_bases(view.bases(rows)))
    assert (np.take_along_axis(batch.input_ids, batch.positions, axis=1) == sampler.tokenizer.mask_token_id).all()
    np.testing.assert_array_equal(batch.positions[5:], other.positions)
    np.testing.assert_array_equal(batch.input_ids[5:], other.input_ids)


@pytest.mark.parametrize("stride", [4, 2, 3])
def test_a_word_weighs_as_its_bases_do(view: WindowView, stride: int) -> None:
    sampler = sampler_of(view, stride=stride, soft_mask_weight=0.25, random_phase=False, random_strand=False)
    batch, plain = sampler.batch(0), sampler_of(view, stride=stride, random_phase=False, random_strand=False).batch(0)
    for row, positions, weights in zip(view.bases(sampler.windows(0)[0]), batch.positions, batch.weights, strict=True):
        words = [bytes(row[(place - 1) * stride :][:4]).decode() for place in positions]
        assert weights.tolist() == [sum(0.25 if base.islower() else 1.0 for base in word) / 4 for word in words]
    assert set(batch.weights.ravel()) == {0.25, 0.4375, 0.625, 0.8125, 1.0} and (plain.weights == 1).all()
