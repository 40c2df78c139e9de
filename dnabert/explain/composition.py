"""Each cluster in one row: size, what it is made of, and a few of its sequences."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from dnabert.corpus.blocks import block_or_alone
from dnabert.explain.low_complexity import low_complexity

if TYPE_CHECKING:
    import pandas as pd

#: Shares of bases that are averaged over a cluster's windows, where the corpus has them.
_MEANS = ("gc", "soft_masked", "repeat", "cpg_island")
#: Classes whose shares are given, and the name of each in a row.
_CLASSES = {"genome": "genomes", "region": "region", "gene_type": "gene_type", "repeat_class": "repeat_class"}
_SAMPLE = ("genome", "chrom", "start", "end", "strand", "gene", "region", "repeat_class", "repeat_name")


def cluster_rows(
    table: pd.DataFrame,
    sequences: Callable[[np.ndarray], np.ndarray],
    *,
    samples: int = 4,
    phase_modulus: int = 7,
    edit_distance: dict[int, float | None] | None = None,
    seed: int = 0,
) -> list[dict[str, Any]]:
    """One row per cluster, the largest first, and the unclustered (-1) last.

    Parameters
    ----------
    table : windows with ``label``, and any of the corpus's columns.
    sequences : gives uint8 ASCII (m, L) for rows int (m,) of the table.
    samples : sequences shown per cluster: the surest members first come from different places when they can.
    phase_modulus : k; ``phase_entropy`` is the entropy of start mod k in the cluster over that of all windows, since
        windows side by side do not begin in all frames as often (1 = as even as these; None where all begin in one).
    edit_distance : median distance within each cluster.
    seed : of the choice of samples.

    Returns
    -------
    list of dict with label, n, share, low_complexity, the means and the class shares (0 to 1, largest first).
    """
    simple = low_complexity_of(sequences, len(table))
    rng = np.random.default_rng(seed)
    labels = table["label"].to_numpy()
    numbers = sorted(set(labels.tolist()), key=lambda label: (label < 0, label))
    frames = _phase_entropy(table["start"].to_numpy(), phase_modulus) if "start" in table else 0.0
    rows = []
    for label in numbers:
        members = np.flatnonzero(labels == label)
        part = table.iloc[members]
        row: dict[str, Any] = {"label": int(label), "n": len(part), "share": len(part) / len(table)}
        row |= {name: float(part[name].mean()) for name in _MEANS if name in table and part[name].notna().any()}
        row |= {"low_complexity": float(simple[members].mean())}
        row |= {name: _shares(part[column]) for column, name in _CLASSES.items() if column in table}
        if "start" in table:
            row["phase_entropy"] = _phase_entropy(part["start"].to_numpy(), phase_modulus) / frames if frames else None
        row["edit_distance_median"] = (edit_distance or {}).get(int(label))
        chosen = _sample(part, members, count=samples, rng=rng)
        row["samples"] = [
            describe_window(table.iloc[i], sequences(np.array([i]))[0]) | {"low_complexity": float(simple[i])}
            for i in chosen
        ]
        rows.append(row)
    return rows


def describe_window(row: pd.Series, bases: np.ndarray) -> dict[str, Any]:
    """Place and annotation of one window, as far as its table has them, and its sequence: plain JSON values."""
    return {name: _plain(row[name]) for name in _SAMPLE if name in row} | {"sequence": bases.tobytes().decode("ascii")}


def low_complexity_of(sequences: Callable[[np.ndarray], np.ndarray], n: int, *, chunk: int = 8_192) -> np.ndarray:
    """Low-complexity share of n sequences, float32 (n,), read in chunks so that memory stays flat."""
    parts = [low_complexity(sequences(np.arange(begin, min(begin + chunk, n)))) for begin in range(0, n, chunk)]
    return np.concatenate(parts) if parts else np.zeros(0, dtype=np.float32)


def _shares(column: pd.Series, *, most: int = 6) -> dict[str, float]:
    counts = column.astype(str).value_counts(normalize=True)
    return {str(name): float(share) for name, share in counts.head(most).items()}


def _phase_entropy(start: np.ndarray, modulus: int) -> float:
    share = np.bincount(start % modulus, minlength=modulus) / len(start)
    share = share[share > 0]
    return abs(float((share * np.log(share)).sum()))


def _sample(part: pd.DataFrame, members: np.ndarray, *, count: int, rng: np.random.Generator) -> list[int]:
    """Random members out of the surer half; of different orthologous blocks while there are any."""
    sure = part["probability"].to_numpy() if "probability" in part else np.ones(len(part))
    candidates = members[sure >= np.median(sure)]
    candidates = rng.permutation(candidates)
    if "block" in part:
        block = part["block"].to_numpy()[np.searchsorted(members, candidates)]
        _, first = np.unique(block_or_alone(block), return_index=True)
        apart = np.sort(first)
        candidates = np.concatenate([candidates[apart], np.delete(candidates, apart)])
    return [int(row) for row in candidates[:count]]


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value
