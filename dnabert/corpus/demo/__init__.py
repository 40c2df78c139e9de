"""The corpus inside the package: real DNA of four great apes with its annotation (README.md beside this file)."""

from __future__ import annotations

from pathlib import Path

from dnabert.corpus.config import CorpusConfig, GenomeConfig, SplitConfig

#: The demo's genomes, in the order of the corpus.
GENOMES = ("human", "chimp", "gorilla", "orangutan")


def demo_folder() -> Path:
    """Folder of the embedded files: FASTA, GTF, BED, blocks, GO terms (GMT) and mobile elements (FASTA)."""
    return Path(__file__).parent


def demo_config() -> CorpusConfig:
    """Configuration of the embedded corpus, split by orthologous block.

    Examples
    --------
    >>> [genome.name for genome in demo_config().genomes]
    ['human', 'chimp', 'gorilla', 'orangutan']
    """
    folder = demo_folder()
    return CorpusConfig(
        genomes=[
            GenomeConfig(
                name=name,
                fasta=str(folder / f"{name}.fa.gz"),
                genes=str(folder / f"{name}.genes.gtf.gz"),
                repeats=str(folder / f"{name}.repeats.bed.gz"),
                cpg_islands=str(folder / f"{name}.cpg_islands.bed.gz"),
            )
            for name in GENOMES
        ],
        orthologous_blocks=str(folder / "orthologous_blocks.tsv.gz"),
        split=SplitConfig(by="block", validation_fraction=0.1, test_fraction=0.1),
    )
