import json

import numpy as np
import pandas as pd
import pytest

from dnabert.explain import ClusteredWindows
from dnabert.explain.meme import Motif
from dnabert.explain.motif_growth import grow, information
from dnabert.explain.motifs import as_motifs, cluster_motifs, consensus
from dnabert.explain.scan import best_sites

#: A planted motif: 14 columns, some of which allow a second base.
LETTERS = "TGACCGTTAAGCCT"
SOFT = {4: "G", 9: "T"}


def planted_matrix() -> np.ndarray:
    matrix = np.full((len(LETTERS), 4), 0.02)
    for i, letter in enumerate(LETTERS):
        matrix[i, "ACGT".index(letter)] += 0.92
        if i in SOFT:
            matrix[i] = 0.02
            matrix[i, ["ACGT".index(letter), "ACGT".index(SOFT[i])]] += 0.46
    return matrix


def random_bases(n: int, *, gc: float = 0.5, length: int = 150, seed: int = 0) -> np.ndarray:
    share = [(1 - gc) / 2, gc / 2, gc / 2, (1 - gc) / 2]
    return np.random.default_rng(seed).choice(np.frombuffer(b"ACGT", dtype=np.uint8), (n, length), p=share)


def plant(bases: np.ndarray, rows: range, *, middle: bool, seed: int = 0) -> None:
    """Draw sites from the matrix, every other one on the other strand."""
    rng = np.random.default_rng(seed)
    for row in rows:
        site = np.array([rng.choice(4, p=column) for column in planted_matrix()])
        site = site if row % 2 else 3 - site[::-1]
        at = int(rng.normal(68, 6)) if middle else int(rng.integers(0, bases.shape[1] - len(site)))
        bases[row, at : at + len(site)] = np.frombuffer(b"ACGT", dtype=np.uint8)[site]


def clustered(bases: np.ndarray, labels: np.ndarray) -> ClusteredWindows:
    return ClusteredWindows(pd.DataFrame({"label": labels}), lambda rows: bases[rows])


@pytest.fixture(scope="module")
def found() -> list[dict]:
    """Three clusters: the motif anywhere in four windows of five, nothing, the motif in the middle; and the rest."""
    bases = random_bases(600, seed=1)
    plant(bases, range(64), middle=False)
    plant(bases, range(160, 230), middle=True, seed=2)
    return cluster_motifs(clustered(bases, np.repeat([0, 1, 2, -1], [80, 80, 70, 370])), motifs=2)


def test_a_planted_motif_is_recovered(found: list[dict]) -> None:
    best = found[0]["motifs"][0]
    matrix, planted = np.array(best["matrix"]), planted_matrix()
    # the columns of the planted motif that were found, on the better strand
    shapes = []
    for form in (matrix, matrix[::-1, ::-1]):
        for shift in range(-6, 7):
            pairs = [(i, i + shift) for i in range(len(form)) if 0 <= i + shift < len(planted)]
            if len(pairs) >= 10:
                shapes.append(np.mean([np.abs(form[i] - planted[j]).sum() for i, j in pairs]))
    assert min(shapes) < 0.25
    assert 11 <= best["length"] <= 17 and best["n_growing_sites"] > 15
    for versus in ("versus_others", "versus_shuffled"):
        assert best[versus]["q"] < 1e-6 and best[versus]["low"] > 1
    assert 0.6 < best["versus_others"]["share"] <= 1
    assert 0.25 < best["forward_share"] < 0.75
    json.dumps(found, allow_nan=False)


def test_position_is_tested_against_uniform(found: list[dict]) -> None:
    anywhere, middle = (found[label]["motifs"][0]["position"] for label in (0, 2))
    assert sum(anywhere["histogram"]) == found[0]["motifs"][0]["n_windows"]
    assert anywhere["q"] > 0.05 and middle["q"] < 1e-3
    assert sum(middle["histogram"][3:6]) > 0.8 * sum(middle["histogram"])


