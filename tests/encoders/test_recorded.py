import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import BertConfig, BertModel, BertTokenizerFast

from dnabert.encoders import EmbedConfig, embed, encoder_record, load_embeddings, load_recorded
from dnabert.encoders.encoder import DEFAULT_RUN
from dnabert.encoders.recorded import recorded_word_length
from dnabert.encoders.revisions import revisions_of
from dnabert.errors import UserError
from dnabert.manifest import sha256, write_manifest
from dnabert.tokenizer import load_tokenizer


def test_new_sequences_are_read_as_the_recorded_ones_were(tmp_path: Path) -> None:
    (tmp_path / "a.fa").write_text(">a\nACGTTGCA\n>b\nGGCCATTA\n")
    made = embed("kmer:3:stranded", tmp_path / "a.fa", out=tmp_path / "e", config=EmbedConfig(both_strands=True))
    record = encoder_record(load_embeddings(tmp_path / "e").manifest)
    assert record["encoder"] == "kmer:3:stranded" and record["folder"] is None
    assert record["reading"]["both_strands"] is True and "sample" not in record["reading"]
    bases = np.stack([np.frombuffer(text, np.uint8) for text in (b"ACGTTGCA", b"GGCCATTA")])
    np.testing.assert_array_equal(load_recorded(record).encode(bases), made.vectors)


def test_a_run_that_is_gone_or_another_is_refused(tmp_path: Path) -> None:
    record = {"encoder": "run", "folder": str(tmp_path / "run"), "sha256": "0" * 64, "reading": {}}
    with pytest.raises(UserError, match="which is gone"):
        load_recorded(record)
    (tmp_path / "run").mkdir()
    write_manifest(tmp_path / "run", kind="run")
    with pytest.raises(UserError, match="no longer the run that made the vectors"):
        load_recorded(record)


