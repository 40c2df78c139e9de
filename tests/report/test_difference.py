"""What a difference is told in, and whether it is worth anything beside a guess."""

from typing import Any

import pytest

from dnabert.report.difference import beside_commonest, company_sentence, is_trivial, sentence

#: A rung whose every score begins at 0.5, beside a guess of repeat class that does as well and others that do not.
RUNG = {
    "rung": "mine",
    "metrics": {
        **{key: {"value": 0.6, "low": 0.5} for key in ("knn10_repeat_class", "knn10_region", "knn1_relatives")},
        "retrieval_top1": {"value": 0.6, "low": 0.5},
        "majority_repeat_class": {"value": 0.5},
        "majority_region": {"value": 0.49},
        "chance_relatives": {"value": 0.02},
    },
    "explained_away": [{"without": "repeats", "knn10_region": {"value": 0.5, "low": 0.4, "high": 0.6}}],
}


def of(metric: str, *, without: str | None = None) -> dict[str, Any]:
    return {"metric": metric, "without": without}


@pytest.mark.parametrize(
    ("row", "trivial"),
    [
        (of("knn10_repeat_class"), True),
        (of("knn10_region"), False),
        (of("knn10_region", without="repeats"), True),
        (of("knn10_region", without="composition"), True),  # it was not measured
        (of("knn1_relatives"), False),
        (of("retrieval_top1", without="composition"), False),  # nothing is guessed
    ],
)
def test_each_measure_is_held_against_its_own_guess(row: dict[str, Any], *, trivial: bool) -> None:
    assert is_trivial(RUNG, row) is trivial


def test_a_score_stands_beside_what_its_measure_guesses() -> None:
    assert beside_commonest(RUNG, of("retrieval_top1")) == ""
    told = beside_commonest(RUNG, of("knn1_relatives"))
    assert told == " (0.600 of the windows; a window drawn at random gives 0.020)"
    told = beside_commonest(RUNG, of("knn10_repeat_class"))
    assert told == " (0.600 of the windows; always saying the largest class gives 0.500, so nothing is left)"


@pytest.mark.parametrize(("low", "counted"), [(-0.01, False), (0.0, False), (0.01, True)])
def test_only_an_interval_that_excludes_0_is_told_to_be_counted_with_all(low: float, *, counted: bool) -> None:
    row = of("knn10_region") | {"rung": "mine", "baseline": "kmer6", "beside": "kmer6", "outcome": "level"}
    row |= {"value": 0.02, "low": low, "high": 0.05, "score": 0.62, "baseline_score": 0.6}
    for told in (sentence(row), company_sentence(row)):
        assert (" once all measures are counted" in told) is counted
