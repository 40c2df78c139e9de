from pathlib import Path

import numpy as np

from dnabert.corpus.reading import Genome
from dnabert.corpus.simulate import Simulation, simulate_fasta


def test_the_same_seed_gives_the_same_genome(tmp_path: Path) -> None:
    a, b, c = (
        simulate_fasta(tmp_path / f"{i}.fa", length=3001, seed=seed).read_bytes() for i, seed in enumerate((1, 1, 2))
    )
    assert a == b != c


def test_the_genome_is_what_was_asked_for(tmp_path: Path) -> None:
    bed = tmp_path / "x.bed"
    simulation = Simulation(n_run=100, repeat_share=0.1, divergence=0.0, families=1)
    simulate_fasta(tmp_path / "x.fa", length=200_000, seed=1, repeats=bed, simulation=simulation)
    with Genome(tmp_path / "x.fa", scratch=tmp_path) as genome:
        bases = genome.fetch("chr1", 0, 200_000)
    lower = (bases & 0x20).astype(bool)
    upper = bases[~lower & (bases != ord("N"))]
    assert np.isin(upper, [ord("G"), ord("C")]).mean().round(2) == 0.41
    assert (bases == ord("N")).sum() == 100 and abs(lower.mean() - 0.1) < 0.005
    places = [line.split("\t")[1:3] for line in bed.read_text().splitlines()]
    copies = {bases[int(a) : int(b)].tobytes() for a, b in places if b"N" not in bases[int(a) : int(b)].tobytes()}
    assert len(copies) == 1
