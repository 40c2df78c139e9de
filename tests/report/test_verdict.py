from dataclasses import replace
from typing import Any

import pytest

from dnabert.report.verdict import MARGIN, verdict

Record = dict[str, Any]


def ladder(*, commonest: float = 0.1, left: float = 0.6, without: tuple[str, ...] = ()) -> list[Record]:
    """A trained rung (0.7 in everything, `left` when all but gene position is out) and the cheap ones, but those of
    `without`."""
    rungs = {"mine": "runs/x", "kmer6": "kmer:6", "random": "random:runs/x", "bert": "bert"}
    score = {"value": 0.7, "low": 0.68, "high": 0.72, "n": 100}
    metrics = dict.fromkeys(("knn10_region", "knn10_repeat_class", "retrieval_top1", "ami_region"), score)
    metrics |= {"majority_region": {"value": commonest}, "majority_repeat_class": {"value": commonest}}
    rest = {"value": left, "low": left - 0.02, "high": left + 0.02, "n": 100}
    rows = [{"without": "all but gene position", "knn10_region": rest}]
    return [
        {"rung": name, "encoder": encoder, "metrics": metrics, "explained_away": rows}
        for name, encoder in rungs.items()
        if name not in without
    ]


def row(
    metric: str, outcome: str, value: float, *, half: float = 0.01, without: str | None = None, rung: str = "mine"
) -> Record:
    bounds = {"value": value, "low": value - half, "high": value + half}
    return {
        "metric": metric,
        "without": without,
        "rung": rung,
        "baseline": "kmer6",
        "outcome": outcome,
        "n": 100,
        **bounds,
    }


LEAD, LEFT = row("knn10_region", "ahead", 0.05), row("knn10_region", "ahead", 0.04, without="all but gene position")
MISS, LEVEL = row("retrieval_top1", "behind", -0.5), row("ami_region", "level", 0.0)


@pytest.mark.parametrize(
    ("rows", "outcome"),
    [
        ([LEAD, LEFT, LEVEL], "interesting"),
        ([LEAD, LEVEL], "not shown"),  # what survives was not asked, and the headline says so
        ([LEAD, LEFT, MISS], "interesting in part"),
        ([LEAD, row("knn10_region", "level", 0.0, without="all but gene position")], "not shown"),
        # ahead, behind, nothing stands
        ([LEAD, MISS, row("knn10_region", "level", 0.0, without="all but gene position")], "not shown"),
        ([LEAD, row("knn10_region", "ahead", 0.02, without="all but gene position")], "not shown"),  # it may be 0.01
        # the only explanation there is
        ([LEAD, row("knn10_region", "level", 0.0, without="composition")], "not shown"),
        # never both out
        ([LEAD, *(row("knn10_region", "level", 0.0, without=x) for x in ("composition", "homology"))], "not shown"),
        ([MISS, LEVEL], "a waste of time"),
        ([LEVEL], "a waste of time"),
        ([row("ami_region", "level", 0.02, half=0.05)], "undecided"),  # 0.07 ahead would be possible
        ([], "no claim"),
    ],
)
def test_outcomes(rows: list[Record], outcome: str) -> None:
    found = verdict(ladder(), rows)
    assert found.outcome == outcome and found.headline.endswith(".")
    assert not found.headline.startswith("Interesting") or outcome.startswith("interesting")


def test_the_headline_says_where_and_what_stands() -> None:
    told = verdict(ladder(), [LEAD, LEFT, MISS, LEVEL])
    assert told.headline == (
        "Interesting in part, for this genome: of 3 measures, mine is ahead of everything cheaper in 1 (10 nearest "
        "neighbours: gene region), and it is behind in 1 (Ortholog found first); with all cheap explanations but gene "
        "position taken out it still is, in 10 nearest neighbours: gene region."
    )
    assert told.misses == ["Ortholog found first: mine is behind kmer6 by 0.500 [0.490, 0.510]"]
    assert told.survives[0].endswith(
        "by 0.040 [0.030, 0.050] (0.600 [0.580, 0.620] of the windows; always saying the largest class gives 0.100)"
    )
    told = verdict(ladder(), [LEAD, LEVEL]).headline
    assert told.startswith("Not shown, for this genome: of 2 measures, mine is ahead") and told.endswith(
        "was not asked."
    )
    level = row("knn10_region", "level", 0.0, without="all but gene position")
    told = verdict(ladder(), [LEAD, level]).headline  # what was not asked to stand alone is not claimed to fall
    assert told.endswith(
        "no lead was shown to stand when all cheap explanations but the one that holds the answer are taken out "
        "together."
    )
    alone = verdict(ladder(), [LEAD, level | {"without": "composition"}]).headline
    assert alone.endswith("no lead was shown to stand when composition is taken out.")
    assert f"{MARGIN}" in verdict(ladder(), [LEVEL]).headline
    assert "it may be by up to 0.070" in verdict(ladder(), [row("ami_region", "level", 0.02, half=0.05)]).headline


