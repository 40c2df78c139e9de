"""What a corpus is made of: genomes and their annotation, how they are cut, how they are split."""

from __future__ import annotations

import dataclasses
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dnabert.config import check_types
from dnabert.corpus.annotated_sequences import holds_annotation
from dnabert.errors import UserError

#: Ways to split a corpus; what each means stands in `SplitConfig`.
SPLITS_BY = ("tail", "block", "chromosome", "region", "random")

_FASTA_ENDING = re.compile(
    r"(\.(fa|fasta|fna|fas|ffn|seq|2bit|gbk?|gbff|embl|dat|gff3?))?(\.(gz|bgz|bgzf))?$", re.IGNORECASE
)
#: Fields of `GenomeConfig` that are paths.
_FILES = ("fasta", "genes", "repeats", "cpg_islands")


@dataclass
class GenomeConfig:
    """One genome and, where there are any, the files that annotate it."""

    name: str
    """Name of the genome, as it stands in the corpus: human, chimp, …"""
    fasta: str
    """FASTA or .2bit file; plain, gzip or bgzip. GenBank, EMBL, and GFF3 that ends with its sequences (Prokka, Bakta),
    bring their genes."""
    genes: str | None = None
    """GTF, GFF3, GenBank, EMBL, genePred table (UCSC's ncbiRefSeq, refGene, …), bigGenePred as text, or BED of 12
    columns, gzip or not."""
    repeats: str | None = None
    """BED of repeats (the fourth column names the class), UCSC's rmsk table, RepeatMasker's .out, GFF3, GenBank or
    EMBL, gzip or not."""
    cpg_islands: str | None = None
    """BED of CpG islands or UCSC's cpgIslandExt table, gzip or not."""
    chroms: list[str] | None = None
    """Sequences to cut; none: all of the file."""

    def __post_init__(self) -> None:
        """Check that a choice of sequences is one."""
        check_types(self)
        if self.chroms is not None and not self.chroms:
            raise UserError(f"chroms of genome {self.name!r} is empty: name sequences, or leave it out for all")


@dataclass
class WindowConfig:
    """How sequences are cut into windows."""

    length: int = 448
    """Bases per window: 64 words of 7 bases, or 74 of 6 and 4 bases that are left over."""
    step: int | None = None
    """Bases from one window's start to the next one's; none: the window's length (side by side)."""
    min_n_run: int = 10
    """A run of at least this many bases other than A, C, G, T splits a sequence."""
    max_n_fraction: float = 0.0
    """Largest share of bases other than A, C, G, T in a window."""

    def __post_init__(self) -> None:
        """Check the ranges."""
        check_types(self)
        if not 1 <= self.length <= 65_535:
            raise UserError(f"window.length is {self.length}, allowed is 1 to 65535 bases: set window.length")
        if self.step is not None and self.step < 1:
            raise UserError(
                f"window.step is {self.step}, allowed is 1 or more (or none: the window's length): set window.step"
            )
        if self.min_n_run < 1:
            raise UserError(f"window.min_n_run is {self.min_n_run}, allowed is 1 or more: set window.min_n_run")
        if not 0 <= self.max_n_fraction < 1:
            raise UserError(
                f"window.max_n_fraction is {self.max_n_fraction}, allowed is 0 to below 1: set window.max_n_fraction"
            )


@dataclass
class SplitConfig:
    """How windows are divided into train, validation and test.

    `by` is one of: ``tail`` (the end of every sequence is validation, then test; a sequence whose share would hold no
    window is train throughout), ``block`` (by orthologous block, placed by its start in the `reference` genome: the
    only safe way with related genomes), ``chromosome`` and ``region`` (those named in `validation` and `test`; of
    chromosomes, contigs or records also whole ones drawn at random, where none is named), ``random`` (window by window;
    near-copies leak).
    """

    by: str = "tail"
    """tail, block, chromosome, region or random."""
    validation: list[str] = field(default_factory=list)
    """By chromosome: names. By region: [GENOME/]CHROM:START-END (0-based, half open, either end may be empty). By
    block: regions of the reference genome."""
    test: list[str] = field(default_factory=list)
    """As `validation`."""
    validation_fraction: float = 0.05
    """By tail, random, or block and chromosome without names: share of the bases."""
    test_fraction: float = 0.05
    """As `validation_fraction`."""
    reference: str | None = None
    """By block: the genome in whose coordinates the blocks are placed; none: the first genome."""
    seed: int = 0
    """By random, or chromosome without names: the seed."""

    def __post_init__(self) -> None:
        """Check the ranges and that what `by` needs is there."""
        check_types(self)
        if self.by not in SPLITS_BY:
            raise UserError(f"split.by is {self.by!r}, allowed is {', '.join(SPLITS_BY)}: set split.by")
        fractions = (self.validation_fraction, self.test_fraction)
        if not (min(fractions) >= 0 and sum(fractions) < 1):
            raise UserError(
                f"split.validation_fraction and split.test_fraction are {fractions[0]} and {fractions[1]}: "
                "each must be 0 or more and their sum below 1"
            )
        named = bool(self.validation or self.test)
        if self.by == "region" and not named:
            raise UserError("split.by is region, but split.validation and split.test are empty: name what they hold")
        if self.by in ("tail", "random") and named:
            raise UserError(
                f"split.by is {self.by}, which takes no split.validation or split.test: set split.by to region"
            )


