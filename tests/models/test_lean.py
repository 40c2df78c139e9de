import shutil

import pytest
import torch
from torch.nn import functional

from dnabert.models import lean_parts
from dnabert.models.build import build_model, compile_layers
from dnabert.models.config import ModelConfig
from dnabert.models.lean import is_lean, lean_states
from dnabert.models.lean_parts import _rotary_attention, _RotaryAttention, linear
from dnabert.models.objective import last_states
from dnabert.tokenizer import KmerTokenizer

SIZES = {"hidden_size": 32, "layers": 3, "heads": 2, "intermediate_size": 48}


def body(**settings):
    """A model whose every part matters: nothing is zero."""
    model = build_model(ModelConfig(**SIZES, **settings), tokenizer=KmerTokenizer(k=3), max_tokens=20).base_model
    torch.manual_seed(1)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    model.pooler = None  # BERT's, which no part of this package reads
    return model


def gradients(model, states):
    torch.manual_seed(2)
    model.zero_grad()
    (states.float() * torch.randn(states.shape)).sum().backward()
    return {name: parameter.grad.clone() for name, parameter in model.named_parameters()}


@pytest.mark.parametrize("architecture", ["modernbert", "bert"])
@pytest.mark.parametrize("batch", [1, 5])
def test_states_and_gradients_are_those_of_transformers(batch, architecture):
    model = body(architecture=architecture)
    assert is_lean(model)
    ids = torch.randint(5, 69, (batch, 20))
    expected, found = model(input_ids=ids).last_hidden_state, lean_states(model, ids, dtype=torch.float32)
    torch.testing.assert_close(found, expected, atol=2e-5, rtol=1e-4)
    theirs, ours = gradients(model, expected), gradients(model, found)
    for name in theirs:
        assert (ours[name] - theirs[name]).norm() <= 1e-4 * theirs[name].norm() + 1e-6, name


@pytest.mark.parametrize("architecture", ["modernbert", "bert"])
@pytest.mark.parametrize("places", [[], [7], [0, 19, 23, 24, 99]])
def test_states_of_some_tokens_are_those_among_all_and_so_are_their_gradients(places, architecture):
    model, places = body(architecture=architecture), torch.tensor(places, dtype=torch.long)
    ids = torch.randint(5, 69, (5, 20))
    expected = model(input_ids=ids).last_hidden_state.flatten(0, 1)[places]
    found = lean_states(model, ids, dtype=torch.float32, places=places)
    torch.testing.assert_close(found, expected, atol=2e-5, rtol=1e-4)
    theirs, ours = gradients(model, expected), gradients(model, found)
    for name in theirs:
        assert (ours[name] - theirs[name]).norm() <= 1e-4 * theirs[name].norm() + 1e-6, name
    for mode in (torch.enable_grad, torch.no_grad):
        with mode():
            rounded = lean_states(model, ids, dtype=torch.bfloat16, places=places)
            whole = lean_states(model, ids, dtype=torch.bfloat16).flatten(0, 1)
            # a product may sum in another order
            torch.testing.assert_close(rounded, whole[places], rtol=2**-6, atol=2**-5)


def test_after_its_attention_the_last_layer_is_computed_for_no_other_token(monkeypatch):
    rows = []
    monkeypatch.setattr("dnabert.models.lean.gated_gelu", lambda x: rows.append(len(x)) or lean_parts.gated_gelu(x))
    lean_states(body(), torch.randint(5, 69, (5, 20)), dtype=torch.float32, places=torch.tensor([3, 50]))
    assert rows == [100, 100, 2]


def test_what_is_fused_on_a_gpu_is_what_is_written_by_hand_for_a_cpu():
    torch.manual_seed(0)
    cos, sin = torch.randn(2, 1, 7, 4), torch.randn(2, 1, 7, 4)
    qkv = torch.randn(3, 7, 3, 2, 8, requires_grad=True)
    by_hand, fused = _RotaryAttention.apply(qkv, cos, sin), _rotary_attention(qkv, cos, sin)
    torch.testing.assert_close(by_hand, fused)
    weights = torch.randn(by_hand.shape)
    (expected,), (found,) = (torch.autograd.grad((each * weights).sum(), qkv) for each in (fused, by_hand))
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("architecture", ["modernbert", "bert"])
def test_bf16_is_as_near_as_autocast_is(architecture):
    model = body(architecture=architecture)
    ids = torch.randint(5, 69, (8, 20))
    exact = model(input_ids=ids).last_hidden_state
    with torch.autocast("cpu", dtype=torch.bfloat16):
        theirs, ours = model(input_ids=ids).last_hidden_state, last_states(model, ids)
    assert ours.dtype == torch.bfloat16
    assert (ours - exact).norm() < 1.5 * (theirs - exact).norm() + 1e-3 * exact.norm()


