"""Flags over YAML over defaults: who wins, what is refused, and in which words."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pytest

from dnabert.errors import UserError
from dnabert.flags import parse


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


@dataclass
class Annotated:
    """A genome with its genes."""

    name: str
    """Of the genome."""
    genes: str | None = None


@dataclass
class Groups:
    """Genomes."""

    genomes: list[Annotated] = field(default_factory=list)


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
    genomes: list[Named] = field(default_factory=list)
    inner: Inner = field(default_factory=Inner)
    """The windows."""


@dataclass
class Clustering:
    """Of windows."""

    min_dist: float = 0.1
    neighbors: int = 15

    def __post_init__(self) -> None:
        if self.min_dist > 1:
            raise UserError(f"--min-dist is {self.min_dist}, allowed is 0 to 1: pass --min-dist 0.1")


@dataclass
class Twice:
    """Two groups of one kind."""

    ladder_cluster: Clustering = field(default_factory=Clustering)
    map_cluster: Clustering = field(default_factory=Clustering)
    k: int = 7

    def __post_init__(self) -> None:
        if self.k > 8:
            raise UserError(f"--k is {self.k}, allowed is 1 to 8: pass --k 7")


@dataclass
class Required:
    """Needs an encoder."""

    encoder: str
    """Which."""
    out: Path = Path("out")


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


def test_list_of_dataclasses_from_yaml(yaml_file):
    path = yaml_file("genomes:\n- {name: human}\n- {name: chimp}\n")
    assert parse(Settings, ["--config", path]).genomes == [Named("human"), Named("chimp")]


def test_help_shows_the_values_of_the_yaml(yaml_file, capsys):
    with pytest.raises(SystemExit) as end:
        parse(Settings, ["--help", "--config", yaml_file("steps: 1234")])
    said = capsys.readouterr().out
    assert end.value.code == 0
    assert "1234" in said and "Budget." in said and "--config FILE.yaml" in said


def test_what_a_group_of_the_yaml_lacks_is_told_as_a_key_not_as_a_flag(yaml_file):
    with pytest.raises(UserError, match=r"^genomes\.0\.name is missing in the YAML file: add it; see --help$"):
        parse(Groups, ["--config", yaml_file("genomes:\n- {genes: a.gtf}\n")])


def test_required_field_from_yaml_or_flag(yaml_file):
    assert parse(Required, ["--config", yaml_file("encoder: bert")]).encoder == "bert"
    assert parse(Required, ["--encoder", "bert"]).encoder == "bert"
    with pytest.raises(UserError, match="--encoder"):
        parse(Required, [])


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["--lerning-rate", "1"], "unknown argument --lerning-rate (did you mean --learning-rate?)"),
        (["--inner.lenght", "1"], "did you mean --inner.length?"),
        (["--inner.lenght=1"], "did you mean --inner.length?"),
        (["stray"], "unknown argument stray"),
        (["--by", "tial"], "'tial'"),
        (["--steps", "x"], "'x' is no whole number"),
        (["--steps", "1e3"], "'1e3' is no whole number"),
        (["--steps"], "--steps has no value"),
        (
            ["--learning-rate", "--steps", "3"],
            '--learning-rate has no value (one that begins with a hyphen is joined to it: --learning-rate="-x"); see '
            "--help",
        ),
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


@pytest.mark.parametrize(
    ("yaml", "argv", "said"),
    [
        (
            "map_cluster: {min_dist: 2}",
            [],
            "own.yaml: --map-cluster.min-dist is 2.0, allowed is 0 to 1: pass --map-cluster.min-dist 0.1",
        ),
        (
            "k: 6",
            ["--ladder-cluster.min-dist", "2"],
            "--ladder-cluster.min-dist is 2.0, allowed is 0 to 1: pass --ladder-cluster.min-dist 0.1",
        ),
        ("k: 9", ["--map-cluster.neighbors", "4"], "own.yaml: --k is 9, allowed is 1 to 8: pass --k 7"),
    ],
)
def test_a_mistake_names_its_group_and_the_file_that_has_it(tmp_path, monkeypatch, yaml, argv, said):
    monkeypatch.chdir(tmp_path)
    Path("own.yaml").write_text(yaml)
    with pytest.raises(UserError) as error:
        parse(Twice, ["--config", "own.yaml", *argv])
    assert str(error.value) == said


def test_a_flag_mends_what_a_file_has_wrong_and_checks_are_back_afterwards(tmp_path):
    path = tmp_path / "own.yaml"
    path.write_text("map_cluster: {min_dist: 2}")
    assert parse(Twice, ["--config", str(path), "--map-cluster.min-dist", "0.5"]).map_cluster.min_dist == 0.5
    with pytest.raises(UserError):
        Clustering(min_dist=2)
