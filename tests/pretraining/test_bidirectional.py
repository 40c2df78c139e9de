import itertools
import math

import numpy as np
import pytest

from dnabert.alphabet import codes
from dnabert.corpus import config_from_fasta, prepare
from dnabert.pretraining.bidirectional import (
    _mixture,
    _sharpened,
    as_record,
    bidirectional_floors,
    even_and_odd,
    log_posterior,
    logarithms,
    measure_floors,
    word_bits,
)
from dnabert.pretraining.floors import MarkovModels, context_classes, fit_markov_models
from dnabert.pretraining.hidden_words import hidden_words
from dnabert.pretraining.sampling import Sampler
from dnabert.tokenizer import KmerTokenizer


def corpus_of(sequence, folder, length=30):
    folder.mkdir(exist_ok=True)
    (folder / "genome.fa").write_text(f">chr1\n{sequence}\n")
    config = config_from_fasta([folder / "genome.fa"])
    config.window.length = length
    return prepare(config, out=folder / "corpus")


def sampler_of(view, *, k, share, stride=None, words_per_span=1):
    options = {"batch_size": 1, "seed": 0, "mask_share": share, "words_per_span": words_per_span}
    return Sampler(view, KmerTokenizer(k=k, stride=stride), **options)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """Random letters of uneven shares."""
    letters = np.random.default_rng(0).choice(list("ACGT"), 40_000, p=[0.4, 0.3, 0.2, 0.1])
    return corpus_of("".join(letters), tmp_path_factory.mktemp("bidirectional"), length=16)


@pytest.fixture
def models():
    """Counts and pseudo-counts drawn at random: every context has its own idea of what follows."""
    generator = np.random.default_rng(1)
    counts = [generator.integers(0, 30, (4**order, 4)).astype(np.uint32) for order in range(4)]
    pseudo_counts = [generator.uniform(0.1, 20, (2, 64)) for _ in counts]
    return MarkovModels(counts, pseudo_counts, [])


def probability(models, context, base, *, half):
    """The interpolated probability of a base after a context, as its definition says."""
    order = len(context)
    lower = 0.25 if not order else probability(models, context[1:], base, half=half)
    row = models.counts[order][sum(letter * 4**i for i, letter in enumerate(reversed(context)))]
    pseudo = models.pseudo_counts[order][half, context_classes(row[None])[0]]
    return (row[base] + pseudo * lower) / (row.sum() + pseudo)


def joint(models, sequence, *, order, half):
    """log2 of the probability of a whole sequence."""
    places = range(len(sequence))
    return sum(math.log2(probability(models, sequence[max(0, i - order) : i], sequence[i], half=half)) for i in places)


def brute_force(models, sequence, start, *, k, order, half):
    """log2 P(word | the rest of the sequence) for every word, by the joint probability of the whole sequence."""
    words = itertools.product(range(4), repeat=k)
    found = [
        joint(models, [*sequence[:start], *word, *sequence[start + k :]], order=order, half=half) for word in words
    ]
    return np.array(found) - np.logaddexp2.reduce(found)


