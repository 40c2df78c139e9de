"""A corpus on disk as a Hugging Face `DatasetDict`."""

from __future__ import annotations

import hashlib
import json
from functools import cached_property
from pathlib import Path
from typing import Any

import datasets
import pyarrow

from dnabert.corpus.gene_names import GeneNames, read_gene_names
from dnabert.corpus.splits import SPLITS
from dnabert.corpus.summary import GenomeSummary
from dnabert.corpus.view import WindowView
from dnabert.errors import UserError, first_line
from dnabert.given import InFolder, stage_folder
from dnabert.json_file import read_json, read_own
from dnabert.manifest import read_manifest


class Corpus(datasets.DatasetDict, InFolder):
    """Windows by split (``train``, ``validation``, ``test``; absent if empty), memory-mapped.

    A window is a row: its coordinates and its annotation. The bases stand once, in `sequences`; `view` brings
    both together.

    Attributes
    ----------
    folder : Path
        where it stands.
    manifest : dict
        what made it.
    """

    folder: Path
    manifest: dict[str, Any]

    @property
    def window_length(self) -> int:
        """Bases per window."""
        return int(self.manifest["config"]["window"]["length"])

    @cached_property
    def sequences(self) -> datasets.Dataset:
        """The bases: a row for each chunk of a sequence (genome, chrom, start, offset, bases: ASCII, case kept, and
        their crc32)."""
        return datasets.load_from_disk(str(self.folder / "sequences"))

    @cached_property
    def gene_names(self) -> GeneNames | None:
        """What else its genes are called; none without genes, and of a corpus that was prepared before this was
        kept."""
        return read_gene_names(self.folder)

    @cached_property
    def summary(self) -> list[GenomeSummary]:
        """What was kept and what discarded, by genome."""
        path = self.folder / "summary.json"
        try:
            return [GenomeSummary(**fields) for fields in read_own(path)]
        except TypeError:
            raise UserError(f"{path} is of something else: prepare the corpus again") from None

    def describe(self) -> str:
        """A line for each genome: bases, windows by split, what was discarded and why."""
        return "\n".join(genome.describe() for genome in self.summary)

    def view(self, split: str | None = None) -> WindowView:
        """Windows of a split, or of all splits in the order train, validation, test, as arrays.

        Raises
        ------
        UserError
            when the corpus has no such split.
        """
        if split is not None and not (isinstance(split, str) and split in self):
            raise UserError(
                f"{self.folder} has no split {split!r}, it has {', '.join(self)}: name one, or none for all of them "
                "(one that should be there has its share under split)"
            )
        splits = tuple(name for name in SPLITS if name in self) if split is None else (split,)
        return WindowView(self.folder, splits=splits, window_length=self.window_length)


def fingerprint(folder: str | Path) -> str:
    """Hash of what a corpus holds: its bases, its windows and their splits; the same when it is prepared again."""
    folder = Path(folder)
    names = ["sequences", *read_json(folder / "dataset_dict.json")["splits"]]
    parts = {name: read_json(folder / name / "state.json")["_fingerprint"] for name in names}
    return hashlib.blake2b(json.dumps(parts).encode(), digest_size=16).hexdigest()


def load_corpus(folder: str | Path) -> Corpus:
    """Open a corpus that `prepare` has written; nothing is read before it is used.

    Raises
    ------
    UserError
        when there is no corpus in `folder`, one of another version, or a file of it is damaged.
    """
    folder = stage_folder(folder, kind="corpus")
    manifest = read_manifest(folder, kind="corpus")
    try:
        names = read_json(folder / "dataset_dict.json")["splits"]
        if not set(names) <= set(SPLITS):  # nor do they lead out of the folder
            raise ValueError(f"splits {names}")
        corpus = Corpus({name: datasets.load_from_disk(str(folder / name)) for name in names})
        int(manifest["config"]["window"]["length"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError, pyarrow.ArrowException) as error:
        raise UserError(
            f"cannot read what {folder} holds ({first_line(error)[:200]}): prepare the corpus again"
        ) from None
    corpus.folder, corpus.manifest = folder, manifest
    return corpus
