import shutil
from pathlib import Path

import pandas as pd
import pytest

from dnabert.errors import UserError
from dnabert.report.evidence import read_evidence
from dnabert.stage import stage


def test_reads_everything(comparison: Path, run: Path) -> None:
    evidence = read_evidence(comparison, run=run)
    assert len(evidence.map) == 4000
    assert evidence.main_rung == "pretrained"
    assert set(evidence.manifests) == {"comparison", "run", "clusters/pretrained_all"}
    assert evidence.floors is not None and evidence.floors["best"]["order"] == 9


def test_another_kind_of_folder_is_one_line(comparison: Path, run: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="not a comparison"):
        read_evidence(run)
    with pytest.raises(UserError, match="not a run"):
        read_evidence(comparison, run=comparison)
    with pytest.raises(UserError, match="no such comparison folder"):
        read_evidence(tmp_path / "absent")


@pytest.mark.parametrize("name", ["ladder.json", "clusters.json", "comparison.json", "edit_distance.json"])
def test_a_damaged_file_is_named(comparison: Path, tmp_path: Path, name: str) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(comparison, copy)
    (copy / name).write_text("{")
    with pytest.raises(UserError, match=name):
        read_evidence(copy)


def test_a_damaged_map_is_named(comparison: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(comparison, copy)
    (copy / "clusters" / "pretrained_all" / "clusters.parquet").write_bytes(b"PAR1")
    with pytest.raises(UserError, match=r"clusters\.parquet"):
        read_evidence(copy)


def test_a_run_without_floors(comparison: Path, run: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(run, copy)
    (copy / "floors.json").unlink()
    assert read_evidence(comparison, run=copy).floors is None


@pytest.mark.parametrize("n", [4000, 3999])
def test_named_gene_sets_join_the_map(comparison: Path, tmp_path: Path, n: int) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(comparison, copy)
    with stage(copy / "explanation", kind="explanation") as folder:
        (folder / "cards.json").write_text("[]")
        (folder / "overall.json").write_text("{}")
        pd.DataFrame({"membrane": [True] + [False] * (n - 1)}).to_parquet(folder / "gene_sets_on_map.parquet")
    if n == 4000:
        assert read_evidence(copy).map["gene_set:membrane"].sum() == 1
    else:
        with pytest.raises(UserError, match="has 3999 rows for 4000 windows: make the explanation again"):
            read_evidence(copy)
