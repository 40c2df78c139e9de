"""Models of DNA that others made, each against transformers used by hand: words side by side, overlapping words, pieces
and single letters."""

import json
import shutil
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer
from tokenizers.models import BPE, WordPiece
from tokenizers.processors import TemplateProcessing
from tokenizers.trainers import BpeTrainer
from transformers import (
    AutoModel,
    AutoTokenizer,
    BertConfig,
    BertModel,
    BertTokenizerFast,
    EsmConfig,
    EsmModel,
    EsmTokenizer,
    GPT2Config,
    GPT2Model,
    PreTrainedTokenizerFast,
)

from dnabert.clusters.resume import is_current
from dnabert.encoders import EmbedConfig, embed, load_embeddings, load_encoder
from dnabert.encoders.encoder import inputs_of
from dnabert.encoders.recorded import encoder_record, load_recorded, recorded_word_length
from dnabert.encoders.text_reader import read_as_taught
from dnabert.errors import UserError

WORDS = ["".join(letters) for letters in product("ACGT", repeat=3)]
SIZE = {
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "initializer_range": 0.5,
}


def drawn(kind: Any, config: Any, *, to: Path) -> None:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        kind(config).save_pretrained(to)


@pytest.fixture(scope="module")
def side_by_side(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As Nucleotide Transformer: ESM, words of one length, letters for what is left, no token at the end."""
    folder = tmp_path_factory.mktemp("side_by_side")
    vocabulary = ["<unk>", "<pad>", "<mask>", "<cls>", *WORDS, "A", "T", "C", "G", "N"]
    (folder / "words.txt").write_text("\n".join(vocabulary))
    EsmTokenizer(str(folder / "words.txt"), eos_token=None, model_max_length=100).save_pretrained(folder)
    drawn(
        EsmModel,
        EsmConfig(
            vocab_size=len(vocabulary),
            max_position_embeddings=102,
            pad_token_id=1,
            mask_token_id=2,
            token_dropout=True,
            **SIZE,
        ),
        to=folder,
    )
    return folder


@pytest.fixture(scope="module")
def overlapping(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As DNABERT: BERT, words of one length that overlap, parted by spaces."""
    folder = tmp_path_factory.mktemp("overlapping")
    vocabulary = {word: i for i, word in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS])}
    BertTokenizerFast(vocab=vocabulary, do_lower_case=False, model_max_length=64).save_pretrained(folder)
    drawn(BertModel, BertConfig(vocab_size=len(vocabulary), max_position_embeddings=64, **SIZE), to=folder)
    return folder


@pytest.fixture(scope="module")
def pieces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As GROVER: BERT, pieces by byte-pair encoding."""
    folder = tmp_path_factory.mktemp("pieces")
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    tokenizer = Tokenizer(BPE(unk_token="[UNK]"))
    letters = np.frombuffer(b"ACGT", np.uint8)[np.random.default_rng(1).integers(0, 4, (50, 200))]
    tokenizer.train_from_iterator(
        [row.tobytes().decode() for row in letters],
        BpeTrainer(vocab_size=60, special_tokens=special, initial_alphabet=list("ACGTN")),
    )
    tokenizer.post_processor = TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        unk_token="[UNK]",
        pad_token="[PAD]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        mask_token="[MASK]",
        model_max_length=64,
    ).save_pretrained(folder)
    drawn(BertModel, BertConfig(vocab_size=60, max_position_embeddings=64, **SIZE), to=folder)
    return folder


@pytest.fixture(scope="module")
def letters(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A decoder of single letters, without special tokens about them."""
    folder = tmp_path_factory.mktemp("letters")
    tokenizer = Tokenizer(BPE(vocab={letter: i for i, letter in enumerate("?ACGTN")}, merges=[], unk_token="?"))
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="?", model_max_length=int(1e30)).save_pretrained(
        folder
    )
    drawn(
        GPT2Model,
        GPT2Config(vocab_size=6, n_embd=16, n_layer=1, n_head=2, n_positions=128, bos_token_id=None, eos_token_id=None),
        to=folder,
    )
    return folder


