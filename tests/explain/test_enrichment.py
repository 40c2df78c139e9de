import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.stats import fisher_exact
from statsmodels.stats.contingency_tables import Table2x2

from dnabert.explain import ClusteredWindows
from dnabert.explain.enrichment import Counts, enrichment, fisher_p, odds_ratio
from dnabert.explain.terms import Terms, annotation_terms

cells = st.integers(0, 40)


def windows_of(table: pd.DataFrame) -> ClusteredWindows:
    return ClusteredWindows(table, sequences=lambda rows: np.zeros((len(rows), 4), np.uint8))


def counts(a: int, b: int, c: int, d: int) -> Counts:
    return Counts(*(np.array([float(x)]) for x in (a, a + b, c, c + d)))


@given(a=cells, b=cells, c=cells, d=cells)
def test_fisher_is_scipys(a: int, b: int, c: int, d: int) -> None:
    assume(a + b + c + d > 0)
    sides = [fisher_exact([[a, b], [c, d]], alternative=side).pvalue for side in ("greater", "less")]
    assert fisher_p(counts(a, b, c, d))[0] == pytest.approx(min(1.0, 2 * min(sides)), rel=1e-6, abs=0)


@given(a=cells, b=cells, c=cells, d=cells)
def test_odds_ratio_and_interval_are_statsmodels(a: int, b: int, c: int, d: int) -> None:
    found = [float(x[0]) for x in odds_ratio(counts(a, b, c, d))]
    if a + b == 0 or c + d == 0:
        assert np.isnan(found).all()
        return
    table = np.array([[a, b], [c, d]], float)
    reference = Table2x2(table + 0.5 * (table == 0).any(), shift_zeros=False)
    assert found == pytest.approx([reference.oddsratio, *reference.oddsratio_confint()])


def test_a_table_worked_by_hand() -> None:
    """Of the cluster's 4 windows 3 are Alu, of the other 6 one is: odds ratio (3 / 1) / (1 / 5) = 15."""
    table = pd.DataFrame({"label": [0] * 4 + [-1] * 6, "repeat_class": ["Alu"] * 3 + ["L1"] + ["Alu"] + ["L1"] * 5})
    rows = enrichment(windows_of(table))
    row = next(row for row in rows if row["term"] == "Alu")
    assert (row["label"], row["column"], row["n"], row["share"], row["share_rest"]) == (
        0,
        "repeat_class",
        4,
        0.75,
        1 / 6,
    )
    # the hypergeometric tail: (C(4,3) C(6,1) + C(4,4)) / C(10,4) = 25 / 210
    assert row["p_fisher"] == pytest.approx(2 * 25 / 210)
    assert row["odds_ratio"] == pytest.approx(15) and row["low"] < 15 < row["high"]
    assert row["expected"] == pytest.approx(0.4)
    # of ten shifts only the identity has three of four Alu
    assert row["p"] == pytest.approx(2 / 10, abs=0.1) and row["q"] >= row["p"]
    json.dumps(rows, allow_nan=False)


def test_effective_counts_widen_the_interval_and_leave_the_ratio() -> None:
    plain, wide = (odds_ratio(counts(12, 8, 5, 25), inflation=x) for x in (1.0, 2.0))
    assert wide[0] == pytest.approx(plain[0])
    assert np.log(wide[2] / wide[1]) == pytest.approx(2 * np.log(plain[2] / plain[1]))


def planted(seed: int = 0) -> pd.DataFrame:
    """Two tied genomes of 1,500 windows: Alu in runs of 5; cluster 0 sits on Alu, cluster 1 in runs anywhere."""
    rng = np.random.default_rng(seed)
    n = 1_500
    alu = np.repeat(rng.random(n // 5) < 0.2, 5)
    intron = np.repeat(rng.random(n // 50) < 0.5, 50)
    label = np.where(alu & (rng.random(n) < 0.8), 0, np.where(np.repeat(rng.random(n // 10) < 0.1, 10), 1, -1))
    one = pd.DataFrame(
        {
            "chrom": "1",
            "start": np.arange(n) * 448,
            "end": np.arange(n) * 448 + 448,
            "block": np.arange(n) // 3,
            "label": label,
            "repeat_class": np.where(alu, "Alu", "none"),
            "gene_type": np.where(intron, "protein_coding", "intergenic"),
        }
    )
    return pd.concat([one.assign(genome="human"), one.assign(genome="chimp")], ignore_index=True)


def test_what_was_planted_is_found_and_what_was_not_is_not() -> None:
    rows = enrichment(windows_of(planted()))
    found = {(row["label"], row["term"]): row for row in rows}
    alu = found[0, "Alu"]
    assert alu["share"] == 1 and alu["odds_ratio"] > 50 and alu["low"] > 5 and alu["q"] < 1e-3
    assert all(row["q"] > 0.05 for row in rows if row["term"] in ("intergenic", "protein_coding", "human", "chimp"))
    assert all(row["low"] <= 1 <= row["high"] for row in rows if row["term"] in ("intergenic", "human"))
    assert alu["p_fisher"] < alu["p"]


def test_same_input_same_rows() -> None:
    windows = windows_of(planted(1))
    assert enrichment(windows) == enrichment(windows)


def test_terms_read_every_column_and_know_what_is_unknown() -> None:
    table = pd.DataFrame(
        {
            "label": [0, 0, -1],
            "cds": [0.5, 0.0, np.nan],
            "utr": [0.0, 0.0, np.nan],
            "exon": [0.0, 0.0, np.nan],
            "intron": [0.5, 0.0, np.nan],
            "intergenic": [0.0, 1.0, np.nan],
            "gene_type": ["miRNA", "intergenic", "unknown"],
            "gene_strand": ["-", ".", "."],
            "strand": ["+", "+", "+"],
            "cpg_island": [0.01, 0.0, np.nan],
            "soft_masked": [0.5, 0.75, 0.0],
        }
    )
    terms = {each.column: each for each in annotation_terms(windows_of(table))}
    assert set(terms) == {"region", "gene_type", "gene_strand", "cpg_island", "soft_masked"}
    region = terms["region"]
    assert region.known.tolist() == [True, True, False]
    assert [name for name, value in zip(region.names, region.values[0], strict=True) if value] == ["CDS", "intron"]
    assert terms["gene_type"].names == ("intergenic", "miRNA") and terms["gene_type"].known.tolist() == [
        True,
        True,
        False,
    ]
    assert terms["gene_strand"].values[0, 0] == False and terms["gene_strand"].known.tolist() == [True, False, False]  # noqa: E712
    assert terms["cpg_island"].values[:2, 0].tolist() == [True, False]
    assert terms["soft_masked"].values[:, 0].tolist() == [False, True, False]


def test_clusters_without_a_known_window_have_no_test() -> None:
    terms = Terms("track", ("any",), np.array([[True], [False], [True], [False]]), np.array([True, True, True, False]))
    table = pd.DataFrame({"label": [0, 0, -1, 1]})
    rows = enrichment(windows_of(table), terms=[terms])
    assert rows[1]["n"] == 0 and rows[1]["p"] is None and rows[1]["q"] is None and rows[1]["odds_ratio"] is None
    assert rows[0]["q"] is not None
    json.dumps(rows, allow_nan=False)


def test_no_cluster_or_nothing_that_varies_gives_no_rows() -> None:
    assert enrichment(windows_of(pd.DataFrame({"label": [-1, -1], "repeat_class": ["a", "b"]}))) == []
    assert enrichment(windows_of(pd.DataFrame({"label": [0, -1], "repeat_class": ["a", "a"]}))) == []