def test_a_run_is_found_wherever_one_stands(bert_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.fa").write_text(f">a\n{'ACGTTGCAGG' * 6}\n")
    monkeypatch.chdir(bert_run.parent)
    made = embed(f"random:{bert_run.name}", tmp_path / "a.fa", out=tmp_path / "e")
    monkeypatch.chdir("/")
    encoder = load_recorded(encoder_record(made.manifest))
    bases = np.frombuffer(b"ACGTTGCAGG" * 6, np.uint8)[None]
    np.testing.assert_allclose(encoder.encode(bases), made.vectors, rtol=1e-5, atol=1e-6)
    assert recorded_word_length(made.manifest) == load_tokenizer(bert_run).k


def test_the_word_length_of_what_has_no_run_stands_in_its_name_or_configuration() -> None:
    def manifest(encoder: str) -> dict:
        return {"config": {"encoder": encoder, "word_length": 5}, "inputs": {}}

    assert [recorded_word_length(manifest(encoder)) for encoder in ("kmer:4", "kmer:6:stranded", "bert")] == [4, 6, 5]


def test_of_a_model_that_is_gone_the_word_length_is_not_known(tmp_path: Path) -> None:
    """It was taken as 1 or as 7, and frames of words that nobody read were tested."""

    def manifest(encoder: str, folder: str) -> dict:
        return {"config": {"encoder": encoder, "word_length": 7}, "inputs": {"encoder": {"path": folder}}}

    for encoder in ("runs/mine", "codebook:runs/mine", "dna:theirs"):
        assert recorded_word_length(manifest(encoder, str(tmp_path / "gone"))) is None
    elsewhere = manifest("codebook:default", "/another/installation/default")
    assert recorded_word_length(elsewhere) == load_tokenizer(DEFAULT_RUN).k != 7


def test_the_packaged_model_is_known_by_its_hash_and_found_where_it_is(tmp_path: Path) -> None:
    (tmp_path / "a.fa").write_text(f">a\n{'ACGTTGCAGG' * 6}\n")
    made = embed("default", tmp_path / "a.fa", out=tmp_path / "e")
    record = encoder_record(made.manifest)
    assert (
        record["sha256"] == sha256(DEFAULT_RUN / "manifest.json")
        and recorded_word_length(made.manifest) == load_tokenizer(DEFAULT_RUN).k
    )
    bases = np.frombuffer(b"ACGTTGCAGG" * 6, np.uint8)[None]
    elsewhere = record | {"folder": "/another/installation/default"}
    np.testing.assert_allclose(load_recorded(elsewhere).encode(bases), made.vectors, rtol=1e-5, atol=1e-6)
    with pytest.raises(UserError, match="no longer the run that made the vectors"):
        load_recorded(elsewhere | {"sha256": "0" * 64})
    # as of before
    np.testing.assert_array_equal(
        load_recorded(record | {"folder": None, "sha256": None}).encode(bases), load_recorded(record).encode(bases)
    )


def test_a_run_may_be_the_folder_that_one_stands_in(
    bert_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.fa").write_text(f">a\n{'ACGTTGCAGG' * 6}\n>b\n{'ACGTAGCAGG' * 6}\n")
    monkeypatch.chdir(bert_run)
    for spec in (".", "kmer:2+random:."):
        made = embed(spec, tmp_path / "a.fa", out=tmp_path / "e", overwrite=True)
        assert bert_run.name in made.manifest["config"]["name"]
        record = encoder_record(made.manifest)
        assert [each["folder"] for each in record.get("parts", [record])][-1] == str(bert_run)


#: Embeds with a model of the Hub, then reads the same again as was recorded: once that the Hub has another revision,
#: and once that the one that was read is gone.
_READ_AGAIN = """
import shutil, sys
from pathlib import Path
import numpy as np
from dnabert.encoders import EmbedConfig, embed, encoder_record, load_encoder, load_recorded
from dnabert.errors import UserError

work, model = Path(sys.argv[1]), Path(sys.argv[1]) / "hub" / "models--me--tiny"
texts = "ACGTTGCAACGTTGCA", "CCATGACCATTTGACG"
(work / "a.fa").write_text("".join(f">{text}\\n{text}\\n" for text in texts))
bases = np.stack([np.frombuffer(text.encode(), np.uint8) for text in texts])
for spec in ("bert:me/tiny", "codebook:bert:me/tiny", "bert:me/tiny+kmer:2"):
    (model / "refs" / "main").write_text("a" * 40)
    made = embed(spec, work / "a.fa", out=work / "e", config=EmbedConfig(precision="fp32"), overwrite=True)
    (model / "refs" / "main").write_text("b" * 40)
    again = load_recorded(encoder_record(made.manifest), folder=work / "e").encode(bases)
    np.testing.assert_array_equal(again, made.vectors)
    assert made.manifest["config"]["revisions"] == {spec.partition("+")[0]: "a" * 40}
assert np.abs(load_encoder("bert:me/tiny").encode(bases) - made.vectors[:, :16]).max() > 0.01
shutil.rmtree(model / "snapshots" / ("a" * 40))
try:
    load_recorded(encoder_record(made.manifest), folder=work / "e")
except UserError as error:
    print(error)
"""


#: The same of the one that a bare `bert` is.
_BARE = _READ_AGAIN.replace("me/tiny", "bert-base-uncased").replace("models--me--tiny", "models--bert-base-uncased")
_BARE = _BARE.replace('"bert:bert-base-uncased"', '"bert"').replace("codebook:bert:bert-base-uncased", "codebook:bert")
_BARE = _BARE.replace('"bert:bert-base-uncased+kmer:2"', '"bert+kmer:2"')


@pytest.mark.parametrize(("name", "code"), [("me/tiny", _READ_AGAIN), ("bert-base-uncased", _BARE)])
def test_a_model_of_the_hub_is_read_in_the_revision_that_was(tmp_path: Path, name: str, code: str) -> None:
    """The newest was, which may be another model."""
    model = tmp_path / "hub" / f"models--{name.replace('/', '--')}"
    for seed, revision in enumerate("ab"):
        folder = model / "snapshots" / (revision * 40)
        torch.manual_seed(seed)
        sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
        BertModel(BertConfig(vocab_size=12, initializer_range=0.5, **sizes)).save_pretrained(folder)
        words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "c", "g", "t", "##a", "##c", "##g"]
        BertTokenizerFast(vocab={word: i for i, word in enumerate(words)}).save_pretrained(folder)
    (model / "refs").mkdir()
    environment = os.environ | {"HF_HUB_CACHE": str(tmp_path / "hub"), "HF_HUB_OFFLINE": "1"}
    command = [sys.executable, "-c", code, str(tmp_path)]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert f"made by revision {'a' * 40} of {name}, which is neither cached nor can be fetched" in ran.stdout


def test_of_a_folder_called_bert_the_hub_is_not_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bert").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("dnabert.encoders.off_the_shelf.hub_default", lambda: pytest.fail("it was"))
    assert revisions_of(["bert", "codebook:bert", "random:bert"]) == {}