def test_a_lead_below_the_commonest_class_is_none() -> None:
    told = verdict(ladder(commonest=0.9), [LEAD, LEVEL])
    assert told.finds == [] and told.outcome == "undecided" and len(told.level) == 1
    assert (
        told.guessed[0].endswith("0.900, so nothing is left)")
        and told.guessed[0].count("ahead of everything cheaper") == 1
    )
    assert (
        "in none of 2 measures is mine shown to be usefully ahead" in told.headline
        and "gene region it leads without being shown" in told.headline
    )
    # noise is ahead of counts that have nothing left, and below the commonest class
    assert verdict(ladder(commonest=0.6, left=0.5), [LEAD, LEFT]).outcome == "not shown"
    assert verdict(ladder(commonest=0.6, left=0.5), [LEAD, LEFT]).survives[0].endswith("so nothing is left)")


def test_explanations_that_explain_nothing_leave_no_lead_standing() -> None:
    rungs = ladder()
    assert verdict(rungs, [LEAD, LEFT]).outcome == "interesting"
    for poor in ("mine", "kmer6"):  # a rest that is noisier than the whole, of either side
        shares = {rung["rung"]: -0.9 if rung["rung"] == poor else 0.4 for rung in rungs}
        told = [
            rung | {"explained_away": [rung["explained_away"][0] | {"explained": shares[rung["rung"]]}]}
            for rung in rungs
        ]
        found = verdict(told, [LEAD, LEFT])
        assert (
            found.outcome == "not shown" and "the cheap explanations predict nothing of these vectors" in found.headline
        )


def together(
    value: float, *, outcome: str = "ahead", score: float = 0.7, half: float = 0.01, baseline: str = "lsa8"
) -> Record:
    """A row of `added_to_counts`."""
    rows = row("knn10_region", outcome, value, half=half) | {"baseline": baseline, "beside": "lsa8"}
    return rows | {"score": score, "baseline_score": score - value}


def test_what_it_adds_to_counting_counts_where_it_has_no_lead() -> None:
    found = verdict(ladder(), [MISS, LEVEL], [together(0.03)])
    assert found.outcome == "adds to counting" and found.headline == (
        "Of use beside counting, not instead of it, for this genome: in none of 2 measures is mine ahead of the best "
        "of what is cheaper (kmer6), and it is behind in 1 (Ortholog found first). Beside counting it adds in 1 of 1 "
        "(10 nearest neighbours: gene region)."
    )
    assert found.adds == [
        "10 nearest neighbours: gene region: mine beside lsa8 0.700, ahead of everything cheaper beside it; of the "
        "best, lsa8 alone (0.670), by 0.030 [0.020, 0.040]"
    ]
    assert "What it adds to counting" in dict(found.parts)
    not_asked = verdict(ladder(), [LEAD, LEVEL], [together(0.03)])
    assert not_asked.outcome == "not shown" and not_asked.headline.endswith(
        "was not asked. Beside counting it adds in 1 of 1 (10 nearest neighbours: gene region)."
    )
    assert verdict(ladder(), [LEAD, LEFT, LEVEL], [together(0.03)]).outcome == "interesting"


def test_what_adds_nothing_worth_having_is_a_waste_of_time_still() -> None:
    for none in (
        together(0.0, outcome="level"),
        together(0.015, half=0.004),
        together(0.03, score=0.05),
        together(-0.03, outcome="behind"),
    ):
        assert verdict(ladder(), [MISS, LEVEL], [none]).outcome == "a waste of time"
    level, behind = (
        verdict(ladder(), [LEVEL], [together(x, outcome=y, baseline="kmer6")]).adds[0]
        for x, y in ((0.0, "level"), (-0.03, "behind"))
    )
    assert (
        "mine beside lsa8 0.700, not told apart from kmer6 beside lsa8 (0.700), difference 0.000 [−0.010, 0.010]"
        in level
    )
    assert "behind kmer6 beside lsa8 (0.730)" in behind
    (told,) = verdict(ladder(), [LEVEL], [together(0.011, outcome="level", half=0.009)]).adds
    assert (
        "not told apart from lsa8 alone (0.689) once all measures are counted, difference 0.011 [0.002, 0.020]" in told
    )


