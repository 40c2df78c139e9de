"""What probes are told; light, so that ``--help`` needs no torch."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from dnabert.config import check_types
from dnabert.encoders.rungs import RungConfig, default_rungs
from dnabert.errors import UserError


@dataclass
class ProbeConfig:
    """Which encoders are probed, and on what."""

    tasks: list[str] = field(default_factory=list)
    """Folders or files of labelled sequences."""
    run: str | None = None
    """Run folder for the rungs that name RUN; without it these are left out."""
    out: str = "probes"
    """Folder to make: probes.json, probes.tsv, config.yaml."""
    rungs: list[RungConfig] = field(
        default_factory=lambda: [*default_rungs(), RungConfig("untrained", "untrained:RUN")]
    )
    """Encoders; `random` is the run's architecture as its library draws it, `untrained` as pretraining begins."""
    classifiers: list[Literal["logistic", "knn"]] = field(default_factory=lambda: ["logistic", "knn"])
    """`logistic`: ridge-penalised logistic regression; `knn`: nearest neighbours by cosine. Dev chooses their
    strength."""
    class_weights: Literal["none", "balanced"] = "none"
    """`balanced`: each class weighs alike in the logistic regression, however rare; for labels of which some are."""
    resamples: int = 500
    """Bootstrap resamples behind each interval."""
    seed: int = 0
    """Of splits, random weights and resamples."""
    overwrite: bool = False
    """Replace probes that stand at `out`."""

    def __post_init__(self) -> None:
        check_types(self)
        if self.resamples < 1:
            raise UserError(f"--resamples is {self.resamples}, allowed is 1 or more")
        if not self.classifiers:
            raise UserError("--classifiers is empty: pass logistic, knn or both")