def test_position_is_that_of_kolmogorov_and_smirnov_by_scipy() -> None:
    from scipy.stats import kstest

    from dnabert.explain.motifs import _Counted, _position

    starts = np.array([0, 3, 4, 9, 9, 20, 31])
    found = _position(_Counted(np.zeros((0, 3), np.int64), starts[:0], starts, 39, ()))
    # 40 places a motif can begin at, each in the middle of its own stretch
    reference = kstest(starts, "uniform", args=(-0.5, 40))
    assert (found["distance"], found["p"]) == pytest.approx((reference.statistic, reference.pvalue))
    assert found["histogram"] == [2, 1, 2, 0, 0, 1, 0, 1, 0, 0]
    few = _position(_Counted(np.zeros((0, 3), np.int64), starts[:0], starts[:4], 39, ()))
    assert few["p"] is None and sum(few["histogram"]) == 4


def test_a_cluster_without_a_motif_is_silent(found: list[dict]) -> None:
    assert all(each["versus_others"]["q"] > 0.05 for each in found[1]["motifs"])


def test_a_cluster_of_other_composition_has_no_motif_beyond_it() -> None:
    bases = np.concatenate([random_bases(100, gc=0.25, seed=3), random_bases(300, gc=0.5, seed=4)])
    (row,) = cluster_motifs(clustered(bases, np.repeat([0, -1], [100, 300])), motifs=2)
    assert all(each["versus_shuffled"]["q"] > 0.05 for each in row["motifs"])


def test_the_same_seed_gives_the_same(found: list[dict]) -> None:
    windows = clustered(random_bases(60, seed=5), np.repeat([0, -1], [20, 40]))
    assert cluster_motifs(windows, motifs=1, seed=4) == cluster_motifs(windows, motifs=1, seed=4)


def test_too_few_windows_have_no_motif() -> None:
    (row,) = cluster_motifs(clustered(random_bases(40, seed=6), np.repeat([0, -1], [4, 36])))
    assert row["motifs"] == [] and row["n_growing"] + row["n_held_out"] == 4


def test_motifs_for_a_file(found: list[dict]) -> None:
    motifs = as_motifs(found, alpha=0.05)
    assert motifs[0].name == "cluster_0_motif_1" and {each.name[:9] for each in motifs} == {"cluster_0", "cluster_2"}
    assert all(isinstance(each, Motif) and len(each.matrix) == len(each.alternate) for each in motifs)


def test_a_palindrome_has_no_strand() -> None:
    bases = random_bases(120, seed=7)
    bases[:60, 30:42] = np.frombuffer(b"TGACGTACGTCA", dtype=np.uint8)
    (row,) = cluster_motifs(clustered(bases, np.repeat([0, -1], [60, 60])), motifs=1)
    (motif,) = row["motifs"]
    assert motif["letters"] == "TGACGTACGTCA" and motif["forward_share"] is None
    assert motif["n_windows"] == row["n_held_out"]


def test_the_interval_of_the_strand_draws_places() -> None:
    """Windows side by side, and the sites of each, are of one copy: of 24 places, 12 of them held out, nine sites each
    are on one strand."""
    bases = random_bases(372, seed=8)
    site = np.frombuffer(LETTERS.encode(), dtype=np.uint8)
    other = np.frombuffer(LETTERS.translate(str.maketrans("ACGT", "TGCA"))[::-1].encode(), dtype=np.uint8)
    for row in range(72):
        for at in (10, 60, 110):
            bases[row, at : at + len(site)] = site if row // 3 % 2 else other
    start = np.arange(372) // 3 * 10_000 + np.arange(372) % 3 * 150
    table = pd.DataFrame({"label": np.repeat([0, -1], [72, 300]), "genome": "a", "chrom": "1", "start": start})
    windows = ClusteredWindows(table.assign(end=start + 150), lambda rows: bases[rows])
    motif = cluster_motifs(windows, motifs=1)[0]["motifs"][0]
    assert motif["n_sites"] == 9 * 12
    spread = 2 * 1.96 * (motif["forward_share"] * (1 - motif["forward_share"]) / 12) ** 0.5  # as of 12 places
    assert motif["forward_high"] - motif["forward_low"] == pytest.approx(spread, rel=0.2)


