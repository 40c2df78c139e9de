"""Simulated genomes on which it is known what a model can find that counting cannot: the verdict must come out either
way."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dnabert.alphabet import codes, reverse_complement
from dnabert.clusters import ClusterConfig
from dnabert.comparison import CompareConfig, compare
from dnabert.corpus import CorpusConfig, GenomeConfig, SplitConfig, WindowConfig, prepare
from dnabert.corpus.mutation import mutate
from dnabert.encoders import load_encoder
from dnabert.encoders.encoder import DEFAULT_RUN
from dnabert.encoders.rungs import RungConfig
from dnabert.explain.blast import missing_program
from dnabert.models.config import ModelConfig
from dnabert.pretraining import pretrain
from dnabert.pretraining.config import PretrainConfig
from dnabert.report.verdict import Verdict, verdict

pytestmark = [pytest.mark.slow, pytest.mark.skipif(missing_program() is not None, reason="needs BLAST+")]

LETTERS = np.frombuffer(b"ACGT", dtype=np.uint8)
WINDOW, COUNT, LAG = 240, 600, 12
Vectors = Callable[[np.ndarray], np.ndarray]
Plant = Callable[[np.random.Generator, int], tuple[np.ndarray, np.ndarray]]


class Oracle:
    """An encoder that knows what was planted."""

    name, minimum_length = "oracle", 1

    def __init__(self, vectors: Vectors) -> None:
        self._vectors = vectors
        self.dimension = vectors(LETTERS[np.zeros((1, WINDOW), int)]).shape[1]

    def encode(self, bases: Any) -> np.ndarray:
        return self._vectors(np.stack([np.asarray(each) for each in bases])).astype(np.float32)


def composition(bases: np.ndarray) -> np.ndarray:
    """Pairs of letters in a third of the window: what counts of the whole window know better."""
    return load_encoder("kmer:2").encode(np.ascontiguousarray(bases[:, : WINDOW // 3]))


def planted_order(rng: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Windows of equal letters whose halves differ in what stands 12 bases on: no word of up to 12 letters tells them
    apart."""
    gene = rng.random(count) < 0.5
    code = rng.integers(0, 4, (count, WINDOW))
    for i in range(LAG, WINDOW):
        kept = rng.random(count) < 0.6
        code[kept, i] = (code[kept, i - LAG] + ~gene[kept]) % 4
    windows = LETTERS[code]
    family = LETTERS[rng.integers(0, 4, 120)]  # in both halves: something for BLAST to find
    for row in rng.permutation(count)[:100]:
        windows[row, 60:180] = family
    return windows, gene


