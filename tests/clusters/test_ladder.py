import numpy as np
import pandas as pd
import pytest

from dnabert.clusters import ClusterConfig
from dnabert.clusters.ladder import COLUMNS, agreements, hit_places, neighbor_hits, score_rung
from dnabert.corpus.frames import FRAMES


def table(n: int = 300) -> tuple[np.ndarray, pd.DataFrame]:
    rng = np.random.default_rng(0)
    repeat = rng.integers(0, 3, n)
    vectors = np.eye(3)[repeat] + 0.1 * rng.normal(size=(n, 3))
    columns = {
        "label": repeat.astype(np.int32),
        "kmeans": repeat.astype(np.int32),
        "genome": rng.choice(["human", "chimp"], n),
        "chrom": "chr22",
        "start": np.arange(n) * 448 + rng.integers(0, 400, n),
        "block": -1,
        "strand": rng.choice(["+", "-"], n),
        "repeat_class": np.array(["Alu", "L1", "none"])[repeat],
        "region": "unknown",
    }
    frame = pd.DataFrame(columns)
    return vectors.astype(np.float32), frame.assign(end=frame["start"] + 448)


def test_clusters_that_are_the_repeats_score_so_and_artefacts_score_nothing() -> None:
    vectors, frame = table()
    scores = score_rung(vectors, frame, points=vectors, k=7)
    assert scores["clusters"].value == 3 and scores["noise_share"].value == 0
    assert scores["ami_repeat_class"].value > 0.999 and scores["ari_repeat_class"].value > 0.999
    assert scores["knn10_repeat_class"].value > 0.99 > 0.5 > scores["majority_repeat_class"].value
    assert scores["kmeans_ami_repeat_class"].value > 0.999
    for name in ("strand", "phase", "genome"):
        assert scores[f"ami_{name}"].low < 0.02
    assert not any("region" in name for name in scores)  # one class is nothing to agree with


def test_what_is_left_unclustered_agrees_only_where_noise_is_a_class() -> None:
    vectors, frame = table(600)
    known = frame["repeat_class"] == "Alu"
    apart = np.arange(600) % 2
    frame["label"] = np.where(known, -1, apart).astype(np.int32)  # no Alu in a cluster, and nothing else told
    scores = score_rung(vectors, frame, points=vectors)
    assert scores["ami_repeat_class"].value > 0.3 and abs(scores["ami_clustered_repeat_class"].value) < 0.02
    assert scores["ami_clustered_repeat_class"].n == (~known).sum()
    # half in a cluster, all of them right
    frame["label"] = np.where(apart, -1, frame["label"] * 0 + (frame["repeat_class"] == "L1"))
    scores = score_rung(vectors[~known], frame[~known], points=vectors[~known])
    assert scores["ami_clustered_repeat_class"].value > 0.999 > 0.7 > scores["ami_repeat_class"].value
    frame["label"] = np.where(known, 0, -1)  # one cluster is told from nothing
    assert "ami_clustered_repeat_class" not in score_rung(vectors, frame, points=vectors)


def test_a_genome_without_annotation_is_no_class() -> None:
    vectors, frame = table(600)
    strange = np.arange(600) % 2 == 1
    frame["repeat_class"] = frame["repeat_class"].mask(strange, "unknown")
    vectors = np.random.default_rng(0).normal(size=(600, 4)) + 9 * strange[:, None]  # which genome, and nothing else
    frame["label"] = frame["kmeans"] = strange.astype(np.int32)
    scores = score_rung(vectors, frame, points=vectors)
    assert scores["knn10_repeat_class"].n == scores["majority_repeat_class"].n == scores["ami_repeat_class"].n == 300
    assert abs(scores["knn10_repeat_class"].value - 1 / 3) < 0.1 and scores["majority_repeat_class"].value < 0.45
    assert abs(scores["ami_repeat_class"].value) < 0.02 and abs(scores["kmeans_ami_repeat_class"].value) < 0.02
    assert {name: len(places) for name, places in hit_places(frame).items()} == {"knn10_repeat_class": 300}
    assert {name: len(right) for name, right in neighbor_hits(vectors, frame).items()} == {"knn10_repeat_class": 300}
    again = agreements(vectors, frame, config=ClusterConfig(components=2, neighbors=15, min_cluster_size=20, kmeans=2))
    assert again["ami_repeat_class"].halves.max() < 0.1 and again["kmeans_ami_repeat_class"].halves.max() < 0.1


def test_columns_that_are_absent_are_left_out() -> None:
    vectors, frame = table()
    scores = score_rung(vectors, frame[["label"]], points=vectors)
    assert set(scores) == {"clusters", "noise_share", "silhouette"}
    assert len(COLUMNS) == 7


@pytest.mark.parametrize("strand", ["+", "-", "either"])
def test_clusters_cut_at_one_codon_position_follow_the_frame_of_coding_windows(strand: str) -> None:
    vectors, frame = table(600)
    rng = np.random.default_rng(1)
    forward = rng.choice([*FRAMES, ""], len(frame))
    frame["strand"] = rng.choice(["+", "-"], len(frame)) if strand == "either" else strand
    frame["codon_frame"] = forward
    read = np.where(frame["strand"] == "-", [turned(each) for each in forward], forward)
    frame["label"] = [FRAMES.index(each) if each else int(rng.integers(-1, 6)) for each in read]
    scores = score_rung(vectors, frame, points=vectors)
    assert scores["ami_codon_frame"].value > 0.999 and scores["ami_codon_frame"].n == (forward != "").sum()
    assert strand != "either" or scores["ami_strand"].value < 0.02
    frame["label"] = rng.permutation(frame["label"])
    assert score_rung(vectors, frame, points=vectors)["ami_codon_frame"].low < 0.02
    for nothing in ("", "unknown", "+1"):  # no gene, no annotation, one frame
        assert "ami_codon_frame" not in score_rung(
            vectors, frame.assign(codon_frame=nothing, strand="+"), points=vectors
        )


def turned(frame: str) -> str:
    return frame and "-+"[frame[0] == "-"] + frame[1]