def test_a_word_grows_to_both_sides() -> None:
    code = np.random.default_rng(0).integers(0, 4, (60, 80)).astype(np.uint8)
    inside, outside = code[:30], code[30:]
    site = np.array(["ACGT".index(letter) for letter in LETTERS])
    inside[:, 20:34] = site
    grown = grow(site[3:11], inside=inside, backgrounds=(outside,))
    assert grown is not None and consensus(grown.matrix) == LETTERS and grown.n_sites == 30
    sites = best_sites(inside, grown.weights)
    assert (sites.score >= grown.threshold).all() and (sites.start == 20).all() and not sites.reverse.any()
    shorter = grow(site[3:11], inside=inside, backgrounds=(outside,), longest=10)
    assert shorter is not None and len(shorter.matrix) == 10
    assert grow(site[3:11], inside=outside[:2], backgrounds=(outside,)) is None


def test_windows_shorter_than_the_longest_motif_are_grown_in() -> None:
    rng = np.random.default_rng(0)
    code = rng.integers(0, 4, (80, 18)).astype(np.uint8)
    site, flank = rng.integers(0, 4, 8), rng.integers(0, 4, 10)
    code[:20], code[20:40] = np.concatenate([site, flank]), np.concatenate([flank, site])
    grown = grow(site, inside=code[:40], backgrounds=(code[40:],))
    assert grown is not None and len(grown.matrix) <= 18


def test_information_of_few_sites_is_less() -> None:
    column = np.array([[0.5, 0.5, 0, 0]])
    assert information(column).tolist() == [1.0]
    assert information(column, n_sites=4).item() == pytest.approx(1 - 3 / (2 * np.log(2) * 4))


def along(bases: np.ndarray, labels: np.ndarray) -> ClusteredWindows:
    start = np.arange(len(bases)) * 1_000
    table = pd.DataFrame({"label": labels, "genome": "g", "chrom": "c", "start": start, "end": start + bases.shape[1]})
    return ClusteredWindows(table, lambda rows: bases[rows])


def test_labels_at_random_have_no_motif_of_a_tandem_array() -> None:
    # with neighbours in both halves, each window counted, all of these ten genomes have one
    rng, marked = np.random.default_rng(0), 0
    for _ in range(10):
        bases, labels = rng.choice(np.frombuffer(b"ACGT", dtype=np.uint8), (1_500, 100)), np.full(1_500, -1)
        for at in rng.integers(0, 1_492, 40):
            labels[at : at + 8] = rng.integers(3)
        for at in rng.integers(0, 1_492, 30):
            bases[at : at + 8] = np.tile(rng.choice(bases[0], 33), 4)[:100]
        marked += len(as_motifs(cluster_motifs(along(bases, labels), motifs=2), alpha=0.05)) > 0
    assert marked <= 1


def test_a_motif_of_one_place_is_hardly_any_evidence() -> None:
    bases, labels = random_bases(800, length=80, seed=11), np.repeat([-1, 0, -1], [100, 60, 640])
    bases[100:160] = np.tile(random_bases(1, length=27, seed=12)[0], 3)[:80]
    (row,) = cluster_motifs(along(bases, labels), motifs=1)
    assert (
        row["motifs"]
        and row["motifs"][0]["versus_others"]["share"] == 1
        and row["motifs"][0]["versus_others"]["q"] > 1e-3
    )
    scattered = np.random.default_rng(13).permutation(800)
    (row,) = cluster_motifs(along(bases[scattered], labels[scattered]), motifs=1)
    assert row["motifs"][0]["versus_others"]["q"] < 1e-12 and row["motifs"][0]["versus_shuffled"]["q"] < 1e-12
