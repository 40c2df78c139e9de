"""What a comparison is told; light, so that ``--help`` needs no torch."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from dnabert.clusters.config import ClusterConfig, StabilityConfig
from dnabert.config import check_types
from dnabert.encoders.rungs import RungConfig, default_rungs
from dnabert.errors import UserError
from dnabert.explain.config import ExplainConfig
from dnabert.scoring.config import ScoreConfig


@dataclass
class RetrievalConfig:
    """Ortholog retrieval between two genomes of the corpus; where they share no block, the same place is sought,
    shifted, on a random strand and mutated."""

    query: str | None = None
    """Genome whose windows are sought; default: the first of the corpus that shares orthologous blocks with another."""
    target: str | None = None
    """Genome in which they are sought; default: the last of the corpus that shares blocks with the query."""
    n: int = 1_000
    """Queries, and as many candidates, at most."""

    def __post_init__(self) -> None:
        check_types(self)
        if self.n < 1:
            raise UserError(f"--retrieval.n is {self.n}, allowed is 1 or more")


@dataclass
class CompareConfig:
    """Which encoders are compared, on which windows."""

    corpus: str | None = None
    """Corpus folder; default: the run's own, or without a run the demo corpus."""
    run: str | None = None
    """Run folder for the rungs that name RUN; without it these are left out."""
    out: str = "comparison"
    """Folder to make, or to go on with."""
    rungs: list[RungConfig] = field(default_factory=default_rungs)
    """Encoders; the first is the one whose map and clusters the page shows."""
    ladder_windows: int = 5_000
    """Windows on which all rungs are compared, the same for each, each read on a random strand."""
    ladder_splits: list[str] = field(default_factory=lambda: ["validation", "test"])
    """Splits from which these windows and the retrieval's are drawn."""
    map_windows: int | None = None
    """Windows on the first rung's map; default all, of all splits."""
    retrieval: RetrievalConfig = field(default_factory=RetrievalConfig)
    symmetry_windows: int = 100
    """Windows that are read on the other strand, shifted, with unknown bases and mutated, to see how far their vectors
    move."""
    ladder_cluster: ClusterConfig = field(default_factory=ClusterConfig)
    """Clustering of the ladder's windows."""
    map_cluster: ClusterConfig = field(default_factory=ClusterConfig)
    """Clustering of the map's windows."""
    stability: StabilityConfig = field(default_factory=StabilityConfig)
    """Repeats of the map's clustering."""
    explain: ExplainConfig = field(default_factory=ExplainConfig)
    """What the map's clusters are held against."""
    score: ScoreConfig = field(default_factory=ScoreConfig)
    """Hidden words that the run is asked for, by kind of sequence, beside counting."""
    pairs: int = 5_000
    """Pairs of windows per group whose edit distance is taken."""
    resamples: int = 200
    """Bootstrap resamples behind each interval."""
    seed: int = 0
    tracker: Literal["wandb", "none"] = "wandb"
    """Add the maps, figures, tables and the page to the run's own run in Weights & Biases, where it has one."""

    def __post_init__(self) -> None:
        check_types(self)
        for name, least in (
            ("ladder_windows", 1),
            ("map_windows", 1),
            ("pairs", 1),
            ("resamples", 1),
            ("symmetry_windows", 0),
        ):
            value = getattr(self, name)
            if value is not None and value < least:
                raise UserError(f"--{name.replace('_', '-')} is {value}, allowed is {least} or more")
