import numpy as np
import pytest

from dnabert.clusters.symmetry import symmetry
from dnabert.corpus import Corpus
from dnabert.encoders import load_encoder


class FirstBases:
    """A vector of the first three bases: blind to the rest, and to nothing that moves them."""

    name, dimension, minimum_length = "first bases", 3, 3

    def encode(self, bases: np.ndarray) -> np.ndarray:
        return np.asarray(bases)[:, :3].astype(np.float32)


def cosine(report: list[dict], change: str, amount: float) -> float:
    return next(row["cosine"]["value"] for row in report if (row["change"], row["amount"]) == (change, amount))


def test_collapsed_counts_are_blind_to_the_strand_and_nearly_to_shifts(tiny_corpus: Corpus) -> None:
    report = symmetry(load_encoder("kmer:3"), tiny_corpus.view(None), n=60, most_shift=3, resamples=20)
    assert [(row["change"], row["amount"]) for row in report[:7]] == [
        ("strand", 1), ("shift", -1), ("shift", 1), ("shift", -2), ("shift", 2), ("shift", -3), ("shift", 3),
    ]  # fmt: skip
    assert cosine(report, "strand", 1) == pytest.approx(1, abs=1e-5)
    assert 0.9 < cosine(report, "shift", 3) < cosine(report, "shift", 1) < 1
    assert cosine(report, "mutated", 0.1) < cosine(report, "mutated", 0.01) < 1
    assert cosine(report, "unknown", 0.05) < cosine(report, "unknown", 0.01) < 1
    assert all(row["found_first"]["value"] <= 1 and row["cosine"]["n"] == 60 for row in report)


def test_a_reader_of_fixed_places_is_not(tiny_corpus: Corpus) -> None:
    report = symmetry(FirstBases(), tiny_corpus.view(None), n=200, most_shift=2, resamples=20)
    assert cosine(report, "shift", 2) < 0.7 and cosine(report, "strand", 1) < 0.7


def test_without_windows_that_have_room_there_is_no_report(tiny_corpus: Corpus) -> None:
    assert symmetry(load_encoder("kmer:3"), tiny_corpus.view(None), most_shift=60_001) == []


def test_intervals_draw_whole_places(tiny_corpus: Corpus, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dnabert.clusters.symmetry.places_of_view", lambda view: np.zeros(len(view), dtype=np.int64))
    for row in symmetry(load_encoder("kmer:3"), tiny_corpus.view(None), n=60, most_shift=1, resamples=20):
        assert (row["cosine"]["low"], row["cosine"]["high"]) == (-1.0, 1.0)  # of one place nothing is known