def test_without_counts_or_an_untrained_network_no_claim() -> None:
    assert "lacks k-mer counts" in verdict(ladder(without=("kmer6",)), [LEAD]).headline
    assert "lacks an untrained network" in verdict(ladder(without=("random",)), [LEAD]).headline
    shuffled = [rung | {"shuffled": rung["rung"] == "kmer6"} for rung in ladder()]
    assert "lacks k-mer counts" in verdict(shuffled, [LEAD]).headline
    as_it_begins = ladder()[1] | {"rung": "start", "encoder": "untrained:runs/x"}
    assert verdict([*ladder(without=("random",)), as_it_begins], [LEAD, LEFT]).outcome == "interesting"
    assert "no pretrained run" in verdict(ladder(without=("mine",)), [LEAD]).headline


def test_what_the_off_the_shelf_model_finds_is_told_apart() -> None:
    found = verdict(ladder(), [LEVEL, row("knn10_region", "behind", -0.2, rung="bert")])
    assert found.off_the_shelf == ["10 nearest neighbours: gene region: bert is behind kmer6 by 0.200 [0.190, 0.210]"]
    assert [title for title, _ in found.parts] == [
        "Where it cannot be told from the best of what is cheaper", "What the off-the-shelf BERT finds",
    ]  # fmt: skip


def test_what_other_models_find_is_told_for_itself() -> None:
    theirs = ladder()[1] | {"rung": "theirs", "encoder": "dna:some/model"}
    found = verdict([*ladder(), theirs], [LEVEL, row("knn10_region", "ahead", 0.1, rung="theirs")])
    assert found.parts[-1] == (
        "What other models find",
        [
            "10 nearest neighbours: gene region: theirs is ahead of everything cheaper; of the best, kmer6, by 0.100 "
            "[0.090, 0.110]"
        ],
    )
    assert not found.off_the_shelf


def test_an_interval_that_excludes_0_does_not_stand_beside_no_difference_unexplained() -> None:
    apart = row("retrieval_top1", "level", -0.066, half=0.05)
    (said,) = verdict(ladder(), [{**apart, "sure_low": -0.16, "sure_high": 0.03}]).level
    assert said.endswith(
        "mine cannot be told from kmer6 once all measures are counted: difference −0.066 [−0.116, −0.016], for all "
        "measures together [−0.160, 0.030]"
    )
    assert (
        verdict(ladder(), [apart])
        .level[0]
        .endswith("once all measures are counted: difference −0.066 [−0.116, −0.016]")
    )
    lead = row("retrieval_top1", "level", 0.066, half=0.05) | {"sure_low": 0.001, "sure_high": 0.13}
    assert (
        "cannot be told from every cheaper encoder: of the best, kmer6, difference 0.066"
        in verdict(ladder(), [lead]).level[0]
    )
    assert "all measures" not in verdict(ladder(), [LEVEL]).level[0]


def test_every_other_trained_rung_has_its_sentence() -> None:
    more = [
        {**ladder()[0], "rung": "near", "encoder": "default"},
        {**ladder()[0], "rung": "unmeasured", "encoder": "runs/y"},
    ]
    rows = [MISS, LEVEL, {**LEAD, "rung": "near"}, {**LEFT, "rung": "near"}, {**LEVEL, "rung": "near"}]
    told = verdict([*ladder(), *more], rows)
    assert told.outcome == "a waste of time" and "mine" in told.headline and told.finds == []
    assert told.others == [
        "Interesting, for this genome: of 2 measures, near is ahead of everything cheaper in 1 (10 nearest neighbours: "
        "gene region); with all cheap explanations but gene position taken out it still is, in 10 nearest neighbours: "
        "gene region."
    ]
    assert told.others_in_short == "1 interesting"
    mixed = replace(told, others_outcomes=["undecided", "interesting", "adds to counting", "undecided"])
    assert mixed.others_in_short == "1 interesting, 1 of use beside counting, 2 undecided"
