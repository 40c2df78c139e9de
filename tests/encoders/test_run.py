"""A run's vectors against transformers used by hand, and what they must not depend on."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoConfig, AutoModel, AutoModelForMaskedLM, AutoTokenizer

from dnabert.alphabet import reverse_complement
from dnabert.encoders import EmbedConfig, embed, encoder_record, load_encoder, load_recorded
from dnabert.encoders.transformer import TransformerEncoder
from dnabert.errors import UserError
from dnabert.manifest import write_manifest
from dnabert.models.build import begin
from dnabert.models.config import ModelConfig
from dnabert.tokenizer import load_tokenizer


def by_hand(run: Path, bases: np.ndarray, *, layer: int = -1) -> np.ndarray:
    """One sequence at a time through transformers' own tokenizer path, eager attention, mean between [CLS] and
    [SEP]."""
    tokenizer, model = load_tokenizer(run), AutoModel.from_pretrained(run, attn_implementation="eager").eval()
    vectors = []
    for row in bases:
        ids = torch.tensor([tokenizer(row.tobytes().decode())["input_ids"]])
        with torch.no_grad():
            output = model(ids, output_hidden_states=True)
        hidden = output.last_hidden_state if layer == -1 else output.hidden_states[layer]
        vectors.append(hidden[0, 1:-1].mean(0).numpy())
    return np.stack(vectors)


def encode(spec: str | Path, bases: object, **config: object) -> np.ndarray:
    return load_encoder(str(spec), config=EmbedConfig(**config)).encode(bases)


def test_is_the_mean_over_words(run: Path, windows: np.ndarray) -> None:
    np.testing.assert_allclose(encode(run, windows), by_hand(run, windows), atol=2e-5)


def test_a_word_with_an_unknown_base_is_read_as_hidden(run: Path, windows: np.ndarray) -> None:
    tokenizer, unknown = load_tokenizer(run), windows[:3].copy()
    unknown[:, 3], unknown[:, 20] = ord("N"), ord("R")
    model = AutoModel.from_pretrained(run, attn_implementation="eager").eval()
    ids = tokenizer.encode_bases(unknown).astype(np.int64)
    assert (ids == tokenizer.unk_token_id).any(1).all()
    hidden = np.where(ids == tokenizer.unk_token_id, tokenizer.mask_token_id, ids)
    with torch.no_grad():
        expected = model(torch.from_numpy(hidden)).last_hidden_state[:, 1:-1].mean(1).numpy()
    np.testing.assert_allclose(encode(run, unknown), expected, atol=2e-5)


@pytest.mark.parametrize("layer", [0, 1, -2, -3])
def test_layer(run: Path, windows: np.ndarray, layer: int) -> None:
    np.testing.assert_allclose(encode(run, windows, layer=layer), by_hand(run, windows, layer=layer), atol=2e-5)


def test_layer_out_of_range(bert_run: Path) -> None:
    with pytest.raises(UserError, match="--layer is 3, allowed is -3 to 2"):
        load_encoder(str(bert_run), config=EmbedConfig(layer=3))


@pytest.mark.parametrize("batch_size", [1, 2, 64])
def test_neither_batch_size_nor_company_matters(run: Path, windows: np.ndarray, batch_size: int) -> None:
    mixed = [windows[0], windows[1][:21], windows[2], windows[3][:34], windows[4][:22]]
    together = encode(run, mixed, batch_size=batch_size)
    alone = np.concatenate([encode(run, sequence[None]) for sequence in mixed])
    np.testing.assert_allclose(together, alone, atol=2e-5)


def test_phases_are_frames_from_the_left(run: Path, windows: np.ndarray) -> None:
    stride = load_tokenizer(run).stride
    frames = [by_hand(run, windows[:, shift:]) for shift in range(stride)]
    np.testing.assert_allclose(encode(run, windows, phases=stride), np.mean(frames, axis=0), atol=2e-5)
    spread = [frames[0], frames[stride // 2]]
    np.testing.assert_allclose(encode(run, windows, phases=2), np.mean(spread, axis=0), atol=2e-5)


def test_a_sequence_of_one_word_has_one_frame(bert_run: Path, windows: np.ndarray) -> None:
    word = windows[:, :5]
    np.testing.assert_allclose(encode(bert_run, word, phases=5), by_hand(bert_run, word), atol=2e-5)


def test_more_phases_than_frames(bert_run: Path) -> None:
    with pytest.raises(UserError, match="--phases is 6, allowed is 1 to 5"):
        load_encoder(str(bert_run), config=EmbedConfig(phases=6))


def test_both_strands(run: Path, windows: np.ndarray) -> None:
    expected = (by_hand(run, windows) + by_hand(run, reverse_complement(windows))) / 2
    np.testing.assert_allclose(encode(run, windows, both_strands=True), expected, atol=2e-5)


def test_long_sequences_are_tiled(run: Path, windows: np.ndarray) -> None:
    # twice the run's window: two tiles of equally many words, so the mean of both
    tokenizer = load_tokenizer(run)
    words = tokenizer.number_of_words(60)
    long = np.concatenate([windows[:4], windows[4:8]], axis=1)[:, : tokenizer.k + (2 * words - 1) * tokenizer.stride]
    first = long[:, : tokenizer.k + (words - 1) * tokenizer.stride]
    second = long[:, words * tokenizer.stride :]
    expected = (by_hand(run, first) + by_hand(run, second)) / 2
    np.testing.assert_allclose(encode(run, long), expected, atol=2e-5)


@pytest.mark.parametrize("more", [1, 15])
def test_tiles_are_as_long_as_windows_wherever_the_sequence_ends(run: Path, windows: np.ndarray, more: int) -> None:
    """Not halves, which have half of the context: a sequence of a word more than a window would be read quite
    otherwise."""
    tokenizer = load_tokenizer(run)
    words, stride = tokenizer.number_of_words(60), tokenizer.stride
    reach = tokenizer.k + (words - 1) * stride
    starts = [0, more] if more <= words else [0, round(more / 2), more]
    long = np.concatenate([windows, windows[::-1], windows], axis=1)[:, : reach + more * stride]
    expected = np.mean([by_hand(run, long[:, start * stride : start * stride + reach]) for start in starts], axis=0)
    np.testing.assert_allclose(encode(run, long), expected, atol=2e-5)


def test_the_end_of_a_long_sequence_counts(bert_run: Path, windows: np.ndarray) -> None:
    long = np.concatenate(list(windows[:5]))[None]
    changed = long.copy()
    changed[0, -5:] = np.frombuffer(b"GGGGG", dtype=np.uint8)
    assert np.abs(encode(bert_run, long) - encode(bert_run, changed)).max() > 1e-3


def test_pooling(bert_run: Path, windows: np.ndarray) -> None:
    ids = torch.from_numpy(load_tokenizer(bert_run).encode_bases(windows).astype(np.int64))
    with torch.no_grad():
        hidden = AutoModel.from_pretrained(bert_run).eval()(ids).last_hidden_state
    np.testing.assert_allclose(encode(bert_run, windows, pooling="cls"), hidden[:, 0], atol=2e-5)
    np.testing.assert_allclose(encode(bert_run, windows, pooling="max"), hidden[:, 1:-1].amax(1), atol=2e-5)


def test_the_largest_of_a_long_sequence_is_that_of_its_tiles_and_the_mean_of_its_strands(
    bert_run: Path, windows: np.ndarray
) -> None:
    long = np.concatenate([windows[0], windows[1]])[:80]  # 16 words: the first twelve, and the last
    strands = [[strand[:60], strand[20:]] for strand in (long, reverse_complement(long))]
    expected = np.mean([encode(bert_run, tiles, pooling="max").max(axis=0) for tiles in strands], axis=0)
    found = encode(bert_run, [windows[2], long, windows[3][:40]], pooling="max", both_strands=True)
    np.testing.assert_allclose(found[1], expected, atol=2e-5)


def test_states_are_those_of_each_word_as_long_as_no_more_are_asked_for(bert_run: Path, windows: np.ndarray) -> None:
    encoder = load_encoder(str(bert_run))
    assert isinstance(encoder, TransformerEncoder)
    ids = torch.from_numpy(load_tokenizer(bert_run).encode_bases(windows).astype(np.int64))
    with torch.no_grad():
        states = AutoModel.from_pretrained(bert_run).eval()(ids).last_hidden_state[:, 1:-1].reshape(-1, 16).numpy()
    assert len(states) == 9 * 12
    np.testing.assert_allclose(encoder.drawn_states(windows, most=108), states, atol=2e-5)
    some = encoder.drawn_states(windows, most=107, seed=1)
    near = np.abs(states - some[:, None]).max(axis=2) < 1e-4
    assert 50 < len(some) < 107 and near.any(axis=1).all() and (np.diff(near.argmax(axis=1)) > 0).all()


def test_random_weights_are_the_seeds(run: Path, windows: np.ndarray) -> None:
    state = torch.get_rng_state()
    one, same, other = (encode(f"random:{run}", windows, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert np.abs(one - other).max() > 1e-3
    assert np.abs(one - encode(run, windows)).max() > 1e-3
    assert torch.equal(state, torch.get_rng_state())


def test_untrained_is_the_model_before_its_first_step(
    told_run: Path, settings: ModelConfig, windows: np.ndarray
) -> None:
    run = told_run
    found = load_encoder(f"untrained:{run}", config=EmbedConfig(seed=1, precision="fp32"))
    assert "before its first step" in found.name
    begun = begin(AutoConfig.from_pretrained(run), settings, k=5, seed=1).eval()
    word = load_tokenizer(run).encode_bases(windows, special_tokens=True)
    with torch.no_grad():
        hidden = begun.base_model(torch.from_numpy(word.astype(np.int64))).last_hidden_state[:, 1:-1].mean(1)
    np.testing.assert_allclose(found.encode(windows), hidden.numpy(), rtol=1e-4, atol=1e-5)
    assert np.abs(found.encode(windows) - encode(f"random:{run}", windows, seed=1)).max() > 1e-3


def test_a_run_that_does_not_say_how_it_began(modernbert_run: Path) -> None:
    with pytest.raises(UserError, match="does not say how its model began"):
        load_encoder(f"untrained:{modernbert_run}")


def test_a_run_without_a_model(tmp_path: Path) -> None:
    write_manifest(tmp_path, kind="run")
    with pytest.raises(UserError, match="holds no model"):
        load_encoder(str(tmp_path))
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(UserError, match="holds no model"):
        load_encoder(str(tmp_path))
    with pytest.raises(UserError, match="does not state window_length"):
        load_encoder(f"random:{tmp_path}")


def test_a_run_that_transformers_saved_again_is_an_encoder(run: Path, windows: np.ndarray, tmp_path: Path) -> None:
    """As its Trainer does. It was to be named dna:…, and that was to be named without dna:."""
    again, (first, *_) = tmp_path / "again", windows
    model = AutoModelForMaskedLM.from_pretrained(run)
    with torch.no_grad():
        words = model.get_input_embeddings().weight[5:]
        words.copy_(words.flip(0))  # trained further
    model.save_pretrained(again)
    AutoTokenizer.from_pretrained(run).save_pretrained(again)
    np.testing.assert_allclose(encode(again, windows), by_hand(again, windows), atol=2e-5)
    assert np.abs(encode(again, windows) - encode(run, windows)).max() > 0.01
    (tmp_path / "new.fa").write_bytes(b">a\n" + first.tobytes() + b"\n")
    manifest = embed(again, tmp_path / "new.fa", out=tmp_path / "vectors").manifest
    np.testing.assert_array_equal(load_recorded(encoder_record(manifest)).encode(windows), encode(again, windows))
    for spec in (f"untrained:{again}", f"random:{again}"):  # how it began it does not say
        with pytest.raises(UserError, match="is no run of dnabert but .* asks: give the run that was trained further$"):
            load_encoder(spec)
    (again / "config.yaml").touch()  # a run that was stopped
    with pytest.raises(UserError, match="is no run of dnabert"):
        load_encoder(again)


def test_weights_of_another_model_are_refused(bert_run: Path, modernbert_run: Path, tmp_path: Path) -> None:
    shutil.copytree(bert_run, tmp_path / "run")
    shutil.copy(modernbert_run / "model.safetensors", tmp_path / "run")
    with pytest.raises(
        UserError,
        match=(
            r"cannot read the weights of .* \(they are not those of its config.json: embeddings\..* is not among "
            r"them\): make or fetch it again"
        ),
    ):
        load_encoder(str(tmp_path / "run"))


def test_too_short(bert_run: Path, windows: np.ndarray) -> None:
    with pytest.raises(UserError, match="4 bases, fewer than a word"):
        encode(bert_run, windows[:, :4])


def test_unknown_device(bert_run: Path) -> None:
    with pytest.raises(UserError, match="--device is abacus, which is no kind of device"):
        EmbedConfig(device="abacus")  # k-mer counts, which ask no device for anything, refuse it too
    with pytest.raises(UserError, match="--device is cuda:7, which this machine does not have"):
        load_encoder(str(bert_run), config=EmbedConfig(device="cuda:7"))


def test_bf16_moves_a_vector_by_its_rounding(run, windows):
    exact, rounded = encode(run, windows), encode(run, windows, precision="bf16")
    cosine = (exact * rounded).sum(1) / np.linalg.norm(exact, axis=1) / np.linalg.norm(rounded, axis=1)
    assert cosine.min() > 0.999 and not np.array_equal(exact, rounded)
