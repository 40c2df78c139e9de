"""What ``--help`` says of a setting: sentences flow, whatever the lines of their docstring."""

from __future__ import annotations

from dataclasses import dataclass, fields

import pytest

from dnabert.arguments import EmbedArguments
from dnabert.field_help import give_help
from dnabert.flags import parse


@dataclass
class Wide:
    """Settings of a test."""

    length: int = 448
    """Bases of a window, which is cut
    where the last one ends.

    A second paragraph: `stride` begins a line, and
    `length` another."""
    plain: int = 1


@dataclass
class Wider(Wide):
    """Settings that extend others."""

    length: int = 500
    """Of this
    class."""
    other: int = 2
    """Its own."""


def _told(config_class: type) -> dict[str, str]:
    give_help([config_class])
    return {field.name: field.metadata.get("help") for field in fields(config_class)}


def test_paragraphs_are_kept_and_lines_are_not() -> None:
    assert _told(Wide) == {
        "length": "Bases of a window, which is cut where the last one ends.\n\n"
        "A second paragraph: `stride` begins a line, and `length` another.",
        "plain": None,
    }


def test_a_class_that_extends_another_tells_of_its_own_field() -> None:
    assert _told(Wider) == {"length": "Of this class.", "plain": None, "other": "Its own."}


def test_help_of_a_command_does_not_end_a_line_within_a_sentence(capsys, monkeypatch) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    with pytest.raises(SystemExit):
        parse(EmbedArguments, ["--help"], prog="dnabert embed")
    told = " ".join(capsys.readouterr().out.split("ENCODER  ")[1].split("INPUT  ")[0].split("\n"))
    assert len(told) > 300  # of five lines, and with them the blanks that fill the box
    lines = [line.strip() for line in told.split("   ") if line.strip()]
    assert all(len(line) > 60 for line in lines[:-1]), lines
