import gzip
import shutil
import warnings
from functools import partial
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file
from sklearn.metrics import roc_auc_score

from dnabert.alphabet import reverse_complement
from dnabert.clusters import ClusterConfig, cluster
from dnabert.clusters.assign import assign
from dnabert.clusters.config import AssignConfig
from dnabert.encoders import EmbedConfig, embed, encoder_record, load_encoder, load_recorded
from dnabert.encoders.arrays import pieces
from dnabert.encoders.codebook import CodebookEncoder, Codes
from dnabert.encoders.encoder import CODEBOOK_FILE, DEFAULT_RUN, inputs_of
from dnabert.encoders.interface import Encoder, FittedEncoder
from dnabert.encoders.latent import LatentAnalysis
from dnabert.encoders.recorded import recorded_word_length
from dnabert.encoders.rungs import RungConfig, resolve_rungs
from dnabert.encoders.transformer import TransformerEncoder
from dnabert.errors import UserError
from dnabert.tokenizer import load_tokenizer

LETTERS = np.frombuffer(b"ACGT", dtype=np.uint8)


def windows(n: int = 60, length: int = 60, *, seed: int = 0) -> np.ndarray:
    return LETTERS[np.random.default_rng(seed).integers(0, 4, (n, length))]


def fasta(path: Path, bases: np.ndarray) -> Path:
    path.write_text("".join(f">s{i}\n{row.tobytes().decode()}\n" for i, row in enumerate(bases)))
    return path


def fitted(spec: str, bases: np.ndarray, config: EmbedConfig | None = None) -> Encoder:
    encoder = load_encoder(spec, config=config or EmbedConfig(precision="fp32"))
    assert isinstance(encoder, FittedEncoder)
    encoder.fit(bases)
    return encoder


def test_a_state_is_shared_by_the_codes_nearest_to_it() -> None:
    """Worked by hand: five codes along axes, one state on the first of them, one between the second and the third."""
    codes = Codes(torch.eye(5), torch.zeros(5), torch.ones(5))
    states = torch.tensor([[[3.0, 0, 0, 0, 0], [0, 1, 1, 0, 0], [9, 9, 9, 9, 9]]])
    shares = codes.shares(states, torch.tensor([[True, True, False]]))[0].numpy()
    one, half = np.exp([10.0, 0, 0, 0]), np.exp([10 / 2**0.5, 10 / 2**0.5, 0, 0])
    assert shares.sum() == pytest.approx(1)
    assert shares[0] == pytest.approx(one[0] / one.sum() / 2 + half[2] / half.sum() / 2, abs=1e-4)
    assert shares[1] == pytest.approx(shares[2], abs=1e-4) and shares[1] == pytest.approx(
        half[0] / half.sum() / 2, abs=1e-4
    )


def test_codes_are_where_states_lie() -> None:
    rng = np.random.default_rng(0)
    places = rng.normal(size=(4, 12))
    which = rng.integers(0, 4, 400)
    codes = Codes.fitted((7 + 3 * (places[which] + rng.normal(size=(400, 12)) / 20)).astype(np.float32), seed=0)
    shares = codes.shares(
        torch.from_numpy((7 + 3 * places).astype(np.float32))[:, None], torch.ones(4, 1, dtype=torch.bool)
    ).numpy()
    assert len(codes.centres) == 400 // 16 and shares.sum(axis=1) == pytest.approx(1)
    assert ((shares > 0.01).sum(axis=0) <= 1).all()  # no code is of two places


