import numpy as np
import pandas as pd
import pytest

from dnabert.explain import ClusteredWindows, cheap_explanations, explained_away, take_out

LETTERS = np.frombuffer(b"ACGT", dtype=np.uint8)


def windows(n: int = 600, *, seed: int = 0) -> tuple[ClusteredWindows, np.ndarray, np.ndarray]:
    """Random windows of 60 bp whose repeat class and region are drawn apart from each other; both as codes too."""
    rng = np.random.default_rng(seed)
    repeat, region = rng.integers(0, 2, n), rng.integers(0, 3, n)
    table = pd.DataFrame(
        {
            "genome": "g", "chrom": "c", "start": np.arange(n) * 60, "end": np.arange(n) * 60 + 60, "block": np.arange(n),
            "label": -1,
            "repeat": repeat * 0.9, "soft_masked": repeat * 0.9, "repeat_class": np.array(["none", "Alu"])[repeat],
            "region": np.array(["intron", "exon", "intergenic"])[region],
            "cds": 0.0, "utr": 0.0, "exon": (region == 1) * 1.0, "intron": (region == 0) * 1.0, "gene_type": "none",
        }
    )  # fmt: skip
    bases = LETTERS[rng.integers(0, 4, (n, 60))]
    return ClusteredWindows(table, lambda rows: bases[rows]), repeat, region


def test_a_space_of_repeats_falls_with_repeats_and_with_nothing_else() -> None:
    found, repeat, _ = windows()
    vectors = np.random.default_rng(1).normal(size=(600, 6)) + 6 * repeat[:, None]
    explanations = cheap_explanations(found.table, found.sequences)
    assert list(explanations) == ["composition", "repeats", "gene position", "all"]
    rows = {row["without"]: row for row in explained_away(vectors, found, explanations, resamples=20)}
    assert list(rows) == ["nothing", *explanations]
    purity = {name: row["knn10_repeat_class"]["value"] for name, row in rows.items()}
    assert purity["nothing"] > 0.99 and purity["gene position"] > 0.99 and purity["composition"] > 0.9
    assert purity["repeats"] < 0.6 and purity["all"] < 0.6
    assert rows["repeats"]["explained"] > 0.6 > 0.1 > rows["gene position"]["explained"]


def test_what_no_cheap_explanation_predicts_survives() -> None:
    found, _, _ = windows()
    hidden = np.random.default_rng(2).integers(0, 2, 600)
    vectors = np.random.default_rng(1).normal(size=(600, 6)) + 8 * hidden[:, None]
    rows = explained_away(vectors, found, cheap_explanations(found.table, found.sequences), resamples=20)
    assert [row["clusters"] for row in rows] == [2] * len(rows) and min(row["clustered_share"] for row in rows) > 0.9
    assert max(row["explained"] for row in rows) < 0.1


def test_nothing_is_taken_out_that_merely_fits() -> None:
    rng = np.random.default_rng(0)
    vectors, noise = rng.normal(size=(200, 5)), rng.normal(size=(200, 100))
    assert take_out(vectors, noise, groups=np.arange(200))[1] < 0


def test_the_rest_is_that_of_ordinary_least_squares() -> None:
    rng = np.random.default_rng(0)
    cause = rng.normal(size=(4000, 2))
    vectors = np.hstack([cause @ rng.normal(size=(2, 3)), rng.normal(size=(4000, 3))])
    rest, explained = take_out(vectors, cause, groups=np.arange(4000))
    assert np.abs(np.corrcoef(rest.T, cause.T)[:6, 6:]).max() < 0.1
    assert explained == pytest.approx(0.5, abs=0.1)


def test_homology_is_one_more_explanation() -> None:
    found, repeat, _ = windows()
    explanations = cheap_explanations(found.table, found.sequences, homology=repeat * 100.0)
    assert explanations["homology"].shape == (600, 1)
    assert explanations["all"].shape[1] == sum(explanations[name].shape[1] for name in list(explanations)[:-1])
