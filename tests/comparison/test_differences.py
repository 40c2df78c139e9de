from typing import Any

import numpy as np
import pytest

from dnabert.comparison.differences import differences

N = 400


def text(right: np.ndarray) -> str:
    return "".join("01"[int(each)] for each in right)


def rung(
    name: str, encoder: str, right: np.ndarray, *, groups: np.ndarray | None = None, **more: Any
) -> dict[str, Any]:
    return {
        "rung": name,
        "encoder": encoder,
        "metrics": {"knn10_region": {"value": right.mean(), "n": len(right)}},
        "hits": {"knn10_region": text(right)},
        "groups": {"knn10_region": list(range(len(right))) if groups is None else groups.tolist()},
        **more,
    }


def random(share: float, *, seed: int, n: int = N) -> np.ndarray:
    return np.random.default_rng(seed).random(n) < share


def test_the_pretrained_rung_is_held_against_the_best_cheap_one() -> None:
    mine, kmer = random(0.9, seed=0), random(0.6, seed=1)
    (found,) = differences(
        [rung("mine", "runs/x", mine), rung("k", "kmer:4", kmer), rung("r", "random:x", random(0.1, seed=2))]
    )
    assert (found["metric"], found["rung"], found["baseline"], found["n"]) == ("knn10_region", "mine", "k", N)
    assert (found["outcome"], found["without"]) == ("ahead", None)
    apart = mine.astype(float) - kmer
    half = 1.96 * apart.std() / N**0.5  # the textbook interval of a mean of paired differences
    np.testing.assert_allclose(
        [found["value"], found["low"], found["high"]], apart.mean() + np.array([0, -half, half]), atol=0.006
    )


def test_shuffled_rungs_compete_for_nothing_and_a_ladder_without_rivals_has_no_difference() -> None:
    null = rung("null", "runs/x", random(1.0, seed=0)) | {"shuffled": True}
    assert differences([rung("mine", "runs/x", random(0.5, seed=1)), null]) == []


def test_a_tie_in_single_intervals_can_be_a_difference_in_pairs() -> None:
    right = random(0.6, seed=0, n=2_000)
    better = right.copy()
    better[np.flatnonzero(~right)[:20]] = True  # right wherever the other is, and in 20 of 2,000 more
    (found,) = differences([rung("mine", "runs/x", better), rung("k", "kmer:4", right)])
    assert found["low"] > 0 and found["outcome"] == "ahead"


def test_a_rival_that_was_not_asked_is_no_rival() -> None:
    mine, counts, fewer = (
        rung("mine", "runs/x", random(0.7, seed=0)),
        rung("k", "kmer:4", random(0.5, seed=1)),
        rung("k6", "kmer:6", random(0.9, seed=2)),
    )
    silent = fewer | {"hits": {}, "groups": {}}
    shorter = fewer | {"hits": {"knn10_region": "1" * 7}}
    (found,) = differences([mine, counts, silent, shorter])
    assert (found["baseline"], found["outcome"]) == ("k", "ahead")
    assert differences([mine, silent]) == []


def test_the_best_rival_is_that_of_all_windows_whatever_a_resample_says() -> None:
    rungs = [
        rung(name, encoder, random(0.5, seed=0)) | {"hits": {}, "groups": {}}
        for name, encoder in (("mine", "runs/x"), ("k", "kmer:4"), ("r", "random:x"))
    ]
    for each, value, drawn in zip(
        rungs, (0.5, 0.5, 0.4), ([0.5] * 8, [0.4, 0.4, 0.6, 0.6] * 2, [0.5, 0.5, 0.3, 0.3] * 2), strict=True
    ):
        each |= {"draws": {"ami": drawn}, "metrics": {"ami": {"value": value, "n": 9}}}
    assert [(row["rung"], row["baseline"], row["value"]) for row in differences(rungs)] == [("mine", "k", 0.0)]


