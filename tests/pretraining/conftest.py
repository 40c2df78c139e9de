import pytest

from dnabert.corpus import config_from_fasta, prepare, simulate_fasta
from dnabert.models.config import ModelConfig
from dnabert.pretraining.config import PretrainConfig


@pytest.fixture(scope="session")
def small_corpus(tmp_path_factory):
    """Folder of a corpus of a few hundred windows."""
    folder = tmp_path_factory.mktemp("small")
    simulate_fasta(folder / "genome.fa", length=200_000, seed=1)
    prepare(config_from_fasta([folder / "genome.fa"]), out=folder / "corpus")
    return folder / "corpus"


@pytest.fixture
def config(small_corpus, tmp_path):
    """Makes a config of a tiny run with changes."""

    def make(**changes):
        options = {
            "corpus": str(small_corpus),
            "out": str(tmp_path / "run"),
            "k": 4,
            "model": ModelConfig(hidden_size=32, layers=2, heads=2, intermediate_size=32),
            "batch_size": 8,
            "steps": 6,
            "warmup_steps": 2,
            "evaluate_every": 3,
            "evaluation_windows": 10,
            "checkpoint_every": 2,
            "floor_order": 2,
            "log_every": 1,
            "tracker": "none",
            "threads": 1,  # umap's compiler sets OpenMP's threads for the whole process: other sums than in a fresh one
            "precision": "fp32",  # equality is of the arithmetic, not of how fast this machine multiplies bf16
        }
        return PretrainConfig(**(options | changes))

    return make
