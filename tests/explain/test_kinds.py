from typing import Any

import numpy as np
import pandas as pd
import pytest

from dnabert.alphabet import reverse_complement
from dnabert.corpus.shuffle import shuffle_dinucleotides
from dnabert.explain import ClusteredWindows, cluster_kinds
from dnabert.explain.kinds import GROUPS

LETTERS = np.frombuffer(b"ACGT", dtype=np.uint8)
LENGTH, MEMBERS, REST = 200, 40, 240


def planted() -> ClusteredWindows:
    """Cluster 0: copies of one element at random offsets and strands. 1: AT-rich. 2: hairpins. Rest: shuffled
    hairpins."""
    rng = np.random.default_rng(0)
    folded = hairpins(rng, MEMBERS + REST)
    rest = shuffle_dinucleotides(folded[MEMBERS:], rows=np.arange(REST))
    element, copies = rest[0, :160].copy(), rest[1 : MEMBERS + 1].copy()
    for index in range(MEMBERS):
        offset = rng.integers(0, LENGTH - 160)
        copies[index, offset : offset + 160] = np.where(rng.random(160) < 0.1, rng.choice(LETTERS, 160), element)
        if index % 2:
            copies[index] = reverse_complement(copies[index])
    at_rich = rng.choice(LETTERS, (MEMBERS, LENGTH), p=[0.4, 0.1, 0.1, 0.4])
    bases = np.concatenate([copies, at_rich, folded[:MEMBERS], rest])
    labels = np.concatenate([np.repeat([0, 1, 2], MEMBERS), np.full(REST, -1)])
    points = rng.normal(size=(len(labels), 3)) + 4.0 * np.eye(4)[labels][:, :3]
    return ClusteredWindows(pd.DataFrame({"label": labels}), lambda rows: bases[rows], points=points)


