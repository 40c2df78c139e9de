"""FSDP2 on two real processes: what it trains, writes and goes on from is what one process would."""

import dataclasses
import json
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForMaskedLM

from dnabert.config import save_yaml
from dnabert.errors import UserError
from dnabert.models.build import register_architectures
from dnabert.models.config import ModelConfig
from dnabert.pretraining import pretrain
from dnabert.pretraining.checkpoints import checkpoints
from dnabert.pretraining.config import ContrastConfig, PretrainConfig

# Each process: the runs of the files that are named, one after the other; the end of one would end the group of
# processes.
_DRIVER = """
import sys
from accelerate import Accelerator
Accelerator.end_training = lambda self: None
from dnabert.config import load_yaml
from dnabert.pretraining import pretrain
from dnabert.pretraining.config import PretrainConfig
for path in sys.argv[1:]:
    pretrain(load_yaml(PretrainConfig, path))
"""
_SMALL = ModelConfig(hidden_size=32, layers=2, heads=2, intermediate_size=32)
#: Odd numbers of layers and rows do not divide by two; a small norm clips every gradient.
_CHANGES = {
    "modernbert": {},
    "bert": {
        "model": ModelConfig(architecture="bert", hidden_size=32, layers=3, heads=2, intermediate_size=33),
        "accumulation": 2,
        "clip_gradient": 0.05,
    },
    "adamw": {
        "model": dataclasses.replace(_SMALL, architecture="convolution"),
        "optimizer": "adamw",
        "learning_rate": 4e-4,
    },
    "lstm": {"model": dataclasses.replace(_SMALL, architecture="lstm"), "batch_size": 6},  # for three processes too
    "contrast": {"contrast": ContrastConfig(weight=0.5)},
}


def metrics(run, key="train_bits_per_base"):
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    return [line[key] for line in lines if key in line]


def same(a, b, **tolerance):
    assert a.keys() == b.keys()
    for name in a:
        torch.testing.assert_close(a[name], b[name], **tolerance)


ROUNDING = {"rtol": 1e-3, "atol": 1e-4}


def sharded(folder, *configs, processes=2, **environment):
    """Run configs, one after the other, in processes that each hold a part."""
    (folder / "driver.py").write_text(_DRIVER)
    paths = [str(folder / f"{number}.yaml") for number in range(len(configs))]
    for config, path in zip(configs, paths, strict=True):
        save_yaml(config, path)
    command = [
        sys.executable,
        "-m",
        "torch.distributed.run",
        "--nproc_per_node",
        str(processes),
        "--master_port",
        "29617",
    ]
    launched = {
        "ACCELERATE_USE_CPU": "true",
        "ACCELERATE_USE_FSDP": "true",
        "FSDP_VERSION": "2",
        "OMP_NUM_THREADS": "1",
    }
    return subprocess.run(
        [*command, str(folder / "driver.py"), *paths],
        env=os.environ | launched | environment,
        capture_output=True,
        text=True,
    )


def stopped_at_4(run, copy):
    """A copy of a finished run of six steps as it would be, had it been killed after its fourth."""
    shutil.copytree(run, copy)
    (copy / "manifest.json").unlink()
    shutil.rmtree(copy / "checkpoints" / "step-000000006")
    return copy


@pytest.fixture(scope="module")
def pairs(small_corpus, tmp_path_factory):
    """Of each name: the run of one process, and the run of two that shard it."""
    folder = tmp_path_factory.mktemp("sharded")

    def config(name, kind, **changes):
        options = {"steps": 6, "warmup_steps": 2, "evaluate_every": 3, "evaluation_windows": 10, "checkpoint_every": 2}
        options |= {
            "k": 4,
            "batch_size": 8,
            "floor_order": 2,
            "log_every": 1,
            "tracker": "none",
            "threads": 1,
            "precision": "fp32",
        }
        return PretrainConfig(
            **(options | {"corpus": str(small_corpus), "out": str(folder / kind / name), "model": _SMALL} | changes)
        )

    runs = {
        name: (pretrain(config(name, "alone", **changes)), folder / "two" / name) for name, changes in _CHANGES.items()
    }
    start = {"initial": str(runs["modernbert"][0])}
    more = {"initial": start, "resumed": {"resume": "auto"}}
    runs["initial"] = (pretrain(config("initial", "alone", **start)), folder / "two" / "initial")
    runs["resumed"] = (runs["modernbert"][0], folder / "two" / "resumed")
    stopped_at_4(*runs["resumed"])
    ran = sharded(folder, *(config(name, "two", **changes) for name, changes in (_CHANGES | more).items()))
    assert ran.returncode == 0, ran.stderr
    assert "Warning" not in ran.stderr
    return runs, config


