import copy
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dnabert.comparison.config import CompareConfig
from dnabert.report import answer
from dnabert.report.metrics import METRICS, Metric

_M = Metric("knn10_region", "kNN", "", "higher", True, "majority_region")


def _rung(name: str, encoder: str, value: Any, *, half: float = 0.01, majority: float = 0.1) -> dict[str, Any]:
    bounds = {"low": value - half, "high": value + half} if value is not None else {"low": None, "high": None}
    return {
        "rung": name,
        "encoder": encoder,
        "metrics": {_M.key: {"value": value, **bounds, "n": 10}, "majority_region": {"value": majority}},
    }


def _ladder(pretrained: float, *, kmer: float = 0.5, **options: float) -> list[dict[str, Any]]:
    rungs = (("pretrained", "runs/x", pretrained), ("kmer6", "kmer:6", kmer), ("random", "random:runs/x", 0.3))
    return [_rung(*rung, **options) for rung in rungs]


def test_touching_intervals_overlap() -> None:
    (result,) = answer.compare_all(_ladder(0.52))
    assert result.leaders == ["pretrained", "kmer6"] and result.sentence.startswith(
        "the intervals overlap of pretrained"
    )
    assert answer.compare_all(_ladder(0.60))[0].leaders == ["pretrained"]


def test_two_rungs_are_compared_and_one_is_not() -> None:
    assert [result.leaders for result in answer.compare_all(_ladder(0.60)[:2])] == [["pretrained"]]
    assert answer.compare_all(_ladder(0.60)[:1]) == []


def test_what_is_behind_on_the_same_windows_does_not_lead_however_wide_its_interval() -> None:
    ladder = _ladder(0.49)
    row = {"metric": _M.key, "without": None, "rung": "pretrained", "baseline": "kmer6", "outcome": "behind"}
    assert answer.leaders(ladder, _M) == ["kmer6", "pretrained"] and answer.leaders(ladder, _M, differences=[row]) == [
        "kmer6"
    ]
    assert (
        "yet on the same windows pretrained is behind kmer6"
        in answer.compare_all(ladder, differences=[row])[0].sentence
    )
    for other in ({"outcome": "level"}, {"without": "composition"}, {"metric": "other"}):
        assert answer.leaders(ladder, _M, differences=[row | other]) == ["kmer6", "pretrained"]


def test_the_commonest_class_stands_beside() -> None:
    for majority, beaten in ((0.7, False), (0.6, False), (0.59, True)):
        told = answer.compare_all(_ladder(0.60, majority=majority))[0].sentence
        assert f"class gives {majority:.3f}" in told and ("so none beats it" in told) != beaten


def test_one_rung_is_no_comparison() -> None:
    assert answer.compare_all(_ladder(0.9)[:1]) == []


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 0.3)), min_size=1, max_size=6))
def test_leaders_against_brute_force(values: list[tuple[float, float]]) -> None:
    ladder = [_rung(str(i), "kmer:4", value, half=half) for i, (value, half) in enumerate(values)]
    first = max(range(len(values)), key=lambda i: values[i][0])
    low = values[first][0] - values[first][1]
    expected = {str(i) for i, (value, half) in enumerate(values) if value + half >= low}
    assert set(answer.leaders(ladder, _M)) == expected


def test_unmeasured_rungs_are_left_out() -> None:
    ladder = [*_ladder(0.6), _rung("bert", "bert", None)]
    assert answer.leaders(ladder, _M) == ["pretrained"]
    broken = copy.deepcopy(ladder)
    broken[3]["metrics"][_M.key]["value"] = math.nan
    assert answer.leaders(broken, _M) == ["pretrained"]


def _distances(p: float | None, effect: float | None) -> dict[str, Any]:
    summary = {"within": {"n": 10, "median": 0.4, "sd": 0.1}, "unclustered": {"n": 10, "median": 0.5, "sd": 0.1}}
    return {"summary": summary, "tests": [{"a": "within", "b": "unclustered", "p": p, "effect": effect}]}


