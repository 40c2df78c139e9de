"""From FASTA to ids: the tokenizer and the corpus, beside Hugging Face's path and pyfaidx."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.contest import Contender, Contest


@dataclass
class TokenizerBenchmark:
    """Bases into ids: the vectorised path beside the Hugging Face path, on the same random windows, one core."""

    k: int = 7
    """Bases of a word."""
    stride: int | None = None
    """Bases from word to word; by default k."""
    windows: int = 20_000
    """Windows tokenized by the vectorised path in one turn."""
    peer_windows: int = 1_000
    """Windows tokenized by the Hugging Face path, in one batch."""
    length: int = 448
    """Bases of a window."""
    repeats: int = 7
    """Turns that count."""
    seed: int = 0
    """Of the random bases."""


def tokenizer(config: TokenizerBenchmark, *, scratch: Path) -> list[Contest]:
    """Compare `KmerTokenizer.encode_bases` with calling the tokenizer on strings."""
    from dnabert.tokenizer import KmerTokenizer

    kmers = KmerTokenizer(config.k, config.stride)
    letters = np.frombuffer(b"ACGTacgt", dtype=np.uint8)
    chosen = np.random.default_rng(config.seed).integers(0, len(letters), (config.windows, config.length))
    bases = letters[chosen]
    few = bases[: config.peer_windows]
    texts = [row.tobytes().decode() for row in few]
    if not np.array_equal(kmers.encode_bases(few), kmers(texts)["input_ids"]):
        raise RuntimeError("the two paths give different ids: their speeds are not comparable")
    fast = Contender("encode_bases", bases.size / 1e6, lambda: kmers.encode_bases(bases))
    peer = Contender("tokenizer(texts), Hugging Face", few.size / 1e6, lambda: kmers(texts))
    title = f"ids of {config.length} bp windows, k {kmers.k}, stride {kmers.stride}"
    return [Contest(title, "Mbp", (fast, peer))]


@dataclass
class CorpusBenchmark:
    """A simulated FASTA into a corpus, and its windows out again, beside pyfaidx reading window by window."""

    length: int = 20_000_000
    """Bases of the simulated sequence."""
    windows: int = 20_000
    """Windows drawn at random in one turn."""
    k: int = 7
    """Bases of a word, where windows become ids."""
    repeats: int = 5
    """Turns that count."""
    seed: int = 0
    """Of the simulation and of the draw."""


def corpus(config: CorpusBenchmark, *, scratch: Path) -> list[Contest]:
    """Compare `prepare` and the view of a corpus with a loop over pyfaidx."""
    import pyfaidx

    from dnabert.corpus import config_from_fasta, prepare
    from dnabert.corpus.simulate import simulate_fasta
    from dnabert.tokenizer import KmerTokenizer

    fasta = simulate_fasta(scratch / "simulated.fa", length=config.length, seed=config.seed)
    settings = config_from_fasta(fasta)
    prepared = prepare(settings, out=scratch / "corpus")
    view, width = prepared.view(None), prepared.window_length
    starts = view.column("start")
    rows = np.random.default_rng(config.seed).integers(0, len(view), config.windows)
    kmers = KmerTokenizer(config.k)

    def fetch(some: np.ndarray) -> list[str]:
        with pyfaidx.Fasta(str(fasta), as_raw=True) as genome:
            sequence = genome["chr1"]
            return [sequence[start : start + width] for start in some.tolist()]

    def again() -> object:
        return prepare(settings, out=scratch / "again", overwrite=True)

    megabases, drawn = config.length / 1e6, float(config.windows)
    preparing = (
        Contender("prepare", megabases, again),
        Contender("pyfaidx, nothing saved", megabases, lambda: fetch(starts)),
    )
    bases = (
        Contender("view.bases", drawn, lambda: view.bases(rows)),
        Contender("pyfaidx", drawn, lambda: fetch(starts[rows])),
    )
    ids = (
        Contender("view.input_ids", drawn, lambda: view.input_ids(rows, tokenizer=kmers)),
        Contender("pyfaidx, Hugging Face tokenizer", drawn, lambda: kmers(fetch(starts[rows]))),
    )
    return [
        Contest(f"a FASTA of {megabases:g} Mbp into windows of {width} bp", "Mbp", preparing),
        Contest(f"{config.windows:,} windows at random", "windows", bases),
        Contest(f"{config.windows:,} windows at random as ids, k {config.k}", "windows", ids),
    ]
