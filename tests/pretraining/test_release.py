import json

import numpy as np
import pytest

from dnabert.encoders import load_encoder
from dnabert.encoders.config import EmbedConfig
from dnabert.encoders.encoder import DEFAULT_RUN
from dnabert.errors import UserError
from dnabert.pretraining import pretrain
from dnabert.pretraining.release import release


@pytest.fixture
def bases():
    return np.frombuffer(b"ACGT", dtype=np.uint8)[np.random.default_rng(0).integers(0, 4, (5, 448))]


def cosine(a, b):
    return (a * b).sum(1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)


@pytest.mark.parametrize("architecture", ["modernbert", "lstm"])
def test_a_release_loads_as_its_run_and_says_how_good_it_is(config, tmp_path, bases, architecture):
    settings = config(steps=3, mask_share=0.3)
    settings.model.architecture = architecture
    run = pretrain(settings)
    out = release(run, out=tmp_path / "released", data="a simulated genome.")
    exact = EmbedConfig(precision="fp32")
    vectors = [load_encoder(str(folder), config=exact).encode(bases) for folder in (run, out)]
    assert vectors[1].dtype == np.float32 and cosine(*vectors).min() > 0.999
    card = (out / "README.md").read_text()
    last = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()][-1]
    assert "Bits per base at hidden words (15%) of" in card  # as it is scored, not as it was trained
    assert "a simulated genome." in card and f"| **this model** | {last['validation_bits_per_base']:.4f} |" in card
    both = json.loads((run / "floors.json").read_text())["bidirectional"]["best"]
    assert "reads both sides" in card and f"| {both['bits_per_base']:.4f} |" in card
    assert str(tmp_path) not in json.dumps(json.loads((out / "manifest.json").read_text())["config"])
    assert (out / "model.safetensors").stat().st_size < 0.6 * (run / "model.safetensors").stat().st_size


def test_what_is_no_run_is_refused(tmp_path):
    with pytest.raises(UserError, match="no such run folder"):
        release(tmp_path / "none", out=tmp_path / "out", data="")


def test_the_default_model_comes_with_the_package(bases):
    assert (DEFAULT_RUN / "model.safetensors").stat().st_size < 16e6
    encoder = load_encoder("default", config=EmbedConfig(precision="fp32"))
    vectors = encoder.encode(bases)
    assert vectors.shape == (5, 384) and np.isfinite(vectors).all()
    assert vectors.std(axis=0).mean() > 0.01  # different sequences, different vectors
