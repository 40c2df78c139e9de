"""What fine-tuning brings on labelled tasks, beside the untrained model, a convolution and counting; read `classify`
top to bottom."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from accelerate import Accelerator
from numpy.typing import NDArray

from dnabert.clusters.bootstrap import Score
from dnabert.command import plain
from dnabert.config import save_yaml
from dnabert.encoders import EmbedConfig, fitted_on, load_encoder
from dnabert.encoders.encoder import inputs_of
from dnabert.errors import UserError
from dnabert.finetuning.classifier import Start, read_start
from dnabert.finetuning.config import ClassifyConfig
from dnabert.finetuning.kept_trainings import made_of
from dnabert.finetuning.training import Trained, build_accelerator, train
from dnabert.given import settings
from dnabert.kept_parts import KeptParts, kept_parts
from dnabert.models.precision import state_of_its_own
from dnabert.probes import Task, probe, read_tasks, score, score_difference, score_unseen, tasks_inputs
from dnabert.probes.seen_in_training import STRETCH
from dnabert.stage import stage

#: Probabilities (n, classes) of the test sequences, and what dev chose.
_Answer: TypeAlias = tuple[NDArray[np.float64], float]


@dataclass(frozen=True)
class _Row:
    """One classifier's answers on one task."""

    name: str
    test: list[NDArray[np.float64]]  # probabilities (n, classes), one array per training
    chosen: list[float]  # by dev: the epoch of each training, or the inverse strength of the ridge
    seconds: float


@dataclass(frozen=True)
class _Asked:
    """A task, the `number`-th, and where answers to it are kept."""

    task: Task
    config: ClassifyConfig
    kept: KeptParts
    number: int

    def part(self, *names: object) -> str:
        """Where an answer is kept, by number: the names of tasks and runs may be of any letters."""
        return "_".join(map(str, ("task", self.number, *names)))

    def once(self, part: str, answer: Callable[[], _Answer]) -> _Answer:
        """An answer as kept, or made now."""
        test, chosen = self.kept.once(part, lambda: [*map(plain, answer())])
        return np.array(test), chosen


@state_of_its_own()
def classify(config: ClassifyConfig | Mapping[str, Any]) -> Path:
    """Fine-tune a run on labelled tasks, train what is cheaper on the same, and return the folder with the comparison.

    It holds ``table.md`` (also told), ``scores.tsv`` (a line per task, classifier and metric), ``differences.tsv`` (the
    fine-tuned run minus each other classifier, paired), ``results.json`` (all of it, and every seed's) and
    ``config.yaml``.

    Where it is stopped, the trainings that were done stay beside that folder, in ``.NAME.parts``, until the same is
    asked for again, which does the others.

    Raises
    ------
    UserError
        for a run, encoder, task or folder that cannot work.
    """
    config = settings(config, ClassifyConfig)
    starts = _starts(config)
    encoders = {spec: load_encoder(spec, config=EmbedConfig(precision=config.precision)) for spec in config.frozen}
    tasks = read_tasks(config.tasks)
    accelerator = build_accelerator(config)
    inputs = _inputs(config, starts)
    with stage(config.out, kind="classifiers", config=config, inputs=inputs, overwrite=config.overwrite) as out:
        save_yaml(config, out / "config.yaml")
        records = []
        with kept_parts(config.out, made_of=made_of(config, inputs, accelerator=accelerator)) as kept:
            for number, task in enumerate(tasks):
                print(task.summary(), file=sys.stderr)
                asked = _Asked(task, config, kept, number)
                rows = [*_trained(asked, starts, accelerator=accelerator), *_frozen(asked, encoders)]
                records.append(_record(task, rows, config))
        (out / "results.json").write_text(json.dumps(plain(records), indent=1, allow_nan=False) + "\n")
        (out / "scores.tsv").write_text(_tsv(records, "scores"))
        (out / "differences.tsv").write_text(_tsv(records, "differences"))
        table = "\n".join(_markdown(record) for record in records)
        (out / "table.md").write_text(table)
        print(table)
    return Path(config.out)


def _starts(config: ClassifyConfig) -> dict[str, Start]:
    """Name to beginning of everything that is trained; the run that the question is about comes first."""
    starts = {"fine-tuned run": read_start(config.run), "untrained": read_start(config.run, fresh=True)}
    for architecture in config.architectures:
        starts[f"{architecture}, untrained"] = read_start(config.run, fresh=True, architecture=architecture)
    for run in config.more_runs:
        path = Path(run).absolute()
        free = [name for name in (path.name, f"{path.parent.name}/{path.name}") if f"fine-tuned {name}" not in starts]
        if not free:
            raise UserError(f"two of --more-runs have the same name ({Path(run).name}): rename a folder")
        starts[f"fine-tuned {free[0]}"] = read_start(run)
    return starts


def _inputs(config: ClassifyConfig, starts: dict[str, Start]) -> dict[str, Path]:
    inputs = tasks_inputs(config.tasks)
    inputs |= {f"run {number}": run for number, run in enumerate(dict.fromkeys(start.run for start in starts.values()))}
    return inputs | {
        f"frozen {spec}, {name}": folder for spec in config.frozen for name, folder in inputs_of(spec).items()
    }


