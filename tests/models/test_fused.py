"""Passes over bf16 states give what torch gives in float32, to the rounding of bf16, with any number of threads."""

import os
import subprocess
import sys

import pytest
import torch
from torch.nn import functional

from dnabert.models import fused
from dnabert.models.lean_parts import _GatedGelu, _RotaryAttention, _turned
from dnabert.models.objective import _cross_entropy

CPU = torch.device("cpu")
pytestmark = pytest.mark.skipif(
    not fused.is_ready(torch.bfloat16, CPU), reason="torch has no OpenMP runtime of its own here"
)


@pytest.fixture(params=[1, 2, 3])
def threads(request):
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


def near(found, expected):
    """Equal to half a unit in the last of bf16's 8 bits, and what float32 loses."""
    assert found.dtype == torch.bfloat16
    torch.testing.assert_close(found.float(), expected, rtol=2**-8, atol=1e-6)


@pytest.mark.parametrize(
    ("batch", "tokens", "heads", "width"), [(1, 1, 1, 2), (3, 7, 2, 8), (5, 76, 4, 64), (2, 13, 3, 34)]
)
def test_queries_and_keys_are_turned_and_back(threads, batch, tokens, heads, width):
    torch.manual_seed(0)
    qkv = torch.randn(batch, tokens, 3, heads, width).bfloat16()
    angle = torch.rand(2, 1, tokens, width // 2) * 6
    cos, sin = angle.cos(), angle.sin()
    q, k, v = fused.split_and_turn(qkv, cos, sin)
    by_head = qkv.float().permute(2, 0, 3, 1, 4)
    for found, place in ((q, 0), (k, 1)):
        torch.testing.assert_close(
            found.float(), _turned(by_head[place], cos[place], sin[place]).flatten(0, 1), rtol=2**-8, atol=2**-8
        )
    assert torch.equal(v, qkv.permute(2, 0, 3, 1, 4)[2].flatten(0, 1))
    back = fused.turn_back_and_join(q, k, v, cos=cos, sin=sin, heads=heads)
    torch.testing.assert_close(back.float(), qkv.float(), rtol=2**-6, atol=2**-6)  # rounded twice


@pytest.mark.parametrize(("rows", "width"), [(1, 1), (3, 5), (77, 512), (1000, 33)])
def test_the_gate_is_gelu_times_the_other_half(threads, rows, width):
    torch.manual_seed(0)
    x = (torch.randn(rows, 2 * width) * 3).bfloat16()
    grad = torch.randn(rows, width).bfloat16()
    exact = x.float().requires_grad_()
    expected = functional.gelu(exact[:, :width]) * exact[:, width:]
    near(fused.gate(x), expected.detach())
    expected.backward(grad.float())
    near(fused.gate_backward(grad, x), exact.grad)


def test_the_far_ends_of_gelu():
    x = torch.tensor([[-100.0, -12.0, -5.0, -0.0, 0.0, 5.0, 12.0, 100.0]]).bfloat16()
    both = torch.cat([x, torch.ones_like(x)], 1)
    near(fused.gate(both), functional.gelu(x.float()))
    exact = both.float().requires_grad_()
    (functional.gelu(exact[:, :8]) * exact[:, 8:]).sum().backward()
    near(fused.gate_backward(torch.ones_like(x), both), exact.grad)


def test_a_gradient_of_any_layout_is_read_right():
    torch.manual_seed(0)
    x = torch.randn(6, 8).bfloat16().requires_grad_()
    grad = torch.randn(4, 6).bfloat16().t()
    (found,) = torch.autograd.grad(_GatedGelu.apply(x), x, grad)
    exact = x.detach().float().requires_grad_()
    (expected,) = torch.autograd.grad(functional.gelu(exact[:, :4]) * exact[:, 4:], exact, grad.float())
    near(found, expected)


def test_the_same_whatever_the_threads_are():
    torch.manual_seed(0)
    x, before = torch.randn(500, 128).bfloat16(), torch.get_num_threads()
    torch.set_num_threads(1)
    alone = fused.gate(x)
    torch.set_num_threads(4)
    assert all(torch.equal(fused.gate(x), alone) for _ in range(20))
    torch.set_num_threads(before)


def test_without_the_runtime_torch_does_it(monkeypatch):
    torch.manual_seed(0)
    qkv, cos, sin = torch.randn(3, 7, 3, 2, 8).bfloat16(), torch.randn(2, 1, 7, 4), torch.randn(2, 1, 7, 4)
    x = torch.randn(9, 12).bfloat16()
    ours = _RotaryAttention.apply(qkv, cos, sin), _GatedGelu.apply(x)
    monkeypatch.setattr(fused, "_runtime", lambda: None)
    assert not fused.is_ready(torch.bfloat16, CPU)
    theirs = _RotaryAttention.apply(qkv, cos.bfloat16(), sin.bfloat16()), _GatedGelu.apply(x)
    for found, expected in zip(ours, theirs, strict=True):
        torch.testing.assert_close(found, expected, rtol=0.05, atol=0.05)


def test_another_dtype_is_torch_s_own():
    assert not fused.is_ready(torch.float32, CPU) and not fused.is_ready(torch.bfloat16, torch.device("meta"))


@pytest.mark.parametrize(("rows", "width"), [(1, 1), (5, 3), (200, 76), (64, 32), (9, 97)])
def test_softmax_in_its_place(threads, rows, width):
    torch.manual_seed(0)
    x = (torch.randn(rows, width) * 10).bfloat16()
    x[0, 0] = 300.0  # all the others vanish beside it
    expected = torch.softmax(x.float(), -1)
    found = fused.softmax_(x)
    assert found is x
    torch.testing.assert_close(found.float(), expected, rtol=2**-8, atol=1e-30)


@pytest.mark.parametrize(("rows", "width"), [(1, 8), (3, 5), (300, 256)])
@pytest.mark.parametrize("biased", [False, True])
def test_layers_are_normalised(threads, rows, width, biased):
    torch.manual_seed(0)
    x, weight = (torch.randn(rows, width) * 3 + 1).bfloat16(), torch.randn(width)
    bias, grad = torch.randn(width) * biased, torch.randn(rows, width).bfloat16()
    exact, exact_weight, exact_bias = (each.float().clone().requires_grad_() for each in (x, weight, bias))
    expected = functional.layer_norm(exact, (width,), exact_weight, exact_bias, 1e-5)
    found, scales = fused.norm(x, weight, bias=bias if biased else None, eps=1e-5)
    torch.testing.assert_close(found.float(), expected.detach(), rtol=2**-8, atol=2e-5)
    expected.backward(grad.float())
    of_x, of_weight, of_bias = fused.norm_backward(grad, x, weight=weight, scales=scales)
    torch.testing.assert_close(of_x.float(), exact.grad, rtol=2**-8, atol=2e-5)
    torch.testing.assert_close(of_weight, exact_weight.grad, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(of_bias, exact_bias.grad, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("rows", "words"), [(1, 2), (7, 69), (100, 4102)])
def test_cross_entropy(threads, rows, words):
    torch.manual_seed(0)
    logits, labels, grad = (torch.randn(rows, words) * 4).bfloat16(), torch.randint(words, (rows,)), torch.randn(rows)
    exact = logits.float().requires_grad_()
    expected = functional.cross_entropy(exact, labels, reduction="none")
    found, sums = fused.cross_entropy(logits, labels)
    torch.testing.assert_close(found, expected.detach(), rtol=1e-5, atol=1e-5)
    expected.backward(grad)
    torch.testing.assert_close(
        fused.cross_entropy_backward(grad, logits, labels=labels, sums=sums).float(), exact.grad, rtol=2**-7, atol=1e-6
    )


def test_a_label_that_is_no_word_is_refused():
    with pytest.raises(IndexError, match="labels from 1 to 5 for 5 words"):
        _cross_entropy(torch.zeros(2, 5).bfloat16(), torch.tensor([1, 5]))


_SUMS = """
import hashlib, torch
from dnabert.models import fused
torch.manual_seed(0)
for width in (64, 100, 128):
    x, grad = torch.randn(2, 300, width).bfloat16()
    weight = torch.randn(width)
    _, scales = fused.norm(x, weight, eps=1e-5)
    found = fused.norm_backward(grad, x, weight=weight, scales=scales)[0], fused.softmax_(x)
    print(*(hashlib.sha1(each.view(torch.int16).numpy()).hexdigest() for each in found))
"""


def test_code_from_disk_computes_bit_for_bit_what_it_did_when_it_was_compiled(tmp_path):
    runs = [
        subprocess.run(
            [sys.executable, "-c", _SUMS],
            env=os.environ | {"NUMBA_CACHE_DIR": str(tmp_path)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for _ in range(2)
    ]
    assert list(tmp_path.rglob("*.nbc")) and len(runs[0].split()) == 6
    assert runs[0] == runs[1]
