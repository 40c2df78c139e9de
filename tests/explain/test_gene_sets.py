import gzip
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import false_discovery_control, hypergeom

from dnabert.errors import UserError
from dnabert.explain import ClusteredWindows
from dnabert.explain.gene_set_file import GeneSets, read_gene_sets
from dnabert.explain.gene_sets import (
    gene_set_enrichment,
    gene_set_landing,
    genes_touched,
    in_gene_set,
)


def windows_of(table: pd.DataFrame) -> ClusteredWindows:
    return ClusteredWindows(table, sequences=lambda rows: np.zeros((len(rows), 4), np.uint8))


def sets_of(**genes: str) -> GeneSets:
    members = tuple(frozenset(each.split()) for each in genes.values())
    return GeneSets("sets.gmt", tuple(genes), tuple(f"CC: {name}" for name in genes), members)


def test_gmt_is_read_packed_or_not(tmp_path: Path) -> None:
    text = "GO:1\tCC: membrane\tA\tB\t\nGO:2\tna\tB\n\n"
    (tmp_path / "a.gmt").write_text(text)
    (tmp_path / "a.gmt.gz").write_bytes(gzip.compress(text.encode()))
    for name in ("a.gmt", "a.gmt.gz"):
        sets = read_gene_sets(tmp_path / name)
        assert sets.ids == ("GO:1", "GO:2") and sets.names == ("CC: membrane", "GO:2")
        assert sets.genes == (frozenset("AB"), frozenset("B"))
    assert [sets.find(name) for name in ("GO:2", "go:1", "membrane", "Membrane", "cc: membrane")] == [1, 0, 0, 0, 0]
    with pytest.raises(UserError, match="no gene set 'membran': did you mean 'membrane'"):
        sets.find("membran")


def test_the_address_of_a_set_is_not_its_name(tmp_path: Path) -> None:
    """MSigDB's files have the address of a page in the second column."""
    lines = [
        f"HALLMARK_{name}\t{scheme}://www.gsea-msigdb.org/HALLMARK_{name}\tA\n"
        for name, scheme in (("HYPOXIA", "https"), ("APOPTOSIS", "http"))
    ]
    (tmp_path / "h.all.symbols.gmt").write_text("".join(lines))
    sets = read_gene_sets(tmp_path / "h.all.symbols.gmt")
    assert sets.names == sets.ids == ("HALLMARK_HYPOXIA", "HALLMARK_APOPTOSIS")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "holds no gene set"),
        ("GO:1\tx\n", "line 1 is no gene set"),
        ("a\tb\tC\na\tb\tD\n", "two gene sets called 'a'"),
    ],
)
def test_what_is_no_gmt_is_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "a.gmt").write_text(text)
    with pytest.raises(UserError, match=message):
        read_gene_sets(tmp_path / "a.gmt")


def test_genes_touched_are_counted_once_over_genomes() -> None:
    table = pd.DataFrame({"label": [0, 0, 0, 1, -1], "genome": list("abaab"), "gene": ["X", "X", "Y", "", "Y"]})
    first, second = genes_touched(windows_of(table))
    assert first == {
        "label": 0,
        "n_genes": 2,
        "genes": [{"gene": "X", "windows": 2, "share": 1.0}, {"gene": "Y", "windows": 1, "share": 0.5}],
    }
    assert second == {"label": 1, "n_genes": 0, "genes": []}


def genome(rng: np.random.Generator, *, long: int = 40, short: int = 4, genes: int = 60) -> pd.DataFrame:
    """Two tied genomes: genes L0 to L14 of `long` windows, the others of `short`, in random order, gaps of 5
    between."""
    names = [f"L{i}" for i in range(15)] + [f"S{i}" for i in range(genes - 15)]
    column: list[str] = []
    for i in rng.permutation(len(names)):
        column += [names[i]] * (long if names[i][0] == "L" else short) + [""] * 5
    n = len(column)
    start = np.arange(n) * 448
    one = pd.DataFrame({"chrom": "1", "start": start, "end": start + 448, "block": np.arange(n), "gene": column})
    return pd.concat([one.assign(genome="a"), one.assign(genome="b")], ignore_index=True)


def on_both(labels: np.ndarray) -> np.ndarray:
    return np.tile(labels, 2)


