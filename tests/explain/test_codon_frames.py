"""A simulated bacterium: clusters of windows that are cut at one codon position are told to be that, and no others
are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from dnabert.alphabet import reverse_complement
from dnabert.corpus import CorpusConfig, GenomeConfig, SplitConfig, WindowConfig, prepare
from dnabert.corpus.frames import FRAMES
from dnabert.explain import (
    ClusteredWindows,
    cheap_features,
    cluster_confounds,
    cluster_makeup,
    label_prediction,
    labelling_confounds,
)
from dnabert.explain.sentence import cluster_sentence

LETTERS = np.frombuffer(b"ACGT", dtype=np.uint8)
WINDOW, GENE, GENES = 300, 1_200, 500
CODON_ROWS = ("codon_frame", "codon_position")


@pytest.fixture(scope="module")
def bacterium(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    """Windows of 500 genes on both strands, half of them read on the other strand, with ``planted``, the frame as it
    was read."""
    folder: Path = tmp_path_factory.mktemp("bacterium")
    rng = np.random.default_rng(0)
    sequence, kind, gff = [], [], ""
    place = 0
    for number in range(GENES):
        gap, reverse = int(rng.integers(10, 120)), bool(rng.random() < 0.5)
        coding = LETTERS[rng.integers(0, 4, GENE)]
        sequence += [LETTERS[rng.integers(0, 4, gap)], reverse_complement(coding) if reverse else coding]
        within = np.arange(GENE) % 3
        # place of each base within its codon, as it is read
        kind += [np.full(gap, -1), 3 + within[::-1] if reverse else within]
        start, place = place + gap, place + gap + GENE
        gff += f"chr1\tx\tCDS\t{start + 1}\t{place}\t.\t{'-' if reverse else '+'}\t0\tID=c{number}\n"
    (folder / "genome.fa").write_text(">chr1\n" + np.concatenate(sequence).tobytes().decode() + "\n")
    (folder / "genes.gff").write_text("##gff-version 3\n" + gff)
    config = CorpusConfig(
        genomes=[GenomeConfig("bacterium", "genome.fa", genes="genes.gff")],
        window=WindowConfig(length=WINDOW),
        split=SplitConfig(validation_fraction=0.1, test_fraction=0.1),
    )
    view = prepare(config, out=folder / "corpus", base=folder).view()
    table = pd.DataFrame(
        {name: view.column(name) for name in ("genome", "chrom", "start", "end", "region", "codon_frame")}
    )
    table["strand"] = rng.choice(["+", "-"], len(table))
    places = np.concatenate(kind)
    table["planted"] = [
        planted(places[s : s + WINDOW], strand) for s, strand in zip(table["start"], table["strand"], strict=True)
    ]
    table["bases"] = list(view.bases(np.arange(len(view))))
    return table


def planted(kind: np.ndarray, strand: str) -> str:
    """The frame of most bases of a window, from each base's place within its codon: the first base of a codon is 0 or
    3."""
    counts = np.zeros(6)
    for number, base in enumerate(kind.tolist()):
        if base >= 0:  # of what is read backwards the last base is the first
            read = WINDOW - 1 - number if base >= 3 else number
            counts[base // 3 * 3 + (read - base) % 3] += 1
    best = int(counts.argmax())
    sign = "-" if (best >= 3) != (strand == "-") else "+"
    return f"{sign}{best % 3}" if counts[best] >= WINDOW / 2 else ""


def clustered(table: pd.DataFrame, label: np.ndarray) -> ClusteredWindows:
    bases = np.stack(table["bases"].tolist())
    return ClusteredWindows(table.drop(columns=["bases", "planted"]).assign(label=label), lambda rows: bases[rows])


def cards(windows: ClusteredWindows) -> list[dict]:
    rows = cluster_confounds(windows)
    made = [
        {"makeup": row, "kind": {}, "confounds": [each for each in rows if each["label"] == row["label"]]}
        for row in cluster_makeup(windows)
    ]
    return [card | cluster_sentence(card) for card in made]


def test_nearly_every_window_of_a_bacterium_has_the_planted_frame(bacterium: pd.DataFrame) -> None:
    read = np.where(
        bacterium["strand"] == "-",
        [f and "-+"[f[0] == "-"] + f[1] for f in bacterium["codon_frame"]],
        bacterium["codon_frame"],
    )
    assert read.tolist() == bacterium["planted"].tolist()
    assert np.mean(read != "") > 0.95 and set(read) - {""} == set(FRAMES)


def test_a_clustering_by_planted_frame_is_named(bacterium: pd.DataFrame) -> None:
    rng = np.random.default_rng(1)
    frame = bacterium["planted"].to_numpy()
    label = np.array([FRAMES.index(each) if each else -1 for each in frame])
    # every tenth window is anywhere
    label = np.where(rng.random(len(label)) < 0.1, rng.integers(-1, 6, len(label)), label)
    windows = clustered(bacterium, label)
    overall = {row["feature"]: row for row in labelling_confounds(windows, permutations=20)}
    assert (
        overall["codon_frame"]["ami"] > 0.7
        and overall["codon_frame"]["q"] < 0.2
        and overall["codon_frame"]["ami_null_high"] < 0.05
    )
    assert overall["strand"]["ami"] < 0.05
    coding = windows.table["codon_frame"].isin(FRAMES).sum()
    assert overall["codon_frame"]["n"] == coding < overall["gc"]["n"] == len(windows.table)
    made = cards(windows)
    assert [card["basis"] for card in made] == ["codon position"] * 6
    for number, card in enumerate(made):
        row = next(row for row in card["confounds"] if row["feature"] == "codon_frame")
        inside = frame[(label == number) & (frame != "")]
        assert (
            row["most"] == FRAMES[number]
            and row["share"] == np.mean(inside == FRAMES[number])
            and row["n"] == len(inside)
        )
        assert row["q"] < 1e-6 and row["effect"] > 0.8
        assert card["text"].startswith(
            f"cut at one codon position (an artefact of where windows begin): frame {FRAMES[number]}, 9"
        )


def test_vectors_that_are_the_mean_of_both_strands_know_the_position_alone(bacterium: pd.DataFrame) -> None:
    label = np.array([int(each[1]) if each else -1 for each in bacterium["planted"]])
    for number, card in enumerate(cards(clustered(bacterium, label))):
        assert f": frames +{number} and -{number}, 100 % of the coding windows, elsewhere 0 %" in card["text"]


def test_clusters_of_a_strand_or_of_nothing_are_not_cut_at_one_codon_position(bacterium: pd.DataFrame) -> None:
    sense = np.array([each[:1] == "+" for each in bacterium["planted"]])
    for label in (np.where(sense, 0, -1), np.random.default_rng(2).integers(-1, 4, len(bacterium))):
        assert not any("codon" in card["text"] for card in cards(clustered(bacterium, label)))
    # a few coding windows at one position do not name a cluster of others
    coding = bacterium["planted"].to_numpy() != ""
    few = np.where(~coding, 0, -1)
    few[np.flatnonzero(bacterium["planted"] == "+1")[:10]] = 0
    (card,) = cards(clustered(bacterium, few))
    assert (~coding).sum() > 20 and "codon" not in card["text"]


def test_a_corpus_without_the_column_leaves_the_measure_out(bacterium: pd.DataFrame) -> None:
    label = np.array([FRAMES.index(each) if each else -1 for each in bacterium["planted"]])
    windows = clustered(bacterium.drop(columns="codon_frame"), label)
    assert not set(CODON_ROWS) & set(cheap_features(windows))
    assert not any("codon" in card["text"] for card in cards(windows))
    for nothing in ("", "unknown", "+1"):
        same = clustered(bacterium.assign(codon_frame=nothing, strand="+"), label)
        assert not set(CODON_ROWS) & set(cheap_features(same))


def test_frames_predict_clusters_of_frames_and_do_not_tell_what_is_coding(bacterium: pd.DataFrame) -> None:
    frame = bacterium["planted"].to_numpy()
    label = np.array([FRAMES.index(each) if each else -1 for each in frame])
    windows = clustered(bacterium, label)
    features = {name: values for name, values in cheap_features(windows).items() if name in CODON_ROWS}
    assert set(features) == set(CODON_ROWS)
    assert label_prediction(windows, features=features)["explained"] > 0.8
    sparse = {name: np.where(np.arange(len(values)) % 2, values, "") for name, values in features.items()}
    coding = np.where(sparse["codon_frame"] != "", 0, -1)
    assert label_prediction(clustered(bacterium, coding), features=sparse)["explained"] < 0.05
