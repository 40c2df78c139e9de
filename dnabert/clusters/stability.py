"""The stage: a clustering repeated; which of its clusters and windows come back."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dnabert.clusters.agreement import MEASURES, agreement_between
from dnabert.clusters.clustering import embeddings_of, load_clusters
from dnabert.clusters.config import ClusterConfig, StabilityConfig
from dnabert.clusters.matching import vote
from dnabert.clusters.membership import groups_of
from dnabert.clusters.null import null_report
from dnabert.clusters.recurrence import cluster_stability, fuses, placed_elsewhere, spread
from dnabert.clusters.repeats import Run, repeat_clustering
from dnabert.clusters.tree import cluster_tree
from dnabert.config import save_yaml
from dnabert.corpus.places import places_apart
from dnabert.given import InFolder, settings, stage_folder
from dnabert.json_file import read_json
from dnabert.progress import on_a_terminal, ticking
from dnabert.shares import percent
from dnabert.stage import reading, stage

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Stability(InFolder):
    """A stability folder, read.

    Attributes
    ----------
    table : one row per window: row, label, confidence (share of repeats that agree, NaN where none has the window),
        consensus (label, -1 = none).
    summary : the content of ``stability.json``.
    manifest, folder : where it stands and what made it.
    """

    table: pd.DataFrame
    summary: dict[str, Any]
    manifest: dict[str, Any]
    folder: Path

    def __repr__(self) -> str:
        """What it is and where it stands, in a line: the last value of a notebook's cell is shown."""
        return (
            f"Stability({len(self.table):,} windows, {len(self.summary['clusters'])} clusters, "
            f"folder={str(self.folder)!r})"
        )


def stability(
    clusters: str | os.PathLike[str],
    *,
    out: str | Path,
    config: StabilityConfig | Mapping[str, Any] | None = None,
    null: str | os.PathLike[str] | None = None,
    overwrite: bool = False,
) -> Stability:
    """Repeat a clustering with other seeds and on subsamples, and say what of it can be trusted.

    Writes ``stability.parquet`` (row, label, confidence, consensus) and ``stability.json`` (repeats, agreement between
    them, clusters with their verdicts, noise, tree, null).

    Parameters
    ----------
    clusters : what `cluster` gave, or its folder; its embeddings must still stand where it found them.
    out : folder to make.
    config : a `StabilityConfig`, or a dict of its fields.
    null : clusters of the same windows shuffled (``dnabert embed --shuffle``), made with the same settings.
    overwrite : replace an existing stability folder.

    Raises
    ------
    UserError
        when the embeddings are gone or are others now, or the null was made with other settings.
    """
    from tqdm import tqdm

    config = settings(config, StabilityConfig)
    clusters = stage_folder(clusters, kind="clusters")
    null = None if null is None else stage_folder(null, kind="clusters")
    inputs = {"clusters": clusters} | ({} if null is None else {"null": null})
    with stage(out, kind="stability", config=config, inputs=inputs, overwrite=overwrite) as folder:
        found = load_clusters(clusters)
        against_null = None if null is None else null_report(found, load_clusters(null))
        vectors = embeddings_of(found).vectors
        clustering = ClusterConfig(**found.manifest["config"])
        places = places_apart(found.table) if config.unit == "place" else np.arange(len(found.table))
        repeats = repeat_clustering(
            vectors, places, clustering=clustering, config=config, groups=groups_of(found.table)[0]
        )
        total = config.seeds + config.subsamples
        with tqdm(repeats, total=total, unit=" repeats", desc="stability", **on_a_terminal()) as bar, ticking(bar):
            runs = list(bar)
        labels = found.table["label"].to_numpy()
        confidence, consensus = vote(labels, [(run.rows, run.labels) for run in runs if run.kind == "subsample"])
        summary = _summary(labels, runs, places=places, confidence=confidence, consensus=consensus, config=config)
        summary |= {"tree": cluster_tree(found.arrays["hdbscan_centroids"]), "null": against_null}
        table = found.table[["row", "label"]].assign(confidence=confidence, consensus=consensus)
        save_yaml(config, folder / "config.yaml")
        table.to_parquet(folder / "stability.parquet", index=False)
        (folder / "stability.json").write_text(json.dumps(summary, indent=1, allow_nan=False) + "\n")
    return load_stability(out)


def load_stability(folder: str | Path) -> Stability:
    """Read a stability folder.

    Raises
    ------
    UserError
        when it is none, was made by another version, or a file of it is damaged.
    """
    import pandas as pd

    folder = stage_folder(folder, kind="stability")
    with reading(folder, kind="stability") as manifest:
        return Stability(
            pd.read_parquet(folder / "stability.parquet"), read_json(folder / "stability.json"), manifest, folder
        )


