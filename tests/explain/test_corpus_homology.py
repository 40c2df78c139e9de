import json
import sys

import numpy as np
import pandas as pd
import pytest

from dnabert.explain import ClusteredWindows, corpus_homology
from dnabert.explain.corpus_homology import _aligned, _nearest
from dnabert.explain.homology import Drawn


def test_members_of_a_planted_family_align_and_others_do_not(planted: ClusteredWindows) -> None:
    rows = corpus_homology(planted, sample=20, background=80)
    json.dumps(rows, allow_nan=False)
    assert [row["label"] for row in rows] == [0, 1, 2]
    first, second, none = rows
    assert (
        first["members"]["share"] == 1.0 and first["members"]["q"] < 1e-6 and first["members"]["background_share"] < 0.2
    )
    assert first["pairs_within"] > 0.95 and first["pairs_outside"] < 0.1
    assert 0.78 < first["identity"] < 0.86  # 0.9 ** 2 and the few that mutated to the same base
    assert 0.3 < first["forward"] < 0.7 and first["nearest"] == []
    assert second["members"]["share"] > 0.9
    assert none["members"]["share"] == 0.0 and none["pairs_within"] == 0.0 and none["identity"] is None
    assert none["sentence"] == "no member aligns with another at another place (20 places)"
    assert first["sentence"].startswith("100 % of 20 members at as many places align with another, at 8")


def test_no_window_has_no_relatives(planted: ClusteredWindows) -> None:
    """BLAST refused its empty file, and was told to look after the database and the memory."""
    assert corpus_homology(ClusteredWindows(planted.table.iloc[:0], planted.sequences)) == []
    assert corpus_homology(ClusteredWindows(planted.table.assign(label=-1), planted.sequences)) == []


def test_near_copies_are_no_relatives(planted: ClusteredWindows) -> None:
    table = planted.table.assign(
        genome="a", chrom="1", start=np.arange(200) * 300, end=np.arange(200) * 300 + 300, block=-1
    )
    table.loc[:39, "block"] = 5
    rows = corpus_homology(ClusteredWindows(table, planted.sequences), sample=20, background=80)
    assert rows[0]["loci"] == 1 and rows[0]["pairs_within"] is None and rows[0]["members"]["windows_hit"] == 0
    assert rows[0]["sentence"].startswith("all members are at one place")


def test_two_clusters_of_one_family_are_nearest(planted: ClusteredWindows) -> None:
    labels = planted.labels.copy()
    labels[:20], labels[70:95] = 2, -1
    rows = corpus_homology(
        ClusteredWindows(planted.table.assign(label=labels), planted.sequences), sample=20, background=60
    )
    assert rows[0]["nearest"][0]["label"] == 2 and rows[2]["nearest"][0]["label"] == 0
    assert rows[0]["nearest"][0]["pairs"] > 0.95


def test_many_clusters_are_searched_piece_by_piece_with_the_same_rows(
    planted: ClusteredWindows, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All against all grows with the square of the clusters: 600 of 40 windows each were 24,000 windows."""
    labels = planted.labels.copy()
    labels[:20], labels[70:95] = 2, -1  # two clusters of one family
    windows = ClusteredWindows(planted.table.assign(label=labels), planted.sequences)
    whole = corpus_homology(windows, sample=20, background=60)
    module, searches = sys.modules["dnabert.explain.corpus_homology"], []
    search = module.blast
    monkeypatch.setattr(
        module,
        "blast",
        lambda queries, subjects, **options: searches.append(len(subjects)) or search(queries, subjects, **options),
    )
    monkeypatch.setattr(module, "_ACROSS", 12)
    monkeypatch.setattr(module, "_TOGETHER", 30)
    pieces = corpus_homology(windows, sample=20, background=60)
    # some of each cluster and the background; members in the background; and two of members
    assert len(searches) == 4 and max(searches[1:]) <= 60
    assert [row["nearest"][0]["label"] for row in (pieces[0], pieces[2])] == [2, 0] and pieces[0]["nearest"][0][
        "pairs"
    ] > 0.9
    assert [row | {"nearest": None} for row in pieces] == [row | {"nearest": None} for row in whole]


def test_the_nearest_clusters_are_those_of_a_loop_over_all_pairs() -> None:
    rng = np.random.default_rng(0)
    n, clusters = 60, 5
    labels, locus = rng.integers(0, clusters, n), rng.integers(0, 25, n)
    members = [
        np.flatnonzero(labels == label)[np.unique(locus[labels == label], return_index=True)[1]]
        for label in range(clusters)
    ]
    drawn = Drawn(np.arange(n), labels, locus, locus, members, np.arange(0))
    hits = pd.DataFrame(rng.integers(0, n, (150, 2)), columns=["query", "subject"])
    hits = hits[locus[hits["query"]] != locus[hits["subject"]]]
    found = {(a, b) for a, b in hits.itertuples(index=False)}
    for label, nearest in enumerate(_nearest(_aligned(hits, n=n), drawn, taken=members)):
        share = {}
        for other in set(range(clusters)) - {label}:
            pairs = [(a, b) for a in members[label].tolist() for b in members[other].tolist() if locus[a] != locus[b]]
            share[other] = sum((a, b) in found or (b, a) in found for a, b in pairs) / len(pairs)
        best = sorted((other for other in share if share[other]), key=lambda other: (-share[other], other))[:3]
        assert nearest == [{"label": other, "pairs": pytest.approx(share[other])} for other in best]
