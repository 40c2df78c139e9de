import json

import numpy as np
import pandas as pd

from dnabert.explain.composition import cluster_rows


def test_rows_say_what_a_visible_table_holds() -> None:
    table = pd.DataFrame(
        {
            "label": np.array([0, 0, 1, -1], dtype=np.int32),
            "probability": np.array([1.0, 1.0, 1.0, 0.0], dtype=np.float32),
            "genome": ["human", "chimp", "human", "human"],
            "chrom": ["chr22"] * 4,
            "start": [0, 7, 100, 201],
            "end": [100, 107, 200, 301],
            "gc": np.array([0.25, 0.75, 0.5, 0.5], dtype=np.float32),
            "repeat_class": ["Alu", "Alu", "none", "L1"],
        }
    )
    bases = np.frombuffer(b"A" * 100 + b"ACGT" * 75, dtype=np.uint8).reshape(4, 100)
    rows = cluster_rows(table, lambda i: bases[i], edit_distance={0: 0.4})
    assert [(row["label"], row["n"], row["share"]) for row in rows] == [(0, 2, 0.5), (1, 1, 0.25), (-1, 1, 0.25)]
    first = rows[0]
    assert first["gc"] == 0.5 and first["genomes"] == {"human": 0.5, "chimp": 0.5}
    assert first["repeat_class"] == {"Alu": 1.0} and first["edit_distance_median"] == 0.4
    assert first["phase_entropy"] == 0.0 and "region" not in first
    sample = next(s for s in first["samples"] if s["genome"] == "human")
    assert sample["sequence"] == "A" * 100 and sample["low_complexity"] == 1.0
    assert rows[1]["edit_distance_median"] is None
    json.dumps(rows, allow_nan=False)


def test_the_spread_over_frames_is_that_of_all_windows_where_there_is_no_phase() -> None:
    start = np.arange(0, 448 * 1_200, 448)  # side by side: with k = 6 in even frames alone
    table = pd.DataFrame({"label": np.repeat([0, 1], 600), "start": start})
    table.loc[600:, "start"] = start[600:] // 6 * 6
    bases = np.frombuffer(b"ACGT", dtype=np.uint8)
    spread = [
        row["phase_entropy"]
        for row in cluster_rows(table.assign(start=start), lambda i: bases[None].repeat(len(i), 0), phase_modulus=6)
    ]
    assert np.allclose(spread, 1, atol=1e-4)
    assert cluster_rows(table, lambda i: bases[None].repeat(len(i), 0), phase_modulus=6)[1]["phase_entropy"] == 0.0


def test_of_an_encoder_that_has_one_frame_alone_no_spread_is_told() -> None:
    table = pd.DataFrame({"label": np.repeat([0, 1], 600), "start": np.arange(1_200) * 451})
    bases = np.frombuffer(b"ACGT", dtype=np.uint8)
    rows = cluster_rows(table, lambda i: bases[None].repeat(len(i), 0), phase_modulus=1)
    assert [row["phase_entropy"] for row in rows] == [None, None]  # of 1.000 nothing is known


def test_samples_come_from_different_blocks_first() -> None:
    table = pd.DataFrame({"label": np.zeros(6, int), "block": [1, 1, 1, 1, 2, 3], "probability": np.ones(6)})
    bases = np.frombuffer(b"ACGTCA" * 2, dtype=np.uint8).reshape(6, 2)
    shown = cluster_rows(table, lambda i: bases[i], samples=3)[0]["samples"]
    assert {s["sequence"] for s in shown} >= {"CA", "AC"} or len(shown) == 3


def test_what_the_corpus_does_not_annotate_is_left_out() -> None:
    table = pd.DataFrame({"label": [0, 0], "gc": [0.5, 0.25], "repeat": [np.nan, np.nan], "cpg_island": [np.nan, 0.5]})
    bases = np.frombuffer(b"ACGT", dtype=np.uint8).reshape(2, 2)
    (row,) = cluster_rows(table, lambda i: bases[i])
    assert row["gc"] == 0.375 and row["cpg_island"] == 0.5 and "repeat" not in row
    json.dumps(row, allow_nan=False)
    # the first lies in a genome without islands' annotation
    apart = cluster_rows(table.assign(label=[0, 1]), lambda i: bases[i])
    assert "cpg_island" not in apart[0] and apart[1]["cpg_island"] == 0.5
    json.dumps(apart, allow_nan=False)
