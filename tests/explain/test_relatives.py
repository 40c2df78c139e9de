from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from dnabert.clusters.ladder import places_of
from dnabert.corpus.places import places_apart
from dnabert.explain import ClusteredWindows, cheap_explanations, explained_away
from dnabert.explain.blast import missing_program
from dnabert.explain.relatives import Relatives, relatives

pytestmark = pytest.mark.skipif(missing_program() is not None, reason="needs BLAST+")

FIRST, SECOND = np.array([*range(40), *range(95, 100)]), np.arange(40, 70)


def family_of(rows: np.ndarray) -> np.ndarray:
    return np.isin(rows, FIRST) * 1 + np.isin(rows, SECOND) * 2


def test_planted_families_are_the_relatives(planted: ClusteredWindows) -> None:
    found = relatives(planted)
    family = family_of(found.rows)
    kin = (family[:, None] == family[None]) & (family > 0)[:, None] & ~np.eye(200, dtype=bool)
    assert found.aligned[kin].mean() > 0.8 and not found.aligned[~kin].any()
    np.testing.assert_array_equal(found.aligned, found.aligned.T)
    asked = found.asked["knn1_relatives"]
    # families of 45 and 30 of 200 are none of the rare
    assert set(asked) == {*FIRST, *SECOND} and set(found.asked) == {"knn1_relatives"}


def test_hits_are_those_of_a_space_that_knows_the_families_and_of_one_that_does_not(planted: ClusteredWindows) -> None:
    found = relatives(planted)
    noise = np.random.default_rng(0).normal(size=(200, 40))
    knows = found.hits(20 * np.eye(3)[family_of(np.arange(200))] + noise[:, :3])["knn1_relatives"].mean()
    assert knows > 0.75  # as many pairs of a family as BLAST aligns
    blind = found.hits(noise)["knn1_relatives"].mean()
    assert blind == pytest.approx(found.chance()["chance_relatives"].value, abs=0.15)


def test_rare_relatives_are_found_among_ten() -> None:
    """Brute force on a made-up graph: 400 windows in 100 families of 4, and one of which a hundred are."""
    family = np.concatenate([np.repeat(np.arange(100), 4), np.full(100, 100)])
    aligned = (family[:, None] == family[None]) & ~np.eye(500, dtype=bool)
    table = pd.DataFrame(
        {"genome": "g", "chrom": "1", "start": np.arange(500) * 300, "end": np.arange(500) * 300 + 300}
    )
    found = Relatives(np.arange(500), aligned, places_of(table), places_apart(table))
    assert len(found.asked["knn1_relatives"]) == 500 and found.asked["knn10_rare_relatives"].tolist() == list(
        range(400)
    )
    vectors = np.random.default_rng(1).normal(size=(500, 5))
    unit = (vectors - vectors.mean(0)) / vectors.std(0)
    unit /= np.linalg.norm(unit, axis=1, keepdims=True)
    near = [[j for j in np.argsort(-(unit @ unit[i])) if j != i][:10] for i in range(500)]
    hits = found.hits(vectors)
    assert hits["knn1_relatives"].tolist() == [bool(aligned[i, near[i][0]]) for i in range(500)]
    assert hits["knn10_rare_relatives"].tolist() == [bool(aligned[i, near[i]].any()) for i in range(400)]
    chance = found.chance()
    assert chance["chance_relatives"].value == pytest.approx((400 * 3 + 100 * 99) / 499 / 500)
    assert chance["chance_rare_relatives"].value == pytest.approx(1 - (1 - 3 / 499) ** 10)
    assert len(found.groups_of("knn10_rare_relatives")) == 400


def test_orthologs_and_neighbours_are_no_relatives(planted: ClusteredWindows) -> None:
    n = len(planted)
    table = pd.DataFrame(
        {
            "genome": np.repeat(["a", "b"], n),
            "chrom": "1",
            "start": np.tile(np.arange(n) * 300, 2),
            "end": np.tile(np.arange(n) * 300 + 300, 2),
        }
    ).assign(block=np.tile(np.arange(n), 2), label=-1)
    twice = ClusteredWindows(table, lambda rows: planted.sequences(rows % n))
    found = relatives(twice)
    row = np.arange(2 * n)
    assert found.aligned[row[:40], row[:40] + n].sum() == 0 and found.aligned[0].sum() > 60
    few = relatives(twice, sample=100, seed=1)
    assert len(few.rows) == 100 and (np.diff(few.rows) > 0).all()
    assert few.aligned.sum() == found.aligned[np.ix_(few.rows, few.rows)].sum()


def test_what_is_taken_out_is_asked_for_relatives_too(planted: ClusteredWindows) -> None:
    table = planted.table.assign(
        genome="g", chrom="1", start=np.arange(200) * 300, end=np.arange(200) * 300 + 300, block=np.arange(200)
    )
    windows = replace(planted, table=table)
    vectors = 6 * np.eye(3)[family_of(np.arange(200))] + np.random.default_rng(0).normal(size=(200, 3))
    homology = np.eye(3)[family_of(np.arange(200))][:, 1:]
    explanations = cheap_explanations(table, windows.sequences, homology=homology)
    rows = {
        row["without"]: row
        for row in explained_away(vectors, windows, explanations, kin=relatives(windows), resamples=20)
    }
    assert rows["nothing"]["knn1_relatives"]["value"] > 0.75 > 0.5 > rows["homology"]["knn1_relatives"]["value"]
    assert len(rows["composition"]["hits"]["knn1_relatives"]) == 75 == rows["composition"]["knn1_relatives"]["n"]
