"""Windows into vectors, beside sentence-transformers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np

from benchmarks.contest import Contender, Contest
from benchmarks.model import ModelBenchmark
from dnabert.errors import UserError

if TYPE_CHECKING:
    from transformers import PreTrainedModel


@dataclass
class EmbedBenchmark(ModelBenchmark):
    """Windows into vectors, ours beside sentence-transformers with the same weights, pooling and precision."""

    windows: int = 1_000
    """Windows of one turn."""


def embed(config: EmbedBenchmark, *, scratch: Path) -> list[Contest]:
    """Compare an encoder of a run with `SentenceTransformer.encode`."""
    from dnabert.encoders.config import EmbedConfig
    from dnabert.encoders.run import KmerReader
    from dnabert.encoders.transformer import TransformerEncoder
    from dnabert.models.build import build_model, loading_options
    from dnabert.tokenizer import KmerTokenizer

    try:
        from sentence_transformers import SentenceTransformer
        from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
    except ImportError:
        raise UserError("the peer is not installed: pip install 'dnabert[bert]'") from None
    tokenizer = KmerTokenizer(k=config.k)
    words = tokenizer.number_of_words(config.length)
    model = build_model(config.model, tokenizer=tokenizer, max_tokens=words + 2, seed=config.seed)
    body = cast("PreTrainedModel", model.base_model)
    body.save_pretrained(scratch / "body")
    tokenizer.save_pretrained(scratch / "body")
    letters = np.frombuffer(b"ACGT", dtype=np.uint8)
    bases = letters[np.random.default_rng(config.seed).integers(0, 4, (config.windows, config.length))]
    texts = [row.tobytes().decode() for row in bases]
    encoder = TransformerEncoder(
        body, reader=KmerReader(tokenizer, most_words=words), name="ours", config=EmbedConfig(batch_size=64)
    )
    # the faster attention
    peer_body = Transformer(str(scratch / "body"), max_seq_length=words + 2, model_kwargs=loading_options(body.config))
    peer = SentenceTransformer(modules=[peer_body, Pooling(config.model.hidden_size)])
    device = next(peer.parameters()).device.type
    if encoder.bf16:
        peer.bfloat16()  # whole, as ours is: under autocast it would cast every state to and fro

    drawn = float(config.windows)
    contenders = (
        Contender("dnabert encoder", drawn, lambda: encoder.encode(bases)),
        Contender(
            "sentence-transformers encode", drawn, lambda: peer.encode(texts, batch_size=64, show_progress_bar=False)
        ),
    )
    title = (
        f"vectors of {config.length} bp windows, {config.model.architecture}, {config.model.layers} x "
        f"{config.model.hidden_size}"
    )
    return [Contest(f"{title}, {'bf16' if encoder.bf16 else 'fp32'}, {device}", "windows", contenders)]
