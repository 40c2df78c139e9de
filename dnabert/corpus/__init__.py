"""Genomes into windows: reading, cutting, splitting, annotating."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from dnabert.corpus.config import CorpusConfig, GenomeConfig, SplitConfig, WindowConfig, config_from_fasta

if TYPE_CHECKING:
    from dnabert.corpus.demo import demo_config, demo_folder
    from dnabert.corpus.fetch import FetchConfig, fetch_genomes
    from dnabert.corpus.loading import Corpus, load_corpus
    from dnabert.corpus.preparation import prepare
    from dnabert.corpus.simulate import simulate_fasta
    from dnabert.corpus.view import WindowView

# `datasets` costs a second to import; only those who use it pay.
_LAZY = {
    "Corpus": "loading",
    "FetchConfig": "fetch",
    "fetch_genomes": "fetch",
    "WindowView": "view",
    "demo_config": "demo",
    "demo_folder": "demo",
    "load_corpus": "loading",
    "prepare": "preparation",
    "simulate_fasta": "simulate",
}

__all__ = [
    "Corpus",
    "CorpusConfig",
    "FetchConfig",
    "GenomeConfig",
    "SplitConfig",
    "WindowConfig",
    "WindowView",
    "config_from_fasta",
    "demo_config",
    "demo_folder",
    "fetch_genomes",
    "load_corpus",
    "prepare",
    "simulate_fasta",
]


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_LAZY[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
