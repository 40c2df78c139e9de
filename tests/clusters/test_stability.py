from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from dnabert.clusters import ClusterConfig, StabilityConfig, cluster, load_stability, stability
from dnabert.clusters.bootstrap import Score
from dnabert.clusters.recurrence import cluster_stability, fuses, placed_elsewhere, spread, verdict
from dnabert.clusters.repeats import Run, cluster_once, repeat_clustering
from dnabert.clusters.stability import _summary, placed_sentence, sentence
from dnabert.encoders import EmbedConfig, embed
from dnabert.errors import UserError

CONFIG = ClusterConfig(min_cluster_size=15, neighbors=15, components=3, normalise=False, kmeans=3)
REPEATS = StabilityConfig(seeds=1, subsamples=4)


def verdicts(vectors: np.ndarray) -> tuple[np.ndarray, list[dict]]:
    labels = cluster_once(vectors, CONFIG)[0]
    runs = list(repeat_clustering(vectors, np.arange(len(vectors)), clustering=CONFIG, config=REPEATS))
    return labels, cluster_stability(labels, runs, config=REPEATS)


def test_blobs_far_apart_are_stable() -> None:
    blobs = np.repeat(20 * np.eye(3), [60, 50, 40], axis=0) + 0.3 * np.random.default_rng(0).uniform(size=(150, 3))
    labels, rows = verdicts(blobs)
    assert [row["n"] for row in rows] == [60, 50, 40] and labels.min() == 0
    for row in rows:
        assert row["verdict"] == "stable" and row["jaccard"]["value"] == row["jaccard_seeds"] == 1.0
        assert row["jaccard_corrected"]["value"] == pytest.approx(1.0) and row["dissolved_share"] == 0.0


@pytest.mark.parametrize("seed", range(4))
def test_a_uniform_cloud_has_no_stable_cluster(seed: int) -> None:
    _, rows = verdicts(np.random.default_rng(seed).uniform(size=(600, 3)))
    assert [row["verdict"] for row in rows if row["verdict"] == "stable"] == []


def test_a_cluster_that_half_of_the_repeats_split_is_dissolved_in_them() -> None:
    labels, every = np.repeat([0, 1], [8, 12]), np.arange(20)
    split = np.array([0, 1] * 4 + [2] * 12)
    runs = [Run("subsample", i, every, found, 0.0) for i, found in enumerate([labels, split])]
    first, second = cluster_stability(labels, runs, config=StabilityConfig())
    assert first["jaccard"]["value"] == 0.75 and first["dissolved_share"] == 0.5
    assert first["verdict"] == "pattern"  # corrected for chance: 1 and 1 - (1 - 0.5) / (1 - 1.6 / 10.4)
    assert first["jaccard_corrected"]["value"] == pytest.approx((1 + 1 - 0.5 / (1 - 1.6 / 10.4)) / 2)
    assert first["jaccard_subsamples"] == [1.0, 0.5]
    assert second["jaccard"]["value"] == 1.0 and second["jaccard_seeds"] is None


def test_a_cluster_dissolves_where_half_of_it_or_less_comes_back() -> None:
    labels, every = np.repeat([-1, 0], [90, 10]), np.arange(100)
    runs = [Run("subsample", i, every, np.repeat([-1, 0], [100 - kept, kept]), 0.0) for i, kept in enumerate([6, 5, 4])]
    seeds = [Run("seed", i, every, np.repeat([-1, 0], [100 - kept, kept]), 0.0) for i, kept in enumerate([8, 5])]
    (row,) = cluster_stability(labels, [*seeds, *runs], config=StabilityConfig())
    assert row["jaccard_subsamples"] == [0.6, 0.5, 0.4] and row["dissolved_share"] == pytest.approx(2 / 3)
    assert row["jaccard_seeds"] == pytest.approx(0.65)  # as it is, not corrected for chance