SETS = sets_of(
    long=" ".join(f"L{i}" for i in range(15)),
    planted=" ".join(f"S{i}" for i in range(0, 30, 2)),
    other=" ".join(f"S{i}" for i in range(1, 30, 2)),
    same_as_other=" ".join([*(f"S{i}" for i in range(1, 30, 2)), "ABSENT"]),
    small="S1 S3",
)


def test_hypergeometric_is_worked_by_hand() -> None:
    table = pd.DataFrame({"label": [0, 0, 0, 0, -1, -1, -1, -1], "gene": ["A", "A", "B", "C", "C", "D", "E", "Z"]})
    (row,) = gene_set_enrichment(windows_of(table), sets_of(some="A B D", every="A B C D E"), least=3, most=4)
    # 5 annotated genes, 3 of the set, the cluster touches A, B, C: 2 of the set; P(at least 2) = (3 * 2 + 1) / 10
    assert (row["id"], row["name"], row["size"], row["touched"], row["n"]) == ("some", "CC: some", 3, 2, 4)
    assert row["p_hypergeometric"] == pytest.approx(0.7) == pytest.approx(hypergeom.sf(1, 5, 3, 3))
    assert row["expected_touched"] == pytest.approx(9 / 5)
    assert row["share"] == 0.75 and row["share_rest"] == 1 / 3 and row["genes"] == {"A": 2, "B": 1}
    json.dumps(row, allow_nan=False)


