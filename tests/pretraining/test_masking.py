import contextlib

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from dnabert.errors import UserError
from dnabert.pretraining.audit import audit, refuse_leaks, shown_bases
from dnabert.pretraining.hashing import hashed, uniform
from dnabert.pretraining.masking import SpanPlan, mask
from dnabert.tokenizer import NOT_ASKED, KmerTokenizer

MASK = 4


def bases_of(windows, length, seed=0):
    return np.random.default_rng(seed).choice(np.frombuffer(b"ACGTacgt", dtype=np.uint8), (windows, length))


def plan_of(length, *, k=3, stride=None, share=0.15, **options):
    tokenizer = KmerTokenizer(k=k, stride=stride)
    words = tokenizer.number_of_words(length)
    return tokenizer, SpanPlan(k=k, stride=tokenizer.stride, words=words, share=share, **options)


def masked(bases, windows=None, *, seed=0, epoch=0, all_masked=False, **options):
    tokenizer, plan = plan_of(bases.shape[1], **options)
    windows = np.arange(len(bases)) if windows is None else windows
    return mask(bases, tokenizer=tokenizer, plan=plan, windows=windows, seed=seed, epoch=epoch, all_masked=all_masked)


@pytest.fixture(autouse=True, scope="module")
def _compiled():
    masked(bases_of(1, 60))  # the first call compiles, for longer than hypothesis waits for an example


def shown_at(batch):
    return np.take_along_axis(batch.input_ids, batch.positions, axis=1)


plans = st.fixed_dictionaries(
    {
        "k": st.integers(1, 6),
        "stride": st.integers(1, 6),
        "share": st.floats(0.01, 0.99),
        "words_per_span": st.integers(1, 3),
    }
)


@given(st.integers(1, 4), st.integers(20, 90), plans, st.integers(0, 2**31))
def test_no_visible_word_shows_an_asked_base(windows, length, options, seed):
    options["stride"] = min(options["stride"], options["k"])
    tokenizer, plan = plan_of(length, **options)
    assume(plan.cells >= 1)
    bases = bases_of(windows, length, seed)
    batch = masked(bases, seed=seed, all_masked=True, **options)
    ids = tokenizer.encode_bases(bases)
    assert batch.positions.shape == (windows, plan.asked)
    assert (np.diff(batch.positions, axis=1) > 0).all()
    assert batch.positions.min() >= 1 and batch.positions.max() <= plan.words
    np.testing.assert_array_equal(batch.labels, np.take_along_axis(ids, batch.positions, axis=1))
    is_mask = batch.input_ids == MASK
    np.testing.assert_array_equal(batch.input_ids[~is_mask], ids[~is_mask])
    shown = shown_bases(is_mask[:, 1:-1], k=plan.k, stride=plan.stride)
    starts = (batch.positions - 1) * plan.stride
    for place in range(plan.k):
        assert not np.take_along_axis(shown, starts + place, axis=1).any()


@given(st.integers(30, 90), plans, st.integers(0, 2**31))
def test_asked_words_share_no_base(length, options, seed):
    options["stride"] = min(options["stride"], options["k"])
    _, plan = plan_of(length, **options)
    assume(plan.cells >= 1)
    batch = masked(bases_of(3, length, seed), seed=seed, **options)
    assert (np.diff(batch.positions, axis=1) * plan.stride >= plan.k).all()


def test_a_mask_is_a_function_of_seed_epoch_and_window_not_of_the_batch():
    bases = bases_of(50, 192)
    whole = masked(bases, epoch=3)
    some = np.array([7, 41, 3])
    part = masked(bases[some], windows=some, epoch=3)
    np.testing.assert_array_equal(part.input_ids, whole.input_ids[some])
    assert (masked(bases, epoch=4).positions != whole.positions).any()
    epochs = np.where(np.arange(len(bases)) % 2, 3, 4)  # of each window its own
    each, other = masked(bases, epoch=epochs), masked(bases, epoch=4)
    np.testing.assert_array_equal(each.positions[1::2], whole.positions[1::2])
    np.testing.assert_array_equal(each.positions[::2], other.positions[::2])
    assert (masked(bases, epoch=3, seed=1).positions != whole.positions).any()


def test_eighty_ten_ten():
    batch = masked(bases_of(4000, 192))
    shown = shown_at(batch)
    assert abs((shown == MASK).mean() - 0.8) < 0.01
    # a random word is the true one in one of 64 cases
    assert abs((shown == batch.labels).mean() - (0.1 + 0.1 / 64)) < 0.01
    assert shown.max() < 69 and (shown >= MASK).all()


def test_a_span_has_one_fate():
    batch = masked(bases_of(2000, 192), words_per_span=3)
    fates = (shown_at(batch) == MASK).reshape(2000, -1, 3)
    assert (fates.all(axis=2) | ~fates.any(axis=2)).all()


