"""What a clusters folder holds for new sequences: written once with the clusters, read by `assign`."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dnabert.clusters.config import ClusterConfig
from dnabert.clusters.familiarity import Familiarity, corpus_sequences, fit_familiarity, load_familiarity
from dnabert.clusters.graph import Neighbors
from dnabert.clusters.membership import Membership, fit_membership, groups_of, load_membership
from dnabert.errors import Caution, UserError, first_line
from dnabert.json_file import read_json

if TYPE_CHECKING:
    import pandas as pd

_FILE = "assign.json"


@dataclass(frozen=True)
class Prepared:
    """All that placing new sequences needs beside the PCA basis.

    Attributes
    ----------
    membership : which cluster, how surely.
    familiarity : what the corpus is like; None where the corpus was gone when it was clustered.
    encoder : see `dnabert.encoders.encoder_record`.
    window : median length in bases of what was embedded.
    held_out_by : what was held out together, in words.
    """

    membership: Membership
    familiarity: Familiarity | None
    encoder: dict[str, Any]
    window: int
    held_out_by: str

    def save(self, folder: Path) -> None:
        """Write its files (safetensors and JSON) into a clusters folder."""
        self.membership.save(folder)
        if self.familiarity is not None:
            self.familiarity.save(folder)
        rest = {name: getattr(self, name) for name in ("encoder", "window", "held_out_by")}
        (folder / _FILE).write_text(json.dumps(rest, indent=1) + "\n")


def prepare_for_new(
    points: np.ndarray,
    table: pd.DataFrame,
    neighbors: Neighbors,
    *,
    config: ClusterConfig,
    embeddings: Mapping[str, Any],
) -> Prepared:
    """Learn from a clustering what placing new sequences needs.

    Parameters
    ----------
    points : float32 (n, c), the space that was clustered.
    table : n windows with ``label``.
    neighbors : the graph that was clustered.
    config : of the clustering.
    embeddings : manifest of the embeddings.

    Warns
    -----
    Caution
        when what was embedded is gone: what it is like is then not known.
    """
    from dnabert.encoders import encoder_record

    groups, held_out_by = groups_of(table)
    membership = fit_membership(
        points, table["label"].to_numpy(), neighbors, min_samples=config.min_samples, groups=groups, seed=config.seed
    )
    sequences = corpus_sequences(embeddings)
    familiarity = fit_familiarity(sequences) if len(sequences) > 1 else None
    if familiarity is None:
        origin = embeddings["inputs"]["input"]["path"]
        missing = (
            f"{origin} is gone, or not what was embedded: of new sequences dnabert assign will not say whether "
            "composition, letters or length are unlike it"
        )
        warnings.warn(f"{missing}: put it back and cluster again", Caution, stacklevel=3)
    return Prepared(membership, familiarity, encoder_record(embeddings), _window(table), held_out_by)


def load_prepared(folder: str | Path) -> Prepared:
    """Read what a clusters folder holds for new sequences.

    Raises
    ------
    UserError
        when it was made by a dnabert that wrote no such thing, or a file of it is damaged.
    """
    from safetensors import SafetensorError

    folder = Path(folder)
    if not (folder / _FILE).is_file():
        raise UserError(
            f"{folder} holds nothing for new sequences, an older dnabert made it: run dnabert cluster again"
        )
    try:
        rest = read_json(folder / _FILE)
        return Prepared(load_membership(folder), load_familiarity(folder), **rest)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, SafetensorError) as error:
        raise UserError(
            f"cannot read what {folder} holds for new sequences ({first_line(error)[:200]}): run dnabert cluster again"
        ) from None


def _window(table: pd.DataFrame) -> int:
    lengths = table["end"] - table["start"] if "start" in table else table["length"]
    return int(lengths.median())