def planted_composition(rng: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Genes are GC-rich, and that is all."""
    gene = rng.random(count) < 0.5
    share = np.where(gene, 0.6, 0.4)[:, None]
    strong = rng.random((count, WINDOW)) < share
    return LETTERS[np.where(strong, rng.integers(1, 3, (count, WINDOW)), 3 * rng.integers(0, 2, (count, WINDOW)))], gene


FAMILY = LETTERS[np.random.default_rng(9).integers(0, 4, 150)]


def planted_family(rng: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Genes hold copies of one family, too far mutated for counts of words to see them all, not for BLAST."""
    gene = rng.random(count) < 0.5
    windows = LETTERS[rng.integers(0, 4, (count, WINDOW))]
    copies = np.repeat(FAMILY[None], gene.sum(), axis=0)
    copies = mutate(
        copies, substitutions=0.18, indels=0.0, draws=rng.integers(2**64, size=copies.shape, dtype=np.uint64)
    )
    turned = rng.random(len(copies)) < 0.5
    copies[turned] = reverse_complement(copies[turned])
    windows[gene, 40:190] = copies
    return windows, gene


def family(bases: np.ndarray) -> np.ndarray:
    """Likeness to the family at its place, on either strand; the same for all windows that hold it."""
    code = codes(bases[:, 40:190]), codes(bases[:, 50:200])
    likeness = [
        (each == codes(strand)).mean(axis=1) for each in code for strand in (FAMILY, reverse_complement(FAMILY))
    ]
    known = np.max(likeness, axis=0) > 0.5
    return np.column_stack([known, ~known]) + 0.05 * composition(bases)[:, :2]


def trained(plant: Plant, folder: Path, *, steps: int) -> Path:
    """A masked language model of single bases, of another genome with the same law."""
    windows, _ = plant(np.random.default_rng(7), 4_000)
    (folder / "other.fa").write_text(">chr1\n" + windows.tobytes().decode() + "\n")
    corpus = CorpusConfig(
        genomes=[GenomeConfig("other", "other.fa")],
        window=WindowConfig(length=WINDOW),
        split=SplitConfig(validation_fraction=0.05, test_fraction=0.05),
    )
    prepare(corpus, out=folder / "other", base=folder)
    return pretrain(
        PretrainConfig(
            corpus=str(folder / "other"),
            out=str(folder / "run"),
            k=1,
            random_phase=False,
            batch_size=32,
            steps=steps,
            warmup_steps=20,
            model=ModelConfig(hidden_size=64, layers=4, heads=2, intermediate_size=128, composed_words=0.0),
            embedding_learning_rate=4e-3,
            evaluate_every=steps,
            evaluation_windows=100,
            floor_order=0,
            tracker="none",
        )
    )


@pytest.fixture
def judged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Verdict]:
    def know(place: str, vectors: Vectors) -> None:
        def load(spec: str, **options: Any) -> Any:
            return Oracle(vectors) if spec == place else load_encoder(spec, **options)

        for module in ("dnabert.encoders.embed", "dnabert.encoders.recorded"):
            monkeypatch.setattr(importlib.import_module(module), "load_encoder", load)

    def judge(plant: Plant, *, steps: int = 0, vectors: Vectors | None = None) -> Verdict:
        windows, gene = plant(np.random.default_rng(1), COUNT)
        (tmp_path / "genome.fa").write_text(">chr1\n" + windows.tobytes().decode() + "\n")
        line = 'chr1\tsim\tgene\t{}\t{}\t.\t+\t.\tgene_id "g{}"; gene_name "g{}"; gene_type "protein_coding";\n'
        rows = [line.format(i * WINDOW + 1, (i + 1) * WINDOW, i, i) for i in np.flatnonzero(gene)]
        (tmp_path / "genes.gtf").write_text("".join(rows))
        config = CorpusConfig(
            genomes=[GenomeConfig("sim", "genome.fa", genes="genes.gtf")],
            window=WindowConfig(length=WINDOW),
            split=SplitConfig(validation_fraction=0.1, test_fraction=0.1),
        )
        prepare(config, out=tmp_path / "corpus", base=tmp_path)
        if vectors is None:
            run = trained(plant, tmp_path, steps=steps)
            model, fresh = (
                RungConfig("model", str(run), both_strands=True),
                RungConfig("random", f"random:{run}", both_strands=True),
            )
        else:
            (tmp_path / "oracle").mkdir()
            know(str(tmp_path / "oracle"), vectors)
            model, fresh = RungConfig("model", str(tmp_path / "oracle")), RungConfig("random", f"random:{DEFAULT_RUN}")
        small = ClusterConfig(min_cluster_size=30, neighbors=15, kmeans=2)
        asked = CompareConfig(
            corpus=str(tmp_path / "corpus"),
            out=str(tmp_path / "out"),
            rungs=[
                RungConfig("kmer4", "kmer:4"),  # the map is the first's
                model,
                RungConfig("kmer6", "kmer:6"),
                fresh,
            ],
            ladder_windows=COUNT,
            ladder_splits=["train", "validation", "test"],
            map_windows=60,
            ladder_cluster=small,
            map_cluster=small,
            symmetry_windows=0,
            pairs=20,
            resamples=50,
            tracker="none",
        )
        compare(asked)
        ladder, differences, added = (
            json.loads((tmp_path / "out" / f"{name}.json").read_text()) for name in ("ladder", "differences", "added")
        )
        assert "homology" in {row["without"] for row in ladder[1]["explained_away"]} or plant is planted_composition
        found = verdict(ladder, differences, added)
        assert found.headline in (tmp_path / "out" / "report" / "report.html").read_text()
        return found

    return judge


def test_order_that_no_count_sees_is_interesting_and_survives(judged: Callable[..., Verdict]) -> None:
    found = judged(planted_order, steps=500)
    # a mean over single bases finds no place or copy again as words do
    assert found.outcome == "interesting in part", found
    assert any(
        each.startswith("10 nearest neighbours: gene region: model is ahead of everything cheaper")
        for each in found.finds
    )
    assert "with all cheap explanations but gene position taken out it still is" in found.headline
    assert found.misses and all(each.startswith(("Same place ", "Relative ")) for each in found.misses)


def test_composition_that_counts_see_too_is_a_waste_of_time(judged: Callable[..., Verdict]) -> None:
    found = judged(planted_composition, vectors=composition)
    assert found.outcome == "a waste of time", found
    assert found.finds == [] and found.headline.startswith("A waste of time, for this genome: in none of ")


def test_clusters_that_a_model_makes_of_composition_are_no_lead(judged: Callable[..., Verdict]) -> None:
    """A trained model's vectors have less noise than counts, and so denser clusters, of what counts see too."""
    found = judged(planted_composition, steps=60)
    assert found.outcome == "undecided", found
    assert found.finds == []


def test_a_lead_that_blast_explains_does_not_stand(judged: Callable[..., Verdict]) -> None:
    found = judged(planted_family, vectors=family)
    assert found.outcome == "not shown", found
    assert (
        found.finds
        and (
            "no lead was shown to stand when all cheap explanations but the one that holds the answer are taken out "
            "together"
        )
        in found.headline
    )
    neighbours, clusters = [each for each in found.survives if "without all but gene position" in each]
    assert "is ahead" not in neighbours or neighbours.endswith("so nothing is left)")
    assert clusters.startswith("Clusters follow gene region (AMI), without all but gene position: ")