@pytest.mark.parametrize(
    ("effect", "word"), [(-0.1, "negligible"), (-0.2, "small"), (-0.4, "medium"), (-0.9, "large"), (-1.0, "large")]
)
def test_effect_in_words(effect: float, word: str) -> None:
    (sentence,) = answer.distance_sentences(_distances(1e-9, effect))
    assert f"closer than pairs of unclustered windows, a {word} effect" in sentence


def test_the_side_of_an_effect_is_that_of_the_ranks_which_are_tested() -> None:
    """A few near-copies lower the mean of pairs of which nearly all are farther apart."""
    (sentence,) = answer.distance_sentences(_distances(1e-9, 0.8))
    assert (
        "are farther apart than pairs of unclustered windows, a large effect" in sentence
        and "in 90\N{NO-BREAK SPACE}% of comparisons" in sentence
    )


def test_no_effect_without_a_small_p() -> None:
    (told,) = answer.distance_sentences(_distances(0.2, -0.9))
    assert "are not shown to differ from pairs of unclustered windows: median 40.0\N{NO-BREAK SPACE}% of" in told
    assert "no difference" not in told
    of = _distances(0.2, -0.9)
    for pairs, few in (([8, 247], True), ([247, 19], True), ([20, 20], False)):
        (told,) = answer.distance_sentences(of | {"tests": [of["tests"][0] | {"pairs": pairs}]})
        assert (f"windows, and {min(pairs)} independent pairs are too few to tell: median" in told) is few
    assert answer.distance_sentences(_distances(None, None)) == []


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({}, "are of the 2 clusters of at most 5 % of the windows (90 windows): larger ones are parts"),
        ({"labels": [7], "windows": 21}, "are of cluster 7, the one of at most 5 % of the windows (21 windows)"),
        (
            {"tight": False, "in_tight": 21},
            "are of all clusters: those of at most 5 % of the windows hold 21 of the 300 clustered windows, too few",
        ),
    ],
)
def test_whose_pairs_are_within_a_cluster_is_said_first(change: dict[str, Any], told: str) -> None:
    clusters = {"labels": [0, 2], "windows": 90, "tight": True, "tight_share": 0.05, "in_tight": 90, "clustered": 300}
    first, second = answer.distance_sentences({**_distances(1e-9, -0.9), "clusters": {**clusters, **change}})
    assert first.replace("\N{NO-BREAK SPACE}", " ").startswith(f"Pairs within a cluster {told}") and second.startswith(
        "Pairs within a cluster are closer"
    )


def test_cluster_sentence_counts_each_once() -> None:
    clusters = [{"repeat": 0.9, "low_complexity": 0.9}, {"repeat": 0.9}, {"repeat": None, "low_complexity": 0.1}]
    said = answer.cluster_sentence(clusters)
    assert "Of 3 clusters, 1 is mostly repeat" in said
    told = answer.cluster_sentence([])
    assert told.startswith("No cluster was found: a lower --map-cluster.min-cluster-size may find")
    assert "(--map-windows)" in told
    assert hasattr(CompareConfig().map_cluster, "min_cluster_size") and hasattr(CompareConfig(), "map_windows")


def test_half_of_the_bases_make_a_repeat_and_all_windows_weigh_by_their_number() -> None:
    clusters = [
        {"label": 0, "n": 10, "repeat": 0.5, "low_complexity": 0.49},
        {"label": 1, "n": 30, "repeat": 0.2, "low_complexity": 0.0},
        {"label": 2, "n": 10, "repeat": 0.9, "low_complexity": 0.5},
        {"label": -1, "n": 50, "repeat": 0.3, "low_complexity": 0.1},
    ]
    said = answer.cluster_sentence(clusters).replace("\N{NO-BREAK SPACE}", " ")
    assert said == (
        "Of 3 clusters, 1 is mostly repeat (at least half of their bases; of all windows together 35 % of the bases "
        "are), 1 is mostly low-complexity sequence (a few short words over and over) and 1 is neither."
    )
    assert "all windows" not in answer.cluster_sentence(clusters[:3])


