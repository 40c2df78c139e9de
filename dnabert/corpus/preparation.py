"""Genomes into a corpus on disk: the bases once, the windows as coordinates with their annotation."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import shutil
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from tqdm import tqdm

from dnabert.config import save_yaml
from dnabert.corpus.annotation import Annotation, read_annotation
from dnabert.corpus.bases import CHUNK, TableWriter, sequence_features
from dnabert.corpus.blocks import Blocks, check_blocks, read_blocks
from dnabert.corpus.config import CorpusConfig, resolve_paths
from dnabert.corpus.gene_names import Row, write_gene_names
from dnabert.corpus.loading import Corpus, load_corpus
from dnabert.corpus.reading import Genome
from dnabert.corpus.splits import SPLITS, Splitter
from dnabert.corpus.summary import GenomeSummary, check_has_windows, check_is_dna, warn_of_empty_splits
from dnabert.corpus.windows import (
    UnknownRuns,
    Windows,
    composition,
    covered,
    held_between,
    lay_windows,
    segments_between,
)
from dnabert.errors import UserError
from dnabert.given import settings
from dnabert.progress import on_a_terminal
from dnabert.stage import stage

if TYPE_CHECKING:
    import datasets

#: Windows annotated and written at a time: 9 MB of bases of the default length.
_BATCH = 20_000
#: Bases that are read to annotate a batch: one window in 50 kb would otherwise read a gigabase.
_SPAN = 1 << 24


def prepare(
    config: CorpusConfig | Mapping[str, Any], *, out: str | Path, overwrite: bool = False, base: Path | None = None
) -> Corpus:
    """Cut genomes into windows and write them as a corpus.

    Parameters
    ----------
    config : what to cut and how, or a dict of it; of FASTA files alone `config_from_fasta` makes it.
    out : folder to make.
    overwrite : replace a corpus that stands there.
    base : folder that the configuration's relative paths are relative to; none: the working directory.

    Returns
    -------
    Corpus
        the one just written; ``print(corpus.describe())`` tells what was kept and what discarded.

    Raises
    ------
    UserError
        when a file cannot be read, holds something else or speaks of other sequences, or no window fits.

    Warns
    -----
    Caution
        when a split that was asked for is empty, a genome has no orthologous block, or near-copies can stand in two
        splits.
    """
    if isinstance(config, str | Path | list | tuple):
        paths = repr([str(each) for each in config] if isinstance(config, list | tuple) else str(config))
        raise UserError(
            "a corpus is prepared as a CorpusConfig says, not of paths alone: pass "
            f"dnabert.corpus.config_from_fasta({paths})"
        )
    config = settings(config, CorpusConfig)
    if not config.genomes:
        raise UserError("the corpus has no genomes: name FASTA files or list them under genomes in the YAML")
    config = resolve_paths(config, base=base)
    with stage(out, kind="corpus", config=config, inputs=_inputs(config), overwrite=overwrite) as folder:
        scratch = folder / "scratch"
        summaries = _write(config, folder=folder, scratch=scratch)
        shutil.rmtree(scratch)
        save_yaml(config, folder / "config.yaml")
        (folder / "summary.json").write_text(json.dumps([dataclasses.asdict(s) for s in summaries], indent=2) + "\n")
    return load_corpus(out)


def window_features() -> datasets.Features:
    """Columns of the table of windows; `Annotation.columns` says what the annotation's mean."""
    from datasets import Features, Value

    text = ("gene", "gene_type", "gene_strand", "codon_frame", "region", "repeat_class", "repeat_name")
    share = ("gc", "soft_masked", "n_share", "cds", "utr", "exon", "intron", "intergenic", "repeat", "cpg_island")
    return Features(
        {
            **{name: Value("string") for name in ("genome", "chrom")},
            **{name: Value("int64") for name in ("start", "end", "offset")},
            **{name: Value("uint16") for name in ("before", "after")},
            "block": Value("int32"),
            **{name: Value("float32") for name in share},
            **{name: Value("string") for name in text},
        }
    )


