import numpy as np
import pandas as pd
from sklearn.metrics import adjusted_mutual_info_score

from dnabert.explain.label_null import informations, shuffled_rows


def table(n: int, *, chroms: int = 2) -> pd.DataFrame:
    start = np.tile(np.arange(n // chroms) * 448, chroms)
    names = np.repeat([f"chr{i}" for i in range(chroms)], n // chroms)
    return pd.DataFrame({"genome": "a", "chrom": names, "start": start}).sample(
        frac=1, random_state=0, ignore_index=True
    )


def test_chromosomes_are_turned_together() -> None:
    windows = table(120)
    rows = next(shuffled_rows(windows, within_places=False, rng=np.random.default_rng(0)))
    assert sorted(rows.tolist()) == list(range(120))
    assert (windows.loc[rows, "chrom"].to_numpy() == windows["chrom"].to_numpy()).all()
    moved = (windows.loc[rows, "start"].to_numpy() - windows["start"].to_numpy()) // 448 % 60
    assert len(set(moved.tolist())) == 1 and moved[0] != 0


def test_contigs_are_turned_as_one() -> None:
    windows = pd.concat(
        [table(200, chroms=2), table(60, chroms=60).assign(chrom=lambda x: "c" + x["chrom"])], ignore_index=True
    )
    contig = windows["chrom"].str.startswith("c").to_numpy()
    for seed in range(20):
        rows = next(shuffled_rows(windows, within_places=False, rng=np.random.default_rng(seed)))
        assert sorted(rows.tolist()) == list(range(260)) and (rows != np.arange(260)).all()
        assert (contig[rows] == contig).all() and (
            windows.loc[rows[~contig], "chrom"].to_numpy() == windows.loc[~contig, "chrom"].to_numpy()
        ).all()


def test_orthologous_windows_stay_together_when_they_are_turned() -> None:
    """One genome lacks every fifth block, and begins elsewhere: what a window takes comes from the same place in
    both."""
    block = np.repeat(np.arange(100), 3)
    whole = pd.DataFrame({"genome": "a", "chrom": "1", "start": np.arange(300) * 448, "block": block})
    part = whole[block % 5 != 4].assign(genome="b", start=lambda x: x["start"] + 77_777)
    both = pd.concat([whole, part], ignore_index=True).sample(frac=1, random_state=1, ignore_index=True)
    for seed in range(10):
        taken = both.loc[next(shuffled_rows(both, within_places=False, rng=np.random.default_rng(seed)))].reset_index(
            drop=True
        )
        assert (taken["genome"] == both["genome"]).all()
        place, own = both["start"] - 77_777 * (both["genome"] == "b"), both["genome"] == "b"
        of = dict(zip(place[~own], taken["block"][~own], strict=True))
        same = [
            of[where] == block
            for where, block in zip(place[own], taken["block"][own], strict=True)
            if of[where] % 5 != 4
        ]
        assert len(same) > 150 and all(same)


def test_species_change_places_within_a_block_and_blocks_without() -> None:
    both = pd.DataFrame({"genome": list("abababab"), "chrom": "1", "start": 0, "block": [0, 0, 1, 1, 2, 2, 3, 3]})
    rows = next(shuffled_rows(both, within_places=True, rng=np.random.default_rng(0)))
    assert (both.loc[rows, "block"].to_numpy() == both["block"].to_numpy()).all() and sorted(rows.tolist()) == list(
        range(8)
    )
    apart = pd.DataFrame({"genome": list("aabbaabb"), "chrom": "1", "start": 0, "block": [0, 0, 1, 1, 2, 2, 3, 3]})
    rows = next(shuffled_rows(apart, within_places=True, rng=np.random.default_rng(1)))
    moved = apart.loc[rows, "genome"].to_numpy()
    assert (moved[::2] == moved[1::2]).all() and sorted(moved.tolist()) == sorted("aabbaabb")


def test_without_coordinates_windows_are_permuted() -> None:
    rows = next(shuffled_rows(pd.DataFrame({"name": range(50)}), within_places=False, rng=np.random.default_rng(0)))
    assert sorted(rows.tolist()) == list(range(50)) and (np.diff(rows) != 1).any()


def test_information_is_that_of_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    labels, codes = rng.integers(-1, 4, 300), rng.integers(0, 3, 300)
    codes[labels == 2] = 1
    rows = rng.permutation(300)
    observed, null = informations(labels, codes, [rows])
    assert np.isclose(observed, adjusted_mutual_info_score(labels, codes))
    assert np.isclose(null[0], adjusted_mutual_info_score(labels, codes[rows]))
