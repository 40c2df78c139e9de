"""Strict YAML under flags: who wins, what is refused, and in which words."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dnabert.config import load_yaml, parse, save_yaml, to_yaml
from dnabert.errors import UserError


@dataclass
class Inner:
    """Windows."""

    length: int = 448
    """Bases."""

    def __post_init__(self) -> None:
        if self.length < 1:
            raise UserError(f"--inner.length is {self.length}, allowed is 1 or more")


@dataclass
class Named:
    """A genome."""

    name: str
    genes: str | None = None


@dataclass
class Settings:
    """Settings of a test."""

    learning_rate: float = 1e-3
    """Peak of the schedule."""
    steps: int | None = None
    """Budget."""
    by: Literal["tail", "block"] = "tail"
    """Split."""
    flag: bool = False
    words: list[str] = field(default_factory=list)
    genomes: list[Named] = field(default_factory=list)
    weights: dict[str, float] = field(default_factory=dict)
    inner: Inner = field(default_factory=Inner)
    """The windows."""


@dataclass
class Required:
    """Needs an encoder."""

    encoder: str
    """Which."""
    out: Path = Path("out")


@pytest.fixture
def yaml_file(tmp_path: Path):
    def write(text: str) -> str:
        path = tmp_path / "settings.yaml"
        path.write_text(text)
        return str(path)

    return write


def test_defaults_without_arguments():
    assert parse(Settings, []) == Settings()


@pytest.mark.parametrize("config_first", [True, False])
def test_flags_win_in_any_order(yaml_file, config_first: bool):
    config = ["--config", yaml_file("learning_rate: 2e-3\nsteps: 7\ninner: {length: 100}\n")]
    flags = ["--learning-rate", "0.5", "--inner.length", "9"]
    got = parse(Settings, config + flags if config_first else flags + config)
    assert got == Settings(learning_rate=0.5, steps=7, inner=Inner(9))


def test_yaml_between_flags_and_with_equals_sign(yaml_file):
    got = parse(Settings, ["--flag", f"--config={yaml_file('steps: 3')}", "--steps", "4"])
    assert (got.flag, got.steps) == (True, 4)


def test_a_flag_mends_a_bad_value_of_the_yaml(yaml_file):
    path = yaml_file("inner: {length: 0}")
    assert parse(Settings, ["--config", path, "--inner.length", "5"]).inner.length == 5
    with pytest.raises(UserError, match="inner.length is 0"):
        parse(Settings, ["--config", path])


def test_list_of_dataclasses(yaml_file):
    path = yaml_file("genomes:\n- {name: human, genes: a.gtf}\n- {name: chimp}\n")
    expected = [Named("human", "a.gtf"), Named("chimp")]
    assert load_yaml(Settings, path).genomes == expected
    assert parse(Settings, ["--config", path]).genomes == expected


def test_help_shows_the_values_of_the_yaml(yaml_file, capsys):
    with pytest.raises(SystemExit) as end:
        parse(Settings, ["--help", "--config", yaml_file("steps: 1234")])
    said = capsys.readouterr().out
    assert end.value.code == 0
    assert "1234" in said and "Budget." in said and "--config FILE.yaml" in said


def test_required_field_from_yaml_or_flag(yaml_file):
    assert parse(Required, ["--config", yaml_file("encoder: bert")]).encoder == "bert"
    assert parse(Required, ["--encoder", "bert"]).encoder == "bert"
    with pytest.raises(UserError, match="--encoder"):
        parse(Required, [])
    with pytest.raises(UserError, match="encoder is missing"):
        load_yaml(Required, yaml_file("out: x"))


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["--lerning-rate", "1"], "unknown argument --lerning-rate (did you mean --learning-rate?)"),
        (["--inner.lenght", "1"], "did you mean --inner.length?"),
        (["--inner.lenght=1"], "did you mean --inner.length?"),
        (["stray"], "unknown argument stray"),
        (["--by", "tial"], "'tial'"),
        (["--steps", "x"], "x"),
        (["--config"], "--config needs a file"),
        (["--config", "--steps"], "--config needs a file"),
        (["--config", "no/such.yaml"], "no such file: no/such.yaml"),
        (["--config", "a", "--config", "b"], "given twice"),
    ],
)
def test_a_wrong_argument_is_one_line(argv, said, capsys):
    with pytest.raises(UserError) as error:
        parse(Settings, argv)
    assert said in str(error.value)
    assert "\n" not in str(error.value) and str(error.value).isascii()
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("lerning_rate: 1", "unknown key lerning_rate (did you mean learning_rate?)"),
        ("inner: {lenght: 1}", "unknown key inner.lenght (did you mean length?)"),
        ("genomes: [{name: a, gene: b}]", "unknown key genomes.0.gene (did you mean genes?)"),
        ("zzz: 1", "allowed is learning_rate, steps"),
        ("steps: many", "steps is 'many', allowed is a whole number"),
        ("steps: 1.5", "allowed is a whole number"),
        ("steps: true", "allowed is a whole number"),
        ("learning_rate: fast", "allowed is a number"),
        ("flag: 1", "allowed is true or false"),
        ("by: tial", "allowed is tail or block (did you mean tail?)"),
        ("words: one", "allowed is a list"),
        ("words: [1]", "words.0 is 1, allowed is text"),
        ("inner: 3", "allowed is keys and values"),
        ("weights: {a: b}", "weights.a is 'b', allowed is a number"),
        ("genomes: [{genes: a}]", "genomes.0.name is missing"),
        ("inner: {length: 0}", "--inner.length is 0"),
        ("steps: 1\nsteps: 2", "line 2: steps stands twice"),
        ("- 1", "holds list"),
        ("a: [", "no valid YAML"),
    ],
)
def test_a_wrong_file_is_one_line_that_names_it(yaml_file, text, said):
    path = yaml_file(text)
    with pytest.raises(UserError) as error:
        load_yaml(Settings, path)
    assert said in str(error.value) and path in str(error.value) and "\n" not in str(error.value)


def test_not_text(tmp_path):
    (tmp_path / "x.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UserError, match="cannot read"):
        load_yaml(Settings, tmp_path / "x.yaml")


def test_paths_and_variables_stay_plain_text(yaml_file):
    assert load_yaml(Settings, yaml_file("words: ['${APES}/a.fa', '~/b']")).words == ["${APES}/a.fa", "~/b"]


def test_empty_file_is_all_defaults(yaml_file):
    assert load_yaml(Settings, yaml_file("# nothing\n")) == Settings()


@given(
    st.builds(
        Settings,
        learning_rate=st.floats(allow_nan=False),
        steps=st.none() | st.integers(),
        by=st.sampled_from(["tail", "block"]),
        flag=st.booleans(),
        words=st.lists(st.text(st.characters(codec="utf-8"))),
        genomes=st.lists(st.builds(Named, st.text(), st.none() | st.text())),
        weights=st.dictionaries(st.text(min_size=1), st.floats(allow_nan=False)),
        inner=st.builds(Inner, st.integers(1, 10**6)),
    )
)
def test_yaml_round_trip(tmp_path_factory, config):
    path = tmp_path_factory.mktemp("yaml") / "x.yaml"
    save_yaml(config, path)
    assert load_yaml(Settings, path) == config
    assert to_yaml(load_yaml(Settings, path)) == to_yaml(config)


def test_paths_are_written_as_text(tmp_path):
    save_yaml(Required("bert", Path("a/b")), tmp_path / "x.yaml")
    assert load_yaml(Required, tmp_path / "x.yaml") == Required("bert", Path("a/b"))


@dataclass
class Part:
    share: float = 0.5


@dataclass
class Numbers:
    """Numbers."""

    seed: int = 0
    """Of chance."""
    seeds: list[int] = field(default_factory=lambda: [0])
    """Of several."""
    minutes: float | None = None
    """Of time."""
    step: int = 1
    """Of length."""
    inner: Part = field(default_factory=Part)
    """Of more."""


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["--seed", "-1"], "--seed is -1, allowed is 0 to 4294967295"),
        (["--seeds", "1", "99999999999"], "--seeds is 99999999999, allowed is 0 to 4294967295"),
        (["--minutes", "nan"], "--minutes is nan, allowed is a finite number"),
        (["--inner.share", "inf"], "--inner.share is inf, allowed is a finite number"),
        (["--step", "99999999999999999999"], "--step is 99999999999999999999, allowed is at most"),
    ],
)
def test_numbers_that_no_setting_can_be(argv, said):
    with pytest.raises(UserError, match=re.escape(said)):
        parse(Numbers, argv)
    assert parse(Numbers, ["--seed", "4294967295", "--minutes", "0.5"]).seed == 4294967295
