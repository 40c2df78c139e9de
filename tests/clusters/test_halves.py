import numpy as np
import pandas as pd
import pytest
from scipy.stats import t
from sklearn.metrics import adjusted_mutual_info_score

from dnabert.clusters import ClusterConfig
from dnabert.clusters.halves import HALVES, OfHalves, agreement_again, bounds, clustered_halves, kmeans_again
from dnabert.clusters.repeats import Run, cluster_once
from dnabert.clusters.subsample import subsample

_CONFIG = ClusterConfig(components=4, neighbors=15, min_cluster_size=20, min_samples=3, kmeans=3)


def table(n: int) -> pd.DataFrame:
    start = 1_000 * np.arange(n)
    return pd.DataFrame({"genome": "a", "chrom": "1", "start": start, "end": start + 448})


def blobs(seed: int, *, n: int = 900, apart: float = 8.0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    known = rng.integers(0, 3, n)
    return (np.eye(4)[known] * apart + rng.normal(size=(n, 4))).astype(np.float32), known


def test_halves_are_half_of_the_stretches_and_the_same_for_every_encoder() -> None:
    vectors, known = blobs(0)
    first = clustered_halves(vectors, table(900), config=_CONFIG)
    second = clustered_halves(vectors[:, ::-1].copy(), table(900), config=_CONFIG)
    assert len(first) == HALVES and all((a.rows == b.rows).all() for a, b in zip(first, second, strict=True))
    assert all(0.45 < len(half.rows) / 900 < 0.55 for half in first) and not np.array_equal(
        first[0].rows, first[1].rows
    )
    found = agreement_again(cluster_once(vectors, _CONFIG)[0], first, known, asked=np.ones(900, bool))
    assert (
        found.value == pytest.approx(adjusted_mutual_info_score(known, cluster_once(vectors, _CONFIG)[0]))
        and found.halves.min() > 0.8
    )
    by_kmeans = agreement_again(known, kmeans_again(vectors, first, config=_CONFIG), known, asked=np.ones(900, bool))
    assert by_kmeans.value == 1 and by_kmeans.halves.min() > 0.9
    assert found.places == by_kmeans.places == first[0].places == 36
    assert clustered_halves(vectors[:3], table(3), config=_CONFIG) == []


def test_what_is_in_no_cluster_is_a_class_or_left_out() -> None:
    labels, known = np.array([0, 0, 1, 1, -1, -1]), np.array([0, 0, 1, 1, 0, 1])
    half = [Run("subsample", 0, np.arange(6), labels, 0.0)] * 2
    asked = np.ones(6, bool)
    assert agreement_again(labels, half, known, asked=asked).value < 0.7
    assert agreement_again(labels, half, known, asked=asked, clustered=True).halves.tolist() == [1, 1]
    mixed = np.array([0, 1, 0, 1, 0, 1])  # of the largest cluster both
    found = agreement_again(labels, half, mixed, asked=asked, clustered=True)
    expected = adjusted_mutual_info_score(mixed[:4], labels[:4])
    assert found.value == pytest.approx(expected) and expected < 0.1
    nothing = [Run("subsample", 0, np.arange(6), np.full(6, -1), 0.0)]
    assert agreement_again(np.full(6, -1), nothing, known, asked=asked, clustered=True).halves.tolist() == [0]


def test_clusters_that_come_and_go_have_no_narrow_interval() -> None:
    low, high = bounds(0.3, np.zeros(20))  # found in all windows, in no half
    assert low < 0 < 0.6 < high


@pytest.mark.parametrize(("places", "count", "drawn"), [(None, 6, 1), (5, 5, 3 / 2), (6, 6, 1), (9, 6, 5 / 4)])
def test_intervals_are_students_of_what_halves_differ(places: int | None, count: int, drawn: float) -> None:
    halves = np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.7])  # of 0.4 they differ by 0.3, 0.2, 0.1, 0, 0.1, 0.3
    reach = t.ppf(0.975, count - 1) * np.sqrt(drawn * 0.24 / 6)
    assert bounds(0.4, halves, places=places) == pytest.approx((0.4 - reach, 0.4 + reach))
    assert OfHalves(0.4, np.array([-1.0, 1.0])).score(7).as_dict() == {"value": 0.4, "low": -1, "high": 1, "n": 7}


@pytest.mark.parametrize("places", [5, 7, 9, 30])
def test_intervals_of_few_stretches_hold_what_is_true_as_often_as_those_of_many(places: int) -> None:
    """Twenty halves of five stretches are ten at most, each of three of them: taken for twenty of many their interval
    held 83 of 100."""
    rng, held = np.random.default_rng(0), 0
    for _ in range(1_000):
        values = rng.normal(size=places)
        halves = np.array([values[subsample(np.arange(places), fraction=0.5, rng=rng)].mean() for _ in range(HALVES)])
        low, high = bounds(values.mean(), halves, places=places)
        held += low <= 0 <= high
    assert 0.92 <= held / 1_000 <= 0.975


@pytest.mark.slow
def test_the_interval_holds_the_agreement_of_other_windows() -> None:
    """Of 60 samples of one population, each with blurred groups, nearly all intervals hold the mean of many samples."""

    def agreed(seed: int) -> float:
        vectors, known = blobs(seed, apart=4.0)
        return float(adjusted_mutual_info_score(known, cluster_once(vectors, _CONFIG)[0]))

    truth, held = np.mean([agreed(seed) for seed in range(1_000, 1_040)]), 0
    for seed in range(30):
        vectors, known = blobs(seed, apart=4.0)
        labels = cluster_once(vectors, _CONFIG)[0]
        score = agreement_again(
            labels, clustered_halves(vectors, table(900), config=_CONFIG), known, asked=np.ones(900, bool)
        ).score(900)
        held += score.low <= truth <= score.high
    assert held >= 25
