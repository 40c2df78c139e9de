import numpy as np

from dnabert.explain.scan import all_sites, best_sites

CODE = np.random.default_rng(0).integers(0, 4, (6, 40)).astype(np.uint8)


def by_hand(row: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Scores (places, 2) one by one."""
    width = len(weights)
    scores = np.zeros((len(row) - width + 1, 2))
    for start in range(len(scores)):
        site = row[start : start + width]
        scores[start, 0] = sum(weights[i, base] for i, base in enumerate(site))
        scores[start, 1] = sum(weights[i, 3 - base] for i, base in enumerate(site[::-1]))
    return scores


def test_best_sites_are_those_of_a_loop() -> None:
    for width in (1, 3, 4, 7, 12, 40):
        weights = np.random.default_rng(width).normal(size=(width, 4))
        sites = best_sites(CODE, weights)
        for row, score, start, reverse in zip(CODE, sites.score, sites.start, sites.reverse, strict=True):
            scores = by_hand(row, weights)
            assert abs(score - scores.max()) < 1e-4
            assert abs(scores[start, int(reverse)] - scores.max()) < 1e-4


def test_no_site_on_an_unknown_letter() -> None:
    code = np.full((2, 12), 4, dtype=np.uint8)
    code[0, 5:8] = [0, 1, 2]
    weights = np.eye(4)[[0, 1, 2]]
    sites = best_sites(code, weights)
    assert (sites.score[0], sites.start[0]) == (3, 5) and sites.score[1] < -1000
    assert all_sites(code, weights, threshold=1).tolist() == [[0, 5, 0]]


def test_all_sites_do_not_overlap_and_the_better_stays() -> None:
    code = np.array([[0, 0, 0, 0, 0, 2, 0]], dtype=np.uint8)
    weights = np.array([[1.0, 0, 0, 0], [1.0, 0, 1.5, 0]])  # A, then A or rather G
    assert all_sites(code, weights, threshold=1.9).tolist() == [[0, 0, 0], [0, 2, 0], [0, 4, 0]]


def test_no_windows_no_sites() -> None:
    none = CODE[:0]
    assert len(best_sites(none, np.eye(4)).score) == 0
    assert all_sites(none, np.eye(4), threshold=1).shape == (0, 3)
