"""Tiny runs: real architectures, real tokenizer, weights as they are drawn."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from dnabert.manifest import write_manifest
from dnabert.models.config import ModelConfig

WINDOW = 60


def save_run(
    folder: Path, *, architecture: str, k: int = 5, stride: int | None = None, settings: ModelConfig | None = None
) -> Path:
    import torch
    from transformers import BertConfig, BertForMaskedLM, ModernBertConfig, ModernBertForMaskedLM

    from dnabert.tokenizer import KmerTokenizer

    tokenizer = KmerTokenizer(k, stride=stride)
    longest = tokenizer.number_of_words(WINDOW) + 2
    size = {
        "vocab_size": tokenizer.vocab_size,
        "hidden_size": 16,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 32,
        "pad_token_id": 0,
    }
    with torch.random.fork_rng():
        torch.manual_seed(1000)  # not a seed that a test draws fresh weights from
        if architecture == "bert":
            model = BertForMaskedLM(BertConfig(**size, max_position_embeddings=longest, initializer_range=0.5))
        else:
            special = {"cls_token_id": 2, "sep_token_id": 3, "bos_token_id": 2, "eos_token_id": 3}
            layers = ["full_attention"] * 2
            model = ModernBertForMaskedLM(
                ModernBertConfig(
                    **size, **special, layer_types=layers, initializer_range=0.5, max_position_embeddings=64
                )
            )
    folder.mkdir()
    model.config.window_length = WINDOW
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    write_manifest(folder, kind="run", config={} if settings is None else {"model": dataclasses.asdict(settings)})
    return folder


@pytest.fixture(scope="session")
def bert_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_run(tmp_path_factory.mktemp("runs") / "bert", architecture="bert")


@pytest.fixture(scope="session")
def modernbert_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_run(tmp_path_factory.mktemp("runs") / "modernbert", architecture="modernbert")


@pytest.fixture(scope="session")
def settings() -> ModelConfig:
    return ModelConfig(hidden_size=16, layers=2, heads=2, intermediate_size=32)


@pytest.fixture(scope="session")
def told_run(settings: ModelConfig, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One whose manifest says how it began."""
    return save_run(tmp_path_factory.mktemp("runs") / "told", architecture="modernbert", settings=settings)


@pytest.fixture(scope="session", params=["bert", "modernbert", "overlapping"])
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    if request.param == "overlapping":
        return save_run(tmp_path_factory.mktemp("runs") / "overlapping", architecture="modernbert", k=4, stride=2)
    return request.getfixturevalue(f"{request.param}_run")


@pytest.fixture(scope="session")
def windows() -> np.ndarray:
    return np.frombuffer(b"ACGTacgt", dtype=np.uint8)[np.random.default_rng(0).integers(0, 8, (9, WINDOW))]


@pytest.fixture(autouse=True)
def _float32(monkeypatch: pytest.MonkeyPatch) -> None:
    """Equality with a reference is a matter of the arithmetic, not of how fast this machine multiplies bf16."""
    import dnabert.models.precision

    monkeypatch.setattr(dnabert.models.precision, "has_fast_bf16", lambda device: False)
