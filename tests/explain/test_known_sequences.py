"""A consensus, and each window of a card, is named by what it hits."""

import json
from pathlib import Path

import numpy as np

from dnabert.explain import ClusteredWindows, cluster_makeup, name_consensuses, name_members
from dnabert.explain.known_sequences import members_shown


def test_consensuses_are_named(core: np.ndarray, database: Path) -> None:
    text = core[20:].tobytes().decode()
    unknown = "".join(np.random.default_rng(3).choice(list("ACGT"), 90))
    found = name_consensuses([{"consensus": text}, {"consensus": None}, {"consensus": unknown}], databases=[database])
    json.dumps(found, allow_nan=False)
    assert found[0]["sentence"] == "140 of 140 bp of the consensus align best with One#X/A, at 100 % identity"
    hit = found[0]["hits"][0]
    assert (hit["database"], hit["family"], hit["subject_start"], hit["subject_end"]) == ("known.fa", "X/A", 20, 160)
    assert found[1] == {"hits": [], "sentence": None}
    assert found[2]["hits"] == [] and found[2]["sentence"] == "the consensus hits nothing in known.fa"


def test_medoids_and_other_members_shown_are_named(planted: ClusteredWindows, database: Path) -> None:
    points = np.random.default_rng(0).normal(size=(len(planted), 2)) + 9 * planted.labels[:, None]
    windows = ClusteredWindows(table=planted.table, sequences=planted.sequences, points=points)
    makeups = json.loads(json.dumps(cluster_makeup(windows)))
    found = name_members(makeups, databases=[database, database])
    shown = [[window["row"] for window in members_shown(makeup)] for makeup in makeups]
    assert set(found) == {row for rows in shown for row in rows} and all(makeup["medoid"] for makeup in makeups)
    for rows, family in zip(shown, ("X/A", "X/B", None), strict=True):
        for row in rows:
            best = {hit["family"] for hit in found[row]["hits"][:1]}
            assert best == ({family} if family else set())
    first = found[makeups[0]["medoid"]["row"]]
    assert [hit["database"] for hit in first["hits"]] == ["known.fa", "known.fa"]
    hit = first["hits"][0]
    assert 120 < hit["query_end"] - hit["query_start"] <= 166 and hit["identity"] > 0.8
    length = hit["query_end"] - hit["query_start"]
    assert first["sentence"] == f"hits One#X/A at {100 * hit['identity']:.0f} % identity over {length} bp"
    assert found[makeups[2]["medoid"]["row"]]["sentence"] == "hits nothing in known.fa or known.fa"
