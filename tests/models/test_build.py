import subprocess
import sys

import pytest
import torch
from transformers import AutoModel, AutoModelForMaskedLM

from dnabert.errors import UserError
from dnabert.models.build import build_model, hidden_matrices
from dnabert.models.config import ModelConfig
from dnabert.models.objective import MaskedObjective, masked_logits
from dnabert.tokenizer import KmerTokenizer

SIZES = {"hidden_size": 32, "layers": 2, "heads": 2, "intermediate_size": 48}


@pytest.fixture(params=["modernbert", "bert"])
def model(request):
    return build_model(ModelConfig(architecture=request.param, **SIZES), tokenizer=KmerTokenizer(k=3), max_tokens=20)


def test_logits_at_masked_positions_are_those_of_the_whole_model(model):
    for parameter in model.parameters():  # zeroed projections would hide a difference
        torch.nn.init.normal_(parameter, std=0.05)
    ids = torch.randint(5, 69, (4, 20))
    positions = torch.tensor([[1, 5, 18]]).repeat(4, 1)
    whole = model(input_ids=ids).logits
    expected = torch.take_along_dim(whole, positions.unsqueeze(-1), dim=1)
    torch.testing.assert_close(masked_logits(model, ids, positions), expected)


def test_objective_is_the_cross_entropy_of_transformers(model):
    ids = torch.randint(5, 69, (4, 20))
    positions = torch.tensor([[1, 5, 18]]).repeat(4, 1)
    labels = torch.randint(5, 69, (4, 3))
    everywhere = torch.full((4, 20), -100).scatter(1, positions, labels)
    nats, _ = MaskedObjective(model)(ids, positions, labels)
    torch.testing.assert_close(nats.mean(), model(input_ids=ids, labels=everywhere).loss)


def test_same_seed_same_weights_and_the_callers_random_state_is_left_alone():
    tokenizer = KmerTokenizer(k=3)
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    first = build_model(ModelConfig(**SIZES), tokenizer=tokenizer, max_tokens=20, seed=7)
    assert torch.equal(torch.rand(3), expected)
    second = build_model(ModelConfig(**SIZES), tokenizer=tokenizer, max_tokens=20, seed=7)
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True))


def test_hidden_matrices_are_those_of_the_layers(model):
    names = hidden_matrices(model)
    per_layer = 4 if model.config.model_type == "modernbert" else 6
    assert len(names) == 2 * per_layer
    assert not any("embed" in name or "decoder" in name for name in names)


def test_saved_model_loads_without_dnabert(model, tmp_path):
    model.save_pretrained(tmp_path)
    KmerTokenizer(k=3).save_pretrained(tmp_path)
    assert AutoModel.from_pretrained(tmp_path).config.vocab_size == 69
    assert type(AutoModelForMaskedLM.from_pretrained(tmp_path)) is type(model)
    script = (
        "import sys; from transformers import AutoModelForMaskedLM, AutoTokenizer; "
        f"AutoModelForMaskedLM.from_pretrained({str(tmp_path)!r}); "
        f"print(AutoTokenizer.from_pretrained({str(tmp_path)!r})('ACGACG').input_ids); assert 'dnabert' not in sys.modules"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert ran.stdout.strip() == "[2, 11, 11, 3]"


def test_width_that_the_heads_do_not_divide_is_refused_with_the_flag():
    with pytest.raises(UserError, match="--model.hidden-size 100 must be an even multiple of --model.heads 3"):
        ModelConfig(hidden_size=100, heads=3)
