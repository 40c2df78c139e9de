"""Bits per base of a small model, against the log probabilities that it gives to each hidden word."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from dnabert.corpus import config_from_fasta, prepare
from dnabert.models.build import build_model
from dnabert.models.config import ModelConfig
from dnabert.models.objective import MaskedObjective
from dnabert.models.precision import accelerator_in
from dnabert.pretraining import evaluation
from dnabert.pretraining.evaluation import Evaluation, evaluate
from dnabert.pretraining.intervals import drawn_together, ratio
from dnabert.pretraining.sampling import Sampler
from dnabert.tokenizer import KmerTokenizer

K = 3


@pytest.fixture(scope="module")
def sampler(tmp_path_factory: pytest.TempPathFactory) -> Sampler:
    """Of 300 windows, the middle third of each sequence in small letters, and many N; of a window at either end of that
    a tenth, which is too much for unique sequence."""
    folder: Path = tmp_path_factory.mktemp("evaluation")
    rng = np.random.default_rng(0)
    with (folder / "genome.fa").open("w") as file:
        for name in ("chr1", "chr2", "chr3"):
            letters = rng.choice(list("ACGTN"), 3_000, p=[0.2] * 5)
            letters[1_017:1_983] = np.char.lower(letters[1_017:1_983])
            file.write(f">{name}\n{''.join(letters)}\n")
    config = config_from_fasta([folder / "genome.fa"])
    config.window.length, config.window.max_n_fraction = 30, 0.5
    view = prepare(config, out=folder / "corpus").view(None)
    return Sampler(view, KmerTokenizer(k=K), batch_size=8, seed=0, mask_share=0.3)


@pytest.fixture(scope="module")
def objective(sampler: Sampler) -> MaskedObjective:
    sizes = ModelConfig(hidden_size=16, layers=1, heads=2, intermediate_size=16)
    model = build_model(sizes, tokenizer=sampler.tokenizer, max_tokens=sampler.tokens_per_window, seed=0)
    generator = torch.Generator().manual_seed(0)
    for parameter in model.parameters():  # else every word would be as probable as the others
        parameter.data += 0.5 * torch.randn(parameter.shape, generator=generator)
    return MaskedObjective(model)


@pytest.fixture(scope="module")
def found(objective: MaskedObjective, sampler: Sampler) -> Evaluation:
    return evaluate(objective, sampler, accelerator=accelerator_in("fp32", device=torch.device("cpu")))


@torch.no_grad()
def by_hand(objective: MaskedObjective, sampler: Sampler) -> np.ndarray:
    """Nats, hits and number of the hidden words of each window, one window and word at a time."""
    sums = np.zeros((3, len(sampler.view)))
    model = objective.model.eval()
    for row in range(len(sampler.view)):
        batch = sampler.frozen(np.array([row]))
        logits = model(input_ids=torch.from_numpy(batch.input_ids)).logits[0].double().numpy()
        bases = sampler.view.bases(np.array([row]))[0]
        for position in batch.positions[0]:
            word = bytes(bases[(position - 1) * K : position * K]).decode().upper()
            if "N" not in word:
                true = sampler.tokenizer.convert_tokens_to_ids(word)
                nats = np.logaddexp.reduce(logits[position]) - logits[position][true]
                sums[:, row] += nats, logits[position].argmax() == true, 1
    return sums


def test_a_score_is_that_of_each_hidden_word_by_hand(
    found: Evaluation, objective: MaskedObjective, sampler: Sampler
) -> None:
    nats, hits, words = by_hand(objective, sampler)
    bits = nats / math.log(2)
    assert found.bits_per_base == pytest.approx(bits.sum() / (K * words.sum()), rel=1e-5)
    assert found.words == words.sum() < 300 * 3 and found.masked_accuracy == hits.sum() / words.sum() > 0
    unique = (sampler.view.bases(np.arange(300)) >= ord("a")).sum(axis=1) < 3
    assert unique.sum() == 3 * (33 + 33)
    assert found.bits_per_base_unique == pytest.approx(bits[unique].sum() / (K * words[unique].sum()), rel=1e-5)
    assert abs(found.bits_per_base_unique - found.bits_per_base) > 1e-3  # else nothing would be told apart


def test_the_interval_is_of_windows_that_are_drawn_together(
    found: Evaluation, objective: MaskedObjective, sampler: Sampler
) -> None:
    nats, _, words = by_hand(objective, sampler)
    place = drawn_together(sampler.view, np.arange(300))
    assert 3 <= len(set(place)) < 300
    sums = [(nats[place == each].sum(), K * words[place == each].sum()) for each in range(place.max() + 1)]
    np.testing.assert_allclose(found.nats, [nats for nats, _ in sums], rtol=1e-5)
    assert found.bases.tolist() == [bases for _, bases in sums]
    interval = ratio([nats / math.log(2) for nats, _ in sums], [bases for _, bases in sums]).interval
    assert (found.low, found.high) == pytest.approx(interval, rel=1e-4)
    assert found.low < found.bits_per_base < found.high


def test_a_score_depends_on_no_batch_size_and_gives_the_mode_back(
    found: Evaluation, objective: MaskedObjective, sampler: Sampler, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evaluation, "_BATCH", 7)
    for training in (True, False):
        objective.train(training)
        again = evaluate(objective, sampler, accelerator=accelerator_in("fp32", device=torch.device("cpu")))
        assert objective.training is training and objective.model.training is training
        assert again.bits_per_base == pytest.approx(found.bits_per_base, rel=1e-6) and again.words == found.words
    assert found.metrics() == {
        "validation_bits_per_base": found.bits_per_base,
        "low": found.low,
        "high": found.high,
        "masked_accuracy": found.masked_accuracy,
        "validation_words": found.words,
        "validation_bits_per_base_unique": found.bits_per_base_unique,
    }


def test_without_unique_windows_their_score_is_not_known(objective: MaskedObjective, sampler: Sampler) -> None:
    masked = sampler.view.column("soft_masked") > 0.5
    alone = Sampler(
        sampler.view.select(np.flatnonzero(masked)), sampler.tokenizer, batch_size=8, seed=0, mask_share=0.3
    )
    assert (
        evaluate(objective, alone, accelerator=accelerator_in("fp32", device=torch.device("cpu"))).bits_per_base_unique
        is None
    )