def test_what_is_placed_elsewhere_is_counted_beside_members_that_are() -> None:
    labels = np.array([0, 0, 0, 0, 1, 1, 1, 1, -1, -1, -1, -1])
    rows = np.array([0, 1, 2, 4, 5, 8, 9])
    own = np.array([1, 1, 1, 0, 0, 0, -1])  # in numbers of its own; window 8 is a member where all leave it out
    left_out = np.array([3, 6, 7, 10, 11])
    # right, right, another, none
    first = Run("subsample", 0, rows, own, 0.0, left_out, placed=np.array([1, 0, 1, 0, -1]))
    nothing = Run("subsample", 1, rows, own, 0.0, left_out, placed=np.full(5, -1))
    found = placed_elsewhere(labels, [first, nothing])
    assert found is not None and (found["windows"], found["accepted"]) == (10, 4)
    assert found["left_out"]["mean"] == 0.5 and found["left_out"]["n"] == 1
    assert found["members"]["mean"] == pytest.approx(1 / 6) and found["difference"]["mean"] == pytest.approx(
        0.5 - 1 / 6
    )
    assert (
        "50.0 % (50.0 % to 50.0 %) are elsewhere when all are clustered; of the windows that the repeat "
        "clustered itself 16.7 %." in placed_sentence(found)
    )
    assert placed_elsewhere(labels, [nothing]) is None and placed_sentence(None) == ""


def test_a_cluster_that_comes_and_goes_is_not_stable_by_its_mean() -> None:
    labels, every = np.repeat([-1, 0], [92, 8]), np.arange(100)
    runs = [Run("subsample", i, every, found, 0.0) for i, found in enumerate([labels] * 8 + [np.full(100, -1)] * 2)]
    (row,) = cluster_stability(labels, runs, config=StabilityConfig())
    assert (
        row["jaccard"]["value"] == pytest.approx(0.8)
        and row["jaccard_corrected"]["low"] < 0.75
        and row["verdict"] == "pattern"
    )


def test_a_subsample_without_a_window_of_the_last_cluster_does_not_count_for_it() -> None:
    labels = np.repeat([0, 1, 2], [8, 6, 4])
    runs = [Run("subsample", i, np.arange(n), labels[:n], 0.0) for i, n in enumerate([14, 14, 18])]
    first, second, third = cluster_stability(labels, runs, config=StabilityConfig())
    assert first["jaccard"]["value"] == second["jaccard"]["value"] == 1.0
    assert third["jaccard_subsamples"] == [None, None, 1.0] and third["jaccard"]["n"] == 1
    (*_, never) = cluster_stability(labels, runs[:2], config=StabilityConfig())
    assert never["jaccard"]["value"] is None and never["dissolved_share"] is None
    assert never["verdict"] == "dissolved" and never["undecided"]


@pytest.mark.parametrize(
    ("kept", "verdict", "undecided"),
    [
        ([6, 5], "dissolved", True),
        ([8, 6], "pattern", True),
        ([10], "pattern", True),
        ([3, 3, 3, 3, 3], "dissolved", False),
        ([7, 7, 7, 7, 7], "pattern", False),
        ([10, 10], "stable", False),
    ],
)
def test_whether_a_cluster_dissolves_is_open_where_the_interval_holds_both(
    kept: list[int], verdict: str, undecided: bool
) -> None:
    """Of two subsamples the interval is 0 to 1: 0.53 in the mean was dissolved, and 0.64 a pattern, without a word."""
    labels, every = np.repeat([-1, 0], [90, 10]), np.arange(100)
    runs = [Run("subsample", i, every, np.repeat([-1, 0], [100 - n, n]), 0.0) for i, n in enumerate(kept)]
    (row,) = cluster_stability(labels, runs, config=StabilityConfig())
    assert row["verdict"] == verdict and row["undecided"] is undecided


@pytest.mark.parametrize(
    ("indices", "verdict"),
    [([1.0], "pattern"), ([1.0, 0.8], "pattern"), ([1.0, 1.0, 0.9, 1.0], "stable"), ([1.0, 0.8, 1.0, 0.8], "pattern")],
)
def test_few_subsamples_make_a_cluster_stable_only_where_they_agree(indices: list[float], verdict: str) -> None:
    """A cluster of one place is in half of the subsamples: of two it may be in one, whose index alone is no
    interval."""
    labels = np.repeat([-1, 0], [900, 10])
    runs = []
    for number, index in enumerate(indices):
        found = labels.copy()
        found[900 : 900 + round(10 * (1 - index))] = -1
        runs.append(Run("subsample", number, np.arange(910), found, 0.0))
    runs.append(Run("subsample", len(indices), np.arange(900), labels[:900], 0.0))  # it holds no window of the cluster
    (row,) = cluster_stability(labels, runs, config=StabilityConfig())
    assert row["jaccard"]["value"] == pytest.approx(np.mean(indices)) and row["verdict"] == verdict
    assert 0 <= row["jaccard"]["low"] <= row["jaccard"]["high"] <= 1
    assert len(indices) > 1 or (row["jaccard"]["low"], row["jaccard"]["high"]) == (0, 1)


