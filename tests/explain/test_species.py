import numpy as np
import pytest

from dnabert.explain.circle import Circle
from dnabert.explain.species import species_preference


def four(length: int) -> tuple[Circle, np.ndarray]:
    circle = Circle(np.tile(np.arange(length), 4), np.repeat(np.arange(4), length), length)
    return circle, np.arange(4)[None] == circle.track[:, None]


def test_a_score_worked_by_hand() -> None:
    """Two genomes, three slots, each a stretch: the cluster holds a, a and both: excess 1/2, 1/2, 0."""
    circle = Circle(np.array([0, 1, 2, 0, 1, 2]), np.array([0, 0, 0, 1, 1, 1]), 3)
    labels = np.array([0, 0, 0, -1, -1, 0])
    p, sd, expected = species_preference(labels, circle.track[:, None] == 0, circle, clusters=1, stretch=1)
    assert expected[0, 0] == 0.5 and sd[0, 0] == pytest.approx(np.sqrt(0.5) / 4)
    # score 1 / sqrt(1/4 + 1/4) = sqrt(2) on one degree of freedom: 2 (1/2 - arctan(sqrt 2) / pi)
    assert p[0, 0] == pytest.approx(1 - 2 * np.arctan(np.sqrt(2)) / np.pi)


def test_exchangeable_genomes_give_uniform_p() -> None:
    """Whole orthologous stretches differ between species at random, in runs as long as a stretch."""
    rng = np.random.default_rng(0)
    circle, genomes = four(2_048)
    labels = np.repeat(rng.integers(-1, 60, (4, 32)), 64, axis=1).ravel()
    labels[rng.random(len(labels)) < 0.5] = -1
    p, _, _ = species_preference(labels, genomes, circle, clusters=60)
    assert (p <= 0.05).mean() < 0.09


def test_a_cluster_of_one_genome_is_found() -> None:
    rng = np.random.default_rng(1)
    circle, genomes = four(2_048)
    labels = np.where((circle.track == 2) & (rng.random(4 * 2_048) < 0.05), 0, -1)
    p, _, _ = species_preference(labels, genomes, circle, clusters=1)
    assert p[0, 2] < 1e-4


def test_one_place_is_no_evidence() -> None:
    circle, genomes = four(256)
    labels = np.where((circle.track == 0) & (circle.slot < 20), 0, -1)
    assert (species_preference(labels, genomes, circle, clusters=2)[0] == 1).all()
