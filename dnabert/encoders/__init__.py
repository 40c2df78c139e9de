"""Sequences into vectors behind one interface: a run, an off-the-shelf BERT, k-mer counts, random initialisation."""

from dnabert.encoders.config import EmbedConfig
from dnabert.encoders.embed import embed
from dnabert.encoders.encoder import load_encoder
from dnabert.encoders.interface import Encoder, fitted_on
from dnabert.encoders.recorded import encoder_record, load_recorded
from dnabert.encoders.table import Embeddings, load_embeddings

__all__ = [
    "EmbedConfig",
    "Embeddings",
    "Encoder",
    "embed",
    "encoder_record",
    "fitted_on",
    "load_embeddings",
    "load_encoder",
    "load_recorded",
]
