import copy
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
    assert result.leaders == ["pretrained", "kmer6"] and result.sentence.startswith("the intervals overlap of pretrained")
    assert answer.compare_all(_ladder(0.60))[0].leaders == ["pretrained"]


def test_the_commonest_class_stands_beside() -> None:
    assert "so none beats it" in answer.compare_all(_ladder(0.60, majority=0.7))[0].sentence


def test_a_rung_of_several_is_what_its_dearest_part_is_and_a_folder_may_have_a_plus() -> None:
    control = {"encoder": "random:runs/mlm+contrast", "parts": ["random:runs/mlm+contrast"]}
    assert not answer.is_trained(control) and not answer.is_trained({"encoder": "random:runs/mlm+contrast"})
    counts = {"encoder": "kmer:4+lsa:8", "parts": ["kmer:4", "lsa:8"]}
    assert answer.is_count(counts) and not answer.is_trained(counts)
    joint = {"encoder": "lsa:8+runs/a+b", "parts": ["lsa:8", "runs/a+b"]}
    assert answer.is_trained(joint) and not answer.is_count(joint)
    assert answer.encoder_kind({"encoder": "random:a+lsa:8", "parts": ["random:a", "lsa:8"]}) == "random"


def test_what_is_trained_on_this_genome_and_what_on_something_else() -> None:
    specs = ["runs/x", "default", "bert", "bert:some/model", "kmer:6", "random:runs/x"]
    assert [answer.is_trained({"encoder": each}) for each in specs] == [True, True, False, False, False, False]
    assert [answer.is_off_the_shelf({"encoder": each}) for each in specs] == [False, False, True, True, False, False]


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


_FLOORS = {"best": {"order": 9, "bits_per_base": 1.817}}


@pytest.mark.parametrize(
    ("value", "said"),
    [(1.76, "below the best Markov model (order 9"), (1.94, "not below the best Markov"), (1.818, "not told apart from")],
)
def test_loss_sentence(value: float, said: str) -> None:
    row = {"step": 1, "tokens": 2, "seconds": 3.0}
    row |= {"validation_bits_per_base": value, "low": value - 0.004, "high": value + 0.004}
    assert said in answer.loss_sentence([row], _FLOORS)
    assert "No Markov floor" in answer.loss_sentence([row], None)


@pytest.mark.parametrize(
    ("both", "said"),
    [
        ({"order": 12, "bits_per_base": 1.73}, "not below the best Markov model (order 12 from both sides, 1.730 bits per base)"),
        ({"order": "mixture", "bits_per_base": 1.70}, "not told apart from the best Markov model (mixture from both sides, 1.700"),
        ({"order": 4, "bits_per_base": 1.9}, "below the best Markov model (order 9, 1.817 bits per base)"),
    ],
)
def test_the_opponent_is_the_best_that_counting_does_from_either_side(both: dict[str, Any], said: str) -> None:
    value = 1.74 if both["order"] == 12 else 1.70
    row = {"step": 1, "tokens": 2, "seconds": 3.0, "validation_bits_per_base": value, "low": value - 0.004, "high": value + 0.004}
    floors = {"orders": {}, "best": {"order": 9, "bits_per_base": 1.817}, "bidirectional": {"best": both}}
    assert said in answer.loss_sentence([row], floors)


def test_loss_sentence_tells_unique_sequence_apart() -> None:
    row = {"step": 1, "tokens": 2, "seconds": 3.0, "validation_bits_per_base": 1.7, "validation_bits_per_base_unique": 1.88}
    orders = {"1": {"bits_per_base": 1.8, "bits_per_base_unique": 1.93}, "2": {"bits_per_base": 1.79, "bits_per_base_unique": 1.9}}
    said = answer.loss_sentence([row], {"orders": orders, "best": {"order": 2, "bits_per_base": 1.79}})
    assert said.endswith("soft-masked): 1.880 bits per base, the best Markov model 1.900.")
    both = {"orders": {"2": {"bits_per_base_unique": 1.87}}, "mixture": {"bits_per_base_unique": 1.86}}
    said = answer.loss_sentence([row], {"orders": orders, "best": {"order": 2, "bits_per_base": 1.79}, "bidirectional": both})
    assert said.endswith("the best Markov model 1.860.")
    assert "unique" not in answer.loss_sentence([row], _FLOORS)