def _summary(
    labels: np.ndarray,
    runs: Sequence[Run],
    *,
    places: np.ndarray,
    confidence: np.ndarray,
    consensus: np.ndarray,
    config: StabilityConfig,
) -> dict[str, Any]:
    everything = [(np.arange(len(labels)), labels), *((run.rows, run.labels) for run in runs)]
    matrices = agreement_between(everything)
    clusters = cluster_stability(labels, runs, config=config)
    for row in clusters:
        members = labels == row["label"]
        row["places"] = len(np.unique(places[members]))
        row["confidence"] = float(np.nanmean(confidence[members])) if np.isfinite(confidence[members]).any() else None
        row["consensus_n"] = int((consensus == row["label"]).sum())
    described = [{"kind": "reference", "n": len(labels), **_counts(labels)}]
    described += [
        {
            "kind": run.kind,
            "seed": run.seed,
            "n": len(run.rows),
            **_counts(run.labels),
            "fused": fuses(labels, run),
            "seconds": run.seconds,
        }
        for run in runs
    ]
    summary = {
        "n": len(labels),
        "places": int(places.max(initial=-1)) + 1,
        "runs": described,
        "agreement": matrices,
        "agreement_summary": _spreads(matrices, runs),
        "noise_share": spread([run["noise_share"] for run in described if run["kind"] == "subsample"]),
        "clusters": clusters,
        "consensus": _counts(consensus),
        "placed": placed_elsewhere(labels, runs),
    }
    return summary | {"sentence": sentence(summary)}


def sentence(summary: dict[str, Any]) -> str:
    """Say in one sentence what a stability summary found."""
    clusters = summary["clusters"]
    if not clusters:
        return "there is no cluster to repeat: lower --min-cluster-size of dnabert cluster, or embed more."
    clustered = sum(row["n"] for row in clusters)
    stable = [row for row in clusters if row["verdict"] == "stable"]
    share = sum(row["n"] for row in stable) / clustered if clustered else 0.0
    ari = summary["agreement_summary"]["subsample"]["ari"]
    noise = summary["noise_share"]
    runs = summary["runs"][1:]
    fused = sum(run["fused"] for run in runs)
    agree = "share no window"
    if ari["mean"] is not None:
        agree = f"agree with ARI {ari['mean']:.2f} ({ari['low']:.2f} to {ari['high']:.2f})"
    return (
        f"{len(stable)} of {len(clusters)} {'cluster' if len(clusters) == 1 else 'clusters'}, "
        f"with {percent(share)} of the clustered windows, "
        f"{'is' if len(stable) == 1 else 'are'} stable; repeats on subsamples {agree} and leave "
        f"{percent(noise['mean'])} ({percent(noise['low'])} to {percent(noise['high'])}) of the windows in no cluster."
        + (f" In {fused} of {len(runs)} repeats most windows fuse into one cluster." if fused else "")
        + placed_sentence(summary["placed"])
    )


def placed_sentence(placed: dict[str, Any] | None) -> str:
    """Say what `placed_elsewhere` found; empty where it found nothing."""
    if placed is None:
        return ""
    found, own = placed["left_out"], placed["members"]
    return (
        " Of windows left out and placed in the clusters of a repeat as dnabert assign does, "
        f"{100 * found['mean']:.1f} % ({100 * found['low']:.1f} % to {100 * found['high']:.1f} %) are elsewhere when "
        f"all are clustered; of the windows that the repeat clustered itself {100 * own['mean']:.1f} %."
    )


def _counts(labels: np.ndarray) -> dict[str, Any]:
    found = labels[labels >= 0]
    sizes = np.unique(found, return_counts=True)[1]
    n = max(len(labels), 1)
    return {
        "clusters": len(sizes),
        "largest_share": int(sizes.max(initial=0)) / n,
        "noise_share": float(1 - len(found) / n),
    }


def _spreads(matrices: dict[str, list[list[float | None]]], runs: Sequence[Run]) -> dict[str, Any]:
    """Of each kind of repeat: how its repeats agree among themselves, and with the clustering that is judged."""
    found = {}
    for kind in ("seed", "subsample"):
        own = [1 + i for i, run in enumerate(runs) if run.kind == kind]
        pairs = {"": list(combinations(own, 2)), "_with_reference": [(0, i) for i in own]}
        found[kind] = {
            name + suffix: spread([matrices[name][i][j] for i, j in chosen])
            for suffix, chosen in pairs.items()
            for name in MEASURES
        }
    return found