def _trained(asked: _Asked, starts: dict[str, Start], *, accelerator: Accelerator) -> Iterator[_Row]:
    for place, (name, start) in enumerate(starts.items()):
        parts = {seed: asked.part("start", place, "seed", seed) for seed in asked.config.seeds}
        left = [seed for seed, part in parts.items() if not asked.kept.holds(part)] or asked.config.seeds
        config, told = replace(asked.config, seeds=left), f"{asked.task.name}, {name}, "
        fresh = train(asked.task, start, config=config, accelerator=accelerator, name=told)  # one when it is asked for
        yield _told(asked, name, {part: asked.once(part, partial(_next, fresh)) for part in parts.values()})


def _next(trainings: Iterator[Trained]) -> _Answer:
    trained = next(trainings)
    return trained.test, trained.epoch


def _frozen(asked: _Asked, encoders: dict[str, Any]) -> Iterator[_Row]:
    for place, (spec, encoder) in enumerate(encoders.items()):
        part, answer = asked.part("frozen", place), partial(_read_off, encoder, asked.task, asked.config)
        yield _told(asked, f"{spec}, logistic regression", {part: asked.once(part, answer)})


def _read_off(encoder: Any, task: Task, config: ClassifyConfig) -> _Answer:
    fitted_on(encoder, task.train.sequences)
    vectors = {part: encoder.encode(getattr(task, part).sequences) for part in ("train", "dev", "test")}
    found = probe(task, vectors, classifier="logistic", class_weights=config.class_weights, resamples=0)
    return found.test, found.setting


def _told(asked: _Asked, name: str, found: dict[str, _Answer]) -> _Row:
    """What was found, by the part in which it is kept, as a row; its score is told."""
    task, seconds = asked.task, sum(asked.kept.seconds[part] for part in found)
    row = _Row(name, [test for test, _ in found.values()], [chosen for _, chosen in found.values()], seconds)
    mcc = score(task.test.labels, row.test, resamples=0)["mcc"].value
    print(f"{task.name}, {row.name}: test MCC {mcc:.3f}, {row.seconds:.0f} s", file=sys.stderr)
    return row


def _record(task: Task, rows: list[_Row], config: ClassifyConfig) -> dict[str, Any]:
    """Plain JSON values: scores of each row and, paired, the first row minus each other."""
    labels, resamples = task.test.labels, config.resamples
    unseen = [score_unseen(task, row.test, resamples=resamples) for row in rows]
    scores = [
        {
            "classifier": row.name,
            **_plain(score(labels, row.test, resamples=resamples)),
            "unseen": apart and _plain(apart),
            "chosen": row.chosen,
            "seconds": round(row.seconds, 1),
            "each": [
                {name: found.value for name, found in score(labels, test, resamples=0).items()} for test in row.test
            ],
        }
        for row, apart in zip(rows, unseen, strict=True)
    ]
    first, *others = rows
    differences = [
        {
            "classifier": first.name,
            "baseline": row.name,
            **_plain(score_difference(labels, first.test, row.test, resamples=resamples)),
        }
        for row in others
    ]
    return {
        "task": task.name,
        "summary": task.summary(),
        "classes": task.classes,
        "scores": scores,
        "differences": differences,
    }


def _plain(scores: dict[str, Score]) -> dict[str, Any]:
    return {"metrics": {name: found.as_dict() for name, found in scores.items()}}


def _tsv(records: list[dict[str, Any]], part: str) -> str:
    """One line per task, classifier (and baseline) and metric."""
    names = ["classifier", "baseline"] if part == "differences" else ["classifier"]
    lines = ["\t".join(["task", *names, "metric", "value", "low", "high", "n"])]
    for record in records:
        for row in record[part]:
            for metric, found in row["metrics"].items():
                numbers = [f"{found[name]:.6g}" for name in ("value", "low", "high", "n")]
                lines.append("\t".join([record["task"], *(row[name] for name in names), metric, *numbers]))
    return "\n".join(lines) + "\n"


def _markdown(record: dict[str, Any]) -> str:
    """A task's table: metrics with intervals, and how far the first classifier is ahead of each."""
    ahead = {row["baseline"]: _interval(row["metrics"]["mcc"], sign="+") for row in record["differences"]}
    unseen = record["scores"][0]["unseen"]
    apart = (
        f" MCC on the {unseen['metrics']['mcc']['n']:,} that share no {STRETCH} bases with train |" if unseen else ""
    )
    lines = [
        record["summary"],
        "",
        f"| classifier | MCC | accuracy | F1 | AUC | MCC of the fine-tuned run minus this |{apart}",
        "|---|---|---|---|---|---|" + ("---|" if unseen else ""),
    ]
    for row in record["scores"]:
        cells = [_interval(row["metrics"][metric]) for metric in ("mcc", "accuracy", "f1", "auc")]
        trainings = f" ({len(row['each'])} seeds)" if len(row["each"]) > 1 else ""
        own = f" {_interval(row['unseen']['metrics']['mcc'])} |" if unseen else ""
        lines.append(
            f"| {row['classifier']}{trainings} | {' | '.join(cells)} | {ahead.get(row['classifier'], '')} |{own}"
        )
    return "\n".join(lines) + "\n"


def _interval(found: dict[str, float], *, sign: str = "") -> str:
    if math.isnan(found["value"]):  # where test lacks one of several classes there is no area
        return ""
    return f"{found['value']:{sign}.3f} [{found['low']:.3f}, {found['high']:.3f}]".replace("-", "−")
