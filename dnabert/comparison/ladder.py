"""What all rungs of a ladder share: the windows that they read, and what these are asked, made once for all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from dnabert.clusters import load_clusters
from dnabert.clusters.retrieval import Pairs, moved_copies, orthologs, related_genomes
from dnabert.comparison.config import CompareConfig
from dnabert.corpus import Corpus, WindowView
from dnabert.errors import UserError
from dnabert.explain import ClusteredWindows, cheap_explanations, homology_features
from dnabert.explain.blast import missing_program
from dnabert.explain.relatives import Relatives, relatives
from dnabert.report.numbers import listed

T = TypeVar("T")


@dataclass
class Ladder:
    """What all rungs share.

    Attributes
    ----------
    config : of the comparison, its run and corpus put in place.
    corpus : whose windows are read.
    k : word length, for start mod k.
    """

    config: CompareConfig
    corpus: Corpus
    k: int
    _explanations: dict[bytes, dict[str, NDArray[np.float64]]] = field(default_factory=dict)
    _relatives: dict[bytes, Relatives] = field(default_factory=dict)

    @property
    def databases(self) -> list[str]:
        """What BLAST takes out of the vectors beside the corpus itself."""
        return self.config.explain.expanded().databases

    @cached_property
    def splits(self) -> list[str]:
        """Those of the ladder's splits that the corpus has."""
        found = [split for split in self.config.ladder_splits if split in self.corpus]
        if not found:
            raise UserError(
                f"ladder_splits {self.config.ladder_splits} are not in the corpus, which has {', '.join(self.corpus)}: "
                "name one of these, or prepare it with --split.by random (chromosome and block are others)"
            )
        return found

    @cached_property
    def same_places(self) -> tuple[str, Pairs]:
        """A measure's name and places that are to be found again, the same for all rungs: in another genome, else
        shifted, on a random strand and mutated."""
        asked = self.config.retrieval
        found = related_genomes(self.held_out, query=asked.query, target=asked.target)
        if found is not None:
            pairs = orthologs(
                self.held_out, query_genome=found[0], target_genome=found[1], n=asked.n, seed=self.config.seed
            )
            if len(pairs.queries):
                return "retrieval", pairs
        genomes = listed(sorted(set(self.held_out.column("genome").astype(str).tolist())))
        print(
            f"no orthologous block holds both {asked.query or 'a genome'} and {asked.target or 'another'} "
            f"(retrieval.query, retrieval.target; genomes: {genomes}): the same place is sought instead, shifted, "
            "on a random strand and mutated"
        )
        return "moved", moved_copies(self.held_out, n=asked.n, seed=self.config.seed)

    @cached_property
    def held_out(self) -> WindowView:
        """Windows of these splits."""
        view = self.corpus.view(None)
        return view.select(np.flatnonzero(np.isin(view.column("split").astype(str), self.splits)))

    def explanations(self, windows: ClusteredWindows) -> dict[str, NDArray[np.float64]]:
        """Cheap explanations of the ladder's windows, which are the same for all rungs: computed once."""

        def compute() -> dict[str, NDArray[np.float64]]:
            homology = None
            if missing_program() is None:
                threads, seed = self.config.explain.threads, self.config.seed
                homology = homology_features(windows, databases=self.databases, threads=threads, seed=seed)
            else:
                print(f"homology is not taken out of the vectors: {missing_program()}")
            return cheap_explanations(windows.table, windows.sequences, homology=homology)

        return self._once(self._explanations, windows, compute)

    def relatives(self, windows: ClusteredWindows) -> Relatives | None:
        """Which of the ladder's windows are relatives, computed once; None without BLAST+."""
        if missing_program() is not None:
            return None
        threads, seed = self.config.explain.threads, self.config.seed
        return self._once(self._relatives, windows, lambda: relatives(windows, threads=threads, seed=seed))

    @staticmethod
    def _once(known: dict[bytes, T], windows: ClusteredWindows, compute: Callable[[], T]) -> T:
        key = windows.table["row"].to_numpy().tobytes()
        if key not in known:
            known[key] = compute()
        return known[key]


def clustered_windows(ladder: Ladder, clusters: Path) -> ClusteredWindows:
    """The windows of a clusters folder with their bases."""
    table, view = load_clusters(clusters).table, ladder.corpus.view(None)
    rows = table["row"].to_numpy()
    return ClusteredWindows(table, lambda chosen: view.bases(rows[chosen]))
