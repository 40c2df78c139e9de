"""Words of k bases: both paths, the rules, saving and loading, and the way back to bases."""

from __future__ import annotations

import itertools
import pickle
import subprocess
import sys
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from transformers import AutoTokenizer, BertConfig, ModernBertConfig

from dnabert.errors import UserError
from dnabert.tokenizer import LARGEST_K, SPECIAL_TOKENS, KmerTokenizer, load_tokenizer

cached = lru_cache(KmerTokenizer)

# one pair at a time, k up to 5: the larger vocabularies have tests of their own
words = st.integers(1, 5).flatmap(lambda k: st.tuples(st.just(k), st.integers(1, k)))
dna = st.text(st.sampled_from("ACGTacgt")).map(str.encode)
anything = st.one_of(dna, st.text(st.sampled_from("ACGTUacgtuNnRYKM-\n ")).map(str.encode), st.binary())


def array(text: bytes) -> np.ndarray:
    return np.frombuffer(text, dtype=np.uint8)


def brute_force(text: bytes, k: int, stride: int) -> list[int]:
    """Independent of the library: look every word up in a dictionary."""
    numbers = {"".join(word): 5 + i for i, word in enumerate(itertools.product("ACGT", repeat=k))}
    letters = "".join(chr(byte).upper() if byte < 128 else "?" for byte in text).replace("U", "T")
    return [2, *(numbers.get(letters[i : i + k], 1) for i in range(0, len(letters) - k + 1, stride)), 3]


def spells_a_special_token(text: bytes) -> bool:
    return any(token.encode() in text for token in SPECIAL_TOKENS)


@given(words, anything)
def test_both_paths_are_the_brute_force(word: tuple[int, int], text: bytes) -> None:
    assume(not spells_a_special_token(text))
    tokenizer, expected = cached(*word), brute_force(text, *word)
    assert tokenizer.encode_bases(array(text)).tolist() == expected
    assert tokenizer(text.decode("latin-1"))["input_ids"] == expected
    assert tokenizer.encode_bases(array(text), special_tokens=False).tolist() == expected[1:-1]
    assert tokenizer.number_of_words(len(text)) == len(expected) - 2


@pytest.mark.parametrize(("k", "stride"), [(6, 6), (7, 7), (8, 8), (6, 1), (8, 3)])
def test_both_paths_agree_for_large_words(k: int, stride: int) -> None:
    letters = array(b"ACGTacgtACGTacgtACGTacgtN")
    bases = letters[np.random.default_rng(0).integers(0, len(letters), (500, 448))]
    tokenizer = KmerTokenizer(k, stride)
    ids = tokenizer.encode_bases(bases)
    assert ids.dtype == np.int32 and ids.shape == (500, tokenizer.number_of_words(448) + 2)
    assert ids.tolist() == tokenizer([row.tobytes().decode() for row in bases])["input_ids"]
    assert ids[0].tolist() == brute_force(bases[0].tobytes(), k, stride)


@pytest.mark.parametrize("k", range(1, LARGEST_K + 1))
def test_the_extremes_of_every_k(k: int) -> None:
    tokenizer = KmerTokenizer(k)
    assert tokenizer.vocab_size == len(tokenizer) == 4**k + 5
    one_word = {b"A" * k: 5, b"T" * k: 4**k + 4, b"N" * k: 1, b"N" + b"A" * (k - 1): 1, b"T" * (k - 1) + b"N": 1}
    for text, expected in one_word.items():
        assert tokenizer.encode_bases(array(text), special_tokens=False).tolist() == [expected]


def test_the_ids_do_not_depend_on_the_batch() -> None:
    tokenizer = KmerTokenizer(3)
    bases = array(b"ACGTN")[np.random.default_rng(1).integers(0, 5, (2000, 100))]
    one_by_one = np.stack([tokenizer.encode_bases(row) for row in bases])
    assert np.array_equal(tokenizer.encode_bases(bases), one_by_one)
    assert np.array_equal(tokenizer.encode_bases(bases[::2, ::-1]), tokenizer.encode_bases(bases[::2, ::-1].copy()))


def test_no_windows_and_short_windows() -> None:
    tokenizer = KmerTokenizer(7)
    assert tokenizer.encode_bases(np.empty((0, 448), np.uint8)).shape == (0, 66)
    assert tokenizer.encode_bases(array(b"ACGTAC")).tolist() == [2, 3]
    assert tokenizer.encode_bases(np.empty((2, 0), np.uint8), special_tokens=False).shape == (2, 0)