def _inputs(config: CorpusConfig) -> dict[str, str]:
    files = {
        f"{genome.name}.{key}": getattr(genome, key)
        for genome in config.genomes
        for key in ("fasta", "genes", "repeats", "cpg_islands")
    }
    files["orthologous_blocks"] = config.orthologous_blocks
    return {name: path for name, path in files.items() if path is not None}


def _write(config: CorpusConfig, *, folder: Path, scratch: Path) -> list[GenomeSummary]:
    """Write both tables and the genes' names; the order of the genomes is the configuration's, of the sequences the
    files'."""
    summaries = []
    with contextlib.ExitStack() as stack:
        genomes = []
        for number, each in enumerate(config.genomes):
            place = scratch / str(number)
            place.mkdir(parents=True)
            genomes.append(stack.enter_context(Genome(each.fasta, scratch=place, chroms=each.chroms)))
        blocks = None if config.orthologous_blocks is None else read_blocks(config.orthologous_blocks)
        lengths = {each.name: genome.lengths for each, genome in zip(config.genomes, genomes, strict=True)}
        if blocks is not None:
            names = {each.name: genome.names for each, genome in zip(config.genomes, genomes, strict=True)}
            check_blocks(
                blocks, fastas={each.name: each.fasta for each in config.genomes}, names=names, lengths=lengths
            )
        splitter = Splitter(config, blocks=blocks, lengths=lengths)
        sequences = stack.enter_context(TableWriter(folder / "sequences", features=sequence_features()))
        windows = stack.enter_context(SplitWriter(folder))
        total = sum(sum(of_genome.values()) for of_genome in lengths.values())
        bar = stack.enter_context(tqdm(total=total, unit="b", unit_scale=True, desc="prepare", **on_a_terminal()))
        offset, gene_names = 0, dict[Row, None]()
        for each, genome in zip(config.genomes, genomes, strict=True):
            annotation = read_annotation(each, chroms=genome.names, lengths=genome.lengths)
            gene_names |= dict.fromkeys(() if annotation.genes is None else annotation.genes.other_names)
            cutter = Cutter(
                config, name=each.name, genome=genome, annotation=annotation, blocks=blocks, splitter=splitter
            )
            for chrom, length in genome.lengths.items():
                cutter.cut(chrom, offset=offset, sequences=sequences, windows=windows)
                offset += length
                bar.update(length)
            check_is_dna(genome.path, letters=cutter.letters)
            check_has_windows(cutter.summary, config=config, path=genome.path)
            summaries.append(cutter.summary)
        warn_of_empty_splits(summaries, config=config)
        if gene_names:
            write_gene_names(folder, gene_names)
    return summaries


