"""An encoder of the user's own, in a module of the folder where the program runs."""

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from dnabert.encoders import EmbedConfig, embed, load_embeddings, load_encoder
from dnabert.encoders.encoder import inputs_of
from dnabert.encoders.own import code_of
from dnabert.encoders.recorded import encoder_record, load_recorded, recorded_word_length
from dnabert.errors import UserError

CODE = """
import numpy as np

class Letters:
    name, dimension, minimum_length = "counts of A and C", 2, 3
    def encode(self, bases):
        return np.array([[(row == ord("A")).mean(), (row == ord("C")).mean()] for row in bases])

class Wrong(Letters):
    dimension = 3

class Damaged(Letters):
    def encode(self, bases):
        return np.full((len(bases), 2), np.nan)

class AtMostTwo(Letters):
    def encode(self, bases):
        assert len(bases) <= 2
        return super().encode(bases)

def nothing():
    return object()

number = 5
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    (tmp_path / "my_models_of_a_test.py").write_text(CODE)
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    sys.modules.pop("my_models_of_a_test", None)


def ascii(text: str) -> np.ndarray:
    return np.frombuffer(text.encode(), dtype=np.uint8)


def test_its_vectors_on_one_strand_and_on_both(here: Path) -> None:
    sequences = [ascii("AACG"), ascii("AAAAACCCCC")]
    one = load_encoder("python:my_models_of_a_test:Letters")
    np.testing.assert_allclose(one.encode(sequences), [[0.5, 0.25], [0.5, 0.5]])
    both = load_encoder("python:my_models_of_a_test:Letters", config=EmbedConfig(both_strands=True))
    np.testing.assert_allclose(both.encode(sequences), [[0.25, 0.25], [0.25, 0.25]])
    np.testing.assert_allclose(both.encode(np.stack([sequences[0]] * 2)), [[0.25, 0.25]] * 2)
    assert (one.name, one.dimension, str(here) in sys.path) == ("counts of A and C", 2, False)


def test_it_gets_no_more_sequences_at_once_than_asked_for(here: Path) -> None:
    few = load_encoder("python:my_models_of_a_test:AtMostTwo", config=EmbedConfig(batch_size=2, both_strands=True))
    sequences = [ascii(text) for text in ("AACG", "AAAAACCCCC", "CCC", "TTTT", "GAC")]
    expected = load_encoder("python:my_models_of_a_test:Letters", config=EmbedConfig(both_strands=True)).encode(
        sequences
    )
    np.testing.assert_array_equal(few.encode(sequences), expected)
    assert few.encode([]).shape == (0, 2)


def test_vectors_are_recorded_with_the_code_that_made_them(here: Path) -> None:
    (here / "a.fa").write_text(">a\nGATTACA\n>b\nACGCATTGG\n")
    spec = "python:my_models_of_a_test:Letters+kmer:2"
    made = embed(spec, here / "a.fa", out=here / "e")
    assert made.vectors.shape == (2, 12)
    manifest = load_embeddings(here / "e").manifest
    assert inputs_of(spec) == {"encoder 1": here / "my_models_of_a_test.py"}
    assert recorded_word_length(manifest) == 1
    record = encoder_record(manifest)
    again = load_recorded(record, folder=here / "e", trust_code=True).encode([ascii("GATTACA"), ascii("ACGCATTGG")])
    np.testing.assert_allclose(again, made.vectors, atol=1e-6)
    (here / "my_models_of_a_test.py").write_text(CODE + "\n# another\n")
    with pytest.raises(
        UserError, match="my_models_of_a_test.py is no longer the code that made the vectors: embed and cluster again"
    ):
        load_recorded(record, folder=here / "e", trust_code=True)


def test_a_module_of_the_same_name_elsewhere_is_told_apart(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (here / "a.fa").write_text(">a\nGATTACA\n>b\nACGCATTGG\n")
    record = encoder_record(embed("python:my_models_of_a_test:Letters", here / "a.fa", out=here / "e").manifest)
    sys.modules.pop("my_models_of_a_test")
    (here / "other").mkdir()
    (here / "other" / "my_models_of_a_test.py").write_text("# another\n" + CODE)
    monkeypatch.chdir(here / "other")
    with pytest.raises(
        UserError,
        match=(
            "other/my_models_of_a_test.py is not the code that made the vectors, which is .*: start where that stands"
        ),
    ):
        load_recorded(record, trust_code=True)


def test_code_that_a_folder_names_is_not_run_unless_it_is_trusted(here: Path) -> None:
    (here / "code_of_a_stranger.py").write_text(f"import pathlib\npathlib.Path({str(here / 'ran')!r}).touch()\n" + CODE)
    record = {"encoder": "python:code_of_a_stranger:Letters", "folder": None, "sha256": None, "reading": {}}
    joint = {
        "encoder": "joint",
        "parts": [{"encoder": "kmer:2", "folder": None, "sha256": None}, record],
        "reading": {},
    }
    forged = record | {"encoder": "kmer:2+python:code_of_a_stranger:Letters"}
    for each in (record, joint, forged):
        with pytest.raises(
            UserError,
            match=r"the vectors were made by code, .*python:code_of_a_stranger:Letters: pass --trust-code to run it",
        ):
            load_recorded(each, folder=here)
    assert not (here / "ran").exists()
    assert load_recorded(record, trust_code=True).dimension == 2 and (here / "ran").exists()
    sys.modules.pop("code_of_a_stranger")


def test_what_its_constructor_imports_is_found_beside_it(here: Path) -> None:
    (here / "beside_my_models.py").write_text("width = 2\n")
    late = "    def __init__(self):\n        from beside_my_models import width\n        self.dimension = width\n"
    (here / "my_models_of_a_test.py").write_text(CODE + "\nclass Late(Letters):\n" + late)
    assert load_encoder("python:my_models_of_a_test:Late").dimension == 2
    sys.modules.pop("beside_my_models")


def test_a_module_of_this_folder_stands_before_one_that_is_installed(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (here / "installed").mkdir()
    for folder, width in ((here / "installed", 7), (here, 2)):
        (folder / "models_of_two_places.py").write_text(CODE + f"\nLetters.dimension = {width}\n")
    monkeypatch.syspath_prepend(here / "installed")
    assert load_encoder("python:models_of_two_places:Letters").dimension == 2
    assert code_of("python:models_of_two_places:Letters") == here / "models_of_two_places.py"
    sys.modules.pop("models_of_two_places")


def test_a_package_that_misses_something_itself_says_what(here: Path) -> None:
    (here / "package_of_mine").mkdir()
    (here / "package_of_mine" / "__init__.py").write_text("import no_such_dependency\n")
    (here / "package_of_mine" / "models.py").write_text(CODE)
    with pytest.raises(ModuleNotFoundError, match="no_such_dependency"):
        load_encoder("python:package_of_mine.models:Letters")


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        (
            "python:my_models_of_a_test",
            "name a module and what makes an encoder in it, such as python:my_models:MyEncoder",
        ),
        ("python:.my_models_of_a_test:Letters", "name a module and what makes an encoder in it"),
        (
            "python:my_models_of_a_test.py:Letters",
            "is a file: start where it stands and name its module, python:my_models_of_a_test:Letters",
        ),
        ("python:no_such_module_here:X", "no module no_such_module_here in .* or among what is installed"),
        ("python:no_such.module:X", "no module no_such.module in"),
        ("python:my_models_of_a_test:Nobody", "my_models_of_a_test has no function or class Nobody"),
        ("python:my_models_of_a_test:number", "my_models_of_a_test has no function or class number"),
        (
            "python:my_models_of_a_test:nothing",
            "what nothing gives has no name, dimension, minimum_length, encode: see dnabert.encoders.Encoder",
        ),
        ("codebook:python:my_models_of_a_test:Letters", "a codebook is of a model's states"),
        ("python", "did you mean python:MODULE:NAME"),
    ],
)
def test_what_is_no_encoder(here: Path, spec: str, said: str) -> None:
    with pytest.raises(UserError, match=said):
        load_encoder(spec)


def test_a_folder_without_a_file_of_its_own_has_no_code(here: Path) -> None:
    (here / "folder_of_mine").mkdir()
    assert code_of("python:folder_of_mine:X") is None and inputs_of("python:folder_of_mine:X") == {}
    with pytest.raises(UserError, match="folder_of_mine has no function or class X"):
        load_encoder("python:folder_of_mine:X")


def test_what_it_cannot_be_asked_and_must_not_give(here: Path) -> None:
    with pytest.raises(
        UserError,
        match="--phases is 2, but python:my_models_of_a_test:Letters reads sequences in its own way: leave it out",
    ):
        load_encoder("python:my_models_of_a_test:Letters", config=EmbedConfig(phases=2))
    with pytest.raises(
        UserError, match=r"gave vectors of shape \(1, 2\), not \(1, 3\): correct its encode or dimension"
    ):
        load_encoder("python:my_models_of_a_test:Wrong").encode([ascii("ACGT")])
    with pytest.raises(UserError, match="gave vectors that are no numbers"):
        load_encoder("python:my_models_of_a_test:Damaged").encode([ascii("ACGT")])
    with pytest.raises(UserError, match="has 2 bases, fewer than a word of the encoder"):
        load_encoder("python:my_models_of_a_test:Letters").encode([ascii("AC")])
