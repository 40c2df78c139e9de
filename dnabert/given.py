"""What a caller gives to a function of the library, where it could be taken for something else: settings, what a stage
gave, and what is to be read."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from dnabert.config import from_mapping
from dnabert.errors import UserError

T = TypeVar("T")

#: What to give in place of an array or a table, by what is read.
_GIVE = {
    "embeddings": "give what dnabert.embed gave; an array of vectors is clustered by dnabert.clusters.cluster_vectors",
    "clusters": "give what dnabert.cluster gave",
    "stability": "give what dnabert.stability gave",
    "explanation": "give what dnabert.explain.explain gave",
    "corpus": "give what dnabert.prepare gave",
    "embeddings or clusters": "give what dnabert.embed or dnabert.cluster gave",
    "comparison or explanation": "give what dnabert.comparison.compare or dnabert.explain.explain gave",
}


class InFolder:
    """What a stage gave: whatever reads its folder takes it in its place."""

    folder: Path

    def __fspath__(self) -> str:
        """Path of the folder."""
        return str(self.folder)


def settings(given: T | Mapping[str, Any] | None, config_class: type[T]) -> T:
    """Settings of a class: as they are, or of a mapping, which is read as strictly as YAML; of nothing the defaults.

    Raises
    ------
    UserError
        naming the class and the key, for a key that it lacks or a value of another type; and for anything else.

    Examples
    --------
    >>> from dnabert.clusters.config import ClusterConfig
    >>> settings({"neighbors": 20}, ClusterConfig) == ClusterConfig(neighbors=20)
    True
    """
    if isinstance(given, config_class):
        return given
    name = config_class.__name__
    if given is None or isinstance(given, Mapping):
        return from_mapping(config_class, given or {})
    if isinstance(given, str | os.PathLike):
        raise UserError(
            f"settings are a {name} or a dict of its fields, not a path: pass dnabert.config.load_yaml({name}, "
            f"{short(os.fspath(given))})"
        )
    raise UserError(
        f"settings are of type {type(given).__name__}, allowed is a {name} or a dict of its fields: pass one of these"
    )


def path_to_read(given: Any, *, allowed: str, instead: str) -> Path:
    """The path of what is to be read, which need not exist.

    Parameters
    ----------
    given : a path, or what has one (a corpus, embeddings, clusters).
    allowed : what may stand at the path, for the message.
    instead : what to do with sequences that are not in a file, for the message.

    Raises
    ------
    UserError
        for a list, a table, an array or another object, or for sequence in place of a path.
    """
    if not isinstance(given, str | os.PathLike):
        raise UserError(
            f"the input is of type {type(given).__name__}, and is read from a path, of {allowed}: {instead}"
        )
    if not os.path.lexists(given) and len(os.fspath(given)) > 30 and set(os.fspath(given).upper()) <= set("ACGTUN"):
        raise UserError(
            f"the input {short(os.fspath(given))} is a sequence, and is read from a path, of {allowed}: {instead}"
        )
    return Path(given)


def stage_folder(given: Any, *, kind: str) -> Path:
    """The folder of what a stage gave, or that is named, which need not exist.

    Parameters
    ----------
    given : a path, or what has one.
    kind : of the stage: ``embeddings``, ``clusters``, ``stability``, ``explanation`` or ``corpus``, or the two of which
        one may be given: ``embeddings or clusters``, ``comparison or explanation``.

    Raises
    ------
    UserError
        for a table, an array or another object.
    """
    return path_to_read(given, allowed=f"{kind} in a folder", instead=_GIVE[kind])


def short(text: str, *, most: int = 60) -> str:
    """A text in quotes, cut where it is long: a sequence in place of a path."""
    return repr(text if len(text) <= most else f"{text[:most]}…")