class SplitWriter:
    """Writes windows into one table per split, which appears with its first window."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._writers: dict[str, TableWriter] = {}

    def __enter__(self) -> SplitWriter:
        return self

    def __exit__(self, *_: object) -> None:
        for writer in self._writers.values():
            writer.close()
        splits = [split for split in SPLITS if split in self._writers]
        (self._folder / "dataset_dict.json").write_text(json.dumps({"splits": splits}) + "\n")

    def write(self, columns: dict[str, Any], *, labels: np.ndarray) -> None:
        """Append each window to the table of its split; those of label -1 go nowhere."""
        for label, split in enumerate(SPLITS):
            chosen = labels == label
            if not chosen.any():
                continue
            if split not in self._writers:
                self._writers[split] = TableWriter(self._folder / split, features=window_features(), split=split)
            self._writers[split].write({name: values[chosen] for name, values in columns.items()})


@dataclasses.dataclass
class Cutter:
    """Cuts the sequences of one genome and counts what it kept and what it discarded."""

    config: CorpusConfig
    name: str
    genome: Genome
    annotation: Annotation
    blocks: Blocks | None
    splitter: Splitter

    def __post_init__(self) -> None:
        """Begin the counts."""
        counts = self.annotation.counts(self.genome.lengths)
        self.summary = GenomeSummary(genome=self.name, windows=dict.fromkeys(SPLITS, 0), **counts)
        self.letters = np.zeros(256, np.int64)

    def cut(self, chrom: str, *, offset: int, sequences: TableWriter, windows: SplitWriter) -> None:
        """Write one sequence's bases and windows; `offset` is the place of its first base in the corpus."""
        length = self.genome.lengths[chrom]
        runs, bases = UnknownRuns(), np.empty(0, np.uint8)
        for start in range(0, length, CHUNK):
            bases = self.genome.fetch(chrom, start, min(start + CHUNK, length))
            row = {
                "genome": self.name,
                "chrom": chrom,
                "start": start,
                "offset": offset + start,
                "bases": bases.tobytes(),
                "crc32": zlib.crc32(bases.data),
            }
            sequences.write({name: [value] for name, value in row.items()})
            runs.add(bases)
            self.letters += np.bincount(bases, minlength=256)
        laid = self._lay(chrom, runs=runs.of_at_least(self.config.window.min_n_run))
        for batch in _batches(laid):
            first, last = int(batch.start[0]), int(batch.start[-1]) + self.config.window.length
            span = bases[first:last] if length == len(bases) else self.genome.fetch(chrom, first, last)
            columns, labels = self._columns(chrom, batch, offset=offset, span=span)
            windows.write(columns, labels=labels)

    def _lay(self, chrom: str, *, runs: np.ndarray) -> Windows:
        config, length = self.config.window, self.genome.lengths[chrom]
        cuts = self.splitter.edges(self.name, chrom, length=length)
        if self.blocks is not None:
            cuts = np.append(cuts, self.blocks.of(self.name, chrom)[:, :2])
        segments = segments_between(runs, length=length, cuts=cuts)
        step = config.step or config.length
        laid = lay_windows(segments, length=config.length, step=step)
        if self.config.split.by == "random" and step >= config.length:  # none is moved into one of another split
            labels = self.splitter.labels(
                self.name, chrom, length=length, starts=laid.start, block=np.empty(0, np.int32)
            )
            laid = held_between(laid, length=config.length, cuts=laid.start[1:][labels[1:] != labels[:-1]])
        sizes = segments[:, 1] - segments[:, 0]
        self.summary.bases += length
        self.summary.bases_in_n_runs += int((runs[:, 1] - runs[:, 0]).sum())
        self.summary.bases_in_remainders += int(sizes.sum()) - covered(laid, length=config.length)
        self.summary.sequences_without_windows += not len(laid)
        self.summary.longest_stretch = max(self.summary.longest_stretch, int(sizes.max(initial=0)))
        return laid

    def _columns(
        self, chrom: str, batch: Windows, *, offset: int, span: np.ndarray
    ) -> tuple[dict[str, Any], np.ndarray]:
        """Columns and splits of windows that follow each other on a sequence; `span` holds the bases from the first to
        the last."""
        length, starts = self.config.window.length, batch.start
        shares = composition(np.lib.stride_tricks.sliding_window_view(span, length)[starts - starts[0]])
        block = np.full(len(starts), -1, np.int32)
        if self.blocks is not None:
            block = self.blocks.at(self.name, chrom, starts=starts)
        labels = self.splitter.labels(self.name, chrom, length=self.genome.lengths[chrom], starts=starts, block=block)
        too_unknown = shares["n_share"] > self.config.window.max_n_fraction
        self.summary.windows_without_split += int(((labels < 0) & ~too_unknown).sum())
        self.summary.windows_over_n_fraction += int(too_unknown.sum())
        labels[too_unknown] = -1
        for label, split in enumerate(SPLITS):
            self.summary.windows[split] += int((labels == label).sum())
        columns = {
            "genome": np.full(len(starts), self.name, object),
            "chrom": np.full(len(starts), chrom, object),
            "start": starts,
            "end": starts + length,
            "offset": starts + offset,
            "before": batch.before,
            "after": batch.after,
            "block": block,
            **shares,
            **self.annotation.columns(chrom, starts=starts, length=length),
        }
        return columns, labels


def _batches(windows: Windows) -> Iterator[Windows]:
    """Windows that follow each other: `_BATCH` at most, and of windows far apart those that begin within `_SPAN`
    bases."""
    first = 0
    while first < len(windows):
        within = int(np.searchsorted(windows.start, windows.start[first] + _SPAN))
        rows = slice(first, min(first + _BATCH, within))
        yield Windows(start=windows.start[rows], before=windows.before[rows], after=windows.after[rows])
        first = rows.stop