def test_vectors_are_those_of_counting_what_transformers_own_model_says(modernbert_run: Path) -> None:
    """A second way: states by `transformers` itself, their nearest codes one by one, counts, rarity and directions as
    saved."""
    from transformers import AutoModel

    bases = windows(300)
    encoder = fitted(f"codebook:{modernbert_run}", bases)
    assert isinstance(encoder, CodebookEncoder) and encoder._codes and encoder._analysis
    codes, matrix = encoder._codes, encoder._analysis.matrix
    model, tokenizer = AutoModel.from_pretrained(modernbert_run).eval(), load_tokenizer(modernbert_run)
    with torch.no_grad():
        states = (
            model(torch.from_numpy(tokenizer.encode_bases(bases[:5]).astype(np.int64)))
            .last_hidden_state[:, 1:-1]
            .numpy()
        )
    counts = np.zeros((5, len(codes.centres)))
    for row, window in enumerate(states):
        for state in window:
            unit = (state - codes.mean.numpy()) / codes.spread.numpy()
            cosines = codes.centres.numpy() @ unit / np.linalg.norm(unit)
            nearest = np.argsort(-cosines)[:4]
            weights = np.exp(cosines[nearest] / 0.1)
            counts[row, nearest] += weights / weights.sum() / len(window)
    weighted = np.sqrt(counts) * matrix[0]
    expected = weighted / np.linalg.norm(weighted, axis=1, keepdims=True) @ matrix[1:].T
    np.testing.assert_allclose(encoder.encode(bases[:5]), expected, atol=2e-4)
    shares = encoder._shares(bases).toarray()
    np.testing.assert_allclose(matrix[0], np.log(301 / (1 + (shares > 0).sum(axis=0))) + 1, rtol=1e-5)
    assert isinstance(encoder._analysis, LatentAnalysis) and matrix.shape == (129, len(codes.centres))


def test_long_sequences_frames_and_strands_count_alike(modernbert_run: Path) -> None:
    """A reading of 333 bp (66 words, at most 12 at once) is that of six pieces of 12, evenly placed; frames and strands
    count alike."""
    config = EmbedConfig(precision="fp32", phases=2, both_strands=True)
    encoder, plain = (
        fitted(f"codebook:{modernbert_run}", windows(), config),
        fitted(f"codebook:{modernbert_run}", windows()),
    )
    assert isinstance(encoder, CodebookEncoder) and isinstance(plain, CodebookEncoder)
    plain._codes, plain._analysis = encoder._codes, encoder._analysis
    one, long, none = windows(1, seed=5)[0], windows(1, 333, seed=6)[0], np.full(60, ord("N"), dtype=np.uint8)
    places = (0, 11, 22, 32, 43, 54)
    parts = [
        strand[shift:][5 * place : 5 * place + 60]
        for strand in (long, reverse_complement(long))
        for shift in (0, 2)
        for place in places
    ]
    expected = plain._shares(parts).toarray().mean(axis=0)
    shares = encoder._shares([long]).toarray()[0]
    np.testing.assert_allclose(shares, expected, atol=2e-3)
    assert shares.sum() == pytest.approx(1) and np.abs(shares - expected).sum() < 0.02
    together = encoder.encode([one, long, none])
    for row, bases in enumerate((one, long, none)):
        np.testing.assert_allclose(encoder.encode(bases[None])[0], together[row], atol=1e-4)
    assert np.isfinite(together).all() and encoder.encode(windows(0)).shape == (0, 128)


