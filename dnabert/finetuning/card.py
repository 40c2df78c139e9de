"""A classifier's card, made from what its fine-tuning recorded: what it tells apart, how well, how it is applied."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from dnabert.finetuning.results import read_kept
from dnabert.manifest import read_manifest
from dnabert.pretraining.card import how_it_was_made
from dnabert.probes.seen_in_training import STRETCH
from dnabert.probes.tasks import told_span

#: Metrics of the card, by their names in ``results.json``, as they are called there.
_METRICS = {
    "mcc": "Matthews' correlation",
    "accuracy": "accuracy",
    "f1": "F1, mean of the classes",
    "auc": "area under the ROC curve",
}
#: The same by the Hub's identifiers.
_IDENTIFIERS = {"mcc": "matthews_correlation", "accuracy": "accuracy", "f1": "f1", "auc": "roc_auc"}


def classifier_card(folder: str | Path, *, name: str, data: str | None = None, license: str | None = None) -> str:
    """Write a classifier's card as the Hugging Face Hub reads it: metadata in YAML, then Markdown.

    Parameters
    ----------
    folder : made by `finetune`.
    name : under which it is loaded: ``OWNER/NAME`` on the Hub.
    data : what it was fine-tuned on, in a sentence; by default the task's name and classes.
    license : the Hub's identifier, such as ``cc-by-4.0``; without one the card states none.

    Raises
    ------
    UserError
        when the folder holds no whole classifier.
    """
    folder = Path(folder)
    manifest = read_manifest(folder, kind="finetuning")
    kept = read_kept(folder)
    # where test lacks a class there is no area
    test = {key: each for key, each in kept.test.items() if each["low"] is not None}
    header = yaml.safe_dump(_metadata(name, kept.task, test, license=license), sort_keys=False)
    config = manifest["config"]
    begun = "fresh weights of the architecture of" if config["fresh"] else "the weights of"
    part = ", its body frozen" if config["freeze"] else ""
    strands = "on both strands, of which the mean is taken" if config["random_strand"] else "on the strand given"
    rows = [
        f"| {told} | {test[key]['value']:.3f} | {test[key]['low']:.3f} to {test[key]['high']:.3f} |"
        for key, told in _METRICS.items()
        if key in test
    ]
    chosen = f"; of {kept.trainings} trainings it is the one that was best on dev" if kept.trainings > 1 else ""
    frequent = "equally frequent, as its training weighed them" if kept.balanced else "as frequent as in training"
    classes = ("; " if any("," in name for name in kept.classes) else ", ").join(kept.classes)
    return f"""---
{header}---

# A classifier of DNA: {kept.task}

Tells apart: {classes}. Made with dnabert's `train/finetune.py` from {begun} {Path(config["run"]).name}{part}.

**Fine-tuned on** {data or f"the training part of the task {kept.task}"}, sequences of {told_span(*kept.lengths)} bases, read {strands}.

## How good it is

On the {kept.test["mcc"]["n"]:,} sequences of the task's test part, with 95% bootstrap intervals{chosen}.

| | value | 95% interval |
|---|---|---|
{chr(10).join(rows)}
{_told_unseen(kept.unseen)}
## How to apply it

```bash
dnabert predict FOLDER new.fa --out predicted.tsv    # FOLDER: this repository, downloaded
```

A pipeline of `transformers` (`pipeline("text-classification", "{name}")`; from version 5 on; of words that overlap, a convolution or an LSTM after
`dnabert.models.register_architectures()`) reads one strand, and a longer sequence whole, or with `truncation=True` its first window.

## How it was made

{how_it_was_made(manifest)}

## Limits

Its probabilities are right where classes are {frequent}, and sequences of the kind and length that it was trained on. It is no basis for medical decisions.
"""


def _told_unseen(unseen: dict[str, Any] | None) -> str:
    if unseen is None:
        return ""
    mcc = unseen["mcc"]
    return f"""
The others may be remembered rather than predicted: on the {mcc["n"]:,} test sequences that share no {STRETCH} bases with a training sequence Matthews' correlation is
{mcc["value"]:.3f} ({mcc["low"]:.3f} to {mcc["high"]:.3f}).
"""


def _metadata(name: str, task: str, test: dict[str, Any], *, license: str | None) -> dict[str, Any]:
    """Of the card's head; https://huggingface.co/docs/hub/model-cards says which keys there are."""
    metrics = [
        {
            "type": _IDENTIFIERS[key],
            "name": f"{told}, 95% interval {test[key]['low']:.4f} to {test[key]['high']:.4f}",
            "value": round(test[key]["value"], 4),
        }
        for key, told in _METRICS.items()
        if key in test
    ]
    result = {
        "task": {"type": "text-classification", "name": "Sequence classification"},
        "dataset": {"type": "genome", "name": task, "split": "test"},
        "metrics": metrics,
    }
    return {
        **({"license": license} if license else {}),
        "library_name": "transformers",
        "pipeline_tag": "text-classification",
        "tags": ["dna", "genomics", "biology", "dnabert"],
        "model-index": [{"name": name.split("/")[-1], "results": [result]}],
    }