@pytest.mark.parametrize("architecture", ["modernbert", "bert"])
def test_weights_in_bf16_are_read_as_such(architecture):
    model = body(architecture=architecture)
    ids = torch.randint(5, 69, (8, 20))
    exact = last_states(model, ids)
    rounded = last_states(model.bfloat16(), ids).float()
    assert torch.nn.functional.cosine_similarity(exact, rounded, dim=-1).min() > 0.99


@pytest.mark.parametrize(
    "settings", [{"dropout": 0.1}, {"architecture": "bert", "dropout": 0.1}, {"architecture": "lstm"}]
)
def test_what_it_does_not_compute_is_left_to_transformers(settings):
    model = body(**settings)
    assert not is_lean(model)
    assert last_states(model, torch.randint(5, 69, (2, 20))).shape == (2, 20, 32)


@pytest.mark.parametrize("architecture", ["modernbert", "bert"])
def test_dropout_matters_in_training_only(architecture):
    model = body(architecture=architecture, dropout=0.1).eval()
    assert is_lean(model)
    ids = torch.randint(5, 69, (2, 20))
    torch.testing.assert_close(last_states(model, ids), model(input_ids=ids).last_hidden_state, atol=2e-5, rtol=1e-4)


@pytest.mark.parametrize(
    ("architecture", "change"),
    [
        ("modernbert", {"attention_bias": True}),
        ("modernbert", {"norm_bias": True}),
        ("modernbert", {"layer_types": ["sliding_attention"] * 3}),
        ("modernbert", {"hidden_activation": "relu"}),
        ("bert", {"hidden_act": "relu"}),
        ("bert", {"is_decoder": True}),
        ("bert", {"add_cross_attention": True}),
    ],
)
def test_layers_of_another_kind_are_refused(architecture, change):
    model = body(architecture=architecture)
    assert is_lean(model)
    for name, value in change.items():
        setattr(model.config, name, value)
    assert not is_lean(model)


@pytest.mark.filterwarnings("default")  # those of torch's compiler about itself
def test_compiled_layers_are_used():
    model = body()
    compile_layers(model)
    assert not is_lean(model)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("g++") is None, reason="torch.compile needs a C++ compiler on a CPU")
@pytest.mark.filterwarnings("default")  # those of torch's compiler about itself
@pytest.mark.parametrize("architecture", ["modernbert", "bert", "convolution"])
def test_compiled_layers_compute_the_same(architecture):
    model = body(architecture=architecture)
    ids = torch.randint(5, 69, (2, 20))
    expected = gradients(model, model(input_ids=ids).last_hidden_state)
    compile_layers(model)
    found = gradients(model, last_states(model, ids))
    if architecture == "modernbert":  # a GPU's way
        fused = gradients(model, lean_states(model, ids, dtype=torch.float32))
        assert all((fused[name] - found[name]).norm() <= 1e-3 * found[name].norm() + 1e-5 for name in found)
        places = torch.tensor([3, 31])
        expected_at = model(input_ids=ids).last_hidden_state.flatten(0, 1)[places]
        torch.testing.assert_close(
            lean_states(model, ids, dtype=torch.float32, places=places), expected_at, atol=2e-5, rtol=1e-4
        )
    for name in expected:
        assert (found[name] - expected[name]).norm() <= 1e-3 * expected[name].norm() + 1e-5, name


@pytest.mark.parametrize("onto", [False, True])
@pytest.mark.parametrize("biased", [False, True])
@pytest.mark.parametrize("rows", [1, 77])
def test_a_product_without_a_gradient_is_the_product(onto, biased, rows):
    torch.manual_seed(0)
    x, weight, bias, before = (torch.randn(shape).bfloat16() for shape in ((rows, 24), (40, 24), (40,), (rows, 40)))
    arguments = (x, weight.float(), bias.float() if biased else None)
    with torch.no_grad():
        found = linear(*arguments, onto=before if onto else None)
    exact = functional.linear(x.float(), weight.float(), bias.float() if biased else None) + (
        before.float() if onto else 0
    )
    assert found.dtype == torch.bfloat16
    torch.testing.assert_close(found.float(), exact, rtol=2**-7, atol=2**-6)
    trained = linear(x, weight.requires_grad_(), bias if biased else None, onto=before if onto else None)
    torch.testing.assert_close(trained.float(), exact, rtol=2**-7, atol=2**-6)
    trained.sum().backward()
    assert weight.grad is not None


def test_without_those_products_torch_s_own_are_taken(monkeypatch):
    model = body(architecture="bert")
    words = torch.randint(5, 60, (3, 20))
    with torch.no_grad():
        quick = lean_states(model, words, dtype=torch.bfloat16)
        monkeypatch.setattr("dnabert.models.lean_parts._has_pointwise", lambda: False)
        plain = lean_states(model, words, dtype=torch.bfloat16)
    torch.testing.assert_close(quick.float(), plain.float(), rtol=2**-5, atol=2**-4)
