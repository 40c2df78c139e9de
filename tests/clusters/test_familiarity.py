from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dnabert.alphabet import reverse_complement
from dnabert.clusters.familiarity import (
    Familiarity,
    bits_per_base,
    corpus_sequences,
    fit_familiarity,
    load_familiarity,
)
from dnabert.encoders import EmbedConfig, embed, load_embeddings


def at_rich(n: int, *, length: int = 200, gc: float = 0.3, seed: int = 0) -> list[np.ndarray]:
    share = [(1 - gc) / 2, gc / 2, gc / 2, (1 - gc) / 2]
    return list(np.random.default_rng(seed).choice(np.frombuffer(b"ACGT", np.uint8), (n, length), p=share))


@pytest.fixture(scope="module")
def fitted() -> Familiarity:
    return fit_familiarity(at_rich(1000))


def ascii_bases(text: str) -> np.ndarray:
    return np.frombuffer(text.encode(), np.uint8)


def test_bits_by_hand() -> None:
    bits = np.array([1.0, 3.0, 3.0, 1.0], np.float32)
    sequences = [ascii_bases(text) for text in ("AAAA", "ACGT", "acNN", "NN", "")]
    assert bits_per_base(sequences, bits=bits, order=0).tolist() == pytest.approx(
        [1, 2, 2, np.nan, np.nan], nan_ok=True
    )
    # order 1: AC costs 5 and its reverse complement GT 7, every other pair 0; one pair in three, on each strand
    bits = np.zeros(16, np.float32)
    bits[[1, 11]] = 5, 7
    assert bits_per_base([ascii_bases("AACC")], bits=bits, order=1).tolist() == pytest.approx([(5 / 3 + 7 / 3) / 2])


def test_what_is_read_at_once_does_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    sequences = [*at_rich(3), at_rich(1, length=5_000, seed=7)[0], ascii_bases(""), ascii_bases("ACG")]
    bits = np.random.default_rng(0).random(4**4).astype(np.float32)
    whole = bits_per_base(sequences, bits=bits, order=3)
    for size in (1, 7, 448, 1_000):
        monkeypatch.setattr("dnabert.clusters.familiarity._AT_ONCE", size)
        np.testing.assert_allclose(bits_per_base(sequences, bits=bits, order=3), whole, rtol=1e-6)


def test_other_composition_is_told_and_its_own_is_not(fitted: Familiarity) -> None:
    same = fitted.reasons(at_rich(500, seed=1))
    assert sum(map(bool, same)) <= 15  # 1 % of 500 and three standard deviations
    assert fitted.reasons(at_rich(50, gc=0.7, seed=2)) == [["composition"]] * 50
    assert sum(map(bool, fitted.reasons(at_rich(200, length=110, seed=3)))) <= 12


def test_letters_and_lengths_are_told(fitted: Familiarity) -> None:
    unknown = at_rich(1, seed=4)[0].copy()
    unknown[:30] = ord("N")
    short, long = at_rich(1, length=60, seed=5)[0], at_rich(1, length=500, seed=6)[0]
    assert fitted.reasons([unknown, short, long]) == [["unknown bases"], ["length"], ["length"]]


@given(st.lists(st.text("ACGTN", max_size=60), min_size=1, max_size=4))
def test_both_strands_cost_the_same(sequences: list[str]) -> None:
    bits = np.random.default_rng(0).random(4**3).astype(np.float32)
    forward = [ascii_bases(text) for text in sequences]
    costs = [bits_per_base(x, bits=bits, order=2) for x in (forward, [reverse_complement(b) for b in forward])]
    np.testing.assert_allclose(*costs)


def test_round_trip(fitted: Familiarity, tmp_path: Path) -> None:
    assert load_familiarity(tmp_path) is None
    fitted.save(tmp_path)
    again = load_familiarity(tmp_path)
    assert again is not None
    np.testing.assert_array_equal(again.bits, fitted.bits)
    assert (again.order, again.middle, again.usual) == (fitted.order, fitted.middle, fitted.usual)


def test_the_corpus_is_read_once_more_unless_it_has_changed(tmp_path: Path) -> None:
    path = tmp_path / "a.fa"
    path.write_text("".join(f">r{i}\n{'ACGT' * 10}\n" for i in range(9)))
    embed("kmer:2", path, out=tmp_path / "e", config=EmbedConfig(strand="random"))
    manifest = load_embeddings(tmp_path / "e").manifest
    assert [s.tobytes() for s in corpus_sequences(manifest)] == [b"ACGT" * 10] * 9
    assert len(corpus_sequences(manifest, sample=4)) == 4
    path.write_text(">r\nACGT\n")
    assert corpus_sequences(manifest) == []
    path.unlink()
    assert corpus_sequences(manifest) == []


@pytest.mark.parametrize("n", [6, 20, 60])
def test_of_a_small_corpus_hardly_a_further_sequence_is_unlike(n: int) -> None:
    rng, wrong, foreign = np.random.default_rng(0), [], []

    def drawn(gc: float) -> np.ndarray:
        return rng.choice(np.frombuffer(b"ACGT", dtype=np.uint8), 300, p=[(1 - gc) / 2, gc / 2, gc / 2, (1 - gc) / 2])

    for _ in range(20):
        fitted = fit_familiarity([drawn(rng.normal(0.3, 0.04)) for _ in range(n)])
        wrong += ["composition" in each for each in fitted.reasons([drawn(rng.normal(0.3, 0.04)) for _ in range(50)])]
        foreign += ["composition" in each for each in fitted.reasons([drawn(0.85) for _ in range(5)])]
    assert np.mean(wrong) <= 0.04 and np.mean(foreign) >= (0.9 if n > 6 else 0.3)
