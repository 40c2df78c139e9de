"""Strict YAML: what is refused, and in which words."""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from transformers import PretrainedConfig

from dnabert.clusters.config import ClusterConfig
from dnabert.config import field_types, load_yaml, save_yaml, to_yaml
from dnabert.corpus.config import SplitConfig
from dnabert.encoders.config import EmbedConfig
from dnabert.errors import UserError
from dnabert.models.config import ModelConfig
from dnabert.pretraining.config import PretrainConfig


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


def test_list_of_dataclasses(yaml_file):
    path = yaml_file("genomes:\n- {name: human, genes: a.gtf}\n- {name: chimp}\n")
    expected = [Named("human", "a.gtf"), Named("chimp")]
    assert load_yaml(Settings, path).genomes == expected


def test_required_field(yaml_file):
    assert load_yaml(Required, yaml_file("encoder: bert")).encoder == "bert"
    with pytest.raises(UserError, match="encoder is missing"):
        load_yaml(Required, yaml_file("out: x"))


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


def test_a_group_of_a_file_says_its_dotted_flag(tmp_path):
    from dnabert.comparison.config import CompareConfig

    path = tmp_path / "own.yaml"
    path.write_text("map_cluster: {map_min_dist: 2}")
    with pytest.raises(
        UserError,
        match=r"own.yaml: --map-cluster.map-min-dist is 2.0, allowed is 0 to 1: pass --map-cluster.map-min-dist 0.1",
    ):
        load_yaml(CompareConfig, path)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: ClusterConfig(seed=-1), "--seed is -1, allowed is 0 to 4294967295: pass --seed 0"),
        (
            lambda: ClusterConfig(components=2.5),
            "ClusterConfig: components is 2.5, allowed is a whole number: correct components",
        ),
        (lambda: SplitConfig(validation=0.0), "SplitConfig: validation is 0.0, allowed is a list: correct validation"),
        (
            lambda: SplitConfig(by="region", validation="chr1"),
            "SplitConfig: validation is 'chr1', allowed is a list: correct validation",
        ),
        (lambda: EmbedConfig(genomes="human"), "EmbedConfig: genomes is 'human', allowed is a list: correct genomes"),
        (lambda: EmbedConfig(whiten=np.nan), "--whiten is nan, allowed is a finite number: pass another"),
        (
            lambda: PretrainConfig(model="bert"),
            "PretrainConfig: model is 'bert', allowed is keys and values: correct model",
        ),
    ],
)
def test_what_is_built_in_python_is_as_strict(make, said):
    with pytest.raises(UserError) as caught:
        make()
    assert str(caught.value) == said


def test_what_numpy_and_pathlib_give_is_written_as_yaml(tmp_path):
    config = PretrainConfig(
        corpus=tmp_path, tokens=np.int64(1000), learning_rate=np.float32(0.5), model=ModelConfig(layers=np.int32(2))
    )
    save_yaml(config, tmp_path / "config.yaml")
    assert load_yaml(PretrainConfig, tmp_path / "config.yaml") == config
    assert EmbedConfig(splits=("train",), genomes=np.array(["human"])) == EmbedConfig(
        splits=["train"], genomes=["human"]
    )


def test_every_config_checks_its_types():
    import dnabert

    modules = [importlib.import_module(each.name) for each in pkgutil.walk_packages(dnabert.__path__, "dnabert.")]
    configs = {
        each
        for module in modules
        for name, each in vars(module).items()
        if name.endswith("Config") and is_dataclass(each) and each.__module__.startswith("dnabert")
    }
    assert len(configs) > 20
    for each in configs:
        if not issubclass(each, PretrainedConfig):
            required = {
                field.name: "a"
                for field in fields(each)
                if field.default is MISSING and field.default_factory is MISSING
            }
            with pytest.raises(UserError, match=f"^{each.__name__}: "):
                each(**required | {next(iter(field_types(each))): object()})
