"""What an earlier stage wrote and somebody damaged is one line, whoever reads it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from dnabert.corpus.loading import Corpus
from dnabert.errors import UserError
from dnabert.json_file import read_own, read_own_lines
from dnabert.pretraining.card import last_scores
from dnabert.pretraining.curve import last_evaluation


@pytest.mark.parametrize(
    ("read", "file", "content"),
    [
        (read_own, "", "{"),
        (read_own, "", "[" * 100_000),
        (read_own, "", None),
        (read_own_lines, "", '{"step": 1}\n{"step"'),
        (read_own_lines, "", "3\n"),
        (last_evaluation, "metrics.jsonl", '{"step": 1}\n{'),
        (last_evaluation, "metrics.jsonl", None),
        (last_scores, "floors.json", "x"),
    ],
)
def test_a_damaged_file_is_named_with_the_mend(
    read: Callable[[Path], object], file: str, content: str | None, tmp_path: Path
) -> None:
    path = tmp_path / (file or "some.json")
    if content is not None:
        path.write_text(content)
    with pytest.raises(UserError, match=rf"{path.name} cannot be read \(.+\): make {tmp_path} again") as caught:
        read(tmp_path if file else path)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 600


@pytest.mark.parametrize(("content", "said"), [("[", "cannot be read"), ('[{"genom": 3}]', "is of something else")])
def test_a_damaged_summary_of_a_corpus(content: str, said: str, tmp_path: Path) -> None:
    corpus = Corpus()
    corpus.folder = tmp_path
    (tmp_path / "summary.json").write_text(content)
    with pytest.raises(UserError, match=f"summary.json {said}"):
        corpus.describe()