def by_hand(folder: Path, text: str, *, before: int, after: int) -> np.ndarray:
    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder).eval()
    with torch.no_grad():
        states = model(**tokenizer(text, return_tensors="pt", return_token_type_ids=False)).last_hidden_state[0]
    return states[before : len(states) - after].mean(0).numpy()


def ascii(text: str) -> np.ndarray:
    return np.frombuffer(text.encode(), dtype=np.uint8)


TEXTS = ["GATTACAGATTACAGG", "ACGTTGCAACGGTCATG", "TTTTTTTTNTTTTTTT"]


@pytest.mark.parametrize(
    ("model", "before", "after", "overlap"),
    [("side_by_side", 1, 0, 0), ("overlapping", 1, 1, 3), ("pieces", 1, 1, 0), ("letters", 0, 0, 0)],
)
def test_reads_what_its_own_tokenizer_cuts(
    model: str, before: int, after: int, overlap: int, request: pytest.FixtureRequest
) -> None:
    folder = request.getfixturevalue(model)
    encoder = load_encoder(f"dna:{folder}", config=EmbedConfig(precision="fp32"))

    def as_taught(text: str) -> str:
        return " ".join(text[i : i + overlap] for i in range(len(text) - overlap + 1)) if overlap else text

    expected = [by_hand(folder, as_taught(text), before=before, after=after) for text in TEXTS]
    found = encoder.encode([ascii(text) for text in TEXTS])
    np.testing.assert_allclose(found, expected, atol=2e-5)
    # RNA, in small letters
    np.testing.assert_allclose(
        encoder.encode([ascii(text.lower().replace("t", "u")) for text in TEXTS]), found, atol=2e-5
    )
    assert encoder.name == f"off-the-shelf {folder}"


def test_words_side_by_side_have_frames_and_others_have_one(
    side_by_side: Path, overlapping: Path, pieces: Path
) -> None:
    both = load_encoder(
        f"dna:{side_by_side}", config=EmbedConfig(phases=3, both_strands=True, precision="fp32")
    ).encode([ascii("GATTACAGATTACAGG")])[0]
    strands = ("GATTACAGATTACAGG", "CCTGTAATCTGTAATC")
    expected = np.mean(
        [by_hand(side_by_side, strand[shift:], before=1, after=0) for strand in strands for shift in range(3)], axis=0
    )
    np.testing.assert_allclose(both, expected, atol=2e-5)
    for folder in (overlapping, pieces):
        with pytest.raises(UserError, match="--phases is 2, allowed is 1 to 1, the stride of off-the-shelf"):
            load_encoder(f"dna:{folder}", config=EmbedConfig(phases=2))


def test_frames_of_words_whose_length_does_not_divide_a_round_number_are_known(tmp_path: Path) -> None:
    seven = ["".join(letters) for letters in product("ACGT", repeat=7)]
    (tmp_path / "words.txt").write_text(
        "\n".join(["<unk>", "<pad>", "<mask>", "<cls>", *seven, "A", "T", "C", "G", "N"])
    )
    tokenizer = EsmTokenizer(str(tmp_path / "words.txt"), eos_token=None)
    reader = read_as_taught(tokenizer, name="seven", most_tokens=100)
    assert (reader.word_length, reader.stride) == (7, 7)


@pytest.mark.parametrize(
    ("words", "length", "lower"), [(list("ACGT"), 1, False), ([word.lower() for word in WORDS], 3, True)]
)
def test_letters_parted_by_spaces_and_vocabularies_of_small_letters(
    words: list[str], length: int, lower: bool, tmp_path: Path
) -> None:
    vocabulary = {word: i for i, word in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *words])}
    BertTokenizerFast(vocab=vocabulary, do_lower_case=False, model_max_length=64).save_pretrained(tmp_path)
    drawn(BertModel, BertConfig(vocab_size=len(vocabulary), max_position_embeddings=64, **SIZE), to=tmp_path)
    parted = [" ".join(text[i : i + length] for i in range(len(text) - length + 1)) for text in TEXTS]
    expected = [by_hand(tmp_path, text.lower() if lower else text, before=1, after=1) for text in parted]
    found = load_encoder(f"dna:{tmp_path}", config=EmbedConfig(precision="fp32")).encode(
        [ascii(text) for text in TEXTS]
    )
    np.testing.assert_allclose(found, expected, atol=2e-5)


