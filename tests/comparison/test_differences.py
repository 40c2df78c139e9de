from typing import Any

import numpy as np

from dnabert.comparison import differences


def rung(name: str, encoder: str, hits: str) -> dict[str, Any]:
    share = hits.count("1") / len(hits)
    return {
        "rung": name, "encoder": encoder, "metrics": {"knn": {"value": share}}, "hits": {"knn": hits},
        "groups": {"knn": list(range(len(hits)))},
    }  # fmt: skip


def test_the_pretrained_rung_is_held_against_the_best_cheap_one() -> None:
    ladder = [rung("mine", "runs/x", "1" * 90 + "0" * 10), rung("k", "kmer:4", "1" * 60 + "0" * 40), rung("r", "random:x", "0" * 100)]
    (found,) = differences(ladder)
    assert (found["metric"], found["rung"], found["baseline"], found["n"]) == ("knn", "mine", "k", 100)
    assert found["value"] == 0.3 and 0.2 < found["low"] < 0.3 < found["high"] < 0.4


def test_shuffled_rungs_compete_for_nothing_and_a_ladder_without_rivals_has_no_difference() -> None:
    null = rung("null", "runs/x", "1" * 100) | {"shuffled": True}
    assert differences([rung("mine", "runs/x", "10" * 50), null]) == []


def test_a_tie_in_single_intervals_can_be_a_difference_in_pairs() -> None:
    right = np.random.default_rng(0).random(2_000) < 0.6
    better = right.copy()
    better[np.flatnonzero(~right)[:20]] = True  # right wherever the other is, and in 20 of 2,000 more
    text = ["".join("01"[int(x)] for x in each) for each in (better, right)]
    (found,) = differences([rung("mine", "runs/x", text[0]), rung("k", "kmer:4", text[1])])
    assert found["low"] > 0
