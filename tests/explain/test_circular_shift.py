import tracemalloc

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import hypergeom

from dnabert.explain import circular_shift
from dnabert.explain.circle import Circle, circle_of
from dnabert.explain.circular_shift import CircularShift
from dnabert.explain.enrichment import counts_of, fisher_p


def runs(rng: np.random.Generator, *, length: int, share: float, run: float, count: int) -> np.ndarray:
    """Bool (count, length): two-state Markov chains that stay on for `run` slots on average."""
    stay_off = 1 / (run * (1 - share) / share)
    draw = rng.random((count, length))
    state = rng.random(count) < share
    out = np.empty((count, length), bool)
    for i in range(length):
        state = np.where(state, draw[:, i] > 1 / run, draw[:, i] < stay_off)
        out[:, i] = state
    return out


def by_hand(labels: np.ndarray, values: np.ndarray, known: np.ndarray, circle: Circle, *, label: int) -> np.ndarray:
    """Mean of the values that the label meets under each shift, by looking every window up."""
    where = {(t, s): i for i, (t, s) in enumerate(zip(circle.track.tolist(), circle.slot.tolist(), strict=True))}
    means = []
    for by in range(circle.length):
        met = [
            where.get((circle.track[i], (circle.slot[i] + by) % circle.length)) for i in np.flatnonzero(labels == label)
        ]
        met = [i for i in met if i is not None and known[i]]
        means.append(values[met].mean(axis=0) if met else np.full(values.shape[1], np.nan))
    return np.array(means)