@pytest.mark.parametrize("places", [1, 2, 4])
def test_few_places_decide_nothing(places: int) -> None:
    groups = np.arange(N) % places
    pair = [
        rung("mine", "runs/x", np.ones(N, bool), groups=groups),
        rung("k", "kmer:4", np.arange(N) // places % 10 > 0, groups=groups),
    ]
    (found,) = differences(pair)
    assert found["value"] == pytest.approx(0.1) and found["outcome"] == "level" and found["sure_low"] <= found["low"]
    assert places > 1 or (found["low"], found["high"]) == (-1.0, 1.0)


@pytest.mark.parametrize("places", [5, 12])
def test_places_without_a_difference_make_a_lead_as_rarely_as_is_said(places: int) -> None:
    rng, ahead = np.random.default_rng(0), 0
    groups = np.repeat(np.arange(places), 20)
    for seed in range(400):
        # of each encoder in each place: which is better differs by place
        share = np.clip(rng.normal(0.5, 0.2, (2, places)), 0, 1)
        right = [rng.random(20 * places) < each[groups] for each in share]
        ahead += (
            differences(
                [rung("mine", "runs/x", right[0], groups=groups), rung("k", "kmer:4", right[1], groups=groups)],
                resamples=200,
                seed=seed,
            )[0]["outcome"]
            == "ahead"
        )
    assert ahead <= 0.045 * 400  # of 2.5 %, by chance at most so many


def test_a_difference_of_one_window_may_be_none() -> None:
    """Of a hundred places one tells the two apart: the percentiles began with 0, the value of a draw without it."""
    both = np.arange(100) > 0
    (found,) = differences([rung("mine", "runs/x", np.ones(100, bool)), rung("k", "kmer:4", both)])
    reach = 1.984 * np.std(~both, ddof=1) / 10  # Student's t of 99 degrees of freedom
    assert found["value"] == 0.01 and found["low"] == pytest.approx(0.01 - reach, abs=0.001)
    assert found["high"] >= 0.01 + reach - 0.001


@pytest.mark.parametrize("n", [12, 400])
@pytest.mark.parametrize("right", [True, False])
def test_where_both_answer_all_alike_few_windows_leave_room(n: int, *, right: bool) -> None:
    """Of 12 places none differs: 24 % of all may, and nothing says that counting does as well."""
    both = np.full(n, right)
    (found,) = differences([rung("mine", "runs/x", both), rung("k", "kmer:4", both)])
    unseen = 1 - 0.025 ** (1 / n)
    assert found["outcome"] == "level" and (found["low"], found["high"]) == (
        pytest.approx(-unseen),
        pytest.approx(unseen),
    )
    assert (found["high"] > 0.02) == (n == 12)


def test_nobody_can_lead_by_more_than_the_other_lacks() -> None:
    """Both name 98 % of the windows of twelve places: what one lead could be is not 0.26."""
    right, groups = np.arange(240) % 60 > 0, np.repeat(np.arange(12), 20)
    pair = [rung("mine", "runs/x", right, groups=groups), rung("k", "kmer:4", right, groups=groups)]
    (wide,) = differences(pair)
    assert wide["high"] == -wide["low"] == pytest.approx(1 - 0.025 ** (1 / 12))
    for each, low in zip(pair, (0.95, 0.96), strict=True):
        each["metrics"]["knn10_region"]["low"] = low
    (found,) = differences(pair)
    assert (found["low"], found["high"]) == (pytest.approx(-0.05), pytest.approx(0.04))
    assert found["outcome"] == "level" and found["sure_high"] == wide["sure_high"]


def test_the_same_lead_in_every_one_of_few_places_is_surer_than_chance_in_enough_of_them() -> None:
    for n, outcome in ((5, "level"), (8, "ahead")):  # all of five by chance: 1 in 32 on either side
        (found,) = differences([rung("mine", "runs/x", np.ones(n, bool)), rung("k", "kmer:4", np.zeros(n, bool))])
        assert (found["value"], found["high"], found["outcome"]) == (1.0, 1.0, outcome)


def test_copies_of_one_place_make_no_lead() -> None:
    right = random(0.6, seed=0, n=20)
    better = right.copy()
    better[np.flatnonzero(~right)[:3]] = True
    copied = [np.repeat(each, 100) for each in (better, right)]
    groups = np.repeat(np.arange(20), 100)
    pair = [rung("mine", "runs/x", copied[0], groups=groups), rung("k", "kmer:4", copied[1], groups=groups)]
    assert differences(pair)[0]["outcome"] == "level"
    apart = [rung("mine", "runs/x", copied[0]), rung("k", "kmer:4", copied[1])]
    assert differences(apart)[0]["outcome"] == "ahead"  # 2,000 windows taken for independent would be one


def test_bert_is_a_rival_of_the_trained_rung_and_is_held_against_counts_itself() -> None:
    mine, bert, kmer = random(0.8, seed=0), random(0.9, seed=1), random(0.5, seed=2)
    rungs = [rung("mine", "runs/x", mine), rung("bert", "bert", bert), rung("k", "kmer:4", kmer)]
    found = {row["rung"]: row for row in differences(rungs)}
    assert found["mine"]["baseline"] == "bert" and found["mine"]["outcome"] == "behind"
    assert found["bert"]["baseline"] == "k" and found["bert"]["outcome"] == "ahead"


def test_the_interval_that_decides_agrees_with_the_outcome() -> None:
    rng, seen = np.random.default_rng(0), set()
    for _ in range(30):
        rungs = [
            rung(name, encoder, random(0.5, seed=0))
            for name, encoder in (("mine", "runs/x"), ("k", "kmer:4"), ("r", "random:x"))
        ]
        for each in rungs:
            values, noise = rng.normal(0.5, 0.05, 3), rng.choice([0.005, 0.05])
            each["hits"], each["groups"] = {}, {}
            each["draws"] = {f"ami_{i}": (value + rng.normal(0, noise, 200)).tolist() for i, value in enumerate(values)}
            each["metrics"] = {f"ami_{i}": {"value": value, "n": 9} for i, value in enumerate(values)}
        for row in differences(rungs):
            seen.add(row["outcome"])
            assert row["sure_low"] <= row["low"] <= row["high"] <= row["sure_high"]
            assert row["outcome"] != "ahead" or row["sure_low"] > 0
            assert row["outcome"] != "behind" or row["sure_high"] < 0
            assert row["outcome"] != "level" or row["sure_high"] >= 0
    assert seen == {"ahead", "behind", "level"}


@pytest.mark.slow
def test_without_a_difference_ahead_and_behind_are_rare() -> None:
    # two rivals and ten measures: by single 95 % intervals every fourth ladder would show a lead
    called = []
    for trial in range(40):
        rungs = []
        for number, (name, encoder) in enumerate((("mine", "runs/x"), ("k", "kmer:4"), ("r", "random:x"))):
            each = rung(name, encoder, random(0.5, seed=0))
            rights = {f"m{i}": random(0.5, seed=1000 * trial + 100 * number + i) for i in range(10)}
            each["hits"] = {metric: text(right) for metric, right in rights.items()}
            each["groups"] = {metric: list(range(N)) for metric in rights}
            each["metrics"] = {metric: {"value": right.mean(), "n": N} for metric, right in rights.items()}
            rungs.append(each)
        called.append({row["outcome"] for row in differences(rungs, resamples=1_000)} != {"level"})
    assert sum(called) <= 6  # at most 5 % are expected for either side


def test_a_few_resamples_make_no_loss() -> None:
    # sixteen measures and eight rivals without a difference: the outermost of 1,000 resamples is no quantile of 1 in
    # 5,000
    rng, lost = np.random.default_rng(0), 0
    for _ in range(60):
        rungs = [
            rung(name, encoder, random(0.5, seed=0))
            for name, encoder in [("mine", "runs/x"), *((f"k{i}", "kmer:4") for i in range(8))]
        ]
        for each in rungs:
            del each["hits"], each["groups"]
            values = rng.normal(0.5, 0.01, 16)
            each["draws"] = {
                f"ami_{i}": (value + rng.normal(0, 0.01, 1_000)).tolist() for i, value in enumerate(values)
            }
            each["metrics"] = {f"ami_{i}": {"value": value, "n": 9} for i, value in enumerate(values)}
        lost += any(row["outcome"] == "behind" for row in differences(rungs))
    assert lost <= 5  # 1.5 are expected


def test_whole_and_without_explanations_are_one_family() -> None:
    draws = np.random.default_rng(0).normal(0, 0.01, 1_000)
    lead = {"ami_region": (draws + 0.026).tolist()}  # 2.6 standard errors: one measure's 95 %, not that of ten
    none = {"ami_region": [0.0] * 1_000}

    def left(drawn: dict[str, list[float]], value: float) -> list[dict[str, Any]]:
        names = [f"explanation {i}" for i in range(9)]
        return [{"without": name, "draws": drawn, "ami_region": {"value": value}} for name in names]

    outcomes = []
    for rows in ([], left(lead, 0.026)):
        mine = rung("mine", "runs/x", random(0.5, seed=0), explained_away=rows) | {
            "draws": lead,
            "hits": {},
            "groups": {},
        }
        kmer = rung("k", "kmer:4", random(0.5, seed=0), explained_away=left(none, 0.0)) | {
            "draws": none,
            "hits": {},
            "groups": {},
        }
        mine["metrics"]["ami_region"], kmer["metrics"]["ami_region"] = {"value": 0.026, "n": 9}, {"value": 0.0, "n": 9}
        outcomes.append(differences([mine, kmer])[0]["outcome"])
    assert outcomes == ["ahead", "level"]


def test_labellings_are_compared_by_their_draws() -> None:
    draws = np.random.default_rng(0).normal(0.5, 0.05, 500)
    mine = rung("mine", "runs/x", random(0.5, seed=0)) | {"draws": {"ami_region": (draws + 0.02).tolist()}}
    kmer = rung("k", "kmer:4", random(0.5, seed=1)) | {"draws": {"ami_region": draws.tolist()}}
    mine["metrics"]["ami_region"], kmer["metrics"]["ami_region"] = {"value": 0.52, "n": 9}, {"value": 0.5, "n": 9}
    (found,) = [row for row in differences([mine, kmer]) if row["metric"] == "ami_region"]
    assert found["low"] == pytest.approx(0.02) == found["value"] and found["outcome"] == "ahead" and found["n"] == 9


def test_halves_of_few_stretches_show_less() -> None:
    draws, outcomes = np.random.default_rng(0).normal(0, 0.01, 20), {}
    for stretches in (30, 5):
        mine = rung("mine", "runs/x", random(0.5, seed=0)) | {
            "draws": {"ami_region": (draws + 0.025).tolist()},
            "hits": {},
            "groups": {},
        }
        kmer = rung("k", "kmer:4", random(0.5, seed=1)) | {
            "draws": {"ami_region": [0.0] * 20},
            "hits": {},
            "groups": {},
        }
        mine["metrics"]["ami_region"], kmer["metrics"]["ami_region"] = {"value": 0.025, "n": 9}, {"value": 0.0, "n": 9}
        outcomes[stretches] = differences([mine | {"stretches": {"ami_region": stretches}}, kmer])[0]["outcome"]
    assert outcomes == {30: "ahead", 5: "level"}


def test_what_survives_is_compared_but_not_where_the_answer_itself_was_taken_out() -> None:
    def left(right: np.ndarray) -> list[dict[str, Any]]:
        names = ("nothing", "composition", "gene position", "all but gene position", "all but repeats", "all")
        return [{"without": name, "hits": {"knn10_region": text(right)}} for name in names]

    mine = rung("mine", "runs/x", random(0.9, seed=0), explained_away=left(random(0.8, seed=3)))
    kmer = rung("k", "kmer:4", random(0.9, seed=1), explained_away=left(random(0.5, seed=4)))
    found = {row["without"]: row["outcome"] for row in differences([mine, kmer])}
    assert found == {None: "level", "composition": "ahead", "all but gene position": "ahead"}


def test_clusters_that_survive_are_compared_by_their_draws_too() -> None:
    draws = np.random.default_rng(0).normal(0.3, 0.02, 500)

    def left(value: float) -> list[dict[str, Any]]:
        names = ("nothing", "repeats", "all but repeats", "all")
        row = {
            "ami_repeat_class": {"value": value},
            "draws": {"ami_repeat_class": (draws - draws.mean() + value).tolist()},
        }
        return [{"without": name, **row} for name in names]

    mine = rung("mine", "runs/x", random(0.5, seed=0), explained_away=left(0.3))
    kmer = rung("k", "kmer:4", random(0.5, seed=0), explained_away=left(0.34))
    mine["metrics"]["ami_repeat_class"] = {"value": 0.3, "n": 9}
    (found,) = [row for row in differences([mine, kmer]) if row["without"]]
    assert (found["metric"], found["without"], found["n"]) == ("ami_repeat_class", "all but repeats", 9)
    assert found["value"] == pytest.approx(-0.04) == found["high"] and found["outcome"] == "behind"
