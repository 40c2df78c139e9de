import json

import numpy as np
import pandas as pd
import pytest
from scipy.stats import chisquare, false_discovery_control, ttest_ind

from dnabert.errors import UserError
from dnabert.explain import ClusteredWindows, cluster_confounds, confounds, labelling_confounds
from dnabert.explain.confounds import class_difference, eta_squared, standardised_difference


def windows(label: str, *, n: int = 1_200, seed: int = 0) -> ClusteredWindows:
    """Windows of random GC on one chromosome; labels are GC bins, the strand, or nothing that can be known."""
    rng = np.random.default_rng(seed)
    gc = rng.uniform(0.2, 0.8, n)
    strong = rng.random((n, 120)) < gc[:, None]
    bases = np.where(strong, rng.choice(list(b"CG"), (n, 120)), rng.choice(list(b"AT"), (n, 120))).astype(np.uint8)
    strand = rng.choice(["+", "-"], n)
    measured = strong.mean(axis=1)
    labels = {
        "gc": np.digitize(measured, np.quantile(measured, [0.25, 0.5, 0.75])) - 1,
        "strand": np.where(strand == "+", 0, -1),
        "nothing": rng.integers(-1, 3, n),
    }[label]
    table = pd.DataFrame(
        {
            "genome": "a",
            "chrom": "1",
            "start": np.arange(n) * 5_000,
            "end": np.arange(n) * 5_000 + 120,
            "strand": strand,
            "label": labels,
        }
    )
    return ClusteredWindows(table, lambda rows: bases[rows])


def test_labels_that_are_gc_bins_are_explained() -> None:
    found = confounds(windows("gc"), permutations=50)
    rows = {row["feature"]: row for row in found["overall"]}
    assert rows["gc"]["ami"] > 0.6 and rows["gc"]["ami"] > 10 * rows["gc"]["ami_null_high"]
    assert rows["gc"]["p"] == 1 / 51 and rows["gc"]["q"] < 0.1 and rows["gc"]["eta_squared"] > 0.8
    assert rows["strand"]["p"] > 0.05 and abs(rows["strand"]["ami"]) < 0.01
    assert found["prediction"]["explained"] > 0.8 and found["prediction"]["balanced_accuracy"] > 0.9
    assert "gc" in found["prediction"]["sentence"]
    highest = next(row for row in found["clusters"] if row["label"] == 2 and row["feature"] == "gc")
    assert 1.5 < highest["low"] < highest["effect"] < highest["high"] and highest["q"] < 1e-3
    json.dumps(found, allow_nan=False)


def test_labels_that_nothing_explains_are_not() -> None:
    found = confounds(windows("nothing"), permutations=50)
    assert all(abs(row["ami"]) < 0.02 and row["q"] > 0.05 for row in found["overall"])
    assert found["prediction"]["explained"] < 0.05 and found["prediction"]["low"] < 0.02
    assert abs(found["prediction"]["balanced_accuracy"] - 0.25) < 0.08
    assert all(row["q"] is None or row["q"] > 0.01 for row in found["clusters"])


def test_a_cluster_that_runs_along_the_genome_as_gc_does_is_no_finding() -> None:
    """GC rises and falls over hundreds of windows: a label that lies in stretches meets it by chance, and shifts know
    that."""
    rng, found = np.random.default_rng(6), []
    gc = np.cumsum(rng.normal(size=600))
    table = pd.DataFrame(
        {"genome": "a", "chrom": "1", "start": np.arange(600) * 12_000, "end": np.arange(600) * 12_000 + 448}
    )
    for _ in range(60):
        label = np.where((np.arange(600) - rng.integers(600)) % 600 < 60, 0, -1)
        made = ClusteredWindows(table.assign(label=label), lambda rows: np.full((len(rows), 4), 65, np.uint8))
        (row,) = cluster_confounds(made, features={"gc": gc})
        found.append(row["p"])
    assert np.mean(np.array(found) <= 0.05) <= 0.1


