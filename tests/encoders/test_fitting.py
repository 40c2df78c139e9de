"""What encoders are fitted on is bounded in sequences and in bases."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dnabert.encoders import EmbedConfig, embed, fitting, load_encoder
from dnabert.encoders.fitting import longest_read, sequences_to_fit, shortened
from dnabert.encoders.source import open_source
from dnabert.encoders.whitening import fit_whitening


@given(st.lists(st.integers(1, 1000), min_size=1, max_size=20), st.integers(20, 5000))
def test_sequences_are_cut_no_more_than_they_must(lengths: list[int], most: int) -> None:
    longest = longest_read(np.array(lengths), most=most)
    assert sum(min(length, longest) for length in lengths) <= most
    assert longest == max(lengths) or sum(min(length, longest + 1) for length in lengths) > most


def test_a_long_sequence_is_reduced_to_stretches_of_all_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fitting, "_PIECE", 10)
    long, short = np.arange(200, dtype=np.uint8), np.arange(30, dtype=np.uint8)
    just = np.arange(35, dtype=np.uint8)
    reduced, whole, fitting_in = shortened([long, short, just], longest=35)
    assert whole is short and fitting_in is just
    assert reduced.reshape(4, 8)[:, 0].tolist() == [0, 64, 128, 192] and len(set(reduced.tolist())) == 32


def test_of_many_sequences_stretches_from_the_first_to_the_last_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = np.frombuffer(b"ACGT", dtype=np.uint8)[np.random.default_rng(0).integers(0, 4, (101, 40))]
    (tmp_path / "a.fa").write_text("".join(f">{i}\n{each.tobytes().decode()}\n" for i, each in enumerate(records)))
    monkeypatch.setattr(fitting, "FIT_SEQUENCES", 30)
    monkeypatch.setattr(fitting, "_STRETCH", 10)
    with open_source(tmp_path / "a.fa", config=EmbedConfig()) as source:
        bases, whole = sequences_to_fit(source, EmbedConfig())
    rows = [*range(10), *range(45, 55), *range(91, 101)]
    assert not whole and np.array_equal(np.concatenate(bases), records[rows])


def test_a_few_long_records_are_not_held_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    letters, rng = np.frombuffer(b"ACGT", dtype=np.uint8), np.random.default_rng(0)
    records = [
        letters[rng.choice(4, length, p=p)]
        for length, p in ((9_000, [0.4, 0.1, 0.1, 0.4]), (700, [0.25] * 4), (8_000, [0.1, 0.4, 0.4, 0.1]))
    ]
    (tmp_path / "a.fa").write_text("".join(f">{i}\n{bases.tobytes().decode()}\n" for i, bases in enumerate(records)))
    config = EmbedConfig(whiten=0.5)
    with open_source(tmp_path / "a.fa", config=config) as source:
        bases, whole = sequences_to_fit(source, config)
        assert whole and [len(sequence) for each in bases for sequence in each] == [9_000, 700, 8_000]
        monkeypatch.setattr(fitting, "FIT_BASES", 4_700)
        bases, whole = sequences_to_fit(source, config)
    sequences = [sequence for each in bases for sequence in each]
    assert not whole and [len(sequence) for sequence in sequences] == [2_000, 700, 2_000]
    made = embed("kmer:2", tmp_path / "a.fa", out=tmp_path / "e", config=config)
    counts = load_encoder("kmer:2")
    np.testing.assert_allclose(
        made.vectors, fit_whitening(counts.encode(sequences), power=0.5)(counts.encode(records)), atol=1e-4
    )
