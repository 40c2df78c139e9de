from dataclasses import replace
from pathlib import Path

import pandas as pd

from dnabert.report.evidence import read_evidence
from dnabert.report.tables import composition, write_tables


def test_tables_hold_what_the_comparison_says(comparison: Path, run: Path, tmp_path: Path) -> None:
    evidence = read_evidence(comparison, run=run)
    write_tables(evidence, tmp_path / "tables")
    tables = {path.stem: pd.read_csv(path, sep="\t") for path in (tmp_path / "tables").glob("*.tsv")}
    assert set(tables) == {
        "ladder",
        "clusters",
        "samples",
        "edit_distance",
        "edit_distance_tests",
        "loss",
        "floors",
        "kinds",
    }
    ladder = tables["ladder"].set_index(["rung", "metric"])
    assert ladder.loc[("pretrained", "knn10_repeat_class"), ["value", "low", "high"]].tolist() == [0.81, 0.8, 0.82]
    assert tables["clusters"]["n"][:-1].is_monotonic_decreasing
    assert "samples" not in tables["clusters"] and tables["clusters"].columns[0] == "label"
    assert (
        tables["clusters"].loc[0, "genomes"]
        == "human 40\N{NO-BREAK SPACE}%, chimp 35\N{NO-BREAK SPACE}%, gorilla 25\N{NO-BREAK SPACE}%"
    )
    assert tables["clusters"]["label"].tolist()[-1] == -1
    assert len(tables["samples"]) == 3 * len(evidence.clusters)
    assert tables["floors"].set_index("order")["bits_per_base"].idxmin() == 9


def test_of_a_makeup_the_largest_shares_are_told() -> None:
    shares = {"a": 0.4, "b": 0.25, "c": 0.15, "d": 0.1, "e": 0.06, "f": 0.04, "g": 0.0, "h": None}
    assert [part.split("\N{NO-BREAK SPACE}")[0] for part in composition(shares, top=9).split(", ")] == [
        "a 40", "b 25", "c 15", "d 10", "e 6", "f 4",
    ]  # fmt: skip
    assert composition(shares, top=6) == composition(shares, top=9)
    assert composition(shares).split(", ")[2:] == ["c 15\N{NO-BREAK SPACE}%", "…"]
    assert composition({"g": 0.0}) == composition(None) == "–"


def test_a_cluster_s_five_largest_classes_are_in_its_row(comparison: Path, tmp_path: Path) -> None:
    evidence = read_evidence(comparison)
    classes = {"repeat_class": dict.fromkeys("abcdef", 1 / 6)}
    write_tables(replace(evidence, clusters=[evidence.clusters[0] | classes]), tmp_path / "t")
    assert (
        pd.read_csv(tmp_path / "t" / "clusters.tsv", sep="\t")
        .loc[0, "repeat_class"]
        .endswith(", e 17\N{NO-BREAK SPACE}%, …")
    )


def test_how_many_pairs_a_test_is_of_stands_in_columns(comparison: Path, tmp_path: Path) -> None:
    """One cell held a list, as Python writes it."""
    evidence = read_evidence(comparison)
    first, second = (evidence.edit_distance or {})["tests"]
    tests = [first | {"pairs": [545, 499]}, second]
    write_tables(replace(evidence, edit_distance=(evidence.edit_distance or {}) | {"tests": tests}), tmp_path / "t")
    table = pd.read_csv(tmp_path / "t" / "edit_distance_tests.tsv", sep="\t")
    assert "pairs" not in table and table.loc[0, ["pairs_a", "pairs_b"]].tolist() == [545, 499]
    assert table.loc[1, ["pairs_a", "pairs_b"]].isna().all() and table["a"].tolist() == ["within", "unclustered"]


def test_without_a_run_its_tables_are_absent(comparison: Path, tmp_path: Path) -> None:
    write_tables(read_evidence(comparison), tmp_path / "tables")
    assert not (tmp_path / "tables" / "loss.tsv").exists()
