"""ModernBERT's layers over whole windows with fewer passes over memory, for training on a CPU.

A small model's step is bound by memory there, not by arithmetic: of 76 tokens at 256 x 4 the matrices' products take a sixth of the time
of transformers' own forward and backward under autocast; the rest are casts, rotations in float32, slices and their gradients. Here
states stay in the dtype of the products, each part writes its gradient once, and queries and keys are rotated and laid out for the products
in one go. Same weights, same function, to rounding (a test holds it).

Shapes: B windows, T tokens, H heads, K width of a head, D = H K, N = B T, I width of the feed-forward part.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

_gelu_backward = torch.ops.aten.gelu_backward
_softmax_backward = torch.ops.aten._softmax_backward_data


def is_lean(model: Any) -> bool:
    """Whether `lean_states` computes what this body does, a ModernBERT without biases, dropout, local attention and compiled layers."""
    config = model.config
    return (
        config.model_type == "modernbert"
        and model.layers[0]._compiled_call_impl is None
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
    config, (batch, tokens) = model.config, input_ids.shape
    with torch.autocast(input_ids.device.type, enabled=False):
        cos, sin = _rotation(model, tokens, dtype=dtype)
        x = functional.embedding(input_ids, model.embeddings.tok_embeddings.weight, config.pad_token_id).flatten(0, 1)
        x = _norm(x, model.embeddings.norm).to(dtype)
        for layer in model.layers:
            h = x if isinstance(layer.attn_norm, torch.nn.Identity) else _norm(x, layer.attn_norm)
            qkv = functional.linear(h, layer.attn.Wqkv.weight.to(dtype))
            read = _RotaryAttention.apply(qkv.view(batch, tokens, 3, config.num_attention_heads, -1), cos, sin)
            x = x + functional.linear(read, layer.attn.Wo.weight.to(dtype))
            gated = _GatedGelu.apply(functional.linear(_norm(x, layer.mlp_norm), layer.mlp.Wi.weight.to(dtype)))
            x = x + functional.linear(gated, layer.mlp.Wo.weight.to(dtype))
        return _norm(x, model.final_norm).view(batch, tokens, -1)


def _norm(x: Tensor, norm: torch.nn.LayerNorm) -> Tensor:
    return functional.layer_norm(x, norm.normalized_shape, norm.weight.to(x.dtype), None, norm.eps)


def _rotation(model: Any, tokens: int, *, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Cosines and sines (2, 1, T, K / 2), for queries (with attention's scale in them) and for keys."""
    positions = torch.arange(tokens, device=model.embeddings.tok_embeddings.weight.device).unsqueeze(0)
    cos, sin = model.rotary_emb(model.embeddings.tok_embeddings.weight[:1], positions, "full_attention")
    half = cos.shape[-1] // 2
    scale = torch.tensor([cos.shape[-1] ** -0.5, 1.0], device=cos.device).view(2, 1, 1, 1)
    return (cos[..., :half] * scale).to(dtype), (sin[..., :half] * scale).to(dtype)


class _RotaryAttention(torch.autograd.Function):
    """From (B, T, 3, H, K), queries, keys and values, to what each token reads, (N, D)."""

    @staticmethod
    def forward(ctx: Any, qkv: Tensor, cos: Tensor, sin: Tensor) -> Tensor:  # type: ignore[override]
        """Rotate, compare, read."""
        batch, tokens, _, heads, width = qkv.shape
        by_head = qkv.permute(0, 2, 3, 1, 4)  # (B, 3, H, T, K)
        q, k = (_rotated(by_head[:, place], cos[place], sin[place]).flatten(0, 1) for place in (0, 1))
        v = by_head[:, 2].reshape(-1, tokens, width)
        p = torch.softmax(torch.bmm(q, k.mT), -1)
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
        first, gate = x.chunk(2, -1)
        active = functional.gelu(first)
        ctx.save_for_backward(x, active)
        return active * gate

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:  # type: ignore[override]
        """Both halves' gradient, side by side."""
        x, active = ctx.saved_tensors
        first, gate = x.chunk(2, -1)
        result = torch.empty_like(x)
        torch.mul(grad, active, out=result[:, active.shape[1] :])
        _gelu_backward.grad_input(grad * gate, first, grad_input=result[:, : active.shape[1]])
        return result
