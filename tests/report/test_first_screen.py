from typing import Any

import pytest

from dnabert.encoders.encoder import DEFAULT_RUN
from dnabert.report.answer import cluster_sentence
from dnabert.report.first_screen import describe, glossary, judged_name, outcome_rows


def _rung(name: str, encoder: str, value: float, *, shuffled: bool = False) -> dict[str, Any]:
    metric = {"value": value, "low": value - 0.01, "high": value + 0.01, "n": 10}
    return {
        "rung": name,
        "encoder": encoder,
        "shuffled": shuffled,
        "metrics": {"knn10_region": metric, "majority_region": {"value": 0.55}, "retrieval_top1": metric},
    }


def test_the_judged_rung_stands_beside_the_best_of_what_is_cheaper() -> None:
    ladder = [
        _rung("one", "runs/one", 0.50), _rung("two", "runs/two", 0.53), _rung("kmer6", "kmer:6", 0.40),
        _rung("random", "random:runs/one", 0.45), _rung("null", "runs/one", 0.9, shuffled=True),
    ]  # fmt: skip
    row = {"rung": "one", "without": None, "metric": "retrieval_top1", "baseline": "random", "outcome": "ahead"}
    other = row | {"metric": "knn10_region", "without": "composition"}  # of what is left, not of the whole
    region, ortholog = outcome_rows(ladder, [row, other])
    assert (ortholog["sign"], ortholog["outcome"], ortholog["beaten"]) == ("▲", "ahead", None)
    assert (ortholog["trained"], ortholog["baseline"]) == (
        {"rung": "one", "value": "0.500"},
        {"rung": "random", "value": "0.450"},
    )
    # the largest class alone has more
    assert (region["sign"], region["outcome"], region["beaten"]) == ("", "not compared", "0.550")
    assert region["baseline"] == {"rung": "random", "value": "0.450"}
    assert (region["guess"], ortholog["guess"]) == ("largest class alone", "largest class alone")
    # ahead of counting, not of always saying the largest class
    guessed = outcome_rows(ladder, [row | {"metric": "knn10_region"}])[0]
    assert (guessed["sign"], guessed["outcome"]) == ("≈", "ahead, but no better than the commonest class")
    for outcome, sign, word in (("level", "≈", "not told apart"), ("behind", "▼", "behind")):
        ortholog = outcome_rows(ladder, [row | {"outcome": outcome}])[1]
        assert (ortholog["sign"], ortholog["outcome"]) == (sign, word)


@pytest.mark.parametrize(("best", "beaten"), [(0.56, None), (0.55, "0.550"), (0.54, "0.550")])
def test_a_guess_beats_where_no_rung_exceeds_it(best: float, beaten: str | None) -> None:
    ladder = [_rung("kmer6", "kmer:6", 0.50), _rung("one", "runs/one", best)]  # the guess is 0.55
    assert outcome_rows(ladder, [])[0]["beaten"] == beaten


def test_a_guess_is_called_what_it_is() -> None:
    rung = {
        "rung": "one",
        "encoder": "runs/one",
        "metrics": {"knn1_relatives": {"value": 0.01}, "chance_relatives": {"value": 0.02}},
    }
    (row,) = outcome_rows([rung, rung | {"rung": "kmer6", "encoder": "kmer:6"}], [])
    assert (row["guess"], row["beaten"]) == ("a window drawn at random", "0.020")


def test_encoders_and_words_of_the_table_are_explained_below_it() -> None:
    ladder = [_rung("one", "runs/one", 0.50), _rung("kmer6", "kmer:6", 0.40), _rung("kmer4", "kmer:4", 0.30)]
    rows = [{"rung": "one", "without": None, "metric": "retrieval_top1", "baseline": "kmer6", "outcome": "ahead"}]
    told = glossary(outcome_rows(ladder, rows), ladder)
    assert "kmer6: counts of 6-letter words" in told and "kmer4" not in told
    assert "ortholog: the same place" in told and "relative" not in told
    assert judged_name(ladder) == "one" and judged_name(ladder[1:]) == "" and glossary([], []) == ""


@pytest.mark.parametrize(
    ("encoder", "words"),
    [
        ("kmer:4:stranded", "counts of 4-letter words"),
        ("bert", "off-the-shelf BERT, trained on English"),
        ("bert:me/dna", "the language model me/dna as it is"),
        ("dna:me/dna", "the model of DNA me/dna as it is"),
        ("dna:/home/ann/dna", "the model of DNA dna as it is"),
        ("abundance:/home/ann/apes", "how common its words are in apes"),
        ("python:mine:Model", "an encoder of your own, mine:Model"),
        ("random:runs/x", "the same network, random weights"),
        ("untrained:runs/x", "the same network as its pretraining begins"),
        ("default", "pretrained on apes, as it comes with dnabert"),
        ("/somewhere/runs/x", "a run of pretraining"),
    ],
)
def test_encoders_in_words(encoder: str, words: str) -> None:
    assert describe({"encoder": encoder}) == words


def test_the_packaged_model_is_known_by_its_folder_too() -> None:
    """``--run dnabert/encoders/default`` was told to be pretrained on whichever genome it was asked of."""
    assert (
        describe({"encoder": f"codebook:{DEFAULT_RUN}"})
        == f"{describe({'encoder': 'default'})}, its states counted as codes"
    )


def test_repeat_share_of_clusters_stands_beside_that_of_all() -> None:
    records = [{"label": 0, "n": 10, "repeat": 0.6}, {"label": -1, "n": 30, "repeat": 0.4}]
    said = cluster_sentence(records)
    assert said.startswith("Of 1 cluster, 1 is mostly repeat (at least half of their bases; of all windows together 45")
    assert said.endswith("none is mostly low-complexity sequence (a few short words over and over).")