def test_a_class_is_a_confound_too() -> None:
    made = windows("strand")
    rows = {row["feature"]: row for row in labelling_confounds(made, permutations=20)}
    assert rows["strand"]["ami"] == pytest.approx(1.0) and rows["strand"]["eta_squared"] is None
    own = [row for row in cluster_confounds(made) if row["feature"] == "strand"]
    # every window outside is on the other strand
    assert own[0]["effect"] > 0.99 and own[0]["q"] < 1e-6 and own[0]["most"] == "+" and len(own) == 1
    assert own[0]["share"] == 1 and own[0]["share_rest"] == 0 and own[0]["n"] == (made.labels == 0).sum()


def test_codons_are_asked_of_coding_windows_alone() -> None:
    made = windows("nothing")
    rng = np.random.default_rng(5)
    coding = rng.random(len(made)) < 0.3
    frame = np.where(made.labels == 0, "+1", rng.choice(["+0", "-2", "-1"], len(made)))
    table = made.table.assign(codon_frame=np.where(coding, frame, ""), strand="+")
    row = next(
        row for row in cluster_confounds(ClusteredWindows(table, made.sequences)) if row["feature"] == "codon_frame"
    )
    assert row["most"] == "+1" and row["share"] == 1 and row["share_rest"] == 0 and row["effect"] > 0.99
    assert row["n"] == (coding & (made.labels == 0)).sum() > row["places"]
    # a cluster without a coding window, or with all of them, is not asked
    for own in (table["label"] != 0, table["label"] == 0):
        bare = table.assign(codon_frame=np.where(own, table["codon_frame"], ""))
        rows = cluster_confounds(ClusteredWindows(bare, made.sequences))
        assert not [row for row in rows if row["label"] == 0 and row["feature"].startswith("codon")]


def test_a_class_that_no_window_outside_has_counts_like_a_very_rare_one() -> None:
    inside, places = np.arange(140) < 40, np.arange(140)
    unseen = class_difference(np.repeat([0, 1, 2], [40, 99, 1]), inside, places)
    rare = class_difference(np.repeat([0, 1, 0, 2], [40, 98, 1, 1]), inside, places)
    assert 0.95 < rare["effect"] <= 1 and 0.95 < unseen["effect"] <= 1 and unseen["most"] == 0 and unseen["p"] < 1e-6
    mixed = class_difference(np.repeat([0, 1, 1], [20, 20, 100]), inside, places)
    assert 0 < mixed["effect"] < unseen["effect"]


def test_single_windows_in_no_order_differ_as_welch_says() -> None:
    rng = np.random.default_rng(1)
    label = np.where(rng.random(3_000) < 0.3, 0, -1)
    table = pd.DataFrame({"label": label, "genome": "a", "chrom": "1", "start": 20_000 * np.arange(3_000)})
    table["end"] = table["start"] + 448
    values = rng.normal(size=3_000) + 0.1 * (label == 0)
    (found,) = cluster_confounds(
        ClusteredWindows(table, lambda rows: np.full((len(rows), 10), 65, np.uint8)), features={"gc": values}
    )
    inside = label == 0
    welch = ttest_ind(values[inside], values[~inside], equal_var=False)
    spread = np.sqrt((values[inside].var(ddof=1) + values[~inside].var(ddof=1)) / 2)
    assert 0.5 < found["p"] / welch.pvalue < 2
    assert [found["low"], found["high"]] == pytest.approx(
        [end / spread for end in welch.confidence_interval(0.95)], abs=0.01
    )


def test_single_windows_give_pearson() -> None:
    rng = np.random.default_rng(1)
    inside = np.repeat([True, False], [30, 90])
    codes = rng.integers(0, 3, 120)
    outside = np.bincount(codes[~inside]) / 90
    pearson = chisquare(np.bincount(codes[inside], minlength=3), 30 * outside)
    found = class_difference(codes, inside, np.arange(120))
    design = 30 / 29 + 30 / 90 * 90 / 89  # of sums over places that are single draws, inside and outside
    from scipy.stats import chi2

    assert found["p"] == pytest.approx(chi2.sf(pearson.statistic / design, 2), rel=1e-6)


