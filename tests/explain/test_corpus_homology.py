import json

import numpy as np

from dnabert.explain import ClusteredWindows, corpus_homology


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