def test_a_planted_set_is_found_by_both_tests() -> None:
    rng = np.random.default_rng(0)
    table = genome(rng)
    planted = in_gene_set(windows_of(table), SETS, "planted")[: len(table) // 2]
    label = np.where(planted & (rng.random(len(planted)) < 0.6), 0, np.where(rng.random(len(planted)) < 0.05, 1, -1))
    rows = gene_set_enrichment(windows_of(table.assign(label=on_both(label))), SETS)
    found = {(row["label"], row["id"]): row for row in rows}
    assert "same_as_other" not in {row["id"] for row in rows} and "small" not in {row["id"] for row in rows}
    best = found[0, "planted"]
    assert best["share"] == 1 and best["q"] < 0.01 and best["q_hypergeometric"] < 0.01 and best["low"] > 1
    assert (0, "long") not in found and {label for label, _ in found} == {0, 1}
    assert all(row["p"] > 0.01 for (label, _), row in found.items() if label == 1)


def test_long_genes_fool_the_naive_test_only() -> None:
    """Runs of windows anywhere touch long genes more often; only the naive test calls that a function."""
    naive, shifted = [], []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        table = genome(rng)
        n = len(table) // 2
        label = np.full(n, -1)
        for at in rng.choice(n - 3, 8, replace=False):
            label[at : at + 3] = 0
        rows = gene_set_enrichment(windows_of(table.assign(label=on_both(label))), SETS)
        row = next((row for row in rows if row["id"] == "long"), None)
        if row is not None:
            naive.append(row["p_hypergeometric"])
            shifted.append(row["p"])
    assert np.mean(np.array(naive) <= 0.05) > 0.5
    assert np.mean(np.array(shifted) <= 0.05) <= 0.15


def test_named_sets_land_where_they_were_put() -> None:
    rng = np.random.default_rng(1)
    table = genome(rng)
    inside = in_gene_set(windows_of(table), SETS, "planted")
    label = on_both(np.where(inside[: len(table) // 2], 0, np.where(rng.random(len(table) // 2) < 0.1, 1, -1)))
    found = gene_set_landing(windows_of(table.assign(label=label)), SETS, ["planted", "CC: long"])
    assert found["planted"]["n"] == inside.sum() and found["planted"]["ami"]["value"] > 0.5
    assert found["planted"]["clusters"][0]["q"] < 0.01 and found["CC: long"]["id"] == "long"
    assert found["planted"]["clusters"][0]["odds_ratio"] > 10
    json.dumps(found, allow_nan=False)


def test_windows_of_a_gene_are_no_evidence_of_its_set() -> None:
    """Clusters that follow genes agree with any set of genes: the interval says so, and sets of as many genes agree as
    much."""
    rng = np.random.default_rng(4)
    gene = np.repeat([f"G{i}" for i in range(40)], 60)
    label = np.repeat(rng.integers(-1, 2, 40), 60)
    table = pd.DataFrame(
        {
            "genome": "a",
            "chrom": "1",
            "start": np.arange(len(gene)) * 100,
            "end": np.arange(len(gene)) * 100 + 100,
            "gene": gene,
            "label": label,
        }
    )
    sets = sets_of(any=" ".join(f"G{i}" for i in rng.permutation(40)[:20]), rest=" ".join(sorted(set(gene))))
    found = gene_set_landing(windows_of(table), sets, ["any"])["any"]
    assert found["ami"]["low"] < found["ami_random"] and found["ami"]["high"] - found["ami"]["low"] > 0.05
    assert found["p"] > 0.05
    matched = label[::60] >= 0
    sets = sets_of(of_clusters=" ".join(f"G{i}" for i in np.flatnonzero(matched)), rest=" ".join(sorted(set(gene))))
    assert gene_set_landing(windows_of(table), sets, ["of_clusters"])["of_clusters"]["p"] < 0.02


def test_named_sets_are_corrected_for_each_other() -> None:
    rng = np.random.default_rng(3)
    table = genome(rng)
    inside = in_gene_set(windows_of(table), SETS, "planted")
    table = table.assign(
        label=on_both(np.where(inside[: len(table) // 2] & (rng.random(len(table) // 2) < 0.3), 0, -1))
    )
    names = ["planted", "other", "long"]
    found = gene_set_landing(windows_of(table), SETS, names)
    p = [found[name]["p"] for name in names]
    assert [found[name]["q"] for name in names] == pytest.approx(false_discovery_control(p))
    assert found["planted"]["q"] > found["planted"]["p"]
    alone = gene_set_landing(windows_of(table), SETS, ["planted"])["planted"]
    assert alone["q"] == alone["p"] == found["planted"]["p"]


def test_a_set_that_no_window_or_every_one_is_in_agrees_with_nothing() -> None:
    """Of windows in one cluster it was called identical with the clusters."""
    table = pd.DataFrame(
        {
            "label": 0,
            "genome": "a",
            "chrom": "1",
            "start": np.arange(20) * 100,
            "gene": [f"G{i // 4}" for i in range(20)],
        }
    )
    found = gene_set_landing(
        windows_of(table), sets_of(none="X Y", all="G0 G1 G2 G3 G4", some="G0 G1"), ["none", "all", "some"]
    )
    assert [each["n"] for each in found.values()] == [0, 20, 8]
    assert found["none"]["ami"] is None and found["all"]["ami"] is None and not {"p", "q"} & found["none"].keys()
    assert found["some"]["q"] == found["some"]["p"]  # the others are no tests
    assert found["some"]["ami"]["value"] == 0


def test_sets_that_a_cluster_does_not_touch_count_as_tests_without_a_row() -> None:
    rng = np.random.default_rng(0)
    table = genome(rng)
    planted = in_gene_set(windows_of(table), SETS, "planted")[: len(table) // 2]
    windows = windows_of(table.assign(label=on_both(np.where(planted & (rng.random(len(planted)) < 0.6), 0, -1))))
    rows = gene_set_enrichment(windows, SETS)
    assert {row["id"] for row in rows} == {"planted"} and rows[0]["touched"] > 0
    tests = 3  # planted, other, long
    assert rows[0]["q"] == pytest.approx(tests * rows[0]["p"]) and rows[0]["q_hypergeometric"] == pytest.approx(
        tests * rows[0]["p_hypergeometric"]
    )


def test_clusters_that_touch_too_few_genes_are_not_tested() -> None:
    table = genome(np.random.default_rng(0))
    label = np.where(table["gene"] == "S0", 0, -1)
    assert gene_set_enrichment(windows_of(table.assign(label=label)), SETS) == []


def test_genes_that_match_nothing_are_said_in_one_line() -> None:
    table = pd.DataFrame({"label": [0, -1], "gene": ["Trp53", "Brca2"]})
    with pytest.raises(
        UserError, match=r"no gene of sets.gmt is a gene of the windows \(the windows' are called 'Brca2'"
    ):
        gene_set_enrichment(windows_of(table), SETS)
    with pytest.raises(UserError, match="have no genes"):
        gene_set_enrichment(windows_of(table.assign(gene="")), SETS)
    with pytest.raises(UserError, match="no column gene"):
        genes_touched(windows_of(table[["label"]]))
