from typing import Any

import pytest

from dnabert.report.learned import beside_counting, bits_row, loss_sentence

_FLOORS = {"best": {"order": 9, "bits_per_base": 1.817}}


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (1.76, "below the best Markov model (order 9"),
        (1.94, "not below the best Markov"),
        (1.818, "not told apart from"),
    ],
)
def test_loss_sentence(value: float, said: str) -> None:
    row = {"step": 1, "tokens": 2, "seconds": 3.0}
    row |= {"validation_bits_per_base": value, "low": value - 0.004, "high": value + 0.004}
    assert said in loss_sentence([row], _FLOORS)
    assert "No Markov floor" in loss_sentence([row], None)


@pytest.mark.parametrize(
    ("both", "said"),
    [
        (
            {"order": 12, "bits_per_base": 1.73},
            "not below the best Markov model (order 12 from both sides, 1.730 bits per base)",
        ),
        (
            {"order": "mixture", "bits_per_base": 1.70},
            "not told apart from the best Markov model (mixture from both sides, 1.700",
        ),
        ({"order": 4, "bits_per_base": 1.9}, "below the best Markov model (order 9, 1.817 bits per base)"),
    ],
)
def test_the_opponent_is_the_best_that_counting_does_from_either_side(both: dict[str, Any], said: str) -> None:
    value = 1.74 if both["order"] == 12 else 1.70
    row = {
        "step": 1,
        "tokens": 2,
        "seconds": 3.0,
        "validation_bits_per_base": value,
        "low": value - 0.004,
        "high": value + 0.004,
    }
    floors = {"orders": {}, "best": {"order": 9, "bits_per_base": 1.817}, "bidirectional": {"best": both}}
    assert said in loss_sentence([row], floors)


def test_loss_sentence_tells_unique_sequence_apart() -> None:
    row = {
        "step": 1,
        "tokens": 2,
        "seconds": 3.0,
        "validation_bits_per_base": 1.7,
        "validation_bits_per_base_unique": 1.88,
    }
    orders = {
        "1": {"bits_per_base": 1.8, "bits_per_base_unique": 1.93},
        "2": {"bits_per_base": 1.79, "bits_per_base_unique": 1.9},
    }
    said = loss_sentence([row], {"orders": orders, "best": {"order": 2, "bits_per_base": 1.79}})
    assert said.endswith("soft-masked): 1.880 bits per base, the best Markov model 1.900.")
    both = {"orders": {"2": {"bits_per_base_unique": 1.87}}, "mixture": {"bits_per_base_unique": 1.86}}
    said = loss_sentence([row], {"orders": orders, "best": {"order": 2, "bits_per_base": 1.79}, "bidirectional": both})
    assert said.endswith("the best Markov model 1.860.")
    assert "unique" not in loss_sentence([row], _FLOORS)


def test_all_sequence_and_unique_sequence_do_not_contradict_each_other() -> None:
    row = {
        "step": 1,
        "tokens": 2,
        "seconds": 3.0,
        "validation_bits_per_base": 1.95,
        "validation_bits_per_base_unique": 1.911,
    }
    floors = {"orders": {"9": {"bits_per_base_unique": 1.964}}, "best": {"order": 9, "bits_per_base": 1.817}}
    said = loss_sentence([row], floors)
    assert (
        "over all windows it has not learned more than counting gives. It is ahead of counting on unique sequence alone"
        in said
    )
    said = loss_sentence([row | {"validation_bits_per_base": 1.7, "validation_bits_per_base_unique": 1.97}], floors)
    assert (
        "has learned context that counting does not give. It is not ahead of counting on unique sequence alone" in said
    )


def test_bits_per_base_beside_counting() -> None:
    row = {"validation_bits_per_base": 1.95, "low": 1.94, "high": 1.96}
    found = bits_row([row], _FLOORS)
    assert found is not None and (found["model"], found["floor"], found["name"], found["side"]) == (
        "1.950",
        "1.817",
        "order 9",
        "above",
    )
    assert found["warning"].startswith("The model is undertrained") and found["warning"].endswith("Train longer.")
    floors = _FLOORS | {"orders": {"9": {"bits_per_base_unique": 1.964}}}
    found = bits_row([row | {"validation_bits_per_base_unique": 1.911}], floors)
    assert found is not None and found["warning"].endswith("though in unique sequence it knows more.")
    found = bits_row([row | {"validation_bits_per_base": 1.7, "low": 1.6, "high": 1.75}], _FLOORS)
    assert found is not None and (found["side"], found["warning"]) == ("below", "")
    assert bits_row([row], None) is None and bits_row([], _FLOORS) is None


def test_loss_sentence_without_validation() -> None:
    """It was told that nothing can be said of what the run learned, above a table of what it foretells."""
    assert loss_sentence([{"step": 1, "train_bits_per_base": 1.9}], _FLOORS) == "The run has no validation of its own."


def test_where_nothing_is_soft_masked_unique_sequence_is_not_told_apart() -> None:
    row = {"step": 1, "tokens": 2, "seconds": 3.0, "validation_bits_per_base": 1.919, "low": 1.909, "high": 1.929}
    floors = {"orders": {"9": {"bits_per_base_unique": 1.9204}}, "best": {"order": 9, "bits_per_base": 1.9204}}
    assert "unique" not in loss_sentence([row | {"validation_bits_per_base_unique": 1.919 + 1e-9}], floors)


def test_on_unique_sequence_a_difference_within_the_interval_is_none() -> None:
    row = {
        "step": 1,
        "tokens": 2,
        "seconds": 3.0,
        "validation_bits_per_base": 1.9,
        "low": 1.89,
        "high": 1.91,
        "validation_bits_per_base_unique": 1.95,
    }
    floors = {"orders": {"9": {"bits_per_base_unique": 1.951}}, "best": {"order": 9, "bits_per_base": 1.85}}
    assert "It is not told apart from counting on unique sequence alone" in loss_sentence([row], floors)
    found = bits_row([row], floors)
    assert found is not None and found["warning"].endswith("Train longer.")


@pytest.mark.parametrize(
    ("floor", "side"), [(1.69, "above"), (1.7, "level"), (1.8, "level"), (1.9, "level"), (1.91, "below")]
)
def test_an_interval_that_touches_a_floor_is_not_told_apart_from_it(floor: float, side: str) -> None:
    assert beside_counting({"value": 1.8, "low": 1.7, "high": 1.9}, floor) == side
