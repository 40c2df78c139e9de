"""What tells one recipe of pretraining from another, and whether a run, finished or stopped, is of it."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

from dnabert.errors import UserError
from dnabert.manifest import content_hash
from dnabert.pretraining.config import PretrainConfig

#: Settings that change how a run is computed, or where, and its numbers by rounding at most: with other ones it is not
#: trained again.
_LOOSE = ("overwrite", "resume", "threads", "out")
#: What a run keeps for all its steps; budgets, rates and how often something is done may change when it is gone on
#: with.
_SETTLED = (
    "initial",
    "k",
    "stride",
    "model",
    "batch_size",
    "optimizer",
    "mask_share",
    "least_mask_share",
    "words_per_span",
    "hide",
    "random_phase",
    "random_strand",
    "soft_mask_weight",
    "contrast",
    "evaluation_windows",
    "evaluation_genome",
    "evaluation_mask_share",
    "floor_order",
    "floor_windows",
    "seed",
)


def settings_of(recipe: PretrainConfig) -> dict[str, Any]:
    """What tells a recipe from another, as JSON has it."""
    return tight(json.loads(json.dumps(dataclasses.asdict(recipe))))


def tight(settings: dict[str, Any]) -> dict[str, Any]:
    """Settings without those that change numbers by rounding at most."""
    return {key: value for key, value in settings.items() if key not in _LOOSE}


def corpus_hash(recipe: PretrainConfig) -> str | None:
    """Hash of the corpus that stands there today; None for the demo corpus, which is always the same."""
    return None if recipe.corpus is None else content_hash(recipe.corpus)


def is_made_by(manifest: dict[str, Any], recipe: PretrainConfig) -> bool:
    """Whether a run was made by this recipe, from the corpus that stands there today."""
    same = all(manifest["config"].get(key) == value for key, value in settings_of(recipe).items())
    return same and corpus_hash(recipe) in (None, manifest["inputs"]["corpus"].get("sha256"))


def check_same_run(was: PretrainConfig, config: PretrainConfig) -> None:
    """Refuse to go on with what would make another run of it: half of one curve, under the name of the other.

    Parameters
    ----------
    was : what the run in ``config.out`` was begun with.
    config : what it is to go on with.

    Raises
    ------
    UserError
        when they differ in a setting that a run keeps for all its steps.
    """
    begun = _settled(was)
    for name, wanted in _settled(config).items():
        if begun[name] != wanted:
            passed = _flag(name, begun[name])
            raise UserError(
                f"{config.out} was begun with {passed}, not with {_flag(name, wanted)}: "
                f"pass {passed}, or choose another --out"
            )


def _flag(name: str, value: object) -> str:
    """How a setting is passed, e.g. ``--model.heads 2`` or ``--no-random-phase``."""
    *parts, last = name.replace("_", "-").split(".")
    if isinstance(value, bool):
        return f"--{'.'.join([*parts, last if value else f'no-{last}'])}"
    return f"--{'.'.join([*parts, last])} {value}"


def _settled(config: PretrainConfig) -> dict[str, object]:
    """The values of `_SETTLED`, by flag; a part of the config gives each of its own."""
    values: dict[str, object] = {}
    for name in _SETTLED:
        value = getattr(config, name)
        if dataclasses.is_dataclass(value):
            values |= {f"{name}.{key}": own for key, own in vars(value).items()}
        else:
            values[name] = value
    return values | {"stride": config.stride or config.k}