def hairpins(rng: np.random.Generator, n: int) -> np.ndarray:
    """Any sequence and then its reverse complement: an order that no two windows share and no short word shows."""
    stem = rng.choice(LETTERS, (n, LENGTH // 2))
    return np.concatenate([stem, reverse_complement(stem)], axis=1)


@pytest.fixture(scope="module")
def windows() -> ClusteredWindows:
    return planted()


@pytest.fixture(scope="module")
def found(windows: ClusteredWindows) -> list[dict[str, Any]]:
    return cluster_kinds(windows, pairs=60, seed=1)  # of 30 seeds composition is ruled out in 17: 40 windows say little


def cell(row: dict[str, Any], form: str, against: str) -> dict[str, Any]:
    return next(each for each in row["comparisons"] if (each["form"], each["against"]) == (form, against))


def test_each_planted_kind_gets_its_name(found: list[dict[str, Any]]) -> None:
    assert [row["kind"] for row in found] == ["homologous", "compositional", "neither"]
    assert [row["label"] for row in found] == [0, 1, 2] and found[0]["n"] == found[0]["loci"] == MEMBERS
    assert found[0]["closer_than_chance"] > 0.9 > 0.2 > found[2]["closer_than_chance"]
    assert found[1]["composition_auc"]["value"] > 0.95 and found[2]["composition_auc"]["value"] < 0.7


def test_neither_is_not_said_of_windows_that_are_scattered_or_that_composition_tells_in_part(
    windows: ClusteredWindows,
) -> None:
    rng = np.random.default_rng(1)
    scattered = ClusteredWindows(windows.table, windows.sequences, points=rng.normal(size=(len(windows), 3)))
    row = cluster_kinds(scattered, pairs=60)[2]
    assert row["kind"] == "undecided" and abs(row["embedding_distance"]["effect"]) < 0.33
    # a cluster of which half are rich in A and T: dinucleotides tell it from the rest, but not well
    bases = windows.sequences(np.arange(len(windows))).copy()
    half = np.flatnonzero(windows.labels == 2)[::2]
    bases[half] = rng.choice(LETTERS, (len(half), LENGTH), p=[0.33, 0.17, 0.17, 0.33])
    mixed = ClusteredWindows(windows.table, lambda rows: bases[rows], points=windows.points)
    row = cluster_kinds(mixed, pairs=60)[2]
    assert row["kind"] != "neither" and row["composition_auc"]["high"] > 0.7


def test_only_the_semi_global_form_sees_copies_at_any_offset_and_strand(found: list[dict[str, Any]]) -> None:
    free, plain = (cell(found[0], form, "shuffled") for form in ("semi_global", "plain"))
    assert free["effect"] < -0.95 and free["high"] < -0.5 and free["q"] < 1e-4
    assert plain["effect"] > free["effect"] + 0.2
    assert found[0]["within"]["semi_global"] < 0.2 < 0.35 < found[0]["within"]["plain"]


def test_every_form_meets_every_background(found: list[dict[str, Any]]) -> None:
    for row in found:
        assert [each["against"] for each in row["comparisons"]] == list(GROUPS) * 3
        for each in row["comparisons"]:
            assert each["low"] <= each["effect"] <= each["high"] and each["p"] <= each["q"] <= 1
            # a medium effect of ranks is one of medians too; the mean of the pairs goes with a few near ones
            if abs(each["effect"]) > 0.33:
                assert (row["within_median"][each["form"]] < each["median"]) == (each["effect"] < 0)
        apart = row["embedding_distance"]
        assert apart["within"] == pytest.approx(apart["equally_near"], rel=0.05)
        assert apart["within"] < apart["random"] and apart["effect"] < -0.33
        assert row["equal_gc_gap"] is not None
    # Nothing outside is as rich in A and T: the match is poor, and says so.
    assert found[1]["equal_gc_gap"] > 0.1 > 0.03 > found[2]["equal_gc_gap"]


def test_copies_of_one_locus_are_no_evidence() -> None:
    """Ten identical windows of two places each in five species: two loci cannot tell anything."""
    rng = np.random.default_rng(0)
    bases = np.concatenate([np.repeat(rng.choice(LETTERS, (2, 80)), 5, axis=0), rng.choice(LETTERS, (40, 80))])
    table = pd.DataFrame({"label": np.repeat([0, -1], [10, 40]), "block": [*np.repeat([0, 1], 5), *range(2, 42)]})
    table = table.assign(genome="g", chrom="c", start=np.arange(50) * 100, end=np.arange(50) * 100 + 80)
    row = cluster_kinds(ClusteredWindows(table, lambda rows: bases[rows]), pairs=20)[0]
    assert (row["loci"], row["kind"], row["composition_auc"]) == (2, "undecided", None)
    assert row["within"]["plain"] > 0.4  # the identical ones were not paired
    assert row["embedding_distance"] is None and {each["against"] for each in row["comparisons"]} == set(GROUPS[:3])


def test_one_locus_has_no_pairs_and_no_clusters_no_rows() -> None:
    bases = np.random.default_rng(0).choice(LETTERS, (3, 40))
    table = pd.DataFrame({"label": [0, 0, -1], "block": [0, 0, 1], "genome": "g", "chrom": "c"})
    table = table.assign(start=[0, 50, 100], end=[40, 90, 140])
    row = cluster_kinds(ClusteredWindows(table, lambda rows: bases[rows]))[0]
    assert (
        row["kind"] == "undecided" and row["pairs"] == 0 and row["comparisons"] == [] and row["within"]["plain"] is None
    )
    assert cluster_kinds(ClusteredWindows(table.assign(label=-1), lambda rows: bases[rows])) == []


def test_a_short_motif_in_common_is_no_descent() -> None:
    rng = np.random.default_rng(5)
    bases = rng.choice(LETTERS, (MEMBERS + REST, LENGTH))
    motif = rng.choice(LETTERS, 10)
    for row in bases[:MEMBERS]:
        for start in rng.permutation(LENGTH // 10)[:4] * 10:
            row[start : start + 10] = motif if rng.random() < 0.5 else reverse_complement(motif)
    table = pd.DataFrame({"label": np.repeat([0, -1], [MEMBERS, REST])})
    row = cluster_kinds(ClusteredWindows(table, lambda rows: bases[rows]), pairs=60)[0]
    assert (
        row["kind"] != "homologous"
        and 0.9 < row["within"]["semi_global"] / cell(row, "semi_global", "shuffled")["mean"] < 1
    )


def test_the_surroundings_of_a_large_cluster_are_not_all_other_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    """The windows next to it are of its composition, those far away are not."""
    monkeypatch.setattr("dnabert.explain.kinds._MOST_AROUND", 60)
    rng = np.random.default_rng(3)
    alike, other = ([0.4, 0.1, 0.1, 0.4], [0.1, 0.4, 0.4, 0.1])
    bases = np.concatenate([rng.choice(LETTERS, (n, LENGTH), p=p) for n, p in ((60, alike), (60, alike), (400, other))])
    label, away = np.repeat([0, -1, -1], [60, 60, 400]), np.repeat([0.0, 1.0, 9.0], [60, 60, 400])
    large = ClusteredWindows(
        pd.DataFrame({"label": label}), lambda rows: bases[rows], points=away[:, None] + rng.normal(size=(520, 3)) / 9
    )
    row = cluster_kinds(large, pairs=20)[0]
    assert row["composition_auc"]["value"] > 0.8 and row["composition_auc_nearby"]["value"] < 0.65
