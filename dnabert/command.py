"""How a command speaks: a result on stdout, notes and progress on stderr, or JSON alone, or nothing."""

from __future__ import annotations

import contextlib
import dataclasses
import io
import json
import math
import os
import re
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

from dnabert.errors import Caution
from dnabert.flags import parse

T = TypeVar("T")

#: Turns that a thread of GNU's OpenMP, torch's on Linux, makes for the others before it sleeps. It makes 300,000 by
#: default, a millisecond at every one of a step's hundreds of meetings; where another process has a core, each of these
#: takes it away from the thread that is waited for.
_SPINS = ("GOMP_SPINCOUNT", "1000")
#: Flags of every command, and what ``--help`` says of them.
FLAGS = {
    "--json": "write the result to stdout as one line of JSON, and nothing else there",
    "--quiet": "write nothing but errors, and with --json the result",
    "--version": "say which dnabert this is, and stop",
}


@dataclasses.dataclass(frozen=True)
class Result:
    """What a command gives.

    Attributes
    ----------
    facts : for ``--json``: plain values, arrays and paths, by name.
    text : for people, on stdout; by default ``facts["out"]``, what was made; empty where all was said on the way.
    notes : for people, lines on stderr.
    """

    facts: Mapping[str, Any]
    text: str | None = None
    notes: Sequence[str] = ()


def run_command(
    config_class: type[T],
    work: Callable[[T], Result],
    argv: Sequence[str] | None = None,
    *,
    prog: str,
    description: str = "",
) -> None:
    """Read a command's arguments, do its work, and say what came out as ``--json`` and ``--quiet`` ask.

    Of several processes that ``accelerate launch`` or ``torchrun`` started, the first speaks.

    Parameters
    ----------
    config_class, argv, prog, description : see `dnabert.flags.parse`.
    work : gets the arguments read.

    Raises
    ------
    UserError
        for wrong arguments, or from `work`.
    """
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault(*_SPINS)  # read when torch is loaded, which is later
    given = list(sys.argv[1:] if argv is None else argv)
    wanted = {flag for flag in FLAGS if flag in given}
    # a shell expands ~ at the beginning of a word, and not every one in --out=~/corpus
    words = [
        re.sub(r"^(--[\w.-]+=)?~(?=/|$)", lambda found: (found[1] or "") + os.path.expanduser("~"), word)
        for word in given
        if word not in FLAGS
    ]
    if "--version" in wanted:
        print(version_line())
        return
    told = "\n".join(f"{flag}: {meaning}." for flag, meaning in FLAGS.items())
    config = parse(config_class, words, prog=prog, description=description, epilogue=told, others=tuple(FLAGS))
    with _listening(quiet="--quiet" in wanted, json_only="--json" in wanted):
        result = work(config)
    if is_first_process():
        _show(result, prog=prog, quiet="--quiet" in wanted, as_json="--json" in wanted)


def is_first_process() -> bool:
    """Whether this process is alone, or the first of those that ``accelerate launch`` or ``torchrun`` started."""
    return os.environ.get("RANK", "0") == "0"


def version_line() -> str:
    """``dnabert`` and its version."""
    import dnabert

    return f"dnabert {dnabert.__version__}"


def plain(value: Any) -> Any:
    """Make a value of what JSON has: paths become text, arrays lists, what is no finite number null.

    Examples
    --------
    >>> from pathlib import Path
    >>> plain({"out": Path("a/b"), 3: (float("nan"), 0.5)})
    {'out': 'a/b', '3': [None, 0.5]}
    """
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        value = dataclasses.asdict(value)
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    if hasattr(value, "tolist"):  # numpy's arrays and scalars, without importing it
        value = value.tolist()
    if isinstance(value, (list, tuple)):
        return [plain(each) for each in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if value is None or isinstance(value, (bool, int, float, str)) else str(value)


@contextlib.contextmanager
def _listening(*, quiet: bool, json_only: bool) -> Iterator[None]:
    """Send what the work prints where it belongs; an exception passes, so that errors are always heard."""
    with contextlib.ExitStack() as stack:
        if quiet:
            stack.enter_context(warnings.catch_warnings())
            warnings.simplefilter("ignore")
            stack.enter_context(contextlib.redirect_stderr(_Nowhere()))
            stack.enter_context(contextlib.redirect_stdout(_Nowhere()))
        else:
            stack.callback(setattr, warnings, "showwarning", warnings.showwarning)
            warnings.showwarning = partial(_show_warning, otherwise=warnings.showwarning)
            if json_only:
                stack.enter_context(contextlib.redirect_stdout(sys.stderr))
        yield


def _show_warning(
    message: Warning | str, category: type[Warning], *place: Any, otherwise: Callable[..., None], **more: Any
) -> None:
    """Our own cautions in a line; of a library's warnings one wants to know where they come from."""
    if issubclass(category, Caution):
        print(f"warning: {message}", file=sys.stderr)
    else:
        otherwise(message, category, *place, **more)


class _Nowhere(io.StringIO):
    """A stream that keeps nothing; a logger that was set up meanwhile may go on writing to it."""

    def write(self, text: str) -> int:
        return len(text)


def _show(result: Result, *, prog: str, quiet: bool, as_json: bool) -> None:
    if not quiet:
        for note in result.notes:
            print(note, file=sys.stderr)
    if as_json:
        print(
            json.dumps({"command": prog, "version": version_line().split()[1], **plain(result.facts)}, allow_nan=False)
        )
    elif not quiet and result.text != "":
        print(result.facts["out"] if result.text is None else result.text)