def test_neither_batches_nor_pieces_matter_where_states_are_drawn(
    modernbert_run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bases = [*windows(30), *windows(30, 47, seed=1), *windows(5, 200, seed=2)]
    monkeypatch.setattr("dnabert.encoders.codebook._STATES", 400)
    monkeypatch.setattr("dnabert.encoders.codebook._SEQUENCES", 40)
    monkeypatch.setattr("dnabert.encoders.codebook._COUNTED", 50)
    found = []
    for batch_size, most in ((64, 512), (3, 7)):
        monkeypatch.setattr("dnabert.encoders.codebook.pieces", partial(pieces, most=most))
        monkeypatch.setattr("dnabert.encoders.joint.pieces", partial(pieces, most=most))
        config = EmbedConfig(precision="fp32", phases=5, both_strands=True, batch_size=batch_size)
        encoder = load_encoder(f"{modernbert_run}+codebook:{modernbert_run}", config=config)
        assert isinstance(encoder, FittedEncoder)
        encoder.fit(bases)
        found.append(encoder.encode(bases))
    np.testing.assert_allclose(found[0], found[1], atol=2e-3 * np.abs(found[0]).max())
    states = encoder._parts[1].encoder.drawn_states(bases, most=400)  # type: ignore[attr-defined]
    assert 350 < len(states) <= 400 and len(np.unique(states, axis=0)) > 300


@pytest.mark.parametrize("letters", [b"ACGTA", b"ACGTACG", b"NNNNNNNN", b"ACGTTGCATGCATGCATTTACGGACGTTAC"])
def test_few_short_or_equal_sequences_are_enough(modernbert_run: Path, letters: bytes) -> None:
    bases = np.frombuffer(letters, dtype=np.uint8)
    same = np.stack([bases, bases])
    other = np.stack([bases, bases[::-1]])
    for few in (same, other):
        with warnings.catch_warnings(action="error"):
            vectors = fitted(f"codebook:{modernbert_run}", few).encode(few)
        assert vectors.shape == (2, 128) and np.isfinite(vectors).all()
    assert letters == b"NNNNNNNN" or np.abs(vectors[0] - vectors[1]).max() > 1e-4  # two sequences span two directions


def test_states_that_are_no_numbers_are_told(modernbert_run: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(modernbert_run, run)
    weights = load_file(run / "model.safetensors")
    save_file(
        {name: np.full_like(value, np.nan) for name, value in weights.items()},
        run / "model.safetensors",
        metadata={"format": "pt"},
    )
    with pytest.raises(UserError, match="damaged, or it diverged"):
        fitted(f"codebook:{run}", windows(3))


def test_parts_that_read_by_one_model_read_once(modernbert_run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bases, asked = windows(), []
    joint = fitted(f"{modernbert_run}+codebook:{modernbert_run}+kmer:2", bases)
    read = TransformerEncoder.read
    monkeypatch.setattr(
        TransformerEncoder,
        "read",
        lambda self, bases, poolings: asked.append(len(poolings)) or read(self, bases, poolings),
    )
    found = joint.encode(bases[:9])
    assert asked == [2] and found.shape == (9, 16 + 128 + 10)
    codebook, mean = (
        fitted(f"codebook:{modernbert_run}", bases),
        load_encoder(str(modernbert_run), config=EmbedConfig(precision="fp32")),
    )
    for part, columns in ((mean, slice(0, 16)), (codebook, slice(16, 144))):
        by = part.encode(bases)
        expected = (by[:9] - by.mean(axis=0)) / by.std(axis=0)
        expected *= expected.shape[1] ** 0.5 / np.linalg.norm(expected, axis=1, keepdims=True)
        np.testing.assert_allclose(found[:, columns], expected, rtol=2e-3, atol=2e-3)


@pytest.mark.slow
def test_a_piece_of_an_element_is_found_in_windows_of_which_it_is_a_quarter() -> None:
    """Old copies (an eighth of the bases drawn anew) of 112 bases of one of six elements, on either strand, anywhere in
    random sequence."""
    text = gzip.decompress((files("dnabert.corpus") / "demo/mobile_elements.fa.gz").read_bytes()).decode()
    element = {
        name.split()[0]: sequence.replace("\n", "").upper()
        for name, _, sequence in (each.partition("\n") for each in text.split(">")[1:])
    }
    alu, line, sva = (
        np.frombuffer(element[name].encode(), dtype=np.uint8) for name in ("ALU:AluYb8", "L1:L1Ta", "SVA:SVA_F")
    )
    pieces = [alu[10:122], alu[150:262], line[200:312], line[2500:2612], line[5000:5112], sva[500:612]]
    rng, bases = np.random.default_rng(0), windows(96, 448, seed=1)
    which = np.arange(96) % 6
    for row, piece in zip(bases, which, strict=True):
        copy = np.where(rng.random(112) < 1 / 8, LETTERS[rng.integers(0, 4, 112)], pieces[piece])
        start = rng.integers(0, 336)
        row[start : start + 112] = (
            copy
            if rng.random() < 0.5
            else np.frombuffer(copy.tobytes().translate(bytes.maketrans(b"ACGT", b"TGCA"))[::-1], np.uint8)
        )
    first, second = np.triu_indices(96, 1)
    told = {}
    for spec in ("default", "codebook:default", "codebook:random:default"):
        encoder = load_encoder(spec, config=EmbedConfig(both_strands=True))
        if isinstance(encoder, FittedEncoder):
            encoder.fit(bases)
        vectors = encoder.encode(bases)
        unit = (vectors - vectors.mean(axis=0)) / vectors.std(axis=0)
        unit /= np.linalg.norm(unit, axis=1, keepdims=True)
        told[spec] = roc_auc_score(which[first] == which[second], (unit @ unit.T)[first, second])
    assert told["codebook:default"] > 0.7 and told["codebook:default"] > told["default"] + 0.05, told
    assert told["codebook:default"] > told["codebook:random:default"] + 0.05, told


def test_new_sequences_are_read_as_the_embedded_ones_were(modernbert_run: Path, tmp_path: Path) -> None:
    bases = windows(80, seed=2)
    spec = f"codebook:{modernbert_run}"
    made = embed(spec, fasta(tmp_path / "a.fa", bases), out=tmp_path / "e", config=EmbedConfig(whiten=0.5))
    record = encoder_record(made.manifest)
    assert record["folder"] == str(modernbert_run) and inputs_of(spec) == {"encoder": modernbert_run}
    assert recorded_word_length(made.manifest) == load_tokenizer(modernbert_run).k
    np.testing.assert_allclose(
        load_recorded(record, folder=tmp_path / "e").encode(bases), made.vectors, rtol=1e-3, atol=1e-3
    )
    clusters = cluster(tmp_path / "e", out=tmp_path / "c", config=ClusterConfig(min_cluster_size=5))
    row = int(np.argmax(clusters.table["label"].to_numpy() >= 0))
    shutil.rmtree(tmp_path / "e")
    found = assign(
        tmp_path / "c",
        fasta(tmp_path / "same.fa", bases[row : row + 1]),
        out=tmp_path / "placed.tsv",
        config=AssignConfig(error=0.5),
    ).table
    assert (
        found["distance"].tolist() == pytest.approx([0], abs=1e-3)
        and found["exemplar_1"].str.startswith(f"s{row}").all()
    )
    both = embed(f"random:{modernbert_run}+codebook:random:{modernbert_run}", tmp_path / "a.fa", out=tmp_path / "f")
    again = load_recorded(encoder_record(both.manifest), folder=tmp_path / "f")
    np.testing.assert_allclose(again.encode(bases), both.vectors, rtol=1e-3, atol=1e-3)


def test_what_cannot_be_is_said(modernbert_run: Path, tmp_path: Path) -> None:
    for spec in ("codebook:kmer:4", "codebook:lsa:8", "codebook:codebook:default"):
        with pytest.raises(UserError, match="a codebook is of a model's states"):
            load_encoder(spec)
    for spec in ("codebook:nowhere", "codebook:", "codebok:default", "codebook:kmer", "codebook:random:"):
        with pytest.raises(UserError, match=f"no such run folder or encoder: {spec}"):
            load_encoder(spec)
    encoder = load_encoder(f"codebook:{modernbert_run}")
    assert isinstance(encoder, CodebookEncoder)
    with pytest.raises(UserError, match="two sequences or more"):
        encoder.fit(windows(1))
    for act in (lambda: encoder.encode(windows(2)), lambda: encoder.save(tmp_path), lambda: encoder.pooling):
        with pytest.raises(ValueError, match="was not fitted"):
            act()
    encoder.fit(windows())
    encoder.save(tmp_path)
    saved = load_file(tmp_path / CODEBOOK_FILE)
    for damage in ({"mean": saved["mean"][:3]}, {"matrix": saved["matrix"][:9]}):
        save_file(saved | damage, tmp_path / CODEBOOK_FILE)
        with pytest.raises(UserError, match="embed and cluster again"):
            encoder.load(tmp_path)
    (tmp_path / CODEBOOK_FILE).unlink()
    with pytest.raises(UserError, match="embed and cluster again"):
        encoder.load(tmp_path)


def test_a_rung_may_be_the_codebook_of_the_run() -> None:
    rungs = [
        RungConfig("a", "codebook:RUN"),
        RungConfig("b", "RUN+codebook:untrained:RUN"),
        RungConfig("c", "codebook:default"),
    ]
    assert [each.encoder for each in resolve_rungs(rungs, run="r")] == [
        "codebook:r",
        "r+codebook:untrained:r",
        "codebook:default",
    ]
    assert [each.name for each in resolve_rungs(rungs, run=None)] == ["c"] and inputs_of("codebook:default") == {
        "encoder": DEFAULT_RUN
    }