@pytest.mark.parametrize("name", [*_CHANGES, "initial", "resumed"])
def test_two_processes_that_shard_train_what_one_does(pairs, name):
    alone, two = pairs[0][name]
    np.testing.assert_allclose(metrics(alone), metrics(two), rtol=1e-5)
    key = "validation_bits_per_base"
    np.testing.assert_allclose(metrics(alone, key), metrics(two, key), rtol=1e-4)
    assert len(metrics(two)) == 6 and metrics(two)[-1] != metrics(two)[0]
    for file in (
        "model.safetensors",
        "checkpoints/step-000000006/model.safetensors",
        "checkpoints/step-000000006/optimizer.safetensors",
    ):
        same(load_file(alone / file), load_file(two / file), **ROUNDING)
    assert sorted(p.name for p in alone.iterdir()) == sorted(p.name for p in two.iterdir())
    assert (alone / "config.json").read_text() == (two / "config.json").read_text()


def test_places_are_found_as_by_one_process(pairs):
    alone, two = pairs[0]["contrast"]
    for key in ("train_contrast_nats", "validation_found_first"):
        np.testing.assert_allclose(metrics(alone, key), metrics(two, key), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name", list(_CHANGES))
def test_a_sharded_run_loads_like_any_other(pairs, name):
    register_architectures()
    model, loading = AutoModelForMaskedLM.from_pretrained(pairs[0][name][1], output_loading_info=True)
    assert not loading["missing_keys"] and not loading["unexpected_keys"]
    assert type(model) is type(AutoModelForMaskedLM.from_pretrained(pairs[0][name][0]))
    logits = model(torch.arange(5, 17)[None]).logits
    assert logits.shape == (1, 12, 261) and logits.isfinite().all()


def test_one_process_goes_on_from_a_sharded_checkpoint(pairs, tmp_path):
    runs, config = pairs
    copy = stopped_at_4(runs["bert"][1], tmp_path / "copy")
    pretrain(config("bert", "alone", **_CHANGES["bert"] | {"out": str(copy), "resume": "auto"}))
    same(load_file(copy / "model.safetensors"), load_file(runs["bert"][0] / "model.safetensors"), **ROUNDING)
    np.testing.assert_allclose(metrics(copy), metrics(runs["bert"][0]), rtol=1e-5)


@pytest.mark.slow
def test_a_sharded_run_goes_on_exactly_and_three_processes_do_to_rounding(pairs, tmp_path):
    runs, config = pairs
    two = runs["lstm"][1]
    for processes, tolerance in ((2, {"rtol": 0, "atol": 0}), (3, ROUNDING)):
        folder = tmp_path / str(processes)
        copy = stopped_at_4(two, folder / "copy")
        changed = {"out": str(copy), "resume": "auto"}
        ran = sharded(
            folder,
            config("lstm", "two", **_CHANGES["lstm"] | changed),
            processes=processes,
            FSDP_RESHARD_AFTER_FORWARD="false",
        )
        assert ran.returncode == 0, ran.stderr
        same(load_file(copy / "model.safetensors"), load_file(two / "model.safetensors"), **tolerance)
        assert [path.name for path in checkpoints(copy)] == ["step-000000004", "step-000000006"]


@pytest.mark.parametrize(
    ("environment", "line"),
    [
        (
            {"FSDP_VERSION": "1"},
            "in its version 1: launch with --config_file configs/accelerate/many_gpus.yaml.*or "
            "configs/accelerate/fsdp2.yaml",
        ),
        (
            {"FSDP_OFFLOAD_PARAMS": "true"},
            "fsdp_offload_params is true, which is not done here: set it to false in the --config_file",
        ),
        ({}, "this one is alone: accelerate launch --config_file configs/accelerate/fsdp2.yaml"),
    ],
)
def test_what_cannot_be_sharded_is_refused_before_anything_is_begun(config, monkeypatch, tmp_path, environment, line):
    for name, value in ({"ACCELERATE_USE_FSDP": "true", "FSDP_VERSION": "2"} | environment).items():
        monkeypatch.setenv(name, value)
    with pytest.raises(UserError, match=line):
        pretrain(config())
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("variable", "name"), [("ACCELERATE_USE_DEEPSPEED", "DeepSpeed"), ("ACCELERATE_USE_MEGATRON_LM", "Megatron-LM")]
)
def test_other_ways_to_share_a_model_are_refused_before_anything_is_begun(
    config, monkeypatch, tmp_path, variable, name
):
    monkeypatch.setenv(variable, "true")
    with pytest.raises(
        UserError,
        match=(
            f"{name} cannot train this: launch with --config_file configs/accelerate/many_gpus.yaml.*or "
            "configs/accelerate/fsdp2.yaml"
        ),
    ):
        pretrain(config())
    assert not (tmp_path / "run").exists()


def test_version_1s_word_for_resharding_is_refused(config, tmp_path):
    ran = sharded(tmp_path, config(), processes=1, FSDP_RESHARD_AFTER_FORWARD="FULL_SHARD")
    assert "fsdp_reshard_after_forward is full_shard, allowed in version 2 is true or false" in ran.stderr
    assert not (tmp_path / "run").exists()
