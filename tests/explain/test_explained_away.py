import numpy as np
import pandas as pd
import pytest

from dnabert.clusters import ClusterConfig
from dnabert.clusters.halves import HALVES
from dnabert.explain import ClusteredWindows, cheap_explanations, explained_away, take_out

LETTERS = np.frombuffer(b"ACGT", dtype=np.uint8)


def windows(n: int = 600, *, seed: int = 0) -> tuple[ClusteredWindows, np.ndarray, np.ndarray]:
    """Random windows of 60 bp whose repeat class and region are drawn apart from each other; both as codes too."""
    rng = np.random.default_rng(seed)
    repeat, region = rng.integers(0, 2, n), rng.integers(0, 3, n)
    table = pd.DataFrame(
        {
            "genome": "g",
            "chrom": "c",
            "start": np.arange(n) * 60,
            "end": np.arange(n) * 60 + 60,
            "block": np.arange(n),
            "label": -1,
            "repeat": repeat * 0.9,
            "soft_masked": repeat * 0.9,
            "repeat_class": np.array(["none", "Alu"])[repeat],
            "region": np.array(["intron", "exon", "intergenic"])[region],
            "cds": 0.0,
            "utr": 0.0,
            "exon": (region == 1) * 1.0,
            "intron": (region == 0) * 1.0,
            "gene_type": "none",
        }
    )
    bases = LETTERS[rng.integers(0, 4, (n, 60))]
    return ClusteredWindows(table, lambda rows: bases[rows]), repeat, region


def test_a_space_of_repeats_falls_with_repeats_and_with_nothing_else() -> None:
    found, repeat, _ = windows()
    vectors = np.random.default_rng(1).normal(size=(600, 6)) + 6 * repeat[:, None]
    explanations = cheap_explanations(found.table, found.sequences)
    joined = ["all but repeats", "all but gene position", "all"]
    assert list(explanations) == ["composition", "repeats", "gene position", *joined]
    rows = {row["without"]: row for row in explained_away(vectors, found, explanations, resamples=20)}
    assert list(rows) == ["nothing", *explanations]
    purity = {name: row["knn10_repeat_class"]["value"] for name, row in rows.items()}
    assert purity["nothing"] > 0.99 and purity["gene position"] > 0.99 and purity["composition"] > 0.9
    assert purity["repeats"] < 0.6 and purity["all"] < 0.6
    assert rows["repeats"]["explained"] > 0.6 > 0.1 > rows["gene position"]["explained"]


def test_what_no_cheap_explanation_predicts_survives() -> None:
    found, _, _ = windows()
    hidden = np.random.default_rng(2).integers(0, 2, 600)
    vectors = np.random.default_rng(1).normal(size=(600, 6)) + 8 * hidden[:, None]
    rows = explained_away(vectors, found, cheap_explanations(found.table, found.sequences), resamples=20)
    assert [row["clusters"] for row in rows] == [2] * len(rows) and min(
        row["clustered_share"]["low"] for row in rows
    ) > 0.9
    assert max(row["explained"] for row in rows) < 0.1
    assert all(
        row["clusters_of_halves"] == {"low": 2, "high": 2, "n": HALVES} and row["stable_clusters"] == 2 for row in rows
    )


def test_clusters_of_noise_do_not_come_back_in_halves() -> None:
    found, _, _ = windows()
    tight = ClusterConfig(min_cluster_size=4, min_samples=2)
    vectors = np.random.default_rng(3).normal(size=(600, 20))
    (row,) = explained_away(vectors, found, {}, config=tight, resamples=20)
    assert (
        row["clusters_of_halves"]["low"] <= row["clusters_of_halves"]["high"]
        and row["stable_clusters"] == 0 < row["clusters"]
    )


@pytest.mark.parametrize("places", [1, 4])
def test_too_few_places_predict_nothing_of_one_another(places: int) -> None:
    found, repeat, _ = windows()
    found.table["block"] = np.arange(600) % places
    assert (
        explained_away(np.random.default_rng(3).normal(size=(600, 4)) + 9 * repeat[:, None], found, {}, resamples=20)
        == []
    )


def test_a_genome_without_annotation_is_asked_nothing() -> None:
    found, _, _ = windows()
    strange = np.arange(600) % 2 == 1
    found.table["repeat_class"] = np.where(strange, "unknown", np.where(np.arange(600) % 4 == 0, "Alu", "none"))
    vectors = np.random.default_rng(3).normal(size=(600, 4)) + 9 * strange[:, None]  # which genome, and nothing else
    (row,) = explained_away(vectors, found, {}, resamples=50)
    assert (
        row["knn10_repeat_class"]["n"] == 300 == len(row["hits"]["knn10_repeat_class"]) == row["ami_repeat_class"]["n"]
    )
    assert row["ami_repeat_class"]["value"] < 0.05 and row["clusters"] == 2


def test_nothing_is_taken_out_that_merely_fits() -> None:
    rng = np.random.default_rng(0)
    vectors, noise = rng.normal(size=(200, 5)), rng.normal(size=(200, 100))
    assert take_out(vectors, noise, groups=np.arange(200))[1] < 0