def test_overlapping_words_show_one_random_sequence():
    # what is shown must spell: each word begins as the word before it ends, also at the edges of a random span
    bases = bases_of(300, 60)
    tokenizer, _ = plan_of(60, k=4, stride=1)
    batch = masked(bases, k=4, stride=1)
    word, before = batch.input_ids[:, 2:-1] - 5, batch.input_ids[:, 1:-2] - 5
    both = (word >= 0) & (before >= 0)
    np.testing.assert_array_equal((word // 4)[both], (before % 64)[both])
    assert (batch.input_ids != tokenizer.encode_bases(bases)).any()


@pytest.mark.parametrize(
    ("length", "k", "stride", "share", "spans"),
    # share of the bases / bases of a word
    [(60, 6, 6, 0.5, 5), (448, 6, 6, 0.15, 11), (448, 6, 1, 0.15, 11), (21, 3, 1, 0.36, 3), (60, 6, 6, 0.01, 1)],
)
def test_the_share_is_of_the_bases_that_words_cover(length, k, stride, share, spans):
    assert plan_of(length, k=k, stride=stride, share=share)[1].spans == spans


def test_each_place_is_asked_equally_often():
    batch = masked(bases_of(20_000, 192))
    counts = np.bincount(batch.positions.ravel(), minlength=66)[1:65]
    assert np.abs(counts / counts.mean() - 1).max() < 0.1


def test_words_with_n_are_never_asked_and_weigh_nothing():
    bases = bases_of(3, 60)
    bases[0, :57] = ord("N")  # one word left
    bases[1] = ord("N")  # none
    batch = masked(bases)
    assert batch.weights.sum(axis=1).tolist() == [1, 0, 3]
    np.testing.assert_array_equal(batch.input_ids[1], KmerTokenizer(k=3).encode_bases(bases[1]))


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
    batch = masked(bases_of(500, 192))
    shown = shown_at(batch)
    np.testing.assert_array_equal(shown[~batch.hidden], batch.labels[~batch.hidden])
    assert abs((~batch.hidden).mean() - 0.1) < 0.02


def test_an_evaluation_shows_no_asked_word():
    # a model that copies would otherwise gain the kept tenth: 1.8 bits per base for nothing
    batch = masked(bases_of(50, 192), all_masked=True)
    assert (shown_at(batch) == MASK).all() and batch.hidden.all()


@pytest.mark.parametrize(("k", "stride"), [(7, 7), (6, 6), (6, 1), (6, 2), (5, 3), (3, 1), (1, 1)])
@pytest.mark.parametrize("words_per_span", [1, 2])
def test_our_masks_pass_the_audit(k, stride, words_per_span):
    _, plan = plan_of(448, k=k, stride=stride, words_per_span=words_per_span)
    found = refuse_leaks(plan)
    assert found.recoverable_words == found.visible_bases == 0
    assert found.hidden_bases == pytest.approx(0.15, abs=0.02)


@pytest.mark.parametrize(("k", "stride"), [(6, 6), (6, 1)])
@pytest.mark.parametrize("words_per_span", [1, 2])
def test_each_window_hides_a_share_of_its_own(k, stride, words_per_span):
    options = {"k": k, "stride": stride, "words_per_span": words_per_span, "share": 0.5, "least_share": 0.0}
    bases = bases_of(20_000, 192)
    tokenizer, plan = plan_of(192, **options)
    batch = masked(bases, **options, all_masked=True)
    drawn = batch.weights.sum(axis=1) / words_per_span
    counts = np.bincount(drawn.astype(int), minlength=plan.spans + 1)
    assert len(counts) == plan.spans + 1 and np.abs(counts / counts.mean() - 1).max() < 0.1  # each number equally often
    assert batch.weights.sum(axis=1).mean() == pytest.approx(plan.mean_asked, rel=0.02)
    np.testing.assert_array_equal(batch.hidden, batch.weights == 1)
    shown, ids = shown_at(batch), tokenizer.encode_bases(bases)
    assert (shown[batch.hidden] == MASK).all()
    if stride == k:  # whatever a window does without stays as it is
        np.testing.assert_array_equal(
            shown[~batch.hidden], np.take_along_axis(ids, batch.positions, axis=1)[~batch.hidden]
        )
    np.testing.assert_array_equal(batch.labels == NOT_ASKED, ~batch.hidden)
    whole = drawn == 0
    np.testing.assert_array_equal(batch.input_ids[whole], ids[whole])
    is_mask = batch.input_ids[:, 1:-1] == MASK
    visible = shown_bases(is_mask, k=k, stride=stride)
    starts = (batch.positions - 1) * stride
    for place in range(k):
        assert not np.take_along_axis(visible, starts + place, axis=1)[batch.hidden].any()
    if words_per_span == 1 and stride == k:
        hidden_share = 1 - visible.mean()
        assert hidden_share == pytest.approx(refuse_leaks(plan).hidden_bases, rel=0.02)


def test_a_share_of_its_own_is_a_function_of_seed_epoch_and_window():
    bases, options = bases_of(50, 192), {"share": 0.5, "least_share": 0.1}
    whole, some = masked(bases, epoch=3, **options), np.array([7, 41, 3])
    part = masked(bases[some], windows=some, epoch=3, **options)
    np.testing.assert_array_equal(part.weights, whole.weights[some])
    np.testing.assert_array_equal(part.input_ids, whole.input_ids[some])
    assert (masked(bases, epoch=4, **options).weights.sum(1) != whole.weights.sum(1)).any()


def test_a_least_share_that_is_the_share_changes_nothing():
    bases = bases_of(50, 192)
    same, plain = masked(bases, share=0.3, least_share=0.3), masked(bases, share=0.3)
    np.testing.assert_array_equal(same.input_ids, plain.input_ids)
    np.testing.assert_array_equal(same.weights, plain.weights)


def test_the_usual_collator_is_refused_where_words_overlap_and_allowed_where_not():
    with pytest.raises(
        UserError, match=r"99.5% of the asked words can be read off visible words: pass --hide touching"
    ):
        refuse_leaks(plan_of(448, k=6, stride=1, hide="asked")[1])
    assert refuse_leaks(plan_of(448, k=6, hide="asked")[1]) == audit(plan_of(448, k=6)[1])


def test_a_stride_of_half_a_word_still_shows_half_of_it():
    found = audit(plan_of(448, k=6, stride=3, hide="asked")[1])
    assert found.visible_bases > 0.98 and found.recoverable_words > 0.97  # but for the first and the last word


def test_an_audit_counts_as_one_does_by_hand():
    # words 0 to 4 of two bases over bases 0 to 5: alone, word 0 hides base 0, word 4 base 5, those between nothing
    tokenizer, plan = plan_of(6, k=2, stride=1, share=0.34, hide="asked")
    assert (tokenizer.number_of_words(6), plan.spans, plan.mean_asked) == (5, 1, 1)
    found = audit(plan)
    assert (found.visible_bases, found.recoverable_words) == pytest.approx((8 / 10, 3 / 5))
    assert found.hidden_bases == pytest.approx(1 * 2 * (1 - 8 / 10) / 6) and found.masked_words == 1 / 5
    found = audit(plan_of(6, k=2, stride=1, share=0.34)[1])  # with both words beside it, that share its bases
    assert (found.visible_bases, found.recoverable_words, found.hidden_bases) == (0, 0, pytest.approx(2 / 6))
    assert found.masked_words == 3 / 5
    assert (
        audit(plan_of(6, k=2, stride=1, share=0.67)[1]).masked_words == 1
    )  # of two spans six words, but five are there


def test_what_masks_of_single_overlapping_words_show():
    # every fifteenth of a hundred 6-mers, as the usual collator draws them: each base stands in six words
    masked_words = np.random.default_rng(0).random((2000, 443)) < 0.15
    shown = shown_bases(masked_words, k=6, stride=1)
    readable = np.lib.stride_tricks.sliding_window_view(shown, 6, axis=1).all(axis=2)
    assert readable[masked_words].mean() > 0.98


def test_a_span_that_does_not_fit_is_refused_with_the_flag():
    with pytest.raises(
        UserError, match="no room for a span of --words-per-span 40 at every place: pass --words-per-span"
    ):
        refuse_leaks(plan_of(192, words_per_span=40)[1])


@pytest.mark.parametrize(("k", "stride"), [(8, 8), (8, 1), (6, 2), (1, 1)])
def test_the_words_of_a_span_that_it_says_fit(k, stride):
    step, refused = -(-k // stride), 0
    for words in range(step, 8 * step):
        for words_per_span in (2, 3, 9):
            with contextlib.suppress(UserError):
                SpanPlan(k=k, stride=stride, words=words, share=0.15, words_per_span=words_per_span).check()
                continue
            with pytest.raises(UserError, match=r"pass --words-per-span \d+$") as said:
                SpanPlan(k=k, stride=stride, words=words, share=0.15, words_per_span=words_per_span).check()
            fewer = int(str(said.value).split()[-1])
            assert fewer < words_per_span
            SpanPlan(k=k, stride=stride, words=words, share=0.15, words_per_span=fewer).check()
            refused += 1
    assert refused > 5 * step


def test_a_window_too_short_for_a_single_word_is_not_told_to_hide_fewer():
    tokenizer = KmerTokenizer(k=8, stride=1)
    for length, fits in ((14, False), (15, True)):
        plan = SpanPlan(k=8, stride=1, words=tokenizer.number_of_words(length), share=0.15)
        with (
            contextlib.nullcontext()
            if fits
            else pytest.raises(UserError, match="14 bases are fewer than two words of --k 8: pass --k 7, or")
        ):
            refuse_leaks(plan)
    refuse_leaks(SpanPlan(k=7, stride=1, words=8, share=0.15))  # what it says
