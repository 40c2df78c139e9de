from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from dnabert.clusters import ClusterConfig, Clusters, null_report
from dnabert.errors import UserError
from dnabert.stage import stage


def clusters(
    folder: Path,
    labels: list[int],
    *,
    shuffle: bool,
    read: dict | None = None,
    source: Path | None = None,
    **settings: object,
) -> Clusters:
    """Clusters in memory whose embeddings' manifest stands on disk."""
    made = {"encoder": "kmer:4", "shuffle": shuffle} | (read or {})
    with stage(
        folder, kind="embeddings", config=made, inputs={} if source is None else {"input": source}, overwrite=True
    ):
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
    assert "cluster 0 (67 % of the clustered windows) is found there too and can be composition" in report["verdict"]


def test_verdicts_of_other_nulls(tmp_path: Path) -> None:
    real = clusters(tmp_path / "r", [0] * 10 + [-1] * 30, shuffle=False)
    assert "form no cluster" in null_report(real, clusters(tmp_path / "n", [-1] * 40, shuffle=True))["verdict"]
    other = null_report(real, clusters(tmp_path / "n", [-1] * 30 + [0] * 10, shuffle=True))
    assert "yet no cluster of the windows" in other["verdict"] and other["composition_share"] == 0.0
    fewer = null_report(real, clusters(tmp_path / "n", [0] * 20, shuffle=True))
    assert fewer["clusters"] is None and fewer["verdict"].endswith("no sign of order.")
    assert "form 1 cluster with 100 % of them" in fewer["verdict"]
    nothing = null_report(
        clusters(tmp_path / "r", [-1] * 40, shuffle=False), clusters(tmp_path / "n", [-1] * 40, shuffle=True)
    )
    assert nothing["verdict"].startswith("The windows form no cluster, so") and not nothing["passed"]
    one = null_report(real, clusters(tmp_path / "n", [-1] * 40, shuffle=True))
    assert one["passed"] and "the 1 cluster found is not of composition" in one["verdict"]


def test_a_null_made_otherwise_is_refused(tmp_path: Path) -> None:
    real = clusters(tmp_path / "r", [0] * 10, shuffle=False)
    with pytest.raises(UserError, match="with neighbors 20, .* with 30"):
        null_report(real, clusters(tmp_path / "n", [0] * 10, shuffle=True, neighbors=20))
    with pytest.raises(UserError, match="windows were not shuffled"):
        null_report(real, clusters(tmp_path / "n", [0] * 10, shuffle=False))


def test_a_null_of_another_encoder_or_of_other_sequences_is_refused(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / f"{name}.fa").write_text(f">{name}\nACGT\n")
    real = clusters(tmp_path / "r", [0] * 10, shuffle=False, read={"phases": 3}, source=tmp_path / "a.fa")
    assert null_report(
        real, clusters(tmp_path / "n", [0] * 10, shuffle=True, read={"phases": 3, "seed": 1}, source=tmp_path / "a.fa")
    )["clusters"]
    with pytest.raises(UserError, match="was embedded with encoder kmer:6, .* with kmer:4: embed as those were"):
        null_report(
            real,
            clusters(
                tmp_path / "n",
                [0] * 10,
                shuffle=True,
                read={"encoder": "kmer:6", "phases": 3},
                source=tmp_path / "a.fa",
            ),
        )
    with pytest.raises(UserError, match="with phases 1, .* with 3"):
        null_report(
            real, clusters(tmp_path / "n", [0] * 10, shuffle=True, read={"phases": 1}, source=tmp_path / "a.fa")
        )
    with pytest.raises(UserError, match=r"with input .*b\.fa, .* with .*a\.fa"):
        null_report(
            real, clusters(tmp_path / "n", [0] * 10, shuffle=True, read={"phases": 3}, source=tmp_path / "b.fa")
        )
