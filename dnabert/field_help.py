"""What ``--help`` says of each setting: the docstring below its field, however it is broken into lines."""

from __future__ import annotations

import ast
import dataclasses
import functools
import inspect
import itertools
import re
import textwrap
from collections.abc import Iterable
from types import MappingProxyType


def give_help(config_classes: Iterable[type]) -> None:
    """Tell tyro the docstrings of dataclasses' fields, each paragraph in one line.

    tyro reads them by itself, but takes the indentation of a second line for a break that is meant, and its help ends
    lines in the middle of a sentence. It prefers what a field's metadata has under ``help``.

    Examples
    --------
    >>> from dnabert.models.config import ModelConfig
    >>> give_help([ModelConfig])
    >>> "\\n" in {field.name: field.metadata["help"] for field in dataclasses.fields(ModelConfig)}["architecture"]
    False
    """
    for config_class in config_classes:
        texts = _texts(config_class)
        for field in dataclasses.fields(config_class):  # type: ignore[arg-type]
            if field.name in texts and "help" not in field.metadata:
                field.metadata = MappingProxyType({**field.metadata, "help": texts[field.name]})


@functools.cache
def _texts(config_class: type) -> dict[str, str]:
    """The docstring below each field, of the class and those that it extends."""
    texts: dict[str, str] = {}
    for each in reversed(config_class.__mro__):
        if dataclasses.is_dataclass(each):
            body = ast.parse(textwrap.dedent(inspect.getsource(each))).body[0].body  # type: ignore[attr-defined]
            for field, below in itertools.pairwise(body):
                if (
                    isinstance(field, ast.AnnAssign)
                    and isinstance(field.target, ast.Name)
                    and isinstance(below, ast.Expr)
                    and isinstance(below.value, ast.Constant)
                    and isinstance(below.value.value, str)
                ):
                    texts[field.target.id] = _unbroken(below.value.value)
    return texts


def _unbroken(text: str) -> str:
    """A text whose paragraphs are each in one line.

    Examples
    --------
    >>> print(_unbroken("One line\\n    and its second.\\n\\n    Another paragraph."))
    One line and its second.
    <BLANKLINE>
    Another paragraph.
    """
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in re.split(r"\n\s*\n", text.strip()))
