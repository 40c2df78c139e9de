import shutil
from pathlib import Path

import numpy as np
import pytest

from dnabert.clusters import ClusterConfig, cluster
from dnabert.clusters.assign import assign
from dnabert.encoders import EmbedConfig, embed, encoder_record, load_encoder, load_recorded
from dnabert.encoders.encoder import DEFAULT_RUN, inputs_of, parts_of
from dnabert.encoders.interface import FittedEncoder
from dnabert.encoders.joint import FOLDER
from dnabert.encoders.recorded import recorded_word_length
from dnabert.encoders.rungs import RungConfig, of_corpus, resolve_rungs
from dnabert.errors import UserError
from dnabert.tokenizer import load_tokenizer

LETTERS = np.frombuffer(b"ACGT", dtype=np.uint8)


def windows(n: int = 60, length: int = 200, *, seed: int = 0) -> np.ndarray:
    return LETTERS[np.random.default_rng(seed).integers(0, 4, (n, length))]


def fasta(path: Path, bases: np.ndarray) -> Path:
    path.write_text("".join(f">s{i}\n{row.tobytes().decode()}\n" for i, row in enumerate(bases)))
    return path


def standardised(vectors: np.ndarray, by: np.ndarray) -> np.ndarray:
    rows = (vectors - by.mean(axis=0)) / by.std(axis=0)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def test_the_cosine_is_that_of_both_parts_each_weighing_by_its_dimensions() -> None:
    bases, new = windows(), windows(5, seed=1)
    joint = load_encoder("kmer:2+lsa:3")
    assert isinstance(joint, FittedEncoder) and joint.minimum_length == 3 and joint.dimension == 10 + 32
    joint.fit(bases)
    found = joint.encode(new)
    assert found.dtype == np.float32 and found.shape == (5, 42)
    counts, latent = load_encoder("kmer:2"), load_encoder("lsa:3")
    latent.fit(bases)
    a, b = (standardised(each.encode(new), each.encode(bases)) for each in (counts, latent))
    np.testing.assert_allclose(found @ found.T, 10 * a @ a.T + 32 * b @ b.T, atol=1e-3)


def test_of_three_parts_each_is_read_again_by_its_own_scales(tmp_path: Path) -> None:
    bases, spec = windows(), "kmer:2+lsa:3+kmer:1"
    made, again = load_encoder(spec), load_encoder(spec)
    assert isinstance(made, FittedEncoder) and isinstance(again, FittedEncoder)
    made.fit(bases)
    made.save(tmp_path)
    again.load(tmp_path)
    np.testing.assert_array_equal(again.encode(bases), made.encode(bases))


def test_new_sequences_are_read_as_the_embedded_ones_were(bert_run: Path, tmp_path: Path) -> None:
    """A run, counts that are fitted and whitening, and all of it taken along by the clusters."""
    bases = windows(80, seed=2)
    made = embed(
        f"{bert_run}+lsa:4",
        fasta(tmp_path / "a.fa", bases),
        out=tmp_path / "e",
        config=EmbedConfig(whiten=0.5, phases=2),
    )
    record = encoder_record(made.manifest)
    assert [each["folder"] for each in record["parts"]] == [str(bert_run), None] and record["reading"]["phases"] == 2
    np.testing.assert_allclose(
        load_recorded(record, folder=tmp_path / "e").encode(bases), made.vectors, rtol=1e-3, atol=1e-3
    )
    assert recorded_word_length(made.manifest) == load_tokenizer(bert_run).k
    turned = made.manifest | {
        "config": made.manifest["config"] | {"encoder": "lsa:8+default", "parts": ["lsa:8", "default"]},
        "inputs": {},
    }
    assert recorded_word_length(turned) == load_tokenizer(DEFAULT_RUN).k != 8
    cluster(tmp_path / "e", out=tmp_path / "c", config=ClusterConfig(min_cluster_size=5))
    shutil.rmtree(tmp_path / "e")
    found = assign(tmp_path / "c", fasta(tmp_path / "same.fa", bases[3:4]), out=tmp_path / "placed.tsv").table
    assert found["distance"].tolist() == pytest.approx([0], abs=1e-3) and found["exemplar_1"].str.startswith("s3").all()