def test_a_tokenizer_that_knows_none_of_its_own_words_is_refused(tmp_path: Path) -> None:
    vocabulary = {word: i for i, word in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS])}
    tokenizer = BertTokenizerFast(vocab=vocabulary, do_lower_case=True)
    with pytest.raises(UserError, match="does not know A, C, G and T"):
        read_as_taught(tokenizer, name="lowered", most_tokens=100)


@pytest.mark.parametrize("pooling", ["mean", "max"])
def test_a_sequence_of_which_the_tokenizer_leaves_nothing_is_read_as_hidden(
    pooling: Any, pieces: Path, tmp_path: Path
) -> None:
    shutil.copytree(pieces, tmp_path, dirs_exist_ok=True)
    tokenizer = Tokenizer(
        BPE(
            vocab={
                "[PAD]": 0,
                "[CLS]": 2,
                "[SEP]": 3,
                "[MASK]": 4,
                **{letter: i for i, letter in enumerate("ACGT", 5)},
            },
            merges=[],
        )
    )
    tokenizer.post_processor = TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="[PAD]", cls_token="[CLS]", sep_token="[SEP]", mask_token="[MASK]"
    ).save_pretrained(tmp_path)
    found = load_encoder(f"dna:{tmp_path}", config=EmbedConfig(precision="fp32", pooling=pooling)).encode(
        [ascii("NNNNNN"), ascii("ACNGT")]
    )
    np.testing.assert_allclose(found[0], by_hand(tmp_path, "[MASK]", before=1, after=1), atol=2e-5)
    assert np.isfinite(found[1]).all()


def test_a_sequence_that_is_one_unknown_word_to_the_tokenizer_is_refused() -> None:
    tokenizer = Tokenizer(
        WordPiece(
            vocab={"[UNK]": 0, **{mark + letter: i for i, (mark, letter) in enumerate(product(("", "##"), "ACGT"), 1)}},
            max_input_chars_per_word=700,
        )
    )
    reader = read_as_taught(
        PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="[UNK]"), name="pieces", most_tokens=100
    )
    assert [len(ids) for ids in reader.words(np.full((2, 700), ord("A"), np.uint8))] == [700, 700]
    assert reader.words(ascii("N" * 701)[None])[0].tolist() == [0]
    with pytest.raises(UserError, match="701 bases in a row are one unknown word: give it shorter sequences"):
        reader.words(np.full((2, 701), ord("A"), np.uint8))


def test_what_is_longer_than_the_model_takes_is_tiled(overlapping: Path) -> None:
    text = ascii("ACGT")[np.random.default_rng(0).integers(0, 4, 100)].tobytes().decode()  # 98 words, 62 at once
    spaced = [text[i : i + 3] for i in range(98)]
    expected = np.mean(
        [by_hand(overlapping, " ".join(tile), before=1, after=1) for tile in (spaced[:62], spaced[-62:])], axis=0
    )
    np.testing.assert_allclose(
        load_encoder(f"dna:{overlapping}", config=EmbedConfig(precision="fp32")).encode([ascii(text)])[0],
        expected,
        atol=2e-5,
    )


def test_vectors_are_recorded_and_read_again(side_by_side: Path, overlapping: Path, tmp_path: Path) -> None:
    (tmp_path / "a.fa").write_text(">a\nGATTACAGATTACA\n>b\nACGCATTGGGGGGG\n")
    for folder, frames in ((side_by_side, 3), (overlapping, 1)):
        made = embed(f"dna:{folder}", tmp_path / "a.fa", out=tmp_path / folder.name)
        manifest = load_embeddings(tmp_path / folder.name).manifest
        assert recorded_word_length(manifest) == frames
        again = load_recorded(encoder_record(manifest)).encode([ascii("GATTACAGATTACA"), ascii("ACGCATTGGGGGGG")])
        np.testing.assert_allclose(again, made.vectors, atol=1e-6)


