"""The parts of `dnabert.models.lean`, each with its own gradient: normalisation, attention, the gate.

Shapes: B windows, T tokens, H heads, K width of a head, D = H K, N = B T, I width of the feed-forward part.
"""

from __future__ import annotations

import functools
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from dnabert.models import fused

_gelu_backward = torch.ops.aten.gelu_backward
_pointwise: Any = getattr(torch.ops.mkldnn, "_linear_pointwise", None)
_softmax_backward = torch.ops.aten._softmax_backward_data


def norm(x: Tensor, layer: torch.nn.LayerNorm) -> Tensor:
    """What a layer's normalisation makes of states (N, D), in their dtype."""
    if fused.is_ready(x.dtype, x.device) and not torch.compiler.is_compiling():
        return _Norm.apply(x, layer.weight, layer.bias, layer.eps)  # type: ignore[no-any-return]
    bias = None if layer.bias is None else layer.bias.to(x.dtype)
    return functional.layer_norm(x, layer.normalized_shape, layer.weight.to(x.dtype), bias, layer.eps)


def linear(x: Tensor, weight: Tensor, bias: Tensor | None, *, onto: Tensor | None = None) -> Tensor:
    """States (N, D) through weights (E, D) and, where there is one, a bias (E,), in the states' dtype; added to `onto`
    (N, E)."""
    weight, bias = weight.to(x.dtype), None if bias is None else bias.to(x.dtype)
    if _adds_within_products(x):
        if onto is not None:
            return _pointwise.binary(x, onto, weight, bias, "add")  # type: ignore[no-any-return]
        return _pointwise(x, weight, bias, "none", [], "")  # type: ignore[no-any-return]
    out = functional.linear(x, weight, bias)
    return out if onto is None else onto + out


