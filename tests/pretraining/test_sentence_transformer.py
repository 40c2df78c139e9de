"""A run and its release in the hands of transformers and of sentence-transformers."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from dnabert.encoders import load_encoder
from dnabert.encoders.config import EmbedConfig
from dnabert.pretraining import pretrain
from dnabert.pretraining.release import release


@pytest.fixture(params=["bert", "modernbert"])
def folders(config, request, tmp_path):
    """A tiny run of k = 4 on windows of 448 bp, and its release."""
    settings = config(steps=2)
    settings.model.architecture = request.param
    run = pretrain(settings)
    return [run, release(run, out=tmp_path / "released")]


@pytest.fixture
def bases():
    letters = np.frombuffer(b"ACGTacgt", dtype=np.uint8)
    return [letters[np.random.default_rng(length).integers(0, 8, length)] for length in (448, 4, 61, 300, 447)]


def texts(bases):
    return [sequence.tobytes().decode() for sequence in bases]


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::ResourceWarning")
def test_sentence_transformers_gives_our_vectors(folders, bases):
    sentence_transformers = pytest.importorskip("sentence_transformers")
    for folder in folders:
        ours = load_encoder(str(folder), config=EmbedConfig(precision="fp32", device="cpu")).encode(bases)
        model = sentence_transformers.SentenceTransformer(str(folder), device="cpu")
        theirs = model.encode(texts(bases), batch_size=3)
        assert theirs.dtype == np.float32
        np.testing.assert_allclose(theirs, ours, atol=2e-5 * np.abs(ours).max())
        # a hidden word to us, [UNK] there, which in a release is the same
        unknown = np.frombuffer(b"GTACANGTGTACCCGT", dtype=np.uint8)
        ours = load_encoder(str(folder), config=EmbedConfig(precision="fp32", device="cpu")).encode([unknown])
        np.testing.assert_allclose(model.encode(["GTAC[MASK]GTACCCGT"]), ours, atol=2e-5 * np.abs(ours).max())
        if folder == folders[1]:
            np.testing.assert_allclose(model.encode(["GTACANGTGTACCCGT"]), ours, atol=2e-5 * np.abs(ours).max())
        long = np.tile(bases[0], 2)  # beyond a window: cut off, as the docstring says
        np.testing.assert_allclose(model.encode(texts([long])), model.encode(texts([long[:448]])), atol=1e-6)


def test_pipelines_fill_masks_and_give_states(folders, bases):
    import torch
    from transformers import AutoModel, AutoModelForMaskedLM, AutoTokenizer, pipeline

    for folder in folders:
        found = pipeline("fill-mask", model=str(folder), device="cpu", top_k=3)("ACGTAC[MASK]GTACCCGT"[2:])
        tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModelForMaskedLM.from_pretrained(folder)
        inputs = tokenizer("GTAC[MASK]GTACCCGT", return_tensors="pt")
        assert inputs["input_ids"].shape == (1, 6)
        with torch.inference_mode():
            logits = model.eval()(**inputs).logits[0, 2]
        expected = logits.softmax(-1).topk(3)
        assert [each["token"] for each in found] == expected.indices.tolist()
        assert [each["score"] for each in found] == pytest.approx(expected.values.tolist(), rel=1e-4)
        assert all(set(each["token_str"]) <= set("ACGTN") for each in found)
        assert tokenizer("ACGT" * 200, truncation=True) == tokenizer("ACGT" * 112)  # a window
        text = texts(bases)[3]
        states = np.array(pipeline("feature-extraction", model=str(folder), device="cpu")(text))
        with torch.inference_mode():
            body = AutoModel.from_pretrained(folder).eval()(**tokenizer(text, return_tensors="pt")).last_hidden_state
        np.testing.assert_allclose(states, body.numpy(), atol=1e-5)
        ours = load_encoder(str(folder), config=EmbedConfig(precision="fp32", device="cpu")).encode([bases[3]])
        np.testing.assert_allclose(states[:, 1:-1].mean(axis=1), ours, atol=2e-5 * np.abs(ours).max())


_STRANGER = """
import sys
from transformers import pipeline
from sentence_transformers import SentenceTransformer
folder = sys.argv[1]
print(pipeline("fill-mask", model=folder, device="cpu", top_k=1)("GTAC[MASK]GTACCCGT")[0]["token"] >= 0)
print(SentenceTransformer(folder, device="cpu").encode("ACGTACGT").shape)
print(any(name.split(".")[0] == "dnabert" for name in sys.modules))
"""


@pytest.mark.slow
def test_neither_needs_dnabert(folders: list[Path]) -> None:
    pytest.importorskip("sentence_transformers")
    done = subprocess.run([sys.executable, "-c", _STRANGER, folders[1]], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["True", "(32,)", "False"]


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::ResourceWarning")
@pytest.mark.parametrize("changes", [{"architecture": "lstm"}, {"architecture": "convolution"}, {"stride": 1}])
def test_what_loads_only_with_dnabert_gives_our_vectors_there(config, bases, changes):
    sentence_transformers = pytest.importorskip("sentence_transformers")
    settings = config(steps=1, **{name: value for name, value in changes.items() if name == "stride"})
    settings.model.architecture = changes.get("architecture", "bert")
    run = pretrain(settings)
    ours = load_encoder(str(run), config=EmbedConfig(precision="fp32", device="cpu")).encode(bases)
    theirs = sentence_transformers.SentenceTransformer(str(run), device="cpu").encode(texts(bases))
    np.testing.assert_allclose(theirs, ours, atol=2e-5 * np.abs(ours).max())