def test_without_annotated_repeats_no_cluster_is_called_free_of_them() -> None:
    said = answer.cluster_sentence(
        [{"label": 0, "n": 9, "low_complexity": 0.1}, {"label": -1, "n": 3, "low_complexity": 0.1}]
    )
    assert said.startswith("Of 1 cluster, none is mostly low-complexity") and said.endswith(
        "repeats is not known: the corpus has no annotation of them."
    )
    assert "mostly repeat" not in said and "neither" not in said


def _with_null() -> list[dict[str, Any]]:
    def rung(name: str, clusters: int, ami: float, *, shuffled: bool) -> dict[str, Any]:
        metrics = {
            "clusters": {"value": clusters},
            "ami_repeat_class": {"value": ami, "low": ami - 0.01, "high": ami + 0.01},
        }
        return {"rung": name, "encoder": "runs/mine", "shuffled": shuffled, "metrics": metrics}

    return [rung("pretrained", 9, 0.2, shuffled=False), rung("shuffled", 2, 0.9, shuffled=True)]


def test_shuffled_sequence_is_told_and_competes_for_nothing() -> None:
    ladder = _with_null()
    said = answer.null_sentence(ladder)
    assert (
        said is not None and "give 2 clusters instead of 9" in said and "0.900 [0.890, 0.910] instead of 0.200" in said
    )
    (metric,) = [m for m in METRICS if m.key == "ami_repeat_class"]
    assert answer.leaders(ladder, metric) == ["pretrained"]
    assert answer.null_sentence(ladder[:1]) is None


@pytest.mark.parametrize(
    ("real", "null", "told"),
    [
        (0, 2, "give 2 clusters; as they are they give none, so that there is nothing to tell apart from composition."),
        (
            0,
            0,
            "give no cluster; as they are they give none either, so that there is nothing to tell apart from "
            "composition.",
        ),
        (9, 0, "give no cluster instead of 9: composition alone makes none."),
        (9, 1, "give 1 cluster instead of 9, which agrees with repeat class"),
        (3, 3, "give 3 clusters as before, which agree"),
    ],
)
def test_of_no_cluster_nothing_is_composition(real: int, null: int, told: str) -> None:
    ladder = [
        {**rung, "metrics": {**rung["metrics"], "clusters": {"value": n}}}
        for rung, n in zip(_with_null(), (real, null), strict=True)
    ]
    said = answer.null_sentence(ladder)
    assert said is not None and told in said and ("order" in said) == (real > 0 < null)


@pytest.mark.parametrize("low", [-0.056, 0.0])
def test_an_agreement_that_may_be_chance_is_not_called_composition(low: float) -> None:
    """Of yeast 0.009 [-0.056, 0.074] instead of 0.002 was: that much is composition."""
    real, null = _with_null()
    null["metrics"]["ami_repeat_class"] = {"value": 0.009, "low": low, "high": 0.074}
    said = answer.null_sentence([real, null]) or ""
    assert said.endswith(": composition alone makes that many, and what it makes is not shown to follow repeat class.")
    assert (answer.null_sentence(_with_null()) or "").endswith(": that much is composition, not order.")
    null["metrics"]["ami_repeat_class"] = {"value": None, "low": None, "high": None}
    said = answer.null_sentence([real, null]) or ""
    assert said.endswith("give 2 clusters instead of 9: that much is composition, not order.")


def test_shuffled_sequence_that_was_read_otherwise_is_no_null() -> None:
    ladder = _with_null()
    for rung, phases in zip(ladder, (3, 1), strict=True):
        rung["read"] = {"phases": phases, "both_strands": False}
    assert answer.null_sentence(ladder) is None
    alike = {
        **ladder[1],
        "rung": "alike",
        "read": ladder[0]["read"],
        "metrics": {**ladder[1]["metrics"], "clusters": {"value": 4}},
    }
    said = answer.null_sentence([*ladder, alike])
    assert said is not None and "give 4 clusters instead of 9" in said
