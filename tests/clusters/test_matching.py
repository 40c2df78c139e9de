import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from dnabert.clusters.matching import OTHER, best_match, jaccard, overlap, translate, vote

LABELS = st.lists(st.integers(-1, 3), min_size=1, max_size=40).map(np.array)


@given(st.integers(1, 40).flatmap(lambda n: st.tuples(*[st.lists(st.integers(-1, 3), min_size=n, max_size=n)] * 2)))
def test_jaccard_is_that_of_sets(pair: tuple[list[int], list[int]]) -> None:
    first, second = (np.array(labels) for labels in pair)
    plain, corrected = jaccard(overlap(first, second))
    for i in range(plain.shape[0]):
        for j in range(plain.shape[1]):
            a, b = set(np.flatnonzero(first == i).tolist()), set(np.flatnonzero(second == j).tolist())
            if a:
                assert np.isclose(plain[i, j], len(a & b) / len(a | b))
                assert corrected[i, j] <= plain[i, j] + 1e-12
            else:
                assert np.isnan(plain[i, j])


@given(LABELS, st.permutations(range(4)))
def test_renumbered_clusters_are_translated_back(labels: np.ndarray, order: list[int]) -> None:
    renumbered = np.where(labels >= 0, np.array(order)[labels], -1)
    np.testing.assert_array_equal(translate(labels, renumbered), labels)
    confidence, consensus = vote(labels, [(np.arange(len(labels)), renumbered)] * 3)
    assert (confidence == 1).all()
    np.testing.assert_array_equal(consensus, labels)


def test_a_cluster_of_everything_is_no_match_by_chance() -> None:
    plain, corrected = best_match(overlap(np.repeat([0, -1], [98, 2]), np.repeat([-1, 0], [2, 98])))
    assert plain[0] > 0.95 and corrected[0] == 0.0


def test_without_counterpart() -> None:
    plain, corrected = best_match(overlap(np.array([0, 0, 1]), np.array([-1, -1, -1])))
    assert plain.tolist() == corrected.tolist() == [0.0, 0.0]
    plain, _ = best_match(overlap(np.array([1, 1]), np.array([0, 0])))
    assert np.isnan(plain[0]) and plain[1] == 1.0
    # one window in ten is shared: the second cluster is another one
    reference, labels = np.repeat([0, -1], [10, 9]), np.concatenate([[0], np.full(9, -1), np.zeros(9, int)])
    assert translate(reference, labels)[0] == OTHER


def test_votes_are_counted_over_the_repeats_that_have_the_window() -> None:
    labels = np.array([0, 0, 0, 1, 1, 1, -1])
    every = np.arange(7)
    votes = [
        (every[:6], labels[:6]),
        (every[:6], np.array([0, 0, -1, 1, 1, 1])),
        (every[:6], np.array([1, 1, -1, 0, 0, 0])),
    ]
    confidence, consensus = vote(labels, votes)
    np.testing.assert_allclose(confidence[:6], [1, 1, 1 / 3, 1, 1, 1], rtol=1e-6)
    assert np.isnan(confidence[6]) and consensus.tolist() == [0, 0, -1, 1, 1, 1, -1]


def test_a_label_has_the_consensus_only_with_more_than_half_of_the_votes() -> None:
    labels, every = np.repeat([0, 1, 2], 4), np.arange(12)
    votes = [(every, labels.copy()) for _ in range(3)]
    for (_, voted), other in zip(votes, (0, 1, 2), strict=True):
        voted[0] = other  # one vote for each of the three: the middle one of them is no winner
    votes[0][1][7] = 2  # two of three are
    confidence, consensus = vote(labels, votes)
    np.testing.assert_allclose(confidence, [1 / 3] + [1] * 6 + [2 / 3] + [1] * 4, rtol=1e-6)
    assert consensus.tolist() == [-1, *labels[1:].tolist()]