@pytest.mark.parametrize(("k", "order"), [(2, 2), (2, 0), (1, 3), (3, 1), (2, 3)])
@pytest.mark.parametrize("reverse", [False, True])
def test_the_posterior_is_that_of_the_whole_sequence_by_brute_force(corpus, models, k, order, reverse):
    sampler = sampler_of(corpus.view("validation"), k=k, share=0.01)  # one hidden word in a window
    rows = np.arange(4)
    words = hidden_words(sampler, rows, reach=order, reverse=reverse)
    bases = sampler.view.bases(rows)[:, : 16 // k * k]
    read = codes(bases) if not reverse else 3 - codes(bases)[:, ::-1]
    starts = (sampler.frozen(rows).positions[:, 0] - 1) * k
    starts = starts if not reverse else read.shape[1] - starts - k
    tables = logarithms(models, max_order=order, half=1)
    for number, (sequence, start) in enumerate(zip(read.tolist(), starts.tolist(), strict=True)):
        found = log_posterior(words.select(np.array([number])), tables, k=k)[0]
        np.testing.assert_allclose(found, brute_force(models, sequence, start, k=k, order=order, half=1), atol=1e-4)
        assert words.true[number] == sum(base * 4 ** (k - 1 - i) for i, base in enumerate(sequence[start : start + k]))


def test_without_a_right_context_it_is_the_one_sided_model(corpus, models):
    words = hidden_words(sampler_of(corpus.view("validation"), k=3, share=0.01), np.arange(20), reach=2)
    alone = words.select(words.left_run == 2)
    alone = alone.__class__(**(vars(alone) | {"right_run": np.zeros_like(alone.right_run)}))
    found = log_posterior(alone, logarithms(models, max_order=2, half=0), k=3)
    for left, row in zip(alone.left.tolist(), found, strict=True):
        for word, value in zip(itertools.product(range(4), repeat=3), row, strict=True):
            sequence = [left // 4, left % 4, *word]
            steps = [probability(models, sequence[i : i + 2], sequence[i + 2], half=0) for i in range(3)]
            assert value == pytest.approx(sum(map(math.log2, steps)), abs=1e-4)


def test_the_strands_posteriors_are_averaged_in_the_exponent(corpus, models):
    sampler = sampler_of(corpus.view("validation"), k=1, share=0.3)
    pair = [hidden_words(sampler, np.arange(4), reach=2, reverse=reverse) for reverse in (False, True)]
    tables = logarithms(models, max_order=2, half=0)
    found = word_bits(*pair, tables, k=1)[-1]
    for number in range(len(found)):
        there, back = (log_posterior(words.select(np.array([number])), tables, k=1)[0] for words in pair)
        mean = np.exp2((there + back[::-1]) / 2)
        assert found[number] == pytest.approx(-np.log2(mean[pair[0].true[number]] / mean.sum()), abs=1e-4)


def test_random_sequence_holds_nothing_to_know_from_either_side(tmp_path):
    sequence = "".join(np.random.default_rng(2).choice(list("ACGT"), 60_000))
    corpus = corpus_of(sequence, tmp_path, length=60)
    found = measure_floors(corpus.view("train"), sampler_of(corpus.view("validation"), k=3, share=0.2), max_order=6)
    for record in [*found["bidirectional"]["orders"].values(), found["bidirectional"]["mixture"]]:
        assert record["bits_per_base"] == pytest.approx(2.0, abs=0.02)


def test_both_sides_know_more_than_one_where_there_is_order(tmp_path):
    generator = np.random.default_rng(3)
    words = ["".join(generator.choice(list("ACGT"), 12)) for _ in range(8)]
    corpus = corpus_of("".join(words[i] for i in generator.integers(0, 8, 4_000)), tmp_path, length=72)
    sampler = sampler_of(corpus.view("validation"), k=3, share=0.15)
    models = fit_markov_models(corpus.view("train"), sampler.view, max_order=6)
    found = bidirectional_floors(models, sampler, orders=[0, 2, 4, 6])
    bits = [floor.bits_per_base for floor in found.orders]
    assert bits == sorted(bits, reverse=True)
    assert bits[-1] < models.floors[6].bits_per_base - 0.05
    assert found.mixture.bits_per_base < bits[-1] + 0.02
    assert found.words == len(sampler.view) * sampler.plan.asked and found.windows == len(sampler.view)
    some = bidirectional_floors(models, sampler, orders=[2], windows=10)
    assert some.windows == 10 and some.words == 10 * sampler.plan.asked


def test_the_record_names_the_best_and_all_numbers(corpus):
    record = measure_floors(corpus.view("train"), sampler_of(corpus.view("validation"), k=2, share=0.15), max_order=2)
    both = record["bidirectional"]
    assert set(both["orders"]) == {"0", "2"} and set(record["orders"]) == {"0", "1", "2"}
    assert both["best"]["bits_per_base"] == min(
        each["bits_per_base"] for each in [*both["orders"].values(), both["mixture"]]
    )
    assert both["best"]["order"] in (0, 2, "mixture")
    assert set(both["mixture"]) == {"bits_per_base", "low", "high", "bits_per_base_unique"}


@pytest.mark.parametrize(("size", "most"), [(1_201, 601), (1_200, 600), (2_000, 150), (7, 1), (5, 5), (1, 9)])
def test_as_many_windows_are_even_as_odd(size, most):
    rows = even_and_odd(size, most=most)
    assert abs(int((rows % 2).sum()) * 2 - len(rows)) <= 1 and len(rows) <= max(most, 2)
    assert (np.diff(rows) > 0).all() and rows[0] >= 0 and rows[-1] < size


def test_one_window_is_enough(corpus):
    sampler = sampler_of(corpus.view("validation").select(np.array([3])), k=2, share=0.15)
    models = fit_markov_models(corpus.view("train"), sampler.view, max_order=2)
    record = as_record(bidirectional_floors(models, sampler, orders=[1, 2]))
    assert record["windows"] == 1 and 0 < record["mixture"]["bits_per_base"] < 4


def test_orders_are_weighed_and_sharpened_as_is_best_for_the_other_half():
    half = np.tile([0, 1], 50)
    bits = np.where([half == 0, half == 1], 1.0, 9.0)  # the first is right in even windows, the second in odd ones
    assert (_mixture(bits, half=half) > 8.9).all() and (_sharpened(bits, half=half) == 9).all()
    assert (_mixture(bits[:, half == 0], half=half[half == 0]) < 2).all()  # nothing to tune on: all weigh alike
