import itertools

import numpy as np
import pytest

from dnabert.alphabet import codes
from dnabert.corpus import config_from_fasta, prepare
from dnabert.pretraining.hidden_words import hidden_words
from dnabert.pretraining.sampling import Sampler
from dnabert.tokenizer import FIRST_KMER_ID, KmerTokenizer


def prepared(folder, letters, share):
    (folder / "genome.fa").write_text(">chr1\n" + "".join(np.random.default_rng(0).choice(letters, 10_000, p=share)))
    config = config_from_fasta([folder / "genome.fa"])
    config.window.length, config.window.max_n_fraction = 16, 0.5
    return prepare(config, out=folder / "corpus")


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    return prepared(tmp_path_factory.mktemp("known"), list("ACGT"), [0.25] * 4)


@pytest.fixture(scope="module")
def with_n(tmp_path_factory):
    return prepared(tmp_path_factory.mktemp("with_n"), list("ACGTN"), [0.23] * 4 + [0.08])


def sampler_of(view, *, k, stride=None, words_per_span=1, least_mask_share=None):
    return Sampler(
        view,
        KmerTokenizer(k=k, stride=stride),
        batch_size=1,
        seed=0,
        mask_share=0.3,
        words_per_span=words_per_span,
        least_mask_share=least_mask_share,
    )


@pytest.mark.parametrize("of", ["corpus", "with_n"])
@pytest.mark.parametrize("least", [None, 0.0])
@pytest.mark.parametrize(("k", "stride", "per_span"), [(3, 3, 1), (3, 1, 2), (4, 2, 1), (2, 2, 2), (1, 1, 1)])
def test_the_words_and_what_shows_beside_them(request, of, least, k, stride, per_span):
    view = request.getfixturevalue(of).view("validation")
    sampler = sampler_of(view, k=k, stride=stride, words_per_span=per_span, least_mask_share=least)
    rows = np.arange(1, len(view))
    words, batch = hidden_words(sampler, rows, reach=5), sampler.frozen(rows)
    asked = batch.weights > 0
    assert asked.all() == (least is None and (of == "corpus" or k == 1))
    assert words.true.tolist() == (batch.labels - FIRST_KMER_ID)[asked].tolist()
    shown = [set() for _ in rows]
    for row, tokens in enumerate(batch.input_ids[:, 1:-1]):
        for place, token in enumerate(tokens.tolist()):
            if token >= FIRST_KMER_ID:
                shown[row].update(range(place * stride, place * stride + k))
    code = codes(sampler.view.bases(rows))
    starts = ((batch.positions - 1) * stride)[asked].tolist()
    for number, (row, start) in enumerate(zip(np.nonzero(asked)[0].tolist(), starts, strict=True)):
        left = list(itertools.takewhile(shown[row].__contains__, range(start - 1, start - 6, -1)))[::-1]
        right = list(itertools.takewhile(shown[row].__contains__, range(start + k, start + k + 5)))
        assert (words.left_run[number], words.right_run[number]) == (len(left), len(right))
        assert words.left[number] == sum(int(code[row, i]) * 4**far for far, i in enumerate(reversed(left)))
        assert words.right[number, : len(right)].tolist() == code[row, right].tolist()
        assert words.window[number] == rows[row]


@pytest.mark.parametrize("of", ["corpus", "with_n"])
def test_both_strands_are_the_same_words(request, of):
    sampler = sampler_of(request.getfixturevalue(of).view("validation"), k=3)
    there, back = (hidden_words(sampler, np.arange(9), reach=4, reverse=reverse) for reverse in (False, True))
    for word, other in zip(there.true.tolist(), back.true.tolist(), strict=True):
        digits = [word // 16, word // 4 % 4, word % 4]
        assert other == sum((3 - digit) * 4**place for place, digit in enumerate(digits))
    assert (there.left_run == back.right_run).all() and (there.right_run == back.left_run).all()
