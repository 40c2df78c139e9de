"""ModernBERT's and BERT's layers over whole windows with fewer passes over memory.

A small model's step on a CPU is bound by memory, not by arithmetic: at 76 tokens and 256 x 4 the matrices' products
take a sixth of the time of transformers' own forward and backward under autocast; the rest are casts, rotations in
float32, slices and their gradients. Here states stay in the dtype of the products. On a CPU each part writes its
gradient once, and queries and keys are rotated and laid out for the products in one go (in bf16 by
`dnabert.models.fused`); on a GPU torch.compile fuses a layer's parts. Same weights, same function, to rounding (a test
holds it).

Shapes: B windows, T tokens, H heads, K width of a head, D = H K, N = B T, I width of the feed-forward part.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from dnabert.models import fused
from dnabert.models.lean_parts import attention, gated_gelu, linear, norm


def is_lean(model: Any) -> bool:
    """Whether `lean_states` computes what this body does.

    It does for a ModernBERT without biases, dropout and local attention, and on a CPU for a BERT without dropout. There
    it is hand-written, so compiled layers are left to transformers; on a GPU ModernBERT's is what torch.compile gets to
    see.
    """
    kind, config = model.config.model_type, model.config
    if kind not in ("modernbert", "bert"):
        return False
    if any(hasattr(each, "device_mesh") for each in _layers(model)[0].parameters()):
        return False  # under FSDP a layer must be called to be gathered
    if _is_compiled(model) != (model.device.type != "cpu"):
        return False
    if kind == "bert":
        return (
            model.device.type == "cpu"
            and config.hidden_act == "gelu"
            and not (config.is_decoder or config.add_cross_attention)
            and config.hidden_size // config.num_attention_heads % 2 == 0
            and not (model.training and (config.hidden_dropout_prob or config.attention_probs_dropout_prob))
        )
    return (
        set(config.layer_types) == {"full_attention"}
        and config.hidden_activation == "gelu"
        and not (config.attention_bias or config.mlp_bias or config.norm_bias)
        and not (model.training and (config.attention_dropout or config.mlp_dropout or config.embedding_dropout))
    )


def lean_states(model: Any, input_ids: Tensor, *, dtype: torch.dtype, places: Tensor | None = None) -> Tensor:
    """Last states in `dtype` of a body that `is_lean`, of windows without padding: of all tokens (B, T, D), or of some
    (M, D).

    Parameters
    ----------
    model : ``ModernBertModel`` or ``BertModel`` with float32 weights, whose gradients are float32.
    input_ids : int64 (B, T).
    dtype : of states and products.
    places : int64 (M,), which of the B T tokens' states are asked for. Others are read in the last layer, and not
        computed further.
    """
    states = _bert_states if model.config.model_type == "bert" else _modernbert_states
    with torch.autocast(input_ids.device.type, enabled=False):
        found = states(model, input_ids, dtype, places)
    return found.view(*input_ids.shape, -1) if places is None else found


def _layers(model: Any) -> Any:
    return model.encoder.layer if model.config.model_type == "bert" else model.layers


def _is_compiled(model: Any) -> bool:
    return _layers(model)[0]._compiled_call_impl is not None


def _modernbert_states(model: Any, input_ids: Tensor, dtype: torch.dtype, places: Tensor | None) -> Tensor:
    through = _compiled_layer() if _is_compiled(model) else _layer
    cos, sin = _turns(*_rotation(model, input_ids.shape[1]), dtype=dtype)
    x = functional.embedding(input_ids, model.embeddings.tok_embeddings.weight, model.config.pad_token_id).flatten(0, 1)
    x = norm(x, model.embeddings.norm).to(dtype)
    for layer, asked in _with_places(model.layers, places):
        x = through(layer, x, cos, sin, asked)
    return norm(x, model.final_norm)


def _with_places(layers: Any, places: Tensor | None) -> Iterator[tuple[Any, Tensor | None]]:
    """Each layer and of which tokens it need give states: None, all, but for the last."""
    return zip(layers, [None] * (len(layers) - 1) + [places], strict=True)


def _layer(layer: Any, x: Tensor, cos: Tensor, sin: Tensor, places: Tensor | None) -> Tensor:
    """What a layer makes of states (N, D), at all places or at some."""
    h = x if isinstance(layer.attn_norm, torch.nn.Identity) else norm(x, layer.attn_norm)
    width = layer.attn.head_dim
    qkv = _through(layer.attn.Wqkv, h).view(-1, cos.shape[-2], 3, x.shape[-1] // width, width)
    x, read = _at(places, x, attention(qkv, cos, sin))
    x = _through(layer.attn.Wo, read, onto=x)
    return _through(layer.mlp.Wo, gated_gelu(_through(layer.mlp.Wi, norm(x, layer.mlp_norm))), onto=x)


@functools.cache
def _compiled_layer() -> Callable[[Any, Tensor, Tensor, Tensor, Tensor | None], Tensor]:
    """`_layer`, compiled at its first use, once for layers of one kind (and for the last of them)."""
    return torch.compile(_layer, dynamic=False)


def _rotation(model: Any, tokens: int) -> tuple[Tensor, Tensor]:
    """Cosines and sines (1, T, K / 2) of places."""
    positions = torch.arange(tokens, device=model.embeddings.tok_embeddings.weight.device).unsqueeze(0)
    cos, sin = model.rotary_emb(model.embeddings.tok_embeddings.weight[:1], positions, "full_attention")
    half = cos.shape[-1] // 2
    return cos[..., :half], sin[..., :half]


def _turns(cos: Tensor, sin: Tensor, *, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Cosines and sines (2, 1, T, K / 2) as `attention` wants them, for states of `dtype`: with its scale for queries,
    without for keys."""
    scale = torch.tensor([(2 * cos.shape[-1]) ** -0.5, 1.0], device=cos.device).view(2, 1, 1, 1)
    held = torch.float32 if fused.is_ready(dtype, cos.device) else dtype
    return (cos * scale).to(held), (sin * scale).to(held)


