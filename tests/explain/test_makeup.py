import math

import numpy as np
import pandas as pd
import pytest
from Bio.SeqUtils import gc_fraction
from hypothesis import given, settings
from hypothesis import strategies as st

from dnabert.explain import ClusteredWindows, cluster_makeup
from dnabert.explain.makeup import MEASURES, measure_composition


def rows_of(*texts: str) -> ClusteredWindows:
    bases = np.frombuffer("".join(texts).encode(), dtype=np.uint8).reshape(len(texts), -1)
    return ClusteredWindows(pd.DataFrame({"label": [-1] * len(texts)}), lambda rows: bases[rows])


@given(st.text("ACGTacgtN", min_size=4, max_size=40))
@settings(max_examples=50)
def test_composition_equals_counting_by_hand(text: str) -> None:
    gc, cpg, entropy, _ = measure_composition(rows_of(text))[0]
    upper = text.upper()
    if set(upper) - {"N"}:
        assert gc == pytest.approx(gc_fraction(upper, ambiguous="remove"))
    both = upper.count("C") * upper.count("G")
    assert cpg == pytest.approx(upper.count("CG") * (len(upper) - upper.count("N")) / both) if both else math.isnan(cpg)
    words = [upper[i : i + 3] for i in range(len(upper) - 2) if "N" not in upper[i : i + 3]]
    shares = [words.count(word) / len(words) for word in set(words)]
    expected = -sum(share * math.log(share) for share in shares) / math.log(min(64, len(upper) - 2))
    assert entropy == pytest.approx(expected, abs=1e-9) if words else math.isnan(entropy)


def test_simple_sequence_has_no_entropy_and_short_or_unknown_ones_no_value() -> None:
    assert measure_composition(rows_of("A" * 128))[0][2:].tolist() == [0.0, 1.0]
    assert np.isnan(measure_composition(rows_of("ACG"))[0, 2])
    assert np.isnan(measure_composition(rows_of("NNNNNNN"))[0, :3]).all()


def test_of_windows_without_a_value_the_others_still_have_theirs() -> None:
    """Windows of A and T have no CpG expected."""
    bases = np.frombuffer(b"ATATATAT" * 2 + b"ACGTACGT" * 2, dtype=np.uint8).reshape(4, 8)
    first, second = cluster_makeup(ClusteredWindows(pd.DataFrame({"label": [0, 0, 1, 1]}), lambda rows: bases[rows]))
    assert first["cpg_observed_expected"] == {
        "value": None,
        "low": None,
        "high": None,
        "rest": 4.0,
        "effect": None,
        "p": None,
        "q": None,
    }
    assert second["cpg_observed_expected"]["value"] == 4.0 and second["cpg_observed_expected"]["rest"] is None


@pytest.fixture(scope="module")
def windows() -> ClusteredWindows:
    """Cluster 0, GC-rich: a at 0-100 and 50-150, its orthologs, and b; cluster 1 AT-rich; the rest even."""
    rng = np.random.default_rng(0)
    gc = np.repeat([0.8, 0.2, 0.5], [6, 20, 60])
    strong = rng.random((86, 100)) < gc[:, None]
    bases = np.where(strong, rng.choice([ord("C"), ord("G")], (86, 100)), rng.choice([ord("A"), ord("T")], (86, 100)))
    start = np.concatenate([[0, 50, 0, 50, 5_000, 5_000], 10_000 + 200 * np.arange(80)])
    table = pd.DataFrame(
        {"label": np.repeat([0, 1, -1], [6, 20, 60]), "start": start, "end": start + 100, "chrom": "c"}
    )
    table["genome"] = ["human", "human", "chimp", "chimp", "human", "chimp", *["human"] * 80]
    table["block"] = [7, 7, 7, 7, 8, 8, *[-1] * 80]
    table["probability"] = np.linspace(1, 0.1, 86)
    points = np.zeros((86, 2))
    points[:6, 0] = [0, 0, 0.5, 0.8, -1, 4]  # the mean is 0.72: row 3 is nearest to it, row 5 to the other centre
    points[6:26, 0] = 10 + np.linspace(-3, 3, 20)
    return ClusteredWindows(table, lambda rows: bases[rows].astype(np.uint8), points=points)


def test_extent_counts_a_base_once_and_a_locus_once(windows: ClusteredWindows) -> None:
    row = cluster_makeup(windows)[0]
    assert (row["label"], row["n"], row["share"], row["loci"]) == (0, 6, 6 / 86, 2)
    assert row["genomes"] == {"chimp": 3, "human": 3} and row["footprint"] == {"chimp": 250, "human": 250}
    assert row["footprint_bp"] == 500


def test_measures_have_an_interval_over_loci_the_rest_and_a_corrected_p(windows: ClusteredWindows) -> None:
    rich, poor = cluster_makeup(windows)
    values = measure_composition(windows)[:, 0]
    assert poor["gc"]["value"] == pytest.approx(values[6:26].mean())
    assert poor["gc"]["rest"] == pytest.approx(np.delete(values, np.arange(6, 26)).mean())
    assert poor["gc"]["low"] < poor["gc"]["value"] < poor["gc"]["high"] < poor["gc"]["rest"]
    assert poor["gc"]["effect"] == -1 and poor["gc"]["p"] < 0.05  # it fills one stretch of 86 windows
    assert rich["gc"]["effect"] > 0.9 and rich["gc"]["p"] > 0.01  # two loci, whatever the number of windows
    assert all(row[name]["p"] <= row[name]["q"] for row in (rich, poor) for name in MEASURES)


def test_two_loci_tell_little_of_a_mean_and_one_nothing(windows: ClusteredWindows) -> None:
    rich = cluster_makeup(windows)[0]["gc"]
    values = measure_composition(windows)[:6, 0]
    apart = abs(values[:4].mean() - values[4:].mean()) / 2
    # t is 12.7; resamples reach as far as either locus
    assert rich["value"] - rich["low"] > 6 * apart and rich["value"] + 6 * apart < rich["high"] <= 1
    one = ClusteredWindows(windows.table.assign(label=np.repeat([0, -1], [4, 82])), windows.sequences)
    assert [cluster_makeup(one)[0]["gc"][name] for name in ("low", "high")] == [None, None]


def test_medoid_boundary_and_random_members(windows: ClusteredWindows) -> None:
    row = cluster_makeup(windows, members=2)[0]
    assert row["medoid"]["row"] == 3 and row["medoid"]["genome"] == "chimp" and len(row["medoid"]["sequence"]) == 100
    assert row["medoid"]["distance_to_centre"] == pytest.approx(0.5 / 6)
    assert row["boundary"][0]["row"] == 5 and row["boundary"][0]["nearest_cluster"] == 1
    for members in (row["boundary"], row["random"]):
        assert {member["row"] < 4 for member in members} == {True, False}  # one of each locus
    assert cluster_makeup(windows, members=2) == cluster_makeup(windows, members=2)
    assert len(cluster_makeup(windows, members=9)[0]["random"]) == 6


def test_without_points_coordinates_or_rest(windows: ClusteredWindows) -> None:
    table = pd.DataFrame({"label": [0] * 4, "probability": [0.9, 0.2, 0.5, 1.0]})
    row = cluster_makeup(ClusteredWindows(table, windows.sequences), members=2)[0]
    assert row["medoid"] is None and [member["row"] for member in row["boundary"]] == [1, 2]
    assert "footprint" not in row and row["gc"]["rest"] is None and row["gc"]["q"] is None
