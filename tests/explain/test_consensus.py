import importlib.util
import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from rapidfuzz.distance import Levenshtein

from dnabert.alphabet import reverse_complement
from dnabert.errors import UserError
from dnabert.explain import ClusteredWindows, consensus, consensuses

Copies = Callable[..., np.ndarray]


def distance(found: str, core: np.ndarray) -> int:
    text = core.tobytes().decode()
    return min(Levenshtein.distance(found, text), Levenshtein.distance(found, reverse_complement(text)))


@pytest.mark.parametrize("divergence", [0.0, 0.15, 0.25])
def test_a_planted_family_is_recovered_from_both_strands(core: np.ndarray, copies: Copies, divergence: float) -> None:
    found = consensus(copies(core, 30, divergence=divergence, seed=7))
    json.dumps(found, allow_nan=False)
    assert found["found"] and found["share"] == 1.0 and found["p"] < 1e-6
    assert distance(found["consensus"], core) <= (6 if divergence < 0.2 else 16)
    assert found["identity"] == pytest.approx(1 - divergence, abs=0.04)
    assert found["forward"] == 0.5 and found["low_complexity"] < 0.5
    frequencies, coverage = np.array(found["frequencies"]), np.array(found["coverage"])
    assert frequencies.shape == (len(found["consensus"]), 4) and coverage.shape == (len(found["consensus"]),)
    assert frequencies.sum(axis=1) == pytest.approx(1) and coverage.max() <= 30 and coverage.min() >= 3
    letters = np.array(list("ACGT"))[frequencies.argmax(axis=1)]
    assert np.mean(letters == np.array(list(found["consensus"]))) > 0.95


@pytest.mark.parametrize("letters", ["ACGT", "AATT", "AAAATTTTCG", "CCGGA"])
@pytest.mark.parametrize("n", [3, 12, 40])
def test_unrelated_sequences_have_none(letters: str, n: int) -> None:
    rng = np.random.default_rng(n)
    random = np.frombuffer(letters.encode(), dtype=np.uint8)[rng.integers(0, len(letters), (n, 300))]
    found = consensus(random)
    assert not found["found"] and found["consensus"] is None and found["frequencies"] is None
    assert found["sentence"].startswith("no consensus:")


def test_a_few_relatives_are_not_the_cluster(core: np.ndarray, copies: Copies) -> None:
    few = np.concatenate([copies(core, 5, divergence=0.1, seed=1), copies(core[:0], 35, divergence=0, seed=2)])
    found = consensus(few)
    assert not found["found"] and 5 <= found["sharing"] <= 8  # one in a hundred others does by chance
    assert found["sentence"].endswith("of 40 places share a sequence, too few to be the cluster's")


def test_half_of_the_sequences_are_enough_and_counted(core: np.ndarray, copies: Copies) -> None:
    half = np.concatenate([copies(core, 15, divergence=0.1, seed=1), copies(core[:0], 15, divergence=0, seed=2)])
    found = consensus(half)
    assert found["found"] and 15 <= found["sharing"] <= 17 and found["low"] < found["share"] < found["high"]


def test_an_element_longer_than_windows_is_told_as_a_lower_bound(core: np.ndarray, copies: Copies) -> None:
    rng = np.random.default_rng(8)
    element = np.frombuffer(b"ACGT", dtype=np.uint8)[rng.integers(0, 4, 2_000)]
    pieces = np.stack([element[at : at + 300] for at in rng.integers(0, 1_700, 40)])
    found = consensus(pieces)
    # all are copies of the element
    assert found["beyond_window"] and 300 < len(found["consensus"]) < 2_000 and found["share"] < 1
    assert found["sentence"].startswith(
        f"at least {100 * found['share']:.0f} % of 40 places share a consensus of at least {len(found['consensus'])} bp"
    )
    short = consensus(copies(core, 30, divergence=0.1, seed=7))
    assert short["beyond_window"] is False and "at least" not in short["sentence"]


