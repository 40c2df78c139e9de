import itertools

import numpy as np
import pytest

from dnabert.corpus import config_from_fasta, load_corpus, prepare
from dnabert.pretraining.floors import _scored, _tune, as_json, context_classes, fit_markov_models, scored_floor


def corpus_of(sequence, tmp_path, length=40):
    fasta = tmp_path / "genome.fa"
    fasta.write_text(f">chr1\n{sequence}\n")
    config = config_from_fasta([fasta])
    config.window.length = length
    return prepare(config, out=tmp_path / "corpus")


@pytest.fixture
def random_corpus(tmp_path):
    letters = np.random.default_rng(0).choice(list("ACGT"), 60_000)
    return corpus_of("".join(letters), tmp_path)


def test_random_sequence_has_two_bits(random_corpus):
    floors = fit_markov_models(random_corpus.view("train"), random_corpus.view("validation"), max_order=4).floors
    assert [floor.order for floor in floors] == [0, 1, 2, 3, 4]
    for floor in floors:
        assert floor.low <= floor.bits_per_base <= floor.high
        assert floor.bits_per_base == pytest.approx(2.0, abs=0.02)


def test_a_chain_of_order_two_is_found_at_its_entropy(tmp_path):
    # given two bases the next is one of two, evenly: 1 bit. Both strands are counted, so the rule is its own
    # complement's
    generator, sequence = np.random.default_rng(1), [0, 1]
    for draw in generator.integers(0, 2, 120_000):
        sequence.append((sequence[-2] + sequence[-1] + 2 * draw) % 4)
    corpus = corpus_of("".join("ACGT"[base] for base in sequence), tmp_path)
    forward_only = [
        f.bits_per_base for f in fit_markov_models(corpus.view("train"), corpus.view("test"), max_order=3).floors
    ]
    assert forward_only[0] == pytest.approx(2.0, abs=0.01)
    assert forward_only[2] < forward_only[1] - 0.1
    assert forward_only[2] > 1.0


def test_bases_are_scored_that_have_their_whole_context_in_the_window(tmp_path):
    letters = np.random.default_rng(5).choice(list("ACGTN"), 8_000, p=[0.24] * 4 + [0.04])
    (tmp_path / "genome.fa").write_text(f">chr1\n{''.join(letters)}\n")
    config = config_from_fasta([tmp_path / "genome.fa"])
    config.window.length, config.window.max_n_fraction = 40, 0.5
    view = prepare(config, out=tmp_path / "corpus").view("validation")
    rows = [row.tobytes().decode() for row in view.bases(np.arange(len(view)))]
    for order in (0, 1, 3):
        words, window = _scored(view, max_order=order)
        expected = [
            (sum("ACGT".index(base) * 4**i for i, base in enumerate(reversed(word))), number)
            for number, row in enumerate(rows)
            for word in (row[i : i + order + 1] for i in range(40 - order))
            if "N" not in word
        ]
        assert [
            tuple(pair) for pair in zip((words % 4 ** (order + 1)).tolist(), window.tolist(), strict=True)
        ] == expected
    assert any("N" in row for row in rows)


def test_interpolation_never_falls_far_behind_the_order_below(random_corpus):
    bits = [
        f.bits_per_base
        for f in fit_markov_models(random_corpus.view("train"), random_corpus.view("test"), max_order=6).floors
    ]
    assert all(after < before + 0.01 for before, after in itertools.pairwise(bits))


def test_json_names_the_best(random_corpus):
    floors = fit_markov_models(random_corpus.view("train"), random_corpus.view("test"), max_order=2).floors
    found = as_json(floors, windows=7)
    assert found["uniform"] == 2.0 and found["windows"] == 7
    assert found["best"]["bits_per_base"] == min(o["bits_per_base"] for o in found["orders"].values())


def test_floors_of_copies_are_as_sure_as_of_one_each():
    bits = np.random.default_rng(0).normal(2, 0.2, 200)
    alone = scored_floor(0, bits, np.arange(200), unique=np.ones(200, bool))
    copies = scored_floor(0, np.repeat(bits, 4), np.repeat(np.arange(200), 4), unique=np.ones(800, bool))
    assert copies.low == pytest.approx(alone.low) and copies.high == pytest.approx(alone.high)


def test_corpus_is_read_again(random_corpus):
    assert len(load_corpus(random_corpus.folder).view("train")) == len(random_corpus.view("train"))


def test_unique_sequence_is_told_apart_from_a_repeat_that_is_known_by_heart(tmp_path):
    generator = np.random.default_rng(2)
    repeat = "".join(generator.choice(list("acgt"), 400))
    pieces = [repeat if i % 2 else "".join(generator.choice(list("ACGT"), 400)) for i in range(300)]
    corpus = corpus_of("".join(pieces), tmp_path)
    floor = fit_markov_models(corpus.view("train"), corpus.view("validation"), max_order=8).floors[-1]
    assert floor.bits_per_base_unique > 1.95  # nothing to know there; counts of the repeat even mislead
    assert floor.bits_per_base < 1.4


def test_without_unique_windows_nothing_is_said_of_them(tmp_path):
    letters = np.random.default_rng(3).choice(list("acgt"), 20_000)
    corpus = corpus_of("".join(letters) + "\n>chr2\nACGT", tmp_path)  # a capital: small letters mask
    floors = fit_markov_models(corpus.view("train"), corpus.view("validation"), max_order=1).floors
    assert as_json(floors, windows=1)["orders"]["1"]["bits_per_base_unique"] is None


def test_an_order_without_a_table_scores_as_with_one(random_corpus, monkeypatch):
    views = random_corpus.view("train"), random_corpus.view("validation")
    with_tables = fit_markov_models(*views, max_order=5).floors
    monkeypatch.setattr("dnabert.pretraining.floors.LARGEST_TABLE", 2)
    assert fit_markov_models(*views, max_order=5).floors == with_tables


def test_order_sixteen_knows_a_repeat_that_shorter_contexts_confuse(tmp_path):
    generator = np.random.default_rng(4)
    repeats = ["".join(generator.choice(list("acgt"), 200)) for _ in range(20)]
    sequence = "".join(repeats[i] + "".join(generator.choice(list("ACGT"), 20)) for i in generator.integers(0, 20, 500))
    corpus = corpus_of(sequence, tmp_path)
    bits = [
        f.bits_per_base for f in fit_markov_models(corpus.view("train"), corpus.view("validation"), max_order=16).floors
    ]
    assert bits[16] < 0.9 < bits[4]


def test_classes_are_of_totals_and_of_how_many_bases_followed():
    rows = np.array([[0, 0, 0, 0], [1, 0, 0, 0], [1, 1, 0, 0], [4, 1, 1, 2], [0, 0, 0, 10**6]], dtype=np.uint32)
    assert context_classes(rows).tolist() == [0, 0, 5, 15, 60]


def test_what_smooths_a_window_was_tuned_on_the_others():
    """Even windows go on as their counts say, odd ones never do: the odd ones are to trust counts, and the even ones
    not."""
    half, rows = np.repeat([0, 1], 300), np.tile(np.array([60, 2, 2, 2], dtype=np.uint32), (600, 1))
    base = np.where(half == 0, 0, 1 + np.arange(600) % 3)
    of_even, of_odd = _tune(rows, base, np.full((2, 600), 0.25), half=half)[:, context_classes(rows)[0]]
    assert of_even > 1000 and of_odd < 1
