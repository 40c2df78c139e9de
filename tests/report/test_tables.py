from dataclasses import replace
from pathlib import Path

import pandas as pd

from dnabert.report.evidence import read_evidence
from dnabert.report.tables import write_tables


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
    assert tables["clusters"]["label"].tolist()[-1] == -1
    assert len(tables["samples"]) == 3 * len(evidence.clusters)
    assert tables["floors"].set_index("order")["bits_per_base"].idxmin() == 9


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
