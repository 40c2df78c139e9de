import itertools

import numpy as np
import pytest

from dnabert.alphabet import codes
from dnabert.corpus import config_from_fasta, prepare
from dnabert.pretraining.hidden_words import hidden_words
from dnabert.pretraining.sampling import Sampler
from dnabert.tokenizer import FIRST_KMER_ID, KmerTokenizer


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hidden_words")
    (folder / "genome.fa").write_text(">chr1\n" + "".join(np.random.default_rng(0).choice(list("ACGT"), 10_000)) + "\n")
    config = config_from_fasta([folder / "genome.fa"])
    config.window.length = 16
    return prepare(config, out=folder / "corpus")


def sampler_of(view, *, k, stride=None, words_per_span=1):
    return Sampler(
        view, KmerTokenizer(k=k, stride=stride), batch_size=1, seed=0, mask_share=0.3, words_per_span=words_per_span
    )


@pytest.mark.parametrize(("k", "stride", "per_span"), [(3, 3, 1), (3, 1, 2), (4, 2, 1), (2, 2, 2)])
def test_the_words_and_what_shows_beside_them(corpus, k, stride, per_span):
    sampler = sampler_of(corpus.view("validation"), k=k, stride=stride, words_per_span=per_span)
    rows = np.arange(1, 12)
    words, batch = hidden_words(sampler, rows, reach=5), sampler.frozen(rows)
    assert words.true.tolist() == (batch.labels - FIRST_KMER_ID).ravel().tolist()
    shown = [set() for _ in rows]
    for row, tokens in enumerate(batch.input_ids[:, 1:-1]):
        for place, token in enumerate(tokens.tolist()):
            if token >= FIRST_KMER_ID:
                shown[row].update(range(place * stride, place * stride + k))
    code = codes(sampler.view.bases(rows))
    starts = ((batch.positions - 1) * stride).ravel().tolist()
    for number, start in enumerate(starts):
        row = number // batch.positions.shape[1]
        left = list(itertools.takewhile(shown[row].__contains__, range(start - 1, start - 6, -1)))[::-1]
        right = list(itertools.takewhile(shown[row].__contains__, range(start + k, start + k + 5)))
        assert (words.left_run[number], words.right_run[number]) == (len(left), len(right))
        assert words.left[number] == sum(int(code[row, i]) * 4**far for far, i in enumerate(reversed(left)))
        assert words.right[number, : len(right)].tolist() == code[row, right].tolist()
        assert words.window[number] == rows[row]


def test_both_strands_are_the_same_words(corpus):
    sampler = sampler_of(corpus.view("validation"), k=3)
    there, back = (hidden_words(sampler, np.arange(9), reach=4, reverse=reverse) for reverse in (False, True))
    for word, other in zip(there.true.tolist(), back.true.tolist(), strict=True):
        digits = [word // 16, word // 4 % 4, word % 4]
        assert other == sum((3 - digit) * 4**place for place, digit in enumerate(digits))
    assert (there.left_run == back.right_run).all() and (there.right_run == back.left_run).all()
