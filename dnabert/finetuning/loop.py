"""The fine-tuning itself, from a run and a task to a classifier's folder; read `finetune` top to bottom."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from dnabert.command import plain
from dnabert.config import save_yaml
from dnabert.errors import UserError
from dnabert.finetuning.classifier import Start, build_classifier, read_start
from dnabert.finetuning.config import FinetuneConfig
from dnabert.finetuning.kept_trainings import made_of, train_the_rest
from dnabert.finetuning.training import Trained, build_accelerator
from dnabert.given import settings
from dnabert.kept_parts import kept_parts
from dnabert.models.build import read_unknown_as_hidden
from dnabert.models.loading import without_bar
from dnabert.models.precision import state_of_its_own
from dnabert.probes import Task, read_task, score, score_unseen, task_inputs
from dnabert.probes.unseen import told_unseen
from dnabert.stage import stage


@state_of_its_own()
def finetune(config: FinetuneConfig | Mapping[str, Any]) -> Path:
    """Fine-tune a classifier and return its folder.

    The folder holds ``config.yaml``, ``metrics.jsonl`` (the curve of every seed), ``results.json`` (scores on test with
    bootstrap intervals, of every seed and of their mean, and as ``unseen`` on the part of test that shares no 30 bases
    with train, which seed was kept, and between how many and how many bases train has) and the model of the best seed
    on dev, with its tokenizer, in the Hugging Face format:
    ``AutoModelForSequenceClassification.from_pretrained(folder)``. One process: labelled sets are small.

    Where it is stopped, the seeds that were trained stay beside that folder, in ``.NAME.parts``, until the same
    fine-tuning is asked for again, which trains the others.

    A sequence longer than the run's windows is read in tiles, and its logits are the mean of theirs; a pipeline of
    transformers reads it whole, or with ``truncation=True`` its first window. A word with an unknown base is read as a
    hidden one, by a pipeline too: [UNK] has the vector of [MASK].

    Raises
    ------
    UserError
        for a run, task or folder that cannot work.
    """
    config = settings(config, FinetuneConfig)
    if config.task is None:
        raise UserError("no task is named: pass --task FOLDER with train.csv, dev.csv and test.csv")
    start = read_start(config.run, fresh=config.fresh, architecture=config.architecture)
    task = read_task(config.task)
    accelerator = build_accelerator(config)
    inputs = {"run": start.run, **task_inputs(config.task)}
    with stage(config.out, kind="finetuning", config=config, inputs=inputs, overwrite=config.overwrite) as out:
        save_yaml(config, out / "config.yaml")
        print(task.summary(), file=sys.stderr)
        with kept_parts(config.out, made_of=made_of(config, inputs, accelerator=accelerator)) as kept:
            trained = train_the_rest(task, start, config=config, accelerator=accelerator, kept=kept)
            _write(out, start, task, trained, config=config)
    return Path(config.out)


def _write(out: Path, start: Start, task: Task, trainings: Iterable[Trained], *, config: FinetuneConfig) -> None:
    results, trained = [], []
    for found in trainings:
        test = score(task.test.labels, found.test, resamples=config.resamples, seed=found.seed)
        unseen = score_unseen(task, found.test, resamples=config.resamples, seed=found.seed)
        results.append(
            {"seed": found.seed, "epoch": found.epoch, "dev_mcc": found.dev_mcc, "test": test, "unseen": unseen}
        )
        trained.append(found)
        _tell(results[-1])
    mean = score(task.test.labels, [found.test for found in trained], resamples=config.resamples)
    best = max(trained, key=lambda each: (each.dev_mcc, -each.dev_loss))
    _save(out, start, task, best, dropout=config.dropout)
    (out / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for seed in trained for row in seed.curve))
    lengths = [len(sequence) for sequence in task.train.sequences]
    told = {
        "task": task.name,
        "classes": task.classes,
        "lengths": [min(lengths), max(lengths)],
        "kept": best.seed,
        "seeds": results,
        "mean": mean,
    }
    (out / "results.json").write_text(json.dumps(plain(told), indent=1, allow_nan=False) + "\n")


def _tell(result: dict[str, Any]) -> None:
    mcc = result["test"]["mcc"]
    unseen = result["unseen"]["mcc"] if result["unseen"] else None
    print(
        f"seed {result['seed']}: best of dev in epoch {result['epoch']}; test MCC {mcc.value:.3f} [{mcc.low:.3f}, "
        f"{mcc.high:.3f}], n = {mcc.n:,}{told_unseen(unseen)}",
        file=sys.stderr,
    )


def _save(out: Path, start: Start, task: Task, best: Trained, *, dropout: float) -> None:
    model = build_classifier(start, task.classes, dropout=dropout, seed=best.seed)
    model.load_state_dict({name: value.cpu() for name, value in best.state.items()})
    read_unknown_as_hidden(model, tokenizer=start.tokenizer)  # as it was trained and scored
    with without_bar():
        model.save_pretrained(out)
    start.tokenizer.model_max_length = start.most_words + 2
    start.tokenizer.save_pretrained(out)
