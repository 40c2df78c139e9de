"""Windows with planted families: known answers for what looks for relatives."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from dnabert.alphabet import reverse_complement
from dnabert.explain import ClusteredWindows

LETTERS = np.frombuffer(b"ACGT", dtype=np.uint8)


@pytest.fixture(scope="session")
def core() -> np.ndarray:
    """A family's sequence, 160 bp."""
    return LETTERS[np.random.default_rng(100).integers(0, 4, 160)]


@pytest.fixture(scope="session")
def second_core() -> np.ndarray:
    """Another family's, 120 bp."""
    return LETTERS[np.random.default_rng(101).integers(0, 4, 120)]


@pytest.fixture(scope="session")
def copies() -> Callable[..., np.ndarray]:
    """Random windows of 300 bp, in each a mutated copy of a family somewhere, every second one on the other strand."""

    def plant(core: np.ndarray, n: int, *, divergence: float, seed: int) -> np.ndarray:
        rng = np.random.default_rng(seed)
        windows = LETTERS[rng.integers(0, 4, (n, 300))]
        for i, row in enumerate(windows):
            other = LETTERS[(np.searchsorted(LETTERS, core) + rng.integers(1, 4, len(core))) % 4]
            copy = np.where(rng.random(len(core)) < divergence, other, core)
            start = rng.integers(0, 300 - len(core) + 1)
            row[start : start + len(core)] = copy if i % 2 else reverse_complement(copy)
        return windows

    return plant


@pytest.fixture(scope="session")
def planted(core: np.ndarray, second_core: np.ndarray, copies: Callable[..., np.ndarray]) -> ClusteredWindows:
    """Cluster 0: 40 copies of one family; 1: 30 of another; 2: 25 windows with nothing in common; 105 in no cluster."""
    nothing = np.zeros(0, dtype=np.uint8)
    bases = np.concatenate(
        [
            copies(core, 40, divergence=0.1, seed=1),
            copies(second_core, 30, divergence=0.15, seed=2),
            copies(nothing, 25, divergence=0.0, seed=3),
            copies(core, 5, divergence=0.1, seed=4),
            copies(nothing, 100, divergence=0.0, seed=5),
        ]
    )
    labels = np.repeat([0, 1, 2, -1], [40, 30, 25, 105])
    return ClusteredWindows(table=pd.DataFrame({"label": labels}), sequences=lambda rows: bases[rows])


@pytest.fixture(scope="session")
def database(core: np.ndarray, second_core: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A FASTA file of both families and of one that nobody has."""
    path = tmp_path_factory.mktemp("database") / "known.fa"
    unplanted = np.frombuffer(b"ACGT", dtype=np.uint8)[np.random.default_rng(9).integers(0, 4, 200)]
    named = {
        "One#X/A": core,
        "Old#X/A": np.concatenate([core[:100], unplanted]),
        "Two#X/B": second_core,
        "Three#X/C": unplanted,
    }
    path.write_bytes(b"".join(b">%s\n%s\n" % (name.encode(), bases.tobytes()) for name, bases in named.items()))
    return path