@pytest.mark.parametrize(
    "wrong", [np.zeros(7, np.int64), np.zeros((1, 1, 7), np.uint8), np.array(0, np.uint8), "ACGTACG"]
)
def test_bases_of_another_kind_are_refused(wrong: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"allowed is uint8 \(L,\) or \(n, L\)"):
        KmerTokenizer(7).encode_bases(wrong)


@pytest.mark.parametrize(
    ("k", "stride", "message"), [(0, None, "k is 0"), (9, None, "k is 9"), (3, 4, "stride is 4"), (3, 0, "stride is 0")]
)
def test_k_and_stride_out_of_range(k: int, stride: int | None, message: str) -> None:
    with pytest.raises(UserError, match=message):
        KmerTokenizer(k, stride)


def test_words_of_seven_side_by_side_by_default() -> None:
    assert (KmerTokenizer().k, KmerTokenizer().stride) == (7, 7)


def test_k_and_stride_of_numpy_can_be_saved(tmp_path: Path) -> None:
    """As a loop over ``np.arange`` or a column of a table gives them; they ended in *int64 is not JSON
    serializable*."""
    KmerTokenizer(np.int64(4), np.uint8(2)).save_pretrained(tmp_path)
    loaded = load_tokenizer(tmp_path)
    assert (loaded.k, loaded.stride) == (4, 2)
    with pytest.raises(TypeError):
        KmerTokenizer(6.5)  # type: ignore[arg-type]


@pytest.mark.parametrize(("stride", "expected"), [(3, [11, 4, 32]), (1, [11, 32, 4, 32])])
def test_special_tokens_in_the_text(stride: int, expected: list[int]) -> None:
    tokenizer = KmerTokenizer(3, stride)
    text = "ACGT[MASK]CGT" if stride == 1 else "ACG[MASK]CGT"
    assert tokenizer(text, add_special_tokens=False)["input_ids"] == expected
    # as letters they are unknown words
    assert set(tokenizer("[MASK]", split_special_tokens=True, add_special_tokens=False)["input_ids"]) == {1}


@pytest.mark.parametrize("stride", [3, 1])
def test_batches_pairs_padding_truncation(stride: int) -> None:
    tokenizer = KmerTokenizer(3, stride)
    batch = tokenizer(["ACGACG", "ACG"], padding=True, return_tensors="np")
    assert batch["input_ids"][1, :3].tolist() == [2, 11, 3] and set(batch["input_ids"][1, 3:].tolist()) == {0}
    assert batch["attention_mask"].sum(axis=1).tolist() == [tokenizer.number_of_words(6) + 2, 3]
    assert tokenizer("ACG", "CGT")["input_ids"] == [2, 11, 3, 32, 3]
    assert tokenizer(["ACG"], ["CGT"])["input_ids"] == [[2, 11, 3, 32, 3]]
    assert len(tokenizer("ACG" * 9, truncation=True, max_length=5)["input_ids"]) == 5
    assert tokenizer.tokenize("ACGcgt")[0] == "ACG"


def test_offsets_of_overlapping_words_are_refused() -> None:
    assert KmerTokenizer(3)("ACGACG", return_offsets_mapping=True)["offset_mapping"][1:-1] == [(0, 3), (3, 6)]
    with pytest.raises(ValueError, match="word i starts at i \\* stride"):
        KmerTokenizer(3, 1)("ACGACG", return_offsets_mapping=True)


@given(words, dna)
def test_decode_gives_the_covered_bases_back(word: tuple[int, int], text: bytes) -> None:
    tokenizer, (k, stride) = cached(*word), word
    count = tokenizer.number_of_words(len(text))
    covered = (count - 1) * stride + k if count else 0
    ids = tokenizer.encode_bases(array(text))
    assert tokenizer.decode(ids, skip_special_tokens=True) == text.decode().upper()[:covered]
    assert tokenizer.decode(ids.tolist()) == f"[CLS]{text.decode().upper()[:covered]}[SEP]"


@pytest.mark.parametrize("stride", [3, 1])
def test_ids_that_are_no_token_decode_to_unknown_words(stride: int) -> None:
    """A model resized by ``pad_to_multiple_of`` foretells some."""
    tokenizer = KmerTokenizer(k=3, stride=stride)
    assert tokenizer.decode([5, tokenizer.vocab_size + 2]) == "AAA" + "N" * stride


