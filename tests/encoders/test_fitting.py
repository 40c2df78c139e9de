"""What encoders are fitted on is bounded in sequences and in bases."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dnabert.corpus import Corpus, CorpusConfig, GenomeConfig, SplitConfig, WindowConfig, prepare
from dnabert.encoders import EmbedConfig, embed, encoder_record, fitting, load_encoder, load_recorded
from dnabert.encoders.fitting import longest_read, sequences_to_fit, shortened
from dnabert.encoders.interface import FittedEncoder
from dnabert.encoders.source import open_source
from dnabert.encoders.whitening import fit_whitening
from dnabert.errors import UserError


@given(st.lists(st.integers(1, 1000), min_size=1, max_size=20), st.integers(20, 5000))
def test_sequences_are_cut_no_more_than_they_must(lengths: list[int], most: int) -> None:
    longest = longest_read(np.array(lengths), most=most)
    assert sum(min(length, longest) for length in lengths) <= most
    assert longest == max(lengths) or sum(min(length, longest + 1) for length in lengths) > most


def test_a_long_sequence_is_reduced_to_stretches_of_all_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fitting, "_PIECE", 10)
    long, short = np.arange(200, dtype=np.uint8), np.arange(30, dtype=np.uint8)
    just = np.arange(35, dtype=np.uint8)
    reduced, whole, fitting_in = shortened([long, short, just], longest=35)
    assert whole is short and fitting_in is just
    assert reduced.reshape(4, 8)[:, 0].tolist() == [0, 64, 128, 192] and len(set(reduced.tolist())) == 32


def test_of_many_sequences_stretches_from_the_first_to_the_last_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = np.frombuffer(b"ACGT", dtype=np.uint8)[np.random.default_rng(0).integers(0, 4, (101, 40))]
    (tmp_path / "a.fa").write_text("".join(f">{i}\n{each.tobytes().decode()}\n" for i, each in enumerate(records)))
    monkeypatch.setattr(fitting, "_STRETCHES", 3)
    with open_source(tmp_path / "a.fa", config=EmbedConfig()) as source:
        some, all_of_it = (sequences_to_fit(source, EmbedConfig(), most=most) for most in (30, 101))
    assert some.rows.tolist() == [*range(10), *range(45, 55), *range(91, 101)] and not some.whole
    assert np.array_equal(np.concatenate(some.bases), records[some.rows])
    assert all_of_it.rows.tolist() == list(range(101)) and all_of_it.whole
    with open_source(tmp_path / "a.fa", config=EmbedConfig()) as source:
        assert sequences_to_fit(source, EmbedConfig(), most=2).rows.tolist() == [0, 100]


@pytest.mark.parametrize("genomes", [None, ["human", "orangutan"]])
def test_held_out_windows_are_new_to_what_was_fitted(
    genomes: list[str] | None, demo_corpus: Corpus, tmp_path: Path
) -> None:
    """Codes named the repeat class of the very windows that they were fitted on more often than that of others, by as
    much as they led counting."""
    config = EmbedConfig(splits=["test"], sample=200, genomes=genomes, strand="random")
    made = embed("lsa:5", demo_corpus, out=tmp_path / "e", config=config)
    assert made.manifest["config"]["fitted_share"] == 0 and encoder_record(made.manifest)["fitted_share"] == 0
    view = demo_corpus.view("train")
    training = view.bases(np.flatnonzero(np.isin(view.column("genome"), genomes)) if genomes else np.arange(len(view)))
    encoder = load_encoder("lsa:5")
    assert isinstance(encoder, FittedEncoder)
    encoder.fit(training)
    with open_source(demo_corpus.folder, config=config) as source:
        windows = np.concatenate([np.asarray(chunk.bases) for chunk in source.chunks(0, 200)])
    np.testing.assert_allclose(made.vectors, encoder.encode(windows), atol=1e-3)
    again = load_recorded(encoder_record(made.manifest), folder=tmp_path / "e")
    np.testing.assert_allclose(again.encode(windows), made.vectors, atol=1e-6)


def test_where_nothing_is_held_out_the_share_of_what_was_fitted_on_is_told(tiny_corpus: Corpus, tmp_path: Path) -> None:
    def share(spec: str, **config: Any) -> float | None:
        made = embed(spec, tiny_corpus, out=tmp_path / f"{spec}{len(list(tmp_path.iterdir()))}", config=config)
        found: float | None = made.manifest["config"].get("fitted_share")
        return found

    training = len(tiny_corpus.view("train")) / len(tiny_corpus.view(None))
    assert share("lsa:3") == pytest.approx(training) and 0.7 < training < 0.9
    assert share("kmer:2+lsa:3", splits=["train"], sample=9) == 1
    assert share("kmer:2") is None and share("kmer:1+kmer:2") is None


@pytest.mark.filterwarnings("ignore:split.by is chromosome", "ignore:no window is in train")
@pytest.mark.parametrize(
    ("test", "asked", "fitted"),
    [
        (["held", "short"], {"genomes": ["a"]}, {("b", "train")}),  # a genome that is held out whole
        (["held", "short"], {"splits": ["test"]}, {("b", "train")}),
        (["held", "other"], {}, {("a", "test"), ("a", "train"), ("b", "test")}),  # one training window alone
        (["held", "other"], {"splits": ["test"], "genomes": ["b"]}, {("b", "test")}),
        (["held", "short", "other"], {"genomes": ["a"]}, {("a", "test")}),
    ],
)
def test_where_the_asked_genomes_have_no_training_windows_others_are_fitted_on(
    test: list[str], asked: dict[str, list[str]], fitted: set[tuple[str, str]], tmp_path: Path
) -> None:
    letters = np.frombuffer(b"ACGT", dtype=np.uint8)[np.random.default_rng(0).integers(0, 4, 1_100)].tobytes().decode()
    (tmp_path / "a.fa").write_text(f">held\n{letters[:600]}\n>short\n{letters[600:700]}\n")
    (tmp_path / "b.fa").write_text(f">other\n{letters[700:]}\n")
    corpus = CorpusConfig(
        genomes=[GenomeConfig("a", "a.fa"), GenomeConfig("b", "b.fa")],
        window=WindowConfig(length=100),
        split=SplitConfig(by="chromosome", test=test),
    )
    prepare(corpus, out=tmp_path / "corpus", base=tmp_path)
    with open_source(tmp_path / "corpus", config=EmbedConfig(**asked, sample=1)) as source:  # type: ignore[arg-type]
        to_fit = source.to_fit()
        columns = [chunk.columns for chunk in to_fit.chunks(0, len(to_fit))]
    found = [(row["genome"], row["split"]) for each in columns for row in each.to_pylist()]
    assert set(found) == fitted and len(found) > 1
    made = embed("lsa:3", tmp_path / "corpus", out=tmp_path / "e", config={**asked, "sample": 1})
    assert made.manifest["config"]["fitted_share"] == (("b", "train") not in fitted)


def test_of_a_fasta_file_all_of_it_is_fitted_on_whatever_sample_is_embedded(tmp_path: Path) -> None:
    records = np.frombuffer(b"ACGT", dtype=np.uint8)[np.random.default_rng(0).integers(0, 4, (50, 60))]
    text = [f">{i}\n{each.tobytes().decode()}\n" for i, each in enumerate(records)]
    (tmp_path / "a.fa").write_text("".join(text))
    one = embed("lsa:2", tmp_path / "a.fa", out=tmp_path / "one", config=EmbedConfig(sample=1, seed=4))
    all_of_it = embed("lsa:2", tmp_path / "a.fa", out=tmp_path / "all", config=EmbedConfig(seed=4))
    assert one.manifest["config"]["fitted_share"] == all_of_it.manifest["config"]["fitted_share"] == 1
    where = all_of_it.table["name"].tolist().index(one.table["name"][0])
    np.testing.assert_allclose(one.vectors[0], all_of_it.vectors[where], atol=1e-5)
    (tmp_path / "a.fa").write_text("".join([*text, ">short\nA\n"]))
    with pytest.raises(UserError, match=r"record short of .*a\.fa has 1 base"):
        embed("lsa:2", tmp_path / "a.fa", out=tmp_path / "short", config=EmbedConfig(sample=1, seed=4))
    assert not (tmp_path / "short").exists()


def test_a_few_long_records_are_not_held_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    letters, rng = np.frombuffer(b"ACGT", dtype=np.uint8), np.random.default_rng(0)
    records = [
        letters[rng.choice(4, length, p=p)]
        for length, p in ((9_000, [0.4, 0.1, 0.1, 0.4]), (700, [0.25] * 4), (8_000, [0.1, 0.4, 0.4, 0.1]))
    ]
    (tmp_path / "a.fa").write_text("".join(f">{i}\n{bases.tobytes().decode()}\n" for i, bases in enumerate(records)))
    config = EmbedConfig(whiten=0.5)
    with open_source(tmp_path / "a.fa", config=config) as source:
        fitted = sequences_to_fit(source, config, most=3)
        assert fitted.whole and [len(sequence) for each in fitted.bases for sequence in each] == [9_000, 700, 8_000]
        monkeypatch.setattr(fitting, "FIT_BASES", 4_700)
        fitted = sequences_to_fit(source, config, most=3)
    sequences = [sequence for each in fitted.bases for sequence in each]
    assert not fitted.whole and [len(sequence) for sequence in sequences] == [2_000, 700, 2_000]
    made = embed("kmer:2", tmp_path / "a.fa", out=tmp_path / "e", config=config)
    counts = load_encoder("kmer:2")
    np.testing.assert_allclose(
        made.vectors, fit_whitening(counts.encode(sequences), power=0.5)(counts.encode(records)), atol=1e-4
    )
