import importlib.util

import numpy as np
import pytest

from dnabert.errors import UserError
from dnabert.explain.meme import Motif
from dnabert.explain.tomtom import compare_motifs


def known_motifs(n: int = 30) -> list[Motif]:
    matrices = np.random.default_rng(0).dirichlet([0.2] * 4, size=(n, 10)) + 1e-3
    return [
        Motif(f"known_{i}", each / each.sum(axis=1, keepdims=True), f"factor_{i}") for i, each in enumerate(matrices)
    ]


def test_without_memelite_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "memelite" else find(name))
    with pytest.raises(UserError, match=r"pip install 'dnabert\[explain\]'"):
        compare_motifs([], known_motifs(1))


@pytest.mark.slow  # numba compiles Tomtom once per installation: a minute
def test_a_motif_is_found_in_a_collection_on_either_strand() -> None:
    pytest.importorskip("memelite")
    known = known_motifs()
    ours = [Motif("same", known[3].matrix[1:]), Motif("turned", known[5].matrix[::-1, ::-1])]
    first, second = (
        next(row for row in compare_motifs(ours, known) if row["motif"] == name) for name in ("same", "turned")
    )
    assert (first["known"], first["alternate"], first["strand"], first["overlap"]) == ("known_3", "factor_3", "+", 9)
    assert (second["known"], second["strand"], second["offset"], second["n_known"]) == ("known_5", "-", 0, 30)
    assert first["q"] < 0.01 and second["q"] < 0.01
    assert first["offset"] == 1
    assert compare_motifs(ours, []) == []