def attention(qkv: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """What each token reads, (N, D), from queries, keys and values (B, T, 3, H, K) and how places turn them.

    `cos` and `sin` (2, 1, T, K / 2) are of queries, with attention's scale in them, and of keys.
    """
    if _by_hand(qkv):
        return _RotaryAttention.apply(qkv, cos, sin)  # type: ignore[no-any-return]
    return _rotary_attention(qkv, cos, sin)


def gated_gelu(both: Tensor) -> Tensor:
    """From (N, 2 I) to (N, I): the first half through GELU, times the second."""
    if _by_hand(both):
        return _GatedGelu.apply(both)  # type: ignore[no-any-return]
    first, gate = both.chunk(2, -1)
    return functional.gelu(first) * gate


def _adds_within_products(x: Tensor) -> bool:
    """Whether oneDNN may add a bias, and what comes after, while it multiplies: torch's own product copies the bias
    first.

    It has no gradient: 1.1 times as fast a BERT where none is wanted.
    """
    return x.dtype == torch.bfloat16 and not torch.is_grad_enabled() and _by_hand(x) and _has_pointwise()


@functools.cache
def _has_pointwise() -> bool:
    """Whether this torch and this machine have the products that torch.compile would take for bf16 on a CPU."""
    operators = torch.ops.mkldnn
    return torch.backends.mkldnn.is_available() and _pointwise is not None and operators._is_mkldnn_bf16_supported()


def _by_hand(x: Tensor) -> bool:
    return x.device.type == "cpu" and not torch.compiler.is_compiling()


def _rotary_attention(qkv: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """What `_RotaryAttention` computes, in parts that a compiler fuses."""
    q, k, v = qkv.permute(2, 0, 3, 1, 4)  # (B, H, T, K) each
    read = functional.scaled_dot_product_attention(_turned(q, cos[0], sin[0]), _turned(k, cos[1], sin[1]), v, scale=1.0)
    return read.transpose(1, 2).reshape(-1, v.shape[1] * v.shape[-1])


def _turned(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    first, second = x.chunk(2, -1)
    return torch.cat([first * cos - second * sin, second * cos + first * sin], -1)


class _Norm(torch.autograd.Function):
    """Layer normalisation of bf16 (N, D) by float32 weights and, where there are some, biases (D,)."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None, eps: float) -> Tensor:  # type: ignore[override]
        """Normalise."""
        x, weight = x.contiguous(), weight.float()
        out, scales = fused.norm(x, weight, bias=None if bias is None else bias.float(), eps=eps)
        ctx.save_for_backward(x, weight, scales)
        ctx.has_bias = bias is not None
        return out

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, Tensor | None, None]:  # type: ignore[override]
        """Gradients of states, weights and biases."""
        x, weight, scales = ctx.saved_tensors
        of_x, of_weight, of_bias = fused.norm_backward(grad, x, weight=weight, scales=scales)
        return of_x, of_weight, of_bias if ctx.has_bias else None, None


class _RotaryAttention(torch.autograd.Function):
    """From (B, T, 3, H, K), queries, keys and values, to what each token reads, (N, D)."""

    @staticmethod
    def forward(ctx: Any, qkv: Tensor, cos: Tensor, sin: Tensor) -> Tensor:  # type: ignore[override]
        """Rotate, compare, read."""
        batch, tokens, _, heads, width = qkv.shape
        if fused.is_ready(qkv.dtype, qkv.device):
            q, k, v = fused.split_and_turn(qkv, cos, sin)
        else:
            by_head = qkv.permute(0, 2, 3, 1, 4)  # (B, 3, H, T, K)
            q, k = (_rotated(by_head[:, place], cos[place], sin[place]).flatten(0, 1) for place in (0, 1))
            v = by_head[:, 2].reshape(-1, tokens, width)
        scores = torch.bmm(q, k.mT)
        p = fused.softmax_(scores) if fused.is_ready(scores.dtype, scores.device) else torch.softmax(scores, -1)
        ctx.save_for_backward(q, k, v, p, cos, sin)
        ctx.shape = qkv.shape
        read = torch.bmm(p, v).view(batch, heads, tokens, width)
        return read.transpose(1, 2).reshape(batch * tokens, heads * width)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:  # type: ignore[override]
        """Gradient of queries, keys and values, in their own layout."""
        q, k, v, p, cos, sin = ctx.saved_tensors
        batch, tokens, _, heads, width = ctx.shape
        g = grad.view(batch, tokens, heads, width).transpose(1, 2).reshape(-1, tokens, width)
        ds = _softmax_backward(torch.bmm(g, v.mT), p, -1, p.dtype)
        if fused.is_ready(grad.dtype, grad.device):
            gradients = torch.bmm(ds, k), torch.bmm(ds.mT, q), torch.bmm(p.mT, g)
            return fused.turn_back_and_join(*gradients, cos=cos, sin=sin, heads=heads), None, None
        result = torch.empty(ctx.shape, dtype=grad.dtype, device=grad.device)
        by_head = result.permute(0, 2, 3, 1, 4)
        by_head[:, 2] = torch.bmm(p.mT, g).view(batch, heads, tokens, width)
        for place, d in ((0, torch.bmm(ds, k)), (1, torch.bmm(ds.mT, q))):
            d = d.view(batch, heads, tokens, width)
            _rotate_into(by_head[:, place], d, cos[place], -sin[place])
        return result, None, None


def _rotated(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Turned by its place, float (B, H, T, K) laid out anew."""
    out = torch.empty_like(x, memory_format=torch.contiguous_format)
    _rotate_into(out, x, cos, sin)
    return out


def _rotate_into(out: Tensor, x: Tensor, cos: Tensor, sin: Tensor) -> None:
    half = x.shape[-1] // 2
    first, second = x[..., :half], x[..., half:]
    torch.mul(first, cos, out=out[..., :half]).addcmul_(second, sin, value=-1)
    torch.mul(second, cos, out=out[..., half:]).addcmul_(first, sin)


class _GatedGelu(torch.autograd.Function):
    """From (N, 2 I) to (N, I): the first half through GELU, times the second."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:  # type: ignore[override]
        """Gate."""
        if fused.is_ready(x.dtype, x.device):
            ctx.save_for_backward(x)
            return fused.gate(x)
        first, gate = x.chunk(2, -1)
        active = functional.gelu(first)
        ctx.save_for_backward(x, active)
        return active * gate

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:  # type: ignore[override]
        """Both halves' gradient, side by side."""
        if len(ctx.saved_tensors) == 1:
            return fused.gate_backward(grad, *ctx.saved_tensors)
        x, active = ctx.saved_tensors
        first, gate = x.chunk(2, -1)
        result = torch.empty_like(x)
        torch.mul(grad, active, out=result[:, active.shape[1] :])
        _gelu_backward.grad_input(grad * gate, first, grad_input=result[:, : active.shape[1]])
        return result