def test_overlapping_windows_do_not_explain_each_other() -> None:
    rng, steps = np.random.default_rng(0), np.arange(4000)
    window = np.ones(7) / 7**0.5  # windows of seven steps, a step apart: neighbours share six sevenths
    smooth = [
        np.apply_along_axis(np.convolve, 0, rng.normal(size=(4006, width)), window, mode="valid") for width in (8, 200)
    ]
    table = pd.DataFrame(
        {"genome": "g", "chrom": "c", "start": steps * 64, "end": steps * 64 + 448, "block": -1, "label": -1}
    )
    found = ClusteredWindows(table, lambda rows: np.full((len(rows), 448), ord("A"), np.uint8))
    row = explained_away(smooth[0], found, {"nothing to do with it": smooth[1]}, resamples=20)[1]
    assert row["explained"] < 0 < take_out(smooth[0], smooth[1], groups=steps)[1]


def test_the_rest_is_that_of_ordinary_least_squares() -> None:
    rng = np.random.default_rng(0)
    cause = rng.normal(size=(4000, 2))
    vectors = np.hstack([cause @ rng.normal(size=(2, 3)), rng.normal(size=(4000, 3))])
    rest, explained = take_out(vectors, cause, groups=np.arange(4000))
    assert np.abs(np.corrcoef(rest.T, cause.T)[:6, 6:]).max() < 0.1
    assert explained == pytest.approx(0.5, abs=0.1)


def test_homology_is_one_more_explanation() -> None:
    found, repeat, _ = windows()
    explanations = cheap_explanations(found.table, found.sequences, homology=repeat * 100.0)
    assert explanations["homology"].shape == (600, 1)
    assert explanations["all"].shape[1] == sum(explanations[name].shape[1] for name in list(explanations)[:4])


def test_each_part_is_predicted_by_scikit_learns_ridge_of_the_others() -> None:
    from sklearn.linear_model import Ridge

    from dnabert.encoders.nearest import standardised
    from dnabert.explain.explained_away import _PENALTY, _parts

    rng = np.random.default_rng(0)
    cause, groups = rng.normal(size=(300, 4)), np.repeat(np.arange(100), 3)
    vectors = np.hstack([cause @ rng.normal(size=(4, 3)) + rng.normal(size=(300, 3)), rng.normal(size=(300, 2))])
    rest, explained = take_out(vectors, cause, groups=groups)
    wanted, part = standardised(vectors).astype(np.float64), _parts(groups, seed=0)
    expected, spread = np.empty_like(wanted), 0.0
    for number in range(5):
        own = part == number
        model = Ridge(alpha=_PENALTY * (~own).sum()).fit(cause[~own], wanted[~own])
        expected[own] = wanted[own] - model.predict(cause[own])
        spread += ((wanted[own] - wanted[~own].mean(0)) ** 2).sum()
    np.testing.assert_allclose(rest, expected, atol=1e-5)
    assert explained == pytest.approx(1 - (expected**2).sum() / spread, abs=1e-6)
    assert all(len(np.unique(part[groups == each])) == 1 for each in range(100))  # near-copies are never on both sides


def test_joined_explanations_leave_out_the_one_that_holds_the_answer() -> None:
    found, repeat, _ = windows()
    hidden = np.random.default_rng(3).normal(size=(600, 2))
    explanations = cheap_explanations(found.table, found.sequences, homology=hidden)
    names = ["composition", "repeats", "gene position", "homology"]
    names += ["all but repeats", "all but gene position", "all but homology", "all"]
    assert list(explanations) == names
    sizes = {name: explanations[name].shape[1] for name in names}
    assert sizes["all but repeats"] == sizes["all"] - sizes["repeats"]
    assert sizes["all but gene position"] == sizes["all"] - sizes["gene position"]
    assert sizes["all but homology"] == sizes["all"] - sizes["homology"]
    vectors = np.random.default_rng(1).normal(size=(600, 6)) + 6 * repeat[:, None]
    rows = {row["without"]: row for row in explained_away(vectors, found, explanations, resamples=20)}
    assert (
        rows["all but repeats"]["knn10_repeat_class"]["low"]
        > 0.9
        > 0.6
        > rows["all but gene position"]["knn10_repeat_class"]["high"]
    )
    for row in rows.values():
        for metric, hits in row["hits"].items():
            assert len(hits) == 600 and hits.count("1") / 600 == pytest.approx(row[metric]["value"])


def test_agreement_of_what_is_left_is_that_of_its_clusters_and_of_clusters_alone() -> None:
    """Clusters of a hidden cause agree with the repeats only as far as these do; of repeats they agree until these are
    out."""
    from sklearn.metrics import adjusted_mutual_info_score

    found, repeat, _ = windows()
    noise = np.random.default_rng(1).normal(size=(600, 6))
    explanations = cheap_explanations(found.table, found.sequences)
    rows = {
        row["without"]: row for row in explained_away(noise + 12 * repeat[:, None], found, explanations, resamples=20)
    }
    classes = found.table["repeat_class"]
    known, gone = rows["nothing"]["ami_repeat_class"], rows["repeats"]["ami_repeat_class"]
    # of the repeats' clusters every half says the same
    assert np.ptp(rows["nothing"]["draws"]["ami_repeat_class"]) < 0.1
    assert known["value"] == pytest.approx(adjusted_mutual_info_score(repeat, classes), abs=1e-6) and known["low"] > 0.9
    assert gone["value"] < 0.1 and gone["low"] <= gone["value"] <= gone["high"]
    for row in rows.values():
        assert len(row["draws"]["ami_repeat_class"]) == HALVES == row["clusters_of_halves"]["n"]
        assert row["clustered_share"]["low"] <= row["clustered_share"]["value"] <= row["clustered_share"]["high"]
