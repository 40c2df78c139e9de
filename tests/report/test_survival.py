from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dnabert.report.evidence import read_evidence
from dnabert.report.page import render
from dnabert.report.survival import sentence, shift_sentence, trust_sentences


def test_shuffled_windows_are_those_of_the_ladder_not_of_the_map() -> None:
    (told,) = trust_sentences({}, {"real": {"n": 1000}, "verdict": "Shuffled windows form no cluster."}, {})
    assert told == (
        "Of the ladder's 1,000 windows, whose clusters are not the map's and have numbers of their own: shuffled "
        "windows form no cluster."
    )
    # as earlier versions wrote it, and now
    for told in ("3 of 4, with 99% of the windows.", "3 of 4, with 99 % of the windows."):
        assert trust_sentences({"sentence": told}, {}, {}) == ["3 of 4, with 99\xa0% of the windows."]


@pytest.mark.parametrize(
    ("features", "told"),
    [
        (["genome"], "Species predicts"),
        (["genome", "gc"], "GC and species together predict"),
        (["strand", "genome", "gc"], "GC, strand and species together predict"),
    ],
)
def test_what_cheap_features_predict_of_the_clusters_is_told(features: list[str], told: str) -> None:
    prediction = {"explained": 0.2, "low": 0.1, "high": 0.3, "features": features}
    assert trust_sentences({}, {}, {"confounds": {"prediction": prediction}}) == [
        f"{told} 0.200 [0.100, 0.300] of the labelling (of its entropy, at places that the prediction has not seen)."
    ]
    assert trust_sentences({}, {}, {"confounds": {"prediction": prediction | {"explained": None}}}) == []


def test_that_nobody_asked_whether_explained_clusters_come_back_is_told(comparison: Path) -> None:
    """Of each it stood "(high confidence)", and under "Can they be trusted?" nothing of stability."""
    (told,) = trust_sentences({}, {}, {}, explained=True)
    assert told.startswith(
        "Whether the clusters come back when the clustering is repeated was not asked: dnabert stability"
    )
    assert trust_sentences({"sentence": "They do."}, {}, {}, explained=True) == ["They do."]
    near = {"value": 0.5, "low": 0.4, "high": 0.6, "rest": 0.5}
    makeup = {
        "n": 9,
        "loci": 5,
        "footprint_bp": 5,
        **dict.fromkeys(("gc", "cpg_observed_expected", "entropy", "low_complexity"), near),
    }
    card = {"label": 0, "makeup": makeup, "sentence": {"text": "AT-rich", "confidence": "high", "basis": "composition"}}
    evidence = read_evidence(comparison)
    assert told in render(replace(evidence, cards=[card]), {}) and told not in render(evidence, {})


def _ladder(explained: float) -> list[dict[str, Any]]:
    share = {"value": 0.4, "low": 0.3, "high": 0.5}
    row = {"clusters": 9, "clustered_share": share, "knn10_region": share}
    rows = [
        {"without": name, "explained": out, **row}
        for name, out in (("nothing", 0.0), ("composition", explained), ("homology", 0.1), ("all", explained))
    ]
    return [{"rung": "mine", "encoder": "runs/x", "explained_away": rows}]


def test_what_survives_is_told() -> None:
    said = sentence(_ladder(0.3))
    assert said is not None and said.endswith(
        "name the window's region 0.400 [0.300, 0.500] (before: 0.400 [0.300, 0.500])."
    )
    said = sentence([_ladder(0.3)[0] | {"metrics": {"majority_region": {"value": 0.39}}}])
    # so that nothing survives
    assert said is not None and said.endswith("(before: 0.400 [0.300, 0.500]; the largest class alone: 0.390).")
    assert said.startswith(
        "Composition and homology predict 30\xa0% of the variance of mine's vectors. Without them HDBSCAN"
    )
    assert "with mine" not in said
    others = [_ladder(0.3)[0] | {"rung": name, "encoder": "kmer:6"} for name in ("kmer6", "lsa8")]
    beside = sentence([*_ladder(0.3), *others])
    told = "9 clusters); 0.400 [0.300, 0.500] with kmer6 and 0.400 [0.300, 0.500] with lsa8. Ten neighbours"
    assert beside is not None and told in beside


def test_before_and_after_are_those_of_nothing_and_of_all_taken_out_of_each_encoder() -> None:
    def rung(name: str, encoder: str, first: float) -> dict[str, Any]:
        rows = []
        for number, without in enumerate(("nothing", "composition", "all but homology", "all")):
            share = {"value": first + number / 100, "low": first, "high": first + 0.1}
            halves = {"clusters": 1 + number, "stable_clusters": number, "clusters_of_halves": {"low": 2, "high": 5}}
            rows.append({"without": without, "explained": number / 10, "clustered_share": share, "knn10_region": share})
            rows[-1] |= halves if number in (0, 3) else {"clusters": 77}
        return {"rung": name, "encoder": encoder, "explained_away": rows}

    ladder = [rung("kmer6", "kmer:6", 0.2), rung("mine", "runs/x", 0.4), rung("other", "runs/y", 0.6)]
    assert sentence(ladder) == (
        "Composition predicts 30\xa0% of the variance of mine's vectors. Without it HDBSCAN puts 0.430 [0.400, 0.500] "
        "of the windows into 4 clusters (2 to 5 in halves of the places, where 3 of the 4 come back) (before: 0.400 "
        "[0.400, 0.500], 1 cluster (2 to 5 in halves of the places, where none of the 1 come back)); 0.230 [0.200, "
        "0.300] with kmer6 and 0.630 [0.600, 0.700] with other. Ten neighbours in what is left name the window's "
        "region 0.430 [0.400, 0.500] (before: 0.400 [0.400, 0.500])."
    )


@pytest.mark.parametrize("explained", [0.0, -0.92])
def test_where_nothing_could_be_taken_out_nothing_survives(explained: float) -> None:
    said = sentence(_ladder(explained))
    assert said is not None and said.startswith(
        "Too few windows are there to take anything out: composition and homology foretell nothing"
    )
    assert "HDBSCAN" not in said and "%" not in said


def _moved(*cosines: tuple[str, float, float], encoder: str = "runs/x") -> list[dict[str, Any]]:
    rows = [
        {"change": change, "amount": amount, "cosine": {"value": value}, "found_first": {"value": 0.1}}
        for change, amount, value in cosines
    ]
    return [{"rung": "mine", "encoder": encoder, "symmetry": rows}]


def test_a_window_that_is_another_one_base_on_is_warned_of() -> None:
    said = shift_sentence(_moved(("strand", 1, 0.9), ("shift", -1, 0.31), ("shift", 1, 0.6)))
    assert said is not None and said.startswith(
        "Moved by one base a window of mine keeps a cosine of only 0.31 with itself: its clusters may be the frames"
    )
    assert "phases: 3" in said and "contrastively" in said
    three = [_moved(("shift", 1, 0.46))[0] | {"read": {"phases": 3}}]
    said = shift_sentence(three)
    assert said is not None and said.endswith(
        "3 frames are not enough: read all (as many phases as a word has letters) or train contrastively."
    )
    for ladder in (
        _moved(("strand", 1, 0.1), ("shift", 1, 0.58)),
        _moved(("shift", 3, 0.2)),
        _moved(("shift", 1, 0.2), encoder="kmer:6"),
        [],
    ):
        assert shift_sentence(ladder) is None
