import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from dnabert.pretraining.hashing import hashed, uniform
from dnabert.pretraining.masking import mask, masked_positions


def ids_of(windows, words, seed=0):
    body = np.random.default_rng(seed).integers(5, 69, (windows, words))
    return np.pad(body, ((0, 0), (1, 1)), constant_values=((0, 0), (2, 3)))


def masked(ids, windows=None, **options):
    options = {"seed": 0, "epoch": 0, "share": 0.15, "vocab_size": 69} | options
    return mask(ids, windows=np.arange(len(ids)) if windows is None else windows, **options)


@given(st.integers(1, 6), st.integers(1, 80), st.floats(0.01, 0.99), st.integers(0, 2**31))
def test_every_row_asks_the_same_number_and_only_asked_places_change(windows, words, share, seed):
    ids = ids_of(windows, words, seed)
    batch = masked(ids, seed=seed, share=share)
    assert batch.positions.shape == (windows, masked_positions(words, share))
    assert (np.diff(batch.positions, axis=1) > 0).all()
    assert batch.positions.min() >= 1 and batch.positions.max() <= words
    np.testing.assert_array_equal(batch.labels, np.take_along_axis(ids, batch.positions, axis=1))
    changed = batch.input_ids != ids
    np.put_along_axis(changed, batch.positions, False, axis=1)
    assert not changed.any()


def test_a_mask_is_a_function_of_seed_epoch_and_window_not_of_the_batch():
    ids = ids_of(50, 64)
    whole = masked(ids, epoch=3)
    some = np.array([7, 41, 3])
    part = masked(ids[some], windows=some, epoch=3)
    np.testing.assert_array_equal(part.input_ids, whole.input_ids[some])
    assert (masked(ids, epoch=4).positions != whole.positions).any()
    assert (masked(ids, epoch=3, seed=1).positions != whole.positions).any()


def test_eighty_ten_ten():
    ids = ids_of(4000, 64)
    batch = masked(ids)
    shown = np.take_along_axis(batch.input_ids, batch.positions, axis=1)
    assert abs((shown == 4).mean() - 0.8) < 0.01
    # a random word is the true one in one of 64 cases
    assert abs((shown == batch.labels).mean() - (0.1 + 0.1 / 64)) < 0.01
    assert shown.max() < 69 and (shown >= 4).all()


def test_each_place_is_asked_equally_often():
    batch = masked(ids_of(20_000, 64))
    counts = np.bincount(batch.positions.ravel(), minlength=66)[1:65]
    assert np.abs(counts / counts.mean() - 1).max() < 0.1


def test_words_with_n_are_never_asked_and_weigh_nothing():
    ids = ids_of(3, 20)
    ids[0, 1:20] = 1  # one word left
    ids[1, 1:21] = 1  # none
    batch = masked(ids)
    assert batch.weights.sum(axis=1).tolist() == [1, 0, 3]
    np.testing.assert_array_equal(batch.input_ids[1], ids[1])


def test_hash_is_splitmix64s_finaliser():
    # independent arithmetic with Python's own integers
    def mix(x):
        x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) % 2**64
        x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) % 2**64
        return x ^ (x >> 31)

    golden, state = 0x9E3779B97F4A7C15, 0
    for key in (5, 9):
        state = mix(((state + golden) % 2**64) ^ mix((key + golden) % 2**64))
    assert int(hashed(5, np.array([9]))[0]) == state


def test_uniform_is_uniform():
    draws = uniform(1, np.arange(100_000))
    assert draws.min() >= 0 and draws.max() < 1
    assert abs(draws.mean() - 0.5) < 0.005 and abs(draws.var() - 1 / 12) < 0.002


def test_hidden_says_where_the_true_word_is_not_shown():
    ids = ids_of(500, 64)
    batch = masked(ids)
    shown = np.take_along_axis(batch.input_ids, batch.positions, axis=1)
    np.testing.assert_array_equal(shown[~batch.hidden], batch.labels[~batch.hidden])
    assert abs((~batch.hidden).mean() - 0.1) < 0.02


def test_an_evaluation_shows_no_asked_word():
    # a model that copies would otherwise gain the kept tenth: 1.8 bits per base for nothing
    batch = masked(ids_of(50, 64), all_masked=True)
    assert (np.take_along_axis(batch.input_ids, batch.positions, axis=1) == 4).all() and batch.hidden.all()