def test_thresholds_belong_to_what_is_above_them() -> None:
    config = StabilityConfig(stable=0.75, pattern=0.5)
    told = [verdict(Score(value, low, 1.0, 10), config=config) for value, low in ((0.9, 0.75), (0.5, 0.2), (0.49, 0.2))]
    assert told == ["stable", "pattern", "dissolved"]


def test_the_spread_is_of_what_is_known() -> None:
    assert spread([1.0, None, 2.0, 6.0]) == {"mean": 3.0, "sd": pytest.approx(7**0.5), "low": 1.0, "high": 6.0, "n": 3}
    assert spread([2.0]) == {"mean": 2.0, "sd": None, "low": 2.0, "high": 2.0, "n": 1}
    assert spread([None]) == {"mean": None, "sd": None, "low": None, "high": None, "n": 0}


@pytest.fixture(scope="module")
def clusters(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Clusters of 40 variants each of two families and of 40 random records."""
    folder = tmp_path_factory.mktemp("stability")
    rng = np.random.default_rng(0)
    records = np.concatenate([np.repeat(rng.integers(0, 4, (2, 300)), 40, axis=0), rng.integers(0, 4, (40, 300))])
    changed = rng.random(records.shape) < 0.05
    records[changed] = rng.integers(0, 4, changed.sum())
    letters = np.array(list("ACGT"))
    (folder / "f.fa").write_text("".join(f">r{i}\n{''.join(letters[row])}\n" for i, row in enumerate(records)))
    for name, shuffle in (("real", False), ("null", True)):
        embed("kmer:4", folder / "f.fa", out=folder / f"{name}_vectors", config=EmbedConfig(shuffle=shuffle))
        settings = ClusterConfig(min_cluster_size=15, neighbors=15, kmeans=3)
        cluster(folder / f"{name}_vectors", out=folder / name, config=settings)
    return folder


def test_the_stage_says_which_clusters_and_windows_come_back(clusters: Path, tmp_path: Path) -> None:
    made = stability(clusters / "real", out=tmp_path / "s", config=REPEATS, null=clusters / "null")
    again = stability(clusters / "real", out=tmp_path / "again", config=REPEATS)
    assert made.table.equals(again.table)
    summary = made.summary
    assert summary["runs"][0]["kind"] == "reference" and len(summary["runs"]) == 6
    assert {row["verdict"] for row in summary["clusters"][:2]} == {"stable"}
    members = made.table["label"] >= 0
    assert made.table["confidence"][members].mean() > 0.9
    assert (made.table["consensus"] == made.table["label"])[:80].mean() > 0.9
    assert summary["tree"]["order"] and summary["null"]["real"]["clusters"] == len(summary["clusters"])
    assert summary["sentence"] == sentence(summary) and "clusters, with" in summary["sentence"]
    assert load_stability(tmp_path / "s").manifest["config"]["subsamples"] == 4


@pytest.mark.parametrize(
    ("labels", "repeat", "fused"),
    [
        ([0] * 50 + [1] * 50, [0] * 51 + [1] * 49, False),  # two halves: in any repeat one of them is a little larger
        ([0] * 48 + [1] * 20 + [-1] * 32, [0] * 48 + [1] * 20 + [0] * 32, False),  # it takes in what was in none
        ([0] * 50 + [1] * 50, [0] * 100, True),
        ([0] * 40 + [1] * 20 + [-1] * 40, [0] * 60 + [-1] * 40, True),
        ([0] * 60 + [1] * 40, [0] * 100, False),  # most were in one before
        ([0] * 45 + [1] * 10 + [2] * 45, [0] * 55 + [1] * 45, True),  # a tenth is taken over
        ([0] * 45 + [1] * 9 + [2] * 46, [0] * 54 + [1] * 46, False),
        ([0] * 40 + [1] * 10 + [2] * 50, [0] * 50 + [1] * 50, False),  # half are not most
    ],
)
def test_clusters_fuse_where_one_takes_others_over(labels: list[int], repeat: list[int], fused: bool) -> None:
    run = Run("subsample", 0, np.arange(100), np.array(repeat), 0.0)
    assert fuses(np.array(labels), run) == fused


def test_other_embeddings_than_those_clustered_are_refused(clusters: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such clusters folder"):
        stability(tmp_path / "nowhere", out=tmp_path / "s")
    embed("kmer:2", clusters / "f.fa", out=tmp_path / "vectors")
    settings = ClusterConfig(min_cluster_size=15, neighbors=15, kmeans=3)
    cluster(tmp_path / "vectors", out=tmp_path / "c", config=settings)
    embed("kmer:3", clusters / "f.fa", out=tmp_path / "vectors", overwrite=True)
    with pytest.raises(UserError, match="made from other embeddings"):
        stability(tmp_path / "c", out=tmp_path / "s", config=REPEATS)
    assert not (tmp_path / "s").exists()


def test_a_summary_holds_each_kind_of_repeat_against_its_own_kind_and_what_is_judged() -> None:
    labels, every = np.array([0, 0, 0, 1, 1, 1, -1, -1]), np.arange(8)
    other = np.array([0, 0, 1, 1, 0, 1, -1, 1])
    runs = [
        Run("seed", 1, every, labels, 0.5),
        Run("subsample", 2, every, labels, 1.5),
        Run("subsample", 3, every, other, 2.5),
    ]
    found = _summary(
        labels,
        runs,
        places=np.array([0, 0, 0, 1, 2, 2, 3, 3]),
        confidence=np.array([1, 0.5, np.nan, np.nan, np.nan, np.nan, 0, 0], np.float32),
        consensus=np.array([0, 0, -1, 1, -1, -1, -1, -1]),
        config=StabilityConfig(),
    )
    ari = adjusted_rand_score(labels, other)
    seeds, subsamples = (found["agreement_summary"][kind] for kind in ("seed", "subsample"))
    assert (seeds["ari"]["n"], seeds["ari_with_reference"]["n"], seeds["ari_with_reference"]["mean"]) == (0, 1, 1)
    assert (subsamples["ari"]["n"], subsamples["ari"]["mean"]) == (1, pytest.approx(ari))
    with_reference = subsamples["ari_with_reference"]
    assert [with_reference[name] for name in ("n", "low", "high")] == [2, pytest.approx(ari), 1]
    assert (found["n"], found["places"], found["consensus"]["clusters"]) == (8, 4, 2)
    assert [(row["places"], row["confidence"], row["consensus_n"]) for row in found["clusters"]] == [
        (1, 0.75, 2),
        (2, None, 1),
    ]
    assert [(run["clusters"], run["largest_share"], run["noise_share"]) for run in found["runs"][2:]] == [
        (2, 3 / 8, 0.25),
        (2, 0.5, 0.125),
    ]
    assert (found["noise_share"]["low"], found["noise_share"]["high"], found["noise_share"]["n"]) == (0.125, 0.25, 2)


def test_all_and_none_are_said_of_all_and_none_only():
    """Of 1,000 clustered windows 4 are in a cluster that dissolves: 99.6 % were told to be 100 %."""
    cluster = {"n": 996, "verdict": "stable"}
    spread = {"mean": 0.997, "low": 0.996, "high": 1.0}
    summary = {
        "clusters": [cluster, {"n": 4, "verdict": "dissolved"}],
        "agreement_summary": {"subsample": {"ari": {"mean": None}}},
    }
    told = sentence(summary | {"noise_share": spread, "runs": [{}], "placed": None})
    assert "1 of 2 clusters, with > 99 % of the clustered windows, is stable" in told
    assert "leave > 99 % (> 99 % to 100 %) of the windows in no cluster" in told
    alone = sentence(summary | {"clusters": [cluster], "noise_share": spread, "runs": [{}], "placed": None})
    assert alone.startswith("1 of 1 cluster, with 100 % of the clustered windows, is stable")
