import json

import numpy as np
import pandas as pd
import pytest
from scipy.stats import ttest_rel

from dnabert.scoring.kinds import FEWEST_PLACES, WindowBits, beside, by_kind
from dnabert.scoring.sentence import told


def bits_of(
    run: np.ndarray, counting: np.ndarray | None, *, bases: np.ndarray | None = None, places: np.ndarray | None = None
) -> WindowBits:
    n = len(run)
    return WindowBits(
        run, counting, np.full(n, 66.0) if bases is None else bases, np.arange(n) if places is None else places
    )


def table_of(n: int, **columns: object) -> pd.DataFrame:
    return pd.DataFrame({"soft_masked": np.zeros(n)} | columns)


def test_with_places_of_one_size_it_is_the_paired_t_test() -> None:
    rng = np.random.default_rng(0)
    run, counting = rng.normal(100, 10, 30), rng.normal(103, 10, 30)
    found, expected = beside(run, counting, np.full(30, 50.0)), ttest_rel(run, counting)
    interval = expected.confidence_interval()
    assert found["p"] == pytest.approx(expected.pvalue)
    assert found["difference"] == pytest.approx((run - counting).mean() / 50)
    assert (found["difference_low"], found["difference_high"]) == pytest.approx((interval.low / 50, interval.high / 50))


def test_windows_of_a_place_are_drawn_together() -> None:
    """A place's windows err alike: kinds without a difference are called different in one of twenty genomes, not in
    most."""
    rng = np.random.default_rng(1)
    places = np.repeat(np.arange(40), 10)
    p = []
    for _ in range(300):
        run = 100 + np.repeat(rng.normal(0, 5, 40), 10) + rng.normal(0, 2, 400)
        p.append(by_kind(table_of(400), bits_of(run, np.full(400, 100.0), places=places))[0]["p"])
    assert 0.02 <= np.mean(np.array(p) <= 0.05) <= 0.09


def test_places_of_unlike_sizes_are_not_called_different_more_often() -> None:
    """A place of hundreds of windows draws the ratio to itself: what is left of it there is not how it errs."""
    rng = np.random.default_rng(2)
    p, covered = [], []
    for _ in range(2_000):
        bases = np.round(60 * rng.lognormal(0, 1, 10))
        run = bases * (1.5 + rng.normal(0, 0.05, 10))
        p.append(beside(run, 1.5 * bases, bases)["p"])
        row = by_kind(table_of(10), bits_of(run, None, bases=bases))[0]
        covered.append(row["low"] <= 1.5 <= row["high"])
    # by the linearised ratio 0.12; of a bootstrap 0.88
    assert np.mean(np.array(p) <= 0.05) <= 0.1 and np.mean(covered) >= 0.9


def test_one_place_has_no_interval_and_two_have_a_wide_one() -> None:
    run, counting = np.array([100.0, 110.0, 90.0, 104.0]), np.array([101.0, 109.0, 95.0, 101.0])
    one, two = (
        by_kind(table_of(4), bits_of(run, counting, places=places))
        for places in (np.zeros(4, int), np.array([0, 0, 1, 1]))
    )
    assert [one[0][name] for name in ("low", "high", "difference_low", "p", "q", "verdict")] == [None] * 5 + ["level"]
    assert json.dumps(one, allow_nan=False) and told(one, split="test") == [
        "Of 4 test windows the run needs 1.530 bits per base of a hidden word, counting from both sides 1.538: a "
        "difference of −0.008, all of one place."
    ]
    assert two[0]["high"] - two[0]["low"] > 1.0  # resamples of two places would give 0.12


def test_what_is_planted_is_found_and_nothing_else() -> None:
    rng = np.random.default_rng(3)
    n = 600
    repeats = np.repeat(["Alu", "L1", "none"], n // 3)
    counting = rng.normal(110, 8, n)
    run = counting + rng.normal(0, 3, n) + 6.0 * (repeats == "L1") - 6.0 * (repeats == "Alu")
    rows = by_kind(table_of(n, repeat_class=repeats), bits_of(run, counting))
    verdicts = {row["kind"]: row["verdict"] for row in rows}
    assert verdicts == {"all windows": "level", "Alu": "ahead", "L1": "behind", "none": "level"}
    alu = next(row for row in rows if row["kind"] == "Alu")
    assert alu["bits_per_base"] == pytest.approx(run[:200].sum() / (200 * 66))
    assert alu["low"] < alu["bits_per_base"] < alu["high"] and alu["difference_low"] < -6 / 66 < alu["difference_high"]


def test_kinds_of_few_places_unknown_ones_and_columns_of_one_kind_have_no_row() -> None:
    n = 100
    few = np.where(np.arange(n) < FEWEST_PLACES - 1, "rare", np.where(np.arange(n) < 50, "unknown", "common"))
    rows = by_kind(table_of(n, region=few, genome="human"), bits_of(np.full(n, 100.0), None))
    assert [row["kind"] for row in rows] == ["all windows", "common"]
    assert "counting" not in rows[0] and "verdict" not in rows[0]
    copies = by_kind(table_of(n, region=few), bits_of(np.full(n, 100.0), None, places=np.arange(n) // 20))
    assert [row["kind"] for row in copies] == ["all windows"]


def test_kinds_come_the_largest_first_and_a_tenth_soft_masked_is_not_unique() -> None:
    kinds = np.repeat(["LINE", "none", "SINE"], (20, 20, 40))
    table = table_of(80, repeat_class=kinds, soft_masked=np.repeat([0.0999, 0.1], (30, 50)))
    found = by_kind(table, bits_of(np.full(80, 100.0), None))
    assert [(row["kind"], row["windows"]) for row in found[1:3]] == [
        ("unique sequence (under a tenth soft-masked)", 30),
        ("the rest", 50),
    ]
    assert [(row["kind"], row["windows"]) for row in found[3:]] == [("SINE", 40), ("LINE", 20), ("none", 20)]


def test_windows_without_a_known_word_are_of_no_kind() -> None:
    n = 40
    bases = np.where(np.arange(n) < 20, 0.0, 60.0)
    bases[20] = 1.0  # one is enough
    table = table_of(n, region=np.where(np.arange(n) < 30, "CDS", "intron"))
    table["soft_masked"] = np.where(np.arange(n) < 30, 1.0, 0.0)
    rows = by_kind(table, bits_of(bases * 1.5, bases * 1.6, bases=bases))
    assert {row["kind"]: row["windows"] for row in rows} == {
        "all windows": 20,
        "unique sequence (under a tenth soft-masked)": 10,
        "the rest": 10,
        "CDS": 10,
        "intron": 10,
    }
    assert rows[0]["bits_per_base"] == pytest.approx(1.5) and rows[0]["counting"] == pytest.approx(1.6)
