"""A simulated genome with a motif, a type of gene and a gene set planted: the cards name these, and nothing that was
not planted."""

from __future__ import annotations

import numpy as np
import pytest

from dnabert.alphabet import reverse_complement
from dnabert.clusters import ClusterConfig, cluster
from dnabert.corpus import CorpusConfig, GenomeConfig, SplitConfig, WindowConfig, prepare
from dnabert.encoders import embed
from dnabert.explain import ExplainConfig, Explanation, Motif, explain, write_meme

pytestmark = pytest.mark.slow

LETTERS = np.frombuffer(b"ACGT", dtype=np.uint8)
WINDOW, GENES = 300, 120
MOTIF = np.frombuffer(b"GGGACTTTCC", dtype=np.uint8)
DECOYS = (b"CACGTGACCT", b"TTGCGCAATG")


def genome(rng: np.random.Generator) -> tuple[np.ndarray, list[str], list[str], np.ndarray]:
    """Genes of 4 to 14 windows with gaps between; of every sixth gene (a set, all of one type) half of the windows hold
    the motif."""
    slots, lines, planted, holds = [], [], [], []
    for number in range(GENES):
        length, gap, chosen = int(rng.integers(4, 15)), int(rng.integers(1, 4)), number % 6 == 0
        kind = "lincRNA" if chosen else "protein_coding"
        place = f"{len(slots) * WINDOW + 1}\t{(len(slots) + length) * WINDOW}\t.\t+\t."
        lines.append(f'chr1\tsim\tgene\t{place}\tgene_id "g{number}"; gene_name "g{number}"; gene_type "{kind}";\n')
        planted += [f"g{number}"] * chosen
        for inside in [True] * length + [False] * gap:
            window = LETTERS[rng.integers(0, 4, WINDOW)]
            motif = chosen and inside and rng.random() < 0.6
            # six copies on either strand, in the first two thirds of the window, in no frame that would make them one
            # element
            if motif:
                for start in np.sort(rng.choice(140, 6, replace=False)) + np.arange(6) * len(MOTIF):
                    window[start : start + len(MOTIF)] = MOTIF if rng.random() < 0.5 else reverse_complement(MOTIF)
            slots.append(window)
            holds.append(motif)
    return np.concatenate(slots), lines, planted, np.array(holds)


@pytest.fixture(scope="module")
def explained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Explanation, np.ndarray]:
    folder = tmp_path_factory.mktemp("motif")
    rng = np.random.default_rng(3)
    bases, lines, planted, holds = genome(rng)
    (folder / "genome.fa").write_text(">chr1\n" + bases.tobytes().decode() + "\n")
    (folder / "genes.gtf").write_text("".join(lines))
    others = [f"g{number}" for number in range(GENES) if f"g{number}" not in planted]
    sets = {"planted": planted} | {f"other {i}": others[i::4] for i in range(4)}
    (folder / "sets.gmt").write_text(
        "".join("\t".join([f"S{i}", name, *genes]) + "\n" for i, (name, genes) in enumerate(sets.items()))
    )
    known = [Motif(name, 0.97 * np.eye(4)[np.searchsorted(LETTERS, word)] + 0.0075) for name, word in named_words(rng)]
    write_meme(known, folder / "known.meme")
    config = CorpusConfig(
        genomes=[GenomeConfig("sim", "genome.fa", genes="genes.gtf")],
        window=WindowConfig(length=WINDOW),
        split=SplitConfig(validation_fraction=0.1, test_fraction=0.1),
    )
    prepare(config, out=folder / "corpus", base=folder)
    embed("kmer:4", folder / "corpus", out=folder / "vectors")
    asked = ClusterConfig(min_cluster_size=30, neighbors=20, kmeans=3, scaling="center", components=5)
    cluster(folder / "vectors", out=folder / "clusters", config=asked)
    asked_of = ExplainConfig(
        gene_sets=str(folder / "sets.gmt"), named_sets=["planted"], motifs=str(folder / "known.meme"), threads=1
    )
    return explain(folder / "clusters", out=folder / "explanation", config=asked_of), holds


def named_words(rng: np.random.Generator) -> list[tuple[str, np.ndarray]]:
    """The planted word, two decoys, and random ones for Tomtom's background."""
    decoys = [(f"DECOY{i}", np.frombuffer(word, dtype=np.uint8)) for i, word in enumerate(DECOYS)]
    return [("PLANTED", MOTIF), *decoys, *((f"RANDOM{i}", LETTERS[rng.integers(0, 4, 10)]) for i in range(60))]


def test_the_motif_is_named_with_its_known_relative_and_its_place(explained: tuple[Explanation, np.ndarray]) -> None:
    (card,) = [each for each in explained[0].cards if each["sentence"]["basis"] == "motif"]
    text = card["sentence"]["text"]
    assert "(like PLANTED)" in text and "in genes of planted (" in text
    best = card["motifs"]["motifs"][0]
    assert any(word in best["letters"] for word in ("GGGACTTTCC", "GGAAAGTCCC"))
    assert best["versus_others"]["q"] < 1e-6 and best["versus_shuffled"]["q"] < 1e-6
    assert best["position"]["q"] < 0.05 and sum(best["position"]["histogram"][:7]) > 0.9 * sum(
        best["position"]["histogram"]
    )
    matches = sorted((row for row in card["known_motifs"] if row["motif"] == best["name"]), key=lambda row: row["p"])
    assert matches[0]["known"] == "PLANTED" and not any(row["known"].startswith("DECOY") for row in matches)
    # Tomtom is generous with short sharp motifs: the best is named
    assert all(row["p"] > 1e-6 > matches[0]["p"] for row in matches[1:])


def test_the_type_of_gene_and_the_set_are_found_and_no_other_set(explained: tuple[Explanation, np.ndarray]) -> None:
    found, holds = explained
    (card,) = [each for each in found.cards if each["sentence"]["basis"] == "motif"]
    assert card["makeup"]["n"] > 0.8 * holds.sum()
    (row,) = [each for each in card["annotation"] if (each["column"], each["term"]) == ("gene_type", "lincRNA")]
    assert row["q"] < 0.05 and row["share"] > 0.9 and row["odds_ratio"] > 10
    called = {each["name"] for each in card["gene_sets"] if each["q"] <= 0.05}
    assert called == {"planted"}
    # the motif is no element, no island and no repeat
    assert card["kind"]["kind"] != "homologous" and not any(
        word in card["sentence"]["text"] for word in ("element", "island", "copies")
    )


def test_other_clusters_stay_silent(explained: tuple[Explanation, np.ndarray]) -> None:
    for card in explained[0].cards:
        if card["sentence"]["basis"] != "motif":
            assert (
                card["sentence"]["basis"] in ("unexplained", "composition")
                and "planted" not in card["sentence"]["text"].lower()
            )
            assert not card["known_motifs"] and card["kind"]["kind"] != "homologous"
