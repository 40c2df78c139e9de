"""Fixtures that several tests share: the embedded demo, prepared once, and a tiny simulated corpus."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from dnabert.corpus import Corpus, CorpusConfig, GenomeConfig, SplitConfig, WindowConfig, demo_config, prepare
from dnabert.corpus.simulate import Simulation, simulate_fasta

settings.register_profile("untimed", deadline=None)  # numba compiles in a first example, and other work may be beside
settings.load_profile("untimed")
os.environ["PYTHONFAULTHANDLER"] = "1"  # a process that a test starts and that crashes says where
# what a script begins with & ignores Ctrl-C, and what nohup begins a closed terminal: so would all that tests start
signal.signal(signal.SIGINT, signal.default_int_handler)
if hasattr(signal, "SIGHUP"):
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.fixture(scope="session", autouse=True)
def _wandb_writes_nothing_at_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("WANDB_CACHE_DIR", "WANDB_DATA_DIR"):
            patch.setenv(name, str(tmp_path_factory.mktemp("wandb")))
        yield


@pytest.fixture(autouse=True)
def _a_command_run_here_leaves_signals_as_they_were() -> Iterator[None]:
    """Else SIGTERM, which is to end the tests, ends a later one alone, and they go on."""
    yield
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


@pytest.fixture
def yaml_file(tmp_path: Path):
    """Write a text as a YAML file and give its path."""

    def write(text: str) -> str:
        path = tmp_path / "settings.yaml"
        path.write_text(text)
        return str(path)

    return write


@pytest.fixture(scope="session")
def demo_corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    """The embedded demo corpus, prepared: four genomes, 16,000 windows of 448 bp, split by block."""
    return prepare(demo_config(), out=tmp_path_factory.mktemp("demo") / "corpus")


@pytest.fixture(scope="session")
def tiny_corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    """A simulated genome of two sequences of 60 kb with repeats, genes and a run of N; windows of 112 bp."""
    folder: Path = tmp_path_factory.mktemp("tiny")
    simulate_fasta(
        folder / "tiny.fa",
        length=60_000,
        seed=1,
        chroms=("chr1", "chr2"),
        genes=folder / "tiny.gtf",
        repeats=folder / "tiny.bed",
        simulation=Simulation(n_run=500),
    )
    config = CorpusConfig(
        genomes=[GenomeConfig("tiny", "tiny.fa", genes="tiny.gtf", repeats="tiny.bed")],
        window=WindowConfig(length=112),
        split=SplitConfig(validation_fraction=0.1, test_fraction=0.1),
    )
    return prepare(config, out=folder / "corpus", base=folder)
