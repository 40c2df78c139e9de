from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from dnabert.corpus.shuffle import shuffle_dinucleotides


def ascii_of(text):
    return np.frombuffer(text.encode(), dtype=np.uint8)[None]


def pairs(text):
    return Counter(text[i : i + 2] for i in range(len(text) - 1))


@given(st.text("ACGTNacgt", min_size=1, max_size=60), st.integers(0, 1000))
def test_dinucleotides_and_ends_stay(text, row):
    shuffled = shuffle_dinucleotides(ascii_of(text), rows=np.array([row]))[0].tobytes().decode()
    assert pairs(shuffled) == pairs(text) and len(shuffled) == len(text)
    assert (shuffled[0], shuffled[-1]) == (text[0], text[-1])


def test_every_order_is_drawn_equally_often():
    # all orders of AACATGA that keep its pairs, found by trying every one
    import itertools

    text = "AACATGA"
    orders = {"".join(p) for p in itertools.permutations(text) if pairs("".join(p)) == pairs(text)}
    orders = {order for order in orders if order[0] == order[-1] == "A"}
    drawn = shuffle_dinucleotides(np.repeat(ascii_of(text), 6000, axis=0), rows=np.arange(6000))
    counts = Counter(row.tobytes().decode() for row in drawn)
    assert set(counts) == orders and len(orders) > 3
    expected = 6000 / len(orders)
    assert sum((n - expected) ** 2 / expected for n in counts.values()) < 3 * len(orders)


def test_a_row_depends_on_its_number_alone():
    bases = np.random.default_rng(0).choice(np.frombuffer(b"ACGT", dtype=np.uint8), (5, 100))
    whole = shuffle_dinucleotides(bases, rows=np.arange(5), seed=3)
    np.testing.assert_array_equal(shuffle_dinucleotides(bases[[3]], rows=np.array([3]), seed=3)[0], whole[3])
    assert (shuffle_dinucleotides(bases, rows=np.arange(5), seed=4) != whole).any()
    of_any_length = shuffle_dinucleotides([bases[3], bases[1, :40]], rows=np.array([3, 1]), seed=3)
    np.testing.assert_array_equal(of_any_length[0], whole[3])
    assert len(of_any_length[1]) == 40


def test_a_seed_and_a_row_stay_the_shuffle_that_they_were():
    # what explanations, stability's nulls and --shuffle of earlier versions drew
    drawn = shuffle_dinucleotides(ascii_of("ACGTACGATTACANNGGaaccTTG").repeat(2, axis=0), rows=np.array([0, 7]), seed=5)
    assert [row.tobytes() for row in drawn] == [b"ACGGACANNGaaccTTTGTATACG", b"ACGGTTACATANNGaaccTTGACG"]
