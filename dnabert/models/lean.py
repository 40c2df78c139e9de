"""ModernBERT's layers over whole windows with fewer passes over memory.

A small model's step on a CPU is bound by memory, not by arithmetic: at 76 tokens and 256 x 4 the matrices' products take a sixth of the time
of transformers' own forward and backward under autocast; the rest are casts, rotations in float32, slices and their gradients. Here
states stay in the dtype of the products. On a CPU each part writes its gradient once, and queries and keys are rotated and laid out for
the products in one go (in bf16 by `dnabert.models.fused`); on a GPU torch.compile fuses a layer's parts. Same weights, same function, to
rounding (a test holds it).

Shapes: B windows, T tokens, H heads, K width of a head, D = H K, N = B T, I width of the feed-forward part.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from dnabert.models import fused

_gelu_backward = torch.ops.aten.gelu_backward
_softmax_backward = torch.ops.aten._softmax_backward_data


def is_lean(model: Any) -> bool:
    """Whether `lean_states` computes what this body does: a ModernBERT without biases, dropout and local attention.

    On a CPU it is hand-written, so compiled layers are left to transformers there; on a GPU it is what torch.compile gets to see.
    """
    config = model.config
    return (
        config.model_type == "modernbert"
        and not hasattr(model.layers[0].attn.Wo.weight, "device_mesh")  # under FSDP a layer must be called to be gathered
        and _is_compiled(model) == (model.device.type != "cpu")
        and set(config.layer_types) == {"full_attention"}
        and config.hidden_activation == "gelu"
        and not (config.attention_bias or config.mlp_bias or config.norm_bias)
        and not (model.training and (config.attention_dropout or config.mlp_dropout or config.embedding_dropout))
    )


def lean_states(model: Any, input_ids: Tensor, *, dtype: torch.dtype) -> Tensor:
    """Last states (B, T, D) in `dtype` of a body that `is_lean`, of windows without padding.

    Parameters
    ----------
    model : ``ModernBertModel`` with float32 weights, whose gradients are float32.
    input_ids : int64 (B, T).
    dtype : of states and products.
    """
    batch, tokens = input_ids.shape
    through = _compiled_layer() if _is_compiled(model) else _layer
    with torch.autocast(input_ids.device.type, enabled=False):
        cos, sin = _rotation(model, tokens, dtype=torch.float32 if fused.is_ready(dtype, input_ids.device) else dtype)
        x = functional.embedding(input_ids, model.embeddings.tok_embeddings.weight, model.config.pad_token_id).flatten(0, 1)
        x = _norm(x, model.embeddings.norm).to(dtype)
        for layer in model.layers:
            x = through(layer, x, cos, sin)
        return _norm(x, model.final_norm).view(batch, tokens, -1)


def _is_compiled(model: Any) -> bool:
    return model.layers[0]._compiled_call_impl is not None


def _layer(layer: Any, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """What a layer makes of states (N, D)."""
    h = x if isinstance(layer.attn_norm, torch.nn.Identity) else _norm(x, layer.attn_norm)
    qkv = functional.linear(h, layer.attn.Wqkv.weight.to(x.dtype)).view(
        -1, cos.shape[-2], 3, x.shape[-1] // layer.attn.head_dim, layer.attn.head_dim
    )
    by_hand = x.device.type == "cpu" and not torch.compiler.is_compiling()
    read = _RotaryAttention.apply(qkv, cos, sin) if by_hand else _rotary_attention(qkv, cos, sin)
    x = x + functional.linear(read, layer.attn.Wo.weight.to(x.dtype))
    both = functional.linear(_norm(x, layer.mlp_norm), layer.mlp.Wi.weight.to(x.dtype))
    gated = _GatedGelu.apply(both) if by_hand else functional.gelu(both.chunk(2, -1)[0]) * both.chunk(2, -1)[1]
    return x + functional.linear(gated, layer.mlp.Wo.weight.to(x.dtype))


@functools.cache
def _compiled_layer() -> Callable[[Any, Tensor, Tensor, Tensor], Tensor]:
    """`_layer`, compiled at its first use, once for layers of one kind."""
    return torch.compile(_layer, dynamic=False)


def _norm(x: Tensor, norm: torch.nn.LayerNorm) -> Tensor:
    if fused.is_ready(x.dtype, x.device) and not torch.compiler.is_compiling():
        return _Norm.apply(x, norm.weight, norm.eps)  # type: ignore[no-any-return]
    return functional.layer_norm(x, norm.normalized_shape, norm.weight.to(x.dtype), None, norm.eps)


def _rotary_attention(qkv: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """What `_RotaryAttention` computes, in parts that a compiler fuses."""
    q, k, v = qkv.permute(2, 0, 3, 1, 4)  # (B, H, T, K) each
    read = functional.scaled_dot_product_attention(_turned(q, cos[0], sin[0]), _turned(k, cos[1], sin[1]), v, scale=1.0)
    return read.transpose(1, 2).reshape(-1, v.shape[1] * v.shape[-1])


def _turned(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    first, second = x.chunk(2, -1)
    return torch.cat([first * cos - second * sin, second * cos + first * sin], -1)


def _rotation(model: Any, tokens: int, *, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Cosines and sines (2, 1, T, K / 2), for queries (with attention's scale in them) and for keys."""
    positions = torch.arange(tokens, device=model.embeddings.tok_embeddings.weight.device).unsqueeze(0)
    cos, sin = model.rotary_emb(model.embeddings.tok_embeddings.weight[:1], positions, "full_attention")
    half = cos.shape[-1] // 2
    scale = torch.tensor([cos.shape[-1] ** -0.5, 1.0], device=cos.device).view(2, 1, 1, 1)
    return (cos[..., :half] * scale).to(dtype), (sin[..., :half] * scale).to(dtype)


class _Norm(torch.autograd.Function):
    """Layer normalisation of bf16 (N, D) by float32 weights (D,)."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, eps: float) -> Tensor:  # type: ignore[override]
        """Normalise."""
        x, weight = x.contiguous(), weight.float()
        out, scales = fused.norm(x, weight, eps=eps)
        ctx.save_for_backward(x, weight, scales)
        return out

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, None]:  # type: ignore[override]
        """Gradients of states and weights."""
        x, weight, scales = ctx.saved_tensors
        return *fused.norm_backward(grad, x, weight=weight, scales=scales), None


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
