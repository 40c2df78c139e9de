import numpy as np
import pytest

from dnabert.corpus import config_from_fasta, prepare
from dnabert.pretraining.bidirectional import logarithms
from dnabert.pretraining.counting import add_longer, ending_words, looked_up_counts, table_counts
from dnabert.pretraining.floors import MarkovModels

COMPLEMENT = str.maketrans("ACGTN", "TGCAN")


@pytest.fixture(scope="module")
def view(tmp_path_factory):
    """Windows of 40 bases, some of which hold N."""
    folder = tmp_path_factory.mktemp("counting")
    letters = np.random.default_rng(0).choice(list("ACGTN"), 6_000, p=[0.3, 0.29, 0.2, 0.2, 0.01])
    (folder / "genome.fa").write_text(f">chr1\n{''.join(letters)}\n")
    config = config_from_fasta([folder / "genome.fa"])
    config.window.length, config.window.max_n_fraction = 40, 0.2
    return prepare(config, out=folder / "corpus").view("train")


def looped(view, order):
    """Counts of every context and base, by a loop over both strands."""
    expected = np.zeros((4**order, 4), dtype=int)
    for row in view.bases(np.arange(len(view))):
        forward = row.tobytes().decode()
        for strand in (forward, forward.translate(COMPLEMENT)[::-1]):
            for place in range(len(strand) - order):
                word = strand[place : place + order + 1]
                if "N" not in word:
                    *context, base = ("ACGT".index(letter) for letter in word)
                    expected[sum(letter * 4**i for i, letter in enumerate(reversed(context))), base] += 1
    return expected


def test_tables_of_all_orders_equal_a_loop_over_both_strands(view):
    assert (view.bases(np.arange(len(view))) == ord("N")).any()
    for order, counts in enumerate(table_counts(view, max_order=4)):
        np.testing.assert_array_equal(counts, looped(view, order))


def test_looked_up_counts_equal_the_tables(view):
    tables = table_counts(view, max_order=6)
    asked = {2: np.arange(16), 5: np.array([0, 3, 77, 1023]), 6: np.array([], dtype=np.int64)}
    found = looked_up_counts(view, asked)
    for order, contexts in asked.items():
        np.testing.assert_array_equal(found[order], tables[order][contexts])
    few = {5: np.array([6, 700]), 6: np.array([0, 1, 2_500])}  # so that most places are passed over
    for order, counts in looked_up_counts(view, few).items():
        assert tables[order][few[order]].sum() > 0
        np.testing.assert_array_equal(counts, tables[order][few[order]])


def test_nothing_asked_for_is_nothing_found(view):
    assert looked_up_counts(view, {}) == {}
    assert looked_up_counts(view, {14: np.array([], dtype=np.int64)})[14].shape == (0, 4)


def test_words_end_where_their_last_base_stands_and_n_breaks_them():
    words, run = ending_words(np.array([[0, 1, 4, 3, 2]], dtype=np.uint8), size=3)
    assert run.tolist() == [[1, 2, 0, 1, 2]]
    assert [int(w) % 4 ** int(r) for w, r in zip(words[0], run[0], strict=True)] == [0, 1, 0, 3, 14]


def test_bases_of_many_genomes_are_counted_beyond_32_bits(view):
    tables = table_counts(view, max_order=6)
    longest = np.zeros(4**7, dtype=tables[6].dtype)
    longest[:] = np.tile([300_000_000, 200_000_000, 200_000_000, 300_000_000], 4**6)  # 4e12 words
    counts = [np.zeros(4 ** (order + 1), dtype=tables[order].dtype) for order in range(6)] + [longest]
    add_longer(counts)
    assert counts[0].tolist() == [each * 4**6 for each in (300_000_000, 200_000_000, 200_000_000, 300_000_000)]
    models = MarkovModels([each.reshape(-1, 4) for each in counts], [np.full((2, 64), 8.0)] * 7, [])
    for table in logarithms(models, max_order=6, half=0):
        np.testing.assert_allclose(2.0**table, np.tile([0.3, 0.2, 0.2, 0.3], (len(table), 1)), rtol=1e-5)
