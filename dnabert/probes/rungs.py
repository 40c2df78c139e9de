"""Frozen vectors of every rung on labelled tasks: how much of the labels a simple classifier reads from them."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnabert.command import plain
from dnabert.config import save_yaml
from dnabert.corpus.shuffle import shuffle_dinucleotides
from dnabert.encoders import fitted_on, load_encoder
from dnabert.encoders.arrays import check_length
from dnabert.encoders.config import EmbedConfig
from dnabert.encoders.encoder import inputs_of, run_folder
from dnabert.encoders.rungs import RungConfig, check_rung, resolve_rungs
from dnabert.encoders.whitening import fit_whitening, white_columns
from dnabert.probes.config import ProbeConfig
from dnabert.probes.probe import probe
from dnabert.probes.tasks import Task, read_tasks, tasks_inputs
from dnabert.probes.unseen import score_unseen, told_unseen
from dnabert.stage import stage


def run_probes(config: ProbeConfig) -> Path:
    """Probe every rung on every task; the folder made.

    It holds ``probes.json`` (a record of each task, rung and classifier), ``probes.tsv`` (a line of each of their
    metrics) and ``config.yaml``.

    Raises
    ------
    UserError
        for tasks, encoders or a run that cannot be read, before any is probed.
    """
    tasks = read_tasks(config.tasks, seed=config.seed)
    rungs = resolve_rungs(config.rungs, run=config.run)
    inputs = tasks_inputs(config.tasks)
    inputs |= {"run": run_folder(config.run)} if config.run else {}
    inputs |= {f"{rung.name}, {name}": folder for rung in rungs for name, folder in inputs_of(rung.encoder).items()}
    with stage(config.out, kind="probes", config=config, inputs=inputs, overwrite=config.overwrite) as folder:
        save_yaml(config, folder / "config.yaml")
        _check_rungs(rungs, tasks, seed=config.seed)
        records = []
        for task in tasks:
            print(task.summary())
            records += [record for rung in rungs for record in _probed(task, rung, config)]
        (folder / "probes.json").write_text(json.dumps(plain(records), indent=1, allow_nan=False) + "\n")
        (folder / "probes.tsv").write_text(_table(records))
    return Path(config.out)


def _check_rungs(rungs: list[RungConfig], tasks: list[Task], *, seed: int) -> None:
    """Refuse an encoder that cannot read the tasks, as `check_rung` does."""
    shortest = {
        task.name: min(len(sequence) for part in (task.train, task.dev, task.test) for sequence in part.sequences)
        for task in tasks
    }

    def check_lengths(minimum: int) -> None:
        for name, length in shortest.items():
            check_length(length, minimum=minimum, name=f"the shortest sequence of {name}")

    for rung in rungs:
        check_rung(rung, EmbedConfig(seed=seed), check_lengths=check_lengths)


def _probed(task: Task, rung: RungConfig, config: ProbeConfig) -> list[dict[str, Any]]:
    """Embed a task with a rung and fit every classifier: one record each, printed as it comes."""
    vectors, records = _vectors(task, rung, seed=config.seed), []
    for classifier in config.classifiers:
        found = probe(
            task,
            vectors,
            classifier=classifier,
            class_weights=config.class_weights,
            resamples=config.resamples,
            seed=config.seed,
        )
        record = {"task": task.name, "rung": rung.name, "encoder": rung.encoder, "dimension": vectors["train"].shape[1]}
        records.append(record | {"classifier": classifier, "setting": found.setting, "scores": _plain(found.scores)})
        unseen = score_unseen(task, found.test, resamples=config.resamples, seed=config.seed)
        records[-1]["unseen"] = unseen and _plain(unseen)
        mcc = found.scores["mcc"]
        print(
            f"{task.name}: {rung.name}, {classifier}: MCC {mcc.value:.3f} [{mcc.low:.3f}, {mcc.high:.3f}], n = "
            f"{mcc.n:,}{told_unseen(unseen['mcc'] if unseen else None)}"
        )
    return records


def _vectors(task: Task, rung: RungConfig, *, seed: int) -> dict[str, NDArray[np.float32]]:
    """Vectors of each part, read as the rung reads; what has to be fitted, a whitening too, is fitted on train."""
    sequences = {name: getattr(task, name).sequences for name in ("train", "dev", "test")}
    first = 0
    for name, own in sequences.items():
        if rung.shuffle:
            sequences[name] = shuffle_dinucleotides(own, rows=np.arange(first, first + len(own)), seed=seed)
        first += len(own)
    encoder = fitted_on(load_encoder(rung.encoder, config=rung.embedding(EmbedConfig(seed=seed))), sequences["train"])
    vectors = {name: encoder.encode(own) for name, own in sequences.items()}
    if not rung.whiten:
        return vectors
    whitening = fit_whitening(vectors["train"], power=rung.whiten, white=white_columns(encoder))
    return {name: whitening(own) for name, own in vectors.items()}


def _plain(scores: dict[str, Any]) -> dict[str, dict[str, float]]:
    return {name: asdict(score) for name, score in scores.items()}


def _table(records: list[dict[str, Any]]) -> str:
    """One line per task, rung, classifier and metric."""
    head = ("task", "rung", "encoder", "dimension", "classifier", "setting")
    lines = ["\t".join([*head, "metric", "value", "low", "high", "n"])]
    for record in records:
        for metric, score in record["scores"].items():
            numbers = [f"{score[name]:.6g}" for name in ("value", "low", "high", "n")]
            lines.append("\t".join([*(str(record[name]) for name in head), metric, *numbers]))
    return "\n".join(lines) + "\n"
