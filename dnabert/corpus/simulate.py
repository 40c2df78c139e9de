"""Simulated genomes with a known truth: random background, planted repeat families, genes, runs of N."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np

_LETTERS = np.frombuffer(b"ACGT", np.uint8)
_NEWLINE = ord("\n")
#: Bases simulated at a time, a multiple of the line's length, so that memory is flat.
_PIECE = 6_000_000
_LINE = 60


@dataclass(frozen=True)
class Simulation:
    """What to simulate; the defaults resemble a mammal's genome in little."""

    families: int = 3
    """Number of repeat families; a family is a random consensus."""
    repeat_length: int = 300
    """Bases of each consensus."""
    repeat_share: float = 0.2
    """Share of the genome in repeats, in lower case."""
    divergence: float = 0.1
    """Share of bases of a copy that differ from its family's consensus."""
    gc: float = 0.41
    """GC content of the background: the human genome's."""
    n_run: int = 0
    """Length of a run of N in the middle of each piece of 6 Mb."""
    gene_every: int = 20_000
    """One gene in so many bases: exon, intron, exon with CDS."""


def simulate_fasta(
    path: str | Path,
    *,
    length: int,
    seed: int,
    chroms: tuple[str, ...] = ("chr1",),
    genes: str | Path | None = None,
    repeats: str | Path | None = None,
    simulation: Simulation | None = None,
) -> Path:
    """Write a simulated genome as plain FASTA, and where it put what.

    Parameters
    ----------
    path : FASTA file to write.
    length : bases of each sequence.
    seed : same seed, same genome.
    chroms : names of the sequences.
    genes, repeats : GTF and BED file to write, or none.
    simulation : what to plant.

    Returns
    -------
    Path
        of the FASTA file.
    """
    simulation = simulation or Simulation()
    rng = np.random.default_rng(seed)
    consensus = _LETTERS[rng.integers(0, 4, (simulation.families, simulation.repeat_length))]
    with open(path, "wb") as fasta, _open(genes) as gtf, _open(repeats) as bed:
        for chrom in chroms:
            fasta.write(f">{chrom}\n".encode())
            for start in range(0, length, _PIECE):
                bases = _background(min(_PIECE, length - start), simulation=simulation, rng=rng)
                copies = _plant_repeats(bases, consensus=consensus, simulation=simulation, rng=rng)
                _plant_n(bases, simulation=simulation)
                fasta.write(_lines(bases))
                bed.writelines(f"{chrom}\t{start + a}\t{start + b}\tfamily{f}\n" for a, b, f in copies)
                gtf.writelines(_genes(chrom, start, len(bases), simulation=simulation))
    return Path(path)


def _open(path: str | Path | None) -> IO[str]:
    return open("/dev/null" if path is None else path, "w")


def _background(length: int, *, simulation: Simulation, rng: np.random.Generator) -> np.ndarray:
    draw = rng.random(length, dtype=np.float32)
    half = simulation.gc / 2
    return _LETTERS[np.searchsorted(np.array([0.5 - half, 0.5, 0.5 + half], np.float32), draw)]


def _plant_repeats(
    bases: np.ndarray, *, consensus: np.ndarray, simulation: Simulation, rng: np.random.Generator
) -> list[tuple[int, int, int]]:
    """Write copies at disjoint places, in lower case; give start, end and family of each."""
    size = consensus.shape[1]
    slots = len(bases) // (2 * size)
    count = min(int(len(bases) * simulation.repeat_share / size), slots)
    if not count:
        return []
    starts = np.sort(rng.choice(slots, count, replace=False)) * 2 * size + rng.integers(0, size, count)
    family = rng.integers(0, len(consensus), count)
    copies = consensus[family]
    mutated = rng.random(copies.shape, dtype=np.float32) < simulation.divergence
    copies[mutated] = _LETTERS[rng.integers(0, 4, int(mutated.sum()))]
    bases[starts[:, None] + np.arange(size)] = copies | 0x20
    return list(zip(starts.tolist(), (starts + size).tolist(), family.tolist(), strict=True))


def _plant_n(bases: np.ndarray, *, simulation: Simulation) -> None:
    middle = len(bases) // 2
    bases[middle : middle + simulation.n_run] = ord("N")


def _lines(bases: np.ndarray) -> bytes:
    whole = len(bases) // _LINE
    lines = np.full((whole, _LINE + 1), _NEWLINE, np.uint8)
    lines[:, :_LINE] = bases[: whole * _LINE].reshape(whole, _LINE)
    rest = bases[whole * _LINE :].tobytes()
    return lines.tobytes() + (rest + b"\n" if rest else b"")


def _genes(chrom: str, start: int, length: int, *, simulation: Simulation) -> Iterator[str]:
    """Genes of 4 kb: an exon of 1 kb whose last half is CDS, an intron of 2 kb, an exon of 1 kb all CDS."""
    for begin in range(start + 1_000, start + length - 4_000, simulation.gene_every):
        name = f"{chrom}_{begin}"
        parts = (
            ("gene", 0, 4_000),
            ("exon", 0, 1_000),
            ("CDS", 500, 1_000),
            ("exon", 3_000, 4_000),
            ("CDS", 3_000, 4_000),
        )
        for feature, a, b in parts:
            where = f"{chrom}\tsimulated\t{feature}\t{begin + a + 1}\t{begin + b}\t.\t+\t."
            yield f'{where}\tgene_id "{name}"; gene_name "{name}"; gene_type "protein_coding";\n'
