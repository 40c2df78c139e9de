"""Scripts by which a shell completes ``dnabert`` with the Tab key."""

from __future__ import annotations

import contextlib
import dataclasses
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Union

import tyro

from dnabert.command import FLAGS
from dnabert.field_help import give_help

#: tyro's function for bash offers no files where an argument without a flag stands; readline does, where nothing else
#: fits.
_BASH_FILES = """

_dnabert() {
  _tyro_dnabert
  [[ ${#COMPREPLY[@]} -ne 1 || -n ${COMPREPLY[0]} ]] || COMPREPLY=()
}
complete -o default -F _dnabert dnabert"""


def completion_script(shell: str, commands: Mapping[str, type]) -> str:
    """Write a shell's script that completes subcommands, flags, choices and file names.

    The script holds what it completes, so that Tab need not start dnabert; it needs a `python3` on the path.

    Parameters
    ----------
    shell : ``bash``, ``zsh`` or ``fish``.
    commands : subcommand to the dataclass of its arguments.

    Examples
    --------
    >>> from dnabert.models.config import ModelConfig
    >>> "--hidden-size" in completion_script("bash", {"build": ModelConfig})
    True
    """
    alike = {name: _with_common_flags(arguments) for name, arguments in commands.items()}
    subcommands = [
        Annotated[each, tyro.conf.subcommand(name=name, description=(commands[name].__doc__ or name).splitlines()[0])]
        for name, each in alike.items()
    ]
    union: Any = Union[tuple(subcommands)] if len(subcommands) > 1 else alike[next(iter(alike))]  # noqa: UP007
    give_help([*commands.values()])
    written = io.StringIO()
    with contextlib.redirect_stdout(written), contextlib.suppress(SystemExit):
        tyro.cli(union, args=["--tyro-print-completion", shell], prog="dnabert")
    return written.getvalue().rstrip("\n") + (_BASH_FILES if shell == "bash" else "")


def _with_common_flags(arguments: type) -> type:
    """Beside a command's own arguments, those that are read before them."""
    config = Annotated[Path | None, tyro.conf.arg(help="YAML file of settings")]
    flags = [
        (
            flag.removeprefix("--"),
            Annotated[bool, tyro.conf.arg(help=meaning), tyro.conf.FlagCreatePairsOff],
            dataclasses.field(default=False),
        )
        for flag, meaning in FLAGS.items()
    ]
    fields = [("config", config, dataclasses.field(default=None)), *flags]
    made = dataclasses.make_dataclass(arguments.__name__, fields, bases=(arguments,), kw_only=True)
    made.__doc__ = arguments.__doc__
    return made