@pytest.mark.parametrize("stride", [3, 1])
@pytest.mark.parametrize("text", [b"ACGTACGT", np.array(["ACGTACGT"]), iter(["ACGTACGT"])])
def test_what_is_no_text_is_told_by_transformers(stride: int, text: object) -> None:
    with pytest.raises(ValueError, match="text input must be of type"):
        KmerTokenizer(k=3, stride=stride)(text)


def test_unknown_words_keep_their_place_when_decoded() -> None:
    side_by_side, overlapping = KmerTokenizer(3), KmerTokenizer(3, 1)
    assert side_by_side.decode(side_by_side("ACGTNACGT")["input_ids"], skip_special_tokens=True) == "ACGNNNCGT"
    assert overlapping.decode(overlapping("ACGTNACGT")["input_ids"], skip_special_tokens=True) == "ACGTNACGT"
    assert side_by_side.batch_decode([[2, 11, 3, 0], [2, 4, 32, 3]], skip_special_tokens=True) == ["ACG", "NNNCGT"]


@pytest.mark.parametrize(("k", "stride"), [(7, 7), (4, 1), (5, 3)])
@pytest.mark.parametrize("model", [None, BertConfig(), ModernBertConfig()], ids=["alone", "bert", "modernbert"])
def test_saved_and_loaded_it_is_the_same(tmp_path: Path, k: int, stride: int, model: object) -> None:
    tokenizer = KmerTokenizer(k, stride)
    tokenizer.save_pretrained(tmp_path)
    if model is not None:
        model.save_pretrained(tmp_path)  # type: ignore[attr-defined]
    text = "ACGTacgtNACGTTTGGCCAAU" * 3
    loaded = load_tokenizer(tmp_path)
    assert isinstance(loaded, KmerTokenizer) and (loaded.k, loaded.stride) == (k, stride)
    for other in (loaded, AutoTokenizer.from_pretrained(tmp_path), pickle.loads(pickle.dumps(tokenizer))):
        assert other(text)["input_ids"] == tokenizer(text)["input_ids"]
        assert other.get_vocab() == tokenizer.get_vocab()
        assert (other.pad_token_id, other.unk_token_id, other.cls_token_id, other.sep_token_id) == (0, 1, 2, 3)
        assert other.mask_token_id == 4


LOAD = """
import sys
from transformers import AutoTokenizer
print(AutoTokenizer.from_pretrained(sys.argv[1])(sys.argv[2])["input_ids"], "dnabert" in sys.modules)
"""


@pytest.mark.parametrize("stride", [3, 1])
def test_a_process_without_dnabert(tmp_path: Path, stride: int) -> None:
    tokenizer = KmerTokenizer(3, stride)
    tokenizer.save_pretrained(tmp_path)
    ModernBertConfig().save_pretrained(tmp_path)
    command = [sys.executable, "-c", LOAD, str(tmp_path), "ACGtaNNCGTAA"]
    result = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    if stride == 3:
        assert result.stdout.strip() == f"{tokenizer('ACGtaNNCGTAA')['input_ids']} False"
    else:  # better no tokenizer than one that reads other words
        assert result.returncode != 0 and result.stdout == ""


def test_folders_without_a_tokenizer(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no readable tokenizer_config.json"):
        load_tokenizer(tmp_path / "nowhere")
    for other in ('{"tokenizer_class": "BertTokenizer"}', "5", "null", '["k", "stride"]'):
        (tmp_path / "tokenizer_config.json").write_text(other)
        with pytest.raises(UserError, match="not of k-mers"):
            load_tokenizer(tmp_path)


@pytest.mark.parametrize(("stride", "ids", "bases"), [(3, [11], "ACG"), (1, [11, 32], "ACGT")])
def test_tokens_added_by_the_user_survive(tmp_path: Path, stride: int, ids: list[int], bases: str) -> None:
    tokenizer = KmerTokenizer(3, stride)
    tokenizer.add_tokens(["<human>"], special_tokens=True)
    tokenizer.add_tokens(["<exon>"])
    tokenizer.save_pretrained(tmp_path)
    for each in (tokenizer, load_tokenizer(tmp_path)):
        found = each("<human>ACGT<exon>ACGT")["input_ids"]
        assert found == [2, 69, *ids, 70, *ids, 3]
        assert each.decode(found) == f"[CLS]<human>{bases}<exon>{bases}[SEP]"
        assert each.decode(found, skip_special_tokens=True) == f"{bases}<exon>{bases}"