def test_all_sequence_and_unique_sequence_do_not_contradict_each_other() -> None:
    row = {"step": 1, "tokens": 2, "seconds": 3.0, "validation_bits_per_base": 1.95, "validation_bits_per_base_unique": 1.911}
    floors = {"orders": {"9": {"bits_per_base_unique": 1.964}}, "best": {"order": 9, "bits_per_base": 1.817}}
    said = answer.loss_sentence([row], floors)
    assert "over all windows it has not learned more than counting gives. It is ahead of counting on unique sequence alone" in said
    said = answer.loss_sentence([row | {"validation_bits_per_base": 1.7, "validation_bits_per_base_unique": 1.97}], floors)
    assert "has learned context that counting does not give. It is not ahead of counting on unique sequence alone" in said


def test_bits_per_base_beside_counting() -> None:
    row = {"validation_bits_per_base": 1.95, "low": 1.94, "high": 1.96}
    found = answer.bits_row([row], _FLOORS)
    assert found is not None and (found["model"], found["floor"], found["name"], found["side"]) == ("1.950", "1.817", "order 9", "above")
    assert found["warning"].startswith("The model is undertrained") and found["warning"].endswith("Train longer.")
    floors = _FLOORS | {"orders": {"9": {"bits_per_base_unique": 1.964}}}
    found = answer.bits_row([row | {"validation_bits_per_base_unique": 1.911}], floors)
    assert found is not None and found["warning"].endswith("though in unique sequence it knows more.")
    found = answer.bits_row([row | {"validation_bits_per_base": 1.7, "low": 1.6, "high": 1.75}], _FLOORS)
    assert found is not None and (found["side"], found["warning"]) == ("below", "")
    assert answer.bits_row([row], None) is None and answer.bits_row([], _FLOORS) is None


def test_loss_sentence_without_validation() -> None:
    assert "no validation" in answer.loss_sentence([{"step": 1, "train_bits_per_base": 1.9}], _FLOORS)


def _distances(p: float | None, effect: float | None) -> dict[str, Any]:
    summary = {"within": {"n": 10, "mean": 0.4, "sd": 0.1}, "unclustered": {"n": 10, "mean": 0.5, "sd": 0.1}}
    return {"summary": summary, "tests": [{"a": "within", "b": "unclustered", "p": p, "effect": effect}]}


@pytest.mark.parametrize(
    ("effect", "word"), [(-0.1, "negligible"), (-0.2, "small"), (-0.4, "medium"), (-0.9, "large"), (-1.0, "large")]
)
def test_effect_in_words(effect: float, word: str) -> None:
    (sentence,) = answer.distance_sentences(_distances(1e-9, effect))
    assert f"closer than pairs of unclustered windows, a {word} effect" in sentence


def test_no_effect_without_a_small_p() -> None:
    assert "no difference" in answer.distance_sentences(_distances(0.2, -0.9))[0]
    assert answer.distance_sentences(_distances(None, None)) == []


def test_cluster_sentence_counts_each_once() -> None:
    clusters = [{"repeat": 0.9, "low_complexity": 0.9}, {"repeat": 0.9}, {"repeat": None, "low_complexity": 0.1}]
    said = answer.cluster_sentence(clusters)
    assert "Of 3 clusters, 1 is mostly repeat" in said
    assert answer.cluster_sentence([]) == "No cluster was found."


def test_without_annotated_repeats_no_cluster_is_called_free_of_them() -> None:
    said = answer.cluster_sentence([{"label": 0, "n": 9, "low_complexity": 0.1}, {"label": -1, "n": 3, "low_complexity": 0.1}])
    assert said.startswith("Of 1 cluster, none is mostly low-complexity") and said.endswith("repeats is not known: the corpus has no annotation of them.")
    assert "mostly repeat" not in said and "neither" not in said


def _with_null() -> list[dict[str, Any]]:
    def rung(name: str, clusters: int, ami: float, *, shuffled: bool) -> dict[str, Any]:
        metrics = {"clusters": {"value": clusters}, "ami_repeat_class": {"value": ami, "low": ami - 0.01, "high": ami + 0.01}}
        return {"rung": name, "encoder": "runs/mine", "shuffled": shuffled, "metrics": metrics}

    return [rung("pretrained", 9, 0.2, shuffled=False), rung("shuffled", 2, 0.9, shuffled=True)]


def test_shuffled_sequence_is_told_and_competes_for_nothing() -> None:
    ladder = _with_null()
    said = answer.null_sentence(ladder)
    assert said is not None and "give 2 clusters instead of 9" in said and "0.900 [0.890, 0.910] instead of 0.200" in said
    (metric,) = [m for m in METRICS if m.key == "ami_repeat_class"]
    assert answer.leaders(ladder, metric) == ["pretrained"]
    assert answer.null_sentence(ladder[:1]) is None
