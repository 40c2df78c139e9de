"""A piece of the encoder's vocabulary, planted in the frame and on the strand that it reads, is found; the same letters
elsewhere are not."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from transformers import BertTokenizerFast

from dnabert.alphabet import reverse_complement
from dnabert.encoders.off_the_shelf import WordPieces
from dnabert.explain import ClusteredWindows
from dnabert.explain.word_pieces import word_piece_enrichment

_N, _LENGTH, _MEMBERS = 1_200, 140, 50


@pytest.fixture(scope="module")
def pieces(tmp_path_factory: pytest.TempPathFactory) -> WordPieces:
    folder = tmp_path_factory.mktemp("tokenizer")
    letters = ["a", "c", "g", "t", "n"]
    words = [
        "[PAD]",
        "[UNK]",
        "[CLS]",
        "[SEP]",
        "[MASK]",
        *letters,
        *(f"##{each}" for each in letters),
        "tag",
        "gag",
        "tat",
        "##at",
    ]
    BertTokenizerFast(vocab={word: i for i, word in enumerate(words)}).save_pretrained(folder)
    return WordPieces(str(folder), word_length=7)


def windows_of(pieces: WordPieces, *, offset: int, at_rich: bool = False) -> ClusteredWindows:
    """Random windows; in those of cluster 0 TAG stands `offset` bases behind a word's start, on the strand that was
    read; cluster 1 is as all others."""
    rng = np.random.default_rng(5 if at_rich else 1)
    bases = rng.choice(np.frombuffer(b"ACGT", np.uint8), (_N, _LENGTH))
    label = np.full(_N, -1)
    own, other = np.split(rng.permutation(_N)[: 2 * _MEMBERS], 2)
    label[own], label[other] = 0, 1
    if at_rich:
        bases[own] = rng.choice(np.frombuffer(b"ACGT", np.uint8), (_MEMBERS, _LENGTH), p=[0.4, 0.1, 0.1, 0.4])
    else:
        start = 7 * rng.integers(0, _LENGTH // 7 - 1, _MEMBERS) + offset
        for row, at in zip(own, start, strict=True):
            bases[row, at : at + 3] = np.frombuffer(b"TAG", np.uint8)
    strand = rng.choice(["+", "-"], _N)
    forward = np.where((strand == "-")[:, None], reverse_complement(bases), bases)
    start = np.arange(_N) * 20_000
    table = pd.DataFrame(
        {
            "label": label,
            "genome": "a",
            "chrom": "1",
            "start": start,
            "end": start + _LENGTH,
            "block": -1,
            "strand": strand,
        }
    )
    return ClusteredWindows(table, sequences=lambda rows: forward[rows], pieces=pieces)


def test_pieces_are_those_of_the_tokenizer(pieces: WordPieces) -> None:
    held = pieces.held(np.frombuffer(b"TAGATCCgagtttaATAGCCCTTTTTTTAA", np.uint8)[:28].reshape(2, 14)).toarray()
    assert [{pieces.names[i] for i in np.flatnonzero(row)} for row in held] == [
        {"tag", "##at", "##c", "gag", "##t", "##a"},  # tag ##at ##c ##c, gag ##t ##t ##t ##a
        {"a", "##t", "##a", "##g", "##c", "t"},  # a ##t ##a ##g …, t ##t …
    ]


def test_a_piece_in_the_frame_that_is_read_is_found(pieces: WordPieces) -> None:
    rows = word_piece_enrichment(windows_of(pieces, offset=0))
    tag = next(row for row in rows if (row["label"], row["term"]) == (0, "tag"))
    assert tag["share"] == 1 and tag["share_rest"] < 0.4 and tag["q"] < 0.001
    assert tag["share_shuffled"] < 0.4 and tag["q_shuffled"] < 1e-6
    assert all(row["q"] > 0.05 and row["share_shuffled"] is None for row in rows if row["label"] == 1)


def test_the_same_letters_out_of_frame_are_none(pieces: WordPieces) -> None:
    rows = word_piece_enrichment(windows_of(pieces, offset=2))
    tag = next(row for row in rows if (row["label"], row["term"]) == (0, "tag"))
    assert tag["share"] < 0.5 and tag["q"] > 0.05


def test_what_composition_gives_is_no_more_than_in_the_windows_shuffled(pieces: WordPieces) -> None:
    rows = [row for row in word_piece_enrichment(windows_of(pieces, offset=0, at_rich=True)) if row["label"] == 0]
    at = next(row for row in rows if row["term"] == "tat")
    assert at["q"] < 0.05 and at["share"] > at["share_rest"] and at["q_shuffled"] > 0.05


def test_other_encoders_have_no_pieces(pieces: WordPieces) -> None:
    assert word_piece_enrichment(replace(windows_of(pieces, offset=0), pieces=None)) == []


def test_a_model_that_is_not_the_one_that_made_the_vectors_gives_none(tmp_path: Path) -> None:
    from dnabert.encoders.recorded import recorded_pieces

    config = {
        "encoder": "bert",
        "parts": ["bert"],
        "name": "off-the-shelf another",
        "word_length": 7,
        "phases": 1,
        "both_strands": False,
    }
    assert recorded_pieces({"config": config}) is None
    assert recorded_pieces({"config": config | {"encoder": "kmer:4", "parts": ["kmer:4"]}}) is None
    assert (
        recorded_pieces(
            {
                "config": config
                | {"encoder": f"bert:{tmp_path}", "parts": [f"bert:{tmp_path}"], "name": f"off-the-shelf {tmp_path}"}
            }
        )
        is None
    )