@dataclass
class CorpusConfig:
    """Genomes, windows and splits of a corpus."""

    genomes: list[GenomeConfig] = field(default_factory=list)
    """The genomes, in the order in which their windows stand in the corpus."""
    orthologous_blocks: str | None = None
    """TSV with a header and the columns block, genome, chrom, start, end (0-based, half open)."""
    window: WindowConfig = field(default_factory=WindowConfig)
    """How sequences are cut."""
    split: SplitConfig = field(default_factory=SplitConfig)
    """How windows are divided."""

    def __post_init__(self) -> None:
        """Check that names are unique and that a split by block has blocks."""
        check_types(self)
        names = [genome.name for genome in self.genomes]
        for name in names:
            if names.count(name) > 1:
                raise UserError(f"two genomes are named {name!r}: give each its own name under genomes")
            if not name or "/" in name:
                raise UserError(f"a genome is named {name!r}: a name is not empty and holds no '/'")
        if self.split.by == "block" and self.orthologous_blocks is None:
            raise UserError(
                "split.by is block, but orthologous_blocks is not set: name its TSV or set split.by to tail"
            )
        if self.split.reference is not None and names and self.split.reference not in names:
            raise UserError(
                f"split.reference is {self.split.reference!r}, which is none of the genomes {', '.join(names)}"
            )


def config_from_fasta(paths: str | Path | Iterable[str | Path]) -> CorpusConfig:
    """Corpus of one or several files of sequences (FASTA, .2bit, GenBank, EMBL), each a genome named after its file.

    Examples
    --------
    >>> [genome.name for genome in config_from_fasta(["a/yeast.fa.gz", "worm.fasta"]).genomes]
    ['yeast', 'worm']
    """
    if isinstance(paths, str | Path):
        paths = [paths]
    # a folder like . has no name of its own; that it is no file is said where files are looked for
    genomes = [GenomeConfig(name=_FASTA_ENDING.sub("", Path(path).name) or "genome", fasta=str(path)) for path in paths]
    return CorpusConfig(genomes=genomes)


def resolve_paths(config: CorpusConfig, *, base: Path | None = None) -> CorpusConfig:
    """Copy of `config` with every path absolute: ``~`` and ``$VARIABLES`` expanded, relative ones under `base`; the
    genes of a genome without a file of them are those that its sequences come with (GenBank, EMBL, GFF3).

    Parameters
    ----------
    base : folder that relative paths are relative to; none: the working directory.

    Raises
    ------
    UserError
        when a variable is not set or a file does not exist.
    """
    base = Path.cwd() if base is None else Path(base)
    genomes = []
    for genome in config.genomes:
        files = {key: getattr(genome, key) for key in _FILES}
        paths: dict[str, Any] = {
            key: _resolve(path, base=base, key=f"genomes.{genome.name}.{key}") for key, path in files.items()
        }
        if paths["genes"] is None and holds_annotation(paths["fasta"]):
            paths["genes"] = paths["fasta"]
        genomes.append(dataclasses.replace(genome, **paths))
    blocks = _resolve(config.orthologous_blocks, base=base, key="orthologous_blocks")
    return dataclasses.replace(config, genomes=genomes, orthologous_blocks=blocks)


def _resolve(path: str | None, *, base: Path, key: str) -> str | None:
    if path is None:
        return None
    absolute = Path(os.path.abspath(base / expand(path, key=key)))
    if absolute.is_file():
        return str(absolute)
    kind = "no such file"
    if absolute.is_dir():
        kind = "it is a folder"
    elif absolute.is_fifo():
        kind = "it is a pipe, which cannot be read twice"
    raise UserError(f"{key} is {path}: {kind} ({absolute}): give an existing file")


def expand(path: str, *, key: str) -> str:
    """Put ``~`` and ``$VARIABLES`` of a path in a configuration in place.

    Raises
    ------
    UserError
        when a variable is not set; `key` is what the line names.
    """
    expanded = os.path.expanduser(os.path.expandvars(path))
    missing = re.search(r"\$\{?(\w+)", expanded)
    if missing:
        name = missing.group(1)
        raise UserError(f"{key} is {path}, but the variable {name} is not set: export {name}=FOLDER")
    return expanded
