from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from dnabert.corpus import CorpusConfig, GenomeConfig, WindowConfig, prepare
from dnabert.explain import ClusteredWindows
from dnabert.explain.enrichment import enrichment
from dnabert.explain.makeup import cluster_makeup
from dnabert.explain.repeat_names import repeat_name_enrichment
from dnabert.explain.sentence import cluster_sentence
from dnabert.explain.terms import Terms


def windows_of(table: pd.DataFrame) -> ClusteredWindows:
    return ClusteredWindows(table, sequences=lambda rows: np.zeros((len(rows), 4), np.uint8))


@pytest.fixture(scope="module")
def planted() -> pd.DataFrame:
    """2,000 windows, 40 names anywhere; of the 60 of cluster 0 most are AluY, which few others are; cluster 1 lies
    anywhere."""
    rng = np.random.default_rng(0)
    name = np.array([f"MER{i}" for i in rng.integers(0, 40, 2_000)], object)
    name[rng.random(2_000) < 0.4] = ""
    label = np.full(2_000, -1)
    own, other = np.split(rng.permutation(2_000)[:160], [60])
    label[own], label[other] = 0, 1
    name[own[:40]], name[rng.choice(np.flatnonzero(label < 0), 30, replace=False)] = "AluY", "AluY"
    start = np.arange(2_000) * 448
    return pd.DataFrame(
        {"label": label, "genome": "a", "chrom": "1", "start": start, "end": start + 448, "repeat_name": name}
    )


def test_a_planted_name_is_found_and_nothing_else(planted: pd.DataFrame) -> None:
    rows = repeat_name_enrichment(windows_of(planted))
    assert all(row["share"] >= 0.1 and row["column"] == "repeat_name" for row in rows)
    best = rows[0]
    assert (best["label"], best["term"], best["n"]) == (0, "AluY", 60) and best["share"] == pytest.approx(2 / 3)
    assert best["q"] < 0.01 and best["low"] > 3 and all(row["q"] > 0.05 for row in rows[1:])
    # effect, interval and p are those of any other term; q counts each name that 20 windows have in both clusters
    common = int((planted["repeat_name"].value_counts().drop("") >= 20).sum())
    term = Terms("repeat_name", ("AluY",), (planted["repeat_name"] == "AluY").to_numpy()[:, None], np.ones(2_000, bool))
    row = next(row for row in enrichment(windows_of(planted), terms=[term]) if row["label"] == 0)
    assert {name: value for name, value in best.items() if name != "q"} == {
        name: value for name, value in row.items() if name != "q"
    }
    assert best["q"] == pytest.approx(best["p"] * 2 * common) and common > 30


def test_without_names_there_are_no_rows_and_unknown_windows_do_not_count(planted: pd.DataFrame) -> None:
    assert repeat_name_enrichment(windows_of(planted.drop(columns="repeat_name"))) == []
    assert repeat_name_enrichment(windows_of(planted.assign(repeat_name="unknown"))) == []
    assert repeat_name_enrichment(windows_of(planted.assign(repeat_name=""))) == []
    assert repeat_name_enrichment(windows_of(planted.assign(label=-1))) == []
    few = planted["repeat_name"].where(planted.groupby("repeat_name").cumcount() < 19, "")
    assert repeat_name_enrichment(windows_of(planted.assign(repeat_name=few))) == []
    half = planted["repeat_name"].mask((planted["label"] == 0) & (planted["repeat_name"] != "AluY"), "unknown")
    assert repeat_name_enrichment(windows_of(planted.assign(repeat_name=half)))[0]["n"] == 40


@pytest.mark.parametrize("named", [True, False])
def test_from_rmsk_to_a_sentence(tmp_path: Path, named: bool) -> None:
    """Cluster 0 is Alu, most of it AluY; Alus elsewhere are AluSx. Of the same repeats in BED the class alone is
    told."""
    rng = np.random.default_rng(0)
    (tmp_path / "g.fa").write_text(">chr1\n" + "".join(rng.choice(list("ACGT"), 100_000)) + "\n")
    own, other = np.split(rng.permutation(1_000)[:200], [120])
    lines = []
    for window in sorted([*own[:110], *other]):
        name = "AluY" if window in own[:90] else "AluSx"
        start, end = window * 100 + 10, window * 100 + 90
        rmsk = f"585\t9\t1\t2\t3\tchr1\t{start}\t{end}\t-7\t+\t{name}\tSINE\tAlu\t1\t2\t0\t1\n"
        lines.append(rmsk if named else f"chr1\t{start}\t{end}\tSINE/Alu\n")
    (tmp_path / "repeats").write_text("".join(lines))
    config = CorpusConfig(genomes=[GenomeConfig("a", "g.fa", repeats="repeats")], window=WindowConfig(length=100))
    view = prepare(config, out=tmp_path / "corpus", base=tmp_path).view(None)
    table = view.table.to_pandas()
    windows = ClusteredWindows(table.assign(label=np.where(np.isin(table["start"] // 100, own), 0, -1)), view.bases)
    rows = [*enrichment(windows), *repeat_name_enrichment(windows)]
    told = cluster_sentence({"label": 0, "makeup": cluster_makeup(windows)[0], "annotation": rows})["text"]
    expected = (
        "AluY elements, 75 % of the windows (SINE/Alu repeats, 92 % of the windows)"
        if named
        else "SINE/Alu repeats, 92 % of the windows"
    )
    assert told == expected