def test_a_tandem_repeat_is_called_simple(copies: Copies) -> None:
    found = consensus(copies(np.frombuffer(b"CA" * 60, dtype=np.uint8), 12, divergence=0.05, seed=3))
    assert found["found"] and found["low_complexity"] > 0.5 and found["sentence"].endswith("simple sequence")


def test_two_sequences_are_too_few(core: np.ndarray, copies: Copies) -> None:
    for n in (0, 1, 2):
        assert "fewer than 3" in consensus(copies(core, n, divergence=0.0, seed=1))["sentence"]


def test_case_and_unknown_bases_do_not_disturb(core: np.ndarray, copies: Copies) -> None:
    bases = copies(core, 12, divergence=0.1, seed=5)
    lower = bases | 0x20
    assert consensus(lower) == consensus(bases)
    bases[:, ::50] = ord("N")
    assert consensus(bases)["found"]


def test_every_cluster_and_each_locus_once(planted: ClusteredWindows, core: np.ndarray) -> None:
    rows = consensuses(planted, sample=25)
    assert [(row["label"], row["found"]) for row in rows] == [(0, True), (1, True), (2, False)]
    assert distance(rows[0]["consensus"], core) <= 8
    assert consensuses(planted, sample=25) == rows
    table = planted.table.assign(
        genome="a", chrom="1", start=np.arange(200) * 300, end=np.arange(200) * 300 + 300, block=-1
    )
    table.loc[:39, "block"] = 5
    one = consensuses(ClusteredWindows(table, planted.sequences), sample=25)[0]
    assert one["sequences"] == 1 and not one["found"]


def test_of_many_clusters_one_has_a_consensus_by_chance(core: np.ndarray, copies: Copies) -> None:
    """Three places that share a sequence are one in 1,700, and none in 170 clusters."""
    nothing = np.zeros(0, dtype=np.uint8)

    def of_clusters(others: int) -> list[dict[str, Any]]:
        bases = np.concatenate(
            [
                copies(core, 3, divergence=0.1, seed=1)[:, 100:220],
                copies(nothing, 3 * others + 2, divergence=0.0, seed=2)[:, 100:220],
            ]
        )
        table = pd.DataFrame({"label": np.append(np.repeat(np.arange(1 + others), 3), 2 * [1 + others])})
        return consensuses(ClusteredWindows(table, lambda rows: bases[rows]))

    few, many = of_clusters(4), of_clusters(120)
    assert few[0]["found"] and few[0]["q"] == pytest.approx(5 * few[0]["p"])
    assert many[0]["p"] == few[0]["p"] and not many[0]["found"] and many[0]["consensus"] is None
    assert many[0]["q"] == pytest.approx(121 * few[0]["p"]) and many[0]["q"] > 0.05
    assert many[0]["sentence"] == (
        "no consensus: 3 of 3 places share a sequence, which one of 121 clusters may do by chance (q = 0.07)"
    )
    assert few[-1]["q"] is None and few[-1]["sequences"] == 2
    assert not any(row["found"] for row in [*few[1:], *many[1:]])


def test_a_missing_extra_is_named(core: np.ndarray, copies: Copies, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"pip install 'dnabert\[explain\]'"):
        consensus(copies(core, 3, divergence=0.0, seed=1))


def test_the_chance_of_real_sequences_on_top_is_that_of_drawing_them_without_shuffled_ones() -> None:
    from scipy.stats import hypergeom

    from dnabert.explain.consensus import _chance

    for above, real, null in ((3, 10, 100), (10, 10, 20), (1, 60, 100), (9, 60, 100)):
        # the `above` highest of all are a sample without a single shuffled one
        assert _chance(above, real=real, null=null) == pytest.approx(hypergeom.pmf(above, real + null, real, above))
    assert _chance(0, real=5, null=9) == 1.0
