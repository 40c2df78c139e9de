"""Windows into vectors, beside sentence-transformers."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from benchmarks.contest import Contender, Contest, Rates
from benchmarks.model import ModelBenchmark
from dnabert.errors import UserError

if TYPE_CHECKING:
    from transformers import PreTrainedModel


@dataclass
class EmbedBenchmark(ModelBenchmark):
    """Windows into vectors, ours beside sentence-transformers with the same weights and pooling: in our precision and
    by the faster attention, and as it comes."""

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

    def peer(options: dict[str, Any]) -> SentenceTransformer:
        read = Transformer(str(scratch / "body"), max_seq_length=words + 2, model_kwargs=options)
        return SentenceTransformer(modules=[read, Pooling(config.model.hidden_size)])

    as_it_comes, even = peer({}), peer(loading_options(body.config))  # the faster attention
    device = next(even.parameters()).device.type
    if encoder.bf16:
        even.bfloat16()  # whole, as ours is: under autocast it would cast every state to and fro

    drawn = float(config.windows)
    contenders = (
        Contender("dnabert encoder", drawn, lambda: encoder.encode(bases)),
        *(
            Contender(name, drawn, partial(model.encode, texts, batch_size=64, show_progress_bar=False))
            for name, model in (
                ("sentence-transformers as it comes", as_it_comes),
                ("sentence-transformers encode", even),
            )
        ),
    )
    title = (
        f"vectors of {config.length} bp windows, {config.model.architecture}, {config.model.layers} x "
        f"{config.model.hidden_size}"
    )
    precision = "bf16" if encoder.bf16 else "fp32"
    return [Contest(f"{title}, {precision}, {device}", "windows", contenders, remark=_beside_what_comes)]


def _beside_what_comes(rates: list[Rates]) -> str:
    ours, as_it_comes, _ = (statistics.median(its.wall) for its in rates)
    return f"dnabert is {ours / as_it_comes:.1f} times as fast as sentence-transformers as it comes, in float32"
