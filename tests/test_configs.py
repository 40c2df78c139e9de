"""Every shipped YAML file loads strictly, and comes back equal from its resolved form."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

from dnabert.config import load_yaml, save_yaml
from dnabert.corpus.config import CorpusConfig
from dnabert.flags import parse
from dnabert.pretraining.config import PretrainConfig
from dnabert.pretraining.sweep import SweepConfig

ROOT = Path(__file__).parent.parent
FILES = sorted((ROOT / "configs").glob("*/*.yaml"))


def script(path: str) -> ModuleType:
    """Import a script by its path, as its own folder is on no import path."""
    name = path.replace("/", "_").removesuffix(".py")
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, ROOT / path)
        assert spec is not None and spec.loader is not None
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


def config_class(kind: str) -> type:
    classes = {"pretrain": PretrainConfig, "corpus": CorpusConfig, "sweep": SweepConfig}
    return classes[kind] if kind in classes else script("eval/compare.py").CompareConfig


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_loads(path, tmp_path):
    if path.parent.name == "accelerate":
        from accelerate.commands.config.config_args import load_config_from_file

        load_config_from_file(str(path))
        return
    config = load_yaml(config_class(path.parent.name), path)
    assert parse(type(config), ["--config", str(path)]) == config
    save_yaml(config, tmp_path / "resolved.yaml")
    assert load_yaml(type(config), tmp_path / "resolved.yaml") == config


def test_there_are_some_of_each_kind():
    assert {"pretrain", "corpus", "compare", "sweep"} <= {path.parent.name for path in FILES}


def test_no_file_names_a_place_that_only_we_have():
    assert not [str(path) for path in FILES if any(word in path.read_text() for word in ("/work", "/home", "/root"))]


PRETRAIN = [path for path in FILES if path.parent.name == "pretrain"]


@pytest.mark.parametrize("path", PRETRAIN, ids=lambda path: path.name)
def test_every_value_of_a_pretraining_says_why_it_is_so(path):
    lines = path.read_text().splitlines()
    values = [line for line in lines if line.partition(":")[2].strip() and not line.startswith("#")]
    assert len(values) >= 10
    assert not [line for line in values if not line.partition(" # ")[2].strip()]
