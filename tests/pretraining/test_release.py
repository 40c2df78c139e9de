import json
import re
import subprocess
import sys

import numpy as np
import pytest
import safetensors.numpy
from transformers import AutoTokenizer

from dnabert.encoders import load_encoder
from dnabert.encoders.config import EmbedConfig
from dnabert.encoders.encoder import DEFAULT_RUN
from dnabert.errors import UserError
from dnabert.pretraining import pretrain
from dnabert.pretraining.release import release
from dnabert.tokenizer import load_tokenizer


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


@pytest.mark.slow
@pytest.mark.parametrize(
    "changes", [{}, {"architecture": "lstm"}, {"architecture": "convolution"}, {"stride": 1}], ids=str
)
def test_the_code_of_a_card_runs_as_it_stands_there(config, tmp_path, changes):
    pytest.importorskip("sentence_transformers")
    settings = config(steps=1, **{name: value for name, value in changes.items() if name == "stride"})
    settings.model.architecture = changes.get("architecture", "modernbert")
    out = release(pretrain(settings), out=tmp_path / "released", data="a simulated genome.")
    (code,) = re.findall(r"```python\n(.*?)```", (out / "README.md").read_text(), flags=re.DOTALL)
    asked = code.replace("SentenceTransformer(", "print(SentenceTransformer(").replace("]) ", "]).shape) ")
    done = subprocess.run([sys.executable, "-c", asked], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stdout.splitlines()[-1:] == ["(1, 32)"], done.stderr


def test_a_run_is_not_replaced_by_its_release_nor_by_what_begins_with_it(config, tmp_path):
    run = pretrain(config(steps=1))
    before = {path.name: path.read_bytes() for path in run.iterdir() if path.is_file()}
    with pytest.raises(UserError, match="is the run itself"):
        release(run, out=run, data="", overwrite=True)
    with pytest.raises(UserError, match="is read: choose another --out"):
        pretrain(config(steps=1, initial=str(run), out=str(run), overwrite=True))
    assert {path.name: path.read_bytes() for path in run.iterdir() if path.is_file()} == before


OTHER_WEIGHTS = safetensors.numpy.save({"other": np.zeros(1, dtype=np.float32)}, metadata={"format": "pt"})


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("model.safetensors", b"half"),
        ("model.safetensors", OTHER_WEIGHTS),
        ("tokenizer.json", b""),
        ("config.json", b"{}"),
    ],
)
def test_a_damaged_run_is_one_line_wherever_it_is_read(config, tmp_path, name, content):
    run = pretrain(config(steps=1))
    (run / name).write_bytes(content)
    readers = [
        lambda: load_encoder(str(run)),
        lambda: pretrain(config(steps=1, initial=str(run), out=str(tmp_path / "next"))),
    ]
    if name == "model.safetensors":
        readers.append(lambda: release(run, out=tmp_path / "released", data=""))
    for read in readers if name != "config.json" else readers[:1]:
        with pytest.raises(UserError, match=r"run"):
            read()


def test_a_model_that_ends_in_nan_is_no_run(config, tmp_path):
    with pytest.raises(UserError, match="the loss is nan after step 1"):
        pretrain(config(steps=1, learning_rate=1e38, warmup_steps=0))
    assert not (tmp_path / "run" / "manifest.json").exists()


def test_what_is_no_run_is_refused(tmp_path):
    with pytest.raises(UserError, match="no such run folder"):
        release(tmp_path / "none", out=tmp_path / "out", data="")


def test_a_release_is_not_released_again(tmp_path):
    with pytest.raises(UserError, match="is a release already, small and with its card: copy the folder"):
        release(DEFAULT_RUN, out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_the_default_model_comes_with_the_package(bases):
    assert (DEFAULT_RUN / "model.safetensors").stat().st_size < 16e6
    encoder = load_encoder("default", config=EmbedConfig(precision="fp32"))
    vectors = encoder.encode(bases)
    assert vectors.shape == (5, 384) and np.isfinite(vectors).all()
    assert vectors.std(axis=0).mean() > 0.01  # different sequences, different vectors


def test_truncation_of_the_default_model_cuts_to_its_window():
    """``truncation=True`` cut nothing: transformers took the model to read any length, and it answered for what it
    never saw."""
    tokenizer = AutoTokenizer.from_pretrained(DEFAULT_RUN)
    window = json.loads((DEFAULT_RUN / "config.json").read_text())["window_length"]
    assert tokenizer.model_max_length == load_tokenizer(DEFAULT_RUN).number_of_words(window) + 2
    assert len(tokenizer("ACGT" * 500, truncation=True)["input_ids"]) == 76
