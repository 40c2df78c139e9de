"""Pretrain BERT-style language models on genomes of your own, and find out what they have learned."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dnabert import (  # noqa: F401 - attributes of the package
        clusters,
        comparison,
        config,
        corpus,
        encoders,
        errors,
        explain,
        export,
        finetuning,
        hub,
        models,
        pretraining,
        probes,
        report,
        scoring,
        tokenizer,
    )
    from dnabert.clusters.assign import assign
    from dnabert.clusters.clustering import cluster, load_clusters
    from dnabert.clusters.stability import load_stability, stability
    from dnabert.corpus import demo_config, load_corpus, prepare
    from dnabert.encoders.embed import embed
    from dnabert.encoders.encoder import load_encoder
    from dnabert.encoders.table import load_embeddings
    from dnabert.pretraining import pretrain
    from dnabert.report import write_report
    from dnabert.tokenizer import KmerTokenizer, load_tokenizer

# What a name needs (torch, umap, …) is imported when the name is first used.
_LAZY = {
    "KmerTokenizer": "tokenizer",
    "assign": "clusters",
    "cluster": "clusters",
    "demo_config": "corpus",
    "embed": "encoders",
    "load_clusters": "clusters",
    "load_corpus": "corpus",
    "load_embeddings": "encoders",
    "load_encoder": "encoders",
    "load_stability": "clusters",
    "load_tokenizer": "tokenizer",
    "prepare": "corpus",
    "pretrain": "pretraining",
    "stability": "clusters",
    "write_report": "report",
}

__all__ = [
    "KmerTokenizer",
    "assign",
    "cluster",
    "demo_config",
    "embed",
    "load_clusters",
    "load_corpus",
    "load_embeddings",
    "load_encoder",
    "load_stability",
    "load_tokenizer",
    "prepare",
    "pretrain",
    "stability",
    "write_report",
]

# Attributes of the package, as the names above: `import dnabert` is enough for `dnabert.encoders.EmbedConfig`.
_MODULES = (
    "clusters",
    "comparison",
    "config",
    "corpus",
    "encoders",
    "errors",
    "explain",
    "export",
    "finetuning",
    "hub",
    "models",
    "pretraining",
    "probes",
    "report",
    "scoring",
    "tokenizer",
)

__version__: str


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("dnabert")
    if name in _MODULES:
        return importlib.import_module(f"{__name__}.{name}")
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_LAZY[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*__all__, *_MODULES, "__version__"])
