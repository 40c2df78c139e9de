from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from dnabert.clusters import ClusterConfig, Clusters, null_report
from dnabert.errors import UserError
from dnabert.stage import stage


def clusters(folder: Path, labels: list[int], *, shuffle: bool, **settings: object) -> Clusters:
    """Clusters in memory whose embeddings' manifest stands on disk."""
    with stage(folder, kind="embeddings", config={"shuffle": shuffle}, overwrite=True):
        pass
    config = vars(ClusterConfig(**settings))  # type: ignore[arg-type]
    manifest = {"config": config, "inputs": {"embeddings": {"path": str(folder)}}}
    return Clusters(pd.DataFrame({"row": np.arange(len(labels)), "label": labels}), {}, {}, manifest, folder)


def test_a_cluster_found_in_the_null_is_composition(tmp_path: Path) -> None:
    real = clusters(tmp_path / "r", [0] * 10 + [1] * 5 + [-1] * 25, shuffle=False)
    null = clusters(tmp_path / "n", [0] * 9 + [-1] * 31, shuffle=True, seed=3)
    report = null_report(real, null)
    assert [row["in_null"] for row in report["clusters"]] == [True, False]
    assert report["composition_share"] == pytest.approx(2 / 3) and not report["passed"]
    assert report["null"] == {"n": 40, "clusters": 1, "clustered_share": 9 / 40, "largest_share": 9 / 40}
    assert "cluster 0 (67% of the clustered windows) is found there too and can be composition" in report["verdict"]


def test_verdicts_of_other_nulls(tmp_path: Path) -> None:
    real = clusters(tmp_path / "r", [0] * 10 + [-1] * 30, shuffle=False)
    assert "form no cluster" in null_report(real, clusters(tmp_path / "n", [-1] * 40, shuffle=True))["verdict"]
    other = null_report(real, clusters(tmp_path / "n", [-1] * 30 + [0] * 10, shuffle=True))
    assert "yet no cluster of the windows" in other["verdict"] and other["composition_share"] == 0.0
    fewer = null_report(real, clusters(tmp_path / "n", [0] * 20, shuffle=True))
    assert fewer["clusters"] is None and fewer["verdict"].endswith("no sign of order.")


def test_a_null_made_otherwise_is_refused(tmp_path: Path) -> None:
    real = clusters(tmp_path / "r", [0] * 10, shuffle=False)
    with pytest.raises(UserError, match="with neighbors 20, .* with 30"):
        null_report(real, clusters(tmp_path / "n", [0] * 10, shuffle=True, neighbors=20))
    with pytest.raises(UserError, match="windows were not shuffled"):
        null_report(real, clusters(tmp_path / "n", [0] * 10, shuffle=False))
