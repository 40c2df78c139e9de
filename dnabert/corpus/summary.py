"""What a corpus kept and what it discarded."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from dnabert.corpus.config import CorpusConfig
from dnabert.errors import Caution, UserError

_BASES = np.frombuffer(b"ACGTUacgtu", np.uint8)
_UNKNOWN = np.frombuffer(b"NXnx", np.uint8)
#: Why a split that was asked for may be empty, and the mend, by `split.by`.
_WHY_EMPTY = {
    "tail": (
        "its share of every sequence holds no window: raise its fraction under split, lower window.length, or set "
        "split.by to chromosome (whole sequences, drawn at random or named) or region"
    ),
    "block": (
        "no block begins in its share, or none that does holds a window: "
        "raise its fraction, or name regions that hold blocks"
    ),
    "random": "there are too few windows for its fraction: raise that under split",
    "chromosome": (
        "no window fits into what is named or drawn for it: name more under split, raise its fraction, set another "
        "split.seed, or lower window.length"
    ),
    "region": "no window fits into what is named for it: name more under split, or lower window.length",
}


@dataclasses.dataclass
class GenomeSummary:
    """Counts of one genome."""

    genome: str
    windows: dict[str, int]
    """Windows by split."""
    bases: int = 0
    """Bases in the FASTA file, N included."""
    bases_in_n_runs: int = 0
    """In runs of N, which split sequences."""
    bases_in_remainders: int = 0
    """At the ends of stretches, too few for a window."""
    sequences_without_windows: int = 0
    """Contigs and records no stretch of which is as long as a window."""
    windows_over_n_fraction: int = 0
    """Windows with more N than allowed."""
    windows_without_split: int = 0
    """By block: windows in no block of the reference genome, which cannot be placed."""
    longest_stretch: int = 0
    """Bases of the longest stretch that windows were laid in."""
    genes: int | None = None
    """Genes on the sequences that were cut; none: no annotation of genes, as in the next."""
    bases_in_cds: int | None = None
    """Bases of coding sequence."""
    repeats: int | None = None
    """Repeats on the sequences that were cut; none: no annotation of repeats."""

    def describe(self) -> str:
        """One line for the reader.

        Examples
        --------
        >>> GenomeSummary("yeast", {"train": 20, "test": 2}, bases=9900, bases_in_remainders=44).describe()
        'yeast: 9,900 bases; windows: train 20, test 2; discarded: 44 bases in remainders'
        >>> GenomeSummary("yeast", {"train": 22}, bases=9900, genes=6, bases_in_cds=7128, repeats=1200).describe()
        'yeast: 9,900 bases, 6 genes (72.0 % of the bases CDS), 1,200 repeats; windows: train 22; discarded: nothing'
        """
        discarded = {
            "bases in runs of N": self.bases_in_n_runs,
            "bases in remainders": self.bases_in_remainders,
            "sequences in which no window fits": self.sequences_without_windows,
            "windows over the allowed share of N": self.windows_over_n_fraction,
            "windows in no split (no block of the reference genome)": self.windows_without_split,
        }
        lost = ", ".join(f"{count:,} {name}" for name, count in discarded.items() if count) or "nothing"
        kept = ", ".join(f"{split} {count:,}" for split, count in self.windows.items() if count)
        held = f"{self.bases:,} bases"
        if self.genes is not None and self.bases_in_cds is not None:
            held += f", {self.genes:,} genes ({100 * self.bases_in_cds / self.bases:.1f} % of the bases CDS)"
        if self.repeats is not None:
            held += f", {self.repeats:,} repeats"
        return f"{self.genome}: {held}; windows: {kept}; discarded: {lost}"


def check_is_dna(path: Path, *, letters: np.ndarray) -> None:
    """Refuse a file whose letters are mostly those that DNA has rarely.

    Parameters
    ----------
    letters : int64 (256,), count of each byte.

    Raises
    ------
    UserError
        when there is nothing but N, or more ambiguity codes than bases.
    """
    known, total = int(letters[_BASES].sum()), int(letters.sum())
    unknown = int(letters[_UNKNOWN].sum())
    if unknown == total:
        raise UserError(f"{path} holds nothing but N: give a FASTA file with bases")
    if known < (total - unknown) / 2:
        raise UserError(
            f"{path}: only {known:,} of {total:,} letters are A, C, G or T (a protein?): give a FASTA file of DNA"
        )


def check_has_windows(summary: GenomeSummary, *, config: CorpusConfig, path: Path) -> None:
    """Refuse a genome of which no window was kept.

    Raises
    ------
    UserError
        that names what lost them.
    """
    if sum(summary.windows.values()):
        return
    if summary.windows_without_split:
        raise UserError(
            f"{path}: no window of genome {summary.genome!r} lies in a block that the reference genome has too: "
            f"check names and coordinates in {config.orthologous_blocks} or set split.by to tail"
        )
    if summary.windows_over_n_fraction:
        raise UserError(
            f"{path}: all {summary.windows_over_n_fraction:,} windows hold more N than window.max_n_fraction "
            f"({config.window.max_n_fraction}): raise it or lower window.min_n_run"
        )
    raise UserError(
        f"{path}: windows of {config.window.length} bases are longer than every stretch between runs of N, cuts and "
        f"ends (the longest has {summary.longest_stretch:,}): lower window.length"
    )


def warn_of_empty_splits(summaries: Sequence[GenomeSummary], *, config: CorpusConfig) -> None:
    """A `Caution` where no window of any genome is in a split that the configuration asks for."""
    split = config.split
    named = {"validation": split.validation, "test": split.test}
    shares = {"validation": split.validation_fraction, "test": split.test_fraction}
    wanted = {"train": True, **(named if any(named.values()) else shares)}
    empty = [
        name for name, asked in wanted.items() if asked and not any(summary.windows[name] for summary in summaries)
    ]
    if empty:
        windows = sum(sum(summary.windows.values()) for summary in summaries)
        why = _WHY_EMPTY[split.by]
        if windows < sum(map(bool, wanted.values())):  # no way of splitting fills as many
            why = (
                f"there {'is 1 window' if windows == 1 else f'are {windows} windows'} in all: give more or longer "
                "sequences, or lower window.length"
            )
        warnings.warn(
            f"no window is in {' and '.join(empty)} (split.by {split.by}): {why}",
            Caution,
            stacklevel=4,
        )