def test_a_model_that_is_trained_on_in_its_folder_is_another(letters: Path, tmp_path: Path) -> None:
    (tmp_path / "a.fa").write_text(">a\nGATTACAGATTACA\n>b\nACGCATTGGGGGGG\n")
    folder = shutil.copytree(letters, tmp_path / "theirs")
    config = {"encoder": f"dna:{folder}"}
    made = embed(f"dna:{folder}", tmp_path / "a.fa", out=tmp_path / "e")
    record = encoder_record(made.manifest)
    assert is_current(tmp_path / "e", kind="embeddings", config=config, inputs=inputs_of(config["encoder"]))
    model = AutoModel.from_pretrained(folder)
    with torch.no_grad():
        next(model.parameters()).add_(1)
    model.save_pretrained(folder)
    assert not is_current(tmp_path / "e", kind="embeddings", config=config, inputs=inputs_of(config["encoder"]))
    with pytest.raises(UserError, match="theirs is no longer the model that made the vectors: embed and cluster again"):
        load_recorded(record)
    shutil.rmtree(folder)
    with pytest.raises(UserError, match="theirs, which is gone: put it back"):
        load_recorded(record)


def test_its_states_are_counted_as_codes_too(pieces: Path, tmp_path: Path) -> None:
    sequences = ascii("ACGT")[np.random.default_rng(0).integers(0, 4, (60, 40))]
    (tmp_path / "a.fa").write_text("".join(f">{i}\n{row.tobytes().decode()}\n" for i, row in enumerate(sequences)))
    assert np.isfinite(embed(f"codebook:dna:{pieces}", tmp_path / "a.fa", out=tmp_path / "codes").vectors).all()


@pytest.mark.parametrize("letters", ["", "acgt"])
def test_a_model_of_english_is_sent_to_bert(letters: str, tmp_path: Path) -> None:
    """Also one that knows every letter, and so spells words parted by spaces, as BERT does."""
    spelled = [mark + letter for letter in letters for mark in ("", "##")]
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "tag", "##ag", "the", *spelled]
    BertTokenizerFast(vocab={word: i for i, word in enumerate(words)}).save_pretrained(tmp_path)
    drawn(BertModel, BertConfig(vocab_size=len(words), **SIZE), to=tmp_path)
    with pytest.raises(
        UserError,
        match=(
            r"does not know A, C, G and T side by side, so it is no model of DNA: bert:.* reads words parted by "
            r"spaces"
        ),
    ):
        load_encoder(f"dna:{tmp_path}")


# whose tokenizer fails; which is made up by transformers, without words
@pytest.mark.parametrize("model", ["side_by_side", "overlapping"])
def test_a_model_without_its_tokenizer(model: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    for name in ("config.json", "model.safetensors"):
        shutil.copy(request.getfixturevalue(model) / name, tmp_path)
    for kind in ("dna", "bert"):
        with pytest.raises(
            UserError,
            match=f"encoder {kind}:.*: it has no tokenizer that can be read .*: put its files beside the weights",
        ):
            load_encoder(f"{kind}:{tmp_path}")


def test_code_of_its_own_is_not_run(pieces: Path, tmp_path: Path) -> None:
    folder = tmp_path / "own_code"
    shutil.copytree(pieces, folder)
    config = json.loads((folder / "config.json").read_text())
    config |= {"model_type": "unheard_of", "auto_map": {"AutoConfig": "own.Config", "AutoModel": "own.Model"}}
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "own.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\n")
    with pytest.raises(
        UserError,
        match="comes with code of its own, which is not run here: take a model whose architecture transformers has",
    ):
        load_encoder(f"dna:{folder}")
    assert not (tmp_path / "ran").exists()


def test_a_model_of_others_that_is_given_as_a_run(pieces: Path) -> None:
    with pytest.raises(UserError, match="is no run of dnabert: name a model that others made dna:"):
        load_encoder(pieces)


def test_no_such_model_of_dna(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(UserError, match="encoder dna:.*/none: no model by that name on disk or on the Hub"):
        load_encoder(f"dna:{tmp_path}/none")
    with pytest.raises(UserError, match="did you mean dna:NAME_OR_FOLDER"):
        load_encoder("dna")
