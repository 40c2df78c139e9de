"""Which genomes ``dnabert prepare`` is to cut: FASTA files, the embedded demo, or those that a YAML lists."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from dnabert.corpus.config import CorpusConfig, config_from_fasta, resolve_paths
from dnabert.errors import UserError
from dnabert.flags import config_file, is_given


def genomes_asked_for(
    config: CorpusConfig, *, fasta: Sequence[str], demo: bool, words: Sequence[str]
) -> tuple[CorpusConfig, Path | None]:
    """What to prepare, and the folder that its relative paths start from.

    Parameters
    ----------
    config : flags and YAML as they were read.
    fasta, demo : the other two ways to name genomes.
    words : of the command line, which tell whether a path was typed (it starts where one stands) or read from the YAML
        (it starts beside that).

    Raises
    ------
    UserError
        when genomes are named in no way, or in several.
    """
    ways = {"FASTA files": fasta, "--demo": demo, "genomes in --config": config.genomes}
    given = [way for way, value in ways.items() if value]
    if len(given) != 1:
        told = f"got {' and '.join(given)}" if given else "nothing to prepare"
        raise UserError(f"{told}: give either FASTA files, --demo, or genomes in --config FILE.yaml")
    if demo:
        return _demo(config), None
    yaml = config_file(words)
    beside_yaml = None if yaml is None else Path(yaml).parent
    if config.orthologous_blocks is not None:
        base = None if is_given("--orthologous-blocks", words) else beside_yaml
        config = dataclasses.replace(config, orthologous_blocks=_blocks(config, base))
    if not fasta:
        return config, beside_yaml
    typed = any(path in words for path in fasta)
    return dataclasses.replace(config, genomes=config_from_fasta(fasta).genomes), None if typed else beside_yaml


def _demo(config: CorpusConfig) -> CorpusConfig:
    """The demo's genomes in the windows of `config`; its own split, where no other is asked for."""
    from dnabert.corpus import demo_config

    demo = demo_config()
    split = demo.split if config.split == CorpusConfig().split else config.split
    return dataclasses.replace(demo, window=config.window, split=split)


def _blocks(config: CorpusConfig, base: Path | None) -> str | None:
    """The path of the orthologous blocks, from `base` on."""
    return resolve_paths(dataclasses.replace(config, genomes=[]), base=base).orthologous_blocks
