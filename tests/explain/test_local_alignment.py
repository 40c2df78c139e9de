import numpy as np
import pytest
from Bio.Align import PairwiseAligner
from hypothesis import given, settings
from hypothesis import strategies as st

from dnabert.explain.local_alignment import local_alignments, local_scores

BIOPYTHON = PairwiseAligner(mode="local", match_score=1, mismatch_score=-1, gap_score=-2)
DNA = st.text("ACGT", min_size=1, max_size=40)


def ascii_row(text: str) -> np.ndarray:
    return np.frombuffer(text.encode(), dtype=np.uint8)


@settings(max_examples=60)
@given(
    st.integers(1, 40).flatmap(lambda n: st.lists(st.text("ACGT", min_size=n, max_size=n), min_size=1, max_size=4)), DNA
)
def test_scores_equal_biopythons_and_alignments_have_them(queries: list[str], target: str) -> None:
    rows = np.stack([ascii_row(text) for text in queries])
    scores, opposite = local_alignments(rows, ascii_row(target))
    assert scores.tolist() == local_scores(rows, ascii_row(target)).tolist()
    assert scores.tolist() == [BIOPYTHON.score(target, query) for query in queries]
    assert [score_of(query, target, row) for query, row in zip(queries, opposite, strict=True)] == scores.tolist()


def score_of(query: str, target: str, opposite: np.ndarray) -> int:
    place = np.flatnonzero(opposite >= 0)
    if not len(place):
        return 0
    there = opposite[place]
    assert (np.diff(there) > 0).all()
    gaps = (np.diff(place) - 1).sum() + (np.diff(there) - 1).sum()
    return sum(1 if query[i] == target[j] else -1 for i, j in zip(place, there, strict=True)) - 2 * int(gaps)


def test_long_relatives_equal_biopythons_too() -> None:
    rng = np.random.default_rng(0)
    target = ascii_row("".join(rng.choice(list("ACGT"), 300)))
    rows = np.frombuffer(b"ACGT", dtype=np.uint8)[rng.integers(0, 4, (70, 448))]
    rows[:, 100:400] = np.where(rng.random((70, 300)) < 0.3, rows[:, 100:400], target)
    scores, opposite = local_alignments(rows, target)
    for i in (0, 64, 69):  # of both batches
        assert scores[i] == BIOPYTHON.score(target.tobytes().decode(), rows[i].tobytes().decode())
        assert (opposite[i, 150:350] == np.arange(50, 250)).mean() > 0.9


def test_case_does_not_count_and_unknown_bases_match_nothing() -> None:
    assert local_scores(ascii_row("acgt")[None], ascii_row("ACGT")).tolist() == [4]
    assert local_scores(ascii_row("NNNN")[None], ascii_row("NNNN")).tolist() == [0]
    assert local_alignments(ascii_row("NNNN")[None], ascii_row("NNNN"))[1].tolist() == [[-1] * 4]


@pytest.mark.parametrize("shape", [(0, 5), (3, 0)])
def test_nothing_aligns_with_nothing(shape: tuple[int, int]) -> None:
    scores, opposite = local_alignments(np.zeros(shape, dtype=np.uint8), ascii_row("ACGT"))
    assert scores.tolist() == [0] * shape[0] and opposite.shape == shape
    assert local_scores(np.zeros(shape, dtype=np.uint8), ascii_row("ACGT")).tolist() == [0] * shape[0]