def _bert_states(model: Any, input_ids: Tensor, dtype: torch.dtype, places: Tensor | None) -> Tensor:
    tokens, parts = input_ids.shape[1], model.embeddings
    x = functional.embedding(input_ids, parts.word_embeddings.weight, model.config.pad_token_id)
    x = x + (parts.position_embeddings.weight[:tokens] + parts.token_type_embeddings.weight[0])
    x = norm(x.flatten(0, 1), parts.LayerNorm).to(dtype)
    unturned = torch.ones(1, tokens, model.config.hidden_size // model.config.num_attention_heads // 2, device=x.device)
    cos, sin = _turns(unturned, torch.zeros_like(unturned), dtype=dtype)
    for layer, asked in _with_places(model.encoder.layer, places):
        x = _bert_layer(layer, x, cos, sin, asked)
    return x


def _bert_layer(layer: Any, x: Tensor, cos: Tensor, sin: Tensor, places: Tensor | None) -> Tensor:
    """What a layer makes of states (N, D), at all places or at some."""
    own, width = layer.attention.self, 2 * cos.shape[-1]
    asked = (own.query, own.key, own.value)
    weight = torch.cat([projection.weight for projection in asked])
    bias = torch.cat([projection.bias for projection in asked])
    qkv = linear(x, weight, bias).view(-1, cos.shape[-2], 3, x.shape[-1] // width, width)
    x, read = _at(places, x, attention(qkv, cos, sin))
    x = norm(_through(layer.attention.output.dense, read, onto=x), layer.attention.output.LayerNorm)
    active = functional.gelu(_through(layer.intermediate.dense, x))
    return norm(_through(layer.output.dense, active, onto=x), layer.output.LayerNorm)


def _at(places: Tensor | None, *states: Tensor) -> tuple[Tensor, ...]:
    return states if places is None else tuple(each.index_select(0, places) for each in states)


def _through(layer: torch.nn.Linear, x: Tensor, *, onto: Tensor | None = None) -> Tensor:
    return linear(x, layer.weight, layer.bias, onto=onto)
