import numpy as np
import pandas as pd

from dnabert.clusters.bootstrap import bootstrap_mean
from dnabert.corpus.places import GENE_STRETCH, STRETCH, gene_places, places_apart


def test_places_are_blocks_else_stretches_of_a_chromosome() -> None:
    table = pd.DataFrame(
        {
            "genome": ["a", "b", "a", "a", "a", "b"],
            "chrom": ["1", "1", "1", "1", "2", "1"],
            "start": [0, 77, 100, STRETCH, 100, 100],
            "block": [3, 3, -1, -1, -1, -1],
        }
    )
    places = places_apart(table)
    assert places[0] == places[1] and len(set(places.tolist())) == 5
    assert sorted(set(places.tolist())) == list(range(5))
    assert places_apart(table.drop(columns="block"))[0] == places_apart(table.drop(columns="block"))[2]
    assert len(set(places_apart(pd.DataFrame({"name": list("xyz")})).tolist())) == 3


def test_a_gene_in_many_blocks_is_drawn_whole_in_all_genomes() -> None:
    start = np.tile(2_000 * np.arange(10_000), 2)
    table = pd.DataFrame(
        {"genome": np.repeat(["a", "b"], 10_000), "chrom": "1", "start": start + np.repeat([0, 77_777], 10_000)}
    )
    table["block"] = np.tile(np.arange(10_000), 2)
    assert (gene_places(table) == start // GENE_STRETCH).all()
    few = table[start < 1_000_000]  # three of 400 kb: cut until there are 30
    assert 30 <= gene_places(few).max() + 1 <= 60
    assert (gene_places(few[["genome"]]) == np.arange(len(few))).all()


def test_chromosomes_have_stretches_of_their_own() -> None:
    table = pd.DataFrame(
        {"genome": "a", "chrom": np.repeat(["1", "2"], 16), "start": np.tile(GENE_STRETCH * np.arange(16), 2)}
    )
    assert gene_places(table).tolist() == list(range(32))


def test_fewer_than_five_stretches_are_places() -> None:
    """The smallest stretches have 12.5 kb, so that the first two windows are two places of one."""
    table = pd.DataFrame(
        {"genome": "a", "chrom": "1", "start": [9_000, 11_000, 1_000_000, 2_000_000, 3_000_000, 4_000_000]}
    )
    assert gene_places(table).tolist() == [0, 0, 1, 2, 3, 4]
    assert gene_places(table[:5]).tolist() == [0, 1, 2, 3, 4]


def test_intervals_of_genes_cover_what_they_say() -> None:
    rng, covered = np.random.default_rng(0), {gene_places: 0, places_apart: 0}
    table = pd.DataFrame({"genome": "a", "chrom": "1", "start": 2_000 * np.arange(10_000), "block": np.arange(10_000)})
    for _ in range(100):
        gene = np.cumsum(rng.random(10_000) < 1 / 40)  # 80 kb on average
        right = rng.random(10_000) < rng.beta(1, 1, gene[-1] + 1)[gene]
        for places in covered:
            score = bootstrap_mean(right, groups=places(table))
            covered[places] += score.low <= 0.5 <= score.high
    assert covered[gene_places] >= 85 and covered[places_apart] < 60
