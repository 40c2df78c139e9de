"""Parts of an explanation that was stopped: read again where all that they depend on is the same, and gone when the
result stands."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

import pytest

from dnabert import kept_parts as module
from dnabert.kept_parts import kept_parts


def stopped(out: Path, *, made_of: object = 1, **values: object) -> dict[str, object]:
    """Make some parts, or read them, and be stopped; what they were."""
    found = {}
    with contextlib.suppress(KeyboardInterrupt), kept_parts(out, made_of=made_of) as kept:
        for name, value in values.items():
            found[name] = kept.once(name, lambda value=value: value)
        raise KeyboardInterrupt
    return found


def test_a_part_is_made_once_and_gone_when_all_is_done(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stopped(tmp_path / "out", a=(1, 0.1), b={2: None})
    assert (
        capsys.readouterr().err
        == f"what is done is kept in {tmp_path / '.out.parts'}: the same command goes on with it\n"
    )
    with kept_parts(tmp_path / "out", made_of=1) as kept:
        assert kept.once("a", pytest.fail) == [1, 0.1] and kept.once("b", pytest.fail) == {"2": None}
        assert (
            kept.once("c", lambda: (3,)) == [3] and kept.found == ["a", "b"] and list(kept.seconds) == ["a", "b", "c"]
        )
    assert capsys.readouterr().err == f"goes on with what is kept in {tmp_path / '.out.parts'}\n"
    assert not list(tmp_path.iterdir())


def test_nothing_is_left_where_nothing_was_done(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stopped(tmp_path / "out")
    assert not list(tmp_path.iterdir()) and capsys.readouterr().err == ""


def test_a_part_of_something_else_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "out"
    assert stopped(out, made_of={"pairs": 20}, a=1) == stopped(out, made_of={"pairs": 20}, a=2) == {"a": 1}
    assert stopped(out, made_of={"pairs": 21}, a=2) == {"a": 2}
    monkeypatch.setattr(module, "versions", lambda: {"numpy": "another"})
    assert stopped(out, made_of={"pairs": 21}, a=3) == {"a": 3}
    monkeypatch.setattr(module, "_code", lambda: "a line was changed")
    assert stopped(out, made_of={"pairs": 21}, a=4) == {"a": 4}


@pytest.mark.parametrize("damaged", ["", "[]", '{"key": 1', '{"key": "x"}'])
def test_a_damaged_part_is_made_again(tmp_path: Path, damaged: str) -> None:
    stopped(tmp_path / "out", a=1)
    (tmp_path / ".out.parts" / "a.json").write_text(damaged)
    with kept_parts(tmp_path / "out", made_of=1) as kept:
        assert kept.once("a", lambda: 2) == 2


def test_what_another_process_keeps_is_left_to_it(tmp_path: Path) -> None:
    with kept_parts(tmp_path / "out", made_of=1) as first:
        first.once("a", lambda: 1)
        with kept_parts(tmp_path / "out", made_of=1) as second:
            assert second.once("a", lambda: 2) == 2
        assert json.loads((tmp_path / ".out.parts" / "a.json").read_text())["value"] == 1
    assert not list(tmp_path.iterdir())
