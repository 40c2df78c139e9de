"""What tells one recipe of pretraining from another, and whether a finished run is of it."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

from dnabert.manifest import content_hash
from dnabert.pretraining.config import PretrainConfig

#: Settings that change how a run is computed, or where, and its numbers by rounding at most: with other ones it is not
#: trained again.
_LOOSE = ("overwrite", "resume", "threads", "out")


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