@pytest.mark.parametrize("share", [0.1, 0.5])
def test_a_cluster_of_any_size_that_is_dealt_at_random_differs_as_rarely_as_is_said(share: float) -> None:
    rng, found = np.random.default_rng(3), 0
    for _ in range(400):
        found += class_difference(rng.integers(0, 3, 400), rng.random(400) < share, np.arange(400))["p"] < 0.05
    assert found <= 34  # of 20; shares outside taken for known gave 83 at a half


def test_a_share_that_most_windows_have_not_at_all_is_told_apart() -> None:
    rng = np.random.default_rng(0)
    low = np.where(np.arange(1_000) < 60, rng.uniform(0.1, 1, 1_000), 0.0)
    table = pd.DataFrame(
        {"label": np.where(low > 0, 0, -1), "genome": "a", "chrom": "1", "start": 448 * rng.permutation(1_000)}
    )
    table["end"] = table["start"] + 448
    windows = ClusteredWindows(table, lambda rows: np.full((len(rows), 10), 65, np.uint8))
    (row,) = labelling_confounds(windows, features={"low_complexity": low})
    assert row["ami"] > 0.9 and row["p"] < 0.02


def test_copies_of_a_window_are_no_more_evidence() -> None:
    rng = np.random.default_rng(2)
    codes, inside, places = rng.integers(0, 2, 80), np.repeat([True, False], [20, 60]), np.arange(80)
    once, copied = (
        class_difference(codes, inside, places),
        class_difference(*(np.tile(column, 4) for column in (codes, inside, places))),
    )
    assert copied["p"] == pytest.approx(once["p"], rel=1e-9)


def test_a_cluster_in_one_place_has_an_effect_and_no_p() -> None:
    inside, values = np.array([True] * 3 + [False] * 5), np.arange(8.0)
    places = np.array([0, 0, 0, 1, 2, 3, 4, 5])
    found = standardised_difference(values, inside, places, reach=1.0, p=0.5)
    assert found["effect"] < 0 and found["p"] is None and found["low"] is None
    found = class_difference(np.array([0, 0, 0, 1, 1, 0, 1, 1]), inside, places)
    assert found["p"] is None and found["most"] == 0
    assert standardised_difference(np.ones(8), inside, places, reach=1.0, p=0.5)["effect"] is None


def test_a_constant_cluster_of_the_rarest_class_has_an_effect_of_nearly_one() -> None:
    codes = np.concatenate([np.full(200, 3), np.repeat([0, 1, 2, 3], [40, 40, 40, 20])])
    inside = np.arange(340) < 200
    found = class_difference(codes, inside, np.arange(340))
    assert 0.9 < found["low"] <= found["effect"] <= found["high"] <= 1.0 and found["most"] == 3


def test_without_clusters_it_is_said_that_there_are_none() -> None:
    """It ended in "not enough values to unpack"."""
    bases = np.random.default_rng(0).choice(np.frombuffer(b"ACGT", np.uint8), (20, 50))
    windows = ClusteredWindows(pd.DataFrame({"label": [-1] * 20}), lambda rows: bases[rows])
    with pytest.raises(UserError, match="none of 20 windows is in a cluster, .* a lower min_cluster_size"):
        confounds(windows)
    assert cluster_confounds(windows) == []


def test_q_is_over_all_clusters_and_features() -> None:
    rows = cluster_confounds(windows("gc", n=300))
    p = [row["p"] for row in rows if row["p"] is not None]
    assert [row["q"] for row in rows if row["p"] is not None] == pytest.approx(false_discovery_control(p).tolist())


def test_eta_squared_is_between_over_total() -> None:
    values, labels = np.array([1.0, 2.0, 4.0, 6.0]), np.array([-1, -1, 0, 0])
    between = 2 * (1.5 - 3.25) ** 2 + 2 * (5 - 3.25) ** 2
    assert eta_squared(values, labels) == pytest.approx(between / ((values - 3.25) ** 2).sum())
