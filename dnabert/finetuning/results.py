"""What a fine-tuning recorded of the classifier that it kept."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dnabert.errors import UserError
from dnabert.json_file import read_json
from dnabert.manifest import read_manifest


@dataclass(frozen=True)
class Kept:
    """The training whose model stands in a classifier's folder.

    Attributes
    ----------
    task, classes : what it tells apart.
    test : metric to ``value``, ``low``, ``high`` and ``n`` on the task's test sequences.
    unseen : the same on those that share no 30 bases with a training sequence; None where all do so, or it is not
        known.
    lengths : fewest and most bases of the sequences it learned from.
    trainings : how many there were, of which it was best on dev.
    balanced : whether every class weighed alike in the loss, so that probabilities are those of classes equally
        frequent.
    """

    task: str
    classes: list[str]
    test: dict[str, Any]
    unseen: dict[str, Any] | None
    lengths: tuple[int, int]
    trainings: int
    balanced: bool


def read_kept(folder: Path) -> Kept:
    """Read a classifier's ``results.json``, and of its manifest how classes weighed.

    Raises
    ------
    UserError
        when there is no classifier, or it does not say which training was kept.
    """
    balanced = read_manifest(folder, kind="finetuning")["config"].get("class_weights") == "balanced"
    results = read_json(folder / "results.json")
    try:
        kept = next(of_seed for of_seed in results["seeds"] if of_seed["seed"] == results["kept"])
        shortest, longest = results["lengths"]
        return Kept(
            results["task"],
            results["classes"],
            kept["test"],
            kept.get("unseen"),
            (int(shortest), int(longest)),
            len(results["seeds"]),
            balanced,
        )
    except (KeyError, StopIteration, TypeError, ValueError):
        raise UserError(
            f"{folder / 'results.json'} does not say which training was kept, an older dnabert made it: fine-tune again"
        ) from None