def test_a_folder_may_have_a_plus_in_its_name(tmp_path: Path) -> None:
    folder = tmp_path / "a+b+c"
    folder.mkdir()
    assert parts_of(f"{folder}+kmer:4") == [str(folder), "kmer:4"]
    assert parts_of(f"lsa:8+random:{folder}") == ["lsa:8", f"random:{folder}"]
    two = tmp_path / "a+b"
    two.mkdir()
    assert parts_of(f"kmer:4+{two}+lsa:8") == ["kmer:4", str(two), "lsa:8"]
    made = embed("kmer:2", fasta(tmp_path / "a.fa", windows(4)), out=tmp_path / "e").manifest
    assert made["config"]["parts"] == ["kmer:2"]
    # read from wherever, later
    made = made | {"config": made["config"] | {"encoder": "a+b+lsa:8", "parts": ["a+b", "lsa:8"]}}
    assert [part["encoder"] for part in encoder_record(made)["parts"]] == ["a+b", "lsa:8"]
    assert inputs_of(f"lsa:8+random:{folder}") == {"encoder 2": folder} and inputs_of(str(folder)) == {
        "encoder": folder
    }


def test_the_run_may_be_a_part_of_a_rung(capsys: pytest.CaptureFixture[str]) -> None:
    rungs = [
        RungConfig("a", "RUN+lsa:8"),
        RungConfig("b", "kmer:4+random:RUN"),
        RungConfig("c", "RUNS/x"),
        RungConfig("d", "untrained:RUN"),
    ]
    assert [each.encoder for each in resolve_rungs(rungs, run=r"runs\1")] == [
        r"runs\1+lsa:8",
        r"kmer:4+random:runs\1",
        "RUNS/x",
        r"untrained:runs\1",
    ]
    assert capsys.readouterr().out == ""
    assert [each.name for each in resolve_rungs(rungs, run=None)] == ["c"]
    assert capsys.readouterr().out.splitlines() == [
        f"{name} is left out: it needs a run (--run RUN)" for name in ("a", "b", "d")
    ]


def test_the_corpus_may_be_a_part_of_a_rung(capsys: pytest.CaptureFixture[str]) -> None:
    rungs = [
        RungConfig("a", "abundance:CORPUS"),
        RungConfig("b", "RUN+abundance:CORPUS+lsa:8"),
        RungConfig("c", "abundance:CORPUS/x"),
    ]
    resolved = of_corpus(resolve_rungs(rungs, run="r", has_corpus=True), r"my\1")
    assert [each.encoder for each in resolved] == [
        r"abundance:my\1",
        r"r+abundance:my\1+lsa:8",
        "abundance:CORPUS/x",
    ]
    assert [each.name for each in resolve_rungs(rungs, run="r")] == ["c"]
    assert "b is left out: there is no corpus here" in capsys.readouterr().out


def test_what_cannot_be_joined_is_said(tmp_path: Path) -> None:
    for spec in ("default+lzz:8", "default+", "+lsa:8", "lsa:8++kmer:4"):
        with pytest.raises(UserError, match="no such run folder or encoder"):
            load_encoder(spec)
    joint = load_encoder("kmer:2+kmer:3")
    with pytest.raises(ValueError, match=r"was not fitted: call fit\(bases\)"):
        joint.encode(windows(2))
    with pytest.raises(UserError, match="needs two sequences"):
        embed("kmer:2+kmer:3", fasta(tmp_path / "one.fa", windows(1)), out=tmp_path / "e")
    made = embed("kmer:2+kmer:3", fasta(tmp_path / "a.fa", windows(9)), out=tmp_path / "e")
    with pytest.raises(UserError, match="embed and cluster again"):
        load_recorded(
            encoder_record(made.manifest) | {"parts": encoder_record(made.manifest)["parts"][:1]}, folder=tmp_path / "e"
        )
    shutil.rmtree(tmp_path / "e" / FOLDER)
    with pytest.raises(UserError, match="embed and cluster again"):
        load_recorded(encoder_record(made.manifest), folder=tmp_path / "e")


def test_counts_of_a_sequence_without_a_word_stay_zero() -> None:
    joint = load_encoder("kmer:2+kmer:3")
    assert isinstance(joint, FittedEncoder)
    joint.fit(windows())
    assert not joint.encode(np.full((1, 50), ord("N"), dtype=np.uint8)).any()