@settings(max_examples=25)
@given(seed=st.integers(0, 10_000), whole=st.booleans())
def test_every_shift_is_what_a_loop_finds(seed: int, whole: bool) -> None:
    rng = np.random.default_rng(seed)
    n, length = 14, 10
    places = rng.choice(2 * length, n, replace=False)
    circle = Circle(places % length, places // length, length)
    labels = rng.integers(-1, 2, n)
    values = rng.integers(0, 2, (n, 3)).astype(bool) if whole else rng.normal(size=(n, 3))
    known = rng.random(n) < 0.8
    found = CircularShift(labels, circle, clusters=2).means(values, known=known)
    for label in range(2):
        means = by_hand(labels, values, known, circle, label=label)
        if np.isnan(means[0]).any():
            assert (
                found.n[label, 0] == 0
                and np.isnan(found.observed[label]).all()
                and (found.p_two_sided[label] == 1).all()
            )
            continue
        means = means[~np.isnan(means[:, 0])]
        assert found.n[label, 0] == ((labels == label) & known).sum()
        for name, expected in (("observed", means[0]), ("expected", means.mean(axis=0)), ("sd", means.std(axis=0))):
            np.testing.assert_allclose(getattr(found, name)[label], expected, atol=1e-12)
        greater, less = ((sign * means >= sign * means[0] - 1e-9).mean(axis=0) for sign in (1, -1))
        # the fitted tail may go below what so few shifts can resolve, never above
        assert (found.p_greater[label] <= greater + 1e-12).all() and (found.p_less[label] <= less + 1e-12).all()
        many = greater * len(means) >= 10
        np.testing.assert_allclose(found.p_greater[label][many], greater[many])


def test_tied_genomes_share_slots_and_others_follow() -> None:
    table = pd.DataFrame(
        {
            "genome": ["human", "human", "human", "chimp", "chimp", "mouse"],
            "chrom": ["2", "1", "1", "7", "7", "1"],
            "start": [0, 448, 0, 90, 538, 0],
            "block": [5, -1, 3, 5, 5, 9],
        }
    )
    circle = circle_of(table)
    # human first, by chromosome (these two happen to stand as they come: 2, 1), then start; chimp's second window of
    # block 5 has a slot that human lacks
    assert circle.slot.tolist() == [0, 3, 2, 0, 1, 4]
    assert circle.track.tolist() == [0, 0, 0, 1, 1, 0]
    assert circle.length >= 5 and circle.tracks == 2


def test_sequences_that_are_no_neighbours_may_stand_in_any_order() -> None:
    """400 records of one window each, sorted by what they are: turned as one block they would hardly ever fall
    apart."""
    kind, labels = np.repeat([1.0, 0.0], [80, 320]), np.repeat([0, -1, 0, -1], [48, 32, 12, 308])
    p = []
    for order in (np.arange(400), np.random.default_rng(0).permutation(400)):
        table = pd.DataFrame({"genome": "mine", "chrom": [f"record {i}" for i in order], "start": 0, "block": -1})
        shift = CircularShift(labels[order], circle_of(table), clusters=1)
        p.append(shift.means(kind[order, None]).p_greater.item())
    assert max(p) < 1e-3 and max(p) / min(p) < 20


def test_a_sequence_stays_whole_on_the_circle() -> None:
    table = pd.DataFrame(
        {"genome": "g", "chrom": np.repeat(list("abcdefgh"), 5), "start": np.tile([40, 30, 0, 10, 20], 8)}
    )
    slots = circle_of(table).slot.reshape(8, 5)
    assert (slots[:, [2, 3, 4, 1, 0]] == slots.min(axis=1)[:, None] + np.arange(5)).all()
    assert slots.min(axis=1).tolist() != sorted(slots.min(axis=1).tolist())


def test_without_coordinates_the_tables_order_is_the_genomes() -> None:
    assert circle_of(pd.DataFrame({"label": [0, 1, 0]})).slot.tolist() == [0, 1, 2]


def test_p_is_calibrated_where_fishers_is_not() -> None:
    """Labels and annotation both run along the genome and have nothing to do with each other."""
    rng = np.random.default_rng(0)
    length = 1_000
    circle = Circle(np.arange(length), np.zeros(length, int), length)
    shifted, naive = [], []
    for labels in runs(rng, length=length, share=0.2, run=8, count=25):
        terms = runs(rng, length=length, share=0.3, run=20, count=40).T
        means = CircularShift(np.where(labels, 0, -1), circle, clusters=1).means(terms)
        shifted.append(means.p_two_sided[0])
        naive.append(fisher_p(counts_of(means.n, means.observed, hits=terms.sum(axis=0), total=length))[0])
    p, fisher = np.concatenate(shifted), np.concatenate(naive)
    assert 0.03 < (p <= 0.05).mean() < 0.07 and 0.4 < (p <= 0.5).mean() < 0.6
    assert (p <= 0.005).mean() < 0.012  # below what counting resolves, too
    assert (fisher <= 0.05).mean() > 0.3


def test_fitted_tail_goes_on_where_counting_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tails of independent windows are known: those of the hypergeometric distribution."""
    rng = np.random.default_rng(1)
    n = 4_000
    circle = Circle(np.arange(n), np.zeros(n, int), n)
    labels = np.where(rng.random(n) < 0.1, 0, -1)
    weight = np.where(labels == 0, np.linspace(0.3, 0.44, 90)[:, None], 0.3).T
    values = rng.random((n, 90)) < weight
    means = CircularShift(labels, circle, clusters=1).means(values)
    p = means.p_greater[0]
    exact = hypergeom.sf(np.rint(means.observed[0] * means.n[0, 0]) - 1, n, values.sum(axis=0), means.n[0, 0])
    compared = (exact < 1e-3) & (exact > 0.02 / n)
    assert compared.sum() > 10
    assert np.abs(np.log10(p[compared] / exact[compared])).max() < 0.7
    assert p.min() == 0.01 / n
    monkeypatch.setattr(circular_shift, "_FEW", 0)
    assert CircularShift(labels, circle, clusters=1).means(values).p_greater.min() == 1 / n


def test_copies_in_tied_genomes_add_no_evidence() -> None:
    rng = np.random.default_rng(2)
    length = 500
    one = Circle(np.arange(length), np.zeros(length, int), length)
    four = Circle(np.tile(np.arange(length), 4), np.repeat(np.arange(4), length), length)
    labels = np.where(runs(rng, length=length, share=0.2, run=5, count=1)[0], 0, -1)
    terms = runs(rng, length=length, share=0.3, run=5, count=20).T
    single = CircularShift(labels, one).means(terms)
    copies = CircularShift(np.tile(labels, 4), four).means(np.tile(terms, (4, 1)))
    np.testing.assert_allclose(copies.p_two_sided, single.p_two_sided, rtol=1e-6)


def test_terms_in_pieces_are_as_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(3)
    circle = Circle(np.arange(50), np.zeros(50, int), 50)
    values, labels = rng.normal(size=(50, 7)), rng.integers(0, 2, 50)
    whole = CircularShift(labels, circle).means(values)
    monkeypatch.setattr(circular_shift, "_CELLS", 100)
    np.testing.assert_allclose(CircularShift(labels, circle).means(values).p_two_sided, whole.p_two_sided)


def test_columns_in_pieces_are_as_at_once_and_take_less_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thousand genomes of a million windows would have taken 8 GB several times."""
    rng = np.random.default_rng(6)
    labels = rng.integers(-1, 3, 4_000)
    shift = CircularShift(labels, Circle(np.arange(4_000), np.zeros(4_000, int), 4_000), clusters=3)
    values, asked, known = rng.random((4_000, 200)) < 0.1, rng.random((3, 200)) < 0.5, rng.random(4_000) < 0.9

    def measured() -> tuple[circular_shift.ShiftedMeans, int]:
        tracemalloc.start()
        found = shift.means(values, known=known, asked=asked)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found, peak

    monkeypatch.setattr(circular_shift, "_CELLS", 40_000)
    whole, much = measured()
    monkeypatch.setattr(circular_shift, "_TAKEN", 28_000)
    pieces, less = measured()
    for name in ("n", "observed", "expected", "sd", "p_greater", "p_less"):
        np.testing.assert_array_equal(getattr(pieces, name), getattr(whole, name))
    assert less < much / 3


def test_few_pairs_counted_one_by_one_are_as_the_product_of_transforms(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(4)
    n, length = 1_500, 1_000
    places = rng.choice(2 * length, n, replace=False)
    labels = np.where(rng.random(n) < 0.05, rng.integers(0, 3, n), -1)
    shift = CircularShift(labels, Circle(places % length, places // length, length), clusters=3)
    values, known = rng.random((n, 6)) < [0, 0.01, 0.02, 0.1, 0.9, 1], rng.random(n) < 0.3
    monkeypatch.setattr(circular_shift, "_PAIRS", 1e9)
    counted = shift.means(values, known=known)
    monkeypatch.setattr(circular_shift, "_PAIRS", 0)
    multiplied = shift.means(values, known=known)
    for name in ("n", "observed", "expected", "sd", "p_greater", "p_less"):
        np.testing.assert_allclose(getattr(counted, name), getattr(multiplied, name), rtol=1e-9, atol=1e-12)
    monkeypatch.setattr(circular_shift, "_PAIRS", 0.5)
    met = []
    monkeypatch.setattr(
        CircularShift,
        "_of_few",
        lambda self, members, rows, **_: met.append(len(members) * len(rows)) or np.ones((6, 1)),
    )
    shift.means(values[:, :3], known=known)
    # small clusters of a large genome: transforms of each took ten seconds where these take three
    assert len(met) == 9 and max(met) < 1_000


def test_means_that_are_not_asked_for_are_left_out_and_the_others_are_as_before() -> None:
    rng = np.random.default_rng(4)
    circle = Circle(np.arange(60), np.zeros(60, int), 60)
    values, labels = rng.random((60, 5)) < 0.3, rng.integers(-1, 3, 60)
    whole = CircularShift(labels, circle, clusters=3).means(values)
    asked = rng.random((3, 5)) < 0.5
    part = CircularShift(labels, circle, clusters=3).means(values, asked=asked)
    for name in ("observed", "expected", "sd", "p_greater", "p_less"):
        np.testing.assert_array_equal(getattr(part, name)[asked], getattr(whole, name)[asked])
    assert np.isnan(part.observed[~asked]).all() and (part.p_two_sided[~asked] == 1).all()
    np.testing.assert_array_equal(part.n, whole.n)
