import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from dnabert.errors import UserError
from dnabert.explain import ClusteredWindows, homology


def test_planted_families_are_named_and_nothing_else(planted: ClusteredWindows, database: Path) -> None:
    rows = homology(planted, databases=[database])
    json.dumps(rows, allow_nan=False)
    assert [(row["label"], row["windows"], row["sampled"], row["loci"]) for row in rows] == [
        (0, 40, 40, 40),
        (1, 30, 30, 30),
        (2, 25, 25, 25),
    ]
    first, second, none = (row["databases"][0] for row in rows)
    best = first["families"][0]
    assert (best["name"], best["subject"], best["share"], best["best"]) == ("X/A", "One#X/A", 1.0, 1.0)
    assert best["identity"] == pytest.approx(0.9, abs=0.02) and best["length"] == pytest.approx(160, abs=6)
    assert best["forward"] == 0.5 and best["subject_end"] - best["subject_start"] == pytest.approx(160, abs=6)
    start, end = best["subject_within"]
    assert start <= best["subject_start"] < best["subject_end"] <= end <= best["subject_length"]
    assert best["background_share"] == pytest.approx(5 / 160) and best["q"] < 1e-6 and best["odds_low"] > 10
    assert [row["name"] for row in first["subjects"]] == ["One#X/A", "Old#X/A"]
    assert second["families"][0]["name"] == "X/B" and second["families"][0]["identity"] == pytest.approx(0.85, abs=0.03)
    assert none["families"] == none["subjects"] == [] and none["sentence"] == "no member hits known.fa"
    said = (
        r"100 % of the members searched hit X/A \(most often One#X/A\) at (90|91) % identity over 1\d\d bp; 3 % of "
        r"other windows do"
    )
    assert re.fullmatch(said, first["sentence"])


def test_q_is_over_all_clusters_and_terms_of_all_databases(planted: ClusteredWindows, database: Path) -> None:
    one, two = homology(planted, databases=[database]), homology(planted, databases=[database, database])
    assert [len(row["databases"]) for row in two] == [2, 2, 2]
    p, q = (one[0]["databases"][0]["families"][0][name] for name in "pq")
    # 3 clusters x (anything, 2 families, 3 subjects that any window hits); the four smallest p are cluster 0's
    assert q <= p * 18 and q >= p * 18 / 4
    assert two[1]["databases"][0]["any"]["q"] == pytest.approx(one[1]["databases"][0]["any"]["q"])


def test_samples_are_seeded_and_few(planted: ClusteredWindows, database: Path) -> None:
    rows = [homology(planted, databases=[database], sample=10, background=50, seed=seed) for seed in (1, 1, 2)]
    assert rows[0] == rows[1] != rows[2]
    assert [row["sampled"] for row in rows[0]] == [10, 10, 10]


def test_orthologs_are_one_piece_of_evidence(planted: ClusteredWindows, database: Path) -> None:
    table = planted.table.assign(
        genome="a", chrom="1", start=np.arange(200) * 300, end=np.arange(200) * 300 + 300, block=-1
    )
    table.loc[:39, "block"] = 5
    row = homology(ClusteredWindows(table, planted.sequences), databases=[database])[0]
    found = row["databases"][0]["families"][0]
    assert (row["sampled"], row["loci"], found["share"]) == (40, 1, 1.0)
    assert found["low"] < 0.3 and found["q"] > 0.05
    assert row["databases"][0]["sentence"].endswith("no significant difference")


def test_labels_at_random_have_no_more_of_a_tandem_array(core: np.ndarray, database: Path) -> None:
    # with each window of an array as evidence of its own, p is at most 0.05 in five of these ten genomes
    rng, found = np.random.default_rng(0), 0
    for _ in range(10):
        bases, labels = rng.choice(np.frombuffer(b"ACGT", dtype=np.uint8), (600, 200)), np.full(600, -1)
        for at in rng.integers(0, 585, 6):
            bases[at : at + 15, : len(core)] = core
        for at in rng.integers(0, 585, 4):
            labels[at : at + 15] = 0
        start = np.arange(600) * 448
        table = pd.DataFrame({"label": labels, "genome": "g", "chrom": "c", "start": start, "end": start + 200})
        windows = ClusteredWindows(table, lambda rows, bases=bases: bases[rows])
        (row,) = homology(windows, databases=[database])
        found += row["databases"][0]["any"]["p"] <= 0.05
    assert found <= 1


def test_a_cluster_with_fewer_than_others_is_said_to_have_fewer(planted: ClusteredWindows, database: Path) -> None:
    labels = np.full(200, -1)
    labels[[0, *range(100, 200)]] = 0
    row = homology(ClusteredWindows(pd.DataFrame({"label": labels}), planted.sequences), databases=[database])[0]
    assert row["databases"][0]["sentence"].endswith("significantly fewer")


def test_a_missing_database_is_named(planted: ClusteredWindows, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such database"):
        homology(planted, databases=[tmp_path / "gone.fa"])
